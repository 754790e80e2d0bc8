"""One block of hours through quality, activity and emission, and into the derived bucket.

A block is widened to every hour that a touched reading can reach: the neighbours of a stuck run, and the hours of a
hole that a counter or a state is carried across. Rows that come out as they are stored are not written. History is
written before the figure it documents, so that a crash between the two leaves no figure without its history.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from calc_jobs import activity, derived, emission, quality
from calc_jobs.activity import StreamHours
from calc_jobs.formulas import Figure
from calc_jobs.history import StoredHistory
from calc_jobs.parameters import Parameters
from calc_jobs.readings import Readings, ReadingSource
from calc_jobs.touched import FIRST_REASON, LATE
from tanji.domain import rulesets
from tanji.domain.factors import FactorLibrary
from tanji.ledger import Ledger
from tanji.plant import names
from tanji.plant.model import Plant
from tanji.quality.hours import MS_PER_HOUR, Grid
from tanji.quality.rules import Mask
from tanji.store.port import Store

SAMPLED_HOURS = 3
"""How many hours are counted to judge how many readings an hour has."""


@dataclass(frozen=True, slots=True)
class BlockResult:
    """Hours that were computed [UTC ms], rows written, and hours without a value by stream."""

    hours: frozenset[int]
    flags: int
    activity_rows: int
    emission_rows: int
    missing: dict[str, frozenset[int]]


class HourlyJob:
    """Computes blocks of hours of [first_ms, end_ms), the hours of the plant that are computed at all [UTC ms]."""

    def __init__(
        self, plant: Plant, store: Store, ledger: Ledger, library: FactorLibrary, *, first_ms: int, end_ms: int
    ) -> None:
        self._plant = plant
        self._store = store
        self._ledger = ledger
        self._library = library
        self._first_ms = first_ms
        self._end_ms = end_ms
        self._source = ReadingSource(plant, store)
        self._history = StoredHistory(plant, self._source, ledger, first_ms=first_ms)
        self._raw = names.raw_bucket(plant.site.id)
        self._derived = names.derived_bucket(plant.site.id)

    def block_hours(self, hours: Collection[int], *, rows: int) -> int:
        """How many hours fit into a block of `rows` readings, judged by a few of the hours."""
        ordered = sorted(hours)
        if not ordered:
            return 1
        sample = {ordered[round(at)] for at in np.linspace(0, len(ordered) - 1, SAMPLED_HOURS)}
        most = max(self._store.count(self._raw, "reading", start_ms=hour, end_ms=hour + MS_PER_HOUR) for hour in sample)
        return max(1, rows // max(1, most))

    def compute(self, reasons: Mapping[int, str]) -> BlockResult:
        """Compute and write the hours of one block, each with the reason for a new revision."""
        targets = self._reached(reasons)
        readings = self._window(targets)
        widened = self._across_holes(targets, readings)
        if len(widened) > len(targets):
            targets = widened
            readings = self._window(targets)
        grid = Grid(readings.start_ms, (readings.end_ms - readings.start_ms) // MS_PER_HOUR)
        flags = quality.flag(self._plant, readings, start_ms=grid.start_ms, end_ms=grid.end_ms)
        readings = readings.effective(flags.words)
        entries = self._ledger.entries(start_ms=grid.start_ms, end_ms=grid.end_ms)
        hours = activity.compute(
            self._plant, readings, grid=grid, entries=entries, library=self._library, history=self._history
        )
        parameters = Parameters(self._plant, self._library, entries=entries, grid=grid)
        figures = emission.compute(self._plant, hours, parameters=parameters, rulesets=rulesets.load())
        chosen = np.isin(grid.hour_ms, np.array(sorted(targets), np.int64))
        if flags.changed:
            self._store.write(self._derived, "flag", flags.rows)
        return BlockResult(
            frozenset(targets),
            flags.changed,
            self._write_activity(hours, chosen, grid=grid),
            self._write_emission(figures, chosen, targets, grid=grid),
            _missing(hours, figures, chosen, grid=grid),
        )

    def hours_that_looked_back(self, reasons: Mapping[int, str], *, without: Collection[int]) -> dict[int, str]:
        """Later hours, substituted or without value, whose look-back may hold one of these hours."""
        if not reasons:
            return {}
        start_ms = min(reasons)
        if all(hour in without for hour in range(start_ms, self._end_ms, MS_PER_HOUR)):
            return {}
        grid = Grid(start_ms, (self._end_ms - start_ms) // MS_PER_HOUR)
        table = self._store.read(self._derived, "activity", start_ms=start_ms, end_ms=self._end_ms)
        stored = derived.matrix(table, tags=activity.TAGS, fields=activity.FIELDS, grid=grid)
        fields = stored.fields
        valued = np.isfinite(fields["amount_t"]) | np.isfinite(fields["electricity_mwh"]) | np.isfinite(fields["co2_t"])
        filled = stored.there & ((fields["substituted"] > 0) | ~valued)
        valid = stored.there & ~filled & (fields["running_h"] > 0)
        changed = np.isin(grid.hour_ms, np.array(sorted(reasons), np.int64))
        # Valid hours passed since the last touched hour: beyond the look-back nobody looks at it any more.
        passed = np.cumsum(valid, axis=1)
        base = np.maximum.accumulate(np.where(changed, passed, 0), axis=1)
        within = passed - base < self._plant.quality.lookback_valid_hours
        found = grid.hour_ms[(filled & within).any(axis=0)]
        latest = {}
        for hour in found.tolist():
            if hour not in without:
                cause = max(touched for touched in reasons if touched <= hour)
                latest[hour] = reasons[cause]
        return latest

    def _reached(self, reasons: Mapping[int, str]) -> dict[int, str]:
        """The hours, and those before and after that a flag on one of their readings can reach."""
        reach = -(-self._source.margin_ms // MS_PER_HOUR)
        found = dict(reasons)
        for hour, reason in reasons.items():
            for step in range(-reach, reach + 1):
                self._add(found, hour + step * MS_PER_HOUR, reason)
        return found

    def _across_holes(self, targets: Mapping[int, str], readings: Readings) -> dict[int, str]:
        """The hours, and those of any hole across their edges that a counter or a state is carried over."""
        found = dict(targets)
        longest = self._source.reach_ms
        gap_ms = self._plant.quality.maximum_gap_s * 1000
        for point in self._plant.points:
            if point.kind not in ("counter", "state"):
                continue
            held = readings.of(point.id)
            times = held.time_ms[held.usable(point)]
            step = np.diff(times)
            for at in np.flatnonzero((step > gap_ms) & (step <= longest)):
                low, high = int(times[at]) // MS_PER_HOUR * MS_PER_HOUR, int(times[at + 1])
                inside = range(low, high, MS_PER_HOUR)
                reason = next((targets[hour] for hour in inside if hour in targets), LATE)
                for hour in inside:
                    self._add(found, hour, reason)
        return found

    def _add(self, found: dict[int, str], hour: int, reason: str) -> None:
        if self._first_ms <= hour < self._end_ms:
            found.setdefault(hour, reason)

    def _window(self, targets: Collection[int]) -> Readings:
        return self._source.window(min(targets), max(targets) + MS_PER_HOUR, margins=1)

    def _write_activity(self, hours: Mapping[str, StreamHours], chosen: Mask, *, grid: Grid) -> int:
        streams, fields = activity.rows(hours)
        keys = [(self._plant.site.id, line or names.SITE_LINE, stream) for stream, _field, line in streams]
        table = self._store.read(self._derived, "activity", start_ms=grid.start_ms, end_ms=grid.end_ms)
        found = derived.matrix(table, tags=activity.TAGS, fields=activity.FIELDS, grid=grid)
        stored = found.aligned(keys, hours=grid.hours)
        fields = derived.kept(fields, stored)
        changed = derived.differs(fields, stored) & chosen
        return self._write("activity", derived.table(keys, fields, tags=activity.TAGS, chosen=changed, grid=grid))

    def _write_emission(
        self, figures: Mapping[emission.Key, Figure], chosen: Mask, reasons: Mapping[int, str], *, grid: Grid
    ) -> int:
        table = self._store.read(self._derived, "emission", start_ms=grid.start_ms, end_ms=grid.end_ms)
        found = derived.matrix(table, tags=emission.TAGS, fields=(*emission.FIELDS, "revision"), grid=grid)
        keys = [*figures, *(key for key in found.keys if key not in figures)]
        stored = found.aligned(keys, hours=grid.hours)
        # A figure by a method that no longer applies is withdrawn as zero: the store cannot take a row back.
        fields = {name: np.zeros((len(keys), grid.hours)) for name in emission.FIELDS}
        for row, figure in enumerate(figures.values()):
            fields["co2_t"][row], fields["u_rel"][row] = figure.co2_t, figure.u_rel
            fields["substituted"][row] = figure.substituted
        fields = derived.kept(fields, stored)
        changed = derived.differs(fields, stored) & chosen
        changed[len(figures) :] &= stored.there[len(figures) :]
        fields["revision"] = np.nan_to_num(stored.fields["revision"]) + 1
        self._write("emission_history", _history(keys, fields, changed, reasons, grid=grid))
        rows = derived.table(keys, fields, tags=emission.TAGS, chosen=changed, grid=grid, whole=("revision",))
        return self._write("emission", rows)

    def _write(self, measurement: str, rows: pa.Table) -> int:
        if rows.num_rows:
            self._store.write(self._derived, measurement, rows)
        return int(rows.num_rows)


def _history(
    keys: list[emission.Key] | list[tuple[str, ...]],
    fields: dict[str, np.ndarray],
    changed: Mask,
    reasons: Mapping[int, str],
    *,
    grid: Grid,
) -> pa.Table:
    """Every new version with its revision as a tag, and why it was made."""
    rows = derived.table(keys, fields, tags=emission.TAGS, chosen=changed, grid=grid, whole=("revision",))
    revision = rows.column("revision").to_numpy()
    numbers, code = np.unique(revision, return_inverse=True)
    tag = pa.DictionaryArray.from_arrays(
        pa.array(code.astype(np.int32)), pa.array([str(number) for number in numbers], pa.string())
    )
    why = [reasons.get(hour, LATE) for hour in rows.column("time").to_pylist()]
    reason = [FIRST_REASON if number == 1 else cause for number, cause in zip(revision.tolist(), why, strict=True)]
    rows = rows.drop_columns(["revision"])
    return rows.append_column("revision", tag).append_column("reason", pa.array(reason, pa.string()))


def _missing(
    hours: Mapping[str, StreamHours], figures: Mapping[emission.Key, Figure], chosen: Mask, *, grid: Grid
) -> dict[str, frozenset[int]]:
    """Hours without amount or without figure, by stream."""
    lacking = {stream: np.isnan(found.amount) for stream, found in hours.items()}
    for key, figure in figures.items():
        lacking[key[2]] = lacking[key[2]] | np.isnan(figure.co2_t)
    result = {stream: frozenset(grid.hour_ms[mask & chosen].tolist()) for stream, mask in lacking.items()}
    return {stream: found for stream, found in result.items() if found}
