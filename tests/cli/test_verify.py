"""`tanji verify` as a command: exit codes, the first line, words, JSON, and what it needs to run at all (R34, R47)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tanji.cli.main import main
from tanji.trust import proof as proofs
from tanji.trust.canonical import encode64
from tanji.trust.rules import RULES
from tanji.trust.tree import Tree, leaf_hash

from ..trust import mutants
from ..trust.world import T0, World, build

NOT_INDEPENDENT = "trust anchor: from this bundle, NOT independent / 信任锚取自本文件包，非独立"
LINE = f"kiln1.coal.mass_flow {T0} 20.5 0"

ALONE = """
import sys
from importlib.abc import MetaPathFinder
class OnlyThis(MetaPathFinder):
    allowed = {*sys.stdlib_module_names, "tanji", "calc_jobs", "nacl", "cffi", "_cffi_backend"}
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] not in self.allowed:
            raise ModuleNotFoundError(f"not there: {name}", name=name)
sys.meta_path.insert(0, OnlyThis())
from tanji.cli.main import main
code = main(sys.argv[1:])
loaded = {name.partition(".")[0] for name in sys.modules} - OnlyThis.allowed
assert not any(name in loaded for name in ("numpy", "pyarrow", "pydantic", "yaml")), loaded
sys.exit(code)
"""
"""Runs the command where nothing else of third parties can be imported."""


@pytest.fixture(scope="module")
def world() -> World:
    return build()


@pytest.fixture
def folder(world: World, tmp_path: Path) -> Path:
    """A bundle, the folder it unpacks to, and the anchor."""
    world.write(tmp_path / "bundle.zip", mutants.standard().members())
    with zipfile.ZipFile(tmp_path / "bundle.zip") as archive:
        archive.extractall(tmp_path / "unpacked")
    (tmp_path / "anchor").write_bytes(world.anchor())
    return tmp_path


def run(*words: str | Path) -> int:
    return main(["verify", *map(str, words)])


def alone(*words: str | Path) -> subprocess.CompletedProcess[str]:
    root = Path(__file__).parents[2]
    return subprocess.run(
        [sys.executable, "-c", ALONE, "verify", *map(str, words)],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": str(root), "PYTHONIOENCODING": "utf-8"},
    )


def test_a_bundle_is_verified_where_only_pynacl_is_installed(folder: Path) -> None:
    done = alone("bundle", folder / "bundle.zip", "--anchor", folder / "anchor")
    assert done.returncode == 0, done.stderr
    assert "integrity" in done.stdout and "not checked" in done.stdout
    assert alone("recompute", folder / "bundle.zip", "--anchor", folder / "anchor").returncode == 3


def test_the_other_questions_need_no_more(folder: Path) -> None:
    proof = folder / "proof.txt"
    assert alone("disclose", folder / "bundle.zip", LINE, proof).returncode == 0
    anchor = ("--anchor", folder / "anchor")
    assert alone("point", LINE, proof, *anchor, "--keyring", folder / "bundle.zip").returncode == 0
    unpacked = folder / "unpacked"
    assert alone("statement", unpacked / "statement.note", unpacked / "statement.tlog-proof", *anchor).returncode == 0
    assert alone("batches", unpacked, *anchor).returncode == 0


def test_without_an_anchor_the_first_line_says_that_nothing_is_independent(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run("batches", folder / "unpacked")
    assert capsys.readouterr().out.splitlines()[0] == NOT_INDEPENDENT
    run("batches", folder / "unpacked", "--anchor", folder / "anchor")
    assert "NOT independent" not in capsys.readouterr().out


def test_a_failure_says_rule_where_expected_and_got_in_two_languages(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    members = {**mutants.sound(), "ledger.json": b"{}"}
    mutants.write_zip(folder / "altered.zip", members)
    assert run("bundle", folder / "altered.zip", "--anchor", folder / "anchor") == 1
    said = capsys.readouterr().out
    for word in ("manifest-size", RULES["manifest-size"].en, RULES["manifest-size"].zh, "ledger.json", "14 bytes"):
        assert word in said


def test_json_has_the_verdicts_apart(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("batches", folder / "unpacked", "--json") == 0
    said = json.loads(capsys.readouterr().out)
    assert said["independent"] is False and said["note"] == NOT_INDEPENDENT
    assert said["integrity"] == {"verdict": "ok", "failure": None, "why": ""}
    assert said["facts"]["batches"] == 15 and said["exit_code"] == 0


def test_wrong_use_is_2_and_no_material_is_3(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("bundle", folder / "nothing.zip") == 2
    assert run("bundle", folder / "bundle.zip", "--anchor", folder / "bundle.zip") == 2
    statement = folder / "alone.note"
    statement.write_bytes((folder / "unpacked" / "statement.note").read_bytes())
    proof = folder / "unpacked" / "statement.tlog-proof"
    assert run("statement", statement, proof) == 3
    assert run("statement", statement, proof, "--anchor", folder / "anchor") == 3
    assert run("statement", statement, proof, "--anchor", folder / "anchor", "--keyring", folder / "unpacked") == 0


def test_an_altered_reading_has_no_proof(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    proof, keyring = folder / "proof.txt", folder / "unpacked"
    assert run("disclose", folder / "bundle.zip", LINE, proof) == 0
    assert run("point", LINE, proof, "--anchor", folder / "anchor", "--keyring", keyring) == 0
    capsys.readouterr()
    assert run("point", LINE.replace("20.5", "19.9"), proof, "--anchor", folder / "anchor", "--keyring", keyring) == 1
    assert "proof-root" in capsys.readouterr().out
    assert run("disclose", folder / "bundle.zip", LINE.replace("20.5", "19.9"), proof) == 1


def test_a_log_is_the_continuation_of_the_one_somebody_remembers(
    world: World, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (size, _, old), *_, (_, _, new) = world.kept
    for name, data in (("old", old), ("new", new)):
        (folder / name).write_bytes(data)
    hashes = "".join(f"{encode64(each)}\n" for each in world.tree.consistency(size, 21))
    (folder / "proof").write_text(hashes)
    words = ("log", folder / "old", folder / "new", folder / "proof", "--anchor", folder / "anchor")
    assert run(*words) == 0
    proved = proofs.format(proofs.TlogProof(0, (), old))
    (folder / "old.tlog-proof").write_bytes(proved)
    (folder / "empty").mkdir()
    assert run("log", folder / "old.tlog-proof", *words[2:]) == 0
    assert run(*words[:3], folder / "empty", *words[4:]) == 3  # no log in there
    assert "proof-length" in capsys.readouterr().out
    rewritten = Tree(leaf_hash(b"rewritten %d" % index) for index in range(21))
    (folder / "proof").write_text("".join(f"{encode64(each)}\n" for each in rewritten.consistency(size, 21)))
    assert run(*words) == 1
    assert "proof-root" in capsys.readouterr().out
    assert run("log", folder / "new", folder / "old", folder / "proof", "--anchor", folder / "anchor") == 1
    assert "checkpoint-size" in capsys.readouterr().out
