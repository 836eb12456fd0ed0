"""One number leads from an answer to the lines of the log and the events of the audit trail."""

import io
import logging
from typing import Any
from unittest import mock
from uuid import UUID

import pytest
from django.conf import settings
from django.test import Client

from accounts import ledger
from accounts.models import Event
from accounts.request_ids import current_request_id
from breastrisk.logs import DiscreetFormatter
from predictions import disclosure
from tests.panels import as_body, values_of

pytestmark = pytest.mark.django_db

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
NUMBER = "0193623f-6f7c-7a11-8f0e-4d1c2b3a4958"


@pytest.fixture
def logged():
    """What the console shows."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    line: Any = settings.LOGGING["formatters"]
    handler.setFormatter(DiscreetFormatter(line["line"]["format"]))
    logging.getLogger().addHandler(handler)
    yield stream.getvalue
    logging.getLogger().removeHandler(handler)


@pytest.mark.parametrize("path", ["/accounts/login/", "/nothing", "/api/v1/predict", "/static/site.css"])
def test_every_answer_has_a_number_of_its_own(path):
    answers = [Client().get(path), Client().get(path)]
    for answer in answers:
        answer.close()
    first, second = (UUID(answer["X-Request-Id"]) for answer in answers)
    assert first != second


@pytest.mark.parametrize("number", [TRACE, NUMBER])
def test_a_number_that_the_sender_gave_is_in_the_answer_and_on_record(release, post, number):
    answer = post(as_body(values_of(0)), **{"X-Request-Id": number})
    assert answer["X-Request-Id"] == number
    assert Event.objects.get(action="prediction.made").facts["request_id"] == number


@pytest.mark.parametrize("number", ["P-0042", "", NUMBER.upper(), NUMBER + "\r\nX: y", "x" * 10_000])
def test_what_could_be_a_patients_name_is_no_number(release, post, number):
    answer = post(as_body(values_of(0)), **{"X-Request-Id": number})
    assert answer["X-Request-Id"] != number
    recorded = Event.objects.get(action="prediction.made").facts["request_id"]
    assert recorded == answer["X-Request-Id"] == str(UUID(recorded))


def test_lines_of_the_log_have_the_number_and_so_has_the_page_that_says_it_broke(alice, browser_of, logged):
    client = browser_of(alice)
    client.raise_request_exception = False
    with mock.patch.object(disclosure, "disclose_list", side_effect=ValueError):
        answer = client.get("/predictions/")
    assert answer.status_code == 500
    assert answer["X-Request-Id"] in answer.content.decode()
    assert f"[{answer['X-Request-Id']}]" in logged()


def test_a_refusal_is_logged_with_its_number(logged):
    answer = Client().get("/nothing")
    assert f"[{answer['X-Request-Id']}]: 404" in logged()


def test_what_is_done_without_a_request_has_no_number():
    Client().get("/nothing")
    assert current_request_id() == ""
    ledger.record("test")
    assert "request_id" not in Event.objects.get(action="test").facts
