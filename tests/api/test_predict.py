"""`POST /api/v1/predict` takes what it documents and refuses the rest with reasons."""

import json
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.keys import KeyRefused, UnknownScope, find_key, issue_key
from accounts.models import ApiKey, Event
from predictions.models import Prediction
from tests.panels import as_body, values_of

pytestmark = pytest.mark.django_db


def body_with(**changes):
    return {**as_body(values_of(0)), **changes}


def expression_with(**changes):
    return body_with(expression={**as_body(values_of(0))["expression"], **changes})


def pointers(response):
    return {error.get("pointer") for error in response.json()["errors"]}


def test_a_panel_is_answered_with_everything_that_answered_it(release, post):
    response = post(as_body(values_of(0), reference="P-0042", age_years=57))
    assert response.status_code == 201
    answer = response.json()
    assert response["Location"] == f"/api/v1/predictions/{answer['id']}"
    assert answer["status"] == "awaiting_second_reading"
    assert answer["terminal"] is False
    assert (answer["model"]["name"], answer["model"]["sha256"]) == (release.name, release.sha256)
    assert answer["case"] == {"reference": "P-0042", "age_years": 57}
    assert [horizon["years"] for horizon in answer["result"]["horizons"]] == [5, 10]
    for point in answer["result"]["curve"]:
        low, high = point["interval95_percent"]
        assert 0 <= low <= point["risk_percent"] <= high <= 100
    assert sum(part["log_hazard"] for part in answer["contributions"]) == pytest.approx(
        answer["result"]["log_hazard"], abs=1e-12
    )


def test_the_same_prediction_is_fetched_again_with_the_same_facts(release, post, key):
    made = post(as_body(values_of(0)))
    fetched = Client().get(made["Location"], headers={"Authorization": f"Api-Key {key}"})
    assert fetched.status_code == 200
    assert fetched.json() == made.json()
    assert Event.objects.filter(action="prediction.disclosed").count() == 1


def test_the_example_of_the_documentation_is_understood(release, post):
    body = as_body({**values_of(0), "IL18": None}, reference="P-0042", age_years=57)
    body |= {
        "model": "stable",
        "sample": {"id": "S-17-0031", "platform": "affymetrix-hgu133a"},
        "options": {"explain": True, "missing_genes": "allow", "alias_policy": "reject"},
    }
    response = post(body)
    assert response.status_code == 201
    given = response.json()["input"]
    assert given["genes_missing"] == ["IL18"]
    cost = given["genes_missing_cost"]
    assert cost["genes"] >= 1
    assert 0 < cost["mean_absolute_risk_change_5y_percentage_points"] < 5
    assert cost["share_measured_percent"] > cost["warn_below_percent"] > cost["refuse_below_percent"]
    assert "genes_missing" in {warning["code"] for warning in response.json()["warnings"]}


@pytest.mark.parametrize("age", [None, 24, 60, 61, 23])
def test_an_age_outside_the_training_data_is_said_so(release, post, age):
    answer = post(as_body(values_of(0), age_years=age)).json()
    outside = age in {61, 23}
    assert answer["applicability"]["state"] == ("outside_data" if outside else "in_range")
    assert ("age_unknown" in {warning["code"] for warning in answer["warnings"]}) == (age is None)


def test_contributions_are_left_out_on_request(release, post):
    assert "contributions" not in post(body_with(options={"explain": False})).json()


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (body_with(modell="stable"), "/modell"),
        (body_with(case={"age": 57}), "/case/age"),
        (body_with(case={"age_years": "57"}), "/case/age_years"),
        (body_with(case={"age_years": 57.5}), "/case/age_years"),
        (body_with(case={"age_years": True}), "/case/age_years"),
        (body_with(case={"age_years": 10**300}), "/case/age_years"),
        (body_with(case={"reference": 42}), "/case/reference"),
        (body_with(case={"reference": "x" * 101}), "/case/reference"),
        (body_with(case={"reference": "a\u0000b"}), "/case/reference"),
        (body_with(case=None), "/case"),
        (body_with(expression=[]), "/expression"),
        ({"case": {}}, "/expression"),
        (expression_with(values={}), "/expression/values"),
        (expression_with(values=[7.1]), "/expression/values"),
        (expression_with(values={**values_of(0), "IL18": "6.4"}), "/expression/values/IL18"),
        (expression_with(values={**values_of(0), "IL18": "1_0"}), "/expression/values/IL18"),
        (expression_with(values={**values_of(0), "IL18": "\u0666"}), "/expression/values/IL18"),
        (expression_with(values={**values_of(0), "IL18": "Infinity"}), "/expression/values/IL18"),
        (expression_with(values={**values_of(0), "IL18": {"$ne": 1}}), "/expression/values/IL18"),
        (expression_with(values={**values_of(0), "IL18": True}), "/expression/values/IL18"),
        (expression_with(values={**values_of(0), "IL18": [6.4]}), "/expression/values/IL18"),
        (expression_with(values={**values_of(0), "A/B~C": "x"}), "/expression/values/A~1B~0C"),
        (expression_with(values={f"G{i}": 1.0 for i in range(1_001)}), "/expression/values"),
        (expression_with(values={f"G{i}": 1 for i in range(20_000)}), "/expression/values"),
        (body_with(__class__={}), "/__class__"),
        (body_with(case={"age_years": -(2**63)}), "/case/age_years"),
        (expression_with(unit="furlong"), "/expression/unit"),
        (expression_with(unit="raw_counts"), "/expression/unit"),
        (expression_with(identifiers="name"), "/expression/identifiers"),
        (body_with(options={"missing_genes": "maybe"}), "/options/missing_genes"),
        (body_with(options={"explain": "yes"}), "/options/explain"),
        (body_with(model="other/1.0.0"), "/model"),
        (body_with(model="a\u0000b/1.0.0"), "/model"),
        (expression_with(values=dict.fromkeys(values_of(0), 7.0)), "/expression/values"),
    ],
)
def test_what_does_not_fit_is_refused_with_a_pointer_to_it(release, post, body, pointer):
    response = post(body)
    assert response.status_code == 422
    assert response["Content-Type"] == "application/problem+json"
    assert pointer in pointers(response)
    assert not Prediction.objects.exists()


