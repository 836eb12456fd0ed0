"""Sealing of model files: encrypted, signed, and verified before a byte of plaintext leaves.

A part (pickle, ONNX) is AES-256-GCM in chunks, with the nonces of STREAM (Hoang, Reyhanitabar, Rogaway and
Vizár, *Online Authenticated-Encryption and its Nonce-Reuse Misuse-Resistance*, CRYPTO 2015): prefix,
counter and a flag on the last chunk, so chunks can be neither moved nor dropped. The manifest's digest and
the part's name are associated data. Each part has a data key of its own, wrapped (RFC 3394) by the
key-encryption key; the wrapped key is outside the signature so that the key-encryption key can be rotated
without signing or encrypting again.

On reading: size, signature by a pinned key, the name, version and digest that the caller expects from its
database (an older release, validly signed, is refused too), decryption, digest of the plaintext.
"""

import base64
import binascii
import hashlib
import hmac
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal, Self, TypeVar

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ml_models.manifest import SHA256_PATTERN, Manifest, PartName

KEY_SIZE = 32
PREFIX_SIZE = 7
COUNTER_SIZE = 4
TAG_SIZE = 16
CHUNK_SIZE = 64 * 1024
MAXIMUM_MANIFEST_SIZE = 1024 * 1024
MAXIMUM_SEAL_SIZE = 64 * 1024
MAXIMUM_PART_SIZE = 64 * 1024 * 1024
SIGNED_CONTEXT = b"sealed-model-release-1\n"

Model = TypeVar("Model", bound=BaseModel)
Reason = Literal[
    "too_large", "unreadable", "bad_signature", "wrong_release", "wrong_key", "altered", "wrong_content"
]


class SealBroken(Exception):
    """A release must not be used: for whoever operates the product. ``reason`` is a stable code."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason


@dataclass(frozen=True, slots=True)
class ReleaseKeys:
    """Keys of releases, as raw bytes of 32 each.

    Attributes
    ----------
    encryption : bytes
        Key-encryption key (AES-256) that wraps.
    public : tuple of bytes
        Pinned Ed25519 public keys; a release signed by any of them is ours.
    signing : bytes, optional
        Ed25519 private key; only who trains has it.
    former : tuple of bytes
        Key-encryption keys that no longer wrap, but still open, until every release is wrapped anew.
    """

    encryption: bytes = field(repr=False)
    public: tuple[bytes, ...]
    signing: bytes | None = field(default=None, repr=False)
    former: tuple[bytes, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        signing = () if self.signing is None else (self.signing,)
        keys = [self.encryption, *self.former, *self.public, *signing]
        if not self.public or any(len(key) != KEY_SIZE for key in keys):
            raise ValueError("keys must be 32 bytes each, with at least one public key")

    @classmethod
    def from_text(cls, *, encryption: str, public: str, signing: str | None = None) -> Self:
        """Read keys in base64; ``encryption`` (the one that wraps first) and ``public`` may hold several.

        They are separated by commas.

        Raises
        ------
        ValueError
            For anything that is not 32 bytes in base64.
        """
        wrapping, *former = (_decoded(key) for key in encryption.split(","))
        return cls(
            encryption=wrapping,
            public=tuple(_decoded(key) for key in public.split(",")),
            signing=_decoded(signing) if signing else None,
            former=tuple(former),
        )

    @property
    def encryption_text(self) -> str:
        """Key-encryption keys in base64, as the environment holds them."""
        return ",".join(_encoded(key) for key in (self.encryption, *self.former))

    @property
    def encryption_id(self) -> str:
        """What a record may call the key-encryption key by: it tells nothing of the key."""
        return _sha256(self.encryption)[:16]

    @property
    def public_text(self) -> str:
        """Public keys in base64, separated by commas."""
        return ",".join(_encoded(key) for key in self.public)

    @property
    def signing_text(self) -> str | None:
        """Private key in base64, if there is one."""
        return None if self.signing is None else _encoded(self.signing)


def generate_keys() -> ReleaseKeys:
    """Make a new signing pair and a new key-encryption key."""
    private = Ed25519PrivateKey.generate()
    return ReleaseKeys(
        encryption=os.urandom(KEY_SIZE),
        public=(private.public_key().public_bytes_raw(),),
        signing=private.private_bytes_raw(),
    )


class SealedPart(BaseModel):
    """What the seal says of one part."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ciphertext_sha256: str = Field(pattern=SHA256_PATTERN)
    ciphertext_size: int = Field(gt=0)
    wrapped_key: str


