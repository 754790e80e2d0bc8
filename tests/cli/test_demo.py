"""`tanji demo`: what it prints in a pipe and on a terminal, what it leaves, and the page it keeps up (R58)."""

from __future__ import annotations

import json
import re
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import urllib3
from rich.cells import cell_len

from tanji.cli import demo_figures
from tanji.plant.model import Name

from .conftest import COMMAND

STOP_S = 30.0


def test_the_kept_page_the_report_and_the_summary_say_the_same(start: Callable[..., Any], tmp_path: Path) -> None:
    with start("demo", "--days", "1", "--live", "2", "--keep") as (process, printed):
        summary = json.loads((tmp_path / "demo" / "summary.json").read_text(encoding="utf-8"))
        assert printed == summary
        pages = json.loads(process.stdout.readline())["pages"]
        page = urllib3.request("GET", pages).data.decode().replace("\u00a0", " ")
        longer = urllib3.request("GET", f"{pages}?days=7").data.decode()
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=STOP_S) == 0
    report = (tmp_path / "demo" / "report.html").read_text(encoding="utf-8").replace("\u00a0", " ")
    readings, live = summary["readings"], summary["live"]
    assert readings["stored"] == readings["accepted"] > readings["points"] * 1440 * 0.99
    assert live["received"] == live["expected"] == readings["points"] * 2
    shown = [f"{total['co2_t']:,.0f} <small>tCO₂" for total in summary["totals"]]
    shown += [f"模拟真值 {total['truth_t']:,.0f}" for total in summary["totals"]]
    shown += [f">{count:,} 条<" for count in (readings["accepted"], readings["stored"], live["expected"])]
    shown += [f">{readings['points']} 个<", f"实时采集 {live['seconds']} 秒"]
    evidence = summary["evidence"]
    assert evidence["exit_code"] == 0, evidence["verification"]
    assert {each["status"] for each in evidence["statements"]} == {"provisional"} and len(evidence["statements"]) == 4
    assert evidence["audit"] == {"changed": 1, "after_repair": 0}
    for text in shown:
        assert text in page, text
        assert text in report, text
    assert "模拟真值" not in longer, "the truth is of the demonstration's period only"
    assert "\x1b" not in (tmp_path / "stderr.log").read_text(), "no progress bar where no terminal is"


def test_a_demonstration_that_is_stopped_leaves_no_simulator(tmp_path: Path) -> None:
    command = [*COMMAND, "demo", "--days", "20"]
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True, start_new_session=True)
    try:
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=6)
        process.terminate()
        assert process.wait(timeout=STOP_S) == 1
        assert process.stderr is not None and process.stderr.read().endswith("tanji: interrupted\n")
        process.stderr.close()
        left = subprocess.run(["ps", "-o", "pid,args", "-s", str(process.pid)], capture_output=True, text=True).stdout
        assert "simulator" not in left
    finally:
        process.kill()


def figures() -> dict[str, Any]:
    """A summary with the longest names and seven-digit tonnes."""
    key = {"boundary": "enterprise", "ruleset": "cets_ag_02_01"}
    item = {**key, "item": "process_organic_carbon", "method": "non_biomass_carbon", "co2_t": 1_234_567.8}
    return {
        "from": "2026-10-23T09:00:00Z",
        "to": "2026-11-23T09:00:00Z",
        "totals": [{**key, "co2_t": 1_234_567.8, "truth_t": 1_234_000.0, "t_per_t_clinker": 0.8219}],
        "figures": [{**item, "truth_t": 1_234_000.0}],
        "information": [{**item, "truth_t": None}],
        "cems": {"co2_t": None, "truth_t": 1.0, "calculated_t": None, "difference": None},
        "clinker_t": 1_234_567.8,
        "clinker_truth_t": 1_234_000.0,
        "readings": {"points": 118, "accepted": 5_275_544, "stored": 5_275_544, "flagged": 86},
        "live": {"seconds": 30, "expected": 3540, "received": 3540},
    }


def test_every_figure_is_whole_on_a_narrow_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(demo_figures, "PIPE_WIDTH", 80)
    demo_figures.print_figures(figures(), names=Name(zh="碳计示范水泥厂", en="Tanji demo plant"), out=Path("demo"))
    out = capsys.readouterr().out
    assert "…" not in out and all(cell_len(line) <= 80 for line in out.splitlines())
    assert len(re.findall(r"1,234,567\.8", out)) == 4 and "tCO2/t clinker" in out
    for unit in ("totals 合计, tCO2", "cets_ag_02_01, tCO2", "1,234,567.8 t,"):
        assert unit in out
