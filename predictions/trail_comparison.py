"""What is kept beside the audit trail, compared with it: each row is what its event says, none is missing."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from accounts.event_checks import Finding
from accounts.moments import microseconds_of
from accounts.tree_store import Cursor
from accounts.verification import stream
from predictions import events
from predictions.profile_records import PlatformProfile


@dataclass(frozen=True)
class _Kept:
    """Rows that each have an event of one action; `columns` are the facts that both state, in SQL."""

    name: str
    action: str
    table: str
    columns: dict[str, str]
    sealed: str = "NULL::bytea"
    made_at: str = "NULL::timestamptz"
    join: str = ""


_KEPT = (
    _Kept(
        "prediction",
        events.PREDICTION_MADE,
        "predictions_prediction",
        {
            "prediction": "kept.id::text",
            "organisation": "kept.organisation_id::text",
            "person": "kept.person_id::text",
            "api_key": "kept.api_key_id::text",
            "door": "kept.door",
            "input_sha256": "kept.input_sha256",
            "release": "r.name || ' ' || r.version",
        },
        sealed="kept.sealed",
        made_at="kept.created_at",
        join="JOIN predictions_release r ON r.id = kept.release_id",
    ),
    _Kept(
        "review",
        events.PREDICTION_REVIEWED,
        "predictions_review",
        {
            "review": "kept.id::text",
            "prediction": "kept.prediction_id::text",
            "person": "kept.person_id::text",
            "verdict": "kept.verdict",
        },
        sealed="kept.sealed",
    ),
    _Kept(
        "report",
        events.REPORT_MADE,
        "predictions_madereport",
        {
            "prediction": "kept.prediction_id::text",
            "template": "kept.template",
            "language": "kept.language",
            "sha256": "kept.sha256",
        },
        made_at="kept.made_at",
    ),
    _Kept(
        "cohort",
        events.COHORT_STARTED,
        "predictions_cohort",
        {
            "cohort": "kept.id::text",
            "organisation": "kept.organisation_id::text",
            "person": "kept.person_id::text",
            "api_key": "kept.api_key_id::text",
            "door": "kept.door",
            "input_sha256": "kept.input_sha256",
            "release": "r.name || ' ' || r.version",
        },
        made_at="kept.created_at",
        join="JOIN predictions_release r ON r.id = kept.release_id",
    ),
    _Kept(
        "profile",
        events.PROFILE_LEARNED,
        "predictions_platformprofile",
        {
            "profile": "kept.id::text",
            "organisation": "kept.organisation_id::text",
            "platform": "kept.platform",
            "version": "kept.version",
            "unit": "kept.unit",
            "samples": "kept.samples",
            "profile_sha256": "kept.sha256",
        },
    ),
)


def compare_kept(cursor: Cursor) -> Iterator[Finding]:
    """What is wrong between the trail and what was made with an event, in constant memory."""
    for kept in _KEPT:
        yield from _compare(kept)
        yield from _lost(kept, cursor)
    yield from _check_genes()


def _check_genes() -> Iterator[Finding]:
    """The event of a profile has only the digest of its genes: whether they still have it."""
    query = "SELECT id, platform, version, unit, genes, sha256 FROM predictions_platformprofile"
    for row_id, platform, version, unit, genes, sha256 in stream(query):
        mapped_by = PlatformProfile(platform=platform, version=version, unit=unit, genes=json.loads(genes))
        if mapped_by.digest != sha256:
            detail = "Location and scale of its genes are not those that were learned."
            yield Finding("profile_differs", f"profile {row_id}", detail)


def _compare(kept: _Kept) -> Iterator[Finding]:
    query = (
        f"SELECT kept.id, kept.event_id, {kept.sealed}, {kept.made_at}, e.recorded_us, e.body, "  # noqa: S608
        f"{', '.join(kept.columns.values())} FROM {kept.table} kept {kept.join} "
        "LEFT JOIN audit.event e ON e.id = kept.event_id"
    )
    for row_id, event_id, sealed, made_at, recorded_us, body, *columns in stream(query):
        where = f"{kept.name} {row_id}"
        if body is None:
            yield Finding(f"{kept.name}_without_event", where, f"Its event {event_id} is gone.")
            continue
        row: dict[str, Any] = dict(zip(kept.columns, columns, strict=True)) | {"action": kept.action}
        row["sealed_sha256"] = None if sealed is None else hashlib.sha256(sealed).hexdigest()
        row["made_at"] = None if made_at is None else microseconds_of(made_at)
        facts = {**json.loads(bytes(body)), "made_at": recorded_us if made_at else None}
        if differing := list(_differing(facts, row)):
            yield Finding(f"{kept.name}_differs", where, f"Its event says another {', '.join(differing)}.")


def _differing(facts: dict[str, Any], row: dict[str, Any]) -> Iterator[str]:
    for name, value in row.items():
        is_older = name == "sealed_sha256" and facts["action"] == events.PREDICTION_MADE and name not in facts
        if facts.get(name) != value and not is_older:  # predictions were not always sealed
            yield name


def _lost(kept: _Kept, cursor: Cursor) -> Iterator[Finding]:
    cursor.execute(
        f"SELECT e.id::text FROM audit.event e LEFT JOIN {kept.table} kept ON kept.event_id = e.id "  # noqa: S608
        "WHERE e.action = %s AND kept.id IS NULL",
        [kept.action],
    )
    for (event_id,) in cursor.fetchall():
        detail = f"It says that a {kept.name} was made, and that is gone."
        yield Finding(f"event_without_{kept.name}", f"event {event_id}", detail)
