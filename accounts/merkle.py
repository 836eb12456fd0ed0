"""The Merkle tree of RFC 6962: grown leaf by leaf, proven to contain, proven to have only been appended to.

Leaves are given as leaf hashes (32 bytes) everywhere. A node is named by its level and its index there: node
(level, index) is the root of the perfect subtree over the leaves from ``index * 2**level`` to before
``(index + 1) * 2**level``.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from typing import Self

HASH_SIZE = 32
EMPTY_ROOT = sha256().digest()
# Of the complete subtrees only those at levels 8, 16, 24, ... are stored: 1/255 of what the leaves take.
TILE_LEVELS = 8

Fetch = Callable[[int, int], bytes]
"""``fetch(level, index)`` is the hash of that node, whose subtree has to be complete."""

Read = Callable[[int, int, int], list[bytes]]
"""``read(level, first_index, count)`` are hashes of consecutive nodes of a stored level (0, 8, 16, ...)."""


class ProofRefused(Exception):
    """For whoever holds a proof: it does not prove what it claims, for the reason given."""


class NodesMissing(Exception):
    """For the operator: the stored tree lacks nodes that a tree of its size has."""


@dataclass(frozen=True, slots=True)
class Subtree:
    """A complete subtree at a stored level: what it is called, and its root."""

    level: int
    index: int
    hash: bytes


def leaf_hash(data: bytes) -> bytes:
    """The hash of a leaf (RFC 6962, 2.1); no node passes for one, as its prefix differs."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of a node over its two children (RFC 6962, 2.1)."""
    return sha256(b"\x01" + left + right).digest()


class Frontier:
    """All that is needed of a tree to go on growing it: its size, and the roots of its perfect subtrees.

    Parameters
    ----------
    size : int
        Number of leaves.
    peaks : sequence of bytes
        Roots of the perfect subtrees that make up the tree, from left (the largest) to right: one for each
        bit set in ``size``.

    Raises
    ------
    ValueError
        When there are more or fewer peaks than such a tree has, or one is not 32 bytes.
    """

    __slots__ = ("_peaks", "size")

    def __init__(self, size: int = 0, peaks: Sequence[bytes] = ()) -> None:
        if size < 0 or len(peaks) != size.bit_count():
            raise ValueError(f"a tree of {size} leaves does not have {len(peaks)} peaks")
        _require_size(peaks)
        self.size = size
        self._peaks = list(peaks)

    @classmethod
    def restored(cls, size: int, fetch: Fetch) -> Self:
        """The frontier of a stored tree."""
        return cls(size, _peaks(0, size, fetch))

    def append(self, leaf: bytes) -> list[Subtree]:
        """Append one leaf hash; see `extend`."""
        return self.extend([leaf])

    def extend(self, leaves: Sequence[bytes]) -> list[Subtree]:
        """Append leaf hashes; return the subtrees at stored levels that this completes, lowest level first.

        Raises
        ------
        ValueError
            When a leaf is not 32 bytes; nothing is appended then.
        """
        _require_size(leaves)
        complete: list[Subtree] = []
        smaller_peaks: list[bytes] = []
        row, level, first = list(leaves), 0, self.size
        while row:
            if level and level % TILE_LEVELS == 0:
                complete += [Subtree(level, index, node) for index, node in enumerate(row, first)]
            if first % 2:
                row.insert(0, self._peaks.pop())
            if len(row) % 2:
                smaller_peaks.append(row.pop())
            row = [node_hash(left, right) for left, right in zip(row[::2], row[1::2], strict=True)]
            level, first = level + 1, first // 2
        self._peaks += reversed(smaller_peaks)
        self.size += len(leaves)
        return complete

    def root(self) -> bytes:
        """The root of the tree as it is now."""
        return _folded(self._peaks)


def node_reader(read: Read) -> Fetch:
    """Answer for every level from the stored ones, each node asked for once.

    A node is folded from at most ``2**(level % 8)`` consecutive nodes of the stored level at or below its
    own, which take a single ``read``. What was read is kept: make a new reader for each proof.

    Raises
    ------
    NodesMissing
        From the reader, when a read comes back short.
    """

    @cache
    def fetch(level: int, index: int) -> bytes:
        height = level % TILE_LEVELS
        row = read(level - height, index << height, 1 << height)
        if len(row) != 1 << height or any(len(node) != HASH_SIZE for node in row):
            raise NodesMissing(f"below level {level}, index {index}")
        subtree = Frontier()
        subtree.extend(row)
        return subtree.root()

    return fetch


def root_of(size: int, fetch: Fetch) -> bytes:
    """The root of the tree of the first ``size`` leaves (RFC 6962, 2.1)."""
    return _folded(_peaks(0, size, fetch))


def inclusion_proof(index: int, size: int, fetch: Fetch) -> list[bytes]:
    """Prove that the leaf at ``index`` is in the tree of ``size`` leaves (RFC 6962, 2.1.1).

    Raises
    ------
    ValueError
        Unless ``0 <= index < size``.
    """
    if not 0 <= index < size:
        raise ValueError(f"a tree of {size} leaves has none at {index}")
    return _path(index, 0, size, fetch)


