"""A key for each case, so that deleting one row makes everything that is kept of the case unreadable.

A case is what one organisation calls by one reference; who names none has made a case of its own. Its key is
32 random bytes, kept wrapped under a key-encryption key that the database does not have. Both wrapping and
sealing are AES-256-GCM (NIST SP 800-38D) with a random nonce in front, and bound by associated data to the
row they stand in, so that nothing can be put into the place of something else.
"""

import os
import zlib
from base64 import b64decode, b64encode
from typing import Any
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.db import connection
from uuid_utils.compat import uuid7

from accounts.models import CaseKey

KEY_SIZE = 32
NONCE_SIZE = 12
# Compressing makes a ciphertext half as long, which disk and backups keep for good. Digits seldom repeat: not
# to look for it takes half of the time, and makes it 7 % longer.
QUICK = 1
LOCKED = """
WITH known AS (
    SELECT id, wrapped, kek_id FROM audit.case_key
    WHERE organisation_id = %(organisation)s AND case_digest = %(digest)s FOR KEY SHARE
), made AS (
    INSERT INTO audit.case_key (id, organisation_id, case_digest, wrapped, kek_id)
    SELECT %(id)s, %(organisation)s, %(digest)s, %(wrapped)s, %(kek_id)s WHERE NOT EXISTS (SELECT FROM known)
    ON CONFLICT DO NOTHING RETURNING id, wrapped, kek_id
)
SELECT id, wrapped, kek_id FROM known UNION ALL SELECT id, wrapped, kek_id FROM made
"""


class CaseUnreadable(Exception):
    """For the operator: what is kept of a case was altered, or CASE_KEYS lacks what wrapped its key."""


def lock_key(organisation_id: UUID, digest: str | None) -> CaseKey:
    """The key of a case, made if it is new; without a digest always a new one.

    Until the transaction ends nobody deletes it. One statement, but for the loser of a race for the same new
    case, whose insert waited for the winner's and who asks once more.
    """
    while True:
        if found := _select_or_insert(organisation_id, digest):
            return found


def data_key(key: CaseKey) -> bytes:
    """The 32 bytes that seal what is kept of a case.

    Raises
    ------
    CaseUnreadable
    """
    if key.kek_id not in settings.CASE_KEYS:
        raise CaseUnreadable(f"CASE_KEYS has no key {key.kek_id}.")
    return decrypt(settings.CASE_KEYS[key.kek_id], bytes(key.wrapped), place_of(key.id, key.organisation_id))


def wrap(data_key: bytes, key_id: UUID, organisation_id: UUID) -> dict[str, Any]:
    """What the row of a key holds of it, as of now: the wrapped bytes, and by which key they are wrapped."""
    kek_id = current_kek_id()
    return {
        "wrapped": encrypt(settings.CASE_KEYS[kek_id], data_key, place_of(key_id, organisation_id)),
        "kek_id": kek_id,
    }


def current_kek_id() -> str:
    """The identifier of the key that wraps."""
    return next(iter(settings.CASE_KEYS))


def seal(data_key: bytes, content: bytes, bound_to: bytes) -> bytes:
    """Nonce and ciphertext of compressed content, bound to the row that it is for."""
    stream = zlib.compressobj(QUICK, strategy=zlib.Z_HUFFMAN_ONLY)
    return encrypt(data_key, stream.compress(content) + stream.flush(), bound_to)


def unseal(data_key: bytes, sealed: bytes, bound_to: bytes) -> bytes:
    """What was sealed.

    Raises
    ------
    CaseUnreadable
        When a bit of it is another, it stands in another row, or the key is another.
    """
    return zlib.decompress(decrypt(data_key, sealed, bound_to))


def encrypt_text(text: str, bound_to: bytes) -> str:
    """A short text under the key that wraps now, with its identifier in front: KEY.BASE64."""
    kek_id = current_kek_id()
    sealed = encrypt(settings.CASE_KEYS[kek_id], text.encode(), bound_to)
    return f"{kek_id}.{b64encode(sealed).decode()}"


def decrypt_text(encrypted: str, bound_to: bytes) -> str:
    """What `encrypt_text` made of it.

    Raises
    ------
    CaseUnreadable
    """
    kek_id, _, sealed = encrypted.rpartition(".")
    if kek_id not in settings.CASE_KEYS:
        raise CaseUnreadable(f"CASE_KEYS has no key {kek_id}.")
    return decrypt(settings.CASE_KEYS[kek_id], b64decode(sealed), bound_to).decode()


def _select_or_insert(organisation_id: UUID, digest: str | None) -> CaseKey | None:
    key_id = uuid7()
    made = wrap(os.urandom(KEY_SIZE), key_id, organisation_id)
    with connection.cursor() as cursor:
        values = {"id": key_id, "organisation": organisation_id, "digest": digest, **made}
        cursor.execute(LOCKED, values)
        row = cursor.fetchone()
    if row is None:
        return None
    found_id, wrapped, kek_id = row
    return CaseKey(
        id=found_id, organisation_id=organisation_id, case_digest=digest, wrapped=wrapped, kek_id=kek_id
    )


def place_of(key_id: UUID, organisation_id: UUID) -> bytes:
    """What a wrapped key is bound to: the row that it stands in."""
    return b"case-key:" + key_id.bytes + organisation_id.bytes


def encrypt(key: bytes, content: bytes, bound_to: bytes) -> bytes:
    """Nonce and ciphertext of content as it is, bound to where it stands."""
    nonce = os.urandom(NONCE_SIZE)
    return nonce + AESGCM(key).encrypt(nonce, content, bound_to)


def decrypt(key: bytes, sealed: bytes, bound_to: bytes) -> bytes:
    """What was encrypted.

    Raises
    ------
    CaseUnreadable
        When a bit of it is another, it stands elsewhere, or the key is another.
    """
    try:
        return AESGCM(key).decrypt(sealed[:NONCE_SIZE], sealed[NONCE_SIZE:], bound_to)
    except (InvalidTag, ValueError):  # the latter: it is shorter than a nonce
        raise CaseUnreadable("What is kept sealed was altered, or is not of this key.") from None
