"""The floor of G2: what the process emission of a month and line lacks to zero, as a row of its own (standard.md 5.2).

Deductions for substitute materials can exceed what the clinker emitted. The rule set says whether a month is floored
at zero (whether the official text floors is not known yet). Hours stay unfloored, so that they add up; the correction
stands at the last hour of the plant-local month, under the line's clinker stream and the method `month_floor`, from
when that hour is computed, and is revised with the month. A month without correction has no such row, nor has one in
which an hour is without value: what is missing is not zero. The edition of the month's last day decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from calc_jobs import derived, editions, emission
from calc_jobs.activity import local_day
from calc_jobs.digests import NONE, method_digest, short_digest
from calc_jobs.revisions import Revisions
from tanji.domain.items import Item, Method, StreamKind
from tanji.domain.rulesets import RuleSet
from tanji.plant import names
from tanji.plant.model import Plant, Stream
from tanji.quality.hours import MS_PER_HOUR, Grid
from tanji.quality.rules import Floats
from tanji.store.port import Store

FIELDS = (*emission.NUMBERS, *emission.WHOLE)


class MonthFloors:
    """Writes the corrections of months that have hours in [first_ms, end_ms) [UTC ms]."""

    def __init__(self, plant: Plant, store: Store, *, first_ms: int, end_ms: int) -> None:
        self._plant = plant
        self._store = store
        self._bucket = names.derived_bucket(plant.site.id)
        self._first_ms = first_ms
        self._end_ms = end_ms
        self._revisions = Revisions(plant, store)
        self._deducts = any(stream.kind is StreamKind.SUBSTITUTE_MATERIAL for stream in plant.streams)

    def write(self, reasons: Mapping[int, str]) -> int:
        """Bring the months of these hours up to date; returns the rows written."""
        if not self._deducts or not reasons:
            return 0
        latest = {month_of(self._plant, hour): hour for hour in sorted(reasons)}
        return sum(self._month(*month, reason=reasons[hour]) for month, hour in latest.items())

    def _month(self, start_ms: int, end_ms: int, *, reason: str) -> int:
        if end_ms > self._end_ms:
            return 0  # the month is still going on
        start_ms = max(start_ms, self._first_ms)
        grid = Grid(start_ms, (end_ms - start_ms) // MS_PER_HOUR)
        where = {"item": [Item.PROCESS_CLINKER.value]}
        table = self._store.read(self._bucket, "emission", start_ms=start_ms, end_ms=end_ms, where=where)
        found = derived.matrix(table, tags=emission.TAGS, fields=FIELDS, texts=emission.TEXTS, grid=grid)
        rows = self._corrections(found, last_ms=int(grid.hour_ms[-1]))
        keys = list(rows)
        stored = found.aligned(keys, hours=grid.hours)
        numbers = {name: stored.fields[name].copy() for name in (*emission.NUMBERS, "warnings")}
        texts = {name: words.copy() for name, words in stored.texts.items()}
        for at, (tonnes, u_rel, share, digest, inputs) in enumerate(rows.values()):
            last = at, grid.hours - 1
            numbers["co2_t"][last], numbers["u_rel"][last], numbers["substituted"][last] = tonnes, u_rel, share
            numbers["warnings"][last] = float(tonnes > 0)  # a floor that acts is always worth a look
            texts["rule"][last] = texts["factors"][last] = NONE
            texts["method_digest"][last], texts["inputs"][last] = digest, inputs
        changed = derived.differs(numbers, stored, texts=texts)
        changed[:, :-1] = False
        needless = np.array([not row[0] and not stored.there[at, -1] for at, row in enumerate(rows.values())], np.bool_)
        changed[needless] = False
        reasons = {int(grid.hour_ms[-1]): reason}
        return self._revisions.write_versions(keys, numbers, texts, stored, changed, reasons, grid=grid)

    def _corrections(
        self, found: derived.Matrix, *, last_ms: int
    ) -> dict[emission.Key, tuple[float, float, float, str, str]]:
        """Correction [tCO2], u_rel, substituted share and digests of every line, boundary and floored rule set."""
        result: dict[emission.Key, tuple[float, float, float, str, str]] = {}
        for ruleset in self._floored(last_ms):
            for stream in self._clinker_of_lines():
                for boundary in stream.boundaries:
                    key = (self._plant.site.id, stream.line or names.SITE_LINE, stream.id, boundary.value)
                    key7 = (*key, ruleset.id.value, Item.PROCESS_CLINKER.value, Method.MONTH_FLOOR.value)
                    digest = method_digest(ruleset, stream, Method.MONTH_FLOOR.value)
                    result[key7] = (*_lacking(found, key7), digest, _inputs(found, key7))
        return result

    def _floored(self, hour_ms: int) -> list[RuleSet]:
        """Rule sets whose edition of an hour floors the month."""
        hour = Grid(hour_ms, 1)
        held = (edition for name in self._plant.rulesets for edition in editions.of(self._plant, name, grid=hour))
        return [edition.ruleset for edition in held if edition.ruleset.floors_process_month]

    def _clinker_of_lines(self) -> list[Stream]:
        """The stream that carries the correction of each line: its first of clinker."""
        found: dict[str | None, Stream] = {}
        for stream in self._plant.streams:
            if stream.kind is StreamKind.CLINKER:
                found.setdefault(stream.line, stream)
        return list(found.values())


def _of_line(found: derived.Matrix, key: emission.Key) -> list[int]:
    """Rows of the same line, boundary and rule set, the floor's own left out."""
    same = (1, 3, 4, 5)
    return [
        row
        for row, other in enumerate(found.keys)
        if all(other[at] == key[at] for at in same) and other[-1] != Method.MONTH_FLOOR.value
    ]


def _lacking(found: derived.Matrix, key: emission.Key) -> tuple[float, float, float]:
    rows = _of_line(found, key)
    if (found.there[rows] & np.isnan(found.fields["co2_t"][rows])).any():
        return 0.0, 0.0, 0.0
    tonnes: Floats = np.nan_to_num(found.fields["co2_t"][rows])  # an hour without a row was before the stream was
    total = float(tonnes.sum(axis=1).sum())
    if total >= 0 or not rows:
        return 0.0, 0.0, 0.0
    size = np.abs(tonnes)
    each = np.nan_to_num(found.fields["u_rel"][rows]) * size
    # Hours of one stream share scale and factor, so they add up straight; streams are independent (section 13).
    u_rel = float(np.sqrt((each.sum(axis=1) ** 2).sum())) / -total
    share = float((np.nan_to_num(found.fields["substituted"][rows]) * size).sum() / size.sum())
    return -total, u_rel, share


def _inputs(found: derived.Matrix, key: emission.Key) -> str:
    """Digest of the hours that are added up."""
    rows = sorted(_of_line(found, key), key=lambda row: found.keys[row])
    return short_digest(b"".join(np.ascontiguousarray(found.fields["co2_t"][row], "<f8").tobytes() for row in rows))


def month_of(plant: Plant, hour_ms: int) -> tuple[int, int]:
    """The plant-local month an hour lies in, [start, end) [UTC ms]."""
    day = local_day(plant, hour_ms)
    zone = ZoneInfo(plant.site.timezone)
    first = datetime(day.year, day.month, 1, tzinfo=zone)
    following = first.replace(day=1) + timedelta(days=32)
    end = datetime(following.year, following.month, 1, tzinfo=zone)
    return round(first.timestamp() * 1000), round(end.timestamp() * 1000)
