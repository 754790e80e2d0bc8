"""All calculation jobs of a plant in their order: drop folder, quality, activity, emission, intensity; then the mark.

A run claims the hours that arrivals and the ledger touched since the last one, computes them from the store and writes
what changed. The watermark moves last, in one transaction: after a crash the same hours are computed again, and rows
that are written already stay as they are. So restart, misfire and back-fill are one path (platform.md section 6).
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from calc_jobs import drop_folder, editions, pipeline, stocktake, touched
from calc_jobs.hourly import BlockResult, HourlyJob
from calc_jobs.intensity import IntensityJob
from calc_jobs.laboratory_seal import LaboratorySeal
from calc_jobs.month_floor import MonthFloors, month_of
from tanji.domain.factors import FactorLibrary
from tanji.errors import Finding
from tanji.ledger import Ledger
from tanji.ledger.factor_editions import library_in_force
from tanji.plant.model import Plant
from tanji.quality.hours import MS_PER_HOUR
from tanji.store.port import Store

GRACE_MS = 30_000
"""An hour is closed this long after its end: pollers, sealer and store need a moment to bring its last readings in."""
ROWS_PER_BLOCK = 2_700_000
"""Readings of a block, a month of 60 points: about 150 MB with what is made from them, and three blocks at a time."""


Results = tuple[list[BlockResult], int]
"""What the blocks gave, and how many rows the floors of months."""


@dataclass(frozen=True, slots=True)
class RunReport:
    """What a run did. `hours` are those it was asked for; rows are those that had changed.

    missing : (stream, hours without a value); nothing was put in their place.
    warned : (stream, hours in which an input lay outside its soft range); used, and to be looked at.
    no_edition : (rule set, hours before its first edition); there is no figure of it in them.
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
    warned: tuple[tuple[str, int], ...]
    no_edition: tuple[tuple[str, int], ...]
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
        laboratory: LaboratorySeal | None = None,
    ) -> None:
        """laboratory : seals what people brought, before it is computed with; None where nothing is sealed."""
        self._plant = plant
        self._store = store
        self._ledger = ledger
        self._clock = clock
        self._library = library
        self._drop_dir = drop_dir
        self._grace_ms = grace_ms
        self._laboratory = laboratory
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
            if self._laboratory is not None:
                self._laboratory.seal()
            pending = self._pending()
            result = self._compute(pending.reasons, first_ms=pending.first_ms, progress=progress)
            run = self._advance(pending)
            if self._close(pending):
                # The factor of a closed month is a change of the ledger like any other: its hours are computed again.
                closed = self._pending()
                again = self._compute(closed.reasons, first_ms=closed.first_ms, progress=None)
                result = [*result[0], *again[0]], result[1] + again[1]
                run = self._advance(closed)
            findings = tuple(finding for file in imported for finding in file.findings)
            entries = sum(file.added for file in imported)
            lacking = editions.without(self._plant, pending.hours)
            return _report(
                run, pending.hours, result, no_edition=lacking, entries=entries, findings=findings, begun=begun
            )

    def recompute(
        self,
        start_ms: int,
        end_ms: int,
        progress: Callable[[float], None] | None = None,
        *,
        reason: str = touched.RECOMPUTED,
    ) -> RunReport:
        """Compute every closed hour of [start_ms, end_ms) [UTC ms] again, whether anything arrived or not.

        reason : of revisions for which neither the figures themselves nor a pending change of the ledger tell another:
            `recomputed`, or `repair` of data.
        """
        with self._turn:
            begun = time.monotonic()
            marks = self._ledger.watermarks()
            first_ms = marks.get(touched.FIRST, start_ms)
            low = max(start_ms // MS_PER_HOUR * MS_PER_HOUR, first_ms)
            end_ms = min(end_ms, marks.get(touched.COMPUTED, end_ms))
            hours = tuple(range(low, end_ms, MS_PER_HOUR))
            causes = {hour: cause for hour, cause in self._pending().reasons.items() if cause in touched.OF_LEDGER}
            reasons = {hour: causes.get(hour, reason) for hour in hours}
            result = self._compute(reasons, first_ms=first_ms, progress=progress)
            run, lacking = self._ledger.run_number(), editions.without(self._plant, hours)
            return _report(run, hours, result, no_edition=lacking, entries=0, findings=(), begun=begun)

    def _advance(self, pending: touched.Pending) -> int:
        """Move the watermarks that changed; returns the number of the run."""
        marks = self._ledger.watermarks()
        moved = {job: mark for job, mark in pending.watermarks.items() if marks.get(job) != mark}
        return self._ledger.advance(moved, at_ms=self._clock()) if moved else self._ledger.run_number()

    def _close(self, pending: touched.Pending) -> bool:
        """Close the months whose stocktake and hours are complete; whether a factor changed."""
        if not pending.reasons:
            return False
        marks = self._ledger.watermarks()
        closed = stocktake.close(
            self._plant,
            self._store,
            self._ledger,
            first_ms=marks.get(touched.FIRST, 0),
            end_ms=marks.get(touched.COMPUTED, 0),
            now_ms=self._clock(),
        )
        return bool(closed)

    def _pending(self) -> touched.Pending:
        closed_ms = self._clock() - self._grace_ms
        return touched.pending(self._plant, self._store, self._ledger, closed_ms=closed_ms)

    def _compute(self, reasons: dict[int, str], *, first_ms: int, progress: Callable[[float], None] | None) -> Results:
        """Compute hours block by block, then the later hours whose substitution looked back at them, then months."""
        if not reasons:
            return [], 0
        end_ms = max([self._ledger.watermarks().get(touched.COMPUTED, 0), *(hour + MS_PER_HOUR for hour in reasons)])
        library = library_in_force(self._ledger) if self._library is None else self._library
        job = HourlyJob(self._plant, self._store, self._ledger, library, first_ms=first_ms, end_ms=end_ms)
        done = 0.0

        def advance(hours: int) -> None:
            nonlocal done
            done += hours
            if progress is not None:
                progress(done)

        results = pipeline.run(job, self._blocks(job, reasons), reasons=reasons, done=advance)
        computed = frozenset[int]().union(*(result.hours for result in results))
        looked_back = job.hours_that_looked_back(reasons, without=computed)
        results += pipeline.run(job, self._blocks(job, looked_back), reasons=looked_back, done=lambda _hours: None)
        floors = MonthFloors(self._plant, self._store, first_ms=first_ms, end_ms=end_ms)
        every = computed.union(*(result.hours for result in results))
        why = {**looked_back, **reasons}
        floor_rows = floors.write({hour: why.get(hour, touched.LATE) for hour in every})
        intensity = IntensityJob(self._plant, self._store, self._ledger, library, end_ms=end_ms)
        intensity.write(every.union(month_of(self._plant, hour)[1] - MS_PER_HOUR for hour in every))
        return results, floor_rows

    def _blocks(self, job: HourlyJob, reasons: dict[int, str]) -> list[tuple[int, ...]]:
        return touched.blocks(reasons, longest=job.block_hours(reasons, rows=ROWS_PER_BLOCK))


def _report(
    run: int,
    hours: tuple[int, ...],
    computed: Results,
    *,
    no_edition: tuple[tuple[str, int], ...],
    entries: int,
    findings: tuple[Finding, ...],
    begun: float,
) -> RunReport:
    results, floor_rows = computed
    missing: dict[str, set[int]] = {}
    warned: Counter[str] = Counter()
    for result in results:
        warned.update(result.warned)
        for stream, lacking in result.missing.items():
            missing.setdefault(stream, set()).update(lacking)
    return RunReport(
        run=run,
        hours=len(hours),
        first_ms=hours[0] if hours else None,
        end_ms=hours[-1] + MS_PER_HOUR if hours else None,
        flags=sum(result.flags for result in results),
        activity_rows=sum(result.activity_rows for result in results),
        emission_rows=sum(result.emission_rows for result in results) + floor_rows,
        missing=tuple((stream, len(lacking)) for stream, lacking in sorted(missing.items())),
        warned=tuple(sorted(warned.items())),
        no_edition=no_edition,
        entries=entries,
        findings=findings,
        seconds=time.monotonic() - begun,
    )
