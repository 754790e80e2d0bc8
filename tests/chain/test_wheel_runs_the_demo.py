"""The wheel, installed into an empty virtual environment elsewhere, runs the demo over real sockets."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
DAYS, LIVE_S = 2, 3


def pinned() -> str:
    """The locked versions as constraints; hashes are checked by `make setup`, the wheel itself has none in the file."""
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    return "\n".join(re.findall(r"^[a-z0-9_.\-]+==[^ \\]+", lock, re.MULTILINE)) + "\n"


def call(*command: str | Path, cwd: Path) -> str:
    """Run a command away from the checkout; its output, or a failure that shows what it said."""
    clean = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    done = subprocess.run(
        [str(word) for word in command], cwd=cwd, env=clean, capture_output=True, text=True, timeout=500
    )
    assert done.returncode == 0, f"{command}:\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`bin` of a fresh environment that holds the wheel and what it depends on, and nothing of the checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    call(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT, cwd=folder)
    (wheel,) = folder.glob("tanji-*.whl")
    (folder / "constraints.txt").write_text(pinned(), encoding="utf-8")
    venv.create(folder / "venv", with_pip=True)
    binaries = folder / "venv" / "bin"
    call(binaries / "pip", "install", "--quiet", "--constraint", folder / "constraints.txt", wheel, cwd=folder)
    return binaries


@pytest.fixture(scope="module")
def demo(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """Folder and summary of a short demo."""
    folder = tmp_path_factory.mktemp("elsewhere")
    call(installed / "tanji", "demo", "--days", str(DAYS), "--live", str(LIVE_S), cwd=folder)
    summary: dict[str, Any] = json.loads((folder / "demo" / "summary.json").read_text(encoding="utf-8"))
    return folder, summary


def test_the_installed_package_is_not_the_checkout(installed: Path, tmp_path: Path) -> None:
    where = call(installed / "python", "-c", "import tanji; print(tanji.__file__)", cwd=tmp_path)
    assert str(ROOT) not in where


def test_every_acknowledged_reading_is_in_the_store(demo: tuple[Path, dict[str, Any]]) -> None:
    readings, live = demo[1]["readings"], demo[1]["live"]
    assert readings["points"] > 100
    assert readings["stored"] == readings["accepted"] >= readings["points"] * DAYS * 1440 * 0.99
    assert live == {"seconds": LIVE_S, "expected": readings["points"] * LIVE_S, "received": readings["points"] * LIVE_S}


def test_the_summary_has_what_other_tools_read(demo: tuple[Path, dict[str, Any]]) -> None:
    summary = demo[1]
    assert summary["plant"] == "demo"
    assert summary["rulesets"] == ["gbt32151_8", "cets_ag_02_01"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:00:00Z", summary["from"])
    assert {(row["boundary"], row["ruleset"]) for row in summary["totals"]} == {
        (boundary, ruleset) for boundary in ("clinker", "enterprise") for ruleset in summary["rulesets"]
    }
    for row in summary["totals"]:
        assert {"boundary", "ruleset", "co2_t", "truth_t", "u_rel", "t_per_t_clinker"} <= row.keys()
        assert row["co2_t"] == pytest.approx(row["truth_t"], rel=0.01)
        parts = [
            f["co2_t"] for f in summary["figures"] if (f["boundary"], f["ruleset"]) == (row["boundary"], row["ruleset"])
        ]
        assert sum(parts) == pytest.approx(row["co2_t"], rel=1e-9)
    for figure in summary["figures"]:
        assert {"boundary", "ruleset", "item", "method", "co2_t", "truth_t"} <= figure.keys()
    assert summary["cems"].keys() >= {"co2_t", "truth_t"}
    assert summary["clinker_t"] > 0 < summary["seconds"]


def test_the_report_shows_both_boundaries_in_both_languages(demo: tuple[Path, dict[str, Any]]) -> None:
    report = (demo[0] / "demo" / "report.html").read_text(encoding="utf-8")
    for words in ("熟料生产边界", "企业边界", "<svg", "GB/T 32151.8", "CETS-AG-02.01"):
        assert words in report, words
    assert not re.search(r"""(src|href)=["']https?:""", report), "the report must be self-contained"
