"""The definitions of RFC 6962 (2.1) and of its proofs, recursive as they are there: slow and plain."""

from collections.abc import Sequence
from hashlib import sha256


def mth(leaves: Sequence[bytes]) -> bytes:
    """Merkle tree hash of leaf hashes."""
    if not leaves:
        return sha256().digest()
    if len(leaves) == 1:
        return leaves[0]
    middle = split(len(leaves))
    return over(mth(leaves[:middle]), mth(leaves[middle:]))


def path(index: int, leaves: Sequence[bytes]) -> list[bytes]:
    if len(leaves) == 1:
        return []
    middle = split(len(leaves))
    if index < middle:
        return [*path(index, leaves[:middle]), mth(leaves[middle:])]
    return [*path(index - middle, leaves[middle:]), mth(leaves[:middle])]


def subproof(first: int, leaves: Sequence[bytes], *, known: bool = True) -> list[bytes]:
    if first == len(leaves):
        return [] if known else [mth(leaves)]
    middle = split(len(leaves))
    if first <= middle:
        return [*subproof(first, leaves[:middle], known=known), mth(leaves[middle:])]
    return [*subproof(first - middle, leaves[middle:], known=False), mth(leaves[:middle])]


def includes(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether the proof is one, by undoing `path` from its end."""
    hashes = {len(one) for one in (leaf, root, *proof)}
    try:
        return hashes == {32} and 0 <= index < size and _rooted(leaf, index, size, proof) == root
    except IndexError:
        return False


def is_consistent(first: int, second: int, old: bytes, new: bytes, proof: Sequence[bytes]) -> bool:
    """Whether the proof is one, by undoing `subproof` from its end."""
    if {len(one) for one in (old, new, *proof)} != {32}:
        return False
    if first == second >= 0:
        return not proof and old == new
    try:
        return 0 < first < second and _grown(first, second, old, proof, known=True) == (old, new)
    except IndexError:
        return False


def _rooted(leaf: bytes, index: int, size: int, proof: Sequence[bytes]) -> bytes:
    if size == 1:
        return leaf if not proof else b"too long"
    middle = split(size)
    if index < middle:
        return over(_rooted(leaf, index, middle, proof[:-1]), proof[-1])
    return over(proof[-1], _rooted(leaf, index - middle, size - middle, proof[:-1]))


def _grown(
    first: int, second: int, old: bytes, proof: Sequence[bytes], *, known: bool
) -> tuple[bytes, bytes]:
    if first == second:
        start = [old, *proof] if known else list(proof)
        return (start[0], start[0]) if len(start) == 1 else (b"", b"")
    middle = split(second)
    if first <= middle:
        left, right = _grown(first, middle, old, proof[:-1], known=known)
        return left, over(right, proof[-1])
    left, right = _grown(first - middle, second - middle, old, proof[:-1], known=False)
    return over(proof[-1], left), over(proof[-1], right)


def over(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


def split(size: int) -> int:
    """The largest power of two smaller than the size."""
    power = 1
    while power * 2 < size:
        power *= 2
    return power
