"""Relative standard uncertainty of what a figure is made of, hour by hour (standard.md section 13, R37).

A meter: its certificate, else its accuracy class, else the typical value (`tanji.plant.instruments`). A factor: what
its record says. A stocktake: its terms. A laboratory value or a manual entry: the typical values of `factors.toml`.
How the hours of a period add up, with what they share, is `tanji.report.budget`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from calc_jobs.readings import Readings
from calc_jobs.sources import EntrySource, MeterSource, Source, StackSource
from tanji.domain import uncertainty, units
from tanji.domain.factors import Factor, FactorLibrary
from tanji.domain.uncertainty_typical import Typical
from tanji.errors import DomainError
from tanji.ledger.entries import CLOSING_FACTOR, Entry
from tanji.ledger.stocktakes import stocktakes
from tanji.plant.instruments import accuracy, metered_by_volume
from tanji.plant.model import Plant, Stream
from tanji.plant.stack_accuracy import CONDITIONS, stack_parts
from tanji.quality.hours import MS_PER_HOUR, Grid
from tanji.quality.rules import Floats, Mask

CUBIC_METRES = "m3"
"""Unit of an entry that a density turns into tonnes."""


@dataclass(frozen=True, slots=True)
class Around:
    """What the uncertainty of an amount hangs on besides the amount: the readings and entries of the hours."""

    readings: Readings
    entries: Sequence[Entry]
    running_h: Floats
    grid: Grid


class Uncertainties:
    """Looks up relative standard uncertainties [1] for a plant on a day."""

    def __init__(self, plant: Plant, library: FactorLibrary, *, on: datetime) -> None:
        self._plant = plant
        self._typical = Typical(library, plant.rulesets[0], on.date())

    def typical(self, quantity: str, origin: str) -> float:
        """Typical value for a quantity that comes from `laboratory`, `default`, `entry` or `meter`."""
        return self._typical.total(quantity, origin=origin)

    def of_factor(self, factor: Factor) -> float:
        """What the record says, else what is typical for a default of its quantity."""
        return self._typical.of_factor(factor)

    def of_amount(self, stream: Stream, sources: Sequence[Source], amounts: Floats, around: Around) -> Floats:
        """Of a stream's amount; amounts : sources x hours, signed."""
        first, hours = sources[0], around.grid.hours
        if isinstance(first, StackSource):
            return self._of_stack(first, around)
        if isinstance(first, EntrySource):
            result: Floats = np.full(hours, self.typical("amount", "entry"))
            volumes = [entry for entry in first.entries if entry.unit == CUBIC_METRES]
            by_volume = np.any([held(entry, around.grid) for entry in volumes] or [np.zeros(hours, np.bool_)], axis=0)
        else:
            meters = [source for source in sources if isinstance(source, MeterSource)]
            result = self._of_meters(meters, amounts, around)
            by_volume = np.full(hours, any(metered_by_volume(source.point) for source in meters))
        if stream.stock:
            result = self._by_stocktake(stream, result, around)
        return np.hypot(result, np.where(by_volume, self._density(stream), 0.0))

    def _density(self, stream: Stream) -> float:
        """Of the density that turns cubic metres of a stream's fuel into tonnes."""
        try:
            return self._typical.of_factor(self._typical.find("fuel_density", applies_to=stream.fuel or ""))
        except DomainError:
            return self.typical("fuel_density", "default")

    def _of_meters(self, sources: Sequence[MeterSource], amounts: Floats, around: Around) -> Floats:
        """Points of one meter share its systematic error, with sign; meters are independent of each other."""
        hours = around.grid.hours
        variance, worst = np.zeros(hours), 0.0
        for meter in dict.fromkeys(source.point.meter for source in sources):
            known = accuracy(self._plant.meters_by_id[meter], typical=self.typical("amount", "meter"))
            shared, own = np.zeros(hours), np.zeros(hours)
            for source, amount in zip(sources, amounts, strict=True):
                if source.point.meter == meter:
                    relative = known.at(_rate(source, amount, around))
                    shared += known.systematic_share * relative * amount
                    own += (known.random_share * relative * amount) ** 2
            variance += shared**2 + own
            worst = max(worst, known.total)
        net = np.abs(amounts.sum(axis=0))
        result: Floats = np.divide(np.sqrt(variance), net, out=np.full(hours, worst), where=net > 0)
        return result

    def _by_stocktake(self, stream: Stream, otherwise: Floats, around: Around) -> Floats:
        """Hours whose amount a stocktake gives, or closes, are as uncertain as it is."""
        result, grid = otherwise.copy(), around.grid
        closed = {(entry.valid_from_ms, entry.valid_to_ms) for entry in _closings(stream, around.entries)}
        for found in stocktakes(stream, around.entries):
            u_rel = found.u_rel(self._typical)
            if u_rel is not None and (stream.ledger or (found.start_ms, found.end_ms) in closed):
                inside = (grid.hour_ms >= found.start_ms) & (grid.hour_ms < found.end_ms)
                result[inside] = u_rel
        return result

    def _of_stack(self, source: StackSource, around: Around) -> Floats:
        """With the weights of the hour's own conditions."""
        means = {role: self._mean(getattr(source.gas, role), around) for role in CONDITIONS}
        parts = stack_parts(self._plant, source.gas, means, typical=self._typical)
        total = uncertainty.root_of_squares(*(part.weight * part.u_rel for part in parts))
        result: Floats = np.broadcast_to(np.asarray(total, np.float64), around.grid.hours)
        return result

    def _mean(self, point_id: str, around: Around) -> Floats:
        """Hourly mean of a point's usable readings in the unit used inside the code; NaN where there is none."""
        point, found, grid = self._plant.points_by_id[point_id], around.readings.of(point_id), around.grid
        usable = found.usable(point) & (found.time_ms >= grid.start_ms) & (found.time_ms < grid.end_ms)
        hour = (found.time_ms[usable] - grid.start_ms) // MS_PER_HOUR
        count = np.bincount(hour, minlength=grid.hours)
        total = np.bincount(hour, weights=found.value[usable], minlength=grid.hours)
        mean: Floats = np.divide(total, count, out=np.full(grid.hours, np.nan), where=count > 0)
        return np.asarray(units.conversion(point.unit).to_internal(mean), np.float64)


def _rate(source: MeterSource, amount: Floats, around: Around) -> Floats:
    """Mean rate of a meter while it ran, in the unit its range has inside the code."""
    point, running_h = source.point, around.running_h
    scale = point.scale if point.kind == "counter" else 1.0
    per_unit = source.factor / (units.conversion(point.unit).factor * scale)
    rate: Floats = np.divide(np.abs(amount), running_h, out=np.zeros(amount.size), where=running_h > 0) / per_unit
    return rate if source.density is None else rate / source.density(around.grid)


def held(entry: Entry, grid: Grid) -> Mask:
    """Hours that an entry holds in."""
    inside: Mask = (grid.hour_ms + MS_PER_HOUR > entry.valid_from_ms) & (grid.hour_ms < entry.valid_to_ms)
    return inside


def _closings(stream: Stream, entries: Iterable[Entry]) -> list[Entry]:
    return [entry for entry in entries if entry.stream == stream.id and entry.parameter == CLOSING_FACTOR]
