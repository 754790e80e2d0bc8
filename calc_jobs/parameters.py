"""Factors and laboratory values by hour: measured where the ledger has them, the plan's rule elsewhere (standard.md 9).

A value that stands in for one the laboratory should have reported counts as substituted, by the rule of the stream; so
does one in place of a result outside its hard range, which is not used as measured but never left out either. A
default that the plan relies on anyway counts as none. A value that nobody has is NaN.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from calc_jobs import editions, missing
from calc_jobs.activity import local_day
from calc_jobs.history import LONGEST_HOURS
from calc_jobs.missing import LOOKS_BACK, Texts
from calc_jobs.uncertainties import Uncertainties
from tanji.domain.factors import FactorLibrary
from tanji.domain.items import MissingRule, RuleSetId
from tanji.errors import DomainError
from tanji.ledger import Ledger
from tanji.ledger.entries import Entry, parameters
from tanji.plant.model import Plant, Stream
from tanji.quality import substitution
from tanji.quality.hours import MS_PER_HOUR, Grid
from tanji.quality.rules import Floats, Mask

COAL = "coal"
"""Key of records that hold for coal of any kind."""
CONSERVATIVE = "_conservative"
"""What follows the name of a quantity in the library where a record never understates."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """Values by hour, their relative standard uncertainty [1], and where a missing laboratory value was replaced.

    rule : by which rule, empty where nothing was replaced.
    """

    value: Floats
    u_rel: Floats
    missing: Mask
    rule: Texts = field(default_factory=lambda: np.empty(0, object))


@dataclass(frozen=True, slots=True)
class _Measured:
    """Mean of the accepted results of each hour, and how long accepted and refused ones hold in it [ms]."""

    mean: Floats
    accepted: Floats
    refused: Floats


@dataclass(frozen=True, slots=True)
class _StandIn:
    """What stands in for a laboratory value, by hour."""

    value: Floats
    u_rel: Floats
    rule: Texts


class Parameters:
    """Looks up parameters for the hours of a grid; with a ledger, rules that look back find what they look at."""

    def __init__(
        self,
        plant: Plant,
        library: FactorLibrary,
        *,
        entries: Sequence[Entry],
        grid: Grid,
        ledger: Ledger | None = None,
    ) -> None:
        self._site = plant
        self._library = library
        self._grid = grid
        self._ledger = ledger
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
        variant: str | None = None,
    ) -> Parameter:
        """A stream's quantity; `absent` is the plan's value where neither the laboratory nor the library knows it."""
        name = applies_to or stream.fuel or ""
        nothing: Texts = np.full(self._grid.hours, "", object)
        if quantity not in stream.laboratory:
            value, u_rel = self.default(quantity, name, ruleset=ruleset, variant=variant)
            if absent is not None:
                value = np.where(np.isnan(value), absent, value)
                u_rel = np.where(np.isnan(u_rel), 0.0, u_rel)
            return Parameter(value, u_rel, np.zeros(self._grid.hours, np.bool_), nothing)
        measured = _measured(self._site, stream, self._entries.get((stream.id, quantity), ()), grid=self._grid)
        laboratory = np.full(self._grid.hours, self._uncertainties.typical(quantity, "laboratory"))
        lacking = (measured.accepted == 0) | (measured.refused > 0)
        if not lacking.any():
            return Parameter(measured.mean, laboratory, lacking, nothing)
        other = self._stand_in(stream, quantity, measured, ruleset=ruleset, name=name, variant=variant)
        if absent is not None:
            other = _or_absent(other, absent, quantity)
        held = measured.accepted + measured.refused
        share = np.where(measured.accepted == 0, 1.0, measured.refused / np.where(held > 0, held, 1.0))
        mean = np.where(measured.accepted == 0, 0.0, measured.mean)
        mixed = np.where(share == 1.0, other.value, mean * (1 - share) + other.value * share)
        return Parameter(
            np.where(lacking, mixed, measured.mean),
            np.where(lacking, np.where(np.isnan(other.u_rel), laboratory, other.u_rel), laboratory),
            lacking,
            np.where(lacking, other.rule, nothing),
        )

    def planned(self, quantity: str, value: float) -> Parameter:
        """A constant of the plant file, as uncertain as such an entry is."""
        hours = self._grid.hours
        u_rel = np.full(hours, self._uncertainties.typical(quantity, "entry"))
        return Parameter(np.full(hours, value), u_rel, np.zeros(hours, np.bool_), np.full(hours, "", object))

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

    def _stand_in(
        self,
        stream: Stream,
        quantity: str,
        measured: _Measured,
        *,
        ruleset: RuleSetId,
        name: str,
        variant: str | None,
    ) -> _StandIn:
        rule = stream.missing_rule(quantity)
        if rule in LOOKS_BACK:
            return self._from_before(stream, quantity, measured, rule)
        value, u_rel = (np.full(self._grid.hours, np.nan) for _ in range(2))
        for asked, hours in self._asked_for(quantity, rule, ruleset=ruleset):
            key = COAL if asked.endswith(CONSERVATIVE) and name in parameters()[quantity].coal_fuels else name
            found, u_found = self.default(asked, key, ruleset=ruleset, variant=variant)
            value, u_rel = np.where(hours, found, value), np.where(hours, u_found, u_rel)
        return _StandIn(value, u_rel, np.full(self._grid.hours, f"{quantity}: {rule}", object))

    def _asked_for(self, quantity: str, rule: MissingRule, *, ruleset: RuleSetId) -> list[tuple[str, Mask]]:
        """Which quantity of the library stands in, and in which hours: each edition of the rule set names its own."""
        every = np.ones(self._grid.hours, np.bool_)
        if rule is MissingRule.CONSERVATIVE_DEFAULT:
            return [(quantity + CONSERVATIVE, every)]
        if quantity != "net_calorific_value":
            return [(quantity, every)]
        found = editions.of(self._site, ruleset, grid=self._grid)
        return [(edition.ruleset.missing_net_calorific_value, edition.hours) for edition in found]

    def _from_before(self, stream: Stream, quantity: str, measured: _Measured, rule: MissingRule) -> _StandIn:
        """Mean, or mean + 2 sigma, of the last hours with a result; each hour weighs alike."""
        asked, before = self._site.quality.lookback_valid_hours, Grid(self._grid.start_ms, 0)
        if self._ledger is not None:
            before = Grid(self._grid.start_ms - LONGEST_HOURS * MS_PER_HOUR, LONGEST_HOURS)
            entries = self._ledger.entries(
                start_ms=before.start_ms, end_ms=before.end_ms, streams=(stream.id,), parameter=quantity
            )
            earlier = _measured(self._site, stream, entries, grid=before)
            mean = np.concatenate((earlier.mean, measured.mean))
            known = np.concatenate((earlier.accepted > 0, measured.accepted > 0))
        else:
            mean, known = measured.mean, measured.accepted > 0
        lacking = np.concatenate((np.zeros(before.hours, np.bool_), measured.refused > 0))
        chosen = substitution.mean_plus_2_sigma if rule is MissingRule.MEAN_PLUS_2_SIGMA else substitution.mean_of_valid
        found = chosen(
            np.where(known, mean, np.nan), valid=known & ~lacking, running_h=np.ones(mean.size), lookback=asked
        )
        here = slice(before.hours, None)
        words = f"{quantity}: {rule} of {asked} h"
        rules = [missing.said(words, used=used, asked=asked) for used in found.used[here].tolist()]
        bounds = missing.hard_range(self._site, stream, quantity)
        if bounds is not None:  # a mean with 2 sigma may leave it, and no formula would take that
            np.clip(found.amount, bounds.low, bounds.high, out=found.amount)
        return _StandIn(found.amount[here], np.full(self._grid.hours, np.nan), np.array(rules, object))


def _or_absent(other: _StandIn, absent: float, quantity: str) -> _StandIn:
    unknown = np.isnan(other.value)
    return _StandIn(
        np.where(unknown, absent, other.value),
        np.where(unknown, 0.0, other.u_rel),
        np.where(unknown, f"{quantity}: {absent:g} of the plan", other.rule),
    )


def _measured(plant: Plant, stream: Stream, entries: Sequence[Entry], *, grid: Grid) -> _Measured:
    """Mean of the results that hold in each hour, weighted by how long they do; NaN where none does."""
    total, accepted, refused = (np.zeros(grid.hours) for _ in range(3))
    # in an order of what they say, not of when they came: sums must not depend on it
    for entry in sorted(entries, key=lambda entry: (entry.valid_from_ms, entry.valid_to_ms, entry.value)):
        first = max(0, (entry.valid_from_ms - grid.start_ms) // MS_PER_HOUR)
        last = min(grid.hours, -((grid.start_ms - entry.valid_to_ms) // MS_PER_HOUR))
        if first >= last:
            continue
        edge = grid.start_ms + MS_PER_HOUR * np.arange(first, last)
        held = np.minimum(edge + MS_PER_HOUR, entry.valid_to_ms) - np.maximum(edge, entry.valid_from_ms)
        if missing.accepted(plant, stream, entry):
            total[first:last] += entry.value * held
            accepted[first:last] += held
        else:
            refused[first:last] += held
    mean: Floats = np.divide(total, accepted, out=np.full(grid.hours, np.nan), where=accepted > 0)
    return _Measured(mean, accepted, refused)
