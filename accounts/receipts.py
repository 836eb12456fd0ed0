"""What a third party needs to check that an event stands in the trail: docs/ledger-format.md says how."""

from base64 import b64encode
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection

from accounts.event_words import MADE, REPORT_MADE
from accounts.merkle import Fetch, consistency_proof, inclusion_proof
from accounts.models import Event
from accounts.tree_store import (
    Cursor,
    StoredCheckpoint,
    checkpoint_of_size,
    first_checkpoint_over,
    latest_checkpoint,
    stored_nodes,
)

FORMAT = "breastrisk-receipt/1"
Bytes = bytes | memoryview


class NotSealed(Exception):
    """For the reader: the event is on record and not in the tree yet, which takes some seconds."""


class UnknownCheckpoint(Exception):
    """For the reader: there is no checkpoint of such a size."""


@dataclass(frozen=True)
class Place:
    """Where an event is in the tree, and which checkpoint covered it first."""

    index: int
    checkpoint: StoredCheckpoint


def find_place(event_id: UUID) -> Place | None:
    """Where the event is in the tree; None while it is not sealed."""
    with connection.cursor() as cursor:
        found = _find_leaf(cursor, event_id)
        return Place(found[0], first_checkpoint_over(cursor, found[0])) if found else None


def make_receipt(event: Event) -> dict[str, Any]:
    """The event with its proof against the latest checkpoint, as one JSON object.

    Raises
    ------
    NotSealed
        When it is not in the tree yet.
    """
    with connection.cursor() as cursor:
        checkpoint = latest_checkpoint(cursor)
        found = _find_leaf(cursor, event.id)
        if checkpoint is None or found is None:
            raise NotSealed
        return _receipt(cursor, event, found, checkpoint)


def first_receipt(event: Event) -> dict[str, Any] | None:
    """The receipt against the first checkpoint over the event, which never changes; None before that."""
    with connection.cursor() as cursor:
        found = _find_leaf(cursor, event.id)
        if found is None:
            return None
        return _receipt(cursor, event, found, first_checkpoint_over(cursor, found[0]))


def reports_of(made: Event) -> list[Event]:
    """The events of the reports that were made of the prediction which this event made, oldest first."""
    if made.action != MADE:
        return []
    reports = Event.objects.filter(prediction_id=made.prediction_id, action=REPORT_MADE)
    return list(reports.order_by("id"))


def latest_root() -> dict[str, Any]:
    """The latest checkpoint as a signed note, with the keys that sign.

    Raises
    ------
    NotSealed
        When nothing was sealed yet.
    """
    with connection.cursor() as cursor:
        checkpoint = latest_checkpoint(cursor)
    if checkpoint is None:
        raise NotSealed
    return {
        "size": checkpoint.size,
        "checkpoint": checkpoint.note.decode(),
        "keys": settings.LEDGER_PUBLIC_KEYS,
    }


def prove_growth(first: int, second: int) -> dict[str, Any]:
    """That the tree of one checkpoint is the beginning of another's, with both notes.

    Raises
    ------
    UnknownCheckpoint
        When either size is no checkpoint's, or they are the wrong way round.
    """
    with connection.cursor() as cursor:
        earlier, later = _checkpoint(cursor, first), _checkpoint(cursor, second)
        if first > second:
            raise UnknownCheckpoint(first)
        proof = consistency_proof(first, second, stored_nodes(cursor))
    return {
        "first": earlier.note.decode(),
        "second": later.note.decode(),
        "proof": [_encoded(node) for node in proof],
    }


def event_facts(event_id: UUID, recorded_us: int, mac: Bytes, body: Bytes) -> dict[str, Any]:
    """An event in receipts and exports."""
    return {"id": str(event_id), "recorded_us": recorded_us, "mac": _encoded(mac), "body": _encoded(body)}


def encoded_proof(index: int, size: int, fetch: Fetch) -> list[str]:
    """The inclusion proof of a leaf in a tree of so many."""
    return [_encoded(node) for node in inclusion_proof(index, size, fetch)]


def _receipt(
    cursor: Cursor, event: Event, found: tuple[int, memoryview], checkpoint: StoredCheckpoint
) -> dict[str, Any]:
    index, leaf = found
    return {
        "format": FORMAT,
        "event": event_facts(event.id, event.recorded_us, event.mac, event.body),
        "leaf_sha256": bytes(leaf).hex(),
        "index": index,
        "size": checkpoint.size,
        "proof": encoded_proof(index, checkpoint.size, stored_nodes(cursor)),
        "checkpoint": checkpoint.note.decode(),
    }


def _find_leaf(cursor: Cursor, event_id: UUID) -> tuple[int, memoryview] | None:
    """The index and the leaf of an event as they were sealed; None while it is not."""
    cursor.execute("SELECT idx, leaf FROM audit.leaf WHERE event_id = %s", [event_id])
    found: tuple[int, memoryview] | None = cursor.fetchone()
    return found


def _checkpoint(cursor: Cursor, size: int) -> StoredCheckpoint:
    checkpoint = checkpoint_of_size(cursor, size)
    if checkpoint is None:
        raise UnknownCheckpoint(size)
    return checkpoint


def _encoded(raw: Bytes) -> str:
    return b64encode(raw).decode()
