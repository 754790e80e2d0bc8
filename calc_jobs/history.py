"""Hours around a window, for substitution: read only when a source has an hour without enough data.

The search for valid running hours goes back in growing steps until as many as the plan asks for are found. Hours are
computed from the readings and the ledger, never taken from what jobs wrote, so that they do not depend on the order
in which data came.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from calc_jobs.readings import Readings, ReadingSource
from calc_jobs.sources import EntrySource, Source, running_minutes
from calc_jobs.stocktake import amounts
from tanji.ledger import Ledger
from tanji.ledger.entries import CALIBRATION, OUT_OF_CONTROL, Entry
from tanji.plant.model import Plant
from tanji.quality.hours import MS_PER_HOUR, ROUNDING, Grid, Hours
from tanji.quality.rules import Floats

LONGEST_HOURS = 366 * 24
"""Data older than a year are no measure of what is missing now; they would be read for every hour of a dead meter."""


@dataclass(frozen=True, slots=True)
class Valid:
    """Amounts [unit used inside the code] and running time [h] of valid running hours, oldest first."""

    amount: Floats
    running_h: Floats


@dataclass(frozen=True, slots=True)
class Context:
    """Hours of a source without a break from `start_ms` [UTC ms], valid or not."""

    start_ms: int
    hours: Hours


NONE = Valid(np.empty(0), np.empty(0))


class History(Protocol):
    """Where a rule of substitution finds the hours around a window."""

    def __call__(self, stream: str, source: Source, before_ms: int) -> Valid:
        """The newest valid running hours before `before_ms` [UTC ms], at most the plan's look-back."""
        ...

    def around(self, stream: str, source: Source, start_ms: int, end_ms: int, *, valid_before: int) -> Context:
        """Hours of [start_ms, end_ms) that there are, and so many before that `valid_before` of them are valid."""
        ...

    def calibrations(self, stream: str, *, before_ms: int) -> list[int]:
        """Times of the calibrations of a stream [UTC ms]."""
        ...

    def out_of_control(self, stream: str, *, start_ms: int, end_ms: int) -> Sequence[Entry]:
        """Periods of [start_ms, end_ms) in which the stream's measuring system was out of control."""
        ...


class StoredHistory:
    """Finds hours in the store and the ledger, of the plant's hours [first_ms, end_ms)."""

    def __init__(
        self, plant: Plant, source: ReadingSource, ledger: Ledger, *, first_ms: int, end_ms: int | None = None
    ) -> None:
        self._plant = plant
        self._source = source
        self._ledger = ledger
        self._first_ms = first_ms
        self._end_ms = end_ms

    def __call__(self, stream: str, source: Source, before_ms: int) -> Valid:
        """The newest valid running hours before `before_ms` [UTC ms], at most the plan's look-back."""
        wanted = self._plant.quality.lookback_valid_hours
        first_ms = max(self._first_ms, before_ms - LONGEST_HOURS * MS_PER_HOUR)
        found, end_ms, step = NONE, before_ms, wanted * MS_PER_HOUR
        while end_ms > first_ms and found.amount.size < wanted:
            start_ms = max(first_ms, end_ms - step)
            found = _joined(self._valid(stream, source, start_ms, end_ms), found)
            end_ms, step = start_ms, step * 2
        return Valid(found.amount[-wanted:], found.running_h[-wanted:])

    def around(self, stream: str, source: Source, start_ms: int, end_ms: int, *, valid_before: int) -> Context:
        """Hours of [start_ms, end_ms) that there are, and so many before that `valid_before` of them are valid."""
        start_ms = max(start_ms, self._first_ms)
        end_ms = end_ms if self._end_ms is None else min(end_ms, self._end_ms)
        parts = [self.hours(stream, source, start_ms, end_ms)]
        first_ms = max(self._first_ms, start_ms - LONGEST_HOURS * MS_PER_HOUR)
        found, step = 0, valid_before * MS_PER_HOUR
        while start_ms > first_ms and found < valid_before:
            earlier = max(first_ms, start_ms - step)
            part = self.hours(stream, source, earlier, start_ms)
            found += int((part.valid & (part.running_h > ROUNDING)).sum())
            parts.insert(0, part)
            start_ms = earlier
        return Context(start_ms, _end_to_end(parts))

    def calibrations(self, stream: str, *, before_ms: int) -> list[int]:
        """Times of the calibrations of a stream [UTC ms]."""
        entries = self._ledger.entries(end_ms=before_ms, streams=(stream,), parameter=CALIBRATION)
        return [entry.valid_from_ms for entry in entries]

    def out_of_control(self, stream: str, *, start_ms: int, end_ms: int) -> Sequence[Entry]:
        """Periods of [start_ms, end_ms) in which the stream's measuring system was out of control."""
        return self._ledger.entries(start_ms=start_ms, end_ms=end_ms, streams=(stream,), parameter=OUT_OF_CONTROL)

    def hours(self, stream: str, source: Source, start_ms: int, end_ms: int) -> Hours:
        """Hours of [start_ms, end_ms) from readings or entries."""
        grid = Grid(start_ms, (end_ms - start_ms) // MS_PER_HOUR)
        readings = Readings(start_ms, end_ms, {}, {})
        if isinstance(source, EntrySource):
            entries = self._ledger.entries(start_ms=start_ms, end_ms=end_ms, streams=(stream,))
            source = replace(source, entries=amounts(self._plant.streams_by_id[stream], entries))
        else:
            readings = self._source.window(start_ms, end_ms, points=source.points, margins=1).effective()
        running = running_minutes(self._plant, source.gate, readings, grid=grid)
        return source.hours(self._plant, readings, running, grid=grid)

    def _valid(self, stream: str, source: Source, start_ms: int, end_ms: int) -> Valid:
        hours = self.hours(stream, source, start_ms, end_ms)
        good = hours.valid & (hours.running_h > ROUNDING)
        return Valid(hours.amount[good], hours.running_h[good])


def _joined(earlier: Valid, later: Valid) -> Valid:
    return Valid(np.concatenate((earlier.amount, later.amount)), np.concatenate((earlier.running_h, later.running_h)))


def _end_to_end(parts: Sequence[Hours]) -> Hours:
    return Hours(
        np.concatenate([part.amount for part in parts]),
        np.concatenate([part.valid for part in parts]),
        np.concatenate([part.running_h for part in parts]),
        np.concatenate([part.captured for part in parts]),
    )
