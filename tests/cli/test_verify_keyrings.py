"""`tanji verify statement|point` with keyrings of the verifier's own: which do, what is in dispute (R33, R47)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tanji.cli.main import main
from tanji.trust import note

from ..trust import mutants
from ..trust.mutant_fields import replaced
from ..trust.world import T0, World, build
from ..trust.world_keys import key_lines
from ..trust.world_revoked import REVOKING, ended, handed_over, revoked

LINE = f"kiln1.coal.mass_flow {T0 + 2_400_000} 20.5 0"
"""Of gw1's batch 5."""


def laid_out(folder: Path, world: World, members: dict[str, bytes], *, anchor: str, by_version: bool = False) -> None:
    """Statement and proof, the anchor, and keyrings as a bundle has them or as an institute keeps them."""
    (folder / "anchor").write_bytes(world.anchor(anchor))
    for path in ("statement.note", "statement.tlog-proof"):
        (folder / path).write_bytes(members[path])
    mutants.write_zip(folder / "bundle.zip", members)
    notes = sorted(path for path in members if path.startswith("keyring/") and path.endswith(".note"))
    (folder / "keyring").mkdir(exist_ok=not by_version)
    for version, path in enumerate(notes, 1):
        (folder / (f"keyring-{version}.note" if by_version else path)).write_bytes(members[path])
    if by_version:
        (folder / "keyring").rmdir()


@pytest.fixture
def judge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """What `tanji verify` says of a statement or a reading in the folder."""
    monkeypatch.chdir(tmp_path)

    def ask(*words: str) -> dict[str, Any]:
        capsys.readouterr()
        said = words or ("statement", "statement.note", "statement.tlog-proof")
        main(["verify", *said, "--anchor", "anchor", "--json"])
        found: dict[str, Any] = json.loads(capsys.readouterr().out)
        return found

    return ask


def rule(said: dict[str, Any]) -> tuple[int, str]:
    failure = said["integrity"]["failure"]
    return said["exit_code"], "" if failure is None else failure["rule"]


@pytest.mark.parametrize("by_version", [True, False])
def test_a_statement_under_a_key_that_a_hidden_keyring_ended_is_not_decided(
    by_version: bool, tmp_path: Path, judge: Any
) -> None:
    world = revoked(obeys=False)
    hidden, shown = (handed_over(world, hides=hides) for hides in (True, False))
    laid_out(tmp_path, world, hidden, anchor="", by_version=by_version)
    assert rule(judge()) == (0, ""), "what the line is there for"
    laid_out(tmp_path, world, hidden, anchor=f"2 {REVOKING}", by_version=by_version)
    assert rule(judge()) == (3, "complete-keyring")
    laid_out(tmp_path, world, shown, anchor=f"2 {REVOKING}", by_version=by_version)
    assert rule(judge())[1] == "note-unknown-key"


def test_a_statement_from_before_the_keyring_holds_and_says_so(tmp_path: Path, judge: Any) -> None:
    laid_out(tmp_path, mutants.standard(), dict(mutants.sound()), anchor="3 22")
    said = judge()
    assert rule(said) == (0, "")
    assert (said["facts"]["keyring"], said["facts"]["named_keyring"]) == (2, {"version": 3, "index": 22})


def ended_behind(until: int) -> World:
    """The standard world and a third keyring behind its last statement, index 21, which ends the preparer's key."""
    made = build()
    made.keyring(ended(key_lines(made.keys, rotated=True), made.keys, "prepare", until))
    made.preparer = "prepare_next"
    return made


def test_a_statement_in_dispute_holds_and_says_so(
    tmp_path: Path, judge: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    made = ended_behind(18)
    laid_out(tmp_path, made, made.listed(made.members()), anchor="3 22")
    said = judge()
    assert rule(said) == (0, "")
    (row,) = said["facts"]["disputed_notes"]
    assert (row["index"], row["key"], row["until"]) == (21, "demo.example/prepare", 18)
    main(["verify", "statement", "statement.note", "statement.tlog-proof", "--anchor", "anchor"])
    out = capsys.readouterr().out
    assert "存疑" in out and "the anchor names keyring 3, in the log by index 22" in out


@pytest.mark.parametrize(("until", "expected"), [(18, (3, "note-unknown-key")), (21, (0, ""))])
def test_keyrings_named_by_version_do_not_decide_what_is_in_dispute(
    until: int, expected: tuple[int, str], tmp_path: Path, judge: Any
) -> None:
    """They do not say where in the log they are: the key may have been ended before the statement, or after it."""
    made = ended_behind(until)
    laid_out(tmp_path, made, made.listed(made.members()), anchor="", by_version=True)
    assert rule(judge()) == expected


def test_a_key_that_no_keyring_knows_fails_whatever_the_files_are_named(tmp_path: Path, judge: Any) -> None:
    """The statement is signed by the laboratory in the preparer's place."""
    keys = mutants.standard().keys
    made = build(tamper={"signed statement2": lambda entry: note.sign(note.split(entry)[0], keys.lab, keys.approve)})
    laid_out(tmp_path, made, made.listed(made.members()), anchor="", by_version=True)
    assert rule(judge()) == (1, "note-unknown-key")


def test_a_reading_in_dispute_holds_and_says_so(tmp_path: Path, judge: Any) -> None:
    """gw1's key ends at 3; its batch 5 was sealed before anybody said so."""
    end = replaced(r"^(key gateway demo\.example/gw1\S* 0) -", r"\1 3", regex=True)
    made = build(tamper={"keyring2": end}, leave_out=frozenset({"gw1:6"}))
    laid_out(tmp_path, made, made.listed(made.members()), anchor="")
    assert main(["verify", "disclose", "bundle.zip", LINE, "proof.txt"]) == 0
    said = judge("point", LINE, "proof.txt")
    assert rule(said) == (0, "")
    (row,) = said["facts"]["disputed"]
    assert (row["gateway"], row["first_seq"], row["last_seq"]) == ("demo.example/gw1", 5, 5)
