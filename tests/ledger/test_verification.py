"""Whatever somebody with every right in the database does to the trail, verification names it.

Each case is done for real, by the superuser, with the triggers switched off, to committed rows.
"""

import hashlib
import os
from contextlib import closing, suppress
from datetime import timedelta

import psycopg2
import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone

from accounts import ledger, sealer, verification
from accounts.anchors import open_anchor
from accounts.merkle import Frontier
from accounts.moments import first_id_at, time_of
from accounts.signed_notes import SigningKey, chained, sign
from breastrisk.embedded import postgres
from breastrisk.embedded.state import StateDirectory

STAMPED = "id, recorded_us, action, body, mac"


@pytest.fixture
def trail(transactional_db, tmp_path):
    """300 events in two checkpoints, both anchored; then two that wait."""
    anchor = open_anchor(f"file://{tmp_path}/notes.log")
    for count in (260, 40):
        for number in range(count):
            ledger.record("test.happened", number=number)
        sealer.seal_waiting()
        with connection.cursor() as cursor:
            cursor.execute("SELECT size, note FROM audit.checkpoint ORDER BY number DESC LIMIT 1")
            size, note = cursor.fetchone()
        anchor.keep(size, bytes(note))
    for _ in range(2):
        ledger.record("test.waiting")
    return anchor


@pytest.fixture
def superuser(trail):
    """A connection to which nothing is refused."""
    name = connection.settings_dict["NAME"]
    if "BREASTRISK_TEST_SUPERUSER" in os.environ:  # of a server that was given
        address = os.environ["BREASTRISK_TEST_SUPERUSER"]
    else:
        address = postgres.superuser_url(StateDirectory.default(), name)
    with closing(psycopg2.connect(address)) as visitor, visitor.cursor() as cursor:
        visitor.autocommit = True
        cursor.execute("SET session_replication_role = replica")
        for table in ("event", "leaf", "subtree", "checkpoint"):
            cursor.execute(f"ALTER TABLE audit.{table} DISABLE TRIGGER ALL")
        yield cursor
        for table in ("event", "leaf", "subtree", "checkpoint"):
            cursor.execute(f"ALTER TABLE audit.{table} ENABLE TRIGGER ALL")
            for trigger in ("stamp", "refuse_change", "refuse_truncate"):
                with suppress(psycopg2.errors.UndefinedObject):
                    cursor.execute(f"ALTER TABLE audit.{table} ENABLE ALWAYS TRIGGER {trigger}")


def kinds(anchor, **options):
    return {finding.kind for finding in verification.verify(anchors=[anchor], **options)}


def insert_with_key(cursor, action, time):
    """What somebody inserts who has the key of the MACs."""
    body = ledger.canonical_json({"action": action})
    recorded_us = int(time.timestamp() * 1_000_000)
    cursor.execute(
        f"INSERT INTO audit.event ({STAMPED}) VALUES (%s, %s, %s, %s, %s)",
        [str(first_id_at(time)), recorded_us, action, body, ledger.mac_of(body)],
    )


def rebuild_tree(cursor):
    """Let leaves, nodes and roots follow the events again, as far as one can without the signing key."""
    cursor.execute("UPDATE audit.leaf l SET leaf = e.leaf FROM audit.event e WHERE e.id = l.event_id")
    cursor.execute("SELECT leaf FROM audit.leaf ORDER BY idx")
    leaves = [bytes(leaf) for (leaf,) in cursor.fetchall()]
    tree = Frontier()
    cursor.execute("SELECT number, size FROM audit.checkpoint ORDER BY number")
    for number, size in cursor.fetchall():
        for node in tree.extend(leaves[tree.size : size]):
            cursor.execute(
                "UPDATE audit.subtree SET hash = %s WHERE level = %s AND idx = %s",
                [node.hash, node.level, node.index],
            )
        cursor.execute("UPDATE audit.checkpoint SET root = %s WHERE number = %s", [tree.root(), number])


