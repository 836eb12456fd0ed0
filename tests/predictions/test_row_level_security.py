"""The second wall: what the database shows and takes, where a filter of the product was forgotten.

The statements are sent in the application's role, which no test's connection has otherwise.
"""

import io
import re
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import ProgrammingError, connection, transaction
from django.test import Client

from accounts import row_scope
from accounts.actors import Actor
from accounts.models import Role
from accounts.row_scope import across_organisations, within
from predictions import cohorts, profiles, review, selectors, tasks
from predictions.cohort_records import Cohort
from predictions.erasure_records import (
    DecisionKind,
    ErasureCompletion,
    ErasureDecision,
    ErasureReason,
    ErasureRequest,
    RetentionProposal,
    RetentionRule,
)
from predictions.models import Prediction, ShadowReading, Verdict
from predictions.profile_records import PlatformProfile
from predictions.report_records import MadeReport
from tests.cast import make_person
from tests.predictions.test_cohorts import SHARED, alone, as_csv, patients

pytestmark = pytest.mark.django_db

ROOT = Path(__file__).resolve().parents[2]
OWN = "SELECT oid::regclass::text FROM pg_class WHERE relrowsecurity ORDER BY 1"
# Whose rows a request may see is found out by these, so they are asked before it is known; and the trail is
# sealed, verified and searched as a whole. A new table belongs here only with such a reason.
OPEN = {
    "audit.event",
    "accounts_apikey",
    "accounts_dailycount",
    "accounts_invitation",
    "accounts_membership",
    "accounts_oauthclient",
    "accounts_organisationnetworks",
    "accounts_person",
}
OF_ORGANISATIONS = """
SELECT attrelid::regclass::text FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
WHERE attname = 'organisation_id' AND relkind = 'r'
UNION
SELECT conrelid::regclass::text FROM pg_constraint JOIN pg_class parent ON parent.oid = confrelid
WHERE contype = 'f' AND (parent.relrowsecurity OR confrelid = 'accounts_organisation'::regclass)
"""


def asked(query, *values):
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        return [row[0] for row in cursor.fetchall()]


@pytest.fixture
def charlie_acting(charlie, other_hospital):
    return Actor(other_hospital, "form", person=charlie)


@pytest.fixture
def theirs(release, charlie_acting, other_hospital):
    """A row of the other hospital in every table that has a policy; the clinic has none."""
    actor = charlie_acting
    made = alone(actor, "S-1", 50, next(patients(1))[2])
    cohort = cohorts.start_cohort(io.BytesIO(as_csv(patients(30))), SHARED, actor)
    tasks.read_cohorts()
    review.record_review(actor, made.id, Verdict.AGREE, "")
    ShadowReading.objects.create(prediction=made, release=release, refused="other_platform")
    MadeReport.objects.create(prediction=made, event=made.event, made_at=made.created_at)
    PlatformProfile.objects.create(
        organisation=other_hospital,
        release=release,
        version=1,
        samples=40,
        left_out=0,
        genes={},
        event=made.event,
    )
    case = {"organisation": other_hospital, "case_key_id": made.case_key_id}
    ErasureRequest.objects.create(**case, reason=ErasureReason.ASKED, requested_by=actor.person)
    decision = ErasureDecision.objects.create(**case, kind=DecisionKind.REPEATED)
    ErasureCompletion.objects.create(decision=decision, event=made.event)
    colleague = make_person("colleague", other_hospital, Role.ADMIN)
    years = {"organisation": other_hospital, "years": 10, "proposed_by": actor.person}
    proposal = RetentionProposal.objects.create(**years)
    RetentionRule.objects.create(**years, proposal=proposal, decided_by=colleague)
    return made, cohort


