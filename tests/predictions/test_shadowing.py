"""A shadow release reads every new prediction, and no clinician ever sees what it said."""

import json
import logging

import pytest
from django.db import DatabaseError, connection, transaction
from uuid_utils.compat import uuid7

from accounts.models import Event
from ml_models.pickled import WrongLibrariesError
from ml_models.sealing import SealBroken
from predictions import comparison, lifecycle, pickled_forms, shadowing, submission
from predictions.facts import facts_of
from predictions.models import Prediction, ReleaseState, ShadowReading
from predictions.tasks import confirm_predictions
from tests.panels import as_body, values_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def in_shadow(candidate, proposer):
    lifecycle.shadow(candidate, proposer)
    return candidate


def result_of(reading):
    assert reading.result is not None
    return reading.result


def test_every_prediction_from_then_on_is_read_once_with_the_numbers_the_release_would_have_given(
    candidate, proposer, submit
):
    submit(5)  # before it was a shadow
    by_name = submit(7, model="rotterdam76-ridge/1.1.0")
    lifecycle.shadow(candidate, proposer)
    prediction = submit(7)
    assert confirm_predictions() == 3
    confirm_predictions()
    reading = ShadowReading.objects.get()
    assert (reading.prediction, reading.release, reading.refused) == (prediction, candidate, "")
    expected = {name: value for name, value in by_name.result.items() if name != "applicability"}
    result = result_of(reading)
    assert result.keys() == expected.keys()
    assert result["risk"] == pytest.approx(expected["risk"], abs=1e-9)
    assert result["risk"] != prediction.result["risk"]


def test_what_a_shadow_would_have_refused_is_kept_as_a_refusal(in_shadow, submit):
    submit(4)  # its genes are not enough in order for the stricter gate
    confirm_predictions()
    reading = ShadowReading.objects.get()
    assert (reading.result, reading.refused) == (None, "other_platform")


def test_a_shadow_that_needs_other_genes_keeps_that_it_could_not_read(in_shadow, narrow, submit):
    submit(7, model="rotterdam76-ridge/1.2.0")
    confirm_predictions()
    assert ShadowReading.objects.get().refused == "not_comparable"


def test_several_shadows_each_read(in_shadow, narrow, proposer, submit):
    lifecycle.shadow(narrow, proposer)
    submit(7)
    confirm_predictions()
    assert {reading.release for reading in ShadowReading.objects.all()} == {in_shadow, narrow}


def test_many_waiting_predictions_are_read_in_turns_without_loss_or_double(in_shadow, submit, monkeypatch):
    monkeypatch.setattr(shadowing, "GROUP", 2)
    made = {submit(patient).id for patient in (5, 7, 9, 10, 11)}
    assert [shadowing.read_in_shadow() for _ in range(4)] == [2, 2, 1, 0]
    assert set(ShadowReading.objects.values_list("prediction_id", flat=True)) == made


def test_two_workers_that_read_the_same_keep_one_reading(in_shadow, submit, monkeypatch):
    submit(7)
    waiting = Prediction.objects.order_by("id")
    monkeypatch.setattr(shadowing, "_waiting", lambda _release: waiting)
    shadowing.read_in_shadow()
    first = ShadowReading.objects.get()
    shadowing.read_in_shadow()
    assert ShadowReading.objects.get() == first


def test_a_prediction_that_appears_after_a_later_one_is_still_read(in_shadow, submit):
    early = uuid7()
    submit(5)
    shadowing.read_in_shadow()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(submission, "uuid7", lambda: early)
        submit(7)
    assert shadowing.read_in_shadow() == 1
    assert ShadowReading.objects.filter(prediction_id=early).exists()


@pytest.mark.parametrize("state", ["callable", "live", "retired"])
def test_a_release_that_is_no_shadow_any_more_reads_no_further(in_shadow, proposer, approver, submit, state):
    match state:
        case "callable":
            lifecycle.make_callable(in_shadow, proposer)
        case "live":
            lifecycle.approve(lifecycle.propose(in_shadow, proposer), approver)
        case "retired":
            lifecycle.retire(in_shadow, proposer)
    submit(7)
    assert shadowing.read_in_shadow() == 0


