"""Attacks on time: unplugged and sealed again later, back-dated (reference/trust.md 2.9; R35)."""

from __future__ import annotations

from pathlib import Path

from tanji.cli.verify_text import text

from .. import mutants
from ..mutant_fields import field
from ..world import HOUR, T0, build
from .judging import judge, judge_world


def test_what_was_first_witnessed_late_is_counted(tmp_path: Path) -> None:
    """Of 35 readings of the world, 16 lie in the period and were in no checkpoint before 03:00.

    Those are the six of 00:10 (gw1:3), three of the late batch, six of 00:40 (gw1:5), and the belt's zero (gw1:2): all
    older than 01:00. The first batches had been seen at 00:10.
    """
    facts = judge(mutants.sound(), tmp_path).facts
    assert (facts.readings, facts.late) == (35, 16)


def test_an_unplugged_tail_that_is_sealed_again_later_is_late(tmp_path: Path) -> None:
    """Without the checkpoint of ten past, everything before 01:00 was first seen at 03:00 or later."""
    world = build()
    del world.kept[0]
    facts = judge_world(world, tmp_path).facts
    assert facts.late == 23  # gw1:1 with six readings and gw2:1 with one more


def test_the_times_of_witnesses_are_told(tmp_path: Path) -> None:
    report = judge(mutants.sound(), tmp_path)
    assert [each.size for each in report.facts.witness_times] == [7, 19, 21, 22]
    assert "2026-03-01T00:10:00Z" in text(report)


def test_a_gateway_cannot_seal_before_what_a_witness_has_seen(tmp_path: Path) -> None:
    """It can write any time into `sealed`; the witness's is what counts, and it stands beside it in the report."""
    world = build(tamper={"gw1:6": field("sealed", str(T0 - HOUR))})
    report = judge_world(world, tmp_path)
    assert report.exit_code == 0
    assert (
        min(each.time_s for each in report.facts.witness_times if each.size > world.labels["gw1:6"]) * 1000 > T0 + HOUR
    )


def test_without_a_witness_nobody_can_say_and_the_report_does(tmp_path: Path) -> None:
    world = build(witnessed=False)
    report = judge_world(world, tmp_path, anchor=world.anchor())
    assert report.facts.late is None and report.facts.witness_times == ()
    assert any("no witness" in remark and "无外部见证" in remark for remark in report.facts.remarks)


def test_times_beyond_any_calendar_are_told_as_numbers(tmp_path: Path) -> None:
    """Signed by a witness and by a gateway; a report that fell over them would be a report that nobody reads."""
    world = build(tamper={"gw1:6": lambda body: field("to", str(2**62))(body) + b"reason for ever\n"})
    world.checkpoint(time_s=999_999_999_999)
    report = judge_world(world, tmp_path)
    assert report.exit_code == 0
    assert "999999999999 s since 1970" in text(report) and f"{2**62 // 1000} s since 1970" in text(report)