@pytest.fixture
def as_application(theirs):
    """From here on the test's transaction is in the application's role."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SELECT audit.role_name('app')")
        (role,) = cursor.fetchone()
        cursor.execute(f"GRANT {role} TO CURRENT_USER")
        cursor.execute(f"SET LOCAL ROLE {role}")
        yield
        cursor.execute("RESET ROLE")


@pytest.fixture
def nobody_asked(theirs):
    """As in a process that has just started: nobody said whose rows are wanted."""
    scope = row_scope._scope
    before = scope.set(row_scope.NOBODY)
    yield
    scope.reset(before)


def counts():
    return {table: asked(f"SELECT count(*) FROM {table}")[0] for table in asked(OWN)}


def test_every_table_of_an_organisation_has_a_policy_or_a_reason_to_have_none():
    found, walled = set(asked(OF_ORGANISATIONS)), set(asked(OWN))
    assert found - OPEN == walled - {"predictions_inputpart"}
    assert not OPEN & walled
    assert set(asked("SELECT polrelid::regclass::text FROM pg_policy")) == walled


def test_of_another_organisation_the_application_sees_no_row_in_any_table(
    as_application, clinic, other_hospital
):
    everything = counts()
    assert len(everything) == 15
    assert all(everything.values()), everything
    with within(other_hospital.id):
        assert counts() == everything
    with within(clinic.id):
        assert counts() == dict.fromkeys(everything, 0)
    with within(clinic.id, other_hospital.id):
        assert counts() == everything


def test_where_nobody_said_whose_rows_are_wanted_the_application_sees_none(as_application, nobody_asked):
    assert not any(counts().values())


def test_the_application_can_put_no_row_into_another_organisation(as_application, clinic, other_hospital):
    refusal = "row-level security|A review is taken only"
    for table in asked(OWN):
        (row,) = asked(f"SELECT to_jsonb(one) FROM {table} one LIMIT 1")
        with within(clinic.id), pytest.raises(ProgrammingError, match=refusal), transaction.atomic():
            asked(
                f"INSERT INTO {table} SELECT * FROM jsonb_populate_record(NULL::{table}, %s) RETURNING 1", row
            )


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE predictions_prediction SET second_reading_at = now(), second_reading_difference = 0",
        "UPDATE predictions_cohort SET reason = 'forged'",
        "UPDATE predictions_cohortinput SET parts = 0",
        "UPDATE audit.case_key SET case_digest = NULL",
        "DELETE FROM predictions_cohortinput",
        "DELETE FROM predictions_inputpart",
    ],
)
def test_a_change_without_a_condition_reaches_no_row_of_another_organisation(as_application, clinic, change):
    with within(clinic.id), connection.cursor() as cursor:
        cursor.execute(change)
        assert cursor.rowcount == 0


@pytest.fixture
def forgetful(monkeypatch):
    """Selectors whose filter somebody took out."""
    related = ("case_key", "release", "person", "api_key", "organisation")
    monkeypatch.setattr(
        selectors, "predictions_of", lambda _actor: Prediction.objects.select_related(*related)
    )
    monkeypatch.setattr(cohorts, "_own", lambda _actor: Cohort.objects.select_related("release", "person"))
    monkeypatch.setattr(profiles, "profiles_of", lambda _actor: PlatformProfile.objects.all())


def test_pages_without_their_filter_still_show_nothing_of_another_organisation(
    theirs, forgetful, alice, charlie, browser_of
):
    made, cohort = theirs
    addresses = [
        f"/predictions/{made.id}/",
        f"/predictions/{made.id}/report.pdf",
        f"/predictions/{made.id}/receipt.json",
        f"/cohorts/{cohort.id}/",
        f"/cohorts/{cohort.id}/results.csv",
    ]
    assert {browser_of(alice).get(address).status_code for address in addresses} == {404}
    assert 404 not in {browser_of(charlie).get(address).status_code for address in addresses}
    assert str(made.id) not in browser_of(alice).get("/predictions/").content.decode()


def test_the_api_without_its_filter_still_answers_nothing_of_another_organisation(theirs, forgetful, key):
    made, cohort = theirs
    for address in (f"predictions/{made.id}", f"cohorts/{cohort.id}", f"cohorts/{cohort.id}/results"):
        answer = Client().get(f"/api/v1/{address}", headers={"Authorization": f"Api-Key {key}"})
        assert answer.status_code == 404, address


def test_an_answer_that_is_made_after_the_request_has_the_rows_of_whoever_asked(theirs, charlie, browser_of):
    _, cohort = theirs
    response = browser_of(charlie).get(f"/cohorts/{cohort.id}/results.csv")
    scope = row_scope._scope.set(row_scope.NOBODY)
    lines = b"".join(response.streaming_content).splitlines()
    row_scope._scope.reset(scope)
    assert len(lines) == 1 + 30


def test_workers_and_commands_say_for_themselves_whose_rows_they_want(
    theirs, charlie_acting, nobody_asked, capsys
):
    _, cohort = theirs
    assert tasks.confirm_predictions() == 1
    assert tasks.replay_sample() == 0
    with within(charlie_acting.organisation.id):
        cohorts.start_cohort(io.BytesIO(as_csv(patients(5))), SHARED, charlie_acting)
    assert tasks.read_cohorts() == 5
    with across_organisations():
        other = Prediction.objects.filter(cohort=cohort)[0].key
        decision = ErasureDecision.objects.create(
            organisation=other.organisation, case_key_id=other.id, kind=DecisionKind.REPEATED
        )
    assert tasks.finish_erasures() == 1
    assert tasks.erase_due() == 0
    tasks.forget_cohort_files()
    call_command("list_erasures")
    call_command("replay_predictions", "--all")
    said = capsys.readouterr().out
    assert str(decision.case_key_id) in said
    assert int(re.findall(r"(\d+) predictions give the same bits", said)[0]) > 0


def test_whatever_looks_across_organisations_is_named_with_its_reason():
    text = (ROOT / "docs/decisions/0028-row-level-security.md").read_text()
    paths = [
        path for folder in ("accounts", "breastrisk", "predictions") for path in (ROOT / folder).rglob("*.py")
    ]
    looking = {
        path.stem for path in paths if re.search(r"(across_organisations|show_all_rows)\(", path.read_text())
    }
    assert {name for name in looking if f"`{name}`" not in text} == {"row_scope"}
