"""The latest checkpoint is kept outside the database, once; what stands in the way of that is on record."""

import json

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from accounts import anchoring, ledger, protection, sealer, verification
from accounts.anchors import WrongAnchor, open_anchor
from accounts.checks import check_anchors
from accounts.models import Event
from accounts.signed_notes import SigningKey, VerifierKey, chained, open_note, sign

pytestmark = pytest.mark.django_db


@pytest.fixture
def url(settings, tmp_path):
    settings.LEDGER_ANCHORS = [f"file://{tmp_path}/notes.log"]
    return settings.LEDGER_ANCHORS[0]


def seal(count=1):
    for number in range(count):
        ledger.record("test.happened", number=number)
    return sealer.seal_waiting()


def bodies(action):
    return [json.loads(bytes(event.body)) for event in Event.objects.filter(action=action)]


def test_the_latest_checkpoint_is_anchored_once_and_that_is_on_record_and_in_the_log(url, caplog):
    caplog.set_level("INFO", "accounts.anchoring")
    assert anchoring.anchor_latest() == 0
    seal(3)
    assert [anchoring.anchor_latest(), anchoring.anchor_latest()] == [1, 0]
    (note,) = open_anchor(url).notes()
    keys = [VerifierKey.from_text(text) for text in settings.LEDGER_PUBLIC_KEYS]
    checkpoint = open_note(note, keys)
    (body,) = bodies("checkpoint.anchored")
    assert (body["size"], body["root_sha256"]) == (3, checkpoint.root.hex())
    assert f"Anchored at {url}: 3 events, root {checkpoint.root.hex()}" in caplog.text


def test_an_anchor_that_is_away_is_tried_again_and_holds_up_no_other(settings, url, tmp_path):
    settings.LEDGER_ANCHORS = [f"file://{tmp_path}/missing/notes.log", url]
    seal()
    assert [anchoring.anchor_latest(), anchoring.anchor_latest()] == [1, 0]
    (tmp_path / "missing").mkdir()
    assert anchoring.anchor_latest() == 1


def test_an_anchor_that_knows_another_tree_is_an_alarm_once_an_hour(url):
    seal(2)
    key = SigningKey.from_text(settings.LEDGER_SIGNING_KEY)
    forged = sign(chained(key.name, 2, bytes(32), b"", timezone.now()), key)
    open_anchor(url).keep(2, forged)
    assert [anchoring.anchor_latest(), anchoring.anchor_latest()] == [0, 0]
    (body,) = bodies("anchor.refused")
    assert body["anchor"] == url


def test_an_anchor_that_lost_a_note_is_found_out(url, tmp_path):
    for _ in range(2):
        seal()
        anchoring.anchor_latest()
    assert list(verification.verify(anchors=anchoring.open_anchors())) == []
    notes = tmp_path / "notes.log"
    kept = notes.read_bytes()
    for left in (kept[: kept.index(b"--\n") + 3], b""):
        notes.write_bytes(left)
        kinds = {finding.kind for finding in verification.verify(anchors=anchoring.open_anchors())}
        assert kinds == {"anchor_emptied"}


def test_without_an_anchor_and_with_one_role_it_is_said_plainly(settings):
    settings.LEDGER_ANCHORS = []
    said = " ".join(protection.find_weaknesses())
    assert "as the owner of the audit trail" in said
    assert "policies hold it that keep organisations apart" in said
    assert "LEDGER_ANCHORS is empty" in said


def test_without_a_signing_key_it_is_said_that_nothing_is_sealed(settings, url):
    settings.LEDGER_SIGNING_KEY = ""
    assert "LEDGER_SIGNING_KEY" in " ".join(protection.find_weaknesses())


def test_what_an_anchor_does_not_protect_is_said_with_its_name(url):
    assert any(said.startswith(f"{url}: ") for said in protection.find_weaknesses())


@pytest.mark.usefixtures("url")
class TestVerifyAudit:
    """`manage.py verify_audit`."""

    def test_it_ends_well_where_nothing_was_touched(self, capsys):
        seal(3)
        anchoring.anchor_latest()
        call_command("verify_audit", anchors=True)
        assert "3 sealed events verified, 0 findings." in capsys.readouterr().out

    def test_it_names_each_finding_and_ends_with_status_1(self, capsys):
        seal(3)
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE audit.event DISABLE TRIGGER USER")
            cursor.execute("UPDATE audit.event SET body = body || ' '")
        with pytest.raises(SystemExit) as end:
            call_command("verify_audit")
        assert end.value.code == 1
        out = capsys.readouterr().out
        assert out.count("event_edited: event ") == 3
        assert "3 findings." in out

    @pytest.mark.parametrize(("since", "found"), [("2999-01-01", 0), ("2000-01-01T00:00+02:00", 1)])
    def test_it_begins_where_it_is_told(self, capsys, since, found):
        seal(1)
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE audit.event DISABLE TRIGGER USER")
            cursor.execute("UPDATE audit.event SET release = 'forged'")
        try:
            call_command("verify_audit", f"--since={since}")
        except SystemExit:
            assert found
        assert f"{found} findings." in capsys.readouterr().out

    def test_an_anchor_that_means_nothing_is_told_before_anything_is_read(self, settings):
        settings.LEDGER_ANCHORS = ["ftp://user:secret@example/x"]
        with pytest.raises(Exception, match="An anchor is file:") as refusal:
            call_command("verify_audit", anchors=True)
        assert "secret" not in str(refusal.value)
        with pytest.raises(WrongAnchor):
            anchoring.open_anchors()


def test_an_anchor_that_cannot_be_read_is_told_before_anything_starts(settings):
    settings.LEDGER_ANCHORS = ["ftp://user:secret@example/x"]
    (error,) = check_anchors(None)
    assert error.id == "accounts.E001"
    assert "file:///PATH" in str(error.hint)
    assert "secret" not in f"{error}"
    settings.LEDGER_ANCHORS = ["file:///var/notes.log"]
    assert check_anchors(None) == []
