"""Verifying on demand: somebody asks, a worker does it, and a page says in plain words what came of it."""

import inspect
import re
from datetime import timedelta
from html import unescape

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from accounts import event_checks, finding_words, ledger, sealer, verification, verification_runs
from accounts.event_checks import Finding
from accounts.models import Event, Verification
from accounts.tasks import verify_audit
from predictions import trail_comparison

pytestmark = pytest.mark.django_db

PAGES = "/admin/accounts/event/verifications/"


@pytest.fixture
def verify_as(monkeypatch):
    """Has the worker find what it is told, as the trail of a test is too small to be sealed."""

    def find(*findings, total=10):
        def verify(report, anchors):
            report(total // 2, total)
            yield from findings

        monkeypatch.setattr(verification_runs, "verify", verify)

    return find


def ask(client):
    return client.post(f"{PAGES}ask/")["Location"]


def test_the_page_shows_how_far_it_is_and_looks_again_by_itself(audrey, browser_of):
    client = browser_of(audrey)
    address = ask(client)
    waiting = client.get(address)
    assert waiting["Refresh"] == "3"
    assert "Waiting for a worker" in waiting.content.decode()
    Verification.objects.update(status="running", done=5, total=10)
    running = client.get(address)
    assert running["Refresh"] == "3"
    assert 'value="5" max="10"' in running.content.decode()


def test_a_whole_trail_is_verified_by_the_worker_and_said_to_be_whole(audrey, browser_of):
    client = browser_of(audrey)
    address = ask(client)
    sealer.seal_waiting()
    assert verify_audit()
    finished = client.get(address)
    assert "Refresh" not in finished
    assert "the trail is whole" in finished.content.decode()


def test_an_edited_event_is_found_by_the_worker(alice_acting, audrey, browser_of):
    ledger.record("test.happened", alice_acting)
    sealer.seal_waiting()
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE audit.event DISABLE TRIGGER refuse_change")
        cursor.execute(
            "UPDATE audit.event SET body = replace(convert_from(body, 'UTF8'), 'test', 'best')::bytea"
        )
        cursor.execute("ALTER TABLE audit.event ENABLE ALWAYS TRIGGER refuse_change")
    client = browser_of(audrey)
    address = ask(client)
    verify_audit()
    assert finding_words.words_of("event_edited")[0] in client.get(address).content.decode()


def test_every_kind_of_finding_has_words():
    named = {
        kind
        for module in (verification, event_checks)
        for kind in re.findall(r'Finding\(\s*"(\w+)"', inspect.getsource(module))
    }
    compared = {
        kind.format(kept.name)
        for kept in trail_comparison._KEPT
        for kind in ("{}_without_event", "event_without_{}", "{}_differs")
    }
    assert named | compared == set(finding_words.WORDS)


@pytest.mark.parametrize("kind", [*finding_words.WORDS, "never_heard_of"])
def test_every_finding_is_said_in_plain_words_with_what_to_do(audrey, browser_of, verify_as, kind):
    verify_as(Finding(kind, "<b>what</b>", "where it is"))
    client = browser_of(audrey)
    address = ask(client)
    verify_audit()
    text = unescape(client.get(address).content.decode())
    meaning, advice = finding_words.words_of(kind)
    assert meaning in text
    assert advice in text
    assert "<b>what" not in client.get(address).content.decode()


def test_asking_while_one_is_under_way_leads_to_that_one(audrey, adam, browser_of):
    assert ask(browser_of(audrey)) == ask(browser_of(adam))
    assert Verification.objects.count() == 1


def test_a_verification_whose_worker_was_killed_is_taken_again(audrey, browser_of, verify_as):
    verify_as()
    ask(browser_of(audrey))
    heard = timezone.now() - verification_runs.SILENCE
    Verification.objects.update(status="running", heard_at=heard + timedelta(seconds=30))
    assert not verify_audit()
    Verification.objects.update(heard_at=heard - timedelta(seconds=1))
    assert verify_audit()
    assert Verification.objects.get().status == "finished"
    assert not verify_audit()


def test_an_error_ends_it_and_says_nothing_about_the_trail(audrey, browser_of, monkeypatch):
    def verify(report, anchors):
        raise OSError("the disk is away")
        yield

    monkeypatch.setattr(verification_runs, "verify", verify)
    client = browser_of(audrey)
    address = ask(client)
    verify_audit()
    text = client.get(address).content.decode()
    assert "says nothing about the trail" in text
    assert "the disk is away" not in text


def test_it_stops_at_a_thousand_findings(audrey, browser_of, verify_as):
    verify_as(*(Finding("event_deleted", "gone", str(number)) for number in range(1_500)))
    client = browser_of(audrey)
    address = ask(client)
    verify_audit()
    assert "there may be more" in client.get(address).content.decode()
    assert len(Verification.objects.get().findings) == verification_runs.MOST_FINDINGS


def test_asking_answering_and_reading_are_on_record(audrey, browser_of, verify_as):
    verify_as(Finding("event_deleted", "gone", "x"))
    client = browser_of(audrey)
    address = ask(client)
    client.get(address)
    verify_audit()
    client.get(address)
    client.get(PAGES)
    recorded = [
        event.facts for event in Event.objects.filter(action__startswith="audit.").order_by("recorded_us")
    ]
    actions = [facts["action"] for facts in recorded]
    assert actions == ["audit.verification_asked", "audit.verified", "audit.verification_read"]
    assert recorded[1]["findings"] == {"event_deleted": 1}
    assert {facts["person"] for facts in recorded} == {str(audrey.id)}


@pytest.mark.parametrize(("path", "method"), [("", "get"), ("ask/", "post"), ("{id}/", "get")])
def test_who_audits_nothing_neither_asks_nor_reads(audrey, alice, browser_of, path, method):
    ask(browser_of(audrey))
    address = PAGES + path.format(id=Verification.objects.get().id)
    assert getattr(browser_of(alice), method)(address).status_code == 302
    assert Verification.objects.count() == 1


def test_asking_takes_more_than_following_a_link(audrey, browser_of):
    assert browser_of(audrey).get(f"{PAGES}ask/").status_code == 405
    assert not Verification.objects.exists()


def test_the_database_keeps_states_that_mean_something(audrey):
    for state in ({"status": "finished"}, {"finished_at": timezone.now()}, {"status": "unknown"}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Verification.objects.create(asked_by=audrey, **state)


def test_the_page_says_what_is_not_protected_as_the_worker_found_it(audrey, browser_of):
    ledger.record("process.started", process="worker", weaknesses=["No anchor <here>."])
    ledger.record("process.started", process="web")
    page = browser_of(audrey).get("/admin/accounts/event/verifications/").content.decode()
    assert "What is not protected" in page
    assert "No anchor &lt;here&gt;." in page
