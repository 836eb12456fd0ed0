"""Charts for auditors: how many predictions and refusals there were, and why panels were refused."""

from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import Q, QuerySet, Sum
from django.utils.translation import gettext as _

from accounts.charts import Axis, Bars, Chart, Point, Series
from accounts.event_words import MADE, REFUSED
from accounts.models import DailyCount
from accounts.timeline import Scope

reason_words: dict[str, str] = {}
"""What the reasons are called, to be translated: other rooms know theirs."""

VOLUME_DAYS, REASON_DAYS = 90, 30
TICKS = tuple(range(-VOLUME_DAYS, 1, 15))


@dataclass(frozen=True)
class Volume:
    """Predictions and refusals of each day, the last first, and their drawing."""

    days: list[tuple[date, int, int]]
    chart: Chart


def volume(scope: Scope, today: date) -> Volume:
    """What there was on each of the last 90 days, today included."""
    counts = _counts(scope, today, VOLUME_DAYS).filter(reason="").values_list("day", "action")
    found = {(day, action): total for day, action, total in counts.annotate(total=Sum("count"))}
    days = [today - timedelta(days=ago) for ago in range(VOLUME_DAYS)]
    rows = [(day, found.get((day, MADE), 0), found.get((day, REFUSED), 0)) for day in days]
    return Volume(rows, _draw_volume(rows))


def reasons(scope: Scope, today: date) -> Bars | None:
    """In how many refusals of the last 30 days each problem was named; nothing where there were none."""
    counts = _counts(scope, today, REASON_DAYS).exclude(reason="").values_list("reason")
    found = Counter(dict(counts.annotate(total=Sum("count"))))
    rows = tuple((_words(reason), total) for reason, total in found.most_common())
    description = ", ".join(f"{reason}: {total}" for reason, total in rows)
    return Bars("reasons", _("Refusals by reason"), description, rows) if rows else None


def _words(reason: str) -> str:
    """A reason that nobody foresaw goes by its own name."""
    return _(reason_words[reason]) if reason in reason_words else reason.replace("_", " ")


def _counts(scope: Scope, today: date, days: int) -> QuerySet[DailyCount]:
    seen = Q() if scope is None else Q(organisation_id__in=scope)
    since = today - timedelta(days=days)
    return DailyCount.objects.filter(seen, day__gt=since, day__lte=today, action__in=(MADE, REFUSED))


def _draw_volume(rows: list[tuple[date, int, int]]) -> Chart:
    made, refused = [row[1] for row in rows], [row[2] for row in rows]
    return Chart(
        "volume",
        _("Predictions and refusals a day"),
        _(
            "Predictions: {made}, refusals: {refused}, in {days} days; at most {most_made} and "
            "{most_refused} on one day."
        ).format(
            made=sum(made),
            refused=sum(refused),
            days=VOLUME_DAYS,
            most_made=max(made),
            most_refused=max(refused),
        ),
        Axis(_("Days before today"), TICKS),
        Axis.counting(_("Events"), max(*made, *refused)),
        (_series(_("Predictions"), made), _series(_("Refusals"), refused)),
    )


def _series(label: str, counts: list[int]) -> Series:
    points = tuple(Point(-ago, count) for ago, count in reversed(list(enumerate(counts))))
    return Series(label, points, "line")
