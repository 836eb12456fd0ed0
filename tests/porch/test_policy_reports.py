"""Reports of browsers on the content security policy: told in the log, believed in nothing."""

import json
import logging

import pytest
from django.core.cache import cache
from django.test import Client

from breastrisk.policy_reports import LONGEST, MOST_A_MINUTE

pytestmark = pytest.mark.django_db

OLD = {"csp-report": {"document-uri": "https://x/cases/SECRET", "violated-directive": "script-src"}}
NEW = [{"type": "csp-violation", "body": {"effectiveDirective": "img-src", "documentURL": "SECRET"}}]


@pytest.fixture(autouse=True)
def _count_anew():
    cache.clear()
    yield
    cache.clear()


def report(body, **headers):
    return Client().post("/policy-reports/", body, content_type="application/csp-report", headers=headers)


@pytest.mark.parametrize(("said", "directive"), [(OLD, "script-src"), (NEW, "img-src")])
def test_the_directive_is_told_and_nothing_else_of_the_page(caplog, said, directive):
    with caplog.at_level(logging.WARNING, "breastrisk.policy_reports"):
        assert report(json.dumps(said)).status_code == 204
    assert caplog.messages == [f"A page broke the content security policy: {directive}"]


@pytest.mark.parametrize(
    "body",
    ["", "x", "[", "[" * 9_999, "null", "[1]", "{}", '{"csp-report": 1}', json.dumps(OLD) + " " * LONGEST,
     '{"csp-report": {"violated-directive": "x\\nERROR forged"}}'],
)  # fmt: skip
def test_what_is_no_report_is_told_to_nobody(caplog, body):
    with caplog.at_level(logging.WARNING, "breastrisk.policy_reports"):
        assert report(body).status_code == 204
    assert caplog.messages == []


def test_a_flood_of_reports_does_not_flood_the_log(caplog):
    with caplog.at_level(logging.WARNING, "breastrisk.policy_reports"):
        for _ in range(MOST_A_MINUTE + 5):
            report(json.dumps(OLD))
    assert len(caplog.messages) == MOST_A_MINUTE


def test_a_browser_that_reports_need_not_be_signed_in():
    assert Client(enforce_csrf_checks=True).post("/policy-reports/").status_code == 204
