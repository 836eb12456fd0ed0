"""Events get into the tree once each, whenever they commit, and never into a tree that was tampered with."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.db import connection

from accounts import events, ledger, sealer
from accounts.merkle import EMPTY_ROOT, Frontier, leaf_hash
from accounts.models import Event
from accounts.signed_notes import VerifierKey, open_note, previous
from accounts.tree_store import all_checkpoints, latest_checkpoint

pytestmark = pytest.mark.django_db
KEYS = [VerifierKey.from_text(text) for text in settings.LEDGER_PUBLIC_KEYS]


def record(count, action="test.happened"):
    return [ledger.record(action, number=number) for number in range(count)]


def checkpoints():
    with connection.cursor() as cursor:
        return all_checkpoints(cursor)


def leaves():
    with connection.cursor() as cursor:
        cursor.execute("SELECT event_id, leaf FROM audit.leaf ORDER BY idx")
        return [(event_id, bytes(leaf)) for event_id, leaf in cursor.fetchall()]


def behind_the_triggers(statement, table, *parameters):
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        cursor.execute(statement, parameters)
        cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


def test_every_event_is_sealed_once_and_the_root_is_that_of_its_leaves():
    entries = record(300)
    assert sealer.seal_waiting() == 300
    assert sealer.seal_waiting() == 0
    assert [event_id for event_id, _ in leaves()] == sorted(entry.id for entry in entries)
    assert dict(leaves()) == {entry.id: entry.leaf for entry in entries}
    tree = Frontier()
    tree.extend([leaf for _, leaf in leaves()])
    (checkpoint,) = checkpoints()
    assert checkpoint.root == tree.root() != EMPTY_ROOT


def test_the_leaf_is_what_the_format_says():
    entry = ledger.record("test.happened")
    event = Event.objects.get(id=entry.id)
    data = event.id.bytes + event.recorded_us.to_bytes(8, "big") + bytes(event.mac) + bytes(event.body)
    assert entry.leaf == leaf_hash(data)


def test_each_checkpoint_is_signed_and_names_the_one_before():
    for _ in range(3):
        record(2)
        sealer.seal_waiting()
    opened = [open_note(checkpoint.note, KEYS) for checkpoint in checkpoints()]
    assert [checkpoint.size for checkpoint in opened] == [2, 4, 6]
    assert [previous(checkpoint) for checkpoint in opened] == [row.prev for row in checkpoints()]
    assert len({previous(checkpoint) for checkpoint in opened}) == 3


def test_a_large_batch_and_many_small_ones_give_the_same_tree(monkeypatch):
    record(600)
    monkeypatch.setattr(sealer, "BATCH", 37)
    assert sealer.seal_waiting() == 600
    tree = Frontier()
    tree.extend([leaf for _, leaf in leaves()])
    with connection.cursor() as cursor:
        checkpoint = latest_checkpoint(cursor)
        assert checkpoint
        assert checkpoint.root == tree.root()
        cursor.execute("SELECT level, idx FROM audit.subtree ORDER BY idx")
        assert cursor.fetchall() == [(8, 0), (8, 1)]


def test_an_event_from_before_the_last_minutes_is_found_by_the_sweep(monkeypatch):
    record(1)
    sealer.seal_waiting()
    late = ledger.record("test.happened")
    monkeypatch.setattr(sealer, "LATECOMERS", -timedelta(hours=1))
    assert sealer.seal_waiting() == 0
    assert sealer.seal_waiting(everything=True) == 1
    assert late.id in dict(leaves())


def test_that_a_checkpoint_was_anchored_makes_no_new_one_by_itself():
    record(1)
    sealer.seal_waiting()
    record(2, events.CHECKPOINT_ANCHORED)
    assert sealer.seal_waiting() == 0
    record(1)
    assert sealer.seal_waiting() == 3


@pytest.mark.parametrize(
    ("statement", "table"),
    [
        ("UPDATE audit.leaf SET leaf = sha256('forged') WHERE idx = 299", "audit.leaf"),
        ("DELETE FROM audit.leaf WHERE idx = 299", "audit.leaf"),
        ("DELETE FROM audit.leaf WHERE idx = 257", "audit.leaf"),
        ("UPDATE audit.subtree SET hash = sha256('forged')", "audit.subtree"),
        ("DELETE FROM audit.subtree", "audit.subtree"),
        ("UPDATE audit.checkpoint SET root = sha256('forged')", "audit.checkpoint"),
        ("DELETE FROM audit.checkpoint", "audit.checkpoint"),
        ("INSERT INTO audit.leaf VALUES (300, gen_random_uuid(), sha256('forged'))", "audit.leaf"),
    ],
)
def test_a_tree_that_is_not_the_signed_one_is_never_extended(statement, table):
    record(300)
    sealer.seal_waiting()
    behind_the_triggers(statement, table)
    before, signed = leaves(), checkpoints()
    record(1)
    for _ in range(2):
        with pytest.raises(sealer.TreeBroken):
            sealer.seal_waiting()
    assert (leaves(), checkpoints()) == (before, signed)
    assert Event.objects.filter(action=events.SEALING_STOPPED).count() == 1
