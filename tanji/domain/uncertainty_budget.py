"""The uncertainty budget of a figure over a period: which input contributes how much (standard.md section 13, R37).

A figure is a sum over hours and streams. A *contribution* is what one source (an instrument, a laboratory parameter, a
default factor) does to one stream in that sum. The correlation rule is in how contributions meet: systematic parts of
one source are the same in all hours, months and streams (r = 1) and add linearly, with sign; random and sampling parts
are drawn anew every hour or with every sample (r = 0 between draws) and add in quadrature; sources are independent of
each other. Where the parts come from is left to `tanji.report.budget`.

By hand, two coals of 40 and 60 t through one factor of 5 % and two scales of 1 %: factor 0.05 x 100 = 5 t, scales 0.4
and 0.6 t, u = root(25 + 0.16 + 0.36) = 5.052 t, shares 98.0, 0.6 and 1.4 %.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tanji.domain.limits import Quantity
from tanji.errors import DomainError

Kind = Literal["instrument", "entry", "laboratory", "factor"]
AMOUNT = "amount"
"""Quantity of what is weighed or metered: it adds up over streams, where anything else has a mean."""
Floats = NDArray[np.float64]
Draws = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Source:
    """Where an uncertainty comes from.

    id : what is shared: a meter, a manual entry, a laboratory parameter, a record of the factor library.
    quantity : what it gives: `amount`, `net_calorific_value`, `grid_factor`, ...
    unit : of its value.
    draws : what a random part is drawn from, where that is narrower than the source (two registers of one meter);
        contributions of one name and one draw share the random error.
    """

    id: str
    kind: Kind
    quantity: str
    unit: str = ""
    draws: str = ""


@dataclass(frozen=True, slots=True)
class Contribution:
    """One source's part in one stream's tonnes of a period.

    sensitivity : change of the figure per relative change of the source by 1. [tCO2]
    systematic : absolute standard uncertainty that all hours share, with the sign of the sensitivity. [tCO2]
    random : the same by draw (an hour, or a sample); empty where there is none. [tCO2]
    value : what the source gave for the stream, an amount in all, anything else as a mean; None where unknown.
    """

    source: Source
    stream: str
    sensitivity: float
    systematic: float
    random: Floats
    value: float | None = None


@dataclass(frozen=True, slots=True)
class BudgetRow:
    """One source in a budget.

    value : what it gave, in `unit`: amounts of all streams together, anything else as a mean; None where unknown.
    u_rel : its relative standard uncertainty over the period; None where nothing hangs on it, or where what hangs on
        it is a difference of errors that are drawn apart. [1]
    standard_uncertainty : of the figure, from this source alone. [tCO2]
    share : of the figure's variance; the shares of a budget add up to 1. [1]
    sensitivity : change of the figure per relative change of the source by 1. [tCO2]
    """

    source: str
    kind: Kind
    quantity: str
    streams: tuple[str, ...]
    value: float | None
    unit: str
    u_rel: float | None
    standard_uncertainty: float
    share: float
    sensitivity: float


@dataclass(frozen=True, slots=True)
class Budget:
    """A figure [tCO2], its standard uncertainty [tCO2], and the sources of it, the largest first."""

    co2_t: float
    standard_uncertainty: float
    rows: tuple[BudgetRow, ...]

    @property
    def u_rel(self) -> float | None:
        """Relative standard uncertainty; not defined for a figure of zero, or where an hour has none. [1]"""
        known = self.co2_t != 0 and bool(self.rows) and math.isfinite(self.standard_uncertainty)
        return self.standard_uncertainty / abs(self.co2_t) if known else None


def contribution(
    tonnes: Floats,
    *,
    source: Source,
    stream: str,
    systematic: Quantity,
    random: Quantity = 0.0,
    draw: Draws | None = None,
    value: float | None = None,
) -> Contribution:
    """What a source does to a stream's hours. [tCO2]

    tonnes : the stream's tonnes by hour, times the weight of the source in them where that is not 1; signed, and
        not-a-number where an hour has no figure, which then contributes nothing. [tCO2]
    source, stream : where the error comes from, and whose tonnes these are.
    systematic, random : relative standard uncertainties of the source, one or by hour. [1]
    draw : number of the random draw each hour belongs to; by default every hour is one of its own. [1]
    value : what the source gave for the stream. [unit of the source]

    By hand: 24 h of 10 t, 3 % systematic and 4 % random by hour: 7.2 t, and 24 draws of 0.4 t, root(24) x 0.4 = 1.96 t;
    were they all of one sample: one draw of 9.6 t.
    """
    there = np.isfinite(tonnes) & (tonnes != 0)
    weighted = np.where(there, tonnes, 0.0)
    fixed = np.where(there, systematic, 0.0)
    varying = np.where(there, random, 0.0) * weighted
    drawn: Floats = np.empty(0)
    if varying.any():
        drawn = varying if draw is None else np.bincount(draw, weights=varying).astype(np.float64)
    return Contribution(source, stream, float(weighted.sum()), float(weighted @ fixed), drawn, value)


def budget(contributions: Iterable[Contribution], *, co2_t: float) -> Budget:
    """The budget of a figure from everything that contributes to it. [tCO2]

    contributions : of every stream, item and source in the figure; those of one source are added before squaring.
    co2_t : the figure. [tCO2]
    """
    if not math.isfinite(co2_t):
        raise DomainError(f"co2_t: expected a finite number, got {co2_t}")
    groups: dict[tuple[Kind, str], list[Contribution]] = {}
    for part in contributions:
        groups.setdefault((part.source.kind, part.source.id), []).append(part)
    variances = [_variance(parts) for parts in groups.values()]
    whole = sum(variances)
    rows = [
        BudgetRow(
            source=identity,
            kind=kind,
            quantity=_leading(parts).quantity,
            streams=tuple(dict.fromkeys(part.stream for part in parts)),
            value=_value(parts),
            unit=_leading(parts).unit,
            u_rel=_u_rel(parts, math.sqrt(variance)),
            standard_uncertainty=math.sqrt(variance),
            share=variance / whole if whole else 0.0,
            sensitivity=sum(part.sensitivity for part in parts),
        )
        for ((kind, identity), parts), variance in zip(groups.items(), variances, strict=True)
    ]
    rows.sort(key=lambda row: (-row.standard_uncertainty, row.kind, row.source))
    return Budget(co2_t, math.sqrt(whole), tuple(rows))


def _variance(parts: list[Contribution]) -> float:
    """Of one source: systematic parts linearly, random ones linearly within a draw and in quadrature between draws."""
    variance = sum(part.systematic for part in parts) ** 2
    drawn: dict[str, Floats] = {}
    for part in parts:
        if part.random.size:
            known = drawn.get(part.source.draws)
            drawn[part.source.draws] = part.random if known is None else _added(known, part.random)
    return float(variance + sum(float(values @ values) for values in drawn.values()))


def _u_rel(parts: list[Contribution], standard_uncertainty: float) -> float | None:
    sensitivity = sum(part.sensitivity for part in parts)
    apart = all(part.systematic == 0 for part in parts) and len({part.sensitivity > 0 for part in parts}) > 1
    return None if apart or not sensitivity else standard_uncertainty / abs(sensitivity)


def _leading(parts: list[Contribution]) -> Source:
    """The source as most of the figure sees it, where one analyser gives several quantities."""
    return max(parts, key=lambda part: abs(part.sensitivity)).source


def _value(parts: list[Contribution]) -> float | None:
    """Amounts of the streams added with the sign they enter with, each once; the mean of anything else."""
    quantity = _leading(parts).quantity
    parts = [part for part in parts if part.source.quantity == quantity and part.sensitivity]
    known = [(part, part.value) for part in parts if part.value is not None]
    if len(known) < len(parts):
        return None
    if quantity == AMOUNT and known:
        return sum({part.stream: math.copysign(value, part.sensitivity) for part, value in known}.values())
    if len({value for _, value in known}) <= 1:
        return known[0][1] if known else None
    weight = sum(abs(part.sensitivity) for part, _ in known)
    return sum(abs(part.sensitivity) * value for part, value in known) / weight


def _added(one: Floats, other: Floats) -> Floats:
    """Sum draw by draw; the shorter one has no part in the later draws."""
    longer, shorter = (one, other) if one.size >= other.size else (other, one)
    result = longer.copy()
    result[: shorter.size] += shorter
    return result
