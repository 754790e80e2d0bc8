"""`tanji bench`: what there is, one JSON object a line, a failed benchmark fails the command."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tanji.cli import bench
from tanji.cli.main import main
from tanji.errors import UsageError

MEASURE = "import json\ndef report(name, **line): print(json.dumps({'name': name} | line))\n"
GOOD = (
    "from measure import report\n"
    "report('quick', value=2.0, unit='s', peer='slow', peer_value=4.0, ratio=2.0, peak_rss_mb=7)\n"
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "measure.py").write_text(MEASURE)
    (tmp_path / "quick.py").write_text(GOOD)
    monkeypatch.setattr(bench, "BENCH", tmp_path)
    return tmp_path


def test_the_benchmarks_of_the_design_are_listed() -> None:
    wanted = {"compute_month", "late_reading", "recompute_year", "store_read"}
    wanted |= {"poll_modbus_2000", "poll_modbus_2000_stored", "sealer_ingest"}
    wanted |= {"note_sign", "note_verify", "tree_append", "tree_proof"}
    assert wanted <= set(bench.available())
    assert not {"measure", "modbus_plant", "demo_readings"} & set(bench.available())


@pytest.mark.parametrize("name", ["note_sign", "sealer_ingest", "fuzz_reports"])  # the last has options of its own
def test_asked_for_help_a_benchmark_says_what_it_measures_and_does_not_run(name: str) -> None:
    file = bench.BENCH / f"{name}.py"
    told = subprocess.run([sys.executable, file, "--help"], capture_output=True, text=True, check=False)
    about = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8")))
    assert about is not None and told.returncode == 0 and not told.stderr
    assert about.split()[:10] == told.stdout.split("\n\n", name == "fuzz_reports")[-1].split()[:10]
    assert "peak_rss_mb" not in told.stdout


@pytest.mark.usefixtures("folder")
def test_a_figure_is_one_json_object_a_line(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "quick", "--json"]) == 0
    figure = json.loads(capfd.readouterr().out)
    assert figure.keys() == {"name", "value", "unit", "peer", "peer_value", "ratio", "peak_rss_mb"}


@pytest.mark.usefixtures("folder")
def test_a_figure_for_a_person_has_unit_and_peer(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["bench"]) == 0
    assert capfd.readouterr().out.split() == ["quick", "2", "s", "2", "x", "slow", "(4)", "7", "MB"]


def test_a_failed_benchmark_fails_the_command_and_the_others_still_run(
    folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (folder / "broken.py").write_text("from measure import report\nraise SystemExit(1)\n")
    assert main(["bench"]) == 1
    out, err = capfd.readouterr()
    assert "quick" in out and "broken: failed with exit code 1" in err


def test_outside_a_checkout_there_are_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "BENCH", tmp_path)
    with pytest.raises(UsageError, match="part of the source checkout"):
        bench.available()
