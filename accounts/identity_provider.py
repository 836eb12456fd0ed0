"""An organisation's OpenID Connect provider: where people are sent, and what it says of whoever comes back.

The code flow of OpenID Connect Core 1.0 with PKCE (RFC 7636) and a nonce. allauth's own takes an ID token
without its signature and sends no nonce.
"""

import hashlib
import json
import logging
import time
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from threading import Lock
from typing import Any
from urllib.parse import quote, urlencode

import jwt
import requests
import urllib3
from cachetools import TTLCache, cached

ALGORITHMS = ("RS256", "PS256", "ES256")
ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")
REQUIRED = ("iss", "sub", "aud", "exp", "iat", "nonce")
LONGEST_SUBJECT = 191
CLOCKS_DIFFER_SECONDS = 30
SECONDS, LARGEST = 5.0, 500_000
REMEMBERED_SECONDS = 300

logger = logging.getLogger(__name__)


class ProviderUnavailable(Exception):
    """For the person: the provider does not answer, or not as the standard says. The log says how."""


class Reason(StrEnum):
    """Why somebody whom the provider sent back does not come in."""

    STRAY = "stray"
    PROVIDER = "provider"
    TOKEN = "token"  # noqa: S105 - the name of a reason
    UNVERIFIED = "unverified"
    UNKNOWN = "unknown"
    NOT_ITS_OWN = "not_its_own"
    OTHER_IDENTITY = "other_identity"
    OTHER_PERSON = "other_person"
    NOT_ASKED = "not_asked"


@dataclass
class IdentityRefused(Exception):
    """For the person: what came back does not say who they are, or that is nobody who may come in."""

    reason: Reason
    email: str = ""


@dataclass(frozen=True)
class Provider:
    """Whom the operator trusts to say who somebody is."""

    issuer: str
    client_id: str
    secret: str
    # What it puts into `acr` when there was a second factor.
    second_factor_acr: tuple[str, ...] = ()


@dataclass(frozen=True)
class Identity:
    """What a provider says of somebody; `subject` is theirs for good, the address may change."""

    subject: str
    email: str
    email_verified: bool
    has_second_factor: bool
    authenticated_at: int | None


def address_to_ask(
    provider: Provider, callback: str, state: str, nonce: str, verifier: str, *, again: bool
) -> str:
    """Where to send a browser. `again`: the provider has to ask even whoever is signed in there.

    Raises
    ------
    ProviderUnavailable
    """
    endpoint = _configuration(provider.issuer)["authorization_endpoint"]
    asked = {
        "response_type": "code",
        "scope": "openid email",
        "client_id": provider.client_id,
        "redirect_uri": callback,
        "state": state,
        "nonce": nonce,
        "code_challenge": _challenge(verifier),
        "code_challenge_method": "S256",
    }
    if provider.second_factor_acr:
        asked["acr_values"] = " ".join(provider.second_factor_acr)
    if again:
        asked |= {"prompt": "login", "max_age": "0"}
    return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(asked)}"


def fetch_identity(provider: Provider, callback: str, code: str, nonce: str, verifier: str) -> Identity:
    """Trade the code that a browser brought for what the provider signed of its person.

    Raises
    ------
    ProviderUnavailable
    IdentityRefused
        When the code is none, or was used, or the ID token is not signed by the provider for us and now.
    """
    configuration = _configuration(provider.issuer)
    sent = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": callback,
        "code_verifier": verifier,
    }
    status, answer = _ask("POST", configuration["token_endpoint"], **_signed(provider, configuration, sent))
    if status == HTTPStatus.BAD_REQUEST:
        raise IdentityRefused(Reason.TOKEN)
    tokens = _required(status, answer, configuration["token_endpoint"])
    claims = _claims(provider, tokens.get("id_token"), _fetch(configuration["jwks_uri"]), nonce)
    return _identity(provider, claims | _profile(configuration, tokens, claims))


def _challenge(verifier: str) -> str:
    return urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def _signed(provider: Provider, configuration: Mapping[str, Any], sent: dict[str, str]) -> dict[str, Any]:
    """What is posted, with our secret where the provider wants it; RFC 6749 (2.3.1) quotes it in a header."""
    methods = configuration.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
    if "client_secret_basic" in methods:
        return {"data": sent, "auth": (quote(provider.client_id, safe=""), quote(provider.secret, safe=""))}
    return {"data": sent | {"client_id": provider.client_id, "client_secret": provider.secret}}


