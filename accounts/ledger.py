"""The audit trail: append-only rows in Postgres, written in the transaction of the fact they record.

A body is canonical JSON. The database stamps the identifier, the time (its own clock) and the columns that
are searched, all taken from the body, so that they cannot disagree with it. Bodies carry no expression
value and no case reference: a case is named by a keyed digest, which survives in rows that can never be
erased without telling whose it is.
"""

import hmac
import json
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection

from accounts.actors import Actor, Steward


@dataclass(frozen=True)
class Entry:
    """What the database stamped on a recorded event."""

    id: UUID
    recorded_at: datetime


def record(action: str, actor: Actor | Steward | None = None, **facts: Any) -> Entry:
    """Append one event and return what the database stamped on it.

    Call it inside the transaction of the fact it records: both stand, or neither.
    """
    body = canonical_json({"format": 1, "action": action, **_who(actor), **facts})
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO audit.event (body) VALUES (%s) RETURNING id, recorded_at", [body])
        return Entry(*cursor.fetchone())


def case_digest(organisation_id: UUID, reference: str) -> str:
    """The keyed digest (HMAC-SHA256) that stands for a case reference of one organisation."""
    message = organisation_id.bytes + reference.strip().encode()
    return hmac.new(settings.LEDGER_KEY.encode(), message, sha256).hexdigest()


def case_facts(organisation_id: UUID, reference: str) -> dict[str, str]:
    """What an event says of its case: the digest, or nothing where no case was named."""
    return {"case_digest": case_digest(organisation_id, reference)} if reference else {}


def canonical_json(facts: dict[str, Any]) -> bytes:
    """One spelling for one set of facts: sorted keys, no blanks, UTF-8, no NaN."""
    text = json.dumps(
        facts, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False, default=str
    )
    return text.encode()


def _who(actor: Actor | Steward | None) -> dict[str, Any]:
    if actor is None:
        return {"door": "system"}
    if isinstance(actor, Steward):
        return {"door": actor.door, "person": actor.person.id}
    who = {"door": actor.door, "organisation": actor.organisation.id}
    if actor.person:
        who["person"] = actor.person.id
    if actor.api_key:
        who["api_key"] = actor.api_key.id
    return who
