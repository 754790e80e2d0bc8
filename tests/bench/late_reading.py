"""late_reading: a reading comes late into a year of 60 points at one minute; until its hour is computed and revised.

Budget of issue 4: under 1 s on a year's store (31.5 M readings, every figure computed). A minute of a coal scale and
the arrival that goes with it are written as the sealer would; measured is the run of the jobs that follows: find the
hour, compute it, write the new revision with its history. The median of several late readings counts. The peer is what
the same store needs to compute the month of the reading, as one must who does not follow which hours data touch.
Exits 1 where an hour was not revised, or revised for another reason than late data.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

import pyarrow as pa
from demo_readings import DAY, HOUR, Filled, filled
from measure import report

from tanji.plant import names

DAYS, MONTH_DAYS = 365, 30
START = 1_767_196_800_000  # 2026-01-01 00:00 in Asia/Shanghai
POINT, STREAM = "line1.calciner_coal.mass_flow", "line1.calciner_coal"
LATE = 5
MINUTE_MS = 60_000


def main(days: int = DAYS) -> None:
    """Print the result line."""
    with tempfile.TemporaryDirectory() as scratch, filled(Path(scratch), start_ms=START, days=days) as year:
        jobs = year.jobs()
        jobs.run_once()
        seconds, cpu, revised = [], [], []
        for number in range(LATE):
            hour_ms = running_hour(year, START + (number + 1) * days // (LATE + 1) * DAY)
            bring_in(year, hour_ms, number)
            begun, begun_cpu = time.perf_counter(), time.process_time()
            jobs.run_once()
            seconds.append(time.perf_counter() - begun)
            cpu.append(time.process_time() - begun_cpu)
            revised.append(reasons(year, hour_ms))
        begun = time.perf_counter()
        jobs.recompute(START + days // 2 * DAY, START + (days // 2 + MONTH_DAYS) * DAY)
        peer = time.perf_counter() - begun
        readings = year.readings
    value = statistics.median(seconds)
    report(
        "late_reading",
        value=value,
        unit="s",
        peer="recomputing the month of the reading",
        peer_value=peer,
        ratio=peer / value,
        slowest_s=max(seconds),
        cpu_s=statistics.median(cpu),
        readings=readings,
    )
    if any("late data" not in found for found in revised):
        raise SystemExit(1)


def running_hour(year: Filled, from_ms: int) -> int:
    """The first hour from `from_ms` that the kiln ran through: in a stopped one a late reading counts nothing."""
    bucket = names.derived_bucket(year.plant.site.id)
    found = year.store.read(bucket, "activity", start_ms=from_ms, end_ms=year.end_ms, where={"stream": [STREAM]})
    return min(row["time"] for row in found.to_pylist() if row["running_h"] == 1 and row["captured"] == 1)


def bring_in(year: Filled, hour_ms: int, number: int) -> None:
    """A reading half a minute after one of the hour, half a tonne an hour higher, and its arrival."""
    raw, plant_id = names.raw_bucket(year.plant.site.id), year.plant.site.id
    at = hour_ms + 30 * MINUTE_MS
    before = year.store.read(raw, "reading", start_ms=at, end_ms=at + MINUTE_MS, where={"point": [POINT]})
    value = before.column("value")[0].as_py() + 0.5
    late = {"time": [at + MINUTE_MS // 2], "plant": [plant_id], "point": [POINT], "value": [value], "quality": [0]}
    year.store.write(raw, "reading", pa.table(late))
    arrival = {"time": [year.end_ms + DAY + number], "plant": [plant_id], "hour_ms": [hour_ms], "count": [1]}
    year.store.write(raw, "arrival", pa.table(arrival))


def reasons(year: Filled, hour_ms: int) -> set[str]:
    """Reasons of the second revisions of the stream's figures in an hour."""
    where = {"stream": [STREAM], "revision": ["2"]}
    bucket = names.derived_bucket(year.plant.site.id)
    rows = year.store.read(bucket, "emission_history", start_ms=hour_ms, end_ms=hour_ms + HOUR, where=where)
    return set(rows.column("reason").to_pylist())


if __name__ == "__main__":
    main()
