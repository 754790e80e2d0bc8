"""Restoring the store's readings from the evidence, and computing again what they touch (R35, R36; trust.md 2.5).

Rows that differ are written as they are sealed, rows that were added are deleted; a value where a failed read is sealed
is deleted first, since a null erases nothing. Which hours that touches is in the audit trail before the store is
changed: a repair that was broken off is finished by the next one. Hours are computed again with the reason `repair`,
so every figure that changes is a revision of its own. Finding the differences is `calc_jobs.audit`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from calc_jobs.audit import Audit, Part
from calc_jobs.comparison import HOUR_MS, Compared, Integers, Rows, rows_of
from calc_jobs.findings import AuditReport, Findings
from calc_jobs.jobs import Jobs
from calc_jobs.touched import REPAIR
from tanji.ledger import Ledger
from tanji.ledger.audit_trail import TrailKind, append, entries
from tanji.ledger.audits import record_audit
from tanji.plant import names
from tanji.plant.model import Plant
from tanji.store.port import Store

REACHES_MS = (HOUR_MS, 24 * HOUR_MS, 31 * 24 * HOUR_MS)
"""How far beyond a part the reading is looked for to which a value is carried on, one after the other."""
Hours = list[tuple[int, int]]
"""Periods of whole hours [UTC ms), first and end of each."""


@dataclass(frozen=True, slots=True)
class RepairReport:
    """What was repaired, which hours were computed again, and what an audit finds now."""

    found: AuditReport
    written: int
    deleted: int
    hours: int
    activity_rows: int
    emission_rows: int
    left: AuditReport

    def facts(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self) | {"found": self.found.facts(), "left": self.left.facts()}


class Repair:
    """Repairs the store of one plant. `clock` answers UTC now [ms]."""

    def __init__(
        self,
        plant: Plant,
        *,
        store: Store,
        ledger: Ledger,
        audit: Audit,
        jobs: Jobs,
        clock: Callable[[], int],
    ) -> None:
        self._plant_id = plant.site.id
        self._bucket = names.raw_bucket(plant.site.id)
        self._store = store
        self._ledger = ledger
        self._audit = audit
        self._jobs = jobs
        self._clock = clock

    def run(self, start_ms: int, end_ms: int, *, by: str, reason: str = "") -> RepairReport:
        """Make [start_ms, end_ms) [UTC ms] what the evidence says. by : who ordered it. reason : why, for the trail."""
        scope = self._audit.scope()
        end_ms = min(end_ms, scope.end_ms)
        found, written, deleted = Findings(), 0, 0
        for part in self._audit.parts(start_ms, end_ms):
            found.add(part.compared)
            if part.compared.differs():
                hours = merged(self._touched(part))
                self._note(by, {"state": "begun", "hours": hours, "reason": reason})
                deleted += self._delete(part)
                written += self._write(part.compared)
        begun = self._unfinished()
        hours = merged(period for entry in begun for period in entry[1])
        runs = [self._jobs.recompute(first, end, reason=REPAIR) for first, end in hours]
        first_ms = min(start_ms, end_ms)
        report = RepairReport(
            found=found.report(start_ms=first_ms, end_ms=end_ms, size=scope.size, behind=scope.behind),
            written=written,
            deleted=deleted,
            hours=sum(run.hours for run in runs),
            activity_rows=sum(run.activity_rows for run in runs),
            emission_rows=sum(run.emission_rows for run in runs),
            left=self._audit.run(start_ms, end_ms),
        )
        record_audit(self._ledger, report.left.facts(), actor=by, at_ms=self._clock())
        if begun:
            facts = {"state": "done", "begun": [number for number, _ in begun], "reason": reason}
            self._note(by, facts | {"written": written, "deleted": deleted, "hours": hours})
        return report

    def _note(self, by: str, facts: dict[str, Any]) -> None:
        append(self._ledger, TrailKind.REPAIR, actor=by, at_ms=self._clock(), facts=facts)

    def _unfinished(self) -> list[tuple[int, Hours]]:
        """Repairs that changed the store and whose hours were not computed again so far: number and hours."""
        rows = entries(self._ledger, kinds=(TrailKind.REPAIR,), limit=1000)
        done = {number for row in rows for number in row.facts.get("begun", ())}
        begun = [row for row in rows if row.facts["state"] == "begun" and row.id not in done]
        return [(row.id, [(first, end) for first, end in row.facts["hours"]]) for row in begun]

    def _write(self, compared: Compared) -> int:
        """Write what is sealed where the store has something else or nothing."""
        total = 0
        for rows in (compared.changed[0], compared.quality[0], compared.missing):
            if len(rows):
                self._store.write(self._bucket, "reading", table_of(compared, rows))
                total += len(rows)
        return total

    def _delete(self, part: Part) -> int:
        """Delete rows that were added, and values where a failed read is sealed; how many."""
        compared = part.compared
        sealed, stored = compared.changed
        doomed = [compared.added, stored.take(~sealed.present & stored.present)]
        total = 0
        present = rows_of(part.stored, compared.names)
        for rows in doomed:
            for series in np.unique(rows.series).tolist():
                own = rows.time[rows.series == series]
                kept = np.setdiff1d(present.time[present.series == series], own, assume_unique=True)
                plant, point = compared.names[series]
                where = {"plant": [plant], "point": [point]}
                for first, last in _runs(own, kept):
                    self._store.delete(self._bucket, "reading", start_ms=first, end_ms=last + 1, where=where)
                total += len(own)
        return total

    def _touched(self, part: Part) -> Iterator[tuple[int, int]]:
        """Periods of the hours that the differences of a part touch: a value is carried on to the next one."""
        compared = part.compared
        sealed, stored = (rows_of(table, compared.names) for table in (part.sealed, part.stored))
        differing = [rows for _, rows in compared.each()]
        for series in np.unique(np.concatenate([rows.series for rows in differing])).tolist():
            plant, point = compared.names[series]
            if plant != self._plant_id:
                continue  # no figure of this plant rests on it
            times = np.unique(np.concatenate([rows.time[rows.series == series] for rows in differing]))
            ours, theirs = (rows.time[(rows.series == series) & rows.present] for rows in (sealed, stored))
            anchors = np.setdiff1d(np.intersect1d(ours, theirs, assume_unique=True), times, assume_unique=True)
            place = np.searchsorted(anchors, times)
            before, after = self._beyond(part, point)
            bounded = np.concatenate(([before], anchors, [after]))
            low, high = bounded[place], bounded[place + 1]
            low, high = np.where(low < 0, times, low), np.where(high < 0, times, high)
            spans = np.unique(np.column_stack((low, high)) // HOUR_MS, axis=0) * HOUR_MS
            yield from ((int(first), int(last) + HOUR_MS) for first, last in spans)

    def _beyond(self, part: Part, point: str) -> tuple[int, int]:
        """The nearest values of a point before and after a part [UTC ms]; -1 where there is none near."""
        before = self._nearest(point, lambda reach: (part.start_ms - reach, part.start_ms), place=-1)
        return before, self._nearest(point, lambda reach: (part.end_ms, part.end_ms + reach), place=0)

    def _nearest(self, point: str, period: Callable[[int], tuple[int, int]], *, place: int) -> int:
        """Time of the first or last value in the smallest period that has one [UTC ms]."""
        where = {"plant": [self._plant_id], "point": [point]}
        for reach_ms in REACHES_MS:
            start_ms, end_ms = period(reach_ms)
            rows = self._store.read(
                self._bucket, "reading", start_ms=start_ms, end_ms=end_ms, where=where, fields=("value",)
            )
            if rows.num_rows:
                return int(rows.column("time")[place].as_py())
        return -1


def table_of(compared: Compared, rows: Rows) -> pa.Table:
    """Rows as the store's `reading` table."""
    series = pa.array(rows.series)
    tags = {
        tag: pa.array([name[place] for name in compared.names], pa.string()).take(series)
        for place, tag in enumerate(("plant", "point"))
    }
    return pa.table(
        {
            "time": rows.time,
            **tags,
            "value": pa.array(rows.value, pa.float64(), mask=~rows.present),
            "quality": pa.array(rows.quality, pa.int64()),
        }
    )


def merged(periods: Iterator[tuple[int, int]]) -> Hours:
    """Periods in order, those that touch or overlap joined."""
    result: Hours = []
    for first, end in sorted(periods):
        if result and first <= result[-1][1]:
            result[-1] = result[-1][0], max(result[-1][1], end)
        else:
            result.append((first, end))
    return result


def _runs(doomed: Integers, kept: Integers) -> Iterator[tuple[int, int]]:
    """First and last time of the runs of doomed rows between which none is kept."""
    if not len(doomed):
        return
    gap = np.searchsorted(kept, doomed)
    starts = np.flatnonzero(np.concatenate(([True], gap[1:] != gap[:-1])))
    ends = np.concatenate((starts[1:], [len(doomed)])) - 1
    yield from zip(doomed[starts].tolist(), doomed[ends].tolist(), strict=True)
