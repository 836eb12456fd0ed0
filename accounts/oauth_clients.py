"""Clients of OAuth 2.0: how one is made, and how it shows that it is itself."""

import hmac
import re
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import jwt
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts import events, ledger
from accounts.keys import LIFETIME
from accounts.models import ApiKey, Organisation, Person
from accounts.oauth_records import OAuthClient, SpentAssertion
from accounts.public_keys import ALGORITHMS, open_key

LONGEST_ASSERTION = 8_000
LONGEST_JTI = 255
LONGEST_LIFE = timedelta(minutes=5)
# Of two clocks that are a little apart.
LEEWAY_SECONDS = 10
_CLAIMS = ["aud", "exp", "iss", "jti", "sub"]


class ClientRefused(Exception):
    """For the caller: no such client, or it did not show that it is; it is never said which."""


@dataclass(frozen=True)
class Proof:
    """What a client showed: its secret, or an assertion that it signed (RFC 7523)."""

    client_id: str
    secret: str = ""
    assertion: str = ""


@transaction.atomic
def issue_client(
    organisation: Organisation,
    name: str,
    scopes: Collection[str],
    *,
    networks: Collection[str] = (),
    jwks: list[dict[str, str]] | None = None,
    lifetime: timedelta = LIFETIME,
    by: Person | None = None,
) -> tuple[OAuthClient, str]:
    """Make a client, and return it with its secret, which cannot be had again; "" where it signs instead."""
    secret = "" if jwks else secrets.token_urlsafe(32)
    key = ApiKey.objects.create(
        organisation=organisation,
        name=name,
        prefix=secrets.token_hex(6),
        secret_sha256=_digest(secret) if secret else "",
        scopes=sorted(scopes),
        networks=list(networks),
        issued_by=by,
        expires_at=timezone.now() + lifetime,
    )
    client = OAuthClient.objects.create(
        key=key,
        client_id=key.prefix,
        name=name,
        user=by,
        jwks=jwks or [],
        client_type=OAuthClient.CLIENT_CONFIDENTIAL,
        authorization_grant_type=OAuthClient.GRANT_CLIENT_CREDENTIALS,
    )
    who: dict[str, Any] = {"door": "form", "person": by.id} if by else {"door": "command"}
    facts = {"issued_key": key.id, "scopes": key.scopes, "networks": key.networks, "signs": bool(jwks)}
    ledger.record(events.CLIENT_ISSUED, organisation=organisation.id, **who, **facts)
    return client, secret


def authenticate(proof: Proof, audience: str) -> OAuthClient:
    """The live client that showed this.

    Raises
    ------
    ClientRefused
    """
    live = OAuthClient.objects.filter(key__revoked_at=None, key__expires_at__gt=timezone.now())
    client: OAuthClient | None = (
        live.select_related("key__organisation").filter(client_id=_name(proof)).first()
    )
    if proof.assertion:
        _check_assertion(client, proof.assertion, audience)
    # An unknown client is compared too, so that the time taken does not tell which there are.
    elif not hmac.compare_digest(_digest(proof.secret), client.key.secret_sha256 if client else "0" * 64):
        raise ClientRefused
    if client is None:
        raise ClientRefused
    return client


def _name(proof: Proof) -> str:
    """A client identifier as we make them; the database takes no other text than plain."""
    return proof.client_id if re.fullmatch(r"[0-9a-f]{12}", proof.client_id) else ""


def named_in(assertion: str) -> str:
    """Whom an assertion is about, which is not yet shown to be true; nothing where it cannot be read."""
    try:
        claims = jwt.decode(assertion[:LONGEST_ASSERTION], options={"verify_signature": False})
    except (jwt.PyJWTError, ValueError, RecursionError):
        return ""
    subject = claims.get("sub")
    return subject if isinstance(subject, str) else ""


def _check_assertion(client: OAuthClient | None, assertion: str, audience: str) -> None:
    """RFC 7523, as SMART Backend Services ask for it. Raises ClientRefused."""
    if client is None or len(assertion) > LONGEST_ASSERTION:
        raise ClientRefused
    try:
        claims = _verified(client, assertion, audience)
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
        raise ClientRefused from None
    ends, jti = claims["exp"], claims["jti"]
    longest = (timezone.now() + LONGEST_LIFE).timestamp() + LEEWAY_SECONDS
    if not isinstance(ends, int | float) or ends > longest:
        raise ClientRefused
    if not isinstance(jti, str) or not 1 <= len(jti) <= LONGEST_JTI:
        raise ClientRefused
    _spend(f"{client.client_id}:{jti}", datetime.fromtimestamp(ends + LEEWAY_SECONDS, UTC))


def _verified(client: OAuthClient, assertion: str, audience: str) -> dict[str, Any]:
    """Its claims. The key says which algorithm it is, never the header."""
    kid = jwt.get_unverified_header(assertion).get("kid")
    jwk = next((jwk for jwk in client.jwks if jwk["kid"] == kid), None)
    if jwk is None:
        raise ClientRefused
    claims: dict[str, Any] = jwt.decode(
        assertion,
        open_key(jwk),
        algorithms=[ALGORITHMS[jwk["kty"]]],
        audience=audience,
        issuer=client.client_id,
        subject=client.client_id,
        leeway=LEEWAY_SECONDS,
        options={"require": _CLAIMS, "strict_aud": True},
    )
    return claims


def _spend(name: str, ends: datetime) -> None:
    """Take an assertion once only, whichever process it comes to. Raises ClientRefused."""
    try:
        with transaction.atomic():
            SpentAssertion.objects.create(digest=sha256(name.encode()).hexdigest(), expires_at=ends)
    except IntegrityError:
        raise ClientRefused from None


def _digest(secret: str) -> str:
    """Of another kind than an API key's, so that neither is ever taken for the other."""
    return sha256(b"client:" + secret.encode("utf-8", "surrogatepass")).hexdigest()
