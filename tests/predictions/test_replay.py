"""Any stored prediction runs again and gives the same bits, or the alarm is raised."""

import io
import json
import logging
import math

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from accounts.models import Event
from breastrisk.celery import app
from predictions import inference, lifecycle, releases, replay
from predictions.models import Prediction
from predictions.sealed_contents import seal_contents
from predictions.tasks import replay_sample

pytestmark = pytest.mark.django_db


def tamper(statement, *parameters):
    """As the owner of the table, who can switch the triggers off."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE predictions_prediction DISABLE TRIGGER refuse_update")
        cursor.execute(statement, parameters)
        cursor.execute("ALTER TABLE predictions_prediction ENABLE ALWAYS TRIGGER refuse_update")


def tamper_with(prediction, column, value):
    statement = f"UPDATE predictions_prediction SET {column} = %s WHERE id = %s"
    tamper(statement, value, prediction.id)
    return replay.stored_predictions().get(id=prediction.id)


def reseal(prediction, **changed):
    """As somebody who has the keys too."""
    row = (prediction.id, prediction.organisation_id)
    sealed = seal_contents({**prediction.contents, **changed}, prediction.key, *row)
    return tamper_with(prediction, "sealed", sealed)


def differing(prediction):
    return [difference.what for difference in replay.replay(prediction)]


def test_real_patients_with_and_without_age_and_with_missing_genes_give_the_same_bits(release, submit):
    for patient in range(22, 34):
        submit(patient, age_years=None if patient % 2 else 50)
    submit(13, changed={"IL18": None, "POLQ": None})
    submit(0, changed={"IL18": -0.0})
    submit(0, changed={"IL18": 1e-320})
    replayed = list(replay.replay_each(replay.stored_predictions()))
    assert len(replayed) == 15
    assert [differences for _, differences in replayed if differences] == []
    assert not Event.objects.filter(action="prediction.replay_differed").exists()


def test_a_zero_of_either_sign_is_no_difference(release, submit, monkeypatch):
    as_result = inference.as_result

    def with_minus_zero(*row):
        result = as_result(*row)
        return {**result, "contributions": {**result["contributions"], "age": -0.0}}

    monkeypatch.setattr(inference, "as_result", with_minus_zero)
    prediction = submit(0, age_years=None)
    assert differing(replay.stored_predictions().get(id=prediction.id)) == []


@pytest.mark.parametrize("state", ["retired", "quarantined", "shadow"])
def test_a_release_that_answers_nobody_still_replays(candidate, proposer, submit, state):
    prediction = submit(0, model="rotterdam76-ridge/1.1.0")
    steps = {
        "retired": lambda: lifecycle.retire(candidate, proposer),
        "quarantined": lambda: lifecycle.quarantine(candidate, "a test"),
        "shadow": lambda: lifecycle.shadow(candidate, proposer),
    }
    steps[state]()
    assert differing(replay.stored_predictions().get(id=prediction.id)) == []


def test_the_last_bit_of_a_stored_risk_is_seen(release, submit, caplog):
    prediction = submit(0)
    result = prediction.result
    result["risk"][4] = math.nextafter(result["risk"][4], 1)
    changed = reseal(prediction, result=result)
    with caplog.at_level(logging.CRITICAL):
        ((_, differences),) = replay.replay_each([changed])
    assert [difference.what for difference in differences] == ["sealed_sha256", "risk/4"]
    assert str(prediction.id) in caplog.text
    event = Event.objects.get(action="prediction.replay_differed")
    assert (event.prediction_id, event.organisation) == (prediction.id, prediction.organisation)
    assert json.loads(bytes(event.body))["differences"] == ["sealed_sha256", "risk/4"]


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda _result: {}, "risk/0"),
        (lambda result: {**result, "added": 1}, "added"),
        (lambda result: {**result, "risk": result["risk"][:-1]}, "risk/9"),
        (lambda result: {**result, "log_hazard": str(result["log_hazard"])}, "log_hazard"),
        (lambda result: {**result, "log_hazard": True}, "log_hazard"),
        (lambda result: {**result, "applicability": {**result["applicability"], "spearman": 1}},
         "applicability/spearman"),
    ],
)  # fmt: skip
def test_whatever_else_is_written_into_a_result_is_seen(release, submit, change, what):
    prediction = submit(0)
    assert what in differing(reseal(prediction, result=change(prediction.result)))


def test_a_panel_that_was_changed_together_with_its_result_is_seen(release, submit):
    first, other = submit(0), submit(5)
    tamper_with(first, "input_sha256", other.input_sha256)
    reseal(first, **{name: other.contents[name] for name in ("panel", "age_years", "result")})
    found = differing(replay.stored_predictions().get(id=first.id))
    assert found == ["input_sha256", "result_sha256", "sealed_sha256"]


@pytest.mark.parametrize(
    ("column", "value", "what"),
    [
        ("panel", {}, "panel"),
        ("panel", [], "panel"),
        ("age_years", 30, "input_sha256"),
    ],
)
def test_every_other_part_of_what_was_read_is_compared_too(release, submit, column, value, what):
    assert what in differing(reseal(submit(0), **{column: value}))


@pytest.mark.parametrize(
    ("column", "value", "what"),
    [("input_sha256", "0" * 64, "row/input_sha256"), ("sealed", b"other bytes" * 9, "sealed")],
)
def test_every_other_column_is_compared_too(release, submit, column, value, what):
    assert what in differing(tamper_with(submit(0), column, value))


def test_a_prediction_that_was_given_to_another_release_or_organisation_is_seen(
    candidate, other_hospital, submit
):
    prediction = submit(0)
    assert differing(tamper_with(prediction, "organisation_id", other_hospital.id)) == ["sealed"]
    tamper_with(prediction, "organisation_id", prediction.organisation_id)
    assert "release_sha256" in differing(tamper_with(prediction, "release_id", candidate.id))


def test_a_release_that_cannot_be_opened_is_a_difference(release, submit, settings, tmp_path, monkeypatch):
    submit(0)
    settings.MODEL_STORE = str(tmp_path)
    monkeypatch.setattr(releases, "_open_manifest", releases._open_manifest.__wrapped__)
    assert differing(replay.stored_predictions().get()) == ["release"]


def test_the_command_names_each_difference_and_fails(release, submit):
    prediction, printed = submit(0), io.StringIO()
    submit(5)
    call_command("replay_predictions", all=True, stdout=printed)
    assert "2 predictions give the same bits" in printed.getvalue()
    result = {**prediction.result, "log_hazard": 0.5}
    reseal(prediction, result=result)
    with pytest.raises(CommandError, match="1 of 2 predictions differ") as caught:
        call_command("replay_predictions", sample=10, stdout=printed)
    assert caught.value.returncode == 1
    assert f"{prediction.id} log_hazard: stored 0.5, replayed {prediction.result['log_hazard']}" in (
        printed.getvalue()
    )


def test_the_command_replays_one_prediction_or_says_that_there_is_none(release, submit):
    prediction, printed = submit(0), io.StringIO()
    submit(5)
    call_command("replay_predictions", prediction=prediction.id, stdout=printed)
    assert "1 predictions give" in printed.getvalue()
    with pytest.raises(CommandError, match="There is no prediction"):
        call_command("replay_predictions", prediction=release.id)


@pytest.mark.parametrize("number", ["0", "-1", "all"])
def test_a_sample_of_nothing_is_not_taken_for_everything(number):
    with pytest.raises(CommandError, match="from 1 on"):
        call_command("replay_predictions", "--sample", number)


def test_every_scheduled_task_is_one_that_the_worker_knows():
    app.loader.import_default_modules()  # as a worker does
    scheduled = {entry["task"] for entry in app.conf.beat_schedule.values()}
    assert "predictions.replay_sample" in scheduled
    assert scheduled <= set(app.tasks)


def test_the_nightly_task_counts_what_differs(release, submit):
    prediction = submit(0)
    submit(5)
    assert replay_sample() == 0
    reseal(prediction, result={})
    assert replay_sample() == 1
    assert Prediction.objects.count() == 2