@pytest.mark.parametrize(
    "body",
    [
        b" ",
        b"{",
        b"[]",
        b'"text"',
        b"null",
        b"{} {}",
        b'{"model": "stable", "model": "stable"}',
        b'{"expression": {"values": {"IL18": 1, "IL18": 2}}}',
        b'{"x": NaN}',
        b'{"x": -Infinity}',
        b'{"x": Infinity}',
        b'{"x": 1_0}',
        b'{"x": +1}',
        b'{"x": 01}',
        b'{"x": 0x10}',
        b'{"x": \xd9\xa6}',  # a six in Arabic digits
        b'{"x": "\x01"}',
        b"{}\x00",
        b"[" * 100_000,
        b"[" * 100_000 + b"]" * 100_000,
        b'{"a":' * 40_000,
        b'{"x": ' + b"1" * 5_000 + b"}",
        b"\xff\xfe{\x00}\x00",
        b"\x00{\x00}",
        b"{\x00\x00\x00}\x00\x00\x00",
        b"+AHsAfQ-",
        b"<?xml version='1.0'?><a/>",
        b"{'a': 1}",
        b'{"a": 1,}',
        b"\xef\xbb\xbf{}",
        b'{"a": "\xff"}',
        b"// comment\n{}",
    ],
)
def test_what_is_not_one_json_object_is_a_400_and_on_record(release, post, body):
    response = post(body)
    assert response.status_code == 400
    assert response.json()["errors"][0]["code"] == "malformed_json"
    assert Event.objects.filter(action="prediction.refused").count() == 1


@pytest.mark.parametrize(
    "body",
    [
        b'{"expression": {"unit": "log2_intensity", "values": {"IL18": 1e309}}}',
        b'{"expression": {"unit": "log2_intensity", "values": {"\\ud800": 1}}}',
        b'{"expression": {"unit": "log2_intensity", "values": {"a\\u0000": 1}}}',
        b'{"expression": {"unit": "\\ud800", "values": {"IL18": 1}}}',
        b'{"\\ud800": 1}',
        b'{"expression": {"unit": "log2_intensity", "values": {"' + b"K" * 100_000 + b'": 1}}}',
        b'{"case": {"age_years": ' + b"9" * 4_000 + b'}, "expression": {"unit": "x", "values": {"IL18": 1}}}',
        b'{"expression": {"unit": "log2_intensity", "values": {"IL18": ' + b"9" * 400 + b"}}}",
    ],
)
def test_hostile_values_are_refused_and_never_a_500(release, post, body):
    response = post(body)
    assert response.status_code == 422
    assert response.json()["errors"]


@pytest.mark.parametrize(
    "body",
    [b'{"model": "' + b"x" * 300_000 + b'"}', b'{"' + b"k" * 1_000_000 + b'": 1}', b"9" * 3_000_000],
    ids=["long text", "long key", "long number"],
)
def test_a_body_beyond_any_panel_is_a_413(release, post, body):
    assert post(body).status_code == 413


@pytest.mark.parametrize(
    "media_type", ["text/plain", "application/xml", "application/json; charset=utf-16", ""]
)
def test_only_json_in_utf_8_is_read(release, key, media_type):
    headers = {"Authorization": f"Api-Key {key}"}
    response = Client().post("/api/v1/predict", b"{}", content_type=media_type, headers=headers)
    assert response.status_code == 415


def test_another_method_is_a_405_that_says_which_are_served(key):
    response = Client().get("/api/v1/predict", headers={"Authorization": f"Api-Key {key}"})
    assert response.status_code == 405
    assert response["Content-Type"] == "application/problem+json"


