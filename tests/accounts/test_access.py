"""Who gets in, and what they see there."""

import re

import pytest
from django.contrib.auth import SESSION_KEY
from django.test import Client

from accounts import ledger
from accounts.actors import Actor
from accounts.links import LinkRefused, make_link, use_link
from accounts.models import Event, Person, Role
from predictions import submission
from predictions.intake.measurements import Measurement, PanelRequest
from tests.cast import make_person
from tests.panels import values_of

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse battery"


@pytest.fixture
def prediction(release, alice_acting):
    measurements = tuple(Measurement(*item) for item in values_of(0).items())
    request = PanelRequest(measurements, "log2_intensity", case_reference="P-0042")
    return submission.submit_panel(request, alice_acting)


@pytest.mark.parametrize(
    ("who", "door", "expected"),
    [
        ("alice", "/predictions/{id}/", 200),
        ("audrey", "/predictions/{id}/", 200),
        ("adam", "/predictions/{id}/", 200),
        ("charlie", "/predictions/{id}/", 404),
        ("nobody", "/predictions/{id}/", 302),
        ("alice", "/predictions/", 200),
        ("nobody", "/predictions/", 302),
        ("alice", "/predictions/new/", 200),
        ("audrey", "/predictions/new/", 302),
        ("nobody", "/predictions/new/", 302),
        ("alice", "/admin/accounts/event/", 302),
        ("audrey", "/admin/accounts/event/", 200),
        ("adam", "/admin/accounts/event/", 200),
        ("charlie", "/admin/accounts/event/", 302),
        ("nobody", "/admin/accounts/event/", 302),
        ("audrey", "/admin/accounts/event/{event}/change/", 200),
        ("audrey", "/admin/accounts/event/add/", 404),
        ("adam", "/admin/accounts/event/{event}/delete/", 404),
        ("audrey", "/admin/accounts/person/", 403),
        ("adam", "/admin/predictions/prediction/", 403),
    ],
)
def test_every_door_opens_for_those_it_should(
    who, door, expected, prediction, alice, audrey, adam, charlie, browser_of
):
    people = {"alice": alice, "audrey": audrey, "adam": adam, "charlie": charlie}
    client = browser_of(people[who]) if who in people else Client()
    response = client.get(door.format(id=prediction.id, event=prediction.event_id))
    assert response.status_code == expected


def test_the_list_shows_the_organisations_predictions_and_nobody_elses(
    prediction, alice, charlie, browser_of
):
    assert "P-0042" in browser_of(alice).get("/predictions/").content.decode()
    assert "P-0042" not in browser_of(charlie).get("/predictions/").content.decode()


def test_an_auditor_of_another_hospital_finds_no_event_of_the_clinic(prediction, other_hospital, browser_of):
    spy = make_person("spy", other_hospital, Role.AUDITOR)
    client = browser_of(spy)
    assert str(prediction.event_id) not in client.get("/admin/accounts/event/").content.decode()
    assert client.get(f"/admin/accounts/event/{prediction.event_id}/change/").status_code == 404


def test_reading_a_result_is_on_record(prediction, alice, browser_of):
    browser_of(alice).get(f"/predictions/{prediction.id}/")
    event = Event.objects.get(action="prediction.disclosed")
    assert (event.person, event.prediction_id) == (alice, prediction.id)


def test_a_person_without_an_organisation_is_told_so(browser_of):
    stranger = Person.objects.create_user("stranger@clinic.example")
    assert browser_of(stranger).get("/predictions/new/").status_code == 403


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ({"case": "P-0042"}, True),
        ({"case": "P-0043"}, False),
        ({"person": "ALICE@clinic.example"}, True),
        ({"person": "adam@clinic.example"}, False),
        ({"release": "rotterdam76-ridge 1.0.0"}, True),
        ({"release": "rotterdam76-ridge 9.9.9"}, False),
        ({"since": "2026-01-01T08:30", "case": "P-0042"}, True),
        ({"until": "2026-01-01T08:30", "case": "P-0042"}, False),
        ({"action": "prediction.made"}, True),
        ({"action": "prediction.refused"}, False),
    ],
)
def test_an_auditor_searches_by_case_person_release_and_time(prediction, audrey, browser_of, search, found):
    client = browser_of(audrey)
    response = client.post("/admin/accounts/event/search/", search, follow=True)
    assert response.status_code == 200
    assert (str(prediction.event_id) in response.content.decode()) == found
    address = response.redirect_chain[0][0].lower()
    assert "p-0042" not in address
    assert "clinic" not in address


def test_a_search_that_cannot_be_read_is_said_so_and_keeps_what_was_typed(audrey, browser_of):
    search = {"since": "tomorrow", "case": "P-0042", "key": "no such"}
    response = browser_of(audrey).post("/admin/accounts/event/search/", search)
    page = response.content.decode()
    assert response.status_code == 422
    for words in ("could not be read", "No such key.", "Enter a valid date/time.", *search.values()):
        assert words in page, words


def test_somebody_signs_in_with_address_and_password(alice):
    client = Client()
    response = client.post("/accounts/login/", {"login": "Alice@Clinic.example", "password": PASSWORD})
    assert response.status_code == 302
    assert client.session[SESSION_KEY] == str(alice.pk)


def test_five_wrong_passwords_lock_this_address_out_even_for_the_right_one(alice):
    client = Client()
    for _ in range(5):
        client.post("/accounts/login/", {"login": alice.email, "password": "wrong"})
    assert client.post("/accounts/login/", {"login": alice.email, "password": PASSWORD}).status_code == 429
    elsewhere = Client(REMOTE_ADDR="192.0.2.7")
    assert elsewhere.post("/accounts/login/", {"login": alice.email, "password": PASSWORD}).status_code == 302


def test_the_admin_has_no_password_form_of_its_own():
    response = Client().get("/admin/login/?next=/admin/")
    assert response.status_code == 302
    assert response["Location"].startswith("/accounts/login/")


def test_a_one_time_link_signs_in_once_and_only_by_its_button(alice):
    link = make_link(alice, "http://localhost:8000")
    path = re.sub(r"^http://[^/]+", "", link)
    assert SESSION_KEY not in Client().get(path).wsgi_request.session
    first, second = Client(), Client()
    assert first.post(path).status_code == 302
    assert first.session[SESSION_KEY] == str(alice.pk)
    assert second.post(path).status_code == 410
    assert SESSION_KEY not in second.session


def test_a_link_of_somebody_who_left_signs_nobody_in(alice):
    token = make_link(alice, "").split("/")[-2]
    alice.is_active = False
    alice.save()
    with pytest.raises(LinkRefused):
        use_link(token)


def test_another_organisations_case_digest_finds_nothing(prediction, other_hospital):
    digest = ledger.case_digest(other_hospital.id, "P-0042")
    assert not Event.objects.filter(case_digest=digest).exists()


def test_an_auditor_may_read_but_not_submit(audrey, clinic, release, browser_of):
    response = browser_of(audrey).post("/predictions/new/", {"pasted": "IL18\t6", "unit": "log2_intensity"})
    assert response.status_code == 403
    assert not Event.objects.filter(action__startswith="prediction.").exists()
    assert Actor(clinic, "form", person=audrey).may_submit