def consistency_proof(first: int, second: int, fetch: Fetch) -> list[bytes]:
    """Prove that the tree of ``first`` leaves is the beginning of the tree of ``second`` (RFC 6962, 2.1.2).

    Raises
    ------
    ValueError
        Unless ``0 < first <= second``: everything begins with nothing, so there is no proof to give of that.
    """
    if not 0 < first <= second:
        raise ValueError(f"no proof leads from {first} leaves to {second}")
    return _growth(first, 0, second, fetch)


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Check that the leaf hash is at ``index`` in the tree with this size and root (RFC 9162, 2.1.3.2).

    Raises
    ------
    ProofRefused
        Unless the proof shows exactly that.
    """
    _require(0 <= index < size, f"a tree of {size} leaves has none at {index}")
    sides = list(_sides(index, size - 1))
    _require(len(proof) == len(sides), f"the proof has {len(proof)} hashes instead of {len(sides)}")
    _require_hashes(leaf, root, *proof)
    node = leaf
    for sibling_is_left, sibling in zip(sides, proof, strict=True):
        node = node_hash(sibling, node) if sibling_is_left else node_hash(node, sibling)
    _require(node == root, "the proof leads to another root")


def verify_consistency(
    first_size: int, second_size: int, first_root: bytes, second_root: bytes, proof: Sequence[bytes]
) -> None:
    """Check that the first tree is the beginning of the second (RFC 9162, 2.1.4.2).

    Trees of one size have to have one root, and an empty proof. An empty first tree under a larger one is
    refused, as transparency-dev/merkle does: it vouches for no leaf, so to rely on it is a mistake.

    Raises
    ------
    ProofRefused
        Unless the proof shows exactly that.
    """
    _require_hashes(first_root, second_root, *proof)
    if first_size == second_size >= 0:
        _require(not proof, "trees of one size need no proof")
        _require(first_root == second_root, "trees of one size have different roots")
        return
    _require(0 < first_size < second_size, f"no proof leads from {first_size} leaves to {second_size}")
    _follow(first_size, second_size, first_root, second_root, proof)


def _follow(first: int, second: int, first_root: bytes, second_root: bytes, proof: Sequence[bytes]) -> None:
    """Walk up from the last perfect subtree of the first tree, to the roots of both trees at once."""
    level = (first & -first).bit_length() - 1
    # Where the whole first tree is that subtree its root starts the walk, and the proof leaves it out.
    nodes = [first_root, *proof] if first == 1 << level else proof
    sides = list(_sides((first - 1) >> level, (second - 1) >> level))
    _require(len(nodes) == len(sides) + 1, f"the proof has the wrong length, {len(proof)} hashes")
    old = new = nodes[0]
    for sibling_is_left, sibling in zip(sides, nodes[1:], strict=True):
        old = node_hash(sibling, old) if sibling_is_left else old
        new = node_hash(sibling, new) if sibling_is_left else node_hash(new, sibling)
    _require(old == first_root, "the proof leads to another first root")
    _require(new == second_root, "the proof leads to another second root")


def _sides(node: int, last: int) -> Iterator[bool]:
    """Tell for each step from a node to the root whether its sibling is on the left.

    ``last`` is the index of the last node of the same level. At the right edge a node without a sibling moves
    up as it is, which takes no step.
    """
    while last:
        if node == last:
            rise = (node & -node).bit_length() - 1
            node, last = node >> rise, last >> rise
        yield node % 2 == 1
        node, last = node >> 1, last >> 1


def _path(index: int, begin: int, end: int, fetch: Fetch) -> list[bytes]:
    if end - begin == 1:
        return []
    middle = _middle(begin, end)
    if index < middle:
        return [*_path(index, begin, middle, fetch), _root_of_range(middle, end, fetch)]
    return [*_path(index, middle, end, fetch), _root_of_range(begin, middle, fetch)]


def _growth(first: int, begin: int, end: int, fetch: Fetch) -> list[bytes]:
    if first == end:
        # The verifier knows the root of what starts at the first leaf: it is the first tree.
        return [_root_of_range(begin, end, fetch)] if begin else []
    middle = _middle(begin, end)
    if first <= middle:
        return [*_growth(first, begin, middle, fetch), _root_of_range(middle, end, fetch)]
    return [*_growth(first, middle, end, fetch), _root_of_range(begin, middle, fetch)]


def _middle(begin: int, end: int) -> int:
    """Where RFC 6962 divides a range: after the largest power of two that is smaller than it."""
    return begin + (1 << (end - begin - 1).bit_length() - 1)


def _root_of_range(begin: int, end: int, fetch: Fetch) -> bytes:
    return _folded(_peaks(begin, end, fetch))


def _peaks(begin: int, end: int, fetch: Fetch) -> list[bytes]:
    """The roots of the perfect subtrees of a range, the largest first; it begins where that one may."""
    peaks = []
    while begin < end:
        level = (end - begin).bit_length() - 1
        peaks.append(fetch(level, begin >> level))
        begin += 1 << level
    return peaks


def _folded(peaks: Sequence[bytes]) -> bytes:
    if not peaks:
        return EMPTY_ROOT
    *others, root = peaks
    for peak in reversed(others):
        root = node_hash(peak, root)
    return root


def _require_size(leaves: Sequence[bytes]) -> None:
    if any(len(leaf) != HASH_SIZE for leaf in leaves):
        raise ValueError("a hash of a tree is 32 bytes")


def _require_hashes(*hashes: bytes) -> None:
    _require(all(len(one) == HASH_SIZE for one in hashes), "a hash is not 32 bytes")


def _require(holds: object, reason: str) -> None:
    if not holds:
        raise ProofRefused(reason)
