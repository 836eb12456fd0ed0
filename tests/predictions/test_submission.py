"""One panel in, one answer out, on record or not at all."""

import io
import json
from unittest import mock

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction

from accounts import ledger
from accounts.models import Event
from ml_models import training
from predictions import submission
from predictions.exceptions import PanelRefused, ReleaseUnavailable
from predictions.facts import facts_of
from predictions.intake.measurements import Measurement, PanelRequest
from predictions.models import Prediction
from tests.panels import age_of, as_body, as_text, values_of

pytestmark = pytest.mark.django_db


def request_of(values, **options):
    return PanelRequest(tuple(Measurement(*item) for item in values.items()), "log2_intensity", **options)


def bodies(action):
    return [json.loads(bytes(event.body)) for event in Event.objects.filter(action=action)]


@pytest.mark.parametrize("patient", [0, 5, 117])
@pytest.mark.parametrize("with_age", [True, False])
def test_form_api_and_command_give_one_patient_the_same_bits(
    release, alice, post, browser_of, tmp_path, patient, with_age
):
    values, age = values_of(patient), age_of(patient) if with_age else None
    file = tmp_path / "panel.csv"
    file.write_text("gene,value\n" + as_text(values, ","))

    answer = post(as_body(values, age_years=age))
    assert answer.status_code == 201
    form = {"pasted": as_text(values), "unit": "log2_intensity", "age_years": "" if age is None else age}
    assert browser_of(alice).post("/predictions/new/", form).status_code == 302
    printed = io.StringIO()
    call_command("predict", file, **({"age": age} if age else {}), json=True, stdout=printed)

    by_api, by_form, by_command = Prediction.objects.order_by("id")
    assert [row.door for row in (by_api, by_form, by_command)] == ["api", "form", "command"]
    assert by_api.result == by_form.result == by_command.result
    assert by_api.input_sha256 == by_form.input_sha256 == by_command.input_sha256
    assert answer.json()["result"] == json.loads(printed.getvalue())["result"] == facts_of(by_form)["result"]


def test_a_prediction_and_its_event_are_written_together(release, alice_acting):
    prediction = submission.submit_panel(request_of(values_of(0), case_reference="P-1"), alice_acting)
    event = Event.objects.get(id=prediction.event_id)
    assert (event.action, event.prediction_id) == ("prediction.made", prediction.id)
    assert event.recorded_at == prediction.created_at
    assert event.person == alice_acting.person
    assert event.release == str(release)


def test_when_the_audit_write_fails_there_is_no_prediction_either(release, alice_acting):
    with (
        mock.patch.object(ledger, "canonical_json", return_value=b"not json"),
        pytest.raises(DatabaseError),
        transaction.atomic(),
    ):
        submission.submit_panel(request_of(values_of(0)), alice_acting)
    assert not Prediction.objects.exists()
    assert not Event.objects.filter(action="prediction.made").exists()


def test_when_the_prediction_cannot_be_written_there_is_no_event_either(release, alice_acting):
    with (
        mock.patch.object(Prediction.objects, "create", side_effect=DatabaseError),
        pytest.raises(DatabaseError),
        transaction.atomic(),
    ):
        submission.submit_panel(request_of(values_of(0)), alice_acting)
    assert not Event.objects.filter(action="prediction.made").exists()


def test_a_refusal_leaves_one_event_that_says_why_and_nothing_of_the_panel(release, alice_acting):
    values = {**values_of(0), "C11orf9": 12.3456789}
    with pytest.raises(PanelRefused):
        submission.submit_panel(request_of(values, case_reference="P-0042"), alice_acting)
    assert not Prediction.objects.exists()
    (body,) = bodies("prediction.refused")
    assert body["problems"] == {"identifiers_collide": 1}
    assert "12.3456789" not in json.dumps(body)
    assert "P-0042" not in json.dumps(body)


@pytest.mark.parametrize(
    ("transform", "code"),
    [
        (lambda value, _: float(round(2**value)), "unit_contradicted"),
        (lambda value, _: 2**value, "unit_contradicted"),
        (lambda value, mean: value - mean, "unit_contradicted"),
        (lambda value, _: value / 2, "wrong_scale"),
        (lambda value, _: 16 - value, "wrong_values"),
    ],
    ids=["counts", "not logged", "centred", "another scale", "upside down"],
)
def test_values_in_wrong_units_are_refused_with_evidence_and_never_scored(
    release, manifest, alice_acting, transform, code
):
    means = dict(zip(manifest.symbols, manifest.means.tolist(), strict=True))
    values = {name: transform(value, means[name]) for name, value in values_of(0).items()}
    with pytest.raises(PanelRefused) as caught:
        submission.submit_panel(request_of(values), alice_acting)
    assert [problem.code for problem in caught.value.problems] == [code]
    assert any(character.isdigit() for character in caught.value.problems[0].detail)
    assert not Prediction.objects.exists()


