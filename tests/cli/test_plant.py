"""`tanji plant`: exit codes, what goes where, and the way from a starter file to a point table."""

from __future__ import annotations

import argparse
import csv
import io
import json
from pathlib import Path

import pytest

from tanji.cli import plant as verb
from tanji.errors import PlantError, UsageError
from tanji.plant.digest import digest
from tanji.plant.load import load
from tanji.plant.schema import schema_text, starter_text

SAMPLE = Path(__file__).parents[2] / "provisioning" / "plants" / "demo.yaml"


def _run(*words: str) -> int:
    parser = argparse.ArgumentParser(prog="tanji")
    verb.register(parser.add_subparsers())
    return verb.run(parser.parse_args(["plant", *words]))


def test_a_starter_file_is_written_and_passes_the_check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "plant.yaml"
    assert _run("init", str(path)) == 0
    assert path.read_text(encoding="utf-8") == starter_text()
    assert (tmp_path / "plant.schema.json").read_text(encoding="utf-8") == schema_text()
    capsys.readouterr()
    assert _run("check", str(path)) == 0
    out, err = capsys.readouterr()
    assert not err
    for words in (
        "no fault found",
        "示例水泥厂",
        "gateway1",
        "3 points",
        "boundary clinker: kiln1.coal, kiln1.clinker",
    ):
        assert words in out


def test_a_plant_file_is_never_written_over(tmp_path: Path) -> None:
    path = tmp_path / "plant.yaml"
    path.write_text("mine", encoding="utf-8")
    with pytest.raises(UsageError, match="exists already"):
        _run("init", str(path))
    assert path.read_text(encoding="utf-8") == "mine"


def test_a_starter_file_can_go_to_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("init", "-") == 0
    assert capsys.readouterr().out == starter_text()


def test_findings_go_to_standard_error_with_exit_code_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "plant.yaml"
    path.write_text(
        starter_text().replace("kind: rate", "kind: rat").replace("unit: kWh", "unit: kwh"), encoding="utf-8"
    )
    assert _run("check", str(path)) == 2
    out, err = capsys.readouterr()
    assert not out
    assert "did you mean rate?" in err
    assert "did you mean kWh?" in err
    assert err.splitlines()[-1] == f"{path}: 2 findings"


def test_the_check_for_machines_is_one_json_object(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("check", str(SAMPLE), "--json") == 0
    summary = json.loads(capsys.readouterr().out)
    loaded = load(SAMPLE)
    assert summary["ok"] is True
    assert summary["digest"] == digest(loaded)
    assert sum(summary["points_per_device"].values()) == summary["points"] == len(loaded.points)
    (tmp_path / "plant.yaml").write_text("tanji: 1\n", encoding="utf-8")
    assert _run("check", str(tmp_path / "plant.yaml"), "--json") == 2
    found = json.loads(capsys.readouterr().out)
    assert found["ok"] is False
    assert {"file", "line", "key", "expected", "got"} == set(found["findings"][0])
    assert [finding["key"] for finding in found["findings"]] == ["site", "lines", "devices", "meters", "streams"]


def test_the_schema_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("schema") == 0
    assert capsys.readouterr().out == schema_text()


def test_listed_points_can_become_the_point_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("points", str(SAMPLE)) == 0
    table = capsys.readouterr().out
    assert len(list(csv.DictReader(io.StringIO(table)))) == len(load(SAMPLE).points)
    text = SAMPLE.read_text(encoding="utf-8")
    start, end = text.index("\npoints:") + 1, text.index("\nstreams:") + 1
    (tmp_path / "plant.yaml").write_text(text[:start] + "point_table: points.csv\n" + text[end:], encoding="utf-8")
    (tmp_path / "points.csv").write_text(table, encoding="utf-8")
    assert digest(load(tmp_path / "plant.yaml")) == digest(load(SAMPLE))


def test_points_of_a_bad_file_are_not_listed(tmp_path: Path) -> None:
    (tmp_path / "plant.yaml").write_text("tanji: 1\n", encoding="utf-8")
    with pytest.raises(PlantError):
        _run("points", str(tmp_path / "plant.yaml"))


@pytest.mark.parametrize(
    "words", [["plant"], ["plant", "check"], ["plant", "schema"], ["plant", "init"], ["plant", "points"]]
)
def test_help_has_an_example(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    parser = argparse.ArgumentParser(prog="tanji")
    verb.register(parser.add_subparsers())
    with pytest.raises(SystemExit) as stopped:
        parser.parse_args([*words, "--help"])
    assert stopped.value.code == 0
    assert "example: tanji plant" in capsys.readouterr().out
