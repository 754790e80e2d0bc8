"""What an audit found, counted in full and listed up to a limit, as a person reads it and as the audit trail keeps it.

Per point and kind: how many rows and over which time. The first rows are listed with both readings in the words of a
payload line (`331.25 0`, `- 1024` for a failed read). What an audit does not look at is part of every report.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from calc_jobs.comparison import Compared, Kind, Rows

MOST_LISTED = 100
"""Rows listed one by one; all of them are counted."""
NOT_COMPARED = (
    "flags, activity, emissions and every other derived figure (`tanji verify recompute` computes them again);"
    " arrival rows and health series; the laboratory values of the ledger (sealed in batches of their own)"
)


@dataclass(frozen=True, slots=True)
class Tally:
    """How many rows of a point differ in one way, and the first and last time of them [UTC ms]."""

    point: str
    kind: Kind
    rows: int
    first_ms: int
    last_ms: int


@dataclass(frozen=True, slots=True)
class Difference:
    """One row: what is sealed and what is stored, each `value quality` or None where there is no row."""

    point: str
    time_ms: int
    kind: Kind
    sealed: str | None
    stored: str | None


@dataclass(frozen=True, slots=True)
class AuditReport:
    """What an audit of [start_ms, end_ms) [UTC ms] found, against the log as of `size` entries.

    end_ms : where judging ended; `behind` is the gateway whose last sealed minute that was.
    rows : readings that stand in the evidence. unsealed : rows stored before sealing began, no difference.
    """

    start_ms: int
    end_ms: int
    size: int
    behind: str
    rows: int
    unsealed: int
    differences: int
    tallies: tuple[Tally, ...]
    listed: tuple[Difference, ...]
    seconds: float
    not_compared: str = NOT_COMPARED

    def counts(self) -> dict[str, int]:
        """Rows of each kind."""
        return {kind.value: sum(tally.rows for tally in self.tallies if tally.kind is kind) for kind in Kind}

    def facts(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self) | {"counts": self.counts()}


class Findings:
    """Collects what the parts of a period show."""

    def __init__(self) -> None:
        self._rows = self._unsealed = 0
        self._tallies: dict[tuple[str, Kind], Tally] = {}
        self._listed: list[Difference] = []

    def add(self, compared: Compared) -> None:
        """Take in a part."""
        self._rows += compared.rows
        self._unsealed += compared.unsealed
        for kind, rows in compared.each():
            for tally in _tallies(compared, kind, rows):
                known = self._tallies.get((tally.point, kind))
                self._tallies[tally.point, kind] = tally if known is None else _joined(known, tally)
        for difference in _listed(compared, most=MOST_LISTED - len(self._listed)):
            self._listed.append(difference)

    def report(self, *, start_ms: int, end_ms: int, size: int, behind: str, seconds: float = 0.0) -> AuditReport:
        """Everything so far."""
        tallies = tuple(sorted(self._tallies.values(), key=lambda tally: (tally.point, tally.kind)))
        return AuditReport(
            start_ms=start_ms,
            end_ms=end_ms,
            size=size,
            behind=behind,
            rows=self._rows,
            unsealed=self._unsealed,
            differences=sum(tally.rows for tally in tallies),
            tallies=tallies,
            listed=tuple(self._listed),
            seconds=seconds,
        )


def _tallies(compared: Compared, kind: Kind, rows: Rows) -> Iterator[Tally]:
    for series in np.unique(rows.series).tolist():
        own = rows.time[rows.series == series]
        yield Tally(_named(compared, series), kind, len(own), int(own.min()), int(own.max()))


def _joined(one: Tally, other: Tally) -> Tally:
    first, last = min(one.first_ms, other.first_ms), max(one.last_ms, other.last_ms)
    return Tally(one.point, one.kind, one.rows + other.rows, first, last)


def _named(compared: Compared, series: int) -> str:
    """The point; with its plant where that is another one than was sealed."""
    plant, point = compared.names[series]
    return point if plant == compared.plant_id else f"{plant}/{point}"


def _listed(compared: Compared, *, most: int) -> Iterator[Difference]:
    """The first rows of every kind, at most so many together."""
    for kind, rows in compared.each():
        sealed, stored = _sides(compared, kind, rows)
        for row in range(min(most, len(rows))):
            ours, theirs = (None if side is None else _text(side, row) for side in (sealed, stored))
            yield Difference(_named(compared, int(rows.series[row])), int(rows.time[row]), kind, ours, theirs)
        most -= min(most, len(rows))


def _sides(compared: Compared, kind: Kind, rows: Rows) -> tuple[Rows | None, Rows | None]:
    if kind is Kind.MISSING:
        return rows, None
    if kind is Kind.ADDED:
        return None, rows
    return compared.changed if kind is Kind.CHANGED else compared.quality


def _text(rows: Rows, row: int) -> str:
    """Value and quality as a payload line has them; a quality the store lacks is `none`."""
    value = repr(float(rows.value[row])) if rows.present[row] else "-"
    return f"{value} {'none' if rows.quality[row] < 0 else int(rows.quality[row])}"
