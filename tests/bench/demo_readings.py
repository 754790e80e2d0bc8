"""The demo plant cut down to 60 points, and its readings in an embedded store: what the benchmarks of the jobs compute.

Readings, laboratory sheet and `arrival` rows are brought in as the sealer and the drop folder would have.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from calc_jobs.jobs import Jobs
from services.simulator.history import history
from services.simulator.laboratory import laboratory_csv
from services.simulator.scenario import demo_scenario
from tanji.ledger import Ledger
from tanji.ledger.laboratory_csv import import_file
from tanji.plant import names
from tanji.plant.load import load
from tanji.plant.model import Plant
from tanji.store.embedded import EmbeddedStore

POINTS = 60
HOUR, DAY = 3_600_000, 86_400_000
LINES = 200_000


@dataclass(frozen=True, slots=True)
class Filled:
    """A plant with its store and ledger; `end_ms` is where its readings end [UTC ms]."""

    plant: Plant
    store: EmbeddedStore
    ledger: Ledger
    start_ms: int
    end_ms: int
    readings: int
    first_day: pd.DataFrame

    def jobs(self) -> Jobs:
        """The jobs of the plant, an hour after its last reading."""
        return Jobs(self.plant, store=self.store, ledger=self.ledger, clock=lambda: self.end_ms + HOUR)

    def emission_pairs(self) -> tuple[int, set[tuple[str, str]]]:
        """Rows of `emission`, and the boundaries and rule sets they are of."""
        found = self.store.read(names.derived_bucket(self.plant.site.id), "emission", fields=("co2_t",))
        return found.num_rows, set(zip(found["boundary"].to_pylist(), found["ruleset"].to_pylist(), strict=True))


@contextmanager
def filled(folder: Path, *, start_ms: int, days: int) -> Iterator[Filled]:
    """Readings of `days` from `start_ms` in a new store in `folder`, as they are while the block runs."""
    plant = sixty_points(load(Path(__file__).parents[2] / "provisioning/plants/demo.yaml"))
    store, ledger = EmbeddedStore(folder / "tsdb.duckdb"), Ledger(folder / "ledger.sqlite")
    try:
        end_ms = start_ms + days * DAY
        readings, first_day = _fill(plant, store, ledger, folder, start_ms=start_ms, end_ms=end_ms)
        yield Filled(plant, store, ledger, start_ms, end_ms, readings, first_day)
    finally:
        ledger.close()
        store.close()


def sixty_points(plant: Plant) -> Plant:
    """The demo plant with the points its streams need and enough of the others."""
    needed = {point for stream in plant.streams for point in (*stream.points, *stream.subtract)}
    needed |= {gate for stream in plant.streams if (gate := plant.running_point(stream)) is not None}
    needed |= {
        getattr(stream.flue_gas, role)
        for stream in plant.streams
        if stream.flue_gas is not None
        for role in ("co2", "velocity", "temperature", "pressure", "humidity", "oxygen")
    }
    others = [point for point in plant.points if point.id not in needed][: POINTS - len(needed)]
    kept = needed | {point.id for point in others}
    return plant.model_copy(update={"points": tuple(point for point in plant.points if point.id in kept)})


def _fill(
    plant: Plant, store: EmbeddedStore, ledger: Ledger, folder: Path, *, start_ms: int, end_ms: int
) -> tuple[int, pd.DataFrame]:
    """Bring the period in; returns the number of readings and the first day of them."""
    scenario = demo_scenario(start_ms=start_ms, end_ms=end_ms)
    sheet = folder / "laboratory.csv"
    sheet.write_text(laboratory_csv(scenario), encoding="utf-8")
    import_file(sheet, ledger=ledger, plant=plant, now_ms=end_ms)
    raw, total, first_day = names.raw_bucket(plant.site.id), 0, []
    for table in history(plant, scenario, start_ms, end_ms, lines=LINES):
        tag = pa.DictionaryArray.from_arrays(pa.array(np.zeros(table.num_rows, np.int32)), pa.array([plant.site.id]))
        store.write(raw, "reading", table.append_column("plant", tag))
        total += table.num_rows
        if total - table.num_rows < len(plant.points) * 1440:
            first_day.append(table.to_pandas().query("time < @start_ms + @DAY"))
    hours = np.arange(start_ms, end_ms, HOUR)
    arrival = {"time": end_ms + np.arange(hours.size), "plant": [plant.site.id] * hours.size, "hour_ms": hours}
    store.write(raw, "arrival", pa.table(arrival | {"count": np.full(hours.size, POINTS * 60)}))
    return total, pd.concat(first_day)
