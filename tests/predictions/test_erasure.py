"""A case is erased by two people or by a rule that two people set, and in no other way."""

import io
import json
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, OperationalError, connection, transaction
from django.utils import timezone

from accounts.actors import Actor
from accounts.models import CaseKey, Event
from predictions import erasure, retention
from predictions.erasure_records import ErasureDecision, ErasureReason, ErasureRequest, RetentionRule
from predictions.exceptions import NotEntitled, StepRefused
from predictions.models import Prediction
from predictions.tasks import erase_due, finish_erasures

pytestmark = pytest.mark.django_db


@pytest.fixture
def adam_acting(adam, clinic):
    return Actor(clinic, "form", person=adam)


@pytest.fixture
def audrey_acting(audrey, clinic):
    return Actor(clinic, "form", person=audrey)


@pytest.fixture
def made(release, submit):
    return submit(0, case_reference="P-1")


@pytest.fixture
def asked(made, adam_acting):
    return ask(made, adam_acting)


@pytest.fixture
def eraser_away(monkeypatch):
    """The connection that deletes keys is away."""
    delete = CaseKey.objects.using

    def refuse(alias):
        raise OperationalError(alias)

    monkeypatch.setattr(CaseKey.objects, "using", refuse)
    return lambda: monkeypatch.setattr(CaseKey.objects, "using", delete)


def ask(made, by, note=""):
    return erasure.request_erasure(made.case_key_id, by, ErasureReason.ASKED, note)


def recorded(action):
    return [json.loads(bytes(event.body)) for event in Event.objects.filter(action=action)]


def is_erased(made):
    return Prediction.objects.get(id=made.id).is_erased


def test_one_asks_another_approves_and_the_key_is_gone_while_the_row_stays(
    made, asked, audrey_acting, adam, audrey
):
    before = bytes(Prediction.objects.get(id=made.id).sealed)
    erasure.approve(asked, audrey_acting)
    assert is_erased(made)
    assert bytes(Prediction.objects.get(id=made.id).sealed) == before
    (body,) = recorded("case.erased")
    assert (body["predictions"], body["case_key"]) == (1, str(made.case_key_id))
    (decided,) = recorded("case.erasure_approved")
    assert (decided["person"], decided["requested_by"]) == (str(audrey.id), str(adam.id))
    digests = {event.case_digest for event in Event.objects.filter(action__startswith="case.eras")}
    assert digests == {Event.objects.get(id=made.event_id).case_digest}


def test_who_asked_does_not_approve_and_may_withdraw(made, asked, adam_acting):
    with pytest.raises(StepRefused, match="somebody else approves"):
        erasure.approve(asked, adam_acting)
    assert erasure.decline(asked, adam_acting).kind == "withdrawn"
    assert not is_erased(made)
    assert ask(made, adam_acting) == erasure.open_request(made.case_key_id)


def test_a_declined_request_leaves_the_case_and_cannot_be_approved_afterwards(made, asked, audrey_acting):
    assert erasure.decline(asked, audrey_acting).kind == "declined"
    with pytest.raises(StepRefused, match="decided already"):
        erasure.approve(asked, audrey_acting)
    assert not is_erased(made)


def test_a_case_is_asked_for_once_and_never_after_it_is_gone(made, asked, adam_acting, audrey_acting):
    with pytest.raises(StepRefused, match="asked for this already"):
        ask(made, audrey_acting)
    erasure.approve(asked, audrey_acting)
    with pytest.raises(StepRefused, match="erased already"):
        ask(made, adam_acting)


def test_a_clinician_and_another_hospital_may_neither_ask_nor_decide(
    made, asked, alice_acting, other_hospital, ada
):
    with pytest.raises(NotEntitled):
        erasure.approve(asked, alice_acting)
    with pytest.raises(StepRefused):
        erasure.approve(asked, Actor(other_hospital, "form", person=ada))
    with pytest.raises(StepRefused):
        ask(made, Actor(other_hospital, "form", person=ada))
    assert not is_erased(made)


def test_whoever_asks_about_the_same_case_later_starts_anew(made, asked, audrey_acting, submit):
    erasure.approve(asked, audrey_acting)
    again = submit(5, case_reference="P-1")
    assert again.case_key_id != made.case_key_id
    assert Prediction.objects.get(id=again.id).case_reference == "P-1"
    assert is_erased(made)


def test_while_the_erasers_connection_is_away_the_decision_stands_and_the_worker_finishes_it(
    made, asked, audrey_acting, eraser_away, submit
):
    erasure.approve(asked, audrey_acting)
    assert not is_erased(made)
    assert recorded("case.erased") == []
    assert submit(5, case_reference="P-1").case_key_id != made.case_key_id
    eraser_away()
    assert finish_erasures() == 1
    assert is_erased(made)
    assert finish_erasures() == 0
    assert len(recorded("case.erased")) == 1


def test_after_a_crash_between_deletion_and_event_the_event_is_written_once(
    made, asked, audrey_acting, eraser_away
):
    decision = erasure.approve(asked, audrey_acting)
    eraser_away()
    CaseKey.objects.filter(id=made.case_key_id).delete()
    erasure.finish(decision)
    erasure.finish(decision)
    assert len(recorded("case.erased")) == 1


