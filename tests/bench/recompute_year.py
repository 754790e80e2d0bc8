"""recompute_year: a year of 60 points at one minute (31.5 M readings) computed again on the embedded store.

Budget of DESIGN section 6: under 10 s on 2 cores, every item, both boundaries and both rule sets, under 2 GiB of
memory. `value` is the wall time of recomputing the year where nothing changed, which reads, computes and compares
every hour; beside it the first computation, which also writes every figure and its history. CPU seconds of the process
stand beside both. The peer is the plain way of compute_month, with pandas on one day, times the days.
Exits 1 where a figure is missing, or where recomputing makes a revision of a figure that did not change.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from compute_month import with_pandas
from demo_readings import filled
from measure import report

from calc_jobs.jobs import RunReport

DAYS = 365
START = 1_767_196_800_000  # 2026-01-01 00:00 in Asia/Shanghai


def main(days: int = DAYS) -> None:
    """Print the result line."""
    with tempfile.TemporaryDirectory() as scratch, filled(Path(scratch), start_ms=START, days=days) as year:
        jobs = year.jobs()
        first, first_s, first_cpu_s = timed(jobs.run_once)
        again, again_s, again_cpu_s = timed(lambda: jobs.recompute(START, year.end_ms))
        rows, pairs = year.emission_pairs()
        peer = with_pandas(year.plant, year.first_day) * days
    report(
        "recompute_year",
        value=again_s,
        unit="s",
        peer="pandas, rules and hourly means point by point, one day x days, without store and emission",
        peer_value=peer,
        ratio=peer / again_s,
        cpu_s=again_cpu_s,
        first_s=first_s,
        first_cpu_s=first_cpu_s,
        readings=year.readings,
        hours=again.hours,
        emission_rows=rows,
    )
    whole = first.hours == again.hours == days * 24 and not first.missing and not again.missing and len(pairs) == 4
    if not whole or rows != first.emission_rows or again.emission_rows or again.activity_rows or again.flags:
        raise SystemExit(1)


def timed(work: Callable[[], RunReport]) -> tuple[RunReport, float, float]:
    """What a run reports, its wall time and the CPU time of this process. [s]"""
    begun, begun_cpu = time.perf_counter(), time.process_time()
    result = work()
    return result, time.perf_counter() - begun, time.process_time() - begun_cpu


if __name__ == "__main__":
    main()
