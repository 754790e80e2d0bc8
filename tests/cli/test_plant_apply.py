"""`tanji plant plan | apply | drift`: what follows from a plant file is shown, written, compared (DESIGN section 5)."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tanji.cli.main import main

CASE = Path(__file__).parents[1] / "telegraf" / "testcases"


@pytest.fixture
def plant(tmp_path: Path) -> Path:
    source = sorted(CASE.glob("*/plant.yaml"))[0]
    shutil.copytree(source.parent, tmp_path / "case")
    return tmp_path / "case" / "plant.yaml"


def words(verb: str, plant: Path, *more: str) -> list[str]:
    return ["plant", verb, str(plant), "--out", str(plant.parent / "etc"), *more]


def test_the_plan_shows_and_writes_nothing(plant: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words("plan", plant)) == 0
    shown = capsys.readouterr().out
    assert "+++ " in shown and "+[[inputs." in shown
    assert not (plant.parent / "etc").exists()


def test_what_is_applied_is_what_is_printed_and_drifts_when_touched(
    plant: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["plant", "telegraf", str(plant)]) == 0
    printed = capsys.readouterr().out
    written = plant.parent / "etc" / "telegraf.conf"

    assert main(words("drift", plant)) == 1 and "absent" in capsys.readouterr().out
    assert main(words("apply", plant)) == 0 and "written" in capsys.readouterr().out
    assert written.read_text(encoding="utf-8") == printed
    assert [path.name for path in written.parent.iterdir()] == ["telegraf.conf"]
    assert main(words("drift", plant)) == 0 and "unchanged" in capsys.readouterr().out
    assert main(words("plan", plant)) == 0 and capsys.readouterr().out == "nothing to change\n"
    assert main(words("apply", plant)) == 0 and "unchanged" in capsys.readouterr().out

    written.write_text(printed + "# by hand\n", encoding="utf-8")
    assert main(words("drift", plant, "--json")) == 1
    (file,) = json.loads(capsys.readouterr().out)["files"]
    assert file["state"] == "other" and file["path"] == str(written)


def test_a_directory_that_cannot_be_is_named(plant: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (plant.parent / "etc").write_text("a file", encoding="utf-8")
    assert main(words("apply", plant)) == 2
    assert "telegraf.conf: cannot be written" in capsys.readouterr().err
