"""Which hours have to be computed: what arrived, what the ledger changed, and the holes between (DESIGN section 2).

Arrivals are followed by watermark, so restart, misfire and back-fill are one path. Only closed hours count. An hour
without any arrival between hours that have some is a hole of the whole plant: it is computed too, because missing is
never zero. Nothing is computed beyond the newest hour that data arrived for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from calc_jobs import missing
from tanji.ledger import Ledger, factor_changes
from tanji.plant import names
from tanji.plant.model import Plant
from tanji.quality.hours import MS_PER_HOUR
from tanji.store.port import Store

ARRIVAL, LEDGER, FACTORS = "arrival", "ledger", "factors"
FIRST, NEWEST, COMPUTED = "first_hour", "newest_hour", "computed_until"
"""Names in the run register: two watermarks, and three hours [UTC ms] that bound what there is to compute."""
LONGEST_HOLE_MS = 31 * 24 * MS_PER_HOUR
"""A longer silence of the whole plant is no gap to be filled: a wrong clock, or a plant not yet in operation."""
LONGEST_LEAD_MS = 24 * MS_PER_HOUR
"""How far ahead of the clock data may be and still be believed."""

SHARED_KEYS = ("national", "coal", "raw_meal", "heat")
"""Keys of the factor library that no stream names: the national grid, coal of any kind, raw meal, heat."""

FIRST_REASON, LATE, LABORATORY, RECOMPUTED = "first", "late data", "laboratory", "recomputed"
FACTOR, METHOD, REPAIR = "factor", "method", "repair"
"""Reasons of a revision, as written to `emission_history`; the closing of a month is an entry like any other."""
OF_LEDGER = (LABORATORY, FACTOR)
"""Reasons that a change of the ledger gives."""
REASONS = (FIRST_REASON, LATE, LABORATORY, FACTOR, METHOD, REPAIR, RECOMPUTED)


@dataclass(frozen=True, slots=True)
class Pending:
    """Hours to compute with their reasons [UTC ms -> reason], and what the run register says once they are."""

    reasons: dict[int, str]
    watermarks: dict[str, int]

    @property
    def hours(self) -> tuple[int, ...]:
        """The hours, oldest first."""
        return tuple(sorted(self.reasons))

    @property
    def first_ms(self) -> int:
        """The plant's first hour, 0 before any arrival."""
        return self.watermarks.get(FIRST, 0)


def pending(plant: Plant, store: Store, ledger: Ledger, *, closed_ms: int) -> Pending:
    """What there is to compute of the hours that ended by `closed_ms` [UTC ms]."""
    marks = ledger.watermarks()
    arrivals = store.read(
        names.raw_bucket(plant.site.id), "arrival", start_ms=marks.get(ARRIVAL, -1) + 1, fields=("hour_ms",)
    )
    if arrivals.num_rows:
        arrived = np.unique(arrivals.column("hour_ms").to_numpy()).tolist()
        marks[ARRIVAL] = int(arrivals.column("time").to_numpy().max())
    else:
        arrived = []
    if not arrived and FIRST not in marks:
        return Pending({}, {})
    open_hour = closed_ms // MS_PER_HOUR * MS_PER_HOUR
    # A time more than a day ahead is a wrong clock; its hour comes round with data of its own.
    newest = [hour for hour in arrived if hour <= open_hour + LONGEST_LEAD_MS]
    marks[NEWEST] = max([*newest, marks.get(NEWEST, arrived[0] if arrived else 0)])
    reasons = {hour: LATE for hour in _with_holes(arrived, marks) if hour < open_hour}
    marks[FIRST] = min([*arrived, marks.get(FIRST, arrived[0] if arrived else 0)])
    marks.setdefault(COMPUTED, marks[FIRST])
    end_ms = min(marks[NEWEST] + MS_PER_HOUR, open_hour)
    for change in ledger.changes(after_id=marks.get(LEDGER, 0)):
        marks[LEDGER] = change.id
        low = max(change.valid_from_ms // MS_PER_HOUR * MS_PER_HOUR, marks[FIRST])
        for hour in range(low, min(change.valid_to_ms, end_ms), MS_PER_HOUR):
            reasons.setdefault(hour, LABORATORY)
        for hour in missing.later_hours(plant, ledger, change, end_ms=end_ms):
            reasons.setdefault(hour, LABORATORY)
    for edition in factor_changes.changes(ledger, after_id=marks.get(FACTORS, 0)):
        marks[FACTORS] = edition.id
        if edition.applies_to in keys_of(plant):
            start_ms, stop_ms = edition.period_ms(plant.site.timezone)
            low = max(start_ms // MS_PER_HOUR * MS_PER_HOUR, marks[FIRST])
            for hour in range(low, end_ms if stop_ms is None else min(stop_ms, end_ms), MS_PER_HOUR):
                reasons.setdefault(hour, FACTOR)
    marks[COMPUTED] = max([marks[COMPUTED], *(hour + MS_PER_HOUR for hour in reasons)])
    return Pending(reasons, marks)


def keys_of(plant: Plant) -> frozenset[str]:
    """What a factor may apply to at this plant: its fuels and materials, its kinds of clinker, its grid, heat."""
    fuels = {stream.fuel for stream in plant.streams if stream.fuel is not None}
    return frozenset({*fuels, *(line.clinker_kind for line in plant.lines), plant.site.region, *SHARED_KEYS})


def _with_holes(arrived: Sequence[int], marks: Mapping[str, int]) -> set[int]:
    """Hours with arrivals, those that were open at the last run, and the holes between them and what is computed."""
    if COMPUTED not in marks:
        return _filled(sorted(arrived))
    later = [hour for hour in (*arrived, marks[NEWEST]) if hour >= marks[COMPUTED]]
    earlier = [hour for hour in arrived if hour < marks[FIRST]]
    last = marks[COMPUTED] - MS_PER_HOUR
    new = (_filled(sorted({last, *later})) - {last}) | (_filled(sorted({*earlier, marks[FIRST]})) - {marks[FIRST]})
    return new | set(arrived)


def _filled(hours: Sequence[int]) -> set[int]:
    """Ascending hours and what lies between neighbours that are not too far apart."""
    known = set(hours)
    for before, after in pairwise(hours):
        if after - before <= LONGEST_HOLE_MS:
            known.update(range(before, after, MS_PER_HOUR))
    return known


def blocks(hours: Iterable[int], *, longest: int) -> list[tuple[int, ...]]:
    """Hours in runs without a break of more than a day, none spanning more than `longest` hours."""
    result: list[list[int]] = []
    for hour in sorted(hours):
        joins = result and hour - result[-1][-1] <= 24 * MS_PER_HOUR and hour - result[-1][0] < longest * MS_PER_HOUR
        if joins:
            result[-1].append(hour)
        else:
            result.append([hour])
    return [tuple(block) for block in result]
