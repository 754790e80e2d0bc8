"""Attacks on readings: edited, dropped, sent again lower (reference/trust.md 2.9; R35)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tanji.trust.verify_report import State

from .. import mutants
from ..mutant_fields import OTHER_HASH, field, replaced
from ..world import MINUTE, T0, Tamper, build
from .judging import is_sound, judge, judge_world, rule

LINE = f"kiln1.coal.mass_flow {T0} 20.5 0"


def payload_path() -> str:
    return f"payload/{mutants.standard().labels['gw1:1']:012d}.lines"


def test_one_edited_reading_differs_from_its_seal(tmp_path: Path) -> None:
    members = mutants.standard().members()
    members[payload_path()] = replaced(LINE, LINE.replace("20.5", "19.885"))(members[payload_path()])
    report = judge(mutants.standard().listed(members), tmp_path)
    assert rule(report.integrity) == "payload-root"
    assert report.integrity.failure is not None and payload_path() in report.integrity.failure.where


def test_one_dropped_reading_is_missed_by_the_count(tmp_path: Path) -> None:
    members = mutants.standard().members()
    members[payload_path()] = replaced(f"{LINE}\n", "")(members[payload_path()])
    assert rule(judge(mutants.standard().listed(members), tmp_path).integrity) == "payload-count"


def test_three_percent_off_every_reading_needs_the_key_of_the_gateway(tmp_path: Path) -> None:
    """Who has it seals another history, which no cryptography can tell from a true one; who has not, is told."""
    members = mutants.standard().members()
    data = members[payload_path()]
    for value in ("20.5", "20.625", "20.75"):
        data = data.replace(f" {value} ".encode(), f" {float(value) * 0.97!r} ".encode())
    members[payload_path()] = data
    assert rule(judge(mutants.standard().listed(members), tmp_path).integrity) == "payload-root"


SECOND = f"kiln1.coal.mass_flow {T0} 19.5 0\n"


@pytest.mark.parametrize(
    ("target", "alter"),
    [
        ("payload gw1:1", lambda data: b"".join(sorted([*data.splitlines(keepends=True), SECOND.encode()]))),
        ("payload gw1:3", lambda data: SECOND.encode() + data),
        ("payload gw1:4", lambda data: data.replace(b" 19.0 4", b" 19.0 0")),
    ],
    ids=["same batch", "next batch", "late batch"],
)
def test_a_second_value_that_claims_to_be_the_first(target: str, alter: Tamper, tmp_path: Path) -> None:
    assert rule(judge_world(build(tamper={target: alter}), tmp_path).integrity) == "payload-first-value"


def test_a_lower_value_sent_again_is_sealed_and_changes_nothing(tmp_path: Path) -> None:
    """The late batch of the world holds one, with the flag; it is evidence of the attempt."""
    index = mutants.standard().labels["gw1:4"]
    assert f"kiln1.coal.mass_flow {T0} 19.0 4\n".encode() in mutants.sound()[f"payload/{index:012d}.lines"]
    assert is_sound(judge(mutants.sound(), tmp_path))


def test_a_failed_read_may_be_filled_once(tmp_path: Path) -> None:
    twice = f"kiln1.coal.mass_flow {T0 + MINUTE} 20.75 0\n"
    again = replaced(twice, twice + twice.replace("20.75", "20.875"))
    assert rule(judge_world(build(tamper={"payload gw1:4": again}), tmp_path).integrity) == "payload-first-value"


def test_a_payload_that_is_not_handed_over_is_incomplete_not_altered(tmp_path: Path) -> None:
    members = mutants.standard().members()
    del members[payload_path()]
    report = judge(mutants.standard().listed(members), tmp_path)
    assert report.integrity.state is State.OK
    assert rule(report.completeness) == "payload-missing"


def test_a_correction_of_another_batch_fails_without_its_payload_too(tmp_path: Path) -> None:
    """Whoever leaves the payload out does not keep the correction from being held against the log."""
    world = build(tamper={"correction": field("batch", OTHER_HASH)})
    members = world.members()
    del members[payload_path()]
    assert rule(judge(world.listed(members), tmp_path).integrity) == "correction-target"
