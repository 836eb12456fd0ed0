"""Requests of one name at the same moment, on connections of their own, with real commits."""

import json
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from accounts.keys import issue_key
from accounts.models import Organisation
from predictions import lifecycle, submission
from predictions.models import Prediction
from tests.panels import as_body, values_of


@pytest.fixture
def send(transactional_db, manifest):
    clinic = Organisation.objects.create(slug="clinic", name="The clinic")
    lifecycle.start_with({"name": manifest.name, "version": manifest.version, "sha256": manifest.sha256})
    _, key = issue_key(clinic, "Lab system", ["predict"])
    body = json.dumps(as_body(values_of(0)))
    headers = {"Authorization": f"Api-Key {key}", "Idempotency-Key": "one"}

    def send():
        return Client().post("/api/v1/predict", body, content_type="application/json", headers=headers)

    return send


def and_hang_up(work):
    try:
        return work()
    finally:
        connection.close()


def test_of_many_that_come_at_once_one_is_carried_out(send):
    together = Barrier(4)

    def race():
        together.wait()
        return send()

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(and_hang_up, [race] * 4))
    assert Prediction.objects.count() == 1
    made = {answer.json()["id"] for answer in answers if answer.status_code == 201}
    assert made == {str(Prediction.objects.get().id)}
    for running in (answer for answer in answers if answer.status_code != 201):
        assert (running.status_code, running.json()["type"]) == (409, "/problems/request-running/")
        assert "Retry-After" in running


def test_while_one_is_carried_out_another_is_told_to_come_again(send, monkeypatch):
    meanwhile: list[Any] = []

    def ask(*args):
        monkeypatch.setattr(submission, "submit_panel", submit)
        with ThreadPoolExecutor(1) as pool:
            meanwhile.append(pool.submit(and_hang_up, send).result())
        return submit(*args)

    submit = submission.submit_panel
    monkeypatch.setattr(submission, "submit_panel", ask)
    assert send().status_code == 201
    assert meanwhile[0].status_code == 409
    assert send()["Idempotency-Replayed"] == "true"
