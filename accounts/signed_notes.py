"""Checkpoints of the ledger as signed notes: C2SP signed-note and tlog-checkpoint, with Ed25519 keys.

A checkpoint of ours has two extension lines: ``prev``, the digest of the note before, and ``at``, its time.
"""

import base64
import re
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

ED25519 = b"\x01"
KEY_SIZE = 32
KEY_ID_SIZE = 4
HASH_SIZE = 32
# Room for the 16 post-quantum signatures that signed-note asks every reader to bear.
MAXIMUM_NOTE_SIZE = 128 * 1024
MAXIMUM_TREE_SIZE = 2**63 - 1

PRIVATE = "PRIVATE+KEY+"
DASH = "\N{EM DASH} "
MANDATORY_LINES = 3
KEY_TEXT = re.compile(r"(?P<name>[^+]+)\+[0-9a-f]{8}\+(?P<key>.+)")
CANONICAL_SIZE = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)
CANONICAL_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", re.ASCII)


class NoteRefused(Exception):
    """For whoever relies on a note: it is not one of ours, or not as it was signed, for the reason given."""


@dataclass(frozen=True)
class VerifierKey:
    """A public key, and the name of who signs with it.

    Raises
    ------
    ValueError
        For a name that is empty or has a space or a plus in it, and for a wrong length.
    """

    name: str
    public: bytes

    def __post_init__(self) -> None:
        if not _is_name(self.name) or len(self.public) != KEY_SIZE:
            raise ValueError("a key has a name without spaces or plus, and 32 bytes")

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Read ``name+id+base64``.

        Raises
        ------
        ValueError
            For anything else, or when the id is not that of the key.
        """
        key = cls(*_split_key(text))
        if key.text != text:
            raise ValueError("the id is not that of the key")
        return key

    @property
    def id(self) -> bytes:
        """Four bytes that tell this key from others of the same name (signed-note, Ed25519)."""
        return sha256(self.name.encode() + b"\n" + ED25519 + self.public).digest()[:KEY_ID_SIZE]

    @property
    def text(self) -> str:
        """The key as it is handed out: ``name+id+base64``."""
        return f"{self.name}+{self.id.hex()}+{_encoded(ED25519 + self.public)}"

    def has_signed(self, text: bytes, signature: bytes) -> bool:
        """Tell whether the signature of the text is this key's."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, text)
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True)
class SigningKey:
    """A private key (the 32 bytes of RFC 8032), and the name of who signs with it."""

    name: str
    private: bytes = field(repr=False)

    @classmethod
    def generate(cls, name: str) -> Self:
        """Make a new key."""
        return cls(name, Ed25519PrivateKey.generate().private_bytes_raw())

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Read ``PRIVATE+KEY+name+id+base64``, as Go's ``note.GenerateKey`` writes it too.

        Raises
        ------
        ValueError
            For anything else, or when the id is not that of the key.
        """
        if not text.startswith(PRIVATE):
            raise ValueError("not a private key")
        key = cls(*_split_key(text.removeprefix(PRIVATE)))
        if key.text != text:
            raise ValueError("the id is not that of the key")
        return key

    @property
    def text(self) -> str:
        """The key as it is kept: ``PRIVATE+KEY+name+id+base64``."""
        return f"{PRIVATE}{self.name}+{self.verifier.id.hex()}+{_encoded(ED25519 + self.private)}"

    @property
    def verifier(self) -> VerifierKey:
        """The public half."""
        return VerifierKey(self.name, self._key.public_key().public_bytes_raw())

    def signature_line(self, text: bytes) -> bytes:
        """The line that, below a text and an empty line, makes a note of it."""
        signature = _encoded(self.verifier.id + self._key.sign(text))
        return f"{DASH}{self.name} {signature}\n".encode()

    @property
    def _key(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self.private)


@dataclass(frozen=True)
class Checkpoint:
    """What a log says of its tree at one size (tlog-checkpoint).

    Attributes
    ----------
    origin : str
        Name of the log.
    size : int
        Number of leaves.
    root : bytes
        Root of the tree, 32 bytes.
    extensions : tuple of str
        Further lines.
    """

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    @property
    def text(self) -> bytes:
        """The bytes that are signed."""
        lines = [self.origin, str(self.size), _encoded(self.root), *self.extensions]
        return "".join(f"{line}\n" for line in lines).encode()


def chained(origin: str, size: int, root: bytes, previous_note: bytes, at: datetime) -> Checkpoint:
    """A checkpoint of ours; ``previous_note`` is empty for the first, ``at`` knows its time zone."""
    time = at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds")
    return Checkpoint(origin, size, root, (f"prev {_encoded(sha256(previous_note).digest())}", f"at {time}Z"))


def previous(checkpoint: Checkpoint) -> bytes:
    """The SHA-256 of the note before this one, or of nothing.

    Raises
    ------
    NoteRefused
        When the checkpoint is not one of ours.
    """
    digest = _decoded(_chain_of(checkpoint)[0])
    _require(len(digest) == HASH_SIZE, "the previous note is not named by 32 bytes")
    return digest


def at(checkpoint: Checkpoint) -> datetime:
    """When the checkpoint was made, in UTC.

    Raises
    ------
    NoteRefused
        When the checkpoint is not one of ours.
    """
    text = _chain_of(checkpoint)[1]
    _require(CANONICAL_TIME.fullmatch(text), "the time is not UTC with microseconds")
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
    except ValueError:
        raise NoteRefused("there is no such time") from None


def sign(checkpoint: Checkpoint, key: SigningKey) -> bytes:
    """The signed note of a checkpoint.

    Raises
    ------
    ValueError
        When `open_note` would refuse it: the key is not the origin's, or the checkpoint cannot be written.
    """
    note = checkpoint.text + b"\n" + key.signature_line(checkpoint.text)
    try:
        opened = open_note(note, [key.verifier])
    except NoteRefused as refusal:
        raise ValueError(f"not to be signed: {refusal}") from None
    if opened != checkpoint:
        raise ValueError("not to be signed: it would be read as another checkpoint")
    return note


def open_note(note: bytes, keys: Collection[VerifierKey]) -> Checkpoint:
    """The checkpoint in a note that at least one of these keys, named as its origin, has signed.

    Signatures by other keys are passed over, as signed-note asks; those of known ones must all be right.

    Raises
    ------
    NoteRefused
        For anything else.
    """
    text, signers = open_text(note, keys)
    checkpoint = _read_checkpoint(text.decode())
    _require(checkpoint.origin in {key.name for key in signers}, "the key is not the origin's")
    return checkpoint


def open_text(note: bytes, keys: Collection[VerifierKey]) -> tuple[bytes, list[VerifierKey]]:
    """The text of any signed note and which of the keys have signed it: one at least.

    Raises
    ------
    NoteRefused
        When none has, when a signature by one of them is wrong, or when this is no note.
    """
    text, lines = _split_note(note)
    signers: list[VerifierKey] = []
    for line in lines:
        name, signature = _read_signature(line)
        for key in keys:
            if (key.name, key.id) == (name, signature[:KEY_ID_SIZE]):
                _require(key.has_signed(text, signature[KEY_ID_SIZE:]), f"the signature of {name} is wrong")
                signers.append(key)
    _require(signers, "no known key has signed it")
    return text, signers


def _split_note(note: bytes) -> tuple[bytes, list[str]]:
    _require(len(note) <= MAXIMUM_NOTE_SIZE, "longer than any note")
    _require(note.endswith(b"\n"), "cut off")
    _require(all(byte >= ord(" ") or byte == ord("\n") for byte in note), "a control character")
    text, empty_line, signatures = note.rpartition(b"\n\n")
    _require(empty_line, "no empty line above the signatures")
    try:
        text.decode()
        lines = signatures.decode().removesuffix("\n").split("\n")
    except UnicodeDecodeError:
        raise NoteRefused("not UTF-8") from None
    return text + b"\n", lines


def _read_signature(line: str) -> tuple[str, bytes]:
    dash, (name, _, text) = line[: len(DASH)], line[len(DASH) :].partition(" ")
    _require(dash == DASH and _is_name(name), "a signature line is malformed")
    signature = _decoded(text)
    _require(len(signature) > KEY_ID_SIZE, "a signature is too short")
    return name, signature


def _read_checkpoint(text: str) -> Checkpoint:
    origin, size, root, *extensions = _checkpoint_lines(text)
    _require(CANONICAL_SIZE.fullmatch(size) and int(size) <= MAXIMUM_TREE_SIZE, "the size is malformed")
    checkpoint = Checkpoint(origin, int(size), _decoded(root), tuple(extensions))
    _require(len(checkpoint.root) == HASH_SIZE, "the root is not 32 bytes")
    return checkpoint


def _checkpoint_lines(text: str) -> list[str]:
    lines = text.removesuffix("\n").split("\n")
    _require(len(lines) >= MANDATORY_LINES and all(lines), "a checkpoint has three lines or more, none empty")
    return lines


def _chain_of(checkpoint: Checkpoint) -> tuple[str, str]:
    match [line.split(" ", 1) for line in checkpoint.extensions]:
        case [["prev", digest], ["at", time]]:
            return digest, time
    raise NoteRefused("the extension lines are not prev and at")


def _split_key(text: str) -> tuple[str, bytes]:
    parts = KEY_TEXT.fullmatch(text)
    if not parts:
        raise ValueError("a key is written name+id+base64")
    try:
        key = _decoded(parts["key"])
    except NoteRefused as refusal:
        raise ValueError(str(refusal)) from None
    if not key.startswith(ED25519):
        raise ValueError("not an Ed25519 key")
    return parts["name"], key.removeprefix(ED25519)


def _is_name(name: str) -> bool:
    return bool(name) and not any(one.isspace() or one == "+" for one in name)


def _encoded(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _decoded(text: str) -> bytes:
    """Decode base64 in its one canonical spelling; Python's own reader lets several pass."""
    try:
        raw = base64.b64decode(text, validate=True)
    except ValueError:
        raw = b""
    _require(raw and _encoded(raw) == text, "not base64")
    return raw


def _require(holds: object, reason: str) -> None:
    if not holds:
        raise NoteRefused(reason)
