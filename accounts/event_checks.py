"""Whether events are as they were written: their leaf, MAC, columns and time, each by itself.

Free of Django, so that another process can do it while this one fetches: that is most of a verification.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import pairwise
from multiprocessing import get_context
from struct import Struct
from typing import NamedTuple, Self
from uuid import UUID

import msgspec

from accounts.event_leaf import EventMac
from accounts.merkle import leaf_hash
from accounts.moments import time_of

# A process of its own takes a third of a second to start.
WORTH_A_PROCESS = 100_000
# One has more to do with an event than the database and this process together.
CHECKERS = 2
# Blocks that wait for the other processes: enough to keep them busy, and few enough to hold.
AHEAD = 4
# Whatever is hashed comes as one value, at these places.
SEALED, LEAF, IDENTIFIER, TIME, MAC = (slice(*ends) for ends in pairwise((0, 32, 64, 80, 88, 120)))
HASHED, BODY = slice(IDENTIFIER.start, None), slice(MAC.stop, None)
# A row of three values as Postgres copies it out in binary: how many, the position, the data, the columns.
_BEFORE_DATA, _LENGTH = Struct(">hiqi"), Struct(">i")


@dataclass(frozen=True)
class Finding:
    """One thing that is not as it was left: what was done, where, and what gives it away."""

    kind: str
    where: str
    detail: str


class Row(NamedTuple):
    """A leaf, at a position, and its event; of a leaf without one `data` ends with the identifier."""

    position: int | None
    data: bytes
    columns: str

    @property
    def where(self) -> str:
        """Which event it is."""
        return f"event {UUID(bytes=self.data[IDENTIFIER])}"

    @property
    def recorded_us(self) -> int:
        """When it was recorded."""
        return int.from_bytes(self.data[TIME], "big", signed=True)


class Block:
    """Consecutive leaves with their events, as Postgres copies them out in binary.

    Here and on the way to another process nothing of a row is unpacked but its place and its leaf.
    """

    def __init__(self, copied: bytes = b"", places: list[int] | None = None) -> None:
        self._copied = copied
        self._places = list(_places_in(copied)) if places is None else places

    def __len__(self) -> int:
        return len(self._places) - 1

    @property
    def content(self) -> bytes:
        """The rows as they were copied out."""
        return self._copied[self._places[0] : self._places[-1]]

    @property
    def leaves(self) -> list[bytes]:
        """The leaf hashes that are in the tree."""
        data, end = _BEFORE_DATA.size, _BEFORE_DATA.size + SEALED.stop
        return [self._copied[place + data : place + end] for place in self._places[:-1]]

    @property
    def last(self) -> int:
        """The position of its last leaf. There has to be one."""
        position: int = _BEFORE_DATA.unpack_from(self._copied, self._places[-2])[2]
        return position

    def split(self, count: int) -> tuple["Block", "Block"]:
        """The first so many rows, and the rest."""
        first, rest = self._places[: count + 1], self._places[count:]
        return Block(self._copied, first), Block(self._copied, rest or self._places[-1:])


def _places_in(copied: bytes) -> Iterator[int]:
    """Where each row begins, and where the last one ends."""
    place = 0
    yield place
    while place < len(copied):
        place += _BEFORE_DATA.size + _BEFORE_DATA.unpack_from(copied, place)[3]
        place += _LENGTH.size + _LENGTH.unpack_from(copied, place)[0]
        yield place


def rows_in(copied: bytes) -> Iterator[Row]:
    """The rows of a block, from its content."""
    for place, end in pairwise(_places_in(copied)):
        _values, _size, position, length = _BEFORE_DATA.unpack_from(copied, place)
        data = place + _BEFORE_DATA.size
        columns = data + length
        yield Row(position, copied[data:columns], copied[columns + _LENGTH.size : end].decode())


class Window(NamedTuple):
    """What a run of leaves has to keep to: the first position, and between which times it was sealed (us)."""

    first: int
    earliest_us: int
    latest_us: int


class _Facts(msgspec.Struct):
    """What the columns repeat from a body."""

    action: str
    organisation: str | None = None
    person: str | None = None
    api_key: str | None = None
    case_digest: str | None = None
    release: str | None = None
    prediction: str | None = None


_read_facts = msgspec.json.Decoder(_Facts).decode


def check_rows(rows: Iterable[Row], window: Window, mac: EventMac) -> Iterator[Finding]:
    """What is wrong with consecutive leaves and their events."""
    for expected, row in enumerate(rows, window.first):
        if row.position != expected:
            yield Finding("leaf_missing", f"leaf {expected}", f"Leaf {row.position} stands in its place.")
        if len(row.data) == IDENTIFIER.stop:
            yield Finding("event_deleted", row.where, f"Leaf {row.position} is all that is left of it.")
        elif finding := check_event(row, window, mac):
            yield finding


def check_event(row: Row, window: Window, mac: EventMac) -> Finding | None:
    """The first thing that is wrong with an event; what follows from it would only repeat it."""
    data, body, recorded_us = row.data, row.data[BODY], row.recorded_us
    if not leaf_hash(data[HASHED]) == data[LEAF] == data[SEALED]:
        return Finding("event_edited", row.where, "It is not what was sealed.")
    if mac.of(body) != data[MAC]:
        return Finding("event_forged", row.where, "The product did not write it: its MAC is wrong.")
    if _read_columns(body) != row.columns:
        return Finding("columns_edited", row.where, "Its columns do not say what its body says.")
    if int.from_bytes(data[IDENTIFIER][:6], "big") != recorded_us // 1000:
        return Finding("event_backdated", row.where, "Its identifier is of another time.")
    if not window.earliest_us <= recorded_us <= window.latest_us:
        detail = f"It says {time_of(recorded_us)}, and was sealed by {time_of(window.latest_us)}."
        return Finding("event_backdated", row.where, detail)
    return None


class Checker:
    """Checks runs of rows one after the other: many of them in a process of its own, few of them here.

    Findings come in the order of the rows, some calls later where another process finds them.
    """

    def __init__(self, secret: str, events: int) -> None:
        self._mac = EventMac(secret)
        self._waiting: deque[Future[list[Finding]]] = deque()
        self._resources = ExitStack()
        self._pool = None
        if events >= WORTH_A_PROCESS:
            # Not forked: the driver's connections and threads do not bear it.
            pool = ProcessPoolExecutor(CHECKERS, get_context("spawn"), _prepare, (secret,))
            self._pool = self._resources.enter_context(pool)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self._resources.close()

    def check(self, block: Block, window: Window) -> Iterator[Finding]:
        """Have these rows checked; yield what is known so far."""
        if self._pool is None:
            yield from check_rows(rows_in(block.content), window, self._mac)
            return
        self._waiting.append(self._pool.submit(_check_there, block.content, window))
        while len(self._waiting) > AHEAD:
            yield from self._waiting.popleft().result()

    def finish(self) -> Iterator[Finding]:
        """What is left to be known."""
        while self._waiting:
            yield from self._waiting.popleft().result()


_there: list[EventMac] = []
"""What the other process was given at its start."""


def _prepare(secret: str) -> None:
    _there.append(EventMac(secret))


def _check_there(copied: bytes, window: Window) -> list[Finding]:
    return list(check_rows(rows_in(copied), window, _there[0]))


def _read_columns(body: bytes) -> str:
    try:
        f = _read_facts(body)
    except msgspec.MsgspecError:
        return ""
    return f"{f.action}|{f.organisation}|{f.person}|{f.api_key}|{f.case_digest}|{f.release}|{f.prediction}"
