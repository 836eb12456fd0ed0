"""Who sits down at another's screen cannot take data out, make keys, or change which release answers."""

import pytest

from accounts import session_marks
from accounts.models import Event
from accounts.network_records import OrganisationNetworks
from predictions import lifecycle
from predictions.models import Activation, Proposal, ReleaseState

pytestmark = pytest.mark.django_db

ASKED = "/accounts/reauthenticate/"
AUDIT = "/admin/accounts/event/"
PASSWORD = {"password": "correct horse battery"}


@pytest.fixture
def left(adam, browser_of):
    """Adam's browser, who proved who he is longer ago than any form may take."""
    client = browser_of(adam)
    leave(client, session_marks.FORM_SECONDS)
    return client


def leave(client, seconds):
    session = client.session
    session[session_marks.PROVED] -= seconds
    session.save()


def prove(client, asked):
    assert asked.headers["Location"].startswith(ASKED)
    return client.post(asked.headers["Location"], PASSWORD).headers["Location"]


def step_of(release, slug):
    return f"/admin/predictions/release/{release.id}/step/{slug}/"


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize(
    "path",
    ["/keys/", "/keys/new/", "/keys/clients/new/", "/organisation/networks/", "/organisation/people/"],
)
def test_keys_networks_and_people_ask_again_who_it_is(left, method, path):
    answer = getattr(left, method)(path)
    assert answer.status_code in {302, 405}
    assert answer.status_code == 405 or answer.headers["Location"].startswith(ASKED)
    assert not OrganisationNetworks.objects.exists()


@pytest.mark.parametrize("slug", ["propose", "approve", "shadow", "make-callable", "retire"])
def test_a_step_of_a_release_asks_again_who_it_is(candidate, left, slug):
    assert left.post(step_of(candidate, slug), {"inputs": 10}).headers["Location"].startswith(ASKED)
    assert not Proposal.objects.exists()
    candidate.refresh_from_db()
    assert candidate.state == ReleaseState.CALLABLE


def test_after_the_proof_the_step_is_asked_as_before(candidate, left):
    path = step_of(candidate, "retire")
    assert prove(left, left.get(path)) == path
    assert left.post(path).status_code == 302
    candidate.refresh_from_db()
    assert candidate.state == ReleaseState.RETIRED


def test_who_opened_the_question_in_time_may_read_it_before_the_answer(candidate, adam, browser_of):
    client = browser_of(adam)
    leave(client, session_marks.FRESH_SECONDS + 60)
    assert client.post(step_of(candidate, "retire")).headers["Location"].startswith("/admin/")


def test_a_roll_back_does_not_wait_for_a_password(candidate, approver, proposer, left):
    lifecycle.approve(lifecycle.propose(candidate, proposer, 10), approver)
    sent = {"reason": "It differs.", "leaving": Activation.objects.latest("id").id}
    assert left.get(step_of(candidate, "roll-back")).status_code == 200
    assert left.post(step_of(candidate, "roll-back"), sent).headers["Location"].startswith("/admin/")
    candidate.refresh_from_db()
    assert candidate.state == ReleaseState.CALLABLE


def test_an_export_of_the_trail_asks_again_and_leads_back_to_the_search(left):
    page = f"http://testserver{AUDIT}?action=person.signed_in"
    asked = left.post(f"{AUDIT}export/csv/?action=person.signed_in", headers={"Referer": page})
    assert not Event.objects.filter(action="audit.exported").exists()
    assert prove(left, asked) == page
    assert left.post(f"{AUDIT}export/csv/?action=person.signed_in").status_code == 200


def test_an_export_of_a_case_asks_again(release, submit, clinic, left):
    made = submit(0, case_reference="P-0042")
    page = f"/admin/predictions/erasurerequest/case/{clinic.id}/{made.case_key_id}/"
    asked = left.post(f"{page}export.json", headers={"Referer": f"http://testserver{page}"})
    assert not Event.objects.filter(action="case.exported").exists()
    assert prove(left, asked) == f"http://testserver{page}"
    assert left.post(f"{page}export.json").status_code == 200


def test_an_export_takes_a_proof_of_five_minutes_and_no_older(adam, browser_of):
    client = browser_of(adam)
    leave(client, session_marks.FRESH_SECONDS + 1)
    assert client.post(f"{AUDIT}export/csv/").headers["Location"].startswith(ASKED)
