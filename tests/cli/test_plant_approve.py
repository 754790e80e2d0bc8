"""`tanji plant approve`: what changed, old value and new, and the note under two signatures (R33, R34)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tanji.cli.keys_setup import set_up
from tanji.cli.main import main
from tanji.plant.load import load

MINIMAL = (Path(__file__).parents[1] / "plant" / "golden" / "good" / "minimal.yaml").read_text(encoding="utf-8")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "plant.yaml"
    path.write_text(MINIMAL.replace("streams:\n", "trust: {origin: p1.example}\nstreams:\n", 1), encoding="utf-8")
    trust = load(path).trust
    assert trust is not None
    set_up(trust, plant_id="p1", data_dir=tmp_path / "data")
    return path


def approve(file: Path, *more: str) -> int:
    return main(["plant", "approve", str(file), "--data", str(file.parent / "data"), *more])


def test_the_first_note_is_signed_and_the_second_time_there_is_nothing_to_do(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert approve(file, "--dry-run") == 1
    assert not (file.parent / "data" / "keys" / "plant-1.note").exists()
    assert approve(file) == 0
    assert "version 1, signed by preparer and approver" in capsys.readouterr().out
    assert approve(file, "--dry-run") == 0
    assert "approved already" in capsys.readouterr().err


def test_a_change_is_told_with_the_old_value_and_the_new(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert approve(file) == 0
    file.write_text(file.read_text(encoding="utf-8").replace("scale: 0.1", "scale: 0.097"), encoding="utf-8")
    capsys.readouterr()
    assert approve(file) == 0
    assert capsys.readouterr().out.splitlines()[0] == "points.kiln1.clinker.mass.scale: 0.1 -> 0.097"
    assert approve(file, "--json") == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["version"], said["signed"]) == (2, False)


def test_without_the_keys_it_says_which_file_is_missing(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (file.parent / "data" / "keys" / "approve.key").unlink()
    assert approve(file) != 0
    assert "approve.key" in capsys.readouterr().err


def test_a_plant_without_the_section_has_nothing_to_approve(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "plant.yaml"
    path.write_text(MINIMAL, encoding="utf-8")
    assert approve(path) == 2
    assert "section `trust`" in capsys.readouterr().err