def test_an_address_without_anything_is_a_404_problem():
    response = Client().get("/api/v1/nothing")
    assert (response.status_code, response["Content-Type"]) == (404, "application/problem+json")


def test_problem_types_lead_to_a_page_that_says_what_to_do(release, post):
    address = post(b"").json()["type"]
    assert Client().get(address).status_code == 200
    assert Client().get("/problems/no-such/").status_code == 404


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Bearer x",
        "Bearer \xff",
        "Basic eDp5",
        "Api-Key",
        "Api-Key x",
        "Api-Key x.y",
        "Api-Key \xff.\xff",
    ],
)
def test_without_a_valid_key_the_answer_is_always_the_same_401(release, key, header):
    headers = {} if header is None else {"Authorization": header}
    response = Client().post("/api/v1/predict", b"{}", content_type="application/json", headers=headers)
    assert response.status_code == 401
    assert response["WWW-Authenticate"] == "Api-Key, Bearer"
    assert response.json()["detail"] == "A valid API key is needed."


@pytest.mark.parametrize(
    "change",
    [
        {"expires_at": timezone.now() - timedelta(seconds=1)},
        {"revoked_at": timezone.now()},
        {"secret_sha256": "0" * 64},
        {"prefix": "0" * 12},
    ],
    ids=["expired", "revoked", "wrong", "unknown"],
)
def test_a_key_that_no_longer_fits_is_refused(key, change):
    assert find_key(key).name == "Lab system"
    ApiKey.objects.update(**change)
    find_key.cache_clear()
    with pytest.raises(KeyRefused):
        find_key(key)


def test_a_key_does_only_what_its_scopes_say(release, clinic, post):
    made = post(as_body(values_of(0)))
    _, reader = issue_key(clinic, "Reader", ["read"])
    headers = {"Authorization": f"Api-Key {reader}"}
    assert Client().get(made["Location"], headers=headers).status_code == 200
    response = Client().post("/api/v1/predict", b"{}", content_type="application/json", headers=headers)
    assert response.status_code == 403
    assert "'predict'" in response.json()["detail"]


def test_a_scope_that_does_not_exist_is_never_issued(clinic):
    with pytest.raises(UnknownScope):
        issue_key(clinic, "Odd", ["everything"])


def test_another_hospitals_prediction_is_not_there(release, post, other_hospital):
    made = post(as_body(values_of(0)))
    _, theirs = issue_key(other_hospital, "Theirs", ["read"])
    response = Client().get(made["Location"], headers={"Authorization": f"Api-Key {theirs}"})
    assert response.status_code == 404
    assert Event.objects.filter(action="prediction.disclosed").count() == 0


def test_the_secret_of_a_key_is_nowhere_in_the_database(key, clinic):
    secret = key.partition(".")[2]
    stored = ApiKey.objects.get()
    assert secret not in json.dumps([stored.prefix, stored.secret_sha256, stored.scopes])
    events = [bytes(event.body).decode() for event in Event.objects.filter(action="api_key.issued")]
    assert len(events) == 1
    assert secret not in events[0]


def test_the_group_of_a_risk_is_that_of_the_number_or_not_classifiable(release, post):
    groups = set()
    for patient in range(12):
        response = post(as_body(values_of(patient)))
        if response.status_code == 422:  # two of the 198 do not pass the gate
            continue
        answer = response.json()["result"]
        group = answer["risk_group"]
        groups.add(group["code"])
        if group["code"] != "not_classifiable":
            risk = answer["horizons"][0]["risk_percent"]
            assert group["risk_from_percent"] <= risk < group["risk_to_percent"]
    assert {"middle", "not_classifiable"} <= groups


def test_outside_the_data_nothing_is_classified(release, post):
    answer = post(as_body(values_of(0), age_years=80)).json()
    assert answer["applicability"]["state"] == "outside_data"
    assert answer["result"]["risk_group"]["code"] == "not_classifiable"


@pytest.mark.parametrize("name", ["Dr. Amal Haddad", "müller@clinic.example", "李 医生"])
def test_whom_a_system_asks_for_is_on_record_and_shown_to_auditors(release, post, audrey, browser_of, name):
    post(as_body(values_of(0)), **{"X-On-Behalf-Of": name.encode().decode("latin-1")})
    event = Event.objects.get(action="prediction.made")
    assert event.facts["on_behalf_of"] == name
    page = browser_of(audrey).get(f"/admin/accounts/event/{event.id}/change/").content.decode()
    assert f", for {name}" in page


@pytest.mark.parametrize("name", ["x" * 101, "\x07", "a\u202eb".encode().decode("latin-1")])
def test_what_is_no_name_is_refused_before_anything_is_done(release, post, name):
    answer = post(as_body(values_of(0)), **{"X-On-Behalf-Of": name})
    assert answer.status_code == 400
    assert "X-On-Behalf-Of" in answer.json()["detail"]
    assert not Prediction.objects.exists()
