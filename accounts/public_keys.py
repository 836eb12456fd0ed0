"""Public keys (JWK, RFC 7517) that somebody pasted: what they are, and which algorithm each signs with."""

import json
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import SECP384R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from jwt import PyJWK
from jwt.exceptions import PyJWTError

MOST_KEYS = 5
PUBLIC_MEMBERS = ("kty", "kid", "n", "e", "crv", "x", "y")
RSA_BITS = (2_048, 8_192)
# As SMART Backend Services ask: each kind of key signs in one way, which no header of a token chooses.
ALGORITHMS = {"RSA": "RS384", "EC": "ES384"}


def parse_keys(text: str) -> list[dict[str, str]]:
    """The public keys of a JWK set, of a list of keys or of one key, without any other member.

    Raises
    ------
    ValidationError
        With every key that cannot be taken, and how to mend it.
    """
    found = _listed(text)
    if not 1 <= len(found) <= MOST_KEYS:
        raise ValidationError(gettext("Send from 1 to {most} public keys.").format(most=MOST_KEYS))
    errors = [
        gettext("Key {number}: {why}").format(number=number, why=why)
        for number, jwk in enumerate(found, 1)
        if (why := _fault(jwk))
    ]
    if errors:
        raise ValidationError(errors)
    if len({jwk["kid"] for jwk in found}) < len(found):
        raise ValidationError(gettext("Two keys have the same kid. Give each its own."))
    return [{name: jwk[name] for name in PUBLIC_MEMBERS if name in jwk} for jwk in found]


def _listed(text: str) -> list[Any]:
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError):
        message = gettext("This is no JSON. Paste the public keys as a JWK set: {example}")
        raise ValidationError(message.format(example='{"keys": [...]}')) from None
    if isinstance(parsed, dict):
        parsed = parsed.get("keys", [parsed])
    return parsed if isinstance(parsed, list) else []


def _fault(jwk: Any) -> str:
    """What is wrong with a key, in a sentence; nothing if it can be taken."""
    if not isinstance(jwk, dict):
        return gettext("It is no JSON object.")
    if {"d", "p", "q", "k"} & jwk.keys():
        return gettext(
            "It holds a secret part, which nobody else may ever see. Make a new pair, and send its public "
            "half."
        )
    kid = jwk.get("kid")
    if not isinstance(kid, str) or not 1 <= len(kid) <= 100 or not kid.isprintable():  # noqa: PLR2004
        return gettext("It needs a kid: a name of at most 100 characters.")
    return "" if _is_strong(jwk) else gettext("Use RSA with 2048 to 8192 bits, or EC with the curve P-384.")


def _is_strong(jwk: dict[str, Any]) -> bool:
    if not all(isinstance(jwk[name], str) for name in PUBLIC_MEMBERS if name in jwk):
        return False
    try:
        key = open_key(jwk)
    except (PyJWTError, ValueError, TypeError, KeyError):
        return False
    if isinstance(key, RSAPublicKey):
        return RSA_BITS[0] <= key.key_size <= RSA_BITS[1] and key.public_numbers().e.bit_length() <= 32  # noqa: PLR2004
    return isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP384R1)


def open_key(jwk: dict[str, Any]) -> Any:
    """The key itself. Raises PyJWTError where it is none."""
    return PyJWK({**jwk, "alg": ALGORITHMS.get(jwk.get("kty", ""), "")}).key