def _claims(provider: Provider, token: Any, keys: dict[str, Any], nonce: str) -> dict[str, Any]:
    """What an ID token says (OpenID Connect Core, 3.1.3.7), once everything about it was checked."""
    try:
        claims = jwt.decode(
            token,
            _key_of(token, keys),
            ALGORITHMS,
            audience=provider.client_id,
            issuer=provider.issuer,
            leeway=CLOCKS_DIFFER_SECONDS,
            options={"require": list(REQUIRED)},
        )
    except (jwt.PyJWTError, LookupError, RecursionError, TypeError, ValueError) as error:
        logger.error("An ID token was refused: %s", type(error).__name__)  # noqa: TRY400 - it may hold an address
        raise IdentityRefused(Reason.TOKEN) from None
    # A token that is for others as well is one that they could bring.
    if claims["nonce"] != nonce or claims["aud"] not in (provider.client_id, [provider.client_id]):
        raise IdentityRefused(Reason.TOKEN)
    return claims


def _profile(
    configuration: Mapping[str, Any], tokens: Mapping[str, Any], claims: Mapping[str, Any]
) -> dict[str, Any]:
    """The address, where an ID token leaves it out (OpenID Connect Core, 5.3 and 5.4)."""
    endpoint = configuration.get("userinfo_endpoint")
    if "email" in claims or not endpoint:
        return {}
    told = _fetch(endpoint, headers={"Authorization": f"Bearer {tokens.get('access_token')}"})
    if told.get("sub") != claims["sub"]:
        raise IdentityRefused(Reason.TOKEN)
    return {name: told.get(name) for name in ("email", "email_verified")}


def _key_of(token: str, keys: dict[str, Any]) -> jwt.PyJWK:
    """The provider's key that the token names. Raises LookupError, or what PyJWT does."""
    name = jwt.get_unverified_header(token).get("kid")
    fitting = (key for key in jwt.PyJWKSet.from_dict(keys).keys if name in (None, key.key_id))
    found = next(fitting, None)
    if found is None:
        raise LookupError
    return found


def _identity(provider: Provider, claims: dict[str, Any]) -> Identity:
    subject, email, methods = claims["sub"], claims.get("email"), claims.get("amr")
    if not (isinstance(subject, str) and 0 < len(subject) <= LONGEST_SUBJECT and subject.isprintable()):
        raise IdentityRefused(Reason.TOKEN)
    at = claims.get("auth_time")
    return Identity(
        subject,
        email if isinstance(email, str) and email.isprintable() else "",
        claims.get("email_verified") is True,
        (isinstance(methods, list) and "mfa" in methods) or claims.get("acr") in provider.second_factor_acr,
        int(at) if isinstance(at, int | float) else None,
    )


@cached(TTLCache(maxsize=8, ttl=REMEMBERED_SECONDS), lock=Lock())
def _configuration(issuer: str) -> dict[str, Any]:
    """What the provider tells of itself (OpenID Connect Discovery 1.0); remembered for minutes."""
    found = _fetch(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
    endpoints = [*(found.get(name) for name in ENDPOINTS), found.get("userinfo_endpoint", issuer)]
    secure = "https://" if issuer.startswith("https://") else "http"
    if found.get("issuer") != issuer or not all(str(each).startswith(secure) for each in endpoints):
        raise _unavailable(issuer, "its configuration is another's, or not whole")
    return found


def _fetch(address: str, **sent: Any) -> dict[str, Any]:
    return _required(*_ask("GET", address, **sent), address)


def _required(status: int, answer: Any, address: str) -> dict[str, Any]:
    if status != HTTPStatus.OK or not isinstance(answer, dict):
        raise _unavailable(address, f"it answers {status}")
    return answer


def _ask(method: str, address: str, **sent: Any) -> tuple[int, Any]:
    """The status and the JSON of an answer, of a limited size and within a limited time.

    Only the operator's issuer and what it names are asked, and no redirect leads elsewhere.
    """
    try:
        with requests.request(
            method, address, timeout=SECONDS, stream=True, allow_redirects=False, **sent
        ) as answer:
            return answer.status_code, json.loads(_body(answer, address))
    except (OSError, urllib3.exceptions.HTTPError, ValueError, RecursionError) as error:
        raise _unavailable(address, type(error).__name__) from None


def _body(answer: requests.Response, address: str) -> bytes:
    body, until = b"", time.monotonic() + SECONDS
    while part := answer.raw.read1(65_536, decode_content=True):
        body += part
        if len(body) > LARGEST or time.monotonic() > until:
            raise _unavailable(address, "its answer is too long, or takes too long")
    return body


def _unavailable(address: str, why: str) -> ProviderUnavailable:
    logger.error("The identity provider cannot be used: %s: %s", address, why)
    return ProviderUnavailable()