def test_a_release_that_is_not_registered_answers_nobody(release, alice_acting):
    with pytest.raises(PanelRefused, match="model_unknown"):
        submission.submit_panel(request_of(values_of(0), model="other/9.9.9"), alice_acting)


def test_without_a_live_release_nobody_is_answered(alice_acting):
    with pytest.raises(ReleaseUnavailable):
        submission.submit_panel(request_of(values_of(0)), alice_acting)


def test_a_release_is_called_by_its_name(release, alice_acting):
    prediction = submission.submit_panel(
        request_of(values_of(0), model="rotterdam76-ridge/1.0.0"), alice_acting
    )
    assert prediction.release == release


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE predictions_prediction SET sealed = ''",
        "UPDATE predictions_prediction SET case_key_id = gen_random_uuid()",
        "UPDATE predictions_prediction SET release_id = gen_random_uuid()",
        "DELETE FROM predictions_prediction",
        "TRUNCATE predictions_prediction CASCADE",
    ],
)
def test_the_database_refuses_to_change_a_prediction(release, alice_acting, statement):
    submission.submit_panel(request_of(values_of(0)), alice_acting)
    connection.cursor().execute("SET CONSTRAINTS ALL IMMEDIATE")
    with pytest.raises(DatabaseError, match=r"refused|never changed"), transaction.atomic():
        connection.cursor().execute(statement)
    assert Prediction.objects.count() == 1


def test_the_command_says_everything_that_is_wrong_with_a_file(release, clinic, tmp_path):
    file = tmp_path / "panel.csv"
    file.write_text("IL18,6.5\nPOLQ,six\nPLK1,")
    with pytest.raises(CommandError, match=r"row 2: .*\[six\]"):
        call_command("predict", file)
    assert bodies("prediction.refused")[0]["door"] == "command"


@pytest.mark.parametrize("value", [0.0, 7.0, 24.0])
def test_a_panel_of_one_value_is_refused_in_words_and_on_record(release, alice_acting, value):
    with pytest.raises(PanelRefused, match="wrong_values") as caught:
        submission.submit_panel(request_of(dict.fromkeys(values_of(0), value)), alice_acting)
    assert "the values are all the same" in caught.value.problems[0].detail
    assert bodies("prediction.refused")[0]["problems"] == {"wrong_values": 1}


@pytest.mark.parametrize("model", ["a\0b/1.0.0", "\ud800/1.0.0", "rotterdam76-ridge/1.0.0\n", "", "\x1b[2J"])
def test_a_name_that_no_release_can_have_is_an_unknown_release_on_record(release, alice_acting, model):
    with pytest.raises(PanelRefused, match="model_unknown"):
        submission.submit_panel(request_of(values_of(0), model=model), alice_acting)
    assert bodies("prediction.refused")[0]["problems"] == {"model_unknown": 1}


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--case", "P-\udcff"),
        ("--case", "a\nb"),
        ("--case", "x" * 101),
        ("--model", "a\udcff/1.0.0"),
        ("--unit", "\x1b[2J"),
        ("--organisation", "\udcff"),
        ("--age", "5_7"),
        ("--age", "57.0"),
        ("--age", "\u0665\u0667"),
    ],
)
def test_the_command_refuses_an_argument_that_is_not_plain_text(release, clinic, tmp_path, option, value):
    file = tmp_path / "panel.csv"
    file.write_text(as_text(values_of(0)))
    with pytest.raises(CommandError, match=option):
        call_command("predict", str(file), f"{option}={value}")
    assert not Prediction.objects.exists()


def test_the_command_takes_a_model_that_is_unknown_as_a_refusal(release, clinic, tmp_path):
    file = tmp_path / "panel.csv"
    file.write_text(as_text(values_of(0)))
    with pytest.raises(CommandError, match="No release of this name"):
        call_command("predict", str(file), "--model=other/1.0.0")


def test_nothing_from_a_hostile_file_reaches_the_terminal_raw(release, clinic, tmp_path):
    file = tmp_path / "panel.csv"
    file.write_text("IL18,\x1b[2Jsix\nPOLQ,\u202eseven\nPLK1\x07")
    with pytest.raises(CommandError) as caught:
        call_command("predict", file)
    text = str(caught.value)
    assert "\\x1b[2Jsix" in text
    assert all(character.isprintable() or character == "\n" for character in text)


@pytest.mark.parametrize(
    "version", ["1.0.0", "1.0", "1.0.0\n", "../1.0.0", "\udcff", "01.0.0", "1.0.0-rc1", ""]
)
def test_a_version_that_is_none_or_taken_is_not_trained(manifest, version):
    with (
        mock.patch.object(training, "train_release", side_effect=AssertionError("it was trained")),
        pytest.raises(CommandError),
    ):
        call_command("train_model", version)
