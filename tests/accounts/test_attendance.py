"""Who came in, who went, who tried and who was refused: all of it is in the audit trail."""

import json

import pytest
from django.test import Client

from accounts import ledger
from accounts.keys import issue_key
from accounts.links import make_link
from accounts.models import Event, Person
from tests.panels import as_body, values_of

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse battery"
WRONG = "not the password"
LOGIN = "/accounts/login/"
HERE = "192.0.2.77"


def bodies(action):
    return [json.loads(bytes(event.body)) for event in Event.objects.filter(action=action)]


def try_password(address, password=WRONG):
    return Client(REMOTE_ADDR=HERE).post(LOGIN, {"login": address, "password": password})


def test_signing_in_and_out_is_on_record_with_person_organisation_and_address(alice, clinic):
    client = Client(REMOTE_ADDR=HERE)
    client.post(LOGIN, {"login": alice.email, "password": PASSWORD})
    client.post("/accounts/logout/")
    for action, page in (("person.signed_in", "account_login"), ("person.signed_out", "account_logout")):
        (body,) = bodies(action)
        assert (body["person"], body["organisation"]) == (str(alice.id), str(clinic.id))
        assert (body["network_address"], body["page"], body["door"]) == (HERE, page, "form")


def test_a_one_time_link_is_told_from_a_password(alice):
    Client().post(make_link(alice, ""))
    assert [body["page"] for body in bodies("person.signed_in")] == ["sign_in_once"]


def test_a_wrong_password_is_on_record_without_what_was_typed(alice, clinic):
    try_password(alice.email, "a-secret-that-was-nearly-right")
    (body,) = bodies("sign_in.failed")
    assert (body["person"], body["organisation"], body["network_address"]) == (
        str(alice.id), str(clinic.id), HERE,
    )  # fmt: skip
    assert "nearly-right" not in json.dumps(body)


def test_an_address_that_is_nobodys_is_recorded_as_its_keyed_digest(db):
    try_password("Nobody@clinic.example")
    (body,) = bodies("sign_in.failed")
    assert "nobody" not in json.dumps(body).lower()
    assert body["address_digest"] == ledger.address_digest("nobody@clinic.example")
    assert "person" not in body


def test_a_lock_out_is_on_record_and_so_is_every_attempt_during_it(alice):
    for _ in range(5):
        try_password(alice.email)
    assert (len(bodies("sign_in.failed")), len(bodies("sign_in.locked_out"))) == (5, 1)
    try_password(alice.email, PASSWORD)
    assert (len(bodies("sign_in.failed")), len(bodies("sign_in.locked_out"))) == (6, 2)
    assert bodies("sign_in.locked_out")[0]["person"] == str(alice.id)


def test_a_new_password_is_on_record(alice, browser_of):
    new = "battery horse correct"
    form = {"oldpassword": PASSWORD, "password1": new, "password2": new}
    browser_of(alice).post("/accounts/password/change/", form)
    assert [body["person"] for body in bodies("person.password_changed")] == [str(alice.id)]


def test_reading_the_audit_trail_is_on_record_with_what_was_searched(alice, audrey, clinic, browser_of):
    client = browser_of(audrey)
    search = {"case": "P-0042", "person": alice.email, "since": "2026-01-01"}
    response = client.post("/admin/accounts/event/search/", search, follow=True)
    assert response.status_code == 200
    (body,) = bodies("audit.listed")
    assert (body["person"], body["organisation"]) == (str(audrey.id), str(clinic.id))
    assert body["search"]["case"] == ledger.case_digest(clinic.id, "P-0042")
    assert body["search"]["person"] == str(alice.id)
    assert alice.email not in json.dumps(body) + response.redirect_chain[0][0]


def test_what_is_no_search_is_not_kept_for_ever(audrey, browser_of):
    assert browser_of(audrey).get("/admin/accounts/event/?q=P-0042&p=1").status_code == 400
    assert bodies("audit.listed") == []
    assert "P-0042" not in json.dumps(bodies("request.refused"))


def test_reading_one_event_is_on_record(audrey, alice_acting, browser_of):
    entry = ledger.record("test.happened", alice_acting)
    assert browser_of(audrey).get(f"/admin/accounts/event/{entry.id}/change/").status_code == 200
    assert [body["event"] for body in bodies("audit.read")] == [str(entry.id)]


