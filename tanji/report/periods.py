"""Calendar spans of a period: the plant's local days, months, quarters and years, as ranges of hours (DESIGN 3)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from tanji.report.model import HOUR_MS

WHOLE, YEAR, QUARTER, MONTH, DAY = "whole", "year", "quarter", "month", "day"


@dataclass(frozen=True, slots=True)
class Span:
    """Hours [first, end) of a period that belong to one local day, month or year, or all of them.

    start_ms : int  Start of its first hour. [UTC ms]
    day : date  Local day of that hour.
    complete : bool  Whether the period holds the calendar day, month or year from its first hour to its last.
    """

    kind: str
    start_ms: int
    first: int
    end: int
    day: date
    complete: bool

    @property
    def hours(self) -> slice:
        """The hours as a slice."""
        return slice(self.first, self.end)


def spans(kind: str, *, start_ms: int, hours: int, timezone: str) -> tuple[Span, ...]:
    """Every local day, month or year that has hours in the period; the first and last may be part of one.

    start_ms : int  Start of the period. [UTC ms]
    hours : int  Its length. [h]
    """
    zone = ZoneInfo(timezone)
    days = local_days(start_ms=start_ms, hours=hours, timezone=timezone)
    if kind == WHOLE:
        return (Span(WHOLE, start_ms, 0, hours, days[0], True),) if days else ()
    units = [beginning(day, kind) for day in days]
    edges = [hour for hour in range(hours) if hour == 0 or units[hour] != units[hour - 1]]
    found = []
    for first, end in zip(edges, [*edges[1:], hours], strict=True):
        low, high = (round(_midnight(day, zone) * 1000) for day in (units[first], following(units[first], kind)))
        begun = start_ms + first * HOUR_MS
        found.append(Span(kind, begun, first, end, days[first], begun <= low and start_ms + end * HOUR_MS >= high))
    return tuple(found)


def local_days(*, start_ms: int, hours: int, timezone: str) -> list[date]:
    """The local day of each of the hours from `start_ms` [UTC ms]."""
    zone = ZoneInfo(timezone)
    return [datetime.fromtimestamp((start_ms + hour * HOUR_MS) / 1000, zone).date() for hour in range(hours)]


def beginning(day: date, kind: str) -> date:
    """First day of the day, month, quarter or year a day lies in."""
    month = {DAY: day.month, MONTH: day.month, QUARTER: (day.month - 1) // 3 * 3 + 1}.get(kind, 1)
    return day if kind == DAY else day.replace(month=month, day=1)


def following(day: date, kind: str) -> date:
    """First day of the unit after the one that begins on `day`."""
    longest = {DAY: 1, MONTH: 32, QUARTER: 93, YEAR: 367}[kind]
    return beginning(day + timedelta(days=longest), kind)


def _midnight(day: date, zone: ZoneInfo) -> float:
    return datetime(day.year, day.month, day.day, tzinfo=zone).timestamp()
