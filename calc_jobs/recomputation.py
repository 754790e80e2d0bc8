"""A period computed from the sealed payload in a store of its own, by the same jobs (R34, R36; reference/trust.md 2.5).

Whoever publishes and whoever verifies call this one function: equal evidence and an equal ledger give equal digits.
The plant file is the newest that two people signed, in its canonical form. How much payload before and after the period
is read follows from the method (docs/decisions/0015): two margins of the quality rules at first; where an hour of the
period is substituted by fewer valid hours than its rule asks for, has no value, or a counter or a state is silent at an
edge, twice the plan's look-back, and so on up to a year, or to the first sealed reading. The quarter of a table of HJ
75 and the month of a floor are read from their beginning, a month closed by a stocktake is read whole and closed again:
no factor that closes a month is believed. A statement names the window that came of it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from calc_jobs import activity, ledger_export, missing, month_floor, stocktake
from calc_jobs.history import LONGEST_HOURS
from calc_jobs.jobs import GRACE_MS, Jobs
from calc_jobs.readings import COUNTER_INVALID, margin_ms
from calc_jobs.recomputed_figures import Recomputed, collect
from tanji.acquisition.flags import INVALID
from tanji.domain.items import Boundary, MissingRule, RuleSetId, StreamKind
from tanji.errors import TrustError
from tanji.ledger import Ledger
from tanji.ledger.entries import AMOUNT, Entry
from tanji.plant import names
from tanji.plant.model import Plant, Stream
from tanji.quality.hours import MS_PER_HOUR
from tanji.store.embedded import EmbeddedStore
from tanji.store.port import Store
from tanji.trust.statement import Period

CARRIED = ("counter", "state")
"""Kinds of point whose value reaches across a hole."""


class Evidence(Protocol):
    """The sealed readings that stand, as of one size of the log."""

    @property
    def begin_ms(self) -> int:
        """Time of the first that there may be. [UTC ms]"""
        ...

    def readings(self, start_ms: int, end_ms: int) -> pa.Table:
        """Those of [start_ms, end_ms) [UTC ms], in the columns of the store's `reading`."""
        ...


@dataclass(frozen=True, slots=True)
class Question:
    """What is to be computed: the figures of a period within a boundary under a rule set."""

    period: Period
    boundary: Boundary
    rule_set: RuleSetId


def plant_of(data: bytes) -> Plant:
    """The plant of a canonical plant file (`tanji.plant.digest.canonical`)."""
    try:
        return Plant.model_validate_json(data, strict=True)
    except ValueError as error:
        raise TrustError("plant-file", where="plant.yaml", expected="a plant file", got=str(error)) from error


def recompute(plant: Plant, evidence: Evidence, ledger: bytes, *, question: Question) -> Recomputed:
    """The figures of the question from sealed readings and a ledger export, with the lines fed to the formulas."""
    period, closed = question.period, closed_months(plant, question, ledger_export.entries(ledger))
    for from_ms, to_ms in windows(plant, question, closed):
        with tempfile.TemporaryDirectory(prefix="tanji-recompute-") as folder:
            end_ms = max([period.to_ms, *(end for _, end in closed)])
            found, settled = _within(plant, evidence, ledger, question, (from_ms, to_ms), end_ms, Path(folder))
        if settled or from_ms <= evidence.begin_ms:
            break
    if not found.results:
        expected, got = "a figure of at least one hour", f"none in {period.name}"
        raise TrustError("recompute-inputs", expected=expected, got=got)
    return found