class Seal(BaseModel):
    """Signature of a release over its manifest and ciphertexts, with the wrapped keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    manifest_sha256: str = Field(pattern=SHA256_PATTERN)
    pickle: SealedPart
    onnx: SealedPart
    signature: str

    def part(self, name: PartName) -> SealedPart:
        """Return what the seal says of a part."""
        return self.pickle if name == "pickle" else self.onnx

    def signed_bytes(self) -> bytes:
        """Return the message that the signature is over."""
        lines = [
            f"manifest {self.manifest_sha256}",
            f"pickle {self.pickle.ciphertext_sha256}",
            f"onnx {self.onnx.ciphertext_sha256}",
        ]
        return SIGNED_CONTEXT + "\n".join(lines).encode()


@dataclass(frozen=True, slots=True)
class SealedRelease:
    """A release as it is stored: public manifest and seal, encrypted parts."""

    manifest: Manifest
    seal: Seal
    pickle: bytes = field(repr=False)
    onnx: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Expected:
    """Which release the caller means, from its database."""

    name: str
    version: str
    sha256: str


def seal(manifest: Manifest, pickle: bytes, onnx: bytes, keys: ReleaseKeys) -> SealedRelease:
    """Encrypt and sign a release.

    Raises
    ------
    ValueError
        Without a signing key, or when a part is not the one in the manifest.
    """
    if keys.signing is None:
        raise ValueError("a signing key is needed to seal")
    for part, content in ((manifest.parts.pickle, pickle), (manifest.parts.onnx, onnx)):
        if _sha256(content) != part.sha256:
            raise ValueError("a part is not the one in the manifest")
    sealed_pickle, pickle_entry = _encrypted(pickle, manifest, "pickle", keys)
    sealed_onnx, onnx_entry = _encrypted(onnx, manifest, "onnx", keys)
    unsigned = Seal(manifest_sha256=manifest.sha256, pickle=pickle_entry, onnx=onnx_entry, signature="")
    signature = Ed25519PrivateKey.from_private_bytes(keys.signing).sign(unsigned.signed_bytes())
    signed = unsigned.model_copy(update={"signature": _encoded(signature)})
    return SealedRelease(manifest, signed, sealed_pickle, sealed_onnx)


def verify(manifest: bytes, seal_text: bytes, keys: ReleaseKeys) -> tuple[Manifest, Seal]:
    """Return manifest and seal once a pinned key is found to have signed them.

    Raises
    ------
    SealBroken
        ``too_large``, ``unreadable`` or ``bad_signature``.
    """
    if len(manifest) > MAXIMUM_MANIFEST_SIZE or len(seal_text) > MAXIMUM_SEAL_SIZE:
        raise SealBroken("too_large", "manifest or seal")
    read = _read(Seal, seal_text)
    _require_signature(read, keys)
    if not hmac.compare_digest(read.manifest_sha256, _sha256(manifest)):
        raise SealBroken("bad_signature", "the manifest is not the one that was signed")
    return _read(Manifest, manifest), read


def open_part(
    name: PartName,
    ciphertext: bytes,
    manifest: bytes,
    seal_text: bytes,
    expected: Expected,
    keys: ReleaseKeys,
) -> tuple[bytes, Manifest]:
    """Return the plaintext of a part and the manifest, everything verified.

    Raises
    ------
    SealBroken
        See ``reason``: nothing was decrypted before size, signature and expectation were checked, and no
        byte is handed back unless all of it is right.
    """
    if len(ciphertext) > MAXIMUM_PART_SIZE:
        raise SealBroken("too_large", name)
    content, sealed = verify(manifest, seal_text, keys)
    entry = sealed.part(name)
    if not hmac.compare_digest(entry.ciphertext_sha256, _sha256(ciphertext)):
        raise SealBroken("altered", f"{name} is not the file that was signed")
    _require_expected(content, expected)
    plaintext = _decrypted(ciphertext, entry, _associated(sealed.manifest_sha256, name), keys)
    if not hmac.compare_digest(_part_sha256(content, name), _sha256(plaintext)):
        raise SealBroken("wrong_content", f"{name} is not the content in the manifest")
    return plaintext, content


def rewrapped(sealed: Seal, keys: ReleaseKeys) -> Seal:
    """Return the seal with its data keys wrapped by the first key-encryption key.

    Wrapping holds nothing random: the seal comes back as it was if that key wrapped it already.

    Raises
    ------
    SealBroken
        ``wrong_key`` when neither that key nor a former one wrapped them.
    """
    entries = {name: _rewrapped_part(sealed.part(name), keys) for name in ("pickle", "onnx")}
    return sealed.model_copy(update=entries)


def _rewrapped_part(entry: SealedPart, keys: ReleaseKeys) -> SealedPart:
    wrapped = aes_key_wrap(keys.encryption, _unwrapped(entry, keys))
    return entry.model_copy(update={"wrapped_key": _encoded(wrapped)})


def _require_signature(sealed: Seal, keys: ReleaseKeys) -> None:
    signature = _decoded_or_broken(sealed.signature)
    if not any(_is_signed_by(public, signature, sealed.signed_bytes()) for public in keys.public):
        raise SealBroken("bad_signature", "no pinned key signed this release")


def _is_signed_by(public: bytes, signature: bytes, message: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except InvalidSignature:
        return False
    return True


def _require_expected(manifest: Manifest, expected: Expected) -> None:
    found = Expected(manifest.name, manifest.version, manifest.sha256)
    if found != expected:
        raise SealBroken("wrong_release", f"found {found.name} {found.version} {found.sha256}")


def _encrypted(
    content: bytes, manifest: Manifest, name: PartName, keys: ReleaseKeys
) -> tuple[bytes, SealedPart]:
    key, prefix = os.urandom(KEY_SIZE), os.urandom(PREFIX_SIZE)
    cipher, associated = AESGCM(key), _associated(manifest.sha256, name)
    chunks = (
        cipher.encrypt(nonce, chunk, associated) for nonce, chunk in _stream(content, CHUNK_SIZE, prefix)
    )
    ciphertext = prefix + b"".join(chunks)
    entry = SealedPart(
        ciphertext_sha256=_sha256(ciphertext),
        ciphertext_size=len(ciphertext),
        wrapped_key=_encoded(aes_key_wrap(keys.encryption, key)),
    )
    return ciphertext, entry


def _decrypted(ciphertext: bytes, entry: SealedPart, associated: bytes, keys: ReleaseKeys) -> bytes:
    cipher = AESGCM(_unwrapped(entry, keys))
    prefix, body = ciphertext[:PREFIX_SIZE], ciphertext[PREFIX_SIZE:]
    try:
        return b"".join(
            cipher.decrypt(nonce, chunk, associated)
            for nonce, chunk in _stream(body, CHUNK_SIZE + TAG_SIZE, prefix)
        )
    except (InvalidTag, ValueError):
        # ValueError: what was cut is too short to hold a nonce or a tag.
        raise SealBroken("altered", "a chunk does not authenticate") from None


def _stream(content: bytes, size: int, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Cut into chunks, each with its nonce: prefix, counter, and 1 on the last."""
    # Even nothing is a last chunk, so that a stream emptied on the way does not authenticate.
    starts = range(0, max(len(content), 1), size)
    for counter, start in enumerate(starts):
        last = counter == len(starts) - 1
        nonce = prefix + counter.to_bytes(COUNTER_SIZE, "big") + (b"\x01" if last else b"\x00")
        yield nonce, content[start : start + size]


