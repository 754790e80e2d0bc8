"""What a reviewer has to look at: substituted shares by rule, inputs out of the ordinary, ratios out of range (R52).

An input outside its soft range is used and counted by the jobs; a derived ratio outside its range only warns or
diagnoses (standard.md section 14.5, `tanji.domain.limits`). Substituted data are never silent: the share of the tonnes
and by which rule, for the newest hours, every day and month, and for every stream.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import fsum
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tanji.domain.items import Boundary, Indicator, RuleSetId
from tanji.domain.limits import ALUMINATE_KINDS, Diagnosis, diagnose
from tanji.plant.model import Plant
from tanji.report.counting import CountedHours
from tanji.report.intensities import Calendar, Intensity, Ratio
from tanji.report.model import HOUR_MS
from tanji.report.periods import Span

NOTHING = ("", "none")
"""What stands in the field `rule` where nothing was substituted."""

RATIO_RANGES = {
    Indicator.EMISSION_PER_CLINKER: "direct_per_clinker",
    Indicator.PROCESS_PER_CLINKER: "process_per_clinker",
    Indicator.HEAT_PER_CLINKER: "heat_per_clinker",
    Indicator.ELECTRICITY_PER_CLINKER: "electricity_per_clinker",
    Indicator.MEAL_CLINKER_RATIO: "meal_clinker_ratio",
    Indicator.THERMAL_SUBSTITUTION: "thermal_substitution",
}
"""The range of standard.md section 14.5 an indicator is held against."""

OF_PORTLAND = frozenset({"direct_per_clinker", "process_per_clinker"})
"""Ranges that say nothing of aluminate and sulfoaluminate clinker."""


@dataclass(frozen=True, slots=True)
class RuleShare:
    """Tonnes of a total that rest on one rule of the plan, and in how many hours. share : of the total. [1]"""

    rule: str
    co2_t: float
    share: float
    hours: int


@dataclass(frozen=True, slots=True)
class Substituted:
    """Substituted share of a total in a span [1], and the rules it rests on, the largest first."""

    share: float
    rules: tuple[RuleShare, ...]


@dataclass(frozen=True, slots=True)
class StreamRule:
    """Hours of one stream that rest on one rule."""

    stream: str
    rule: str
    hours: int


@dataclass(frozen=True, slots=True)
class Noted:
    """A derived ratio out of range in one span; `span` is None for the whole period."""

    line: str
    boundary: Boundary
    ruleset: RuleSetId
    name: Indicator
    span: Span | None
    diagnosis: Diagnosis


@dataclass(frozen=True, slots=True)
class Review:
    """Substitution of the compliance total by span, rules by stream, warnings by stream, and ratios out of range.

    last_day : of the newest hours, the newest last.
    warned : (stream, hours in which an input lay outside its soft range).
    """

    whole: Substituted
    months: tuple[Substituted, ...]
    days: tuple[Substituted, ...]
    last_day: tuple[Substituted, ...]
    streams: tuple[StreamRule, ...]
    warned: tuple[tuple[str, int], ...]
    noted: tuple[Noted, ...]


def review(
    emission: pa.Table,
    plant: Plant,
    found: Sequence[Intensity],
    *,
    items: CountedHours,
    calendar: Calendar,
    start_ms: int,
) -> Review:
    """Everything of one period. items : what the compliance total counts, and when."""
    boundary, ruleset = plant.compliance
    mine = emission.filter(pc.and_(_is(emission, "boundary", [boundary]), _is(emission, "ruleset", [ruleset])))
    counted = _Rows.of(mine.filter(_counted(mine, items, start_ms=start_ms)), start_ms=start_ms)
    newest = range(max(0, calendar.whole.end - 24), calendar.whole.end)
    return Review(
        whole=counted.within(calendar.whole.hours),
        months=tuple(counted.within(span.hours) for span in calendar.months),
        days=tuple(counted.within(span.hours) for span in calendar.days),
        last_day=tuple(counted.within(slice(hour, hour + 1)) for hour in newest),
        streams=tuple(by_stream(emission)),
        warned=tuple(warned(emission)),
        noted=tuple(noted(found, plant, calendar=calendar)),
    )


@dataclass(frozen=True, slots=True)
class _Rows:
    """Tonnes, substituted tonnes and rule of every row, by the hour of the period."""

    hour: np.ndarray
    tonnes: np.ndarray
    substituted: np.ndarray
    rule: np.ndarray
    names: tuple[str, ...]

    @classmethod
    def of(cls, table: pa.Table, *, start_ms: int) -> _Rows:
        tonnes = np.abs(np.nan_to_num(table["co2_t"].to_numpy()))
        codes = pc.fill_null(table["rule"], "").combine_chunks().dictionary_encode()
        return cls(
            (table["time"].to_numpy() - start_ms) // HOUR_MS,
            tonnes,
            tonnes * np.nan_to_num(table["substituted"].to_numpy()),
            codes.indices.to_numpy(zero_copy_only=False),
            tuple(codes.dictionary.to_pylist()),
        )

    def within(self, hours: slice) -> Substituted:
        """The share of these hours, rule by rule."""
        chosen = (self.hour >= hours.start) & (self.hour < hours.stop)
        whole = fsum(self.tonnes[chosen])  # the same in whatever order rows come
        used = chosen & (self.substituted > 0)
        if not whole or not used.any():
            return Substituted(0.0, ())
        shares = []
        for code in np.unique(self.rule[used]).tolist():
            mine = used & (self.rule == code)
            tonnes = fsum(self.substituted[mine])
            name = "" if self.names[code] in NOTHING else self.names[code]
            shares.append(RuleShare(name, tonnes, tonnes / whole, len(np.unique(self.hour[mine]))))
        shares.sort(key=lambda one: (-one.co2_t, one.rule))
        return Substituted(fsum(self.substituted[chosen]) / whole, tuple(shares))


def by_stream(emission: pa.Table) -> Iterator[StreamRule]:
    """Hours that rest on a rule, by stream."""
    used = emission.filter(pc.greater(emission["substituted"], 0))
    hours = used.select(["stream", "rule", "time"]).group_by(["stream", "rule"]).aggregate([("time", "count_distinct")])
    rows = zip(*(hours[name].to_pylist() for name in ("stream", "rule", "time_count_distinct")), strict=True)
    named = ((stream, "" if rule in (None, *NOTHING) else rule, count) for stream, rule, count in rows)
    yield from (StreamRule(*row) for row in sorted(named))


def warned(emission: pa.Table) -> Iterator[tuple[str, int]]:
    """Hours in which an input of a figure lay outside its soft range, by stream."""
    used = emission.filter(pc.greater(emission["warnings"], 0))
    hours = used.select(["stream", "time"]).group_by(["stream"]).aggregate([("time", "count_distinct")])
    yield from sorted(zip(hours["stream"].to_pylist(), hours["time_count_distinct"].to_pylist(), strict=True))


def noted(found: Sequence[Intensity], plant: Plant, *, calendar: Calendar) -> Iterator[Noted]:
    """Derived ratios of the months, and of a period without a whole month of the period itself, out of range."""
    for row in found:
        name = RATIO_RANGES.get(row.name)
        if name is None or (row.name is Indicator.EMISSION_PER_CLINKER and row.boundary is not Boundary.CLINKER):
            continue
        kind = next((line.clinker_kind for line in plant.lines if line.id == row.line), "portland")
        if kind in ALUMINATE_KINDS and name in OF_PORTLAND:
            continue
        spans: list[tuple[Span | None, Ratio]] = list(zip(calendar.months, row.months, strict=True))
        for span, ratio in spans if len(spans) > 1 else [(None, row.whole)]:
            if ratio.value is not None:
                ratios: dict[str, Any] = {name: ratio.value}
                for diagnosis in diagnose(**ratios):
                    yield Noted(row.line, row.boundary, row.ruleset, row.name, span, diagnosis)


def _counted(table: pa.Table, items: CountedHours, *, start_ms: int) -> pa.Array:
    """Rows of an item in the hours that the total counts it."""
    hour = (table["time"].to_numpy() - start_ms) // HOUR_MS
    item = table["item"].cast(pa.string()).to_numpy()
    chosen = np.zeros(table.num_rows, np.bool_)
    for name, hours in items.items():
        rows = item == name.value
        chosen[rows] = hours[hour[rows]]
    return pa.array(chosen)


def _is(table: pa.Table, column: str, values: Sequence[str]) -> pa.Array:
    return pc.is_in(table[column].cast(pa.string()), pa.array([str(value) for value in values]))
