"""The auditors' charts show what the trail holds, of the days and organisations that they should."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection

from accounts import audit_charts, ledger, tallies
from accounts.models import DailyCount, Event, Person
from accounts.moments import microseconds_of

pytestmark = pytest.mark.django_db

CHARTS = "/admin/accounts/event/charts/"
TODAY = date(2026, 6, 30)


@pytest.fixture
def record_on(clinic):
    """Records an event of a day that is past, which only the owner of the table can."""

    def record(day, action="prediction.made", organisation=clinic, **facts):
        body = ledger.canonical_json({"action": action, "organisation": organisation.id, **facts})
        noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE audit.event DISABLE TRIGGER stamp")
            cursor.execute(
                "INSERT INTO audit.event (id, recorded_us, action, organisation_id, body, mac) "
                "VALUES (audit.uuid7(%s), %s, %s, %s, %s, %s)",
                [noon, microseconds_of(noon), action, organisation.id, body, ledger.mac_of(body)],
            )
            cursor.execute("ALTER TABLE audit.event ENABLE ALWAYS TRIGGER stamp")

    return record


def days_with_any(volume):
    return {day: (made, refused) for day, made, refused in volume.days if made or refused}


def test_every_day_is_counted_once_however_often_it_is_counted(record_on, clinic):
    record_on(TODAY)
    record_on(TODAY - timedelta(days=3))
    record_on(TODAY - timedelta(days=3), "prediction.refused", problems={"unit_unknown": 1})
    for _ in range(3):
        tallies.count_days(TODAY)
    volume = audit_charts.volume(frozenset([clinic.id]), TODAY)
    assert days_with_any(volume) == {TODAY: (1, 0), TODAY - timedelta(days=3): (1, 1)}
    assert len(volume.days) == 90


def test_what_comes_late_yesterday_is_counted_and_older_days_are_left_alone(record_on):
    record_on(TODAY - timedelta(days=5))
    record_on(TODAY)
    assert tallies.count_days(TODAY) == 6
    record_on(TODAY - timedelta(days=1))
    assert tallies.count_days(TODAY) == 2
    assert DailyCount.objects.filter(day=TODAY - timedelta(days=1)).get().count == 1


def test_an_emptied_table_is_counted_anew(record_on):
    record_on(TODAY - timedelta(days=5))
    tallies.count_days(TODAY)
    counted = list(DailyCount.objects.values("day", "organisation_id", "action", "reason", "count"))
    DailyCount.objects.all().delete()
    tallies.count_days(TODAY)
    assert list(DailyCount.objects.values("day", "organisation_id", "action", "reason", "count")) == counted


def test_a_refusal_counts_once_for_each_of_its_reasons(record_on, clinic):
    record_on(TODAY, "prediction.refused", problems={"nobody_foresaw_it": 1, "not_a_number": 70})
    record_on(TODAY, "prediction.refused", problems={"not_a_number": 1})
    record_on(TODAY, "prediction.refused", problems="spoilt")
    record_on(TODAY - timedelta(days=31), "prediction.refused", problems={"too_old": 1})
    tallies.count_days(TODAY)
    bars = audit_charts.reasons(frozenset([clinic.id]), TODAY)
    assert bars is not None
    assert dict(bars.rows) == {"Not a number": 2, "nobody foresaw it": 1}
    assert days_with_any(audit_charts.volume(frozenset([clinic.id]), TODAY))[TODAY] == (0, 3)


def test_charts_show_the_own_organisations_and_the_superuser_everything(record_on, clinic, other_hospital):
    record_on(TODAY)
    record_on(TODAY, organisation=other_hospital)
    tallies.count_days(TODAY)
    for scope, count in (
        (frozenset([clinic.id]), 1),
        (frozenset([clinic.id, other_hospital.id]), 2),
        (None, 2),
    ):
        assert days_with_any(audit_charts.volume(scope, TODAY)) == {TODAY: (count, 0)}


def test_the_page_holds_without_any_event_and_is_on_record(audrey, browser_of):
    text = browser_of(audrey).get(CHARTS).content.decode()
    assert "No panel was refused." in text
    assert "Predictions: 0, refusals: 0, in 90 days" in text
    assert Event.objects.get(action="audit.charted").person == audrey


def test_the_page_draws_with_words_for_who_cannot_see_it(alice_acting, audrey, browser_of):
    ledger.record("prediction.made", alice_acting)
    ledger.record("prediction.refused", alice_acting, problems={"<script>": 1})
    tallies.count_days(datetime.now(UTC).date())
    text = browser_of(audrey).get(CHARTS).content.decode()
    assert text.count('role="img"') == text.count("<desc") == 2
    assert "Predictions: 1, refusals: 1, in 90 days" in text
    assert "<script>:" not in text


def test_who_audits_nothing_sees_no_chart(alice, browser_of):
    helper = Person.objects.create_user("helper@clinic.example", is_staff=True)
    assert browser_of(helper).get(CHARTS).status_code == 403
    assert browser_of(alice).get(CHARTS).status_code == 302