def _unwrapped(entry: SealedPart, keys: ReleaseKeys) -> bytes:
    wrapped = _decoded_or_broken(entry.wrapped_key)
    for key in (keys.encryption, *keys.former):
        with suppress(InvalidUnwrap):
            return _require_key_size(aes_key_unwrap(key, wrapped))
    raise SealBroken("wrong_key", "no key-encryption key opens the data key")


def _require_key_size(key: bytes) -> bytes:
    if len(key) != KEY_SIZE:
        raise SealBroken("wrong_key", "the data key has a wrong length")
    return key


def _associated(manifest_sha256: str, name: PartName) -> bytes:
    return f"{manifest_sha256} {name}".encode()


def _part_sha256(manifest: Manifest, name: PartName) -> str:
    return (manifest.parts.pickle if name == "pickle" else manifest.parts.onnx).sha256


def _read(kind: type[Model], text: bytes) -> Model:
    try:
        return kind.model_validate_json(text)
    except ValidationError:
        raise SealBroken("unreadable", f"not a {kind.__name__.lower()}") from None


def _decoded_or_broken(text: str) -> bytes:
    try:
        return _decoded(text)
    except ValueError:
        raise SealBroken("unreadable", "not base64") from None


def _encoded(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text.strip(), validate=True)
    except binascii.Error as error:
        raise ValueError("not base64") from error


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
