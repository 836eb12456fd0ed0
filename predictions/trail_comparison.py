"""Predictions against the audit trail: each stands in it as it is, and none of the trail's is missing."""

import hashlib
import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from accounts.event_checks import Finding
from accounts.moments import microseconds_of
from accounts.tree_store import Cursor
from accounts.verification import stream
from predictions import events

_PREDICTIONS = """
SELECT p.id, p.event_id, p.sealed, p.created_at, e.recorded_us, e.body,
       p.organisation_id::text, p.person_id::text, p.api_key_id::text, p.door, p.input_sha256,
       r.name || ' ' || r.version
FROM predictions_prediction p
JOIN predictions_release r ON r.id = p.release_id
LEFT JOIN audit.event e ON e.id = p.event_id
"""
_LOST = """
SELECT e.prediction_id FROM audit.event e
LEFT JOIN predictions_prediction p ON p.id = e.prediction_id AND p.event_id = e.id
WHERE e.action = %s AND p.id IS NULL
"""
_NAMES = ("organisation", "person", "api_key", "door", "input_sha256", "release")


def compare_predictions(cursor: Cursor) -> Iterator[Finding]:
    """What is wrong between the two, in constant memory."""
    for prediction_id, event_id, sealed, created_at, recorded_us, body, *columns in stream(_PREDICTIONS):
        where = f"prediction {prediction_id}"
        if body is None:
            yield Finding("prediction_without_event", where, f"Its event {event_id} is gone.")
            continue
        row = dict(zip(_NAMES, columns, strict=True)) | {
            "action": events.PREDICTION_MADE,
            "prediction": str(prediction_id),
            "sealed_sha256": hashlib.sha256(sealed).hexdigest(),
            "created_at": microseconds_of(created_at),
        }
        if differing := _differing({**json.loads(bytes(body)), "created_at": recorded_us}, row):
            yield Finding("prediction_differs", where, f"Its event says another {', '.join(differing)}.")
    yield from _lost(cursor)


def _differing(facts: dict[str, Any], row: dict[str, Any]) -> list[str]:
    """Events from before contents were sealed do not say what is sealed."""
    return [
        name
        for name, value in row.items()
        if facts.get(name) != value and not (name == "sealed_sha256" and name not in facts)
    ]


def _lost(cursor: Cursor) -> Iterator[Finding]:
    cursor.execute(_LOST, [events.PREDICTION_MADE])
    for (prediction_id,) in cursor.fetchall():
        where = f"prediction {UUID(str(prediction_id))}"
        yield Finding("event_without_prediction", where, "It is on record that it was made, and it is gone.")
