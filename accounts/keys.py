"""API keys: `PREFIX.SECRET`, shown once, kept as a digest."""

import hmac
import secrets
from collections.abc import Collection
from datetime import timedelta
from hashlib import sha256
from threading import Lock

from cachetools import TTLCache, cached
from django.db import transaction
from django.utils import timezone

from accounts import events, ledger
from accounts.actors import Actor, facts_of_person
from accounts.models import ApiKey, Organisation, Person

SCOPES = ("predict", "read", "profile")
LIFETIME = timedelta(days=365)
REMEMBERED_SECONDS = 1.0


class KeyRefused(Exception):
    """For the caller: the key is malformed, unknown, wrong, revoked or expired; it is never said which."""


class UnknownScope(Exception):
    """For the operator: a scope that no part of the API asks for."""


def issue_key(organisation: Organisation, name: str, scopes: Collection[str]) -> tuple[ApiKey, str]:
    """Make a key for an organisation and return it with its full text, which cannot be had again.

    Raises
    ------
    UnknownScope
        When a scope is not one of `SCOPES`.
    """
    if unknown := set(scopes) - set(SCOPES):
        raise UnknownScope(f"Unknown scope: {', '.join(sorted(unknown))}. Known: {', '.join(SCOPES)}.")
    prefix, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
    with transaction.atomic():
        key = ApiKey.objects.create(
            organisation=organisation,
            name=name,
            prefix=prefix,
            secret_sha256=_digest(secret),
            scopes=sorted(scopes),
            expires_at=timezone.now() + LIFETIME,
        )
        ledger.record(events.KEY_ISSUED, organisation=organisation.id, issued_key=key.id, scopes=key.scopes)
    return key, f"{prefix}.{secret}"


@cached(TTLCache(maxsize=1_024, ttl=REMEMBERED_SECONDS), lock=Lock())
def find_key(text: str) -> ApiKey:
    """The live key that this text opens. It is remembered for a second, so a revocation bites within one.

    Raises
    ------
    KeyRefused
        When there is none.
    """
    prefix, _, secret = text.partition(".")
    key = ApiKey.objects.select_related("organisation").filter(prefix=prefix[:12]).first()
    # An unknown prefix is compared too, so that the time taken does not tell which prefixes exist.
    matches = hmac.compare_digest(_digest(secret), key.secret_sha256 if key else "0" * 64)
    if key is None or not matches or key.revoked_at or key.expires_at <= timezone.now():
        raise KeyRefused
    if key.first_used_at is None:
        _note_first_use(key)
    return key


@transaction.atomic
def revoke_key(key: ApiKey, by: Person) -> None:
    """Let a key open nothing any more, within a second, and record who did it; once only."""
    if ApiKey.objects.filter(id=key.id, revoked_at=None).update(revoked_at=timezone.now()):
        facts = {**facts_of_person(by), "organisation": key.organisation_id}
        ledger.record(events.KEY_REVOKED, revoked_key=key.id, **facts)


@transaction.atomic
def _note_first_use(key: ApiKey) -> None:
    if ApiKey.objects.filter(id=key.id, first_used_at=None).update(first_used_at=timezone.now()):
        ledger.record(events.KEY_FIRST_USED, Actor(key.organisation, "api", api_key=key))


def _digest(secret: str) -> str:
    return sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
