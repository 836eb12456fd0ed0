"""Proofs that are right, and everything near them that is not (or, now and then, still is)."""

from collections.abc import Iterator
from hashlib import sha256
from typing import NamedTuple

from tests.ledger import naive

LARGEST = 33
LEAVES = [sha256(b"\x00" + bytes([n])).digest() for n in range(LARGEST)]
OTHER = sha256(b"other").digest()


class Inclusion(NamedTuple):
    leaf: bytes
    place: int
    size: int
    proof: list[bytes]
    root: bytes


class Consistency(NamedTuple):
    first: int
    second: int
    old: bytes
    new: bytes
    proof: list[bytes]


def inclusions() -> Iterator[Inclusion]:
    for size in range(1, LARGEST + 1):
        root = naive.mth(LEAVES[:size])
        for index in range(size):
            yield Inclusion(LEAVES[index], index, size, naive.path(index, LEAVES[:size]), root)


def consistencies() -> Iterator[Consistency]:
    for second in range(1, LARGEST + 1):
        new = naive.mth(LEAVES[:second])
        for first in range(1, second + 1):
            old = naive.mth(LEAVES[:first])
            yield Consistency(first, second, old, new, naive.subproof(first, LEAVES[:second]))


def inclusions_near(right: Inclusion) -> Iterator[Inclusion]:
    yield from (right._replace(proof=proof) for proof in proofs_near(right.proof, right.root))
    yield from (right._replace(root=root) for root in hashes_near(right.root))
    yield from (right._replace(leaf=leaf) for leaf in hashes_near(right.leaf))
    yield right._replace(leaf=right.root, root=right.leaf)
    yield right._replace(leaf=b"short", root=b"short")
    for sibling in right.proof[:1]:
        # What is hashed stays the same when the border between its two parts moves.
        moved = [right.leaf[31:] + sibling, *right.proof[1:]]
        yield right._replace(leaf=right.leaf[:31], proof=moved)
    yield from (right._replace(place=place) for place in numbers_near(right.place))
    yield from (right._replace(size=size) for size in numbers_near(right.size))


def consistencies_near(right: Consistency) -> Iterator[Consistency]:
    yield from (right._replace(proof=proof) for proof in proofs_near(right.proof, right.new))
    yield from (right._replace(old=root) for root in hashes_near(right.old))
    yield from (right._replace(new=root) for root in hashes_near(right.new))
    yield right._replace(old=right.new, new=right.old)
    yield right._replace(old=b"short", new=b"short")
    yield right._replace(first=right.second, second=right.first)
    yield from (right._replace(first=size) for size in numbers_near(right.first))
    yield from (right._replace(second=size) for size in numbers_near(right.second))
    yield right._replace(first=0, old=naive.mth([]))
    yield right._replace(first=0, second=0)


def proofs_near(proof: list[bytes], root: bytes) -> Iterator[list[bytes]]:
    yield []
    for extra in (OTHER, root, b""):
        yield [*proof, extra]
        yield [extra, *proof]
    for place, node in enumerate(proof):
        yield [*proof[:place], *proof[place + 1 :]]
        yield [*proof[:place], node, *proof[place:]]
        yield from ([*proof[:place], changed, *proof[place + 1 :]] for changed in hashes_near(node))
    for place in range(1, len(proof)):
        yield [*proof[: place - 1], proof[place], proof[place - 1], *proof[place + 1 :]]
    yield proof[::-1]


def hashes_near(node: bytes) -> Iterator[bytes]:
    # Every bit of one byte: which byte follows from the hash, so that all of them have their turn.
    place = node[0] % 32
    for bit in range(8):
        yield node[:place] + bytes([node[place] ^ 1 << bit]) + node[place + 1 :]
    yield from (b"", node[:31], node + b"\x00", bytes(32), OTHER, naive.mth([]))


def numbers_near(number: int) -> set[int]:
    return {number - 1, number + 1, 0, -number, number * 2, number + (1 << 62), -1}
