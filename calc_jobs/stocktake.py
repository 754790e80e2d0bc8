"""Amounts by stocktake, and the factor that closes a month over its hours (standard.md section 9, R52).

A stream with `stock: true` has its official month in the ledger: purchases, stocks and sales of a fuel, or the silo
balance of clinker (盘库). With `ledger: true` that amount is spread evenly over its period; with points it closes the
period: k = month / sum of hours is entered into the ledger, so that it is evidence, and the hours it holds for are
computed again for that reason. Formulas are `tanji.domain.stock`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from tanji.domain import stock
from tanji.errors import DomainError
from tanji.ledger import Ledger
from tanji.ledger.entries import AMOUNT, CLOSING_FACTOR, Entry
from tanji.ledger.stocktakes import stocktakes as complete
from tanji.plant import names
from tanji.plant.model import Plant, Stream
from tanji.quality.hours import MS_PER_HOUR, Grid
from tanji.quality.rules import Floats
from tanji.store.port import Store

DIGITS = 12
"""Significant digits of k: enough that hours add up, too few to tell in which order the hours were computed."""
SOURCE = "month closing"


@dataclass(frozen=True, slots=True)
class Closing:
    """A period [UTC ms] that was closed, and its factor. [1]"""

    stream: str
    start_ms: int
    end_ms: int
    factor: float


def amounts(stream: Stream, entries: Sequence[Entry]) -> tuple[Entry, ...]:
    """Entries of an amount for a stream of the ledger: as entered, or one for each complete stocktake."""
    own = [entry for entry in entries if entry.stream == stream.id]
    if not stream.stock:
        return tuple(entry for entry in own if entry.parameter == AMOUNT)
    return tuple(stocktakes(stream, own))


def stocktakes(stream: Stream, entries: Sequence[Entry]) -> Iterator[Entry]:
    """The amount of every period whose stocktake is complete."""
    for found in complete(stream, entries):
        yield Entry("stocktake", stream.id, AMOUNT, found.amount, found.unit, found.start_ms, found.end_ms)


def factors(stream: Stream, entries: Sequence[Entry], *, grid: Grid) -> Floats:
    """k of every hour of a grid, 1 where no period is closed."""
    result = np.ones(grid.hours)
    for entry in entries:
        if entry.stream == stream.id and entry.parameter == CLOSING_FACTOR:
            first = max(0, (entry.valid_from_ms - grid.start_ms) // MS_PER_HOUR)
            last = min(grid.hours, (entry.valid_to_ms - grid.start_ms) // MS_PER_HOUR)
            result[first : max(first, last)] = entry.value
    return result


def close(
    plant: Plant, store: Store, ledger: Ledger, *, first_ms: int, end_ms: int, now_ms: int
) -> tuple[Closing, ...]:
    """Bring the factors of closed periods up to date with hours and ledger; returns those that changed.

    first_ms, end_ms : hours of the plant that are computed. [UTC ms]
    """
    changed: list[Closing] = []
    for stream in plant.streams:
        if not stream.stock or stream.ledger:
            continue
        entries = ledger.entries(streams=(stream.id,))
        known = {(entry.valid_from_ms, entry.valid_to_ms): entry for entry in entries
                 if entry.parameter == CLOSING_FACTOR}  # fmt: skip
        wanted: dict[tuple[int, int], float] = {}
        for month in stocktakes(stream, entries):
            if month.valid_from_ms < first_ms or month.valid_to_ms > end_ms:
                continue  # not all of its hours are there yet
            k = _factor(plant, store, stream, month, entries)
            if k is not None:
                wanted[month.valid_from_ms, month.valid_to_ms] = k
        judged = {period for period in known if first_ms <= period[0] and period[1] <= end_ms}
        for period in judged - wanted.keys():  # before what is new: a shorter month has the same first hour
            ledger.withdraw(_sample(stream, period), by=SOURCE, reason="no stocktake", recorded_at_ms=now_ms)
            changed.append(Closing(stream.id, *period, 1.0))
        for period, k in wanted.items():
            if period not in known or known[period].value != k:
                ledger.enter([_entry(stream, period, k)], recorded_at_ms=now_ms)
                changed.append(Closing(stream.id, *period, k))
    return tuple(changed)


def _factor(plant: Plant, store: Store, stream: Stream, month: Entry, entries: Sequence[Entry]) -> float | None:
    """k of a period, None where its hours cannot be closed."""
    grid = Grid(month.valid_from_ms, (month.valid_to_ms - month.valid_from_ms) // MS_PER_HOUR)
    bucket = names.derived_bucket(plant.site.id)
    rows = store.read(
        bucket, "activity", start_ms=grid.start_ms, end_ms=grid.end_ms, where={"stream": [stream.id]},
        fields=("amount_t",),
    )  # fmt: skip
    if rows.num_rows != grid.hours:
        return None
    hour = (rows.column("time").to_numpy() - grid.start_ms) // MS_PER_HOUR
    weighed = np.full(grid.hours, np.nan)
    weighed[hour] = rows.column("amount_t").to_numpy()
    before = factors(stream, entries, grid=grid)
    try:
        k = stock.closing_factor(month.value, hour_amounts=weighed / before)
    except DomainError:
        return None
    return float(f"{k:.{DIGITS}g}") if np.isfinite(k) and k > 0 else None


def _sample(stream: Stream, period: tuple[int, int]) -> str:
    return f"closing.{stream.id}.{period[0]}"


def _entry(stream: Stream, period: tuple[int, int], k: float) -> Entry:
    return Entry(
        _sample(stream, period), stream.id, CLOSING_FACTOR, k, "1", *period, method="k = month / sum of hours",
        source=SOURCE, period="month",
    )  # fmt: skip
