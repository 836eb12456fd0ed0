"""The pages of the audit trail: the timeline, one event, and the export."""

import csv
import io
import json
import re
import uuid
from dataclasses import replace
from itertools import chain

import pytest
from django.db import connection
from django.test import Client

from accounts import audit_export, event_words, events, ledger, timeline
from accounts.actors import Actor
from accounts.keys import issue_key
from accounts.models import Event, Membership, Organisation, Person, Role
from predictions import events as prediction_events
from tests.cast import make_person

pytestmark = pytest.mark.django_db

LIST = "/admin/accounts/event/"


@pytest.fixture
def root(db):
    return Person.objects.create_superuser("root@clinic.example", name="Root")


@pytest.fixture
def inspector(clinic, other_hospital):
    """The auditor of two organisations."""
    person = make_person("inspector", clinic, Role.AUDITOR)
    Membership.objects.create(person=person, organisation=other_hospital, role=Role.AUDITOR)
    return person


@pytest.fixture
def helper(clinic):
    """One of the staff who audits nothing."""
    return Person.objects.create_user("helper@clinic.example", is_staff=True)


def page_of(event_id):
    return f"{LIST}{event_id}/change/"


def link_of(page, relation):
    """Where a link to the pages beside leads."""
    found = re.search(rf'href="([^"]+)" rel="{relation}"', page.content.decode())
    return LIST + found[1].replace("&amp;", "&") if found else ""


def ids_of(page):
    return re.findall(r"([0-9a-f-]{36})/change/", page.content.decode())


def bytes_of(response):
    return b"".join(response.streaming_content).decode()


def record_many(actor, count):
    return sorted(str(ledger.record("test.happened", actor, number=number).id) for number in range(count))


@pytest.fixture
def five_events(alice_acting, charlie, other_hospital):
    """One event each of the clinic, another hospital, nobody, a release, and an organisation that is gone."""
    return {
        "clinic": ledger.record("test.happened", alice_acting),
        "hospital": ledger.record("test.happened", Actor(other_hospital, "form", person=charlie)),
        "nobody": ledger.record("sign_in.failed"),
        "release": ledger.record("release.proposed", release="r 1.0.0"),
        "stranger": ledger.record("test.happened", organisation=uuid.uuid4()),
    }


@pytest.mark.parametrize(
    ("who", "sees"),
    [
        ("audrey", {"clinic", "release"}),
        ("adam", {"clinic", "release"}),
        ("inspector", {"clinic", "hospital", "release"}),
        ("root", {"clinic", "hospital", "nobody", "release", "stranger"}),
    ],
)
def test_everybody_sees_the_events_of_their_organisations_wherever_they_look(
    five_events, audrey, adam, inspector, root, browser_of, who, sees
):
    client = browser_of({"audrey": audrey, "adam": adam, "inspector": inspector, "root": root}[who])
    listed = ids_of(client.get(LIST))
    exported = bytes_of(client.post(f"{LIST}export/json/"))
    for name, entry in five_events.items():
        assert (str(entry.id) in listed) == (name in sees)
        assert (str(entry.id) in exported) == (name in sees)
        assert (client.get(page_of(entry.id)).status_code == 200) == (name in sees)


def test_choosing_an_organisation_that_one_does_not_audit_finds_nothing(
    five_events, audrey, other_hospital, browser_of
):
    client = browser_of(audrey)
    assert ids_of(client.get(f"{LIST}?organisation={other_hospital.id}")) == []
    assert bytes_of(client.post(f"{LIST}export/json/?organisation={other_hospital.id}")) == ""


METHODS = ("get", "head", "post", "put", "patch", "delete", "options", "trace")


@pytest.mark.parametrize(
    "path",
    ["", "add/", "search/", "export/csv/", "export/xml/", "{id}/change/", "{id}/delete/", "{id}/history/"],
)
def test_nobody_adds_changes_or_deletes_an_event_by_any_address_and_method(
    five_events, root, browser_of, path
):
    def trail():
        return {event.id: bytes(event.body) for event in Event.objects.all()}

    address, before = LIST + path.format(id=five_events["clinic"].id), trail()
    client = browser_of(root)
    wanted = {"action": "delete_selected", "_selected_action": str(five_events["clinic"].id), "post": "yes"}
    for method in METHODS:
        given = () if method == "trace" else (wanted,)
        response = getattr(client, method)(address, *given)
        assert response.status_code < 500
        b"".join(response.streaming_content if response.streaming else [])
    after = trail()
    added = {json.loads(body)["action"] for key, body in after.items() if key not in before}
    assert before.items() <= after.items()
    assert added <= {"person.signed_in", "audit.listed", "audit.read", "audit.exported", "request.refused"}


@pytest.mark.parametrize("path", ["", "search/", "export/csv/", "{id}/change/", "{id}/receipt/"])
def test_whoever_audits_nothing_is_kept_out(five_events, helper, alice, browser_of, path):
    address = LIST + path.format(id=five_events["clinic"].id)
    method = "post" if path in {"search/", "export/csv/"} else "get"
    assert getattr(browser_of(helper), method)(address).status_code == 403
    assert getattr(browser_of(alice), method)(address).status_code == 302
    assert getattr(Client(), method)(address).status_code == 302
    assert not Event.objects.filter(action__startswith="audit.").exists()


