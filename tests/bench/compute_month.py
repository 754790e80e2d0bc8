"""compute_month: 31 days of 60 points at one minute through quality, activity and emission on the embedded store.

Budget of issue 3: under 3 s of wall time for hourly figures of both boundaries and both rule sets, store to store.
The peer is the plain way: pandas, point by point, range and rate rules, hourly means and counts, on one day of the
same readings already in memory, times the days; it neither reads the store nor computes an emission.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from measure import report

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

DAYS, POINTS = 31, 60
HOUR, DAY = 3_600_000, 86_400_000
START = 1_772_294_400_000  # 2026-03-01 00:00 in Asia/Shanghai


def main(days: int = DAYS) -> None:
    """Print the result line; exits 1 if a figure is missing or a reading did not count."""
    plant = sixty_points(load(Path(__file__).parents[2] / "provisioning/plants/demo.yaml"))
    end_ms = START + days * DAY
    with tempfile.TemporaryDirectory() as scratch:
        store = EmbeddedStore(Path(scratch) / "tsdb.duckdb")
        ledger = Ledger(Path(scratch) / "ledger.sqlite")
        readings, first_day = fill(plant, store, ledger, Path(scratch), end_ms=end_ms)
        jobs = Jobs(plant, store=store, ledger=ledger, clock=lambda: end_ms + HOUR)
        begun, begun_cpu = time.perf_counter(), time.process_time()
        result = jobs.run_once()
        seconds, cpu = time.perf_counter() - begun, time.process_time() - begun_cpu
        computed = store.read(names.derived_bucket(plant.site.id), "emission", fields=("co2_t",))
        combinations = {
            pair for pair in zip(computed["boundary"].to_pylist(), computed["ruleset"].to_pylist(), strict=True)
        }
        peer = with_pandas(plant, first_day) * days
        ledger.close()
        store.close()
    report(
        "compute_month",
        value=seconds,
        unit="s",
        peer="pandas, rules and hourly means point by point, one day x days, without store and emission",
        peer_value=peer,
        ratio=peer / seconds,
        readings=readings,
        hours=result.hours,
        emission_rows=result.emission_rows,
        cpu_s=cpu,
    )
    if (
        result.hours != days * 24
        or result.missing
        or len(combinations) != 4
        or computed.num_rows != result.emission_rows
    ):
        raise SystemExit(1)


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


def fill(plant: Plant, store: EmbeddedStore, ledger: Ledger, scratch: Path, *, end_ms: int) -> tuple[int, pd.DataFrame]:
    """Bring the month in as the sealer would have; returns the number of readings and the first day of them."""
    scenario = demo_scenario(start_ms=START, end_ms=end_ms)
    sheet = scratch / "laboratory.csv"
    sheet.write_text(laboratory_csv(scenario), encoding="utf-8")
    import_file(sheet, ledger=ledger, plant=plant, now_ms=end_ms)
    raw, total, first_day = names.raw_bucket(plant.site.id), 0, []
    for table in history(plant, scenario, START, end_ms, lines=200_000):
        tag = pa.DictionaryArray.from_arrays(pa.array(np.zeros(table.num_rows, np.int32)), pa.array([plant.site.id]))
        store.write(raw, "reading", table.append_column("plant", tag))
        total += table.num_rows
        first_day.append(table.to_pandas().query("time < @START + @DAY"))
    hours = np.arange(START, end_ms, HOUR)
    arrival = {"time": end_ms + np.arange(hours.size), "plant": [plant.site.id] * hours.size, "hour_ms": hours}
    store.write(raw, "arrival", pa.table(arrival | {"count": np.full(hours.size, POINTS * 60)}))
    return total, pd.concat(first_day)


def with_pandas(plant: Plant, readings: pd.DataFrame) -> float:
    """Seconds for one day, the plain way."""
    begun = time.perf_counter()
    for point_id, found in readings.groupby("point", observed=True):
        limits = plant.points_by_id[str(point_id)].limits
        values = found.set_index(pd.to_datetime(found["time"], unit="ms"))["value"]
        bad = ~values.between(
            -np.inf if limits.low is None else limits.low, np.inf if limits.high is None else limits.high
        )
        step = values.diff().abs() / values.index.to_series().diff().dt.total_seconds()
        bad |= step > (limits.rate_per_s or np.inf)
        bad |= values.rolling(15).max() - values.rolling(15).min() <= limits.stuck_tolerance
        hourly = values.mask(bad).resample("1h").agg(["mean", "count", "first", "last"])
        assert len(hourly) == 24
    return time.perf_counter() - begun


if __name__ == "__main__":
    main()
