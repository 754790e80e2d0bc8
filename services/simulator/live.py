"""What every instrument shows now: the history continued second by second, by the same instruments.

Values are made a minute ahead on arrays, so that a served second costs a lookup. The model reaches a few hours past
the present and is made anew when the present catches up; a longer run begins with the same figures, so nothing jumps.
Time is a parameter: a test stands the clock still.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.simulator.history import instruments
from services.simulator.instruments import Instrument
from services.simulator.scenario import HOUR_MS, Scenario
from tanji.plant.model import Plant

SECOND_MS: Final = 1000
AHEAD_MS: Final = 60 * SECOND_MS
REACH_MS: Final = 6 * HOUR_MS


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """All points at one second: value in stored form (NaN: no answer), flag word, time the device claims."""

    second_ms: int
    values: NDArray[np.float64]
    quality: NDArray[np.int64]
    times: NDArray[np.int64]
    answering: NDArray[np.bool_]


class Live:
    """The plant's instruments as they stand at any second."""

    def __init__(self, plant: Plant, scenario: Scenario, *, clock: Callable[[], int]) -> None:
        """clock : gives the present. [ms UTC]"""
        self.plant, self.scenario, self.clock = plant, scenario, clock
        self.place = {point.id: place for place, point in enumerate(plant.points)}
        self.instruments: tuple[Instrument, ...] = ()
        self._reach_ms = 0
        self._first_ms = 0
        self._block: tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]] | None = None
        self._shown: Shown | None = None

    def now(self) -> Shown:
        """What is shown in the present second."""
        return self.at(self.clock() // SECOND_MS * SECOND_MS)

    def at(self, second_ms: int) -> Shown:
        """What is shown in the second that begins at `second_ms`."""
        if self._shown is not None and self._shown.second_ms == second_ms:
            return self._shown
        if self._block is None or not self._first_ms <= second_ms < self._first_ms + AHEAD_MS:
            self._prepare(second_ms)
        assert self._block is not None
        column = (second_ms - self._first_ms) // SECOND_MS
        values, quality, times, present = (part[:, column] for part in self._block)
        self._shown = Shown(second_ms, values, quality, times, present & ~np.isnan(values))
        return self._shown

    def _prepare(self, second_ms: int) -> None:
        if second_ms + AHEAD_MS > self._reach_ms:
            self._reach_ms = second_ms + REACH_MS
            self.instruments = instruments(self.plant, self.scenario, end_ms=self._reach_ms)
        seconds = np.arange(second_ms, second_ms + AHEAD_MS, SECOND_MS, dtype=np.int64)
        columns = [meter.read(seconds) for meter in self.instruments]
        self._first_ms = second_ms
        self._block = (
            np.stack([column.values for column in columns]),
            np.stack([column.quality for column in columns]),
            np.stack([column.times for column in columns]),
            np.stack([column.present for column in columns]),
        )