def test_older_and_newer_lead_through_every_event_once_and_back(alice_acting, inspector, browser_of):
    made = record_many(alice_acting, 2 * timeline.PAGE + 3)
    client = browser_of(inspector)
    pages, address = [], f"{LIST}?action=test.happened"
    while address:
        page = client.get(address)
        pages.append(ids_of(page))
        address = link_of(page, "next")
    assert [len(found) for found in pages] == [timeline.PAGE, timeline.PAGE, 3]
    assert list(chain(*pages)) == made[::-1]
    assert ids_of(client.get(link_of(page, "prev"))) == pages[1]


@pytest.mark.parametrize("who", ["audrey", "root"])
def test_an_empty_trail_has_its_pages(audrey, root, browser_of, who):
    client = browser_of({"audrey": audrey, "root": root}[who])
    assert "No event is as you searched" in client.get(f"{LIST}?action=test.happened").content.decode()
    rows = list(csv.reader(io.StringIO(bytes_of(client.post(f"{LIST}export/csv/?action=test.happened")))))
    assert [row[0] for row in rows] == ["id"]


def test_criteria_combine(clinic, alice, adam, browser_of, audrey):
    key, _ = issue_key(clinic, "Lab system", ["predict"])
    by_alice = ledger.record("prediction.refused", Actor(clinic, "form", person=alice), release="r 1.0.0")
    by_adam = ledger.record("prediction.refused", Actor(clinic, "form", person=adam), release="r 1.0.0")
    by_key = ledger.record("prediction.refused", Actor(clinic, "api", api_key=key), release="r 2.0.0")

    def found(**search):
        page = browser_of(audrey).post(f"{LIST}search/", search, follow=True)
        return set(ids_of(page)) & {str(entry.id) for entry in (by_alice, by_adam, by_key)}

    assert found(action="prediction.refused", release="r 1.0.0", person=alice.email) == {str(by_alice.id)}
    assert found(action="prediction.refused", release="r 1.0.0") == {str(by_alice.id), str(by_adam.id)}
    assert found(key=key.prefix) == found(key="lab SYSTEM") == {str(by_key.id)}
    assert found(key=key.prefix, release="r 1.0.0") == set()


def test_a_key_of_another_organisation_cannot_be_searched_for(other_hospital, audrey, browser_of):
    key, _ = issue_key(other_hospital, "Their system", ["predict"])
    for wanted in (key.prefix, key.name):
        page = browser_of(audrey).post(f"{LIST}search/", {"key": wanted}, follow=True)
        assert "No such key." in page.content.decode()


def test_a_name_that_several_keys_have_is_not_enough(clinic, audrey, browser_of):
    for _ in range(2):
        issue_key(clinic, "Lab system", ["predict"])
    page = browser_of(audrey).post(f"{LIST}search/", {"key": "Lab system"}, follow=True)
    assert "give the prefix" in page.content.decode()


def test_a_search_goes_on_from_another_without_the_case_reference(alice_acting, clinic, audrey, browser_of):
    case = ledger.case_facts(clinic.id, "P-0042")
    made = ledger.record("prediction.made", alice_acting, **case)
    refused = ledger.record("prediction.refused", alice_acting, **case)
    client = browser_of(audrey)
    page = client.post(f"{LIST}search/", {"case": "P-0042"}, follow=True)
    assert "P-0042" not in page.content.decode()
    (kept,) = re.findall(r'name="kept_case" value="([^"]+)"', page.content.decode())
    page = client.post(f"{LIST}search/", {"kept_case": kept, "action": "prediction.made"}, follow=True)
    assert str(made.id) in ids_of(page)
    assert str(refused.id) not in ids_of(page)


def test_a_case_of_one_of_many_organisations_needs_the_organisation(root, browser_of):
    Organisation.objects.bulk_create(
        Organisation(slug=f"clinic-{number}", name=f"Clinic {number}") for number in range(30)
    )
    last = Organisation.objects.get(slug="clinic-29")
    entry = ledger.record("prediction.made", Actor(last, "api"), **ledger.case_facts(last.id, "P-7"))
    client = browser_of(root)
    refused = client.post(f"{LIST}search/", {"case": "P-7"}, follow=True)
    assert "Choose the one whose case it is" in refused.content.decode()
    found = client.post(f"{LIST}search/", {"case": "P-7", "organisation": last.id}, follow=True)
    assert ids_of(found) == [str(entry.id)]


