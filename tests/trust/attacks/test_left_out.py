"""What is left out fails completeness and not integrity: nothing that is there was altered (R36, R47)."""

from __future__ import annotations

from pathlib import Path

from tanji.trust.verify_report import State

from .. import mutants
from ..mutant_fields import put, said
from ..world import MINUTE, T0, build
from .judging import incomplete, is_sound, judge, judge_world


def test_a_gateway_left_out_of_the_statement(tmp_path: Path) -> None:
    world = build(tamper={"statement2": said(lambda all: all["inputs"]["gateways"].pop(1))})
    report = judge_world(world, tmp_path)
    assert incomplete(report) == "complete-gateway"
    assert report.completeness.failure is not None and report.completeness.failure.where == "demo.example/gw2"


def test_a_gateway_that_never_sealed(tmp_path: Path) -> None:
    world = build(leave_out=frozenset(f"gw2:{seq}" for seq in range(5)))
    assert incomplete(judge_world(world, tmp_path)) == "complete-gateway"


def test_the_end_of_a_period(tmp_path: Path) -> None:
    world = build(leave_out=frozenset({"gw1:6", "gw1:5"}))
    assert incomplete(judge_world(world, tmp_path)) == "complete-time"


def test_the_beginning_of_a_period(tmp_path: Path) -> None:
    """The bundle begins after the first batches; the statement says it used them."""
    members = mutants.standard().members(first=mutants.standard().labels["gw1:2"])
    assert incomplete(judge(mutants.standard().listed(members), tmp_path)) == "complete-sequence"


def test_a_sample_without_a_result(tmp_path: Path) -> None:
    """Taken and sealed within the period, then forgotten; a final statement has to account for it."""
    answer = f"result S-1 kiln1_coal.net_calorific_value {T0} {T0 + 60 * MINUTE} 22.5 as_received\n".encode()
    world = build(tamper={"payload lab:2": lambda data: data.replace(answer, b"")})
    report = judge_world(world, tmp_path)
    assert incomplete(report) == "complete-sample"
    assert report.completeness.failure is not None and report.completeness.failure.where == "S-1"


def test_a_provisional_statement_only_lists_samples_without_a_result(tmp_path: Path) -> None:
    answer = f"result S-1 kiln1_coal.net_calorific_value {T0} {T0 + 60 * MINUTE} 22.5 as_received\n".encode()
    tamper = {"payload lab:2": lambda data: data.replace(answer, b""), "statement2": put("provisional", "status")}
    report = judge_world(build(tamper=tamper), tmp_path)
    assert report.completeness.state is State.OK
    assert report.facts.pending_samples == ("S-1", "old")


def test_a_sample_that_was_left_out_when_it_was_taken_stays_unknown_to_everybody(tmp_path: Path) -> None:
    """What cannot be seen: a sample of which nothing was ever sealed. That is why ids are sealed when it is taken."""
    taken = f"sample S-2 {T0 + 25 * MINUTE}\n".encode()
    world = build(tamper={"payload lab:1": lambda data: data.replace(taken, b"")})
    assert is_sound(judge_world(world, tmp_path))


def test_the_newest_statement(tmp_path: Path) -> None:
    report = judge_world(mutants.standard(), tmp_path, statement="statement1")
    assert incomplete(report) == "complete-newest"
    assert report.facts.statement is not None and report.facts.statement.newest_index == 21


def test_the_laboratory(tmp_path: Path) -> None:
    world = build(tamper={"statement2": said(lambda all: all["inputs"]["gateways"].pop(2))})
    assert incomplete(judge_world(world, tmp_path)) == "complete-gateway"
