"""Valid running hours before a window, for substitution: read only when a source has an hour without enough data.

The search goes back in growing steps until the plan's number of valid running hours is found.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from calc_jobs.readings import Readings, ReadingSource
from calc_jobs.sources import EntrySource, Source, running_minutes
from tanji.ledger import Ledger
from tanji.ledger.entries import AMOUNT
from tanji.plant.model import Plant
from tanji.quality.hours import MS_PER_HOUR, ROUNDING, Grid
from tanji.quality.rules import Floats

LONGEST_HOURS = 366 * 24
"""Data older than a year are no measure of what is missing now; they would be read for every hour of a dead meter."""


@dataclass(frozen=True, slots=True)
class Valid:
    """Amounts [unit used inside the code] and running time [h] of valid running hours, oldest first."""

    amount: Floats
    running_h: Floats


NONE = Valid(np.empty(0), np.empty(0))
History = Callable[[str, Source, int], Valid]
"""(stream id, source, before_ms) -> the valid running hours before."""


class StoredHistory:
    """Finds valid hours in the store and the ledger, back to the plant's first hour."""

    def __init__(self, plant: Plant, source: ReadingSource, ledger: Ledger, *, first_ms: int) -> None:
        self._plant = plant
        self._source = source
        self._ledger = ledger
        self._first_ms = first_ms

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

    def _valid(self, stream: str, source: Source, start_ms: int, end_ms: int) -> Valid:
        grid = Grid(start_ms, (end_ms - start_ms) // MS_PER_HOUR)
        readings = Readings(start_ms, end_ms, {}, {})
        if isinstance(source, EntrySource):
            entries = self._ledger.entries(start_ms=start_ms, end_ms=end_ms, streams=(stream,), parameter=AMOUNT)
            source = replace(source, entries=entries)
        else:
            readings = self._source.window(start_ms, end_ms, points=source.points, margins=1).effective()
        running = running_minutes(self._plant, source.gate, readings, grid=grid)
        hours = source.hours(self._plant, readings, running, grid=grid)
        good = hours.valid & (hours.running_h > ROUNDING)
        return Valid(hours.amount[good], hours.running_h[good])


def _joined(earlier: Valid, later: Valid) -> Valid:
    return Valid(np.concatenate((earlier.amount, later.amount)), np.concatenate((earlier.running_h, later.running_h)))
