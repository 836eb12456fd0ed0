"""Releases in Django admin: who sees which button, and what happens when it is pressed."""

import re

import pytest
from django.test import Client

from predictions import lifecycle, releases
from predictions.models import Activation, Proposal, ReleaseState
from predictions.tasks import confirm_predictions
from tests.cast import sign_in

pytestmark = pytest.mark.django_db

RELEASES = "/admin/predictions/release/"


def page_of(release):
    return f"{RELEASES}{release.id}/change/"


def step_of(release, slug):
    return f"{RELEASES}{release.id}/step/{slug}/"


def buttons(client, release):
    return re.findall(r"/step/([a-z-]+)/", client.get(page_of(release)).content.decode())


@pytest.mark.parametrize(
    ("who", "path", "expected"),
    [
        ("adam", "{list}", 200),
        ("audrey", "{list}", 200),
        ("sue", "{list}", 200),
        ("alice", "{list}", 302),
        ("nobody", "{list}", 302),
        ("adam", "{list}{id}/change/", 200),
        ("audrey", "{list}{id}/change/", 200),
        ("alice", "{list}{id}/change/", 302),
        ("nobody", "{list}{id}/change/", 302),
        ("adam", "{list}add/", 403),
        ("sue", "{list}add/", 403),
        ("sue", "{list}{id}/delete/", 403),
        ("adam", "{list}00000000-0000-7000-8000-000000000000/change/", 404),
        ("adam", "{list}{id}/step/propose/", 200),
        ("adam", "{list}{id}/step/shadow/", 200),
        ("adam", "{list}{id}/step/delete/", 404),
        ("audrey", "{list}{id}/step/approve/", 200),
        ("audrey", "{list}{id}/step/propose/", 403),
        ("audrey", "{list}{id}/step/roll-back/", 403),
        ("audrey", "{list}{id}/step/shadow/", 403),
        ("audrey", "{list}{id}/step/retire/", 403),
        ("alice", "{list}{id}/step/approve/", 302),
        ("nobody", "{list}{id}/step/approve/", 302),
    ],
)
def test_each_page_opens_for_those_it_should(
    candidate, alice, adam, audrey, sue, browser_of, who, path, expected
):
    people = {"alice": alice, "adam": adam, "audrey": audrey, "sue": sue}
    client = browser_of(people[who]) if who in people else Client()
    assert client.get(path.format(list=RELEASES, id=candidate.id)).status_code == expected


@pytest.mark.parametrize("slug", ["propose", "roll-back", "shadow", "make-callable", "retire"])
def test_an_auditor_cannot_take_a_step_by_sending_its_form(candidate, audrey, browser_of, slug):
    sent = {"inputs": 10, "reason": "x", "leaving": Activation.objects.get().id}
    assert browser_of(audrey).post(step_of(candidate, slug), sent).status_code == 403
    candidate.refresh_from_db()
    assert candidate.state == ReleaseState.CALLABLE
    assert not Proposal.objects.exists()


def test_everybody_sees_the_buttons_that_are_theirs(release, candidate, adam, ada, audrey, browser_of):
    by_adam, by_ada, by_audrey = browser_of(adam), browser_of(ada), browser_of(audrey)
    assert buttons(by_adam, release) == []
    assert buttons(by_adam, candidate) == ["propose", "shadow", "retire"]
    assert buttons(by_audrey, candidate) == []
    by_adam.post(step_of(candidate, "propose"), {"inputs": 200})
    assert buttons(by_adam, candidate) == ["propose", "shadow", "retire"]
    assert buttons(by_ada, candidate) == ["propose", "approve", "shadow", "retire"]
    assert buttons(by_audrey, candidate) == ["approve"]
    by_audrey.post(step_of(candidate, "approve"), {"proposal": Proposal.objects.get().id})
    assert buttons(by_adam, candidate) == ["roll-back"]
    assert buttons(by_audrey, candidate) == []
    assert buttons(by_adam, release) == ["propose", "shadow", "retire"]


