"""Attacks on the log: cut off, rewritten by everybody together, forked (reference/trust.md 2.9; R35)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tanji.errors import TrustError
from tanji.trust import checkpoint, note
from tanji.trust.canonical import encode64
from tanji.trust.checkpoint import Checkpoint
from tanji.trust.policy import Anchor
from tanji.trust.tree import Tree, leaf_hash
from tanji.trust.verify_log import verify_growth

from .. import mutants
from ..world import World, build
from .judging import is_sound, judge, judge_world, rule

LOWER = {"payload gw1:3": lambda data: data.replace(b" 20.5 ", b" 18.5 ")}
"""Gateway and platform sign one half hour anew, with less coal."""


def rewritten() -> World:
    return build(tamper=LOWER)


def proof(world: World, old: int, new: int) -> bytes:
    return "".join(f"{encode64(each)}\n" for each in world.tree.consistency(old, new)).encode()


def test_everybody_together_rewrites_the_end_and_who_remembers_nothing_accepts_it(tmp_path: Path) -> None:
    """The witness of this world signs whatever it is shown; a real one compares with what it signed before."""
    assert is_sound(judge_world(rewritten(), tmp_path))


def test_who_kept_an_older_checkpoint_sees_that_history_was_rewritten() -> None:
    world, policy = mutants.standard(), Anchor.parse(mutants.standard().anchor()).policy
    (_, _, early), (size, _, kept), *_ = world.kept
    _, _, forged = rewritten().kept[-1]
    with pytest.raises(TrustError, match="proof-root"):
        verify_growth(kept, forged, proof(rewritten(), size, 21), policy)
    verify_growth(early, forged, proof(rewritten(), 7, 21), policy)  # what lies before the change is the same


def test_a_kept_checkpoint_in_the_bundle_gives_a_rewritten_history_away(tmp_path: Path) -> None:
    world = rewritten()
    members = world.members()
    size, time_s, kept = mutants.standard().kept[1]
    members[f"checkpoints/{size:012d}-{time_s + 1}.note"] = kept
    assert rule(judge(world.listed(members), tmp_path).integrity) == "checkpoint-root"


def test_a_kept_checkpoint_from_before_the_bundle_proves_nothing_in_it(tmp_path: Path) -> None:
    world = mutants.standard()
    size, time_s, kept = world.kept[0]
    members = world.members(first=size + 1)
    members[f"checkpoints/{size:012d}-{time_s}.note"] = kept
    assert rule(judge(world.listed(members), tmp_path).integrity) == "checkpoint-size"


def test_a_log_that_was_cut_off_is_shorter_than_what_somebody_holds() -> None:
    policy = Anchor.parse(mutants.standard().anchor()).policy
    _, _, early = mutants.standard().kept[0]
    _, _, late = mutants.standard().kept[-1]
    with pytest.raises(TrustError, match="checkpoint-size"):
        verify_growth(late, early, b"", policy)


def test_a_log_cut_off_and_grown_again_is_another_one() -> None:
    world, policy = mutants.standard(), Anchor.parse(mutants.standard().anchor()).policy
    tree = Tree(world.tree.levels[0][:10])
    for number in range(15):
        tree.append_hash(leaf_hash(b"instead %d" % number))
    body = checkpoint.format(Checkpoint("demo.example/log", tree.size, tree.root()))
    grown = note.sign(body, world.keys.log) + note.cosign(body, world.keys.witness, time_s=1_772_400_000)
    size, _, kept = world.kept[1]
    hashes = "".join(f"{encode64(each)}\n" for each in tree.consistency(size)).encode()
    with pytest.raises(TrustError, match="proof-root"):
        verify_growth(kept, grown, hashes, policy)


def test_equal_sizes_need_equal_roots_and_no_hash() -> None:
    policy = Anchor.parse(mutants.standard().anchor()).policy
    (size, _, kept), (_, _, forged) = mutants.standard().kept[1], rewritten().kept[1]
    verify_growth(kept, kept, b"", policy)
    with pytest.raises(TrustError, match="proof-root"):
        verify_growth(kept, forged, b"", policy)
    with pytest.raises(TrustError, match="proof-length"):
        verify_growth(kept, kept, proof(mutants.standard(), 7, size), policy)


def test_checkpoints_of_two_logs_are_not_compared() -> None:
    world = mutants.standard()
    other = build(tamper={"checkpoint": lambda body: body.replace(b"demo.example/log\n", b"demo.example/logs\n")})
    with pytest.raises(TrustError, match="checkpoint-origin"):
        verify_growth(world.kept[0][2], other.kept[1][2], b"", Anchor.parse(world.anchor()).policy)
