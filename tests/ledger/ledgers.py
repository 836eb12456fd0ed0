"""A small ledger, sealed by the product's own code, as receipts and exports have it."""

import base64
import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

from accounts.event_leaf import event_leaf
from accounts.merkle import Frontier, inclusion_proof, node_reader
from accounts.signed_notes import SigningKey, chained, sign
from tests.ledger.hostile_notes import KEY, NEWER_KEY

Entry = dict[str, Any]
START = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Event:
    id: UUID
    recorded_us: int
    mac: bytes
    body: bytes

    @property
    def leaf(self) -> bytes:
        return event_leaf(self.id, self.recorded_us, self.mac, self.body)

    @property
    def fields(self) -> Entry:
        return {
            "id": str(self.id),
            "recorded_us": self.recorded_us,
            "mac": encoded(self.mac),
            "body": encoded(self.body),
        }


@dataclass(frozen=True)
class Ledger:
    """Events, the notes of the trees of some first of them, and which key made each."""

    events: tuple[Event, ...]
    notes: dict[int, bytes]

    def receipt(self, index: int) -> Entry:
        size = max(self.notes)
        event = self.events[index]
        return {
            "format": "breastrisk-receipt/1",
            "event": event.fields,
            "leaf_sha256": event.leaf.hex(),
            "index": index,
            "size": size,
            "proof": self.proof(index),
            "checkpoint": self.notes[size].decode(),
        }

    def complete(self) -> list[Entry]:
        """Every event, the last one not sealed yet."""
        entries: list[Entry] = [header(complete=True)]
        for index, event in enumerate(self.events):
            entries.append({"index": index if index < max(self.notes) else None, **event.fields})
            if note := self.notes.get(index + 1):
                entries.append({"checkpoint": note.decode()})
        return entries

    def partial(self, *indices: int) -> list[Entry]:
        notes = [{"checkpoint": note.decode()} for note in self.notes.values()]
        sealed = [
            {"index": index, **self.events[index].fields, "proof": self.proof(index)} for index in indices
        ]
        return [header(complete=False), *notes, *sealed, {"index": None, **self.events[-1].fields}]

    def proof(self, index: int) -> list[str]:
        leaves = [event.leaf for event in self.events]
        fetch = node_reader(lambda _, first, count: leaves[first : first + count])
        return [encoded(node) for node in inclusion_proof(index, max(self.notes), fetch)]


def header(*, complete: bool) -> Entry:
    return {"format": "breastrisk-ledger-export/1", "origin": KEY.name, "complete": complete}


def made_event(number: int, body: bytes | None = None) -> Event:
    return Event(
        id=UUID(int=0x019B7741_0000_7000_8000_000000000000 + number),
        recorded_us=1_767_225_600_000_000 + number,
        mac=sha256(b"code of event %d" % number).digest(),
        body=body or b'{"action":"example","number":%d}' % number,
    )


def sealed(events: list[Event], sizes: tuple[int, ...], keys: dict[int, SigningKey]) -> Ledger:
    frontier, note, notes = Frontier(), b"", {}
    for size in sizes:
        frontier.extend([event.leaf for event in events[frontier.size : size]])
        at = START + timedelta(seconds=size)
        checkpoint = chained(KEY.name, size, frontier.root(), note, at)
        notes[size] = note = sign(checkpoint, keys.get(size, KEY))
    return Ledger(tuple(events), notes)


SIZES = (3, 4, 7, 11)
LEDGER = sealed([made_event(number) for number in range(12)], SIZES, {11: NEWER_KEY})


def resealed(place: int) -> Ledger:
    """The ledger with one event edited and every checkpoint made anew by somebody who has the keys."""
    events = list(LEDGER.events)
    events[place] = replace(events[place], body=b'{"action":"edited"}')
    return sealed(events, SIZES, {11: NEWER_KEY})


def write(path: Path, *entries: Entry) -> Path:
    path.write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    return path


def encoded(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