def sign_all_anew(cursor, key):
    cursor.execute("SELECT number, size, root, at_us FROM audit.checkpoint ORDER BY number")
    note = b""
    for number, size, root, at_us in cursor.fetchall():
        checkpoint = chained(key.name, size, bytes(root), note, time_of(at_us))
        previous_digest, note = hashlib.sha256(note).digest(), sign(checkpoint, key)
        cursor.execute(
            "UPDATE audit.checkpoint SET prev = %s, note = %s WHERE number = %s",
            [previous_digest, note, number],
        )


EVENT = "(SELECT event_id FROM audit.leaf WHERE idx = 7)"


def edit_body(cursor):
    cursor.execute(f"UPDATE audit.event SET body = body || ' ' WHERE id = {EVENT}")


def edit_body_and_leaf(cursor):
    edit_body(cursor)
    cursor.execute("UPDATE audit.leaf l SET leaf = e.leaf FROM audit.event e WHERE e.id = l.event_id")


def edit_body_and_every_root(cursor):
    edit_body(cursor)
    rebuild_tree(cursor)


def edit_everything_and_sign_with_another_key(cursor):
    edit_body(cursor)
    rebuild_tree(cursor)
    sign_all_anew(cursor, SigningKey.generate(SigningKey.from_text(settings.LEDGER_SIGNING_KEY).name))


def edit_everything_with_the_keys(cursor):
    """Only the anchors know better."""
    body = ledger.canonical_json({"action": "test.happened", "forged": True})
    cursor.execute(
        f"UPDATE audit.event SET body = %s, mac = %s WHERE id = {EVENT}", [body, ledger.mac_of(body)]
    )
    rebuild_tree(cursor)
    sign_all_anew(cursor, SigningKey.from_text(settings.LEDGER_SIGNING_KEY))


def edit_columns(cursor):
    cursor.execute(f"UPDATE audit.event SET organisation_id = gen_random_uuid() WHERE id = {EVENT}")


def edit_action_of_one_that_waits(cursor):
    cursor.execute("UPDATE audit.event SET action = 'forged' WHERE action = 'test.waiting'")


def delete_event(cursor):
    cursor.execute(f"DELETE FROM audit.event WHERE id = {EVENT}")


def delete_and_renumber(cursor):
    cursor.execute(f"DELETE FROM audit.event WHERE id = {EVENT}")
    cursor.execute("DELETE FROM audit.leaf WHERE idx = 7")
    cursor.execute("UPDATE audit.leaf SET idx = idx + 1000 WHERE idx > 7")
    cursor.execute("UPDATE audit.leaf SET idx = idx - 1001 WHERE idx > 1000")


def reorder(cursor):
    cursor.execute("UPDATE audit.leaf SET idx = 1000 WHERE idx = 7")
    cursor.execute("UPDATE audit.leaf SET idx = 7 WHERE idx = 8")
    cursor.execute("UPDATE audit.leaf SET idx = 8 WHERE idx = 1000")


def back_date_with_the_key(cursor):
    insert_with_key(cursor, "test.forged", timezone.now() - timedelta(days=30))
    sealer.seal_waiting(everything=True)


def stamp_another_time(cursor):
    cursor.execute("UPDATE audit.event SET recorded_us = recorded_us - 5000000 WHERE action = 'test.waiting'")


def insert_without_the_key(cursor):
    body = ledger.canonical_json({"action": "test.forged"})
    cursor.execute(
        f"INSERT INTO audit.event ({STAMPED}) VALUES (%s, %s, 'test.forged', %s, sha256('guess'))",
        [str(first_id_at(timezone.now())), int(timezone.now().timestamp() * 1_000_000), body],
    )


def repeat_an_event(cursor):
    cursor.execute("ALTER TABLE audit.event ENABLE ALWAYS TRIGGER stamp")
    cursor.execute(
        f"INSERT INTO audit.event (body, mac) SELECT body, mac FROM audit.event WHERE id = {EVENT}"
    )


