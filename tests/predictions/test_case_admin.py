"""Cases in Django admin: who sees what, and what happens when a button is pressed."""

import pytest
from django.test import Client

from accounts.models import Event
from predictions.erasure_records import ErasureDecision, ErasureRequest, RetentionRule
from predictions.models import Prediction

pytestmark = pytest.mark.django_db

ADMIN = "/admin/predictions/erasurerequest/"


@pytest.fixture
def made(release, submit):
    return submit(0, case_reference="P-0042", sample_id="S-7")


@pytest.fixture
def page(made, clinic):
    return f"{ADMIN}case/{clinic.id}/{made.case_key_id}/"


def step_of(asked, step):
    return f"{ADMIN}{asked.id}/decide/{step}/"


@pytest.fixture
def asked(page, adam, browser_of):
    browser_of(adam).post(page, {"reason": "asked", "note": "Letter of 3 May"})
    return ErasureRequest.objects.get()


@pytest.mark.parametrize("path", ["{list}", "{list}find/", "{list}retention/", "{page}"])
@pytest.mark.parametrize(
    ("who", "expected"),
    [
        ("adam", {200}),
        ("audrey", {200}),
        ("alice", {302}),
        ("nobody", {302}),
        ("sue", {403}),
        ("ada", {200, 404}),
    ],
)
def test_each_page_opens_for_auditors_and_administrators_of_the_organisation_alone(
    page, alice, adam, ada, audrey, sue, browser_of, who, expected, path
):
    people = {"alice": alice, "adam": adam, "ada": ada, "audrey": audrey, "sue": sue}
    client = browser_of(people[who]) if who in people else Client()
    answer = client.get(path.format(list=ADMIN, page=page))
    assert answer.status_code in expected
    if who == "ada":
        assert answer.status_code == (404 if path == "{page}" else 200)


@pytest.mark.parametrize("named", ["P-0042", " P-0042 ", "{prediction}"])
def test_a_case_is_found_by_its_reference_or_a_prediction_which_no_address_names(
    made, page, audrey, browser_of, named
):
    answer = browser_of(audrey).post(f"{ADMIN}find/", {"case": named.format(prediction=made.id)})
    assert page in answer.content.decode()
    event = Event.objects.get(action="case.found")
    assert b"P-0042" not in bytes(event.body)


@pytest.mark.parametrize(
    "named", ["P-0043", "00000000-0000-7000-8000-000000000000", "'; DROP", "x" * 101, "", "a\0b"]
)
def test_a_case_that_is_not_there_is_not_found(made, audrey, browser_of, named):
    answer = browser_of(audrey).post(f"{ADMIN}find/", {"case": named})
    assert answer.status_code == 200
    assert "/case/" not in answer.content.decode()


def test_another_hospital_finds_nothing(made, ada, browser_of):
    for named in ("P-0042", str(made.id)):
        assert (
            "No case of your organisation"
            in browser_of(ada).post(f"{ADMIN}find/", {"case": named}).content.decode()
        )


def test_the_page_of_a_case_shows_no_value_of_it(page, made, audrey, browser_of):
    shown = browser_of(audrey).get(page).content.decode()
    assert "rotterdam76-ridge 1.0.0" in shown
    assert [
        planted for planted in ("P-0042", "S-7", str(made.result["risk"][4])[:6]) if planted in shown
    ] == []


def test_one_asks_and_another_approves(page, made, asked, adam, audrey, browser_of):
    own, others = browser_of(adam).get(page).content.decode(), browser_of(audrey).get(page).content.decode()
    assert ("Withdraw" in own, "erase for good" in own) == (True, False)
    assert ("Withdraw" in others, "erase for good" in others) == (False, True)
    assert (
        "somebody else approves"
        in browser_of(adam).post(step_of(asked, "approve"), follow=True).content.decode()
    )
    assert not ErasureDecision.objects.exists()
    done = browser_of(audrey).post(step_of(asked, "approve"), follow=True).content.decode()
    assert "Erased. Approved on" in done
    assert "rotterdam76-ridge 1.0.0" in done
    assert Prediction.objects.get(id=made.id).is_erased
    page_of_result = browser_of(adam).get(f"/predictions/{made.id}/").content.decode()
    assert str(ErasureDecision.objects.get().id) in page_of_result


def test_an_erased_case_is_still_found_by_its_reference(page, asked, audrey, browser_of):
    browser_of(audrey).post(step_of(asked, "approve"))
    assert "(erased)" in browser_of(audrey).post(f"{ADMIN}find/", {"case": "P-0042"}).content.decode()


@pytest.mark.parametrize(("step", "method", "expected"), [("approve", "get", 404), ("delete", "post", 404)])
def test_only_a_button_decides(asked, audrey, browser_of, step, method, expected):
    assert getattr(browser_of(audrey), method)(step_of(asked, step)).status_code == expected


@pytest.mark.parametrize("step", ["approve", "decline"])
def test_another_hospital_cannot_decide(asked, ada, browser_of, step):
    assert browser_of(ada).post(step_of(asked, step)).status_code == 404


@pytest.mark.parametrize("sent", [{}, {"reason": "because"}, {"reason": "asked", "note": "x" * 301}])
def test_a_request_without_a_known_reason_or_with_a_long_note_is_not_taken(page, audrey, browser_of, sent):
    assert browser_of(audrey).post(page, sent or {"note": "x"}).status_code == 200
    assert not ErasureRequest.objects.exists()


def test_two_people_set_how_long_cases_are_kept(made, clinic, adam, audrey, browser_of):
    address = f"{ADMIN}retention/"
    assert "Off: cases are kept for good" in browser_of(adam).get(address).content.decode()
    proposed = (
        browser_of(adam).post(address, {"organisation": clinic.id, "years": 10}, follow=True).content.decode()
    )
    assert "Waits for somebody else" in proposed
    shown = browser_of(audrey).get(address)
    proposal = shown.context["rules"][0]["proposal"]
    sent = {"organisation": clinic.id, "proposal": proposal.id}
    assert "somebody else approves" in browser_of(adam).post(address, sent, follow=True).content.decode()
    assert "10 years, since" in " ".join(
        browser_of(audrey).post(address, sent, follow=True).content.decode().split()
    )
    assert RetentionRule.objects.get().years == 10


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ({"years": "101"}, 302),
        ({"years": "-1"}, 302),
        ({"years": "ten"}, 302),
        ({"years": "\u0661"}, 302),
        ({"proposal": "x"}, 404),
        ({"proposal": "00000000-0000-7000-8000-000000000000"}, 404),
        ({"organisation": "x", "years": "10"}, 404),
    ],
)
def test_nonsense_sets_no_rule(clinic, adam, browser_of, sent, expected):
    answer = browser_of(adam).post(f"{ADMIN}retention/", {"organisation": clinic.id, **sent})
    assert answer.status_code == expected
    assert not RetentionRule.objects.exists()


@pytest.mark.parametrize(("days", "said"), [(None, "has not stated"), (35, "for 35 days")])
def test_the_page_says_how_long_backups_keep_keys_if_the_operator_said_so(
    adam, browser_of, settings, days, said
):
    settings.BACKUP_RETENTION_DAYS = days
    assert said in browser_of(adam).get(f"{ADMIN}retention/").content.decode()
