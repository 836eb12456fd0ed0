"""API keys: `PREFIX.SECRET`, shown once, kept as a digest."""

import hmac
import secrets
from collections.abc import Collection
from datetime import timedelta
from hashlib import sha256
from threading import Lock
from typing import Any

from cachetools import TTLCache, cached
from django.db import transaction
from django.utils import timezone

from accounts import events, ledger
from accounts.actors import Actor, facts_of_person
from accounts.counters import last_uses
from accounts.models import ApiKey, Organisation, Person

SCOPES = ("predict", "read", "profile")
LIFETIME = timedelta(days=365)
OVERLAP, LONGEST_OVERLAP = timedelta(days=7), timedelta(days=30)
REMEMBERED_SECONDS = 1.0


class KeyRefused(Exception):
    """For the caller: the key is malformed, unknown, wrong, revoked or expired; it is never said which."""


class UnknownScope(Exception):
    """For the operator: a scope that no part of the API asks for."""


def issue_key(
    organisation: Organisation,
    name: str,
    scopes: Collection[str],
    *,
    lifetime: timedelta = LIFETIME,
    networks: Collection[str] = (),
    by: Person | None = None,
) -> tuple[ApiKey, str]:
    """Make a key for an organisation and return it with its full text, which cannot be had again.

    Raises
    ------
    UnknownScope
        When a scope is not one of `SCOPES`.
    """
    if unknown := set(scopes) - set(SCOPES):
        raise UnknownScope(f"Unknown scope: {', '.join(sorted(unknown))}. Known: {', '.join(SCOPES)}.")
    key = ApiKey(organisation=organisation, name=name, scopes=sorted(scopes), networks=list(networks))
    return key, _put_in_use(key, lifetime, by)


@transaction.atomic
def rotate_key(old: ApiKey, by: Person, *, lifetime: timedelta, overlap: timedelta) -> tuple[ApiKey, str]:
    """Make a key with the rights of an old one, which ends after the overlap; the new one with its full text.

    Raises
    ------
    KeyRefused
        When the old one is revoked or expired: it has no rights to pass on.
    """
    live = ApiKey.objects.select_for_update(of=["self"]).filter(id=old.id, revoked_at=None)
    key = live.filter(expires_at__gt=timezone.now()).first()
    if key is None:
        raise KeyRefused
    ends = min(key.expires_at, timezone.now() + overlap)
    ApiKey.objects.filter(id=key.id).update(expires_at=ends)
    new = ApiKey(
        organisation=key.organisation, name=key.name, scopes=key.scopes, networks=key.networks, replaces=key
    )
    text = _put_in_use(new, lifetime, by)
    facts: dict[str, Any] = {"rotated_key": key.id, "issued_key": new.id, "ends": ends.isoformat()}
    ledger.record(events.KEY_ROTATED, organisation=key.organisation_id, **_facts_of(by), **facts)
    return new, text


@transaction.atomic
def _put_in_use(key: ApiKey, lifetime: timedelta, by: Person | None) -> str:
    """Give a key its prefix, its secret and its end, and keep it; its full text."""
    secret = secrets.token_urlsafe(32)
    key.prefix, key.secret_sha256 = secrets.token_hex(6), _digest(secret)
    key.issued_by, key.expires_at = by, timezone.now() + lifetime
    key.save()
    facts: dict[str, Any] = {"issued_key": key.id, "scopes": key.scopes, "networks": key.networks}
    ledger.record(events.KEY_ISSUED, organisation=key.organisation_id, **_facts_of(by), **facts)
    return f"{key.prefix}.{secret}"


def _facts_of(by: Person | None) -> dict[str, Any]:
    return {"door": "form", "person": by.id} if by else {}


@cached(TTLCache(maxsize=1_024, ttl=REMEMBERED_SECONDS), lock=Lock())
def find_key(text: str) -> ApiKey:
    """The live key that this text opens. It is remembered for a second, so a revocation bites within one.

    Raises
    ------
    KeyRefused
        When there is none.
    """
    secret = text.partition(".")[2]
    key = ApiKey.objects.select_related("organisation").filter(prefix=prefix_of(text)).first()
    # An unknown prefix is compared too, so that the time taken does not tell which prefixes exist.
    matches = hmac.compare_digest(_digest(secret), key.secret_sha256 if key else "0" * 64)
    if key is None or not matches or key.revoked_at or key.expires_at <= timezone.now():
        raise KeyRefused
    note_first_use(key)
    return key


def prefix_of(text: str) -> str:
    """The public part of a key, of whatever was sent as one."""
    return text.partition(".")[0][:12]


@transaction.atomic
def revoke_key(key: ApiKey, by: Person) -> None:
    """Let a key open nothing any more, within a second, and record who did it; once only."""
    if ApiKey.objects.filter(id=key.id, revoked_at=None).update(revoked_at=timezone.now()):
        facts = {**facts_of_person(by), "organisation": key.organisation_id}
        ledger.record(events.KEY_REVOKED, revoked_key=key.id, **facts)


def note_last_uses() -> int:
    """Keep when keys were used last, which requests only leave in Valkey; of how many keys."""
    uses = last_uses()
    for key_id, when in uses.items():
        ApiKey.objects.filter(id=key_id).update(last_used_at=when)
    return len(uses)


def note_first_use(key: ApiKey) -> None:
    """Record that a key was used, or a token of its client, if it never was before."""
    if key.first_used_at is None:
        _record_first_use(key)


@transaction.atomic
def _record_first_use(key: ApiKey) -> None:
    if ApiKey.objects.filter(id=key.id, first_used_at=None).update(first_used_at=timezone.now()):
        ledger.record(events.KEY_FIRST_USED, Actor(key.organisation, "api", api_key=key))


def _digest(secret: str) -> str:
    return sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
