"""The tree is RFC 6962's, its proofs prove, and nothing else does."""

from hashlib import sha256
from itertools import pairwise
from operator import attrgetter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.merkle import (
    EMPTY_ROOT,
    Frontier,
    NodesMissing,
    ProofRefused,
    Subtree,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_reader,
    root_of,
    verify_consistency,
    verify_inclusion,
)
from tests.ledger import naive
from tests.ledger.forgeries import consistencies, consistencies_near, inclusions, inclusions_near

# Inputs and roots of the trees of 1 to 8 of them: certificate-transparency, merkletree/merkle_tree_test.cc.
PUBLISHED = [
    ("", "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"),
    ("00", "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"),
    ("10", "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"),
    ("2021", "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"),
    ("3031", "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4"),
    ("40414243", "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef"),
    ("5051525354555657", "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"),
    ("606162636465666768696a6b6c6d6e6f", "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"),
]
LEAVES = [sha256(b"%d" % n).digest() for n in range(300)]
leaf_lists = st.lists(st.sampled_from(LEAVES), max_size=70)


class Store:
    """Leaves and complete subtrees as the database keeps them, and how often it was asked."""

    def __init__(self, leaves: list[bytes]) -> None:
        self.rows = {(0, index): leaf for index, leaf in enumerate(leaves)}
        self.rows |= {(tree.level, tree.index): tree.hash for tree in Frontier().extend(leaves)}
        self.reads = 0

    def read(self, level: int, first_index: int, count: int) -> list[bytes]:
        self.reads += 1
        places = [(level, index) for index in range(first_index, first_index + count)]
        return [self.rows[place] for place in places if place in self.rows]


def grown(leaves: list[bytes]) -> Frontier:
    frontier = Frontier()
    frontier.extend(leaves)
    return frontier


@pytest.mark.parametrize("size", range(1, 9))
def test_the_published_trees_have_their_published_roots(size: int):
    leaves = [leaf_hash(bytes.fromhex(data)) for data, _ in PUBLISHED[:size]]
    assert grown(leaves).root().hex() == PUBLISHED[size - 1][1]


def test_an_empty_tree_has_the_digest_of_nothing_for_its_root():
    assert Frontier().root() == EMPTY_ROOT == root_of(0, node_reader(Store([]).read)) == sha256().digest()


@settings(deadline=None, database=None)
@given(leaf_lists, st.lists(st.integers(0, 70), max_size=5))
def test_a_tree_is_the_same_however_its_leaves_came_in(leaves: list[bytes], cuts: list[int]):
    frontier = Frontier()
    edges = [0, *sorted(cuts), len(leaves)]
    for begin, end in pairwise(edges):
        frontier.extend(leaves[begin:end])
    assert (frontier.size, frontier.root()) == (len(leaves), naive.mth(leaves))


@settings(deadline=None, database=None)
@given(leaf_lists, st.data())
def test_a_stored_tree_proves_what_the_definitions_prove(leaves: list[bytes], data: st.DataObject):
    first = data.draw(st.integers(1, len(leaves) + 1)) if leaves else 1
    leaves = [*leaves, LEAVES[-1]]
    fetch = node_reader(Store(leaves).read)
    assert root_of(len(leaves), fetch) == naive.mth(leaves)
    assert inclusion_proof(first - 1, len(leaves), fetch) == naive.path(first - 1, leaves)
    assert consistency_proof(first, len(leaves), fetch) == naive.subproof(first, leaves)


@settings(deadline=None, database=None)
@given(leaf_lists, leaf_lists)
def test_a_restored_tree_goes_on_as_if_it_had_never_been_put_away(old: list[bytes], new: list[bytes]):
    restored = Frontier.restored(len(old), node_reader(Store(old).read))
    restored.extend(new)
    assert restored.root() == grown(old + new).root()


def test_each_complete_subtree_of_a_stored_level_is_told_once_whatever_the_batches():
    leaves = [sha256(b"%d" % n).digest() for n in range(2**16 + 2**9 + 7)]
    at_once = Frontier().extend(leaves)
    frontier, told = Frontier(), []
    for begin in range(0, len(leaves), 1_000):
        told += frontier.extend(leaves[begin : begin + 1_000])
    assert sorted(told, key=attrgetter("level", "index")) == at_once
    assert [(tree.level, tree.index) for tree in at_once] == [*((8, n) for n in range(258)), (16, 0)]
    assert at_once[257] == Subtree(8, 257, naive.mth(leaves[257 * 256 : 258 * 256]))
    assert at_once[258].hash == naive.mth(leaves[: 2**16])


def test_a_proof_of_a_large_tree_takes_few_reads_of_few_nodes():
    leaves = [sha256(b"%d" % n).digest() for n in range(2**16 + 2**9 + 7)]
    store = Store(leaves)
    fetch = node_reader(store.read)
    proof = inclusion_proof(40_000, len(leaves), fetch)
    assert proof == naive.path(40_000, leaves)
    # One for each of the 16 siblings below the large subtree, and one for each of the 4 peaks to its right.
    assert store.reads == 16 + 4
    root_of(len(leaves), fetch)
    assert store.reads == 20 + 1, "what was read for the proof is read again for the root"


def test_a_store_that_lost_a_node_gives_no_proof():
    store = Store(LEAVES)
    del store.rows[0, 5]
    with pytest.raises(NodesMissing):
        inclusion_proof(0, 300, node_reader(store.read))


def test_nothing_but_hashes_makes_a_tree():
    frontier = grown(LEAVES[:3])
    with pytest.raises(ValueError, match="32 bytes"):
        frontier.extend([LEAVES[3], b"short"])
    assert frontier.root() == naive.mth(LEAVES[:3])
    with pytest.raises(ValueError, match="3 leaves"):
        Frontier(3, LEAVES[:1])
    with pytest.raises(ValueError, match="32 bytes"):
        Frontier(1, [b"short"])


@pytest.mark.parametrize(("index", "size"), [(0, 0), (3, 3), (-1, 3)])
def test_a_leaf_that_is_not_there_has_no_proof(index: int, size: int):
    with pytest.raises(ValueError, match="none at"):
        inclusion_proof(index, size, node_reader(Store(LEAVES).read))


@pytest.mark.parametrize(("first", "second"), [(0, 3), (0, 0), (4, 3), (-1, 3)])
def test_no_proof_leads_from_nothing_or_back(first: int, second: int):
    with pytest.raises(ValueError, match="no proof"):
        consistency_proof(first, second, node_reader(Store(LEAVES).read))


def is_accepted(verify, claim) -> bool:
    try:
        verify(*claim)
    except ProofRefused:
        return False
    return True


def test_an_inclusion_is_believed_exactly_if_the_definition_bears_it_out():
    for right in inclusions():
        assert is_accepted(verify_inclusion, right), right
        for claim in inclusions_near(right):
            assert is_accepted(verify_inclusion, claim) == naive.includes(*claim), claim


def test_a_consistency_is_believed_exactly_if_the_definition_bears_it_out():
    for right in consistencies():
        assert is_accepted(verify_consistency, right), right
        for claim in consistencies_near(right):
            assert is_accepted(verify_consistency, claim) == naive.is_consistent(*claim), claim
