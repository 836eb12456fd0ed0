"""Verification: everything that the audit trail promises, checked from the first event to the last anchor.

Each finding is named for what was done. What is compared is what a person with every right in the database
could change: bodies, the columns that repeat them, the tree, its signed checkpoints, and what anchors outside
of the database remember of it.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from hashlib import sha256
from io import BytesIO
from itertools import pairwise
from typing import Any

from django.conf import settings
from django.db import connections, transaction

from accounts.anchors import Anchor, AnchorAway, AnchorConflict
from accounts.database_roles import alias_of
from accounts.event_checks import Block, Checker, Finding, Row, Window, check_event
from accounts.event_leaf import EventMac
from accounts.events import CHECKPOINT_ANCHORED
from accounts.merkle import Frontier, NodesMissing, Subtree, root_of
from accounts.moments import microseconds_of, time_of
from accounts.signed_notes import Checkpoint, NoteRefused, VerifierKey, at, open_note, previous
from accounts.tree_store import Cursor, StoredCheckpoint, all_checkpoints, stored_nodes

Report = Callable[[int, int], None]
"""Told how many rows of how many are done."""

# Sealing is looked for this late: the hourly sweep, and a transaction of an hour.
LATENESS = timedelta(hours=2)
UNSEALED_AFTER = timedelta(minutes=10)
CHUNK = 5_000
_COLUMNS = (
    "concat_ws('|', action, coalesce(organisation_id::text, 'None'), coalesce(person_id::text, 'None'), "
    "coalesce(api_key_id::text, 'None'), coalesce(case_digest, 'None'), coalesce(release, 'None'), "
    "coalesce(prediction_id::text, 'None'))"
)
_EVENT = "event.leaf || uuid_send(event.id) || int8send(recorded_us) || mac || body"
_SEALED = (
    f"SELECT l.idx, coalesce(l.leaf || {_EVENT}, l.leaf || l.leaf || uuid_send(l.event_id)), {_COLUMNS} "  # noqa: S608
    "FROM audit.leaf l LEFT JOIN audit.event event ON event.id = l.event_id "
    "WHERE l.idx >= {first} ORDER BY l.idx LIMIT {most}"
)
_COPIED = f"COPY ({_SEALED}) TO STDOUT (FORMAT binary)"
# Before the first row stand a signature, flags and the length of an extension, behind the last a mark.
_ROWS = slice(19, -2)
_UNSEALED = (
    f"SELECT NULL, event.leaf || {_EVENT}, {_COLUMNS} FROM audit.event event "  # noqa: S608
    "WHERE NOT EXISTS (SELECT FROM audit.leaf WHERE event_id = event.id) ORDER BY id"
)
_REPEATED = "SELECT mac, min(id::text) FROM audit.event GROUP BY mac HAVING count(*) > 1"


Check = Callable[[Cursor], Iterator[Finding]]
further_checks: list[Check] = []
"""What other rooms keep beside the trail and compare with it."""


def verify(
    report: Report = lambda _done, _total: None,
    *,
    since: datetime | None = None,
    anchors: Iterable[Anchor] = (),
) -> Iterator[Finding]:
    """Compare everything with everything else, as of one moment.

    Parameters
    ----------
    report
        Told of the progress, every 5,000 rows.
    since
        Trust what the last checkpoint before this time has signed, and begin there.
    anchors
        Where checkpoints are kept outside the database.

    Yields
    ------
    Finding
        As they are found. None means that the trail is whole.
    """
    with _one_moment() as cursor:
        checkpoints = all_checkpoints(cursor)
        yield from _check_checkpoints(checkpoints)
        walk = _Walk(cursor, _last_before(checkpoints, since))
        yield from walk.check_leaves(checkpoints, report)
        yield from _check_unsealed(cursor)
        yield from _check_repeated(cursor)
        for anchor in anchors:
            yield from walk.check_anchor(anchor)
        for check in further_checks:
            yield from check(cursor)


@contextmanager
def _one_moment() -> Iterator[Cursor]:
    """What is sealed meanwhile is not seen half."""
    alias = alias_of("auditor")
    is_first = not connections[alias].in_atomic_block
    with transaction.atomic(using=alias), connections[alias].cursor() as cursor:
        if is_first:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        yield cursor


def _check_checkpoints(checkpoints: list[StoredCheckpoint]) -> Iterator[Finding]:
    for checkpoint in checkpoints:
        yield from _check_note(checkpoint)
    if checkpoints and checkpoints[0].number != 0:
        yield Finding("checkpoint_missing", "checkpoint 0", "The chain begins later.")
    for before, checkpoint in pairwise(checkpoints):
        if checkpoint.number != before.number + 1 or checkpoint.prev != sha256(before.note).digest():
            where = f"before checkpoint {checkpoint.number}"
            yield Finding("checkpoint_missing", where, "It follows another than the one that stands there.")


def _check_note(stored: StoredCheckpoint) -> Iterator[Finding]:
    where = f"checkpoint {stored.number}"
    try:
        checkpoint = open_note(stored.note, _verifier_keys())
    except NoteRefused as refusal:
        yield Finding("checkpoint_forged", where, f"Its note is refused: {refusal}.")
        return
    if _columns_of(checkpoint, stored.number, stored.note) != stored:
        yield Finding("checkpoint_edited", where, "Its columns are not those of its signed note.")


def _columns_of(checkpoint: Checkpoint, number: int, note: bytes) -> StoredCheckpoint | None:
    try:
        at_us, prev = microseconds_of(at(checkpoint)), previous(checkpoint)
    except NoteRefused:
        return None
    return StoredCheckpoint(number, checkpoint.size, checkpoint.root, at_us, prev, note)


def _last_before(checkpoints: list[StoredCheckpoint], since: datetime | None) -> StoredCheckpoint | None:
    if since is None:
        return None
    earlier = [checkpoint for checkpoint in checkpoints if time_of(checkpoint.at_us) < since]
    return earlier[-1] if earlier else None


class _Walk:
    """Along the leaves, from the first or from what a trusted checkpoint signed; roots are compared."""

    def __init__(self, cursor: Cursor, trusted: StoredCheckpoint | None) -> None:
        self._cursor = cursor
        self._frontier = Frontier.restored(trusted.size if trusted else 0, stored_nodes(cursor))
        self._earlier_us = trusted.at_us if trusted else 0
        self._roots = {self._frontier.size: self._frontier.root()}
        self._subtrees = _stored_subtrees(cursor)
        self._start = self._frontier.size
        self._size = _count_leaves(cursor)

    def check_leaves(self, checkpoints: list[StoredCheckpoint], report: Report) -> Iterator[Finding]:
        """Up to each checkpoint in turn, and what lies behind the last."""
        leaves = _Leaves(self._start)
        with closing(leaves), Checker(settings.LEDGER_KEY, self._size - self._start) as checker:
            for checkpoint in checkpoints:
                if checkpoint.size >= self._frontier.size:
                    yield from self._advance(leaves, checkpoint, checker, report)
                    yield from self._check_root(checkpoint)
                    self._earlier_us = checkpoint.at_us
            yield from checker.finish()
            unsigned = leaves.count()
        if unsigned:
            yield Finding("leaf_unsigned", "the end of the tree", f"{unsigned} leaves are in no checkpoint.")

    def _advance(
        self, leaves: "_Leaves", checkpoint: StoredCheckpoint, checker: Checker, report: Report
    ) -> Iterator[Finding]:
        earliest_us = self._earlier_us - LATENESS // timedelta(microseconds=1)
        while block := leaves.take(checkpoint.size - self._frontier.size):
            yield from checker.check(block, Window(self._frontier.size, earliest_us, checkpoint.at_us))
            yield from self._check_subtrees(self._frontier.extend(block.leaves))
            report(self._frontier.size - self._start, self._size - self._start)

    def _check_subtrees(self, complete: list[Subtree]) -> Iterator[Finding]:
        for subtree in complete:
            if self._subtrees.get((subtree.level, subtree.index)) != subtree.hash:
                where = f"node {subtree.index} of level {subtree.level}"
                yield Finding("subtree_edited", where, "It is not what the leaves below it give.")

    def _check_root(self, checkpoint: StoredCheckpoint) -> Iterator[Finding]:
        where, size = f"checkpoint {checkpoint.number}", self._frontier.size
        self._roots[size] = self._frontier.root()
        if size < checkpoint.size:
            yield Finding("leaf_missing", where, f"It signed {checkpoint.size} leaves, and {size} are there.")
        elif self._roots[size] != checkpoint.root:
            yield Finding("root_wrong", where, f"The first {size} leaves have another root.")

    def check_anchor(self, anchor: Anchor) -> Iterator[Finding]:
        """Each note that the anchor keeps, and that it still has as many as are on record."""
        kept = 0
        try:
            for kept, note in enumerate(anchor.notes(), 1):  # noqa: B007 - counted for what follows
                yield from self._check_anchored(anchor.name, note)
        except AnchorAway as away:
            yield Finding("anchor_away", anchor.name, str(away))
        except AnchorConflict as conflict:
            yield Finding("anchor_differs", anchor.name, str(conflict))
        else:
            yield from self._check_kept(anchor.name, kept)

    def _check_kept(self, name: str, kept: int) -> Iterator[Finding]:
        self._cursor.execute("SELECT count(*) FROM audit.anchoring WHERE anchor = %s", [name])
        on_record = self._cursor.fetchone()[0]
        if kept < on_record:
            yield Finding("anchor_emptied", name, f"It keeps {kept} notes, and {on_record} were left there.")

    def _check_anchored(self, name: str, note: bytes) -> Iterator[Finding]:
        try:
            checkpoint = open_note(note, _verifier_keys())
        except NoteRefused as refusal:
            yield Finding("anchor_foreign", name, f"A note there is none of ours: {refusal}.")
            return
        size = checkpoint.size
        if size > self._size:
            yield Finding("tail_truncated", name, f"It remembers {size} events, and {self._size} are left.")
        elif self._root_at(size) != checkpoint.root:
            yield Finding("anchor_differs", name, f"It remembers another root of the first {size} events.")

    def _root_at(self, size: int) -> bytes | None:
        if size not in self._roots:
            try:
                self._roots[size] = root_of(size, stored_nodes(self._cursor))
            except NodesMissing:
                return None
        return self._roots[size]


class _Leaves:
    """The leaves from a position on, with their events, in blocks of which the next is fetched meanwhile.

    Until it is closed nothing else may be asked over the connection.
    """

    def __init__(self, first: int) -> None:
        self._next = first
        self._connection = connections[alias_of("auditor")].connection  # another thread would get its own
        self._reader = ThreadPoolExecutor(1)
        self._left = Block()
        self._ahead: Future[Block] | None = self._reader.submit(self._fetch)

    def take(self, most: int) -> Block:
        """The next leaves, not more than so many; none when there are no more."""
        if not self._left and self._ahead:
            self._left = self._ahead.result()
            self._ahead = self._reader.submit(self._fetch) if self._left else None
        taken, self._left = self._left.split(most)
        return taken

    def count(self) -> int:
        """How many are left."""
        left = 0
        while block := self.take(CHUNK):
            left += len(block)
        return left

    def close(self) -> None:
        """Wait for what is being fetched: the connection is needed again."""
        self._reader.shutdown()

    def _fetch(self) -> Block:
        copied = BytesIO()
        with self._connection.cursor() as cursor:
            cursor.copy_expert(_COPIED.format(first=self._next, most=CHUNK), copied)
        block = Block(copied.getvalue()[_ROWS])
        self._next = block.last + 1 if block else self._next
        return block


def _verifier_keys() -> list[VerifierKey]:
    return [VerifierKey.from_text(text) for text in settings.LEDGER_PUBLIC_KEYS]


def _count_leaves(cursor: Cursor) -> int:
    cursor.execute("SELECT coalesce(max(idx) + 1, 0) FROM audit.leaf")
    size: int = cursor.fetchone()[0]
    return size


def stream(query: str, parameters: Sequence[Any] = ()) -> Iterator[tuple[Any, ...]]:
    """Rows from a cursor of the server, within `verify`, so that memory does not grow with the trail.

    The next rows are fetched while these are looked at: both sides are busy.
    """
    raw = connections[alias_of("auditor")].connection
    with raw.cursor(name="verification") as rows, ThreadPoolExecutor(1) as reader:
        rows.execute(query, parameters)
        ahead = reader.submit(rows.fetchmany, CHUNK)
        while chunk := ahead.result():
            ahead = reader.submit(rows.fetchmany, CHUNK)
            yield from chunk


def _stored_subtrees(cursor: Cursor) -> dict[tuple[int, int], bytes]:
    cursor.execute("SELECT level, idx, hash FROM audit.subtree")
    return {(level, index): bytes(node) for level, index, node in cursor.fetchall()}


def _read_row(row: Sequence[Any]) -> Row:
    """From what the driver gives."""
    position, data, columns = row
    return Row(position, bytes(data), columns)


def _check_unsealed(cursor: Cursor) -> Iterator[Finding]:
    cursor.execute("SELECT floor(extract(epoch FROM clock_timestamp()) * 1000000)::bigint")
    now_us = cursor.fetchone()[0]
    overdue_us = now_us - UNSEALED_AFTER // timedelta(microseconds=1)
    window, mac = Window(0, 0, now_us), EventMac(settings.LEDGER_KEY)
    for row in map(_read_row, stream(_UNSEALED)):
        if finding := check_event(row, window, mac):
            yield finding
        elif row.recorded_us < overdue_us and not row.columns.startswith(f"{CHECKPOINT_ANCHORED}|"):
            yield Finding("event_unsealed", row.where, f"It waits since {time_of(row.recorded_us)}.")


def _check_repeated(cursor: Cursor) -> Iterator[Finding]:
    cursor.execute(_REPEATED)
    for _, first in cursor.fetchall():
        yield Finding("event_repeated", f"event {first}", "Another event has the same body and MAC.")
