"""A prediction and its event stand or fall together; whoever removes or changes one of them is found out."""

import json

import pytest
from django.db import IntegrityError, connection, transaction

from accounts import ledger, verification
from accounts.actors import Actor
from predictions.models import Prediction, Verdict
from predictions.profiles import Reference, learn_profile
from predictions.reporting import disclose_report
from predictions.review import record_review
from tests.panels import as_body, transbig, values_of

pytestmark = pytest.mark.django_db
TABLES = (
    "audit.event",
    "predictions_prediction",
    "predictions_review",
    "predictions_madereport",
    "predictions_platformprofile",
)


@pytest.fixture
def prediction(post, release):
    return Prediction.objects.get(id=post(json.dumps(as_body(values_of(0), age_years=50))).json()["id"])


@pytest.fixture
def found_after():
    """What verification finds after a statement that no trigger refused; then all is as before."""

    def find(*statements):
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # or the tables could not be altered
            for table in TABLES:
                cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")
            for statement in statements:
                cursor.execute(statement)
            found = {finding.kind for finding in verification.verify()}
            transaction.set_rollback(True)
        return found

    return find


def test_a_prediction_that_nobody_touched_is_what_its_event_says(prediction, found_after):
    assert found_after() == set()


def test_an_event_deleted_before_it_was_sealed_is_missed_by_its_prediction(prediction, found_after):
    assert found_after("DELETE FROM audit.event WHERE prediction_id IS NOT NULL") == {
        "prediction_without_event"
    }


def test_the_database_itself_refuses_to_leave_a_prediction_without_its_event(prediction, found_after):
    with pytest.raises(IntegrityError, match="violates foreign key constraint"):
        found_after("DELETE FROM audit.event", "SET CONSTRAINTS ALL IMMEDIATE")


def test_a_deleted_prediction_is_missed_by_its_event(prediction, found_after):
    assert found_after("DELETE FROM predictions_prediction") == {"event_without_prediction"}


@pytest.mark.parametrize(
    "change",
    [
        "input_sha256 = repeat('0', 64)",
        "sealed = sealed || 'x'",
        "created_at = created_at - interval '1 day'",
        "door = 'command', api_key_id = NULL",
    ],
)
def test_a_changed_prediction_is_not_the_one_of_its_event(prediction, found_after, change):
    assert found_after(f"UPDATE predictions_prediction SET {change}") == {"prediction_differs"}


def test_a_prediction_that_took_another_event_is_found_out(prediction, found_after):
    other = "(SELECT id FROM audit.event WHERE action = 'api_key.issued')"
    kinds = found_after(f"UPDATE predictions_prediction SET event_id = {other}")
    assert kinds == {"prediction_differs", "event_without_prediction"}


def test_an_event_of_a_prediction_that_was_never_made_is_found_out(clinic):
    ledger.record("prediction.made", prediction="01a20f66-1b6c-7223-9f89-d588793cdc59")
    assert {finding.kind for finding in verification.verify()} == {"event_without_prediction"}


@pytest.fixture
def reviewed(prediction, alice_acting: Actor):
    """Reviewed twice, and taken as a report; and there is a platform profile."""
    record_review(alice_acting, prediction.id, Verdict.NOTE, "Asked the lab.")
    record_review(alice_acting, prediction.id, Verdict.AGREE, "")
    disclose_report(alice_acting, prediction.id, lambda path: f"https://clinic.example{path}")
    symbols = tuple(gene.symbol for gene in transbig().panel)
    learn_profile(Reference("ours", "log2_tpm", symbols, transbig().values[:20]), alice_acting)
    return prediction


def test_reviews_reports_and_profiles_that_nobody_touched_are_what_their_events_say(reviewed, found_after):
    assert found_after() == set()


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ("DELETE FROM predictions_review", "event_without_review"),
        ("DELETE FROM audit.event WHERE action = 'prediction.reviewed'", "review_without_event"),
        ("UPDATE predictions_review SET sealed = sealed || 'x' WHERE verdict = 'note'", "review_differs"),
        ("UPDATE predictions_review SET verdict = 'disagree' WHERE verdict = 'note'", "review_differs"),
        ("DELETE FROM predictions_madereport", "event_without_report"),
        ("DELETE FROM audit.event WHERE action = 'report.made'", "report_without_event"),
        ("UPDATE predictions_madereport SET sha256 = repeat('0', 64)", "report_differs"),
        ("UPDATE predictions_madereport SET made_at = made_at - interval '1 day'", "report_differs"),
        ("DELETE FROM predictions_platformprofile", "event_without_profile"),
        ("DELETE FROM audit.event WHERE action = 'profile.learned'", "profile_without_event"),
        ("UPDATE predictions_platformprofile SET sha256 = repeat('0', 64)", "profile_differs"),
        ("UPDATE predictions_platformprofile SET platform = 'theirs'", "profile_differs"),
        (
            "UPDATE predictions_platformprofile SET genes = jsonb_set(genes, '{ABLIM1}', '[8, 1]')",
            "profile_differs",
        ),
    ],
)
def test_whoever_touches_a_review_a_report_or_a_profile_is_found_out(reviewed, found_after, change, kind):
    assert found_after(change) == {kind}