def test_the_superuser_reads_on_record_too(browser_of):
    root = Person.objects.create_superuser("root@clinic.example")
    assert browser_of(root).get("/admin/accounts/event/").status_code == 200
    assert [body["person"] for body in bodies("audit.listed")] == [str(root.id)]


def test_an_auditor_who_submits_is_refused_on_record(release, audrey, browser_of):
    response = browser_of(audrey).post("/predictions/new/", {"pasted": "IL18\t6", "unit": "log2_intensity"})
    assert response.status_code == 403
    (body,) = bodies("request.refused")
    assert (body["person"], body["status"], body["page"]) == (str(audrey.id), 403, "new_prediction")


@pytest.mark.parametrize(
    ("method", "path", "options", "status"),
    [
        ("post", "/api/v1/predict", {"headers": {"Accept": "text/html"}}, 406),
        ("post", "/api/v1/predict", {"data": b"{}", "content_type": "text/plain"}, 415),
        ("post", "/api/v1/predict", {"data": b"{}", "content_type": "application/json; charset=utf-16"}, 415),
        ("post", "/api/v1/predict", {"data": b"x" * 300_000, "content_type": "application/json"}, 413),
        ("post", "/api/v1/predict", {"headers": {"Transfer-Encoding": "chunked"}}, 411),
        ("delete", "/api/v1/predict", {}, 405),
    ],
)
def test_what_the_api_refuses_to_a_known_key_is_on_record(release, key, method, path, options, status):
    headers = {"Authorization": f"Api-Key {key}", **options.pop("headers", {})}
    response = getattr(Client(), method)(path, headers=headers, **options)
    assert (response.status_code, response["Content-Type"]) == (status, "application/problem+json")
    (body,) = bodies("request.refused")
    assert (body["status"], body["page"], body["method"]) == (status, "api_predict", method.upper())
    assert body["api_key"]


def test_a_missing_scope_is_on_record(release, clinic):
    key, text = issue_key(clinic, "Reader", ["read"])
    response = Client().post(
        "/api/v1/predict",
        b"{}",
        content_type="application/json",
        headers={"Authorization": f"Api-Key {text}"},
    )
    assert response.status_code == 403
    assert [(body["api_key"], body["status"]) for body in bodies("request.refused")] == [(str(key.id), 403)]


def test_a_request_of_nobody_leaves_no_event(release):
    Client().post("/api/v1/predict", b"{}", content_type="application/json")
    Client().post("/api/v1/predict", headers={"Accept": "text/html"})
    assert not Event.objects.filter(action="request.refused").exists()


def test_the_format_in_an_address_is_no_part_of_the_api(release, post, key):
    made = post(as_body(values_of(0)))
    answer = Client().get(made["Location"] + "?format=xml", headers={"Authorization": f"Api-Key {key}"})
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")


@pytest.mark.parametrize(
    ("case", "named"),
    [
        ({"reference": "P-0042"}, True),
        ({"reference": "P-0042", "age": 57}, True),
        ({"reference": "P-\u0000"}, False),
        ({"reference": "x" * 101}, False),
        ({"reference": 42}, False),
        ("P-0042", False),
    ],
)
def test_a_body_of_the_wrong_shape_is_found_by_its_case(release, post, clinic, case, named):
    assert post({**as_body(values_of(0)), "case": case, "oops": 1}).status_code == 422
    digest = ledger.case_digest(clinic.id, "P-0042") if named else None
    assert Event.objects.get(action="prediction.refused").case_digest == digest


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"pasted=" + b"x" * 2_600_000, "application/x-www-form-urlencoded", 413),
        (b"&".join(b"a%d=1" % number for number in range(1_001)), "application/x-www-form-urlencoded", 400),
        (b"--x", "multipart/form-data; boundary=\xff", 400),
        (b"--x", "multipart/form-data", 400),
    ],
)
def test_a_form_that_cannot_be_read_is_refused_on_a_page_and_on_record(
    alice, browser_of, body, content_type, status
):
    client = browser_of(alice)
    response = client.generic("POST", "/predictions/new/", body, content_type)
    assert response.status_code == status
    assert "Breast risk" in response.content.decode()
    (event,) = bodies("request.refused")
    assert (event["person"], event["status"], event["page"]) == (str(alice.id), status, "new_prediction")
