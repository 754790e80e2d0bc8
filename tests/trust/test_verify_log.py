"""The log as a bundle shows it: roots and proofs from a prefix, times of witnesses, growth between two heads (R35)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tanji.trust.canonical import encode64
from tanji.trust.compact_range import CompactRange, prefix_hashes
from tanji.trust.policy import Anchor
from tanji.trust.tree import Tree, leaf_hash, verify_inclusion
from tanji.trust.verify_log import LogPart, first_seen, verify_growth
from tanji.trust.verify_report import WitnessTime

from . import mutants


def part(size: int, first: int) -> tuple[Tree, LogPart]:
    """A log of `size` entries, shown from `first` on."""
    notes = [b"entry %d" % index for index in range(size)]
    tree = Tree(map(leaf_hash, notes))
    edge = CompactRange(first, prefix_hashes(tree, first))
    edges = [edge.hashes]
    for note in notes[first:]:
        edge.append_hash(leaf_hash(note))
        edges.append(edge.hashes)
    leaves = tuple(map(leaf_hash, notes[first:]))
    return tree, LogPart(first, tuple(notes[first:]), leaves, tuple(edges))


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_every_root_and_proof_from_a_prefix_is_that_of_the_whole_tree(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 140))
    first = data.draw(st.integers(0, size - 1))
    tree, log = part(size, first)
    at = data.draw(st.integers(first, size))
    assert log.root(at) == tree.root(at)
    index = data.draw(st.integers(first, size - 1))
    assert log.inclusion(index) == tree.inclusion(index)
    verify_inclusion(index, size, log.leaf(index), log.inclusion(index), tree.root())


def test_an_entry_was_first_seen_when_the_log_was_first_seen_that_large() -> None:
    seen = first_seen([WitnessTime(5, "a", 100), WitnessTime(5, "b", 90), WitnessTime(9, "a", 200)])
    assert [seen.time_s(index) for index in (0, 4, 5, 8, 9)] == [90, 90, 200, 200, None]


def test_a_larger_log_that_was_seen_earlier_counts_for_what_is_below_it() -> None:
    """Clocks of two witnesses differ; who saw entry 8 also saw entry 4."""
    seen = first_seen([WitnessTime(5, "a", 300), WitnessTime(9, "b", 200)])
    assert [seen.time_s(index) for index in (4, 8)] == [200, 200]


def test_nothing_is_seen_without_a_witness() -> None:
    assert first_seen([]).time_s(0) is None


@pytest.mark.parametrize(("old", "new"), [(0, 0), (0, 1), (0, 2), (1, 2), (2, 2)])
def test_kept_checkpoints_of_one_log_continue_each_other(old: int, new: int) -> None:
    world, policy = mutants.standard(), Anchor.parse(mutants.standard().anchor()).policy
    (before, _, early), (after, _, late) = world.kept[old], world.kept[new]
    hashes = world.tree.consistency(before, after)
    proof = "".join(f"{encode64(each)}\n" for each in hashes).encode()
    assert verify_growth(early, late, proof, policy)[1].size == after
