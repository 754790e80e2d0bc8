"""What every hourly figure rests on: digests of factors and inputs, and how many inputs are odd (R4, R36).

A formula asks `Traced` for its parameters, which remembers what it asked for; nothing else has to be told.

* `method`  the rule set, the formulas' edition, the stream's settings, how the figure was obtained (`digests`);
* `factors` the records of the factor library whose values entered, each by id, value, source and validity. Approving a
  record does not change it;
* `inputs`  the stream's amount and substituted share, and every laboratory value that holds in the hour, bit for bit.

A value outside its soft range is used and counted (standard.md section 14.5); which one it was, `tanji calc explain`
tells.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calc_jobs.activity import StreamHours, local_day
from calc_jobs.digests import DIGITS, NONE, EntryMarks, factor_digest, row_digests, short_digest
from calc_jobs.parameters import Parameter, Parameters
from tanji.domain.factors import Factor, FactorLibrary
from tanji.domain.items import RuleSetId, StreamKind
from tanji.domain.limits import RANGE_TOLERANCE, SOFT_RANGES, Range
from tanji.errors import DomainError
from tanji.ledger.entries import COAL_FUELS, Entry, parameters
from tanji.plant.model import Plant, Stream
from tanji.quality.hours import Grid
from tanji.quality.rules import Floats, Mask

COAL_QUANTITY = "net_calorific_value"
"""A parameter of coal, whose record knows which fuels are coal."""

FactorKey = tuple[str, str, RuleSetId, str | None]
"""Quantity, what it applies to, rule set, variant."""
Texts = NDArray[np.str_]
Counts = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Use:
    """One parameter a formula asked for: what it got, and the keys of the factor library that were looked up.

    expected : whether the laboratory should have reported it; missing : where it did not, and something stood in.
    """

    stream: str
    quantity: str
    value: Floats
    expected: bool
    missing: Mask
    factors: tuple[FactorKey, ...]


@dataclass(frozen=True, slots=True)
class Trace:
    """Hour by hour: digests of factors and inputs, and how many inputs lay outside their soft range."""

    factors: Texts
    inputs: Texts
    warnings: Counts


class Traced(Parameters):
    """`Parameters` that remembers what was asked of it since the last `begin`."""

    def __init__(self, plant: Plant, library: FactorLibrary, *, entries: Sequence[Entry], grid: Grid, **more: Any):
        super().__init__(plant, library, entries=entries, grid=grid, **more)
        self._plant = plant
        self._records = library
        self._hours = grid
        self._marks = EntryMarks(entries, grid)
        self._uses: list[Use] = []
        self._asked: list[FactorKey] = []
        self._inside = False
        self._in_force: dict[FactorKey, tuple[Counts, tuple[str, ...]]] = {}
        self._digests: dict[bytes, Texts] = {}
        days = [local_day(plant, int(hour)).date().toordinal() for hour in grid.hour_ms]
        self._ordinal = np.array(days, np.int64)

    def begin(self) -> None:
        """Forget what was asked for."""
        self._uses = []

    @property
    def uses(self) -> tuple[Use, ...]:
        """What was asked for since `begin`, in that order."""
        return tuple(self._uses)

    def of(self, stream: Stream, quantity: str, **how: Any) -> Parameter:
        """As `Parameters.of`, remembered."""
        found, asked = self._watched(lambda: super(Traced, self).of(stream, quantity, **how))
        expected = quantity in stream.laboratory
        self._uses.append(Use(stream.id, quantity, found.value, expected, found.missing, asked))
        return found

    def default(self, quantity: str, applies_to: str, **how: Any) -> tuple[Floats, Floats]:
        """As `Parameters.default`, remembered."""
        key = quantity, applies_to, how["ruleset"], how.get("variant")
        found = super().default(quantity, applies_to, **how)
        if self._inside:
            self._asked.append(key)
        else:
            self._uses.append(Use("", quantity, found[0], False, np.zeros(self._hours.hours, np.bool_), (key,)))
        return found

    def _watched(self, ask: Callable[[], Parameter]) -> tuple[Parameter, tuple[FactorKey, ...]]:
        self._asked, self._inside = [], True
        try:
            return ask(), tuple(self._asked)
        finally:
            self._asked, self._inside = [], False

    def trace(self, found: StreamHours) -> Trace:
        """What the figures of one stream under one rule set rest on, from what was asked for since `begin`."""
        return Trace(self._factors(), self._inputs(found), self._warnings(found))

    def _factors(self) -> Texts:
        """Digest of the records that entered; a default that a laboratory value stands in for did not."""
        mixed, parts = np.zeros(self._hours.hours, np.int64), []
        for use in self._uses:
            for key in use.factors:
                code, digests = self._records_in_force(key)
                code = np.where(use.missing, code, 0) if use.expected else code
                mixed = mixed * len(digests) + code
                parts.append(digests)
        codes, place = np.unique(mixed, return_inverse=True)
        texts = []
        for code in codes.tolist():
            used = []
            for digests in reversed(parts):
                code, index = divmod(code, len(digests))
                used.append(digests[index])
            texts.append(short_digest("\n".join(sorted(filter(None, used))).encode()) if any(used) else NONE)
        answer: Texts = np.array(texts, f"U{DIGITS}")[place]
        return answer

    def _records_in_force(self, key: FactorKey) -> tuple[Counts, tuple[str, ...]]:
        """For every hour which record of `key` is in force: an index into the records' digests, 0 for none."""
        if key not in self._in_force:
            first, last = int(self._ordinal[0]), int(self._ordinal[-1])
            edges = {first}
            for record in self._records.factors:
                if record.quantity == key[0] and record.applies_to == key[1]:
                    ends = [] if record.valid_to is None else [record.valid_to + timedelta(days=1)]
                    edges |= {day.toordinal() for day in (record.valid_from, *ends) if first < day.toordinal() <= last}
            starts = sorted(edges)
            records = [find_factor(self._records, key, on=date.fromordinal(start)) for start in starts]
            code = np.array([0 if record is None else place + 1 for place, record in enumerate(records)], np.int64)
            digests = ("", *("" if record is None else factor_digest(record) for record in records))
            segment = np.searchsorted(np.array(starts), self._ordinal, side="right") - 1
            self._in_force[key] = code[segment], digests
        return self._in_force[key]

    def _inputs(self, found: StreamHours) -> Texts:
        columns = [found.amount.view(np.uint64), found.substituted.view(np.uint64)]
        measured = {use.quantity: use for use in self._uses if use.expected}
        for quantity in sorted(measured):
            use = measured[quantity]
            value = np.where(use.missing, np.nan, use.value)
            columns += [value.view(np.uint64), self._marks.of(use.stream, quantity)]
        key = b"".join(column.tobytes() for column in columns)
        if key not in self._digests:  # both rule sets mostly rest on the same inputs
            self._digests[key] = row_digests(columns)
        return self._digests[key]

    def _warnings(self, found: StreamHours) -> Counts:
        count = np.zeros(self._hours.hours, np.int64)
        for use in self._uses:
            stream = self._plant.streams_by_id.get(use.stream, found.stream)
            bounds = soft_range(self._plant, stream, use.quantity)
            if bounds is not None:
                count += outside(use.value, bounds)
        return count


def find_factor(library: FactorLibrary, key: FactorKey, *, on: date) -> Factor | None:
    """The record in force, None where there is none."""
    try:
        return library.find(key[0], applies_to=key[1], ruleset=key[2], on=on, variant=key[3])
    except DomainError:
        return None


def soft_range(plant: Plant, stream: Stream, quantity: str) -> Range | None:
    """The soft range a stream's quantity is expected in; coal has narrower ones, aluminate clinkers have none."""
    if stream.kind is StreamKind.FOSSIL_FUEL and stream.fuel in parameters()[COAL_QUANTITY].coal_fuels:
        narrow = SOFT_RANGES.get(COAL_FUELS + quantity)
        if narrow is not None:
            return narrow
    if quantity.startswith("clinker_"):
        kinds = {line.id: line.clinker_kind for line in plant.lines}
        if "portland" not in kinds.get(stream.line or "", "portland"):
            return None
    return SOFT_RANGES.get(quantity)


def outside(value: Floats, bounds: Range) -> Mask:
    """Where a value lies outside a range; a missing one does not."""
    slack = RANGE_TOLERANCE * max(abs(bounds.low), abs(bounds.high))
    answer: Mask = (value < bounds.low - slack) | (value > bounds.high + slack)
    return answer
