"""Systems list the predictions of their organisation, newest first, and find those of a case."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from accounts.keys import issue_key
from accounts.models import Event
from predictions import erasure, selectors
from tests.predictions.conftest import registered

pytestmark = pytest.mark.django_db

LIST, SEARCH = "/api/v1/predictions", "/api/v1/predictions/search"


@pytest.fixture
def ask(key, release):
    def ask(path=LIST, **parameters):
        return Client().get(path, parameters, headers={"Authorization": f"Api-Key {key}"})

    return ask


@pytest.fixture
def search(key, release):
    def search(body):
        headers = {"Authorization": f"Api-Key {key}"}
        return Client().post(SEARCH, json.dumps(body), content_type="application/json", headers=headers)

    return search


def ids(answer):
    return [each["id"] for each in answer.json()["predictions"]]


def pointers(answer):
    return {error["pointer"] for error in answer.json()["errors"]}


def test_a_list_tells_of_each_what_the_result_tells(ask, submit):
    made = submit(0, case_reference="P-1", sample_id="S-1")
    (told,) = ask().json()["predictions"]
    whole = ask(told["address"]).json()
    assert told["id"] == str(made.id)
    assert told["erased"] is False
    for name in ("id", "status", "terminal", "created_at", "case"):
        assert told[name] == whole[name]
    assert told["result"]["log_hazard"] == whole["result"]["log_hazard"]
    for short, full in zip(told["result"]["horizons"], whole["result"]["horizons"], strict=True):
        assert short == {name: full[name] for name in short}


def test_pages_follow_each_other_without_a_gap_or_a_repeat(ask, submit, monkeypatch):
    monkeypatch.setattr(selectors, "PAGE", 2)
    made = [str(submit(patient).id) for patient in range(5)]
    seen, address = [], LIST
    while address:
        page = ask(address)
        seen += ids(page)
        address = page.json()["next"]
    assert seen == made[::-1]


def test_a_filter_stays_from_page_to_page(ask, submit, monkeypatch):
    monkeypatch.setattr(selectors, "PAGE", 1)
    first = submit(0)
    submit(1)
    page = ask(model=first.release.name, version=first.release.version).json()
    assert page["next"] == (
        f"{LIST}?model={first.release.name}&version={first.release.version}&before={page['before']}"
    )
    assert ask(page["next"]).json()["next"] is None


def test_only_the_release_that_is_asked_for_is_listed(ask, submit, candidate_manifest):
    made = submit(0)
    other = registered(candidate_manifest)
    assert ids(ask(version=made.release.version)) == [str(made.id)]
    assert ids(ask(version=other.version)) == []


def test_times_bound_the_list(ask, submit):
    made = submit(0)
    hour = timedelta(hours=1)
    now = datetime.now(UTC)
    assert ids(ask(since=(now - hour).isoformat(), until=(now + hour).isoformat())) == [str(made.id)]
    assert ids(ask(since=(now + hour).isoformat())) == ids(ask(until=(now - hour).isoformat())) == []


def test_the_predictions_of_a_case_are_found_without_its_reference_in_an_address(search, submit):
    made = [str(submit(0, case_reference="P-1").id), str(submit(1, case_reference="P-1").id)]
    submit(2, case_reference="P-2")
    assert ids(search({"case": "P-1"})) == made[::-1]
    assert ids(search({"case": "P-3"})) == []
    looked = list(Event.objects.filter(action="predictions.listed").order_by("id"))
    assert [event.facts["count"] for event in looked] == [2, 0]
    assert all(event.facts["case_digest"] for event in looked)


def test_another_organisations_are_never_listed(ask, search, submit, other_hospital):
    made = submit(0, case_reference="P-1")
    _, theirs = issue_key(other_hospital, "Theirs", ["read"])
    headers = {"Authorization": f"Api-Key {theirs}"}
    assert ids(Client().get(LIST, headers=headers)) == []
    body = json.dumps({"case": "P-1"})
    assert ids(Client().post(SEARCH, body, content_type="application/json", headers=headers)) == []
    assert ids(ask()) == [str(made.id)]


@pytest.mark.parametrize(
    ("parameters", "wrong"),
    [
        (
            {"since": "yesterday", "until": "2026-11-25T00:00:00", "before": "1"},
            {"/since", "/until", "/before"},
        ),
        ({"since": "20261125"}, {"/since"}),
        ({"since": "9999-99-99T00:00:00Z"}, {"/since"}),
        ({"case": "P-1"}, {"/case"}),
        ({"model": "\x00", "page": "2"}, {"/model", "/page"}),
        ({"model": ["a", "b"]}, {"/model"}),
    ],
)
def test_everything_wrong_with_what_is_asked_is_told_at_once(ask, parameters, wrong):
    answer = ask(**parameters)
    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/parameters-refused/")
    assert pointers(answer) == wrong


@pytest.mark.parametrize("body", [{}, {"case": ""}, {"case": 1}, {"case": "a\x00b"}, {"case": "x" * 200}])
def test_a_search_without_a_case_is_refused(search, body):
    answer = search(body)
    assert (answer.status_code, pointers(answer)) == (400, {"/case"})


def test_of_an_erased_case_a_list_says_only_that_it_was_erased(ask, submit):
    made = submit(0, case_reference="P-1")
    erasure.decide_again(made.case_key_id)
    erasure.finish_all()
    (told,) = ask().json()["predictions"]
    assert told["erased"] is True
    assert not {"case", "sample", "result"} & told.keys()
