"""The mutant matrix: every field of every note and every member, altered in three ways, and the rule that says so."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tanji.trust.policy import Anchor
from tanji.trust.rules import RULES
from tanji.trust.verify_bundle import verify_bundle
from tanji.trust.verify_report import Report, State

from . import mutants
from .mutant_fields import INTEGRITY
from .mutants import Mutant


def judged(mutant: Mutant, path: Path) -> Report:
    return verify_bundle(
        mutants.write_zip(path, mutant.members), anchor=Anchor.parse(mutants.standard().anchor()), processes=1
    )


def wrong(mutant: Mutant, report: Report) -> str | None:
    """What is not as the mutant says, if anything."""
    verdict = report.integrity if mutant.question == INTEGRITY else report.completeness
    if verdict.state is not State.FAILED or verdict.failure is None:
        return f"{mutant.name}: nothing failed"
    failure = verdict.failure
    if failure.rule not in RULES or not failure.where or not failure.expected or not failure.got:
        return f"{mutant.name}: {failure}"
    if mutant.rule is not None and failure.rule != mutant.rule:
        return f"{mutant.name}: expected {mutant.rule}, got {failure}"
    if mutant.question != INTEGRITY and report.integrity.state is not State.OK:
        return f"{mutant.name}: integrity fails too"
    return None if report.exit_code == 1 else f"{mutant.name}: exit code {report.exit_code}"


def test_the_world_that_nothing_was_done_to_holds(tmp_path: Path) -> None:
    report = judged(Mutant("sound", mutants.sound(), None), tmp_path / "b.zip")
    assert (report.integrity.state, report.completeness.state, report.exit_code) == (State.OK, State.OK, 0)


@pytest.mark.parametrize("family", [mutants.as_they_are, mutants.listed_anew, mutants.logged_anew, mutants.signed_anew])
def test_every_mutant_fails_by_its_own_rule(family: Callable[[], Iterator[Mutant]], tmp_path: Path) -> None:
    found = [wrong(mutant, judged(mutant, tmp_path / "b.zip")) for mutant in family()]
    assert len(found) > 15
    assert [each for each in found if each] == []
