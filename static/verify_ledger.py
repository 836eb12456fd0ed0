#!/usr/bin/env python3
"""Check a receipt or an export of the ledger, without trusting whoever runs it.

    python verify_ledger.py receipt FILE --key KEY [--key KEY ...]
    python verify_ledger.py export FILE --key KEY [--key KEY ...] [--anchored NOTES]

KEY is the public key of the ledger (name+id+base64), had from somewhere else than the file; after a
rotation, give the former ones too. NOTES is a file or a folder of signed notes that somebody kept outside
the database: only with them can it be seen that the end of the ledger was cut off.

Prints a line for each finding, then a summary. Exit status: 0 nothing found, 1 findings, 2 the input cannot
be used. Needs Python 3.9 or later and nothing else, and shares no code with the product: both follow
docs/ledger-format.md.
"""

from __future__ import annotations

import argparse
import base64
import json
import re
import sys
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta, timezone
from hashlib import sha256, sha512
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, NoReturn

RECEIPT_FORMAT = "breastrisk-receipt/1"
EXPORT_FORMAT = "breastrisk-ledger-export/1"
MAXIMUM_LINE = 16 * 1024 * 1024
MAXIMUM_NOTE = 128 * 1024
MAXIMUM_NUMBER = 2**63 - 1
LAST_TIME_US = 253_402_300_799_999_999  # the end of the year 9999
MANDATORY_LINES = 3
HASH_SIZE = 32
KEY_ID_SIZE = 4
PUBLIC_SIZE = 32
SIGNATURE_SIZE = 64
ED25519 = b"\x01"
EVENT_FIELDS = {"id", "recorded_us", "mac", "body"}
RECEIPT_FIELDS = {"format", "event", "leaf_sha256", "index", "size", "proof", "checkpoint"}
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


class Refused(Exception):
    """Something is not as it was sealed: a finding."""


class Unusable(Exception):
    """The input cannot be read at all, so nothing can be said of it."""


class Findings:
    """Prints each finding when it is made: an export may be larger than memory."""

    def __init__(self) -> None:
        self.count = 0

    def add(self, where: str, what: object) -> None:
        self.count += 1
        say(f"FINDING {where}: {what}")

    def conclude(self, summary: str) -> None:
        say(f"{summary} {self.count or 'No'} finding{'' if self.count == 1 else 's'}.")


def say(text: str) -> None:
    # What the input says must not be able to move the cursor of the terminal that shows it.
    print("".join(one if " " <= one <= "~" else ascii(one)[1:-1] for one in text))


def require(holds: object, reason: str) -> None:
    if not holds:
        raise Refused(reason)


def matched(pattern: str, text: str, reason: str) -> re.Match[str]:
    match = re.fullmatch(pattern, text, re.ASCII)
    if not match:
        raise Refused(reason)
    return match


# The tree: RFC 6962, 2.1, and RFC 9162, 2.1.3.2