def edit_checkpoint_root(cursor):
    cursor.execute("UPDATE audit.checkpoint SET root = sha256('forged') WHERE number = 0")


def edit_checkpoint_note(cursor):
    cursor.execute("UPDATE audit.checkpoint SET note = note || 'x' WHERE number = 0")


def remove_checkpoint(cursor):
    cursor.execute("DELETE FROM audit.checkpoint WHERE number = 0")


def remove_last_checkpoint(cursor):
    cursor.execute("DELETE FROM audit.checkpoint WHERE number = 1")


def edit_leaf(cursor):
    cursor.execute("UPDATE audit.leaf SET leaf = sha256('forged') WHERE idx = 7")


def remove_leaf(cursor):
    cursor.execute("DELETE FROM audit.leaf WHERE idx = 7")


def edit_node(cursor):
    cursor.execute("UPDATE audit.subtree SET hash = sha256('forged')")


def truncate_tail(cursor):
    """What would be invisible without an anchor."""
    cursor.execute(
        "DELETE FROM audit.event WHERE id NOT IN (SELECT event_id FROM audit.leaf WHERE idx < 260)"
    )
    cursor.execute("DELETE FROM audit.leaf WHERE idx >= 260")
    cursor.execute("DELETE FROM audit.checkpoint WHERE number = 1")


def empty_everything(cursor):
    cursor.execute("DELETE FROM audit.event")
    cursor.execute("DELETE FROM audit.leaf")
    cursor.execute("DELETE FROM audit.subtree")
    cursor.execute("DELETE FROM audit.checkpoint")


def wait_for_a_sealer(cursor):
    insert_with_key(cursor, "test.forgotten", timezone.now() - timedelta(hours=1))


TAMPERINGS = {
    edit_body: "event_edited",
    edit_body_and_leaf: "event_forged",
    edit_body_and_every_root: "checkpoint_edited",
    edit_everything_and_sign_with_another_key: "checkpoint_forged",
    edit_everything_with_the_keys: "anchor_differs",
    edit_columns: "columns_edited",
    edit_action_of_one_that_waits: "columns_edited",
    delete_event: "event_deleted",
    delete_and_renumber: "root_wrong",
    reorder: "root_wrong",
    back_date_with_the_key: "event_backdated",
    stamp_another_time: "event_backdated",
    insert_without_the_key: "event_forged",
    repeat_an_event: "event_repeated",
    edit_checkpoint_root: "checkpoint_edited",
    edit_checkpoint_note: "checkpoint_forged",
    remove_checkpoint: "checkpoint_missing",
    remove_last_checkpoint: "leaf_unsigned",
    edit_leaf: "root_wrong",
    remove_leaf: "leaf_missing",
    edit_node: "subtree_edited",
    truncate_tail: "tail_truncated",
    empty_everything: "tail_truncated",
    wait_for_a_sealer: "event_unsealed",
}


def test_a_trail_that_nobody_touched_has_no_findings(trail):
    seen = []
    assert list(verification.verify(lambda done, total: seen.append((done, total)), anchors=[trail])) == []
    assert seen[-1] == (300, 300)


@pytest.mark.parametrize("tamper", TAMPERINGS, ids=lambda tamper: tamper.__name__)
def test_each_tampering_is_named(trail, superuser, tamper):
    tamper(superuser)
    assert TAMPERINGS[tamper] in kinds(trail)


def test_a_truncated_tail_is_invisible_without_an_anchor(trail, superuser):
    truncate_tail(superuser)
    assert list(verification.verify()) == []


def test_verification_since_a_time_trusts_what_was_signed_before(trail, superuser):
    edit_columns(superuser)
    assert kinds(trail) == {"columns_edited"}
    assert kinds(trail, since=timezone.now()) == set()


def test_an_anchor_that_is_away_is_a_finding_of_its_own(trail, tmp_path):
    tmp_path.chmod(0o700)
    (tmp_path / "notes.log").unlink()
    assert kinds(trail) <= {"anchor_away"}
