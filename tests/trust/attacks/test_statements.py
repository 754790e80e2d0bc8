"""Attacks on what is published: replayed, superseded in silence, computed from other things (R36, R47)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tanji.trust.canonical import encode64
from tanji.trust.policy import Anchor
from tanji.trust.tree import leaf_hash
from tanji.trust.verify_bundle import verify_bundle
from tanji.trust.verify_report import State

from .. import mutants
from ..mutant_fields import put, replaced, said
from ..world import World, build
from .judging import incomplete, is_sound, judge, judge_world, rule


def test_an_old_statement_is_not_the_current_one(tmp_path: Path) -> None:
    """It is still provable, and the report names the newest."""
    report = judge_world(mutants.standard(), tmp_path, statement="statement1")
    assert incomplete(report) == "complete-newest"
    assert report.facts.statement is not None
    assert (report.facts.statement.index, report.facts.statement.newest_index) == (19, 21)


def test_the_current_statement_names_those_it_replaced(tmp_path: Path) -> None:
    facts = judge(mutants.sound(), tmp_path).facts
    assert facts.statement is not None and facts.statement.superseded == (19,)
    assert facts.statement.reason == "corrected belt zero"


def test_a_second_statement_that_says_nothing_of_the_first(tmp_path: Path) -> None:
    world = build(tamper={"statement2": put(None, "supersedes")})
    assert rule(judge_world(world, tmp_path).integrity) == "statement-supersedes"


def test_a_statement_that_replaces_another_than_the_newest(tmp_path: Path) -> None:
    other = encode64(leaf_hash(mutants.standard().notes[3]))
    world = build(tamper={"statement2": put(other, "supersedes")})
    assert rule(judge_world(world, tmp_path).integrity) == "statement-supersedes"


def test_a_statement_kept_out_of_the_log_has_no_proof(tmp_path: Path) -> None:
    """Favourable statements alone: what is not logged cannot be shown, and whatever is logged is seen by everybody."""
    world = mutants.standard()
    aside = build(tamper={"statement2": put("49.000000", "results", 0, "activity")})
    members = world.members()
    members["statement.note"] = aside.notes[aside.labels["statement2"]]
    assert rule(judge(world.listed(members), tmp_path).integrity) == "proof-root"


@pytest.mark.parametrize(
    ("member", "change"),
    [
        ("factors.toml", b"factors = 0.97\n"),
        ("rulesets.toml", b"rules = 'easier'\n"),
        ("ledger.json", b'{"entries":[{"value":"21.0"}]}'),
    ],
)
def test_factors_rules_and_ledger_are_those_of_the_statement(member: str, change: bytes, tmp_path: Path) -> None:
    members = mutants.standard().members()
    members[member] = change
    report = judge(mutants.standard().listed(members), tmp_path)
    assert rule(report.integrity) == "statement-digest"
    assert report.integrity.failure is not None and report.integrity.failure.where == member


def test_another_plant_file_than_the_approved_one(tmp_path: Path) -> None:
    """A statement computed with a limit that nobody approved: digest and file agree, the log knows no such file."""

    def lenient(world: World) -> None:
        world.plant_file = world.plant_file.replace(b"45", b"95")

    world = build()
    lenient(world)
    supersedes = world.leaf_text("statement2")
    world.statement(3, status="final", supersedes=supersedes, reason="again")
    assert rule(judge_world(world, tmp_path, statement="statement3").integrity) == "statement-digest"


def test_inputs_that_are_not_those_fed_to_the_formulas(tmp_path: Path) -> None:
    members = mutants.standard().members()
    members["inputs.lines"] = replaced("20.5", "19.5")(members["inputs.lines"])
    assert rule(judge(mutants.standard().listed(members), tmp_path).integrity) == "statement-manifest"


def test_code_in_a_bundle_has_no_place(tmp_path: Path) -> None:
    """A method somebody brings along: there is no path for it, signed list or not."""
    members = {**mutants.sound(), "method.py": b"raise SystemExit(0)\n"}
    assert rule(judge(members, tmp_path).integrity) == "manifest-path"


def test_recomputation_is_never_asked_of_evidence_that_does_not_hold(tmp_path: Path) -> None:
    asked: list[Path] = []
    path = mutants.write_zip(tmp_path / "b.zip", {**mutants.sound(), "ledger.json": b"{}"})
    report = verify_bundle(path, anchor=Anchor.parse(mutants.standard().anchor()), recompute=asked.append)
    assert asked == [] and report.recomputation.state is State.UNDECIDED
    whole = mutants.write_zip(tmp_path / "c.zip", mutants.sound())
    report = verify_bundle(whole, anchor=Anchor.parse(mutants.standard().anchor()), recompute=asked.append)
    assert asked == [whole] and report.recomputation.state is State.OK


def test_a_statement_may_not_see_a_log_that_was_not_there_yet(tmp_path: Path) -> None:
    world = build(tamper={"statement2": put(22, "inputs", "size")})
    assert rule(judge_world(world, tmp_path).integrity) == "statement-inputs"


def test_the_same_figure_with_another_boundary_is_another_statement(tmp_path: Path) -> None:
    world = build(tamper={"statement2": said(lambda all: all.update(boundary="enterprise", supersedes=None,
                                                                             reason=""))})  # fmt: skip
    assert is_sound(judge_world(world, tmp_path))
