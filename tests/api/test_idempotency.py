"""A request with an Idempotency-Key that is sent again is carried out once, whatever became of the answer."""

import json
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.keys import issue_key
from accounts.models import Event
from predictions import idempotency
from predictions.cohort_records import Cohort, InputPart
from predictions.idempotency_records import AnsweredRequest
from predictions.models import Prediction
from tests.panels import as_body, values_of
from tests.predictions.test_cohorts import as_csv, patients

pytestmark = pytest.mark.django_db

NAME = "8e03978e-40d5-43dd-bc93-6894a57f9324"
BODY = as_body(values_of(0), reference="P-0042")


@pytest.fixture
def send(release, key):
    def send(body=BODY, name=NAME, key=key):
        headers = {"Authorization": f"Api-Key {key}", "Idempotency-Key": name}
        return Client(raise_request_exception=False).post(
            "/api/v1/predict", json.dumps(body), content_type="application/json", headers=headers
        )

    return send


def test_a_request_that_is_sent_again_gets_the_same_answer_and_makes_nothing(send):
    first, second = send(), send()
    assert (first.status_code, second.status_code) == (201, 201)
    assert (second.json(), second["Location"]) == (first.json(), first["Location"])
    assert ("Idempotency-Replayed" in first, second["Idempotency-Replayed"]) == (False, "true")
    assert Prediction.objects.count() == 1
    assert Event.objects.filter(action="prediction.made").count() == 1
    assert Event.objects.filter(action="prediction.disclosed").count() == 1


def test_a_name_that_stands_for_another_request_is_refused(send):
    send()
    answer = send(as_body(values_of(1)))
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/idempotency-key-reused/")
    assert Prediction.objects.count() == 1


def test_each_key_has_names_of_its_own(send, clinic):
    _, other = issue_key(clinic, "Other system", ["predict"])
    assert send().json()["id"] != send(key=other).json()["id"]


def test_a_name_is_free_again_after_a_day(send):
    first = send()
    AnsweredRequest.objects.update(made_at=timezone.now() - timedelta(hours=25))
    assert send().json()["id"] != first.json()["id"]
    assert idempotency.forget_old() == 0
    AnsweredRequest.objects.update(made_at=timezone.now() - timedelta(hours=25))
    assert idempotency.forget_old() == 1


@pytest.mark.parametrize("name", ["", " ", "two words", "x" * 256, "é"])
def test_what_is_no_name_is_refused_and_makes_nothing(send, name):
    answer = send(name=name)
    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/bad-request/")
    assert not Prediction.objects.exists()


def test_a_refusal_is_not_kept_and_stays_on_record(send):
    wrong = {**BODY, "expression": {**BODY["expression"], "unit": "furlong"}}
    assert [send(wrong).status_code, send(wrong).status_code, send().status_code] == [422, 422, 201]
    assert Event.objects.filter(action="prediction.refused").count() == 2


def test_what_broke_in_the_middle_made_nothing_and_may_be_sent_again(send, monkeypatch):
    keep = idempotency._keep

    def lose(*_):
        raise ConnectionResetError

    monkeypatch.setattr(idempotency, "_keep", lose)
    assert send().status_code == 500
    assert not Prediction.objects.exists()
    monkeypatch.setattr(idempotency, "_keep", keep)
    assert send().status_code == 201
    assert Prediction.objects.count() == 1


def test_a_file_that_is_sent_again_is_one_cohort(release, key):
    rows = as_csv(list(patients(3)))
    headers = {"Authorization": f"Api-Key {key}", "Idempotency-Key": NAME}

    def upload(unit="log2_intensity"):
        return Client().post(f"/api/v1/cohorts?unit={unit}", rows, content_type="text/csv", headers=headers)

    first, second, other = upload(), upload(), upload("log2_tpm")
    assert second.json()["id"] == first.json()["id"]
    assert (other.status_code, other.json()["type"]) == (422, "/problems/idempotency-key-reused/")
    assert Cohort.objects.count() == 1
    assert InputPart.objects.values("upload").distinct().count() == 1