def test_nothing_that_a_shadow_said_reaches_a_clinician_or_a_system(
    in_shadow, submit, alice, key, post, browser_of
):
    client = browser_of(alice)
    prediction = submit(7)
    confirm = facts_of(prediction)
    page = client.get(f"/predictions/{prediction.id}/").content.decode()
    answered = post(as_body(values_of(7)))
    confirm_predictions()
    assert ShadowReading.objects.count() == 2
    prediction.refresh_from_db()
    told = facts_of(prediction)
    assert {name for name in told if told[name] != confirm[name]} == {"status", "terminal"}
    later = client.get(f"/predictions/{prediction.id}/").content.decode()
    listed = client.get("/predictions/").content.decode()
    fetched = client.get(answered["Location"], headers={"Authorization": f"Api-Key {key}"})
    secrets = {"1.1.0", "shadow"}
    for reading in ShadowReading.objects.all():
        risk = result_of(reading)["risk"][4]
        secrets |= {str(risk), str(100 * risk)}
    for text in (page, later, listed, answered.content.decode(), fetched.content.decode(), json.dumps(told)):
        assert not [secret for secret in secrets if secret in text]
    refused = post({**as_body(values_of(7)), "model": "rotterdam76-ridge/1.1.0"})
    assert refused.status_code == 422
    assert "shadow" not in refused.content.decode()


def test_a_shadow_whose_pickle_is_not_the_sealed_one_is_quarantined_and_disturbs_nobody(
    in_shadow, release, submit, monkeypatch
):
    open_form = pickled_forms.pickled_form

    def refuse(asked):
        if asked == in_shadow:
            raise SealBroken("altered", "pickle")
        return open_form(asked)

    monkeypatch.setattr(pickled_forms, "pickled_form", refuse)
    submit(7)
    assert confirm_predictions() == 1
    in_shadow.refresh_from_db()
    release.refresh_from_db()
    assert (in_shadow.state, release.state) == (ReleaseState.QUARANTINED, ReleaseState.LIVE)
    assert Event.objects.filter(action="release.quarantined").count() == 1


def test_the_readings_of_a_shadow_that_cannot_be_opened_wait(in_shadow, submit, monkeypatch, caplog):
    def fail(_release):
        raise WrongLibrariesError("another numpy")

    submit(7)
    with monkeypatch.context() as patch, caplog.at_level(logging.ERROR):
        patch.setattr(pickled_forms, "pickled_form", fail)
        assert shadowing.read_in_shadow() == 0
    assert "its readings wait" in caplog.text
    assert shadowing.read_in_shadow() == 1


def test_what_a_shadow_said_is_compared_with_what_was_answered(in_shadow, submit):
    for patient in (4, 5, 7):
        submit(patient)
    confirm_predictions()
    report = comparison.compare_shadow(in_shadow)
    assert (report["inputs"], report["compared"], report["newly_refused"]) == (3, 2, 1)
    changes = [
        100 * (result_of(reading)["risk"][4] - reading.prediction.result["risk"][4])
        for reading in ShadowReading.objects.filter(refused="")
    ]
    assert report["years"][0]["mean_change"] == pytest.approx(sum(changes) / 2)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE predictions_shadowreading SET sealed = ''",
        "DELETE FROM predictions_shadowreading",
        "TRUNCATE predictions_shadowreading",
        "INSERT INTO predictions_shadowreading SELECT gen_random_uuid(), now(), refused, "
        "prediction_id, release_id, sealed FROM predictions_shadowreading",
        "INSERT INTO predictions_shadowreading SELECT gen_random_uuid(), now(), '', "
        "prediction_id, gen_random_uuid(), NULL FROM predictions_shadowreading",
    ],
)
def test_the_database_keeps_a_reading_as_it_was_made_and_only_once(in_shadow, submit, statement):
    submit(7)
    confirm_predictions()
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        refusal = r"refused|shadow_reading_once|shadow_reading_whole"
        with pytest.raises(DatabaseError, match=refusal), transaction.atomic():
            cursor.execute(statement)