def test_from_the_proposal_to_the_roll_back(release, candidate, adam, audrey, submit, browser_of):
    prediction = submit(5)
    by_adam, by_audrey = browser_of(adam), browser_of(audrey)
    response = by_adam.post(step_of(candidate, "propose"), {"inputs": 200}, follow=True)
    page = response.content.decode()
    assert "waits for somebody else to approve it" in page
    assert str(prediction.id) in page
    asked = by_audrey.get(step_of(candidate, "approve"))
    assert "Largest absolute" in asked.content.decode()
    form = asked.context["form"].initial
    by_audrey.post(step_of(candidate, "approve"), {"proposal": form["proposal"]})
    assert releases.find_release() == candidate
    asked = by_adam.get(step_of(candidate, "roll-back"))
    assert "rotterdam76-ridge 1.0.0 was live before" in asked.content.decode()
    sent = {"leaving": asked.context["form"].initial["leaving"], "reason": "it was wrong"}
    by_adam.post(step_of(candidate, "roll-back"), sent)
    assert releases.find_release() == release
    again = by_adam.post(step_of(candidate, "roll-back"), sent)
    assert again.status_code == 409
    assert Activation.objects.count() == 3
    assert "it was wrong" in by_adam.get(page_of(release)).content.decode()


def test_the_proposer_is_told_that_somebody_else_approves(candidate, adam, browser_of):
    client = browser_of(adam)
    client.post(step_of(candidate, "propose"), {"inputs": 200})
    assert "somebody else approves" in client.get(step_of(candidate, "approve")).content.decode()
    refused = client.post(step_of(candidate, "approve"), {"proposal": Proposal.objects.get().id})
    assert refused.status_code == 409
    assert "somebody else approves" in refused.content.decode()


def test_a_stale_proposal_is_refused_with_the_reason(candidate, narrow, proposer, approver, browser_of):
    stale = lifecycle.propose(candidate, proposer)
    lifecycle.approve(lifecycle.propose(narrow, proposer), approver)
    client = browser_of(approver.person)
    refused = client.post(step_of(candidate, "approve"), {"proposal": stale.id})
    assert refused.status_code == 409
    assert "propose it again" in refused.content.decode()
    assert "closed." in client.get(page_of(candidate)).content.decode()


@pytest.mark.parametrize(
    ("slug", "sent"),
    [
        ("propose", {"inputs": 0}),
        ("propose", {"inputs": 100_000}),
        ("propose", {}),
        ("approve", {"proposal": "x"}),
        ("roll-back", {"leaving": "x", "reason": "y"}),
    ],
)
def test_a_form_that_cannot_be_read_is_shown_again(candidate, adam, browser_of, slug, sent):
    assert browser_of(adam).post(step_of(candidate, slug), sent).status_code == 422
    assert not Proposal.objects.exists()


def test_a_step_without_the_csrf_token_is_refused(candidate, adam):
    client = sign_in(Client(enforce_csrf_checks=True), adam)
    assert client.post(step_of(candidate, "retire")).status_code == 403
    candidate.refresh_from_db()
    assert candidate.state == ReleaseState.CALLABLE


def test_looking_at_a_step_does_not_take_it(candidate, adam, browser_of):
    browser_of(adam).get(step_of(candidate, "retire"))
    candidate.refresh_from_db()
    assert candidate.state == ReleaseState.CALLABLE


def test_the_shadow_readings_are_compared_on_the_page_of_the_release(candidate, adam, submit, browser_of):
    client = browser_of(adam)
    client.post(step_of(candidate, "shadow"))
    prediction = submit(5)
    confirm_predictions()
    page = client.get(page_of(candidate)).content.decode()
    assert "1 prediction read; no clinician" in page
    assert str(prediction.id) in page


def test_a_release_that_cannot_be_opened_still_has_its_page(release, adam, browser_of):
    forged = releases.register({"name": release.name, "version": "2.0.0", "sha256": "0" * 64})
    response = browser_of(adam).get(page_of(forged))
    assert response.status_code == 200
    assert "cannot be opened" in response.content.decode()
    refused = browser_of(adam).post(step_of(forged, "propose"), {"inputs": 200})
    assert refused.status_code == 409


def test_the_pages_say_nothing_of_whose_inputs_they_were(candidate, adam, submit, browser_of):
    submit(5, case_reference="P-0042", sample_id="S-7")
    client = browser_of(adam)
    client.post(step_of(candidate, "propose"), {"inputs": 200})
    page = client.get(page_of(candidate)).content.decode()
    assert "P-0042" not in page
    assert "S-7" not in page
