"""Factors and laboratory values by hour: measured where the ledger has them, the library's default elsewhere.

Order of precedence as in standard.md section 9. A default that stands in for a value the laboratory should have
reported counts as substituted; one that the plan relies on anyway does not. A value that nobody has is NaN.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from calc_jobs.activity import local_day
from calc_jobs.uncertainties import Uncertainties
from tanji.domain.factors import FactorLibrary
from tanji.domain.items import RuleSetId
from tanji.errors import DomainError
from tanji.ledger.entries import Entry
from tanji.plant.model import Plant, Stream
from tanji.quality.hours import MS_PER_HOUR, Grid
from tanji.quality.rules import Floats, Mask


@dataclass(frozen=True, slots=True)
class Parameter:
    """Values by hour, their relative standard uncertainty [1], and where a missing laboratory value was replaced."""

    value: Floats
    u_rel: Floats
    missing: Mask


class Parameters:
    """Looks up parameters for the hours of a grid."""

    def __init__(self, plant: Plant, library: FactorLibrary, *, entries: Sequence[Entry], grid: Grid) -> None:
        self._library = library
        self._grid = grid
        self._entries: dict[tuple[str, str], list[Entry]] = {}
        for entry in entries:
            self._entries.setdefault((entry.stream, entry.parameter), []).append(entry)
        days = [local_day(plant, int(hour)).date() for hour in grid.hour_ms]
        self._days = sorted(set(days))
        self._day_of_hour = np.searchsorted(np.array([day.toordinal() for day in self._days]),
                                            np.array([day.toordinal() for day in days]))  # fmt: skip
        self._uncertainties = Uncertainties(plant, library, on=local_day(plant, grid.start_ms))
        self._defaults: dict[tuple[str, str, RuleSetId, str | None], tuple[Floats, Floats]] = {}

    def of(
        self,
        stream: Stream,
        quantity: str,
        *,
        ruleset: RuleSetId,
        applies_to: str | None = None,
        absent: float | None = None,
    ) -> Parameter:
        """A stream's quantity; `absent` is its value where neither the laboratory nor the library knows it."""
        expected = quantity in stream.laboratory
        value, u_rel = self.default(quantity, applies_to or stream.fuel or "", ruleset=ruleset)
        if absent is not None and not expected:
            value = np.where(np.isnan(value), absent, value)
            u_rel = np.where(np.isnan(u_rel), 0.0, u_rel)
        measured = self._measured(stream.id, quantity) if expected else np.full(self._grid.hours, np.nan)
        known = np.isfinite(measured)
        laboratory = self._uncertainties.typical(quantity, "laboratory") if expected else 0.0
        return Parameter(
            np.where(known, measured, value),
            np.where(known, laboratory, u_rel),
            ~known if expected else np.zeros(self._grid.hours, np.bool_),
        )

    def default(
        self, quantity: str, applies_to: str, *, ruleset: RuleSetId, variant: str | None = None
    ) -> tuple[Floats, Floats]:
        """The library's value by hour and its uncertainty, each hour by the edition in force on its local day."""
        key = quantity, applies_to, ruleset, variant
        if key not in self._defaults:
            daily = np.array(
                [self._on(quantity, applies_to, ruleset, variant, index) for index in range(len(self._days))]
            )
            self._defaults[key] = daily[self._day_of_hour, 0], daily[self._day_of_hour, 1]
        return self._defaults[key]

    def _on(
        self, quantity: str, applies_to: str, ruleset: RuleSetId, variant: str | None, day: int
    ) -> tuple[float, float]:
        try:
            factor = self._library.find(
                quantity, applies_to=applies_to, ruleset=ruleset, on=self._days[day], variant=variant
            )
        except DomainError:
            return np.nan, np.nan
        return factor.value, self._uncertainties.of_factor(factor)

    def _measured(self, stream: str, quantity: str) -> Floats:
        """Mean of the values that hold in each hour, weighted by how long they do; NaN where none does."""
        grid, total, weight = self._grid, np.zeros(self._grid.hours), np.zeros(self._grid.hours)
        for entry in self._entries.get((stream, quantity), ()):
            first = max(0, (entry.valid_from_ms - grid.start_ms) // MS_PER_HOUR)
            last = min(grid.hours, -((grid.start_ms - entry.valid_to_ms) // MS_PER_HOUR))
            if first >= last:
                continue
            edge = grid.start_ms + MS_PER_HOUR * np.arange(first, last)
            held = np.minimum(edge + MS_PER_HOUR, entry.valid_to_ms) - np.maximum(edge, entry.valid_from_ms)
            total[first:last] += entry.value * held
            weight[first:last] += held
        mean: Floats = np.divide(total, weight, out=np.full(grid.hours, np.nan), where=weight > 0)
        return mean
