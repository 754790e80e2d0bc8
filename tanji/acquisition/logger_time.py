"""Times as loggers and spreadsheets write them, to UTC ms.

`2026-03-01T08:05:00+08:00`, `2026/3/1 8:05`, `2026年3月1日 8:05`, `20260301080500`; or seconds or milliseconds since
1970; or a pattern of strptime. A time without a zone is on the clocks of the zone that was declared, and one that
these clocks show twice or never is refused rather than guessed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Final

EPOCHS: Final = {"epoch_s": 1000.0, "epoch_ms": 1.0}
"""Formats that count from 1970, and the milliseconds of one."""

EARLIEST_MS: Final = 946_684_800_000
"""2000-01-01: a logger whose clock was reset begins before."""

_OFFSET: Final = r"\s*(Z|[+-]\d{2}:?\d{2})?"
_USUAL: Final = re.compile(
    r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?"
    r"(?:[T ]\s*(\d{1,2})[:时](\d{1,2})(?:[:分](\d{1,2})(?:[.,](\d{1,9}))?秒?)?分?)?" + _OFFSET,
    re.ASCII,
)
_COMPACT: Final = re.compile(r"(\d{4})(\d\d)(\d\d)[T ]?(\d\d)(\d\d)(?:(\d\d)(\d{3})?)?" + _OFFSET, re.ASCII)
_NUMBER: Final = re.compile(r"\d{1,16}(\.\d{1,9})?", re.ASCII)
_EXAMPLE: Final = "a time like 2026-03-01 08:05:00"

Read = Callable[[str], int]


class TimeFault(Exception):
    """A text is no time: what was expected."""

    def __init__(self, expected: str) -> None:
        super().__init__(expected)
        self.expected = expected


def reader(*, time_format: str, zone: tzinfo) -> Read:
    """A function from a cell to UTC ms, raising TimeFault."""
    if time_format in EPOCHS:
        return lambda text: _epoch(text, unit_ms=EPOCHS[time_format])
    if time_format:
        return lambda text: _by_pattern(text, pattern=time_format, zone=zone)
    return lambda text: _usual(text, zone=zone)


def _epoch(text: str, *, unit_ms: float) -> int:
    if not _NUMBER.fullmatch(text):
        raise TimeFault("a number of seconds or milliseconds since 1970")
    return round(float(text) * unit_ms)


def _by_pattern(text: str, *, pattern: str, zone: tzinfo) -> int:
    try:
        moment = datetime.strptime(text, pattern)
    except ValueError:
        raise TimeFault(f"a time as {pattern} has it") from None
    return _utc_ms(moment, zone=zone)


def _usual(text: str, *, zone: tzinfo) -> int:
    match = _USUAL.fullmatch(text) or _COMPACT.fullmatch(text)
    if match is None:
        raise TimeFault(_EXAMPLE)
    year, month, day, hour, minute, second, fraction, offset = match.groups()
    microsecond = int((fraction or "0").ljust(6, "0")[:6])
    try:
        moment = datetime(
            int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0), microsecond
        )
    except ValueError:
        raise TimeFault(f"{_EXAMPLE} that is in the calendar") from None
    return _utc_ms(moment.replace(tzinfo=_offset(offset)) if offset else moment, zone=zone)


def _offset(text: str) -> tzinfo:
    if text == "Z":
        return UTC
    hours, minutes = int(text[1:3]), int(text[-2:])
    if hours > 23 or minutes > 59:
        raise TimeFault("an offset from UTC like +08:00")
    size = timedelta(hours=hours, minutes=minutes)
    return timezone(-size if text[0] == "-" else size)


def _utc_ms(moment: datetime, *, zone: tzinfo) -> int:
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone)
        if moment.utcoffset() != moment.replace(fold=1).utcoffset():
            raise TimeFault(f"a time that the clocks of {zone} show once, or one with its offset")
    try:
        whole = round(moment.replace(microsecond=0).timestamp())
    except (OverflowError, ValueError):
        raise TimeFault(_EXAMPLE) from None
    return whole * 1000 + moment.microsecond // 1000
