"""How an attack is judged: the bundle that comes of it, under the anchor the verifier has from before."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tanji.trust.policy import Anchor
from tanji.trust.verify_bundle import verify_bundle
from tanji.trust.verify_report import Report, State, Verdict

from .. import mutants
from ..world import World


def judge(members: Mapping[str, bytes], folder: Path, *, anchor: bytes | None = None) -> Report:
    """The report on members with their list. anchor : None takes that of the world nothing was done to."""
    path = mutants.write_zip(folder / "bundle.zip", members)
    return verify_bundle(
        path, anchor=Anchor.parse(mutants.standard().anchor() if anchor is None else anchor), processes=1
    )


def judge_world(world: World, folder: Path, *, statement: str = "statement2", anchor: bytes | None = None) -> Report:
    """The report on the bundle of a world."""
    return judge(world.listed(world.members(statement=statement)), folder, anchor=anchor)


def rule(verdict: Verdict) -> str:
    """The rule by which a question failed."""
    assert verdict.state is State.FAILED and verdict.failure is not None, verdict
    return verdict.failure.rule


def is_sound(report: Report) -> bool:
    """Whether nothing failed."""
    return report.integrity.state is State.OK and report.completeness.state is State.OK and report.exit_code == 0


def incomplete(report: Report) -> str:
    """The rule by which completeness alone failed."""
    assert report.integrity.state is State.OK, report.integrity
    assert report.exit_code == 1
    return rule(report.completeness)