def node_hash(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


class Tree:
    """The roots of the perfect subtrees of what was appended, the largest first, each with its height."""

    def __init__(self) -> None:
        self.peaks: list[tuple[int, bytes]] = []

    def append(self, leaf: bytes) -> None:
        height = 0
        while self.peaks and self.peaks[-1][0] == height:
            leaf = node_hash(self.peaks.pop()[1], leaf)
            height += 1
        self.peaks.append((height, leaf))

    def root(self) -> bytes:
        if not self.peaks:
            return sha256().digest()
        root = self.peaks[-1][1]
        for _, peak in self.peaks[-2::-1]:
            root = node_hash(peak, root)
        return root


def verify_inclusion(leaf: bytes, index: int, size: int, proof: list[bytes], root: bytes) -> None:
    """Climb from the leaf to the root, step by step as RFC 9162 numbers them."""
    require(0 <= index < size, f"a tree of {size} leaves has none at {index}")
    require(all(len(one) == HASH_SIZE for one in (leaf, root, *proof)), "a hash is not 32 bytes")
    node, last, result = index, size - 1, leaf
    for sibling in proof:
        require(last, "the proof is too long")
        if node % 2 or node == last:
            result = node_hash(sibling, result)
            while node and node % 2 == 0:
                node, last = node >> 1, last >> 1
        else:
            result = node_hash(result, sibling)
        node, last = node >> 1, last >> 1
    require(last == 0, "the proof is too short")
    require(result == root, "the proof leads to another root")


# Ed25519: RFC 8032, 5.1, in extended coordinates. All of it is public, so how long it takes may tell.

PRIME = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
CURVE = -121665 * pow(121666, PRIME - 2, PRIME) % PRIME
ROOT_OF_MINUS_ONE = pow(2, (PRIME - 1) // 4, PRIME)
NEUTRAL = (0, 1, 1, 0)
Point = tuple[int, int, int, int]


def is_signed(public: bytes, message: bytes, signature: bytes) -> bool:
    scalar = int.from_bytes(signature[32:], "little")
    # A scalar that is not reduced would make a second signature out of the first.
    if len(signature) != SIGNATURE_SIZE or scalar >= ORDER:
        return False
    challenge = int.from_bytes(sha512(signature[:32] + public + message).digest(), "little") % ORDER
    x, y, z, t = decompressed(public)
    return compressed(combined(scalar, BASE, challenge, (PRIME - x, y, z, PRIME - t))) == signature[:32]


def combined(first: int, p: Point, second: int, q: Point) -> Point:
    """first * p + second * q, both at once, bit by bit."""
    sums = (NEUTRAL, p, q, added(p, q))
    result = NEUTRAL
    for bit in reversed(range(256)):
        result = added(result, result)
        result = added(result, sums[(first >> bit & 1) + 2 * (second >> bit & 1)])
    return result


def added(p: Point, q: Point) -> Point:
    a = (p[1] - p[0]) * (q[1] - q[0]) % PRIME
    b = (p[1] + p[0]) * (q[1] + q[0]) % PRIME
    c = 2 * p[3] * q[3] * CURVE % PRIME
    d = 2 * p[2] * q[2] % PRIME
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % PRIME, g * h % PRIME, f * g % PRIME, e * h % PRIME


def compressed(point: Point) -> bytes:
    inverse = pow(point[2], PRIME - 2, PRIME)
    x, y = point[0] * inverse % PRIME, point[1] * inverse % PRIME
    return (y | (x & 1) << 255).to_bytes(32, "little")


def decompressed(raw: bytes) -> Point:
    number = int.from_bytes(raw, "little")
    sign, y = number >> 255, number & (1 << 255) - 1
    square = (y * y - 1) * pow(CURVE * y * y + 1, PRIME - 2, PRIME) % PRIME
    x = pow(square, (PRIME + 3) // 8, PRIME)
    if x * x % PRIME != square:
        x = x * ROOT_OF_MINUS_ONE % PRIME
    is_point = len(raw) == PUBLIC_SIZE and y < PRIME and x * x % PRIME == square and (x or not sign)
    require(is_point, "not a point of the curve")
    x = x if x & 1 == sign else PRIME - x
    return x, y, 1, x * y % PRIME


BASE = decompressed((4 * pow(5, PRIME - 2, PRIME) % PRIME).to_bytes(32, "little"))


# Signed notes: C2SP signed-note and tlog-checkpoint

CHAIN_LINES = r"prev (.*)\nat (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6})Z"


class Key(NamedTuple):
    name: str
    id: bytes
    public: bytes


class Checkpoint(NamedTuple):
    text: bytes
    origin: str
    size: int
    root: bytes
    extensions: list[str]

    def chain(self) -> tuple[bytes, datetime]:
        """The digest of the note before this one, and the time of this one."""
        lines = matched(CHAIN_LINES, "\n".join(self.extensions), "a checkpoint has the lines prev and at")
        digest = decoded(lines[1])
        require(len(digest) == HASH_SIZE, "prev is not 32 bytes")
        return digest, read_time(lines[2])


def read_key(text: str) -> Key:
    try:
        parts = matched(r"([^+]+)\+([0-9a-f]{8})\+(.+)", text, "not name+id+base64")
        name, id_text, key_text = parts.groups()
        raw = decoded(key_text)
        key_id = sha256(name.encode() + b"\n" + raw).digest()[:KEY_ID_SIZE]
        require(is_name(name) and raw[:1] == ED25519 and key_id.hex() == id_text, "not an Ed25519 key")
        decompressed(raw[1:])
    except (Refused, UnicodeEncodeError) as reason:
        raise Unusable(f"{text} is no public key: {reason}") from None
    return Key(name, key_id, raw[1:])


def open_note(note: bytes, keys: list[Key]) -> Checkpoint:
    """Return the checkpoint, if a key of its origin signed it and no known key's signature is wrong."""
    text, lines = split_note(note)
    signers = set()
    for line in lines:
        name, signature = read_signature(line)
        for key in keys:
            # Signatures by others are passed over, so that witnesses may add theirs.
            if (key.name, key.id) == (name, signature[:KEY_ID_SIZE]):
                require(
                    is_signed(key.public, text, signature[KEY_ID_SIZE:]), f"the signature of {name} is wrong"
                )
                signers.add(name)
    require(signers, "no given key has signed it")
    checkpoint = read_checkpoint(text)
    require(checkpoint.origin in signers, "signed by a key of another ledger")
    return checkpoint


def split_note(note: bytes) -> tuple[bytes, list[str]]:
    require(len(note) <= MAXIMUM_NOTE, "the note is too long")
    require(note.endswith(b"\n"), "the note is cut off")
    require(not re.search(rb"[\x00-\x09\x0b-\x1f]", note), "the note has a control character in it")
    try:
        note.decode()
    except UnicodeDecodeError:
        raise Refused("the note is not UTF-8") from None
    # The last empty line separates; the text may hold others.
    end = note.rfind(b"\n\n")
    require(end >= 0, "the note has no signature")
    return note[: end + 1], note[end + 2 :].decode().split("\n")[:-1]


def read_signature(line: str) -> tuple[str, bytes]:
    name, text = matched("\N{EM DASH} ([^ ]+) (.+)", line, "a signature line is malformed").groups()
    signature = decoded(text)
    require(is_name(name) and len(signature) > KEY_ID_SIZE, "a signature line is malformed")
    return name, signature


def read_checkpoint(text: bytes) -> Checkpoint:
    lines = text.decode().split("\n")[:-1]
    require(
        len(lines) >= MANDATORY_LINES and all(lines),
        "a checkpoint has three lines or more, none of them empty",
    )
    require(re.fullmatch("0|[1-9][0-9]{0,18}", lines[1]), "the size is malformed")
    size, root = int(lines[1]), decoded(lines[2])
    require(size <= MAXIMUM_NUMBER and len(root) == HASH_SIZE, "the size or the root is out of range")
    return Checkpoint(text, lines[0], size, root, lines[3:])


def is_name(text: str) -> bool:
    return bool(text) and not any(one.isspace() or one == "+" for one in text)


def read_time(text: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%f").replace(tzinfo=timezone.utc)
    except ValueError:
        raise Refused("there is no such time") from None


def decoded(text: str) -> bytes:
    """Decode base64 in its one spelling: another would let the same content have two digests."""
    try:
        raw = base64.b64decode(text, validate=True)
    except ValueError:
        raise Refused("malformed base64") from None
    require(base64.b64encode(raw).decode() == text, "malformed base64")
    return raw


# JSON: bounded, and with one meaning


def lines_of(stream: BinaryIO) -> Iterator[bytes]:
    while line := stream.readline(MAXIMUM_LINE + 1):
        if len(line) > MAXIMUM_LINE:
            raise Unusable("a line is longer than 16 MiB")
        yield line


def read_object(text: bytes) -> dict[str, Any]:
    try:
        value = json.loads(
            text.decode(),
            object_pairs_hook=unambiguous,
            parse_int=small_number,
            parse_float=refuse_number,
            parse_constant=refuse_number,
        )
    except (ValueError, RecursionError):
        raise Unusable("not JSON that can be read in one way only") from None
    if not isinstance(value, dict):
        raise Unusable("not a JSON object")
    return value


def unambiguous(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    # Of two fields with one name, one program would read the first and another the last.
    if len(fields) != len(pairs):
        raise ValueError
    return fields


def small_number(text: str) -> int:
    if not 0 <= int(text[:20]) <= MAXIMUM_NUMBER:
        raise ValueError
    return int(text)


def refuse_number(text: str) -> NoReturn:
    raise ValueError(text)


def require_fields(fields: dict[str, Any], expected: set[str]) -> None:
    if set(fields) != expected:
        raise Unusable(f"the fields are {', '.join(sorted(fields))} instead of {', '.join(sorted(expected))}")


def field(fields: dict[str, Any], name: str, kind: type) -> Any:
    value = fields.get(name)
    # bool is a kind of int to Python, but not here.
    if type(value) is not kind:
        raise Unusable(f"{name} is missing, or of the wrong type")
    return value


def bytes_field(fields: dict[str, Any], name: str) -> bytes:
    try:
        return decoded(field(fields, name, str))
    except Refused as refusal:
        raise Unusable(f"{name}: {refusal}") from None


def note_field(fields: dict[str, Any]) -> bytes:
    return str(field(fields, "checkpoint", str)).encode("utf-8", "surrogatepass")


def proof_field(fields: dict[str, Any]) -> list[bytes]:
    proof = field(fields, "proof", list)
    return [bytes_field({"proof": node}, "proof") for node in proof]


# Events


def read_leaf(event: dict[str, Any]) -> bytes:
    """The leaf hash of an event: what of it is in the tree."""
    mac = bytes_field(event, "mac")
    if len(mac) != HASH_SIZE:
        raise Unusable("mac is not 32 bytes")
    time = field(event, "recorded_us", int)
    if time > LAST_TIME_US:
        raise Unusable("recorded_us is after the year 9999")
    return sha256(
        b"\x00" + read_id(event) + time.to_bytes(8, "big") + mac + bytes_field(event, "body")
    ).digest()


def read_id(event: dict[str, Any]) -> bytes:
    text = field(event, "id", str)
    if not re.fullmatch("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", text):
        raise Unusable("id is not a UUID in lower case")
    return bytes.fromhex(text.replace("-", ""))


# A receipt: one event is in the tree that one checkpoint names


def check_receipt(options: argparse.Namespace, keys: list[Key], findings: Findings) -> None:
    receipt = read_receipt(options.file)
    event, index, size = receipt["event"], receipt["index"], receipt["size"]
    leaf, proof = read_leaf(event), proof_field(receipt)
    if leaf.hex() != receipt["leaf_sha256"]:
        findings.add("event", "its leaf_sha256 is not the digest of its content")
    try:
        checkpoint = open_note(note_field(receipt), keys)
        require(
            checkpoint.size == size, f"the checkpoint is of {checkpoint.size} events, the receipt of {size}"
        )
        verify_inclusion(leaf, index, size, proof, checkpoint.root)
        _, at = checkpoint.chain()
        say(f"Sealed at {at.isoformat()} in the ledger {checkpoint.origin}.")
    except Refused as refusal:
        findings.add("receipt", refusal)
    recorded = EPOCH + timedelta(microseconds=event["recorded_us"])
    findings.conclude(f"Event {event['id']}, recorded at {recorded.isoformat()}, number {index} of {size}.")


def read_receipt(path: Path) -> dict[str, Any]:
    with path.open("rb") as stream:
        text = stream.read(MAXIMUM_LINE + 1)
    if len(text) > MAXIMUM_LINE:
        raise Unusable("longer than any receipt")
    receipt = read_object(text)
    if receipt.get("format") != RECEIPT_FORMAT:
        raise Unusable(f"not a receipt of the format {RECEIPT_FORMAT}")
    require_fields(receipt, RECEIPT_FIELDS)
    for name, kind in (("event", dict), ("leaf_sha256", str), ("index", int), ("size", int)):
        field(receipt, name, kind)
    require_fields(receipt["event"], EVENT_FIELDS)
    return receipt


# Notes that were kept outside


class Anchored:
    """Checkpoints that were kept outside the database, until they are met in the export."""

    def __init__(self, findings: Findings) -> None:
        self.findings = findings
        self.by_size: dict[int, list[tuple[str, Checkpoint]]] = {}
        self.unseen: dict[bytes, tuple[str, int]] = {}
        self.count = 0

    def read(self, path: Path, keys: list[Key], origin: str) -> None:
        for where, note in read_notes(path):
            self.count += 1
            self.add(where, note, keys, origin)
        if not self.count:
            raise Unusable(f"there are no notes in {path}")

    def add(self, where: str, note: bytes, keys: list[Key], origin: str) -> None:
        try:
            checkpoint = open_note(note, keys)
            require(checkpoint.origin == origin, "it is of another ledger")
        except Refused as refusal:
            self.findings.add(where, refusal)
            return
        self.by_size.setdefault(checkpoint.size, []).append((where, checkpoint))
        self.unseen[checkpoint.text] = where, checkpoint.size

    def compare(self, size: int, root: bytes) -> None:
        """Hold the root that the export has at a size against what was kept of that size."""
        for where, checkpoint in self.by_size.pop(size, []):
            if checkpoint.root != root:
                self.findings.add(where, f"it has another root of {size} events than the export")

    def conclude(self, size: int) -> None:
        for kept_size, notes in sorted(self.by_size.items()):
            for where, _ in notes if kept_size > size else ():
                self.findings.add(where, f"the export is cut off after {size} of {kept_size} events")

    def require_seen(self, size: int) -> None:
        for where, kept_size in self.unseen.values():
            if kept_size <= size:
                self.findings.add(where, f"its checkpoint of {kept_size} events is not in the export")

    def summary(self, size: int) -> str:
        if not self.count:
            return "No notes kept outside were given, so a cut-off end could not have been seen."
        missed = sum(len(notes) for kept_size, notes in self.by_size.items() if kept_size <= size)
        return f"{self.count} notes kept outside, of which {missed} could not be compared."


def read_notes(path: Path) -> Iterator[tuple[str, bytes]]:
    """Notes in a file are separated by lines of two hyphens."""
    for file in sorted(filter(Path.is_file, path.rglob("*"))) if path.is_dir() else [path]:
        with file.open("rb") as stream:
            for number, note in enumerate(split_notes(lines_of(stream)), 1):
                yield f"{file.name}, note {number}", note


def split_notes(lines: Iterable[bytes]) -> Iterator[bytes]:
    note = b""
    for line in lines:
        if line == b"--\n":
            if not note.endswith(b"\n(torn)\n"):  # a power cut left the start of a note, which was ended so
                yield note
            note = b""
        elif len(note) <= MAXIMUM_NOTE:
            note += line
    if note:
        yield note


# An export: the ledger itself, or a selection of its events


class Chain:
    """The checkpoints of an export, each of which has to follow from the one before."""

    def __init__(self, origin: str, keys: list[Key], findings: Findings) -> None:
        self.origin, self.keys, self.findings = origin, keys, findings
        self.count = 0
        self.last: Checkpoint | None = None
        self.last_at = EPOCH
        self.last_digest: bytes | None = None

    def follow(self, where: str, note: bytes) -> Checkpoint | None:
        """Return the checkpoint in the next note, or nothing when it cannot be relied on."""
        self.count += 1
        former_digest, self.last_digest = self.last_digest, sha256(note).digest()
        try:
            checkpoint = open_note(note, self.keys)
            require(checkpoint.origin == self.origin, "it is of another ledger")
            previous, at = checkpoint.chain()
        except Refused as refusal:
            self.findings.add(where, refusal)
            return None
        if former_digest not in (None, previous):
            self.findings.add(where, "it does not name the checkpoint before it: one was changed or removed")
        if at < self.last_at:
            self.findings.add(where, "it is older than the checkpoint before it")
        if self.last and checkpoint.size < self.last.size:
            self.findings.add(where, "it is of fewer events than the checkpoint before it")
        self.last, self.last_at = checkpoint, at
        return checkpoint


class CompleteExport:
    """Every event in order, each checkpoint after the last event it covers: all roots are recomputed."""

    def __init__(self, chain: Chain, anchored: Anchored, findings: Findings) -> None:
        self.chain, self.anchored, self.findings = chain, anchored, findings
        # The first checkpoint of all names the digest of nothing.
        chain.last_digest = sha256().digest()
        self.tree = Tree()
        self.size = self.unsealed = self.not_compared = 0
        self.is_intact = True
        anchored.compare(0, self.tree.root())

    def event(self, where: str, event: dict[str, Any]) -> None:
        require_fields(event, EVENT_FIELDS | {"index"})
        leaf = read_leaf(event)
        if event["index"] is None:
            self.unsealed += 1
            return
        self.require_next(where, field(event, "index", int))
        self.tree.append(leaf)
        if self.is_intact and self.size in self.anchored.by_size:
            self.anchored.compare(self.size, self.tree.root())

    def require_next(self, where: str, index: int) -> None:
        if index != self.size:
            self.findings.add(where, f"event {index} stands where event {self.size} belongs")
            # Without that event no root can be recomputed any more.
            self.is_intact = False
        self.size = index + 1

    def checkpoint(self, where: str, note: bytes) -> None:
        checkpoint = self.chain.follow(where, note)
        if not checkpoint:
            return
        self.anchored.unseen.pop(checkpoint.text, None)
        if checkpoint.size != self.size:
            self.findings.add(where, f"it is of {checkpoint.size} events but stands after {self.size}")
        elif not self.is_intact:
            self.not_compared += 1
        elif checkpoint.root != self.tree.root():
            self.findings.add(where, "the events up to here are not those that were sealed: another root")
            # What follows is built on them and differs as well; that would be said over and over again.
            self.is_intact = False

    def conclude(self) -> None:
        sealed = self.chain.last.size if self.chain.last else 0
        if self.size > sealed:
            self.findings.add(
                "end", f"{self.size - sealed} events have an index, but no checkpoint after them"
            )
        self.anchored.conclude(self.size)
        self.anchored.require_seen(self.size)
        self.findings.conclude(
            f"Complete export of {self.chain.origin}: {self.size} events sealed, {self.unsealed} not yet, "
            f"{self.chain.count} checkpoints, of which {self.not_compared} could not be compared. "
            f"{self.anchored.summary(self.size)}"
        )


class PartialExport:
    """Checkpoints first, then some of the events, each with its proof against the last checkpoint."""

    def __init__(self, chain: Chain, anchored: Anchored, findings: Findings) -> None:
        self.chain, self.anchored, self.findings = chain, anchored, findings
        self.proven = self.unsealed = 0
        self.last_index = -1

    def event(self, where: str, event: dict[str, Any]) -> None:
        if event["index"] is None:
            require_fields(event, EVENT_FIELDS | {"index"})
            read_leaf(event)
            self.unsealed += 1
            return
        require_fields(event, EVENT_FIELDS | {"index", "proof"})
        leaf, index, proof = read_leaf(event), field(event, "index", int), proof_field(event)
        try:
            self.prove(leaf, index, proof)
        except Refused as refusal:
            self.findings.add(where, refusal)
        self.last_index = index

    def prove(self, leaf: bytes, index: int, proof: list[bytes]) -> None:
        require(index > self.last_index, f"event {index} stands after event {self.last_index}")
        last = self.chain.last
        if not last:
            raise Refused("there is no checkpoint to prove it against")
        verify_inclusion(leaf, index, last.size, proof, last.root)
        self.proven += 1

    def checkpoint(self, where: str, note: bytes) -> None:
        if self.last_index >= 0 or self.unsealed:
            raise Unusable("in a partial export no checkpoint stands after an event")
        checkpoint = self.chain.follow(where, note)
        if checkpoint:
            self.anchored.compare(checkpoint.size, checkpoint.root)

    def conclude(self) -> None:
        size = self.chain.last.size if self.chain.last else 0
        self.anchored.conclude(size)
        self.findings.conclude(
            f"Partial export of {self.chain.origin}: {self.proven} events proven to be among its {size}, "
            f"{self.unsealed} not sealed yet, {self.chain.count} checkpoints. "
            f"What was left out cannot be seen. {self.anchored.summary(size)}"
        )


def check_export(options: argparse.Namespace, keys: list[Key], findings: Findings) -> None:
    with options.file.open("rb") as stream:
        lines = lines_of(stream)
        origin, is_complete = read_header(next(lines, b""))
        anchored = Anchored(findings)
        if options.anchored:
            anchored.read(options.anchored, keys, origin)
        kind = CompleteExport if is_complete else PartialExport
        export = kind(Chain(origin, keys, findings), anchored, findings)
        for number, line in enumerate(lines, 2):
            check_line(export, f"line {number}", line)
        export.conclude()


def read_header(line: bytes) -> tuple[str, bool]:
    header = read_object(line)
    if header.get("format") != EXPORT_FORMAT:
        raise Unusable(f"not an export of the format {EXPORT_FORMAT}")
    require_fields(header, {"format", "origin", "complete"})
    return field(header, "origin", str), field(header, "complete", bool)


def check_line(export: CompleteExport | PartialExport, where: str, line: bytes) -> None:
    try:
        check_entry(export, where, read_object(line))
    except Unusable as reason:
        raise Unusable(f"{where}: {reason}") from None


def check_entry(export: CompleteExport | PartialExport, where: str, entry: dict[str, Any]) -> None:
    if "checkpoint" in entry:
        require_fields(entry, {"checkpoint"})
        export.checkpoint(f"{where}, checkpoint", note_field(entry))
    elif "index" in entry:
        export.event(f"{where}, event {entry.get('id')}", entry)
    else:
        raise Unusable("neither an event nor a checkpoint")


def main(arguments: list[str] | None = None) -> int:
    options, findings = read_arguments(arguments), Findings()
    try:
        options.check(options, [read_key(text) for text in options.key], findings)
    except Unusable as reason:
        say(f"UNUSABLE {options.file}: {reason}")
        return 2
    # A path with a NUL in it is a ValueError.
    except (OSError, ValueError, MemoryError) as error:
        say(f"UNUSABLE {options.file}: {error}")
        return 2
    return 1 if findings.count else 0


def read_arguments(arguments: list[str] | None) -> argparse.Namespace:
    keys = argparse.ArgumentParser(add_help=False)
    keys.add_argument("file", type=Path)
    keys.add_argument("--key", action="append", required=True)
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    kinds = parser.add_subparsers(required=True)
    kinds.add_parser("receipt", parents=[keys]).set_defaults(check=check_receipt)
    export = kinds.add_parser("export", parents=[keys])
    export.add_argument("--anchored", type=Path)
    export.set_defaults(check=check_export)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
