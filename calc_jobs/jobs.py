"""All calculation jobs of a plant in their order: drop folder, quality, activity, emission; then the watermark.

A run claims the hours that arrivals and the ledger touched since the last one, computes them from the store and writes
what changed. The watermark moves last, in one transaction: after a crash the same hours are computed again, and rows
that are written already stay as they are. So restart, misfire and back-fill are one path (platform.md section 6).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from calc_jobs import drop_folder, touched
from calc_jobs.hourly import BlockResult, HourlyJob
from tanji.domain import factors
from tanji.domain.factors import FactorLibrary
from tanji.errors import Finding
from tanji.ledger import Ledger
from tanji.plant.model import Plant
from tanji.quality.hours import MS_PER_HOUR
from tanji.store.port import Store

GRACE_MS = 30_000
"""An hour is closed this long after its end: pollers, sealer and store need a moment to bring its last readings in."""
ROWS_PER_BLOCK = 6_000_000
"""Readings held in memory at once: about 300 MB with what is made from them."""


@dataclass(frozen=True, slots=True)
class RunReport:
    """What a run did. `hours` are those it was asked for; rows are those that had changed.

    missing : (stream, hours without a value); nothing was put in their place.
    findings : what was wrong in files of the drop folder.
    """

    run: int
    hours: int
    first_ms: int | None
    end_ms: int | None
    flags: int
    activity_rows: int
    emission_rows: int
    missing: tuple[tuple[str, int], ...]
    entries: int
    findings: tuple[Finding, ...]
    seconds: float


class Jobs:
    """The jobs of one plant. `clock` answers UTC now [ms]; `drop_dir` is looked into at the start of every run."""

    def __init__(
        self,
        plant: Plant,
        *,
        store: Store,
        ledger: Ledger,
        clock: Callable[[], int],
        library: FactorLibrary | None = None,
        drop_dir: Path | None = None,
        grace_ms: int = GRACE_MS,
    ) -> None:
        self._plant = plant
        self._store = store
        self._ledger = ledger
        self._clock = clock
        self._library = library if library is not None else factors.load()
        self._drop_dir = drop_dir
        self._grace_ms = grace_ms
        self._turn = threading.Lock()

    def pending_hours(self) -> tuple[int, ...]:
        """Closed hours [UTC ms] that the next run will compute, as things stand."""
        return self._pending().hours

    def run_once(self, progress: Callable[[float], None] | None = None) -> RunReport:
        """Compute what is pending; `progress` is told the number of hours done so far."""
        with self._turn:
            begun = time.monotonic()
            imported = () if self._drop_dir is None else drop_folder.collect(
                self._drop_dir, ledger=self._ledger, plant=self._plant, now_ms=self._clock()
            )  # fmt: skip
            pending = self._pending()
            result = self._compute(pending.reasons, first_ms=pending.first_ms, progress=progress)
            run = self._ledger.run_number()
            marks = self._ledger.watermarks()
            moved = {job: mark for job, mark in pending.watermarks.items() if marks.get(job) != mark}
            if moved:
                run = self._ledger.advance(moved, at_ms=self._clock())
            findings = tuple(finding for file in imported for finding in file.findings)
            entries = sum(file.added for file in imported)
            return _report(run, pending.hours, result, entries=entries, findings=findings, begun=begun)

    def recompute(self, start_ms: int, end_ms: int, progress: Callable[[float], None] | None = None) -> RunReport:
        """Compute every closed hour of [start_ms, end_ms) [UTC ms] again, whether anything arrived or not."""
        with self._turn:
            begun = time.monotonic()
            marks = self._ledger.watermarks()
            first_ms = marks.get(touched.FIRST, start_ms)
            low = max(start_ms // MS_PER_HOUR * MS_PER_HOUR, first_ms)
            end_ms = min(end_ms, marks.get(touched.COMPUTED, end_ms))
            hours = tuple(range(low, end_ms, MS_PER_HOUR))
            result = self._compute(dict.fromkeys(hours, touched.RECOMPUTED), first_ms=first_ms, progress=progress)
            return _report(self._ledger.run_number(), hours, result, entries=0, findings=(), begun=begun)

    def _pending(self) -> touched.Pending:
        closed_ms = self._clock() - self._grace_ms
        return touched.pending(self._plant, self._store, self._ledger, closed_ms=closed_ms)

    def _compute(
        self, reasons: dict[int, str], *, first_ms: int, progress: Callable[[float], None] | None
    ) -> list[BlockResult]:
        """Compute hours block by block, then the later hours whose substitution looked back at them."""
        if not reasons:
            return []
        end_ms = max([self._ledger.watermarks().get(touched.COMPUTED, 0), *(hour + MS_PER_HOUR for hour in reasons)])
        job = HourlyJob(self._plant, self._store, self._ledger, self._library, first_ms=first_ms, end_ms=end_ms)
        results: list[BlockResult] = []
        done = 0
        for block in touched.blocks(reasons, longest=job.block_hours(reasons, rows=ROWS_PER_BLOCK)):
            results.append(job.compute({hour: reasons[hour] for hour in block}))
            done += len(block)
            if progress is not None:
                progress(float(done))
        computed = frozenset[int]().union(*(result.hours for result in results))
        looked_back = job.hours_that_looked_back(reasons, without=computed)
        for block in touched.blocks(looked_back, longest=job.block_hours(looked_back, rows=ROWS_PER_BLOCK)):
            results.append(job.compute({hour: looked_back[hour] for hour in block}))
        return results


def _report(
    run: int,
    hours: tuple[int, ...],
    results: Iterable[BlockResult],
    *,
    entries: int,
    findings: tuple[Finding, ...],
    begun: float,
) -> RunReport:
    results = list(results)
    missing: dict[str, set[int]] = {}
    for result in results:
        for stream, lacking in result.missing.items():
            missing.setdefault(stream, set()).update(lacking)
    return RunReport(
        run=run,
        hours=len(hours),
        first_ms=hours[0] if hours else None,
        end_ms=hours[-1] + MS_PER_HOUR if hours else None,
        flags=sum(result.flags for result in results),
        activity_rows=sum(result.activity_rows for result in results),
        emission_rows=sum(result.emission_rows for result in results),
        missing=tuple((stream, len(lacking)) for stream, lacking in sorted(missing.items())),
        entries=entries,
        findings=findings,
        seconds=time.monotonic() - begun,
    )
