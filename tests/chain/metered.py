"""A simulated period brought into a store and computed: the chain from stored readings on, without sockets."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from calc_jobs.jobs import Jobs
from services.simulator.history import history
from services.simulator.laboratory import laboratory_csv
from services.simulator.scenario import Scenario
from services.simulator.truth import by_key, truth
from tanji.ledger import Ledger
from tanji.plant.load import load
from tanji.plant.model import Plant
from tanji.plant.names import raw_bucket
from tanji.report.model import Summary
from tanji.report.summary import summarise
from tanji.store.port import Store

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "provisioning" / "plants" / "demo.yaml"
START_MS = 1_790_784_000_000
"""2026-09-30T16:00:00Z: the first of October in Shanghai."""
DAY_MS = 86_400_000
ROWS_AT_ONCE = 400_000


@dataclass(frozen=True, slots=True)
class Metered:
    """What was computed of a period and what is true of it, both by (boundary, rule set[, item, method])."""

    summary: Summary
    computed: dict[tuple[str, ...], float]
    true: dict[tuple[str, ...], float]

    def difference(self, *key: str) -> float:
        """computed / true - 1 [1]."""
        return self.computed[key] / self.true[key] - 1


def scenario_of(days: int, *, seed: int = 7, **more: object) -> Scenario:
    """`days` days from the first of October, without faults unless `more` brings some."""
    return Scenario(seed=seed, start_ms=START_MS, end_ms=START_MS + days * DAY_MS, **more)  # type: ignore[arg-type]


def wanted_points(plant: Plant) -> list[str]:
    """The points that any stream or its running signal needs."""
    found: set[str] = set()
    for stream in plant.streams:
        found |= {*stream.points, *stream.subtract}
        if stream.flue_gas is not None:
            gas = stream.flue_gas
            found |= {gas.co2, gas.velocity, gas.temperature, gas.pressure, gas.humidity}
        if (running := plant.running_point(stream)) is not None:
            found.add(running)
    return sorted(found)


def fill(store: Store, plant: Plant, scenario: Scenario) -> None:
    """Write the period's readings as the sealer would forward them."""
    held: list[pa.Table] = []
    for table in history(plant, scenario, scenario.start_ms, scenario.end_ms, points=wanted_points(plant)):
        held.append(table.append_column("plant", pa.array([plant.site.id] * table.num_rows).dictionary_encode()))
        if sum(part.num_rows for part in held) >= ROWS_AT_ONCE:
            _write(store, plant, held)
            held = []
    if held:
        _write(store, plant, held)


def _write(store: Store, plant: Plant, tables: list[pa.Table]) -> None:
    store.write(raw_bucket(plant.site.id), "reading", pa.concat_tables(tables).unify_dictionaries().combine_chunks())


def measure(store: Store, scenario: Scenario, *, folder: Path) -> Metered:
    """Fill the store, import the laboratory sheet, run the jobs, summarise."""
    plant = load(DEMO)
    fill(store, plant, scenario)
    drop = folder / "drop"
    drop.mkdir(parents=True)
    (drop / "laboratory.csv").write_text(laboratory_csv(scenario), encoding="utf-8")
    ledger = Ledger(folder / "ledger.sqlite")
    try:
        jobs = Jobs(plant, store=store, ledger=ledger, clock=lambda: scenario.end_ms + 3_600_000, drop_dir=drop)
        report = jobs.run_once()
        assert not report.findings, report.findings
        jobs.recompute(scenario.start_ms, scenario.end_ms)
        summary = summarise(store, plant, start_ms=scenario.start_ms, end_ms=scenario.end_ms, ledger=ledger)
    finally:
        ledger.close()
    return Metered(summary, computed(summary), by_key(truth(plant, scenario, scenario.start_ms, scenario.end_ms)))


def computed(summary: Summary) -> dict[tuple[str, ...], float]:
    """Totals and item figures by their keys; a total that lacks an hour is a fault here."""
    found: dict[tuple[str, ...], float] = {}
    for total in summary.totals:
        assert total.complete, total
        assert total.co2_t is not None
        found[str(total.boundary), str(total.ruleset)] = total.co2_t
    for figure in summary.items:
        key = (str(figure.boundary), str(figure.ruleset), figure.item, figure.method)
        found[key] = found.get(key, 0.0) + figure.co2_t
    assert summary.flue_gas is not None
    found["cems",] = summary.flue_gas.measured_t
    return found