def test_no_key_goes_without_a_decision(made):
    with pytest.raises(DatabaseError, match="after its erasure was decided"), transaction.atomic():
        CaseKey.objects.all().delete()
    assert not is_erased(made)


DECIDE = (
    "INSERT INTO predictions_erasuredecision "
    "(id, kind, organisation_id, case_key_id, request_id, requested_by_id, decided_by_id, decided_at) "
    "SELECT gen_random_uuid(), 'approved', r.organisation_id, case_key_id, "
)
BY_OTHERS = "FROM predictions_erasurerequest r JOIN accounts_person p ON p.id <> requested_by_id LIMIT 1"


@pytest.mark.parametrize(
    ("statement", "refusal"),
    [
        ("UPDATE predictions_erasurerequest SET reason = 'ordered'", "append-only"),
        ("DELETE FROM predictions_erasurerequest", "append-only"),
        ("TRUNCATE predictions_erasuredecision CASCADE", "append-only"),
        (f"{DECIDE} r.id, requested_by_id, requested_by_id, now() {BY_OTHERS}", "erasure_two_people"),
        (f"{DECIDE} r.id, p.id, requested_by_id, now() {BY_OTHERS}", "erasure_as_requested"),
        (f"{DECIDE} NULL::uuid, NULL::uuid, p.id, now() {BY_OTHERS}", "erasure_whole"),
    ],
)
def test_the_database_holds_the_rules_too(asked, audrey, statement, refusal):
    connection.cursor().execute("SET CONSTRAINTS ALL IMMEDIATE")
    with pytest.raises(DatabaseError, match=refusal), transaction.atomic():
        connection.cursor().execute(statement)


def long_ago(prediction, years):
    """As if it had been made then: only the owner of the table can."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE predictions_prediction DISABLE TRIGGER refuse_update")
        then = timezone.now() - timedelta(days=365.25 * years)
        cursor.execute(
            "UPDATE predictions_prediction SET created_at = %s WHERE id = %s", [then, prediction.id]
        )
        cursor.execute("ALTER TABLE predictions_prediction ENABLE ALWAYS TRIGGER refuse_update")


def test_a_rule_of_two_people_erases_what_is_due_and_nothing_else(
    release, submit, adam_acting, audrey_acting
):
    old, recent, mixed, last = (
        submit(n, case_reference=name) for n, name in enumerate(["P-1", "P-2", "P-3", "P-3"])
    )
    for prediction in (old, mixed):
        long_ago(prediction, 11)
    long_ago(recent, 9.9)
    proposal = retention.propose(10, adam_acting)
    assert erase_due() == 0
    with pytest.raises(StepRefused, match="somebody else"):
        retention.approve(proposal, adam_acting)
    rule = retention.approve(proposal, audrey_acting)
    assert [row["cases"] for row in retention.preview(adam_acting.organisation, 10)] == [1, 1, 2]
    assert erase_due() == 1
    assert [is_erased(row) for row in (old, recent, mixed, last)] == [True, False, False, False]
    assert ErasureDecision.objects.get().rule == rule
    assert recorded("case.erasure_due")[0]["years"] == 10
    assert erase_due() == 0


def test_without_a_rule_and_with_one_that_is_off_nothing_is_ever_due(made, adam_acting, audrey_acting):
    long_ago(made, 150)
    assert erase_due() == 0
    retention.approve(retention.propose(0, adam_acting), audrey_acting)
    assert erase_due() == 0
    assert not is_erased(made)


def test_a_proposal_that_another_followed_is_not_approved(made, adam_acting, audrey_acting):
    first = retention.propose(10, adam_acting)
    second = retention.propose(20, adam_acting)
    with pytest.raises(StepRefused, match="another was proposed since"):
        retention.approve(first, audrey_acting)
    retention.approve(second, audrey_acting)
    with pytest.raises(StepRefused, match="approved already"):
        retention.approve(second, audrey_acting)
    assert RetentionRule.objects.get().years == 20


def run(command, *arguments):
    output = io.StringIO()
    call_command(command, *arguments, stdout=output)
    return output.getvalue()


def test_a_key_that_a_backup_brings_back_is_deleted_again(made, asked, audrey_acting):
    key = CaseKey.objects.get()
    erasure.approve(asked, audrey_acting)
    key.save(force_insert=True)
    assert not is_erased(made)
    assert "1 keys had come back" in run("repeat_erasures")
    assert is_erased(made)
    assert "0 keys" in run("repeat_erasures")
    assert len(recorded("case.erasure_repeated")) == 1


def test_a_backup_from_before_the_decision_is_mended_from_the_list_kept_elsewhere(made, tmp_path):
    (tmp_path / "erased").write_text(f"{made.case_key_id}\n")
    assert "1 keys had come back" in run("repeat_erasures", str(tmp_path / "erased"))
    assert is_erased(made)
    assert run("list_erasures").split() == [str(made.case_key_id)]


def test_a_list_that_is_none_is_refused(made, tmp_path):
    (tmp_path / "erased").write_text("P-1\n")
    with pytest.raises(CommandError, match="one identifier a line"):
        run("repeat_erasures", str(tmp_path / "erased"))
    assert not ErasureRequest.objects.exists()