def test_looking_is_on_record_with_what_was_looked_for(five_events, audrey, browser_of):
    client = browser_of(audrey)
    client.get(f"{LIST}?action=test.happened")
    client.get(page_of(five_events["clinic"].id))
    response = client.post(f"{LIST}export/csv/?action=test.happened")
    # Before the first byte: whoever breaks the download off has had it all the same.
    listed, read, exported = (
        event.facts for event in Event.objects.filter(action__startswith="audit.").order_by("id")
    )
    assert (listed["action"], listed["search"]) == ("audit.listed", {"action": "test.happened"})
    assert (read["action"], read["event"]) == ("audit.read", str(five_events["clinic"].id))
    assert (exported["action"], exported["form"]) == ("audit.exported", "csv")
    assert {facts["person"] for facts in (listed, read, exported)} == {str(audrey.id)}
    bytes_of(response)


HOSTILE = "<script>alert(1)</script> \u202ereversed\u202c \x1b[31m"


def test_hostile_text_in_a_body_is_inert(alice, alice_acting, audrey, browser_of):
    alice.name = "<img src=x onerror=alert(1)>"
    alice.save()
    entry = ledger.record("test.<b>", alice_acting, release="<i>r</i>", note=HOSTILE)
    client = browser_of(audrey)
    for address in (LIST, page_of(entry.id)):
        text = client.get(address).content.decode()
        assert "<script>alert" not in text
        assert "<img src=x" not in text
        assert "<i>r" not in text
        assert "\u202e" not in text
        assert "\x1b" not in text


@pytest.mark.parametrize(
    "body", [b"", b"\xff\xfe", b"[1]", b"null", b'"\\ud800"', b'{"note": "\\ud800"}', b"[" * 100_000]
)
def test_an_event_that_somebody_with_sql_has_spoilt_can_still_be_looked_at(
    alice_acting, audrey, browser_of, body
):
    entry = ledger.record("test.happened", alice_acting)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE audit.event DISABLE TRIGGER refuse_change")
        cursor.execute("UPDATE audit.event SET body = %s, recorded_us = %s", [body, 2**62])
        cursor.execute("ALTER TABLE audit.event ENABLE ALWAYS TRIGGER refuse_change")
    client = browser_of(audrey)
    assert str(entry.id) in ids_of(client.get(LIST))
    assert client.get(page_of(entry.id)).status_code == 200
    for form in audit_export.FORMATS:
        assert str(entry.id) in bytes_of(client.post(f"{LIST}export/{form}/"))


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", '=HYPERLINK("http://x","y")'])
def test_no_cell_of_an_export_is_a_formula(alice, alice_acting, audrey, browser_of, name):
    Person.objects.filter(id=alice.id).update(name=name)
    ledger.record("test.happened", alice_acting)
    text = bytes_of(browser_of(audrey).post(f"{LIST}export/csv/?action=test.happened"))
    (row,) = csv.DictReader(io.StringIO(text, newline=""))
    assert row["who"].lstrip("'\\tr") == name.lstrip("\t\r")
    assert not row["who"].startswith(("=", "+", "-", "@", "\t", "\r"))


def test_an_export_holds_what_was_sealed_byte_for_byte(alice_acting, audrey, browser_of):
    entry = ledger.record("test.happened", alice_acting, note="ü €")
    event = Event.objects.get(id=entry.id)
    text = bytes_of(browser_of(audrey).post(f"{LIST}export/json/?action=test.happened"))
    row = json.loads(text)
    assert row["body"].encode() == bytes(event.body)
    assert (row["mac"], row["leaf"]) == (bytes(event.mac).hex(), entry.leaf.hex())
    assert row["recorded_at"] == entry.recorded_at.isoformat(timespec="microseconds")
    assert row["recorded_at"].endswith("+00:00")


def test_an_export_reads_batch_after_batch_and_says_where_it_was_cut(
    alice_acting, inspector, browser_of, monkeypatch
):
    monkeypatch.setattr(timeline, "BATCH", 3)
    monkeypatch.setattr(audit_export, "MOST_EVENTS", 7)
    made = record_many(alice_acting, 9)
    events_of_test = timeline.each_event(None, {"action": "test.happened"}, 8)
    *rows, last = map(json.loads, audit_export.FORMATS["json"].write(events_of_test))
    assert [row["id"] for row in rows] == made[:1:-1]
    assert "in this file" in last["cut"]


def test_a_search_that_takes_too_long_is_broken_off_and_said_so(five_events, audrey, browser_of, monkeypatch):
    slow = replace(timeline._CRITERIA["action"], condition="action = pg_sleep(1)::text || %(action)s")
    monkeypatch.setattr(timeline, "MOST_MILLISECONDS", 50)
    monkeypatch.setitem(timeline._CRITERIA, "action", slow)
    response = browser_of(audrey).get(f"{LIST}?action=test.happened")
    assert response.status_code == 200
    assert "Give a shorter time" in response.content.decode()
    assert Event.objects.filter(action="audit.listed").exists()


def test_every_action_that_is_recorded_has_words():
    names = {
        value
        for module in (events, prediction_events)
        for name, value in vars(module).items()
        if name.isupper() and isinstance(value, str)
    }
    assert names == set(event_words.WORDS)
    assert (event_words.MADE, event_words.REFUSED) == (
        prediction_events.PREDICTION_MADE,
        prediction_events.PREDICTION_REFUSED,
    )
