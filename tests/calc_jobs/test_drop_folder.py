"""The drop folder takes sheets of samples beside sheets of results, and says what it refused (R30, R35)."""

from __future__ import annotations

from pathlib import Path

import pytest

from calc_jobs import drop_folder
from services.simulator.laboratory import laboratory_csv, samples_csv
from services.simulator.scenario import DAY_MS, demo_scenario
from tanji.ledger import Ledger
from tanji.ledger.samples import samples, without_result
from tanji.plant.load import load
from tanji.plant.model import Plant

START = 1_789_833_600_000
SCENARIO = demo_scenario(start_ms=START, end_ms=START + 3 * DAY_MS)


@pytest.fixture(scope="module")
def demo() -> Plant:
    return load(Path(__file__).parents[2] / "provisioning" / "plants" / "demo.yaml")


def test_the_demonstrations_samples_are_registered_and_every_one_gets_its_result(demo: Plant, tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.sqlite")
    try:
        drop = tmp_path / "drop"
        drop.mkdir()
        (drop / "samples.csv").write_text(samples_csv(SCENARIO), encoding="utf-8")
        (first,) = drop_folder.collect(drop, ledger=ledger, plant=demo, now_ms=SCENARIO.end_ms)
        assert first.findings == () and first.added == len(samples(ledger)) == len(without_result(ledger)) > 10
        assert max(sample.taken_ms for sample in samples(ledger)) <= SCENARIO.end_ms
        (drop / "laboratory.csv").write_text(laboratory_csv(SCENARIO), encoding="utf-8")
        (second,) = drop_folder.collect(drop, ledger=ledger, plant=demo, now_ms=SCENARIO.end_ms)
        assert second.findings == () and without_result(ledger) == ()
        assert {path.name for path in (drop / "imported").iterdir()} == {"samples.csv", "laboratory.csv"}
    finally:
        ledger.close()


def test_a_refused_sample_is_told_beside_the_file(demo: Plant, tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.sqlite")
    try:
        sheet = "sample_id,stream,taken_at,taken_by\nK-1,nowhere,2026-09-20T08:00,Li\n"
        (tmp_path / "taken.csv").write_text(sheet, encoding="utf-8")
        (only,) = drop_folder.collect(tmp_path, ledger=ledger, plant=demo, now_ms=SCENARIO.end_ms)
        assert len(only.findings) == 1
        report = (tmp_path / "rejected" / "taken.csv.report.txt").read_text(encoding="utf-8")
        assert report.startswith("taken.csv: 1 rows: 0 entered, 0 known already, 1 refused\ntaken.csv:2: stream:")
    finally:
        ledger.close()
