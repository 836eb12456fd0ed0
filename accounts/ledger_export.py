"""The trail as a file that a third party verifies without this software: docs/ledger-format.md."""

import json
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.db import connections, transaction

from accounts.database_roles import alias_of
from accounts.receipts import event_facts
from accounts.signed_notes import VerifierKey
from accounts.tree_store import StoredCheckpoint, all_checkpoints

FORMAT = "breastrisk-ledger-export/1"
CHUNK = 5_000
_SEALED = (
    "SELECT idx, id, recorded_us, mac, body FROM audit.leaf l JOIN audit.event e ON e.id = l.event_id "
    "WHERE idx < %s ORDER BY idx"
)


def export_lines() -> Iterator[str]:
    """Every sealed event and every checkpoint, as JSON Lines, in constant memory.

    What waits to be sealed is left to the next export.
    """
    alias = alias_of("auditor")
    with transaction.atomic(using=alias), connections[alias].cursor() as cursor:
        checkpoints = all_checkpoints(cursor)
        yield _line({"format": FORMAT, "origin": _origin(), "complete": True})
        with connections[alias].connection.cursor(name="export") as rows:
            rows.itersize = CHUNK
            rows.execute(_SEALED, [checkpoints[-1].size if checkpoints else 0])
            yield from _in_turn(rows, checkpoints)


def _in_turn(rows: Any, checkpoints: list[StoredCheckpoint]) -> Iterator[str]:
    """Each checkpoint right behind the last event that it covers."""
    ahead = iter(checkpoints)
    checkpoint = next(ahead, None)
    for index, *event in rows:
        yield _line({"index": index, **event_facts(*event)})
        while checkpoint and checkpoint.size == index + 1:
            yield _line({"checkpoint": checkpoint.note.decode()})
            checkpoint = next(ahead, None)


def _origin() -> str:
    return VerifierKey.from_text(settings.LEDGER_PUBLIC_KEYS[0]).name


def _line(facts: dict[str, Any]) -> str:
    return json.dumps(facts, separators=(",", ":")) + "\n"
