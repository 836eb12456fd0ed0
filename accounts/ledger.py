"""The audit trail: append-only rows in Postgres, written in the transaction of the fact they record.

A body is canonical JSON with a nonce, and has an HMAC-SHA256 under a key that the database never sees:
whoever has only SQL can neither make an event nor repeat one unseen. The database stamps the identifier, the
time (its own clock) and the columns that are searched, all taken from the body, so that they cannot disagree
with it. Bodies carry no expression value and no case reference: a case is named by a keyed digest, which
survives in rows that can never be erased without telling whose it is.
"""

import hmac
import json
import logging
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import sha256
from typing import Any
from uuid import UUID

import msgspec
from django.conf import settings
from django.db import connection

from accounts.actors import Actor, Steward
from accounts.event_leaf import EventMac
from accounts.moments import first_id_at, time_of
from accounts.request_ids import current_request_id

ALARM_AGAIN = timedelta(hours=1)
_IS_KNOWN = "SELECT EXISTS (SELECT FROM audit.event WHERE action = %s AND id >= %s)"
_APPEND = "INSERT INTO audit.event (body, mac) VALUES (%s, %s) RETURNING id, recorded_us, leaf"
# Appends what `sign` made, out of the table in which it stands.
APPEND_FROM = (
    "INSERT INTO audit.event (body, mac) SELECT body, mac FROM {} RETURNING id, recorded_us, prediction_id"
)

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Entry:
    """What the database stamped on a recorded event."""

    id: UUID
    recorded_at: datetime
    leaf: bytes


def record(action: str, actor: Actor | Steward | None = None, **facts: Any) -> Entry:
    """Append one event and return what the database stamped on it.

    Call it inside the transaction of the fact it records: both stand, or neither.
    """
    nonce = secrets.token_hex(8)
    shared = {"format": 2, "action": action, "nonce": nonce, **_of_request(), **_who(actor)}
    body = canonical_json({**shared, **facts})
    with connection.cursor() as cursor:
        cursor.execute(_APPEND, [body, mac_of(body)])
        event_id, recorded_us, leaf = cursor.fetchone()
    return Entry(event_id, time_of(recorded_us), bytes(leaf))


def shared_facts(action: str, actor: Actor, **facts: Any) -> dict[str, Any]:
    """What the bodies of many events of one kind and actor have in common."""
    return {"format": 2, "action": action, **_who(actor), **facts}


def sign(facts: dict[str, Any]) -> tuple[bytes, bytes]:
    """The body of one of many events, and its MAC, for whoever appends them in one statement.

    `facts` hold text, whole numbers and UUIDs only, which a faster encoder spells as `canonical_json` does.
    """
    body = _SORTED.encode({**facts, "nonce": secrets.token_hex(8)})
    return body, mac_of(body)


def raise_alarm(action: str, **facts: Any) -> None:
    """Log what the operator has to see to, and record it unless the same happened within the last hour."""
    logger.error("%s: %s", action, facts)
    with connection.cursor() as cursor:
        cursor.execute(_IS_KNOWN, [action, first_id_at(datetime.now(UTC) - ALARM_AGAIN)])
        (is_known,) = cursor.fetchone()
    if not is_known:
        record(action, **facts)


def mac_of(body: bytes) -> bytes:
    """The HMAC-SHA256 (RFC 2104) that says that this product wrote a body."""
    return _event_mac(settings.LEDGER_KEY).of(body)


def case_digest(organisation_id: UUID, reference: str) -> str:
    """The keyed digest (HMAC-SHA256) that stands for a case reference of one organisation."""
    return _keyed_digest(organisation_id.bytes + reference.strip().encode())


def address_digest(address: str) -> str:
    """The keyed digest that stands for an e-mail address that is nobody's."""
    return _keyed_digest(b"address:" + address.encode())


def keyed_digest(purpose: str, message: bytes) -> str:
    """A keyed digest for something else: whoever has only the database can neither make nor guess it."""
    return _keyed_digest(purpose.encode() + b":" + message)


def case_facts(organisation_id: UUID, reference: str) -> dict[str, str]:
    """What an event says of its case: the digest, or nothing where no case was named."""
    return {"case_digest": case_digest(organisation_id, reference)} if reference else {}


def canonical_json(facts: dict[str, Any]) -> bytes:
    """One spelling for one set of facts: sorted keys, no blanks, UTF-8, no NaN."""
    text = json.dumps(
        facts, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False, default=str
    )
    return text.encode()


_event_mac = cache(EventMac)
_SORTED = msgspec.json.Encoder(order="sorted")


def _keyed_digest(message: bytes) -> str:
    return hmac.new(settings.LEDGER_KEY.encode(), message, sha256).hexdigest()


def _of_request() -> dict[str, str]:
    request_id = current_request_id()
    return {"request_id": request_id} if request_id else {}


def _who(actor: Actor | Steward | None) -> dict[str, Any]:
    if actor is None:
        return {"door": "system"}
    if isinstance(actor, Steward):
        return {"door": actor.door, "person": actor.person.id}
    who: dict[str, Any] = {"door": actor.door, "organisation": actor.organisation.id}
    if actor.person:
        who["person"] = actor.person.id
    if actor.api_key:
        who["api_key"] = actor.api_key.id
    if actor.on_behalf_of:
        who["on_behalf_of"] = actor.on_behalf_of
    return who
