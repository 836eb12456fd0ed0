"""What is known of a patient is unreadable without the key of the case."""

import hashlib
import json
from threading import Barrier, Thread

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts import case_key_rotation, case_keys, ledger
from accounts.actors import Actor
from accounts.case_keys import CaseUnreadable
from accounts.models import CaseKey, Event, Organisation
from predictions import comparison, erasure, lifecycle, replay, shadowing
from predictions.exceptions import CaseErased
from predictions.kept_reports import open_report
from predictions.models import Prediction, Proposal, ReleaseState, ShadowReading
from predictions.submission import submit_panel
from predictions.tasks import confirm_predictions
from tests.panels import as_body, values_of
from tests.predictions.test_submission import request_of

CANARIES = {"case": "CANARY-CASE-42", "sample": "CANARY-SAMPLE-42", "value": 7.1234987, "age": 61.0}

EVERY_COLUMN = """
SELECT format('%I.%I', table_schema, table_name), column_name FROM information_schema.columns
WHERE table_schema NOT IN ('pg_catalog', 'information_schema')
"""


def delete_key(prediction):
    """As an erasure does."""
    erasure.decide_again(prediction.case_key_id)
    erasure.finish_all()
    return Prediction.objects.get(id=prediction.id)


def everything_stored():
    """Every column of every table as text; binary ones as what their bytes spell."""
    with connection.cursor() as cursor:
        cursor.execute(EVERY_COLUMN)
        columns = cursor.fetchall()
        for table, column in columns:
            cursor.execute(f'SELECT "{column}" FROM {table}')
            for (value,) in cursor.fetchall():
                yield (
                    bytes(value).decode("latin-1")
                    if isinstance(value, memoryview)
                    else json.dumps(value, default=str)
                )


@pytest.mark.django_db
def test_nothing_of_a_patient_stands_in_the_database_in_the_clear(release, candidate, proposer, submit):
    lifecycle.shadow(candidate, proposer)
    made = submit(
        5,
        changed={"IL18": CANARIES["value"]},
        case_reference=CANARIES["case"],
        sample_id=CANARIES["sample"],
    )
    confirm_predictions()
    lifecycle.make_callable(candidate, proposer)
    proposal = lifecycle.propose(candidate, proposer)
    shadow = ShadowReading.objects.select_related("prediction").get().result
    assert shadow is not None
    (worst,) = open_report(proposal)["worst"]
    planted = [
        *(CANARIES["case"], CANARIES["sample"], CANARIES["value"]),
        *(made.result["risk"][4], made.result["contributions"]["IL18"], shadow["risk"][4]),
        *(worst["before_percent"][0], worst["after_percent"][0]),
    ]
    stored = "\n".join(everything_stored())
    assert "prediction.made" in stored
    assert [canary for canary in planted if str(canary) in stored] == []


@pytest.mark.django_db
def test_one_case_has_one_key_and_each_prediction_without_a_reference_its_own(
    release, submit, other_hospital
):
    first, again = submit(0, case_reference="P-1"), submit(5, case_reference=" P-1")
    others = [submit(0, case_reference="P-2"), submit(0), submit(0)]
    assert first.case_key_id == again.case_key_id
    assert len({row.case_key_id for row in (first, *others)}) == 4
    elsewhere = submit_panel(request_of(values_of(0), case_reference="P-1"), Actor(other_hospital, "command"))
    assert elsewhere.case_key_id != first.case_key_id


@pytest.mark.django_db
def test_what_is_read_back_is_what_was_answered_bit_for_bit(release, submit):
    made = submit(5, case_reference="P-1", sample_id="S-1", changed={"IL18": 1e-320})
    kept = Prediction.objects.get(id=made.id)
    assert kept.contents == json.loads(ledger.canonical_json(made.contents))
    assert (kept.case_reference, kept.sample_id, kept.age_years) == ("P-1", "S-1", made.age_years)
    assert kept.panel["values"]["IL18"] == 1e-320


@pytest.mark.django_db
def test_a_prediction_costs_one_statement_for_its_key_and_a_list_none(release, submit, alice, browser_of):
    submit(0, case_reference="P-1")
    with CaptureQueriesContext(connection) as asked:
        submit(0, case_reference="P-1")
    assert sum("case_key" in query["sql"] and "WITH known" in query["sql"] for query in asked) == 1
    assert len(asked) == 5
    client = browser_of(alice)
    client.get("/predictions/")
    with CaptureQueriesContext(connection) as few:
        client.get("/predictions/")
    for number in range(5):
        submit(0, case_reference=f"P-{number}")
    with CaptureQueriesContext(connection) as more:
        client.get("/predictions/")
    assert len(more) == len(few)


@pytest.mark.django_db
def test_the_event_of_a_prediction_names_its_ciphertext(release, submit):
    made = submit(0)
    body = json.loads(bytes(Event.objects.get(id=made.event_id).body))
    kept = bytes(Prediction.objects.get(id=made.id).sealed)
    assert body["sealed_sha256"] == hashlib.sha256(kept).hexdigest()


@pytest.mark.django_db
def test_contents_open_in_no_other_row_and_with_no_other_key(release, submit):
    first, other = submit(0, case_reference="P-1"), submit(0, case_reference="P-1")
    moved = Prediction.objects.get(id=other.id)
    moved.sealed = Prediction.objects.get(id=first.id).sealed
    with pytest.raises(CaseUnreadable):
        _ = moved.contents
    swapped = Prediction.objects.get(id=first.id)
    swapped.case_key = submit(0).case_key
    with pytest.raises(CaseUnreadable):
        _ = swapped.contents


