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
from demo_readings import filled
from measure import report

from tanji.plant.model import Plant

DAYS = 31
START = 1_772_294_400_000  # 2026-03-01 00:00 in Asia/Shanghai


def main(days: int = DAYS) -> None:
    """Print the result line; exits 1 if a figure is missing or a reading did not count."""
    with tempfile.TemporaryDirectory() as scratch, filled(Path(scratch), start_ms=START, days=days) as month:
        jobs = month.jobs()
        begun, begun_cpu = time.perf_counter(), time.process_time()
        result = jobs.run_once()
        seconds, cpu = time.perf_counter() - begun, time.process_time() - begun_cpu
        rows, pairs = month.emission_pairs()
        peer = with_pandas(month.plant, month.first_day) * days
    report(
        "compute_month",
        value=seconds,
        unit="s",
        peer="pandas, rules and hourly means point by point, one day x days, without store and emission",
        peer_value=peer,
        ratio=peer / seconds,
        readings=month.readings,
        hours=result.hours,
        emission_rows=result.emission_rows,
        cpu_s=cpu,
    )
    if result.hours != days * 24 or result.missing or len(pairs) != 4 or rows != result.emission_rows:
        raise SystemExit(1)


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
