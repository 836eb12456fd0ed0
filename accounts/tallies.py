"""How many events there were each day, so that a chart need not read millions of them.

The last two days are counted again on every run, and whatever has been left out since the last one. To count
everything anew, empty the table.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Count, Max, QuerySet

from accounts.event_words import REFUSED
from accounts.models import DailyCount, Event
from accounts.moments import first_id_at, milliseconds_of, time_of

DAY = timedelta(days=1)
# A transaction that began on a day may end on the next, with an identifier of the day before.
COUNTED_AGAIN = 2
_ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtext('accounts.tallies'))"


def count_days(today: date) -> int:
    """Count every day that may have changed, each in a transaction of its own; how many there were."""
    days = list(_uncounted(today))
    for day in days:
        count_day(day)
    return len(days)


@transaction.atomic
def count_day(day: date) -> None:
    """Replace the counts of one day by what the trail has now."""
    with connection.cursor() as cursor:
        cursor.execute(_ONE_AT_A_TIME)
    DailyCount.objects.filter(day=day).delete()
    events = Event.objects.filter(id__gte=_first_id(day), id__lt=_first_id(day + DAY)).order_by()
    totals = events.values("organisation_id", "action").annotate(count=Count("id"))
    DailyCount.objects.bulk_create(DailyCount(day=day, reason="", **total) for total in totals)
    DailyCount.objects.bulk_create(
        DailyCount(day=day, action=REFUSED, organisation_id=organisation, reason=reason, count=count)
        for (organisation, reason), count in _count_reasons(events.filter(action=REFUSED)).items()
    )


def _uncounted(today: date) -> Iterator[date]:
    first = Event.objects.order_by("id").first()
    if first is None:
        return
    counted = DailyCount.objects.aggregate(last=Max("day"))["last"]
    day = counted - (COUNTED_AGAIN - 1) * DAY if counted else _day_of(first.id)
    while day <= today:
        yield day
        day += DAY


def _count_reasons(refusals: QuerySet[Event]) -> Counter[tuple[UUID | None, str]]:
    """In how many refusals each problem was named. In SQL, a body that somebody spoilt would be an error."""
    named: Counter[tuple[UUID | None, str]] = Counter()
    for refusal in refusals.only("organisation_id", "body").iterator(chunk_size=2_000):
        problems = refusal.facts.get("problems")
        if isinstance(problems, dict):
            named.update((refusal.organisation_id, reason) for reason in problems)
    return named


def _first_id(day: date) -> UUID:
    return first_id_at(datetime.combine(day, time(), UTC))


def _day_of(event_id: UUID) -> date:
    return time_of(1000 * milliseconds_of(event_id)).date()