@pytest.mark.parametrize("cut", [0, 5, 12, 30])
def test_what_is_too_short_to_be_sealed_is_unreadable(cut):
    sealed = case_keys.seal(bytes(32), b"content", b"row")
    with pytest.raises(CaseUnreadable):
        case_keys.unseal(bytes(32), sealed[:cut], b"row")


@pytest.mark.django_db
def test_an_erased_case_is_gone_from_every_page_and_its_ciphertext_stays(
    release, submit, alice, browser_of, post
):
    made = submit(0, case_reference="P-0042")
    client = browser_of(alice)
    by_api = post(as_body(values_of(0), reference="P-0042")).json()["id"]
    delete_key(made)
    listed = client.get("/predictions/").content.decode()
    assert listed.count("Erased") == 2
    assert "P-0042" not in listed
    page = client.get(f"/predictions/{made.id}/")
    assert (page.status_code, "was erased" in page.content.decode()) == (410, True)
    assert Prediction.objects.filter(id__in=[made.id, by_api]).count() == 2


@pytest.mark.django_db
def test_a_system_that_asks_for_an_erased_case_is_told_so(release, submit, key):
    made = delete_key(submit(0, case_reference="P-0042"))
    headers = {"Authorization": f"Api-Key {key}"}
    answer = Client().get(f"/api/v1/predictions/{made.id}", headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (410, "/problems/case-erased/")
    assert Client().get("/problems/case-erased/").status_code == 200


@pytest.mark.django_db
def test_an_erased_case_raises_wherever_it_is_read_and_jobs_pass_it_by(release, candidate, proposer, submit):
    lifecycle.shadow(candidate, proposer)
    erased, kept = submit(0, case_reference="P-1"), submit(5, case_reference="P-2")
    lost = delete_key(erased)
    for name in ("case_reference", "sample_id", "age_years", "panel", "result"):
        with pytest.raises(CaseErased):
            getattr(lost, name)
    assert confirm_predictions() == 1
    assert [reading.prediction for reading in ShadowReading.objects.all()] == [kept]
    assert [prediction for prediction, _ in replay.replay_each(replay.stored_predictions())] == [kept]
    assert comparison.compare(candidate, release)["inputs"] == 1
    delete_key(kept)
    assert comparison.compare_shadow(candidate)["inputs"] == 0
    assert shadowing.read_in_shadow() == 0


@pytest.mark.django_db
def test_a_kept_report_forgets_the_risks_of_an_erased_case(
    release, candidate, proposer, approver, submit, browser_of
):
    made = submit(5)
    proposal = lifecycle.propose(candidate, proposer)
    delete_key(made)
    assert open_report(Proposal.objects.get(id=proposal.id))["worst"] == [
        {"prediction": str(made.id), "sealed": proposal.report["worst"][0]["sealed"]}
    ]
    page = browser_of(approver.person).get(f"/admin/predictions/release/{candidate.id}/change/")
    assert "Erased" in page.content.decode()
    lifecycle.approve(proposal, approver)
    candidate.refresh_from_db()
    assert candidate.state == ReleaseState.LIVE


@pytest.mark.django_db
def test_rotation_wraps_every_key_anew_and_a_former_key_is_no_longer_needed(
    release, submit, settings, monkeypatch
):
    made = [submit(0, case_reference=f"P-{number}") for number in range(3)]
    monkeypatch.setattr(case_key_rotation, "BATCH", 2)
    settings.CASE_KEYS = {"new": bytes(range(32)), **settings.CASE_KEYS}
    assert [case_key_rotation.rewrap_batch() for _ in range(3)] == [2, 1, 0]
    assert not case_key_rotation.keys_of_others().exists()
    settings.CASE_KEYS = {"new": bytes(range(32))}
    assert {Prediction.objects.get(id=row.id).case_reference for row in made} == {"P-0", "P-1", "P-2"}
    bodies = [json.loads(bytes(event.body)) for event in Event.objects.filter(action="case_keys.rewrapped")]
    assert [(body["count"], body["key_id"]) for body in bodies] == [(1, "new"), (2, "new")]


@pytest.mark.django_db
def test_without_the_key_that_wraps_a_case_pages_say_that_they_cannot_answer_now(
    release, submit, settings, alice, browser_of, key
):
    made = submit(0)
    settings.CASE_KEYS = {"other": bytes(32)}
    assert browser_of(alice).get(f"/predictions/{made.id}/").status_code == 503
    assert browser_of(alice).get("/predictions/").status_code == 503
    headers = {"Authorization": f"Api-Key {key}"}
    assert Client().get(f"/api/v1/predictions/{made.id}", headers=headers).status_code == 503
    (difference,) = replay.replay(replay.stored_predictions().get())
    assert difference.what == "sealed"


@pytest.mark.django_db
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit.case_key SET organisation_id = gen_random_uuid()",
        "UPDATE audit.case_key SET id = gen_random_uuid()",
        "UPDATE audit.case_key SET case_digest = 'another'",
        "TRUNCATE audit.case_key",
    ],
)
def test_the_database_refuses_to_give_a_key_to_another_case(release, submit, statement):
    submit(0, case_reference="P-1")
    with pytest.raises(DatabaseError, match=r"refused|only the wrapping"), transaction.atomic():
        connection.cursor().execute(statement)


def test_two_who_ask_about_the_same_new_case_at_once_share_its_key(transactional_db):
    clinic = Organisation.objects.create(slug="clinic", name="The clinic")
    barrier, found = Barrier(4), []

    def ask():
        barrier.wait()
        try:
            for number in range(20):
                with transaction.atomic():
                    key = case_keys.lock_key(clinic.id, f"digest {number}")
                    found.append((number, key.id, case_keys.data_key(key)))
        finally:
            connection.close()

    threads = [Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 80
    assert len(set(found)) == CaseKey.objects.count() == 20
