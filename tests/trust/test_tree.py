"""Merkle trees: every proof of every size to 256, roots by three ways, compact ranges (R35)."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanji.errors import TrustError
from tanji.trust.compact_range import CompactRange, prefix_hashes
from tanji.trust.tree import (
    EMPTY_ROOT,
    Tree,
    leaf_hash,
    node_hash,
    root_from_inclusion,
    root_of_hashes,
    root_of_lines,
    verify_consistency,
    verify_inclusion,
)

LARGEST = 256
"""Every proof of every size up to here: 65,792 of them."""

entries = st.lists(st.binary(max_size=80), max_size=70)


def by_definition(leaves: list[bytes]) -> bytes:
    """RFC 6962 section 2.1, word for word: the independent calculation of this file."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return sha256(b"\x00" + leaves[0]).digest()
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return sha256(b"\x01" + by_definition(leaves[:k]) + by_definition(leaves[k:])).digest()


def continued(size: int, hashes: tuple[bytes, ...], leaves: list[bytes]) -> bytes:
    """Root of a tree of which only the edge of its beginning and the leaf hashes after it are known."""
    edge = CompactRange(size, hashes)
    for digest in leaves:
        edge.append_hash(digest)
    return edge.root()


@pytest.fixture(scope="module")
def tree() -> Tree:
    grown = Tree()
    for number in range(LARGEST):
        assert grown.append(number.to_bytes(2, "big")) == number
    return grown


@given(entries)
def test_the_root_is_that_of_the_definition_by_every_way(leaves: list[bytes]) -> None:
    hashes = [leaf_hash(leaf) for leaf in leaves]
    wanted = by_definition(leaves)
    assert Tree(hashes).root() == wanted
    assert root_of_lines(leaves) == wanted
    assert root_of_hashes(hashes) == wanted
    assert continued(0, (), hashes) == wanted


@pytest.mark.parametrize("size", range(1, LARGEST + 1))
def test_every_inclusion_proof_verifies(tree: Tree, size: int) -> None:
    root = tree.root(size)
    for index in range(size):
        proof = tree.inclusion(index, size)
        verify_inclusion(index, size, tree.levels[0][index], proof, root)
        assert len(proof) <= (size - 1).bit_length()


@pytest.mark.parametrize("size", range(1, LARGEST + 1))
def test_every_consistency_proof_verifies(tree: Tree, size: int) -> None:
    root = tree.root(size)
    for old in range(1, size + 1):
        verify_consistency(old, size, tree.consistency(old, size), tree.root(old), root)


@pytest.mark.parametrize("size", range(LARGEST + 1))
def test_a_prefix_and_the_leaves_after_it_give_the_root(tree: Tree, size: int) -> None:
    for prefix in {0, size // 3, size // 2, size}:
        hashes = prefix_hashes(tree, prefix)
        assert len(hashes) == prefix.bit_count()
        assert continued(prefix, hashes, tree.levels[0][prefix:size]) == tree.root(size)


@given(entries, entries)
def test_a_compact_range_grows_like_the_tree(first: list[bytes], second: list[bytes]) -> None:
    grown = Tree(map(leaf_hash, first))
    edge = CompactRange(grown.size, prefix_hashes(grown, grown.size))
    for entry in second:
        grown.append(entry)
        edge.append_hash(leaf_hash(entry))
        assert edge.root() == grown.root()
    assert edge.hashes == prefix_hashes(grown, grown.size)


@given(st.lists(st.binary(max_size=8), min_size=1, max_size=70), st.data())
def test_a_proof_shows_no_other_leaf_at_no_other_place(leaves: list[bytes], data: st.DataObject) -> None:
    grown = Tree(map(leaf_hash, leaves))
    size, root = grown.size, grown.root()
    index = data.draw(st.integers(0, size - 1))
    proof = grown.inclusion(index, size)
    other = data.draw(st.integers(0, size + 3))
    digest = leaf_hash(data.draw(st.binary(max_size=8)))
    if other != index and grown.levels[0][index] not in grown.levels[0][other : other + 1]:
        with pytest.raises(TrustError):
            verify_inclusion(other, size, grown.levels[0][index], proof, root)
    if digest != grown.levels[0][index]:
        with pytest.raises(TrustError):
            verify_inclusion(index, size, digest, proof, root)


def test_a_proof_leads_to_its_root() -> None:
    left, right = leaf_hash(b"l"), leaf_hash(b"r")
    assert root_from_inclusion(0, 2, left, [right]) == node_hash(left, right)
    assert root_from_inclusion(1, 2, right, [left]) == node_hash(left, right)
    assert root_from_inclusion(0, 1, left, []) == left


def test_leaf_and_node_cannot_be_confused() -> None:
    left, right = leaf_hash(b"l"), leaf_hash(b"r")
    assert leaf_hash(left + right) != node_hash(left, right)
    assert leaf_hash(b"\x01" + left + right) != node_hash(left, right)


def test_questions_outside_the_tree_are_refused(tree: Tree) -> None:
    for ask in (
        lambda: tree.root(LARGEST + 1),
        lambda: tree.root(-1),
        lambda: tree.inclusion(5, 5),
        lambda: tree.inclusion(-1, 5),
        lambda: tree.inclusion(0, LARGEST + 1),
        lambda: tree.consistency(0, 5),
        lambda: tree.consistency(6, 5),
        lambda: tree.consistency(5, LARGEST + 1),
        lambda: prefix_hashes(tree, LARGEST + 1),
    ):
        with pytest.raises(TrustError, match="proof-form"):
            ask()


@pytest.mark.parametrize("size, hashes", [(1, ()), (0, (bytes(32),)), (3, (bytes(32),)), (1, (bytes(31),)), (-1, ())])
def test_an_edge_has_one_hash_for_every_bit_of_its_size(size: int, hashes: tuple[bytes, ...]) -> None:
    with pytest.raises(TrustError, match="proof-length"):
        CompactRange(size, hashes)


def test_the_empty_edge_is_the_empty_tree() -> None:
    assert CompactRange().root() == EMPTY_ROOT