def windows(plant: Plant, question: Question, closed: Sequence[tuple[int, int]] = ()) -> Iterator[tuple[int, int]]:
    """The windows of readings [from_ms, to_ms) that are tried one after the other. [UTC ms]

    closed : months by stocktake that reach into the period.
    """
    period = question.period
    margin = -(-2 * margin_ms(plant) // MS_PER_HOUR) * MS_PER_HOUR
    begin = min([period.from_ms, *_calendar(plant, question), *(start for start, _ in closed)])
    end = max([period.to_ms, *(end for _, end in closed)])
    yield begin - margin, end + margin
    reach = plant.quality.lookback_valid_hours
    hours = reach
    while hours < LONGEST_HOURS:
        hours = min(hours * 2, LONGEST_HOURS)
        yield begin - margin - hours * MS_PER_HOUR, end + margin + reach * MS_PER_HOUR


def closed_months(plant: Plant, question: Question, entries: Sequence[Entry]) -> list[tuple[int, int]]:
    """Periods with a complete stocktake of a measured stream that reach into the period. [UTC ms]"""
    period = question.period
    return sorted(
        {
            (month.valid_from_ms, month.valid_to_ms)
            for stream in feeding(plant, question.boundary)
            if stream.stock and not stream.ledger
            for month in stocktake.stocktakes(stream, [entry for entry in entries if entry.stream == stream.id])
            if month.valid_from_ms < period.to_ms and period.from_ms < month.valid_to_ms
        }
    )


def feeding(plant: Plant, boundary: Boundary) -> list[Stream]:
    """Streams that may bring something to a total."""
    return [one for one in plant.streams if boundary in one.boundaries and one.kind is not StreamKind.FLUE_GAS]


def _calendar(plant: Plant, question: Question) -> Iterator[int]:
    """Beginnings of the quarter and the month [UTC ms], where the method looks at the whole of them."""
    streams = feeding(plant, question.boundary)
    if any(stream.missing_rule(AMOUNT) is MissingRule.HJ75_TABLE for stream in streams):
        yield missing.quarter_ms(plant, question.period.from_ms)[0] // MS_PER_HOUR * MS_PER_HOUR
    if any(stream.kind is StreamKind.SUBSTITUTE_MATERIAL for stream in streams):
        yield month_floor.month_of(plant, question.period.from_ms)[0]


def _within(
    plant: Plant,
    evidence: Evidence,
    ledger: bytes,
    question: Question,
    window: tuple[int, int],
    end_ms: int,
    folder: Path,
) -> tuple[Recomputed, bool]:
    """Figures from the readings of one window, and whether a wider one could not change them.

    end_ms : up to which hours are computed, the end of the period or of a month that is closed. [UTC ms]
    """
    period = question.period
    held = evidence.readings(*window)
    store = EmbeddedStore(folder / "tsdb.duckdb")
    try:
        known = ledger_export.restore(ledger, folder / "ledger.sqlite")
        try:
            _fill(store, plant, held, window=window, end_ms=end_ms)
            _run(plant, store, known, end_ms=end_ms)
            found = collect(plant, store, known, period=period, boundary=question.boundary,
                            rule_set=question.rule_set, window=window)  # fmt: skip
            return found, _settled(plant, store, held, question)
        finally:
            known.close()
    finally:
        store.close()


def _run(plant: Plant, store: Store, ledger: Ledger, *, end_ms: int) -> None:
    """All jobs, at a clock that stands at the end."""
    Jobs(plant, store=store, ledger=ledger, clock=lambda: end_ms + GRACE_MS).run_once()


def _fill(store: Store, plant: Plant, held: pa.Table, *, window: tuple[int, int], end_ms: int) -> None:
    """The readings, and an arrival for every hour from the first of them: the jobs follow arrivals."""
    bucket = names.raw_bucket(plant.site.id)
    if held.num_rows:
        store.write(bucket, "reading", held)
    first = int(pc.min(held.column("time")).as_py()) if held.num_rows else window[0]
    hours = np.arange(first // MS_PER_HOUR * MS_PER_HOUR, end_ms, MS_PER_HOUR, dtype=np.int64)
    if not hours.size:
        return
    table = {"time": hours, "plant": [plant.site.id] * hours.size, "hour_ms": hours, "count": np.ones(hours.size, "i8")}
    store.write(bucket, "arrival", pa.table(table))


def _settled(plant: Plant, store: Store, held: pa.Table, question: Question) -> bool:
    """Whether no hour of the period fell short of what its rule looks at, and no carried value is cut off."""
    period, streams = question.period, feeding(plant, question.boundary)
    rows = store.read(
        names.derived_bucket(plant.site.id), "activity", start_ms=period.from_ms, end_ms=period.to_ms,
        where={"stream": [stream.id for stream in streams]},
    )  # fmt: skip
    if any(missing.fell_short(rule) for rule in pc.unique(rows.column("rule")).to_pylist() if rule):
        return False
    amounts = [rows.column(field).is_valid() for field in ("amount_t", "electricity_mwh", "heat_gj", "co2_t")]
    valued = np.any([np.asarray(amount) for amount in amounts], axis=0) if rows.num_rows else np.zeros(0, np.bool_)
    points = _carried(plant, streams)
    if not valued.all() or not points:
        return bool(valued.all())
    return (
        _reach(plant, held, points, before_ms=period.from_ms)
        >= points
        <= _reach(plant, held, points, after_ms=period.to_ms)
    )


def _carried(plant: Plant, streams: list[Stream]) -> set[str]:
    """Counters and states that streams are measured or gated by."""
    used = {point for stream in streams for point in (*stream.points, *stream.subtract)}
    used |= {gate for stream in streams if (gate := activity.gate_of(plant, stream)) is not None}
    return {point for point in used if plant.points_by_id[point].kind in CARRIED}


def _reach(
    plant: Plant, held: pa.Table, points: set[str], *, before_ms: int | None = None, after_ms: int | None = None
) -> set[str]:
    """Those of the points that have a reading with a value at or before, or at or after, a time."""
    time = held.column("time")
    side = pc.less_equal(time, before_ms) if before_ms is not None else pc.greater_equal(time, after_ms)
    rows = held.filter(pc.and_(side, pc.is_valid(held.column("value"))))
    rows = rows.filter(pc.is_in(rows.column("point").cast(pa.string()), value_set=pa.array(sorted(points))))
    found = set()
    for kind, invalid in (("counter", COUNTER_INVALID), ("state", INVALID)):
        good = rows.filter(pc.equal(pc.bit_wise_and(rows.column("quality"), int(invalid)), 0))
        names_of = pc.unique(good.column("point").cast(pa.string())).to_pylist()
        found |= {point for point in names_of if plant.points_by_id[point].kind == kind}
    return found
