"""Attacks on the chain of batches: dropped, swapped, repeated, hours left out (reference/trust.md 2.9)."""

from __future__ import annotations

from pathlib import Path

from tanji.trust.verify_report import State

from .. import mutants
from ..mutant_fields import field, put
from ..world import HOUR, MINUTE, T0, World, build
from .judging import incomplete, judge, judge_world, rule


def swapped(world: World, one: str, other: str) -> dict[str, bytes]:
    members = world.members()
    paths = [f"notes/{world.labels[label]:012d}.note" for label in (one, other)]
    members[paths[0]], members[paths[1]] = members[paths[1]], members[paths[0]]
    return members


def test_a_dropped_batch_note_leaves_a_gap_in_the_log(tmp_path: Path) -> None:
    """Without it nobody can say whether the rest is the log that was signed."""
    members = mutants.standard().members()
    del members[f"notes/{mutants.standard().labels['gw1:1']:012d}.note"]
    report = judge(mutants.standard().listed(members), tmp_path)
    assert report.integrity.state is State.UNDECIDED
    assert rule(report.completeness) == "complete-sequence"
    assert report.exit_code == 1


def test_two_swapped_batches_are_another_log(tmp_path: Path) -> None:
    members = swapped(mutants.standard(), "gw1:1", "gw2:1")
    assert rule(judge(mutants.standard().listed(members), tmp_path).integrity) == "checkpoint-root"


def test_a_batch_left_out_by_the_gateway_itself_is_a_gap_in_its_sequence(tmp_path: Path) -> None:
    """The keys and the log collude: every signature and the root are good."""
    world = build(tamper={"gw1:6": field("seq", "7")})
    assert incomplete(judge_world(world, tmp_path)) == "complete-sequence"


def test_a_statement_that_counts_the_gap_in_does_not_close_it(tmp_path: Path) -> None:
    """Preparer and approver collude too: first and last number are those of the log, only the one between is not."""
    owned_up = put(7, "inputs", "gateways", 0, "last_seq")
    world = build(tamper={"gw1:6": field("seq", "7"), "statement2": owned_up})
    report = judge_world(world, tmp_path)
    assert incomplete(report) == "complete-sequence"
    assert report.completeness.failure is not None and report.completeness.failure.expected.endswith("seq 6")


def test_an_hour_left_out_by_whoever_has_the_keys_is_a_hole_in_time(tmp_path: Path) -> None:
    world = build(tamper={"gw1:3": field("from", str(T0 + 12 * MINUTE))})
    report = judge_world(world, tmp_path)
    assert incomplete(report) == "complete-time"
    assert report.completeness.failure is not None and "gw1" in report.completeness.failure.where


def test_eight_hours_in_one_empty_batch_have_to_say_why(tmp_path: Path) -> None:
    late = T0 + HOUR + 8 * HOUR
    world = build(tamper={"gw2:4": field("to", str(late))})
    assert rule(judge_world(world, tmp_path).integrity) == "batch-hole"


def test_a_sequence_number_is_not_used_twice(tmp_path: Path) -> None:
    assert rule(judge_world(build(tamper={"gw1:1": field("seq", "0")}), tmp_path).integrity) == "batch-sequence"


def test_a_batch_of_another_history_does_not_fit_the_chain(tmp_path: Path) -> None:
    other = build(tamper={"payload gw1:0": lambda data: data.replace(b"20.5", b"19.5")})
    stranger = other.notes[other.labels["gw1:1"]]
    world = build(tamper={"signed gw1:1": lambda _: stranger})
    assert rule(judge_world(world, tmp_path).integrity) == "batch-prev"
