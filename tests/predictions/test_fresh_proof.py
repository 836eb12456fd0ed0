"""What does much harm from a screen that was left alone asks again who one is: releases, exports and keys."""

import pytest

from accounts import session_marks
from accounts.models import Event
from tests.accounts.test_second_factor import left_alone

pytestmark = pytest.mark.django_db

PROOF = {"password": "correct horse battery"}
RELEASE = "/admin/predictions/release/{release}/step/"
CASE = "/admin/predictions/erasurerequest/case/{organisation}/{key}/"


@pytest.fixture
def places(release, submit, clinic):
    made = submit(0, case_reference="P-0042")
    return {"release": release.id, "organisation": clinic.id, "key": made.case_key_id}


@pytest.fixture
def left(adam, audrey, browser_of):
    """Somebody signed in who went away for six minutes."""

    def left(name, seconds=session_marks.FRESH_SECONDS + 60):
        client = browser_of({"adam": adam, "audrey": audrey}[name])
        left_alone(client, seconds, session_marks.PROVED)
        return client

    return left


@pytest.mark.parametrize("page", ["/keys/", "/keys/new/", "/organisation/networks/", RELEASE + "retire/"])
def test_a_page_opens_once_one_has_proved_again_who_one_is(places, left, page):
    address, client = page.format(**places), left("adam")
    asked = client.get(address)["Location"]
    assert asked.startswith("/accounts/reauthenticate/")
    assert client.post(asked, PROOF)["Location"] == address
    assert client.get(address).status_code == 200


@pytest.mark.parametrize(
    ("page", "button", "recorded"),
    [
        ("/admin/accounts/event/", "/admin/accounts/event/export/csv/", "audit.exported"),
        (CASE, CASE + "export.json", "case.exported"),
    ],
)
def test_a_file_is_handed_out_once_one_has_proved_again_who_one_is(places, left, page, button, recorded):
    page, button, client = page.format(**places), button.format(**places), left("audrey")
    asked = client.post(button, headers={"Referer": f"http://testserver{page}"})["Location"]
    assert not Event.objects.filter(action=recorded).exists()
    assert client.post(asked, PROOF)["Location"] == f"http://testserver{page}"
    assert client.post(button).status_code == 200
    assert Event.objects.filter(action=recorded).exists()


def test_a_form_may_take_as_long_as_it_takes_to_fill_in(places, left):
    address = (RELEASE + "retire/").format(**places)
    assert left("adam").post(address).status_code == 409  # it is live, and said so
    asked = left("adam", session_marks.FORM_SECONDS + 60).post(address)
    assert asked["Location"].startswith("/accounts/reauthenticate/")


def test_going_back_to_the_release_before_waits_for_no_password(places, left):
    assert left("adam").get((RELEASE + "roll-back/").format(**places)).status_code == 200
