"""One block of hours through quality, activity and emission, and into the derived bucket.

A block is widened to every hour that a touched reading can reach: the neighbours of a stuck run, and the hours of a
hole that a counter or a state is carried across. It goes through three stages that a run of many blocks overlaps
(`calc_jobs.pipeline`): `fetch` reads, `work` computes and writes the flags, which the next block has to see, `commit`
compares with what is stored and writes (`calc_jobs.revisions`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np

from calc_jobs import activity, editions, emission, lookback, quality
from calc_jobs.activity import StreamHours
from calc_jobs.editions import Edition
from calc_jobs.emission import Row
from calc_jobs.history import StoredHistory
from calc_jobs.provenance import Traced
from calc_jobs.quality import FlagResult
from calc_jobs.readings import PointReadings, Readings, ReadingSource
from calc_jobs.revisions import Revisions
from calc_jobs.touched import LATE, RECOMPUTED
from tanji.domain.factors import FactorLibrary
from tanji.domain.items import RuleSetId
from tanji.domain.rulesets import RuleSet
from tanji.ledger import Ledger
from tanji.ledger.entries import Entry
from tanji.plant import names
from tanji.plant.model import Plant
from tanji.quality.hours import MS_PER_HOUR, Grid
from tanji.quality.rules import Mask
from tanji.store.port import Store

SAMPLED_HOURS = 3
"""How many hours are counted to judge how many readings an hour has."""


@dataclass(frozen=True, slots=True)
class BlockResult:
    """Hours that were computed [UTC ms], rows written, hours without a value by stream, and hours with warnings."""

    hours: frozenset[int]
    flags: int
    activity_rows: int
    emission_rows: int
    missing: dict[str, frozenset[int]]
    warned: dict[str, int]


@dataclass(frozen=True, slots=True)
class Fetched:
    """The hours of a block with their reasons, and the raw readings of their window."""

    targets: dict[int, str]
    raw: dict[str, PointReadings]


@dataclass(frozen=True, slots=True)
class Basis:
    """What the figures of a grid's hours are made of; `readings` carry effective flag words."""

    grid: Grid
    readings: Readings
    flags: FlagResult
    entries: tuple[Entry, ...]
    hours: dict[str, StreamHours]
    parameters: Traced
    editions: dict[RuleSetId, tuple[Edition, ...]]


@dataclass(frozen=True, slots=True)
class Computed:
    """A block's hours and figures on its grid; `chosen` are those to be written."""

    targets: dict[int, str]
    grid: Grid
    chosen: Mask
    flags: int
    hours: dict[str, StreamHours]
    figures: dict[emission.Key, Row]


