"""The audit trail as a file: CSV for a spreadsheet, JSON Lines for a program."""

import csv
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any

from accounts.event_display import iso_time, who_words
from accounts.models import Event

MOST_EVENTS = 1_000_000
CUT = f"Only the newest {MOST_EVENTS:,} events are in this file. Search for a shorter time to get the others."
# A spreadsheet takes a cell that begins so for a formula (OWASP, CSV injection).
_STARTS_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\0")
_COLUMNS = (
    "id", "recorded_at", "action", "organisation", "who", "person_id", "api_key_id", "release",
    "prediction_id", "case_digest", "body", "mac", "leaf",
)  # fmt: skip


class _Echo:
    """A file for `csv.writer` that gives each line back."""

    def write(self, line: str) -> str:
        return line


@dataclass(frozen=True)
class Format:
    """How lines are made of events, and what the file is called."""

    content_type: str
    extension: str
    write: Callable[[Iterable[Event]], Iterator[str]]


def _write_csv(events: Iterable[Event]) -> Iterator[str]:
    """One header, one line for each event (RFC 4180), times in ISO 8601 UTC."""
    writer = csv.writer(_Echo())
    rows = chain([list(_COLUMNS)], (_cells(event) for event in _up_to_most(events, {"id": CUT})))
    return (writer.writerow(row) for row in rows)


def _write_json_lines(events: Iterable[Event]) -> Iterator[str]:
    """One object a line; `body` is the text whose bytes the MAC and the leaf are of."""
    return (f"{json.dumps(row, ensure_ascii=False)}\n" for row in _up_to_most(events, {"cut": CUT}))


FORMATS = {
    "csv": Format("text/csv; charset=utf-8", "csv", _write_csv),
    "json": Format("application/x-ndjson; charset=utf-8", "jsonl", _write_json_lines),
}


def _up_to_most(events: Iterable[Event], cut: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The rows of the file; the last says so where there would have been more."""
    rest = iter(events)
    yield from map(_row, islice(rest, MOST_EVENTS))
    if next(rest, None):
        yield cut


def _row(event: Event) -> dict[str, Any]:
    row = {
        "id": event.id,
        "recorded_at": iso_time(event),
        "action": event.action,
        "organisation": event.organisation,
        "who": who_words(event),
        "person_id": event.person_id,
        "api_key_id": event.api_key_id,
        "release": event.release,
        "prediction_id": event.prediction_id,
        "case_digest": event.case_digest,
        "body": bytes(event.body).decode(errors="backslashreplace"),
        "mac": bytes(event.mac).hex(),
        "leaf": bytes(event.leaf).hex(),
    }
    return {name: None if value is None else str(value) for name, value in row.items()}


def _cells(row: dict[str, Any]) -> list[str]:
    return [_inert(row.get(name) or "") for name in _COLUMNS]


def _inert(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_STARTS_FORMULA) else cell
