"""The report on a bundle: three verdicts, facts, what is there and what is not (R34, R36, R47)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tanji.cli.verify_text import as_json, text
from tanji.errors import EvidenceMissing, TrustError
from tanji.trust.policy import Anchor
from tanji.trust.verify_bundle import verify_bundle
from tanji.trust.verify_report import Corrected, Report, State, Stop

from . import mutants
from .world import T0, build


def report_on(folder: Path, members: dict[str, bytes] | None = None, **asked: object) -> Report:
    path = mutants.write_zip(folder / "bundle.zip", mutants.sound() if members is None else members)
    anchor = Anchor.parse(mutants.standard().anchor())
    return verify_bundle(path, anchor=anchor, **asked)  # type: ignore[arg-type]


def test_the_facts_of_the_standard_world(tmp_path: Path) -> None:
    facts = report_on(tmp_path).facts
    assert (facts.size, facts.batches, facts.readings, facts.in_period) == (22, 15, 35, 23)
    assert (facts.keyring, facts.plant_file) == (2, 2)
    assert facts.gateways == ("demo.example/gw1", "demo.example/gw2", "demo.example/lab")
    assert facts.pending_samples == ("old",)
    line = f"kiln1.coal.mass_flow {T0 + 20_000} 20.625 0"
    assert facts.corrections == (Corrected(20, line, line.replace("20.625", "20.125"), "belt zero was off by two"),)
    half = 30 * 60_000
    assert facts.stops[0] == Stop("demo.example/gw2", T0, T0 + 600_000, 1, "sealing was behind")
    assert [(each.from_ms, each.to_ms) for each in facts.stops[-2:]] == [(T0 + half, T0 + 2 * half)] * 2
    said = facts.statement
    assert said is not None and (said.total_co2_t, said.status, said.period) == ("51.250000", "final", "2026-03-01T08")


def test_a_report_has_all_of_it_in_words_and_in_json(tmp_path: Path) -> None:
    report = report_on(tmp_path)
    words = text(report)
    for word in (
        "51.250000 tCO2 (final)",
        "0.1 -> 0.097",
        "belt zero was off by two",
        "old",
        "weigher1",
        "69.5652% (16)",
    ):
        assert word in words
    assert as_json(report)["facts"]["statement"]["superseded"] == (19,)


def test_integrity_that_fails_leaves_the_other_questions_open(tmp_path: Path) -> None:
    report = report_on(tmp_path, {**mutants.sound(), "ledger.json": b"{}"})
    assert [each.state for each in (report.integrity, report.completeness, report.recomputation)] == [
        State.FAILED,
        State.UNDECIDED,
        State.UNDECIDED,
    ]
    assert report.completeness.failure is None
    assert report.exit_code == 1


def test_an_entry_that_is_not_there_cannot_be_decided_and_is_missing(tmp_path: Path) -> None:
    members = mutants.standard().members()
    del members["notes/000000000007.note"]
    report = report_on(tmp_path, mutants.standard().listed(members))
    assert (report.integrity.state, report.completeness.state) == (State.UNDECIDED, State.FAILED)
    assert report.integrity.failure == report.completeness.failure
    assert report.integrity.failure is not None and report.integrity.failure.rule == "complete-sequence"


def test_a_method_that_is_not_approved_cannot_be_decided(tmp_path: Path) -> None:
    def refuse(path: Path) -> None:
        raise EvidenceMissing("recompute-approved", where="method", expected="an approved digest", got="another")

    report = report_on(tmp_path, recompute=refuse)
    assert (report.recomputation.state, report.exit_code) == (State.UNDECIDED, 3)


def test_figures_that_do_not_follow_fail_recomputation_alone(tmp_path: Path) -> None:
    def differ(path: Path) -> None:
        raise TrustError("recompute-results", where="kiln1", expected="51.250000", got="52.000000")

    report = report_on(tmp_path, recompute=differ)
    assert (report.integrity.state, report.completeness.state) == (State.OK, State.OK)
    assert (report.recomputation.state, report.exit_code) == (State.FAILED, 1)


def test_the_enclosed_anchor_gives_a_sound_report_that_is_not_independent(tmp_path: Path) -> None:
    path = mutants.write_zip(tmp_path / "bundle.zip", mutants.sound())
    report = verify_bundle(path, anchor=None)
    assert report.exit_code == 0 and not report.independent
    assert text(report).startswith("trust anchor: from this bundle, NOT independent / 信任锚取自本文件包，非独立\n")


def test_a_bundle_may_begin_anywhere_before_the_first_used_entry(tmp_path: Path) -> None:
    """The prefix hashes stand for what is left out, at every size."""
    world = mutants.standard()
    for first in (0, 1, 2):
        assert report_on(tmp_path, world.listed(world.members(first=first))).exit_code == 0, first


def test_a_bundle_that_begins_too_late_is_incomplete(tmp_path: Path) -> None:
    world = mutants.standard()
    for first in (5, 6, 9):
        report = report_on(tmp_path, world.listed(world.members(first=first)))
        assert (report.integrity.state, report.completeness.state) == (State.OK, State.FAILED), first


def test_a_world_without_a_witness_says_so(tmp_path: Path) -> None:
    world = build(witnessed=False)
    path = mutants.write_zip(tmp_path / "bundle.zip", world.listed(world.members()))
    report = verify_bundle(path, anchor=Anchor.parse(world.anchor()))
    assert report.exit_code == 0
    assert "no witness" in text(report)


@pytest.mark.parametrize("processes", [1, 2])
def test_processes_do_not_change_a_report(processes: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tanji.trust.verify_payload.LARGE", 1)
    members = mutants.standard().members()
    assert report_on(tmp_path, processes=processes) == report_on(tmp_path, processes=1)
    for label in ("gw1:1", "gw1:5"):  # the first one in the log is told, whichever process finds its own first
        path = f"payload/{mutants.standard().labels[label]:012d}.lines"
        members[path] = members[path].replace(b" 20.5 ", b" 20.25 ")
    failure = report_on(tmp_path, mutants.standard().listed(members), processes=processes).integrity.failure
    assert failure is not None
    assert (failure.rule, failure.where) == ("payload-root", "payload/000000000005.lines")