class HourlyJob:
    """Computes blocks of hours of [first_ms, end_ms), the hours of the plant that are computed at all [UTC ms]."""

    def __init__(
        self,
        plant: Plant,
        store: Store,
        ledger: Ledger,
        library: FactorLibrary,
        *,
        first_ms: int,
        end_ms: int,
        methods: Mapping[RuleSetId, RuleSet] | None = None,
    ) -> None:
        self._plant = plant
        self._store = store
        self._ledger = ledger
        self._library = library
        self._first_ms = first_ms
        self._end_ms = end_ms
        self._methods = methods
        self._source = ReadingSource(plant, store)
        self._history = StoredHistory(plant, self._source, ledger, first_ms=first_ms, end_ms=end_ms)
        self._revisions = Revisions(plant, store)
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
        return self.commit(self.work(self.fetch(reasons)))

    def fetch(self, reasons: Mapping[int, str]) -> Fetched:
        """Read the block's raw readings."""
        targets = self._reached(reasons)
        return Fetched(targets, self._source.raw(min(targets), max(targets) + MS_PER_HOUR, margins=1))

    def work(self, fetched: Fetched) -> Computed:
        """Compute the block and write its flags."""
        targets, readings = fetched.targets, self._window(fetched.targets, fetched.raw)
        widened = self._across_holes(targets, readings)
        if len(widened) > len(targets):
            targets = widened
            readings = self._window(targets)
        basis = self._basis(readings)
        figures = emission.compute(self._plant, basis.hours, parameters=basis.parameters, rulesets=basis.editions)
        chosen = np.isin(basis.grid.hour_ms, np.array(sorted(targets), np.int64))
        if basis.flags.changed:
            self._store.write(self._derived, "flag", basis.flags.rows)
        return Computed(targets, basis.grid, chosen, basis.flags.changed, basis.hours, figures)

    def basis(self, hour_ms: int) -> Basis:
        """What the figures of one hour are made of, as a run would find it now; nothing is written."""
        fetched = self.fetch({hour_ms: RECOMPUTED})
        return self._basis(self._window(fetched.targets, fetched.raw))

    def _basis(self, readings: Readings) -> Basis:
        grid = Grid(readings.start_ms, (readings.end_ms - readings.start_ms) // MS_PER_HOUR)
        flags = quality.flag(self._plant, readings, start_ms=grid.start_ms, end_ms=grid.end_ms)
        readings = readings.effective(flags.words)
        entries = self._ledger.entries(start_ms=grid.start_ms, end_ms=grid.end_ms)
        hours = activity.compute(
            self._plant, readings, grid=grid, entries=entries, library=self._library, history=self._history
        )
        parameters = Traced(self._plant, self._library, entries=entries, grid=grid, ledger=self._ledger)
        return Basis(grid, readings, flags, entries, hours, parameters, self._editions(grid))

    def _editions(self, grid: Grid) -> dict[RuleSetId, tuple[Edition, ...]]:
        """The editions of the plant's rule sets by hour, unless the caller names one for all hours."""
        if self._methods is None:
            return {identity: editions.of(self._plant, identity, grid=grid) for identity in self._plant.rulesets}
        every = np.ones(grid.hours, np.bool_)
        return {identity: (Edition(self._methods[identity], every),) for identity in self._plant.rulesets}

    def commit(self, computed: Computed) -> BlockResult:
        """Write what differs from what is stored."""
        grid, chosen = computed.grid, computed.chosen
        return BlockResult(
            frozenset(computed.targets),
            computed.flags,
            self._revisions.write_activity(computed.hours, chosen, grid=grid),
            self._revisions.write_emission(computed.figures, chosen, computed.targets, grid=grid),
            _missing(computed.hours, computed.figures, chosen, grid=grid),
            _warned(computed.figures, chosen),
        )

    def hours_that_looked_back(self, reasons: Mapping[int, str], *, without: Collection[int]) -> dict[int, str]:
        """Hours, substituted or without value, that rest on one of these hours (`calc_jobs.lookback`)."""
        return lookback.hours_that_looked_back(self._plant, self._store, reasons, end_ms=self._end_ms, without=without)

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

    def _window(self, targets: Collection[int], raw: dict[str, PointReadings] | None = None) -> Readings:
        return self._source.window(min(targets), max(targets) + MS_PER_HOUR, margins=1, raw=raw)


def _missing(
    hours: Mapping[str, StreamHours], figures: Mapping[emission.Key, Row], chosen: Mask, *, grid: Grid
) -> dict[str, frozenset[int]]:
    """Hours without amount or without figure, by stream."""
    lacking = {stream: np.isnan(found.amount) for stream, found in hours.items()}
    for key, row in figures.items():
        lacking[key[2]] = lacking[key[2]] | np.isnan(row.figure.co2_t)
    result = {stream: frozenset(grid.hour_ms[mask & chosen].tolist()) for stream, mask in lacking.items()}
    return {stream: found for stream, found in result.items() if found}


def _warned(figures: Mapping[emission.Key, Row], chosen: Mask) -> dict[str, int]:
    """Hours of each stream in which an input of some figure lay outside its soft range."""
    masks: dict[str, Mask] = {}
    for key, row in figures.items():
        masks[key[2]] = masks.get(key[2], np.zeros(chosen.size, np.bool_)) | (row.trace.warnings > 0)
    counts = {stream: int((mask & chosen).sum()) for stream, mask in masks.items()}
    return {stream: count for stream, count in counts.items() if count}
