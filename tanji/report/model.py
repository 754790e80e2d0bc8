"""What a summary of a period is made of, as frozen records.

No figure without boundary, rule set, item and method (requirements.md section 1, facts 1 and 5), and no total without
the hours it lacks: missing is never zero. How the records are computed is in `tanji.report.figures`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tanji.domain.items import Boundary, RuleSetId
from tanji.domain.uncertainty_budget import Budget

if TYPE_CHECKING:
    from tanji.report.performance import Performance

HOUR_MS = 3_600_000
"""One hour [ms]."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One item by one method; with `stream` empty, the sum over the streams.

    co2_t : float  Sum over the hours that are there. [tCO2]
    u_rel : float | None  Relative standard uncertainty, by the budget of what its hours and streams share. [1]
    substituted : float  Share of the tonnes that rests on substituted data. [1]
    hours : int  Hours of the period.
    missing_hours : int  Hours of the period without a figure.
    counted : bool  Enters the total of its boundary; memo and information items do not.
    """

    boundary: Boundary
    ruleset: RuleSetId
    item: str
    method: str
    line: str
    stream: str
    co2_t: float
    u_rel: float | None
    substituted: float
    hours: int
    missing_hours: int
    counted: bool


@dataclass(frozen=True, slots=True)
class Total:
    """The sum of the counted items of one boundary under one rule set.

    co2_t : float | None  Sum over what is there; None where no hour has any figure. [tCO2]
    u_rel : float | None  Relative standard uncertainty, by the budget of what its streams share. [1]
    substituted : float  Share of the tonnes that rests on substituted data. [1]
    t_per_t_clinker : float | None  Over the hours where total and clinker are complete; None without clinker. [t/t]
    missing_hours : int  Hours of the period in which at least one expected figure is missing.
    missing : tuple of (stream id, hours missing)  What is missing.
    compliance : bool  The combination the market counts.
    """

    boundary: Boundary
    ruleset: RuleSetId
    co2_t: float | None
    u_rel: float | None
    substituted: float
    t_per_t_clinker: float | None
    hours: int
    missing_hours: int
    missing: tuple[tuple[str, int], ...]
    compliance: bool

    @property
    def complete(self) -> bool:
        """Whether every hour of the period has every figure it needs."""
        return self.co2_t is not None and self.missing_hours == 0


@dataclass(frozen=True, slots=True)
class FlueGasCheck:
    """CO2 measured in the stack against the calculation of the same scope (standard.md section 11.1).

    measured_t : float | None  Measured in the period, all hours that are there; None where none is, and below 75 %
        capture, where a period has no total. [tCO2]
    calculated_t : float | None  Fossil, alternative and biogenic fuel plus calcination by method A. [tCO2]
    common_measured_t, common_calculated_t : float  Both, over the hours that have both. [tCO2]
    difference : float | None  (measured - calculated) / calculated over the common hours. [1]
    verdict : str  "agrees", "warn" or "diagnose" by the plant's limits; "undecided" without common hours.
    """

    measured_t: float | None
    calculated_t: float | None
    common_measured_t: float
    common_calculated_t: float
    difference: float | None
    u_rel: float | None
    verdict: str
    hours: int
    common_hours: int


@dataclass(frozen=True, slots=True)
class StreamQuality:
    """How well a stream was measured in the period.

    captured : float | None  Mean captured share of the running hours; an hour without a row counts as not captured;
        None while the stream stood all the time. [1]
    """

    stream: str
    line: str
    captured: float | None
    running_hours: int
    stopped_hours: int
    substituted_hours: int
    missing_hours: int


@dataclass(frozen=True, slots=True)
class Series:
    """Values over time for a plot; None is a gap, never a zero. `columns` are (name, values in tCO2 a step)."""

    times_ms: tuple[int, ...]
    step_ms: int
    columns: tuple[tuple[str, tuple[float | None, ...]], ...]


@dataclass(frozen=True, slots=True)
class Readings:
    """Counts of readings: distinct and acknowledged, read back from the store, carrying a flag."""

    points: int
    accepted: int
    stored: int
    flagged: int


@dataclass(frozen=True, slots=True)
class Live:
    """A live period: seconds, readings due (points x seconds), readings found in the store."""

    seconds: int
    expected: int
    received: int


@dataclass(frozen=True, slots=True)
class Run:
    """What a demonstration brought in, from its first reading to its last."""

    readings: Readings
    live: Live


@dataclass(frozen=True, slots=True)
class Summary:
    """Everything the overview page, the report and `demo/summary.json` say about a period [start, end)."""

    plant: str
    name_zh: str
    name_en: str
    timezone: str
    start_ms: int
    end_ms: int
    rulesets: tuple[RuleSetId, ...]
    compliance: tuple[Boundary, RuleSetId]
    totals: tuple[Total, ...]
    items: tuple[Figure, ...]
    figures: tuple[Figure, ...]
    flue_gas: FlueGasCheck | None
    clinker_t: float | None
    clinker_missing_hours: int
    streams: tuple[StreamQuality, ...]
    stream_names: dict[str, tuple[str, str]]
    meter_names: dict[str, tuple[str, str]]
    budgets: dict[tuple[Boundary, RuleSetId], Budget]
    flagged_readings: int
    last_day: dict[tuple[Boundary, RuleSetId], Series]
    last_day_flue_gas: Series | None
    days: dict[tuple[Boundary, RuleSetId], Series]
    performance: Performance

    @property
    def hours(self) -> int:
        """Hours of the period."""
        return (self.end_ms - self.start_ms) // HOUR_MS

    def total(self, boundary: Boundary, ruleset: RuleSetId) -> Total:
        """The total of one combination."""
        return next(total for total in self.totals if (total.boundary, total.ruleset) == (boundary, ruleset))

    def items_of(self, boundary: Boundary, ruleset: RuleSetId) -> tuple[Figure, ...]:
        """The item figures of one combination, counted ones first."""
        chosen = (figure for figure in self.items if (figure.boundary, figure.ruleset) == (boundary, ruleset))
        return tuple(sorted(chosen, key=lambda figure: not figure.counted))
