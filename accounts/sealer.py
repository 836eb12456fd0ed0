"""Sealing: events that are not in the Merkle tree yet are appended to it, and its new root is signed.

Done by workers in the role of the sealer, never on the way of a request. An event is where its transaction
left it, so one that commits late is found later: the last minutes are looked through each time, and
everything once an hour.
"""

from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import connections, transaction

from accounts import events, ledger
from accounts.database_roles import alias_of
from accounts.merkle import Frontier, NodesMissing
from accounts.moments import first_id_at, microseconds_of, time_of
from accounts.signed_notes import SigningKey, chained, previous, sign
from accounts.tree_store import (
    Cursor,
    StoredCheckpoint,
    add_checkpoint,
    add_subtrees,
    latest_checkpoint,
    stored_nodes,
)

BATCH = 50_000
LATECOMERS = timedelta(minutes=5)
_LOCK = 7_233_177_019  # any number that nothing else locks

# That a checkpoint was anchored is sealed with whatever comes next: by itself it would be anchored in turn.
_APPEND = """
WITH waiting AS (
    SELECT id, leaf, action FROM audit.event event
    WHERE id >= %s AND NOT EXISTS (SELECT FROM audit.leaf WHERE event_id = event.id)
    ORDER BY id LIMIT %s
), appended AS (
    INSERT INTO audit.leaf (idx, event_id, leaf)
    SELECT %s - 1 + row_number() OVER (ORDER BY id), id, leaf FROM waiting
    WHERE (SELECT bool_or(action <> %s) FROM waiting)
    RETURNING idx, leaf
)
SELECT leaf FROM appended ORDER BY idx
"""


class TreeBroken(Exception):
    """For the operator: the stored tree is not the one that was signed last. Nothing is appended to it."""


def seal_waiting(*, everything: bool = False) -> int:
    """Append the events that wait to the tree, up to 50,000 at a time, and sign each new root.

    Does nothing while another worker is at it.

    Parameters
    ----------
    everything
        Look for them in the whole trail, and not only in what was recorded since shortly before the last
        checkpoint.

    Returns
    -------
    int
        How many events were sealed.

    Raises
    ------
    TreeBroken
        When the stored tree has another root than the last checkpoint; this is put on record too.
    """
    key = SigningKey.from_text(settings.LEDGER_SIGNING_KEY)
    sealed = 0
    try:
        while count := _seal_batch(key, everything=everything):
            sealed += count
    except TreeBroken as broken:
        ledger.raise_alarm(events.SEALING_STOPPED, reason=str(broken))
        raise
    return sealed


def _seal_batch(key: SigningKey, *, everything: bool) -> int:
    alias = alias_of("sealer")
    with transaction.atomic(using=alias), connections[alias].cursor() as cursor:
        if not _lock(cursor):
            return 0
        last = latest_checkpoint(cursor)
        frontier = _restore(last, cursor)
        leaves = _append_leaves(cursor, frontier.size, _since(last, everything=everything))
        if leaves:
            add_subtrees(cursor, frontier.extend(leaves))
            add_checkpoint(cursor, _next_checkpoint(last, frontier, key, _now(cursor)))
        return len(leaves)


def _lock(cursor: Cursor) -> bool:
    cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_LOCK])
    return bool(cursor.fetchone()[0])


def _restore(last: StoredCheckpoint | None, cursor: Cursor) -> Frontier:
    cursor.execute("SELECT coalesce(max(idx) + 1, 0) FROM audit.leaf")
    (size,) = cursor.fetchone()
    if size != (last.size if last else 0):
        raise TreeBroken(f"There are {size} leaves; signed were {last.size if last else 0}.")
    try:
        frontier = Frontier.restored(size, stored_nodes(cursor))
    except NodesMissing as missing:
        raise TreeBroken(f"The stored tree lacks nodes: {missing}.") from missing
    if last and frontier.root() != last.root:
        raise TreeBroken(f"The stored tree of {size} leaves has another root than the one that was signed.")
    return frontier


def _since(last: StoredCheckpoint | None, *, everything: bool) -> UUID:
    if last is None or everything:
        return UUID(int=0)
    return first_id_at(time_of(last.at_us) - LATECOMERS)


def _append_leaves(cursor: Cursor, size: int, since: UUID) -> list[bytes]:
    cursor.execute(_APPEND, [since, BATCH, size, events.CHECKPOINT_ANCHORED])
    return [bytes(leaf) for (leaf,) in cursor.fetchall()]


def _now(cursor: Cursor) -> datetime:
    """By the clock that stamps the events."""
    cursor.execute("SELECT clock_timestamp()")
    now: datetime = cursor.fetchone()[0]
    return now


def _next_checkpoint(
    last: StoredCheckpoint | None, frontier: Frontier, key: SigningKey, now: datetime
) -> StoredCheckpoint:
    if last:  # a clock that was set back does not make checkpoints go back
        now = max(now, time_of(last.at_us))
    checkpoint = chained(key.name, frontier.size, frontier.root(), last.note if last else b"", now)
    return StoredCheckpoint(
        number=last.number + 1 if last else 0,
        size=checkpoint.size,
        root=checkpoint.root,
        at_us=microseconds_of(now),
        prev=previous(checkpoint),
        note=sign(checkpoint, key),
    )
