"""What a line-protocol body turns into, and the limits both readers share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import pyarrow as pa

NANOSECOND: Final[dict[str, int]] = {
    "n": 1,
    "ns": 1,
    "u": 1_000,
    "us": 1_000,
    "µ": 1_000,
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
}
"""Nanoseconds in a unit of each precision."""

NANOSECONDS_PER_MS: Final = 1_000_000

PRECISIONS: Final = tuple(NANOSECOND)
"""The names InfluxDB 1.x and 2.x give to precisions."""

LATEST_MS: Final = 9_223_372_036_854
"""InfluxDB keeps time as int64 nanoseconds, so no store takes a time further from 1970 than this [ms]."""

_NAME = pa.dictionary(pa.int32(), pa.string())

SCHEMA: Final = pa.schema(
    [
        ("plant", _NAME),
        ("point", _NAME),
        ("time", pa.int64()),
        ("value", pa.float64()),
        ("quality", pa.int64()),
    ]
)
"""Columns of the readings of a body; time in UTC ms, value null for a failed read."""


@dataclass(frozen=True, slots=True)
class OtherLine:
    """A line of another measurement, with its time in ms, ready to be forwarded with precision ms."""

    number: int
    line: bytes


@dataclass(frozen=True, slots=True)
class ParkedLine:
    """A line that is no reading, as it came, and why."""

    number: int
    line: bytes
    reason: str


@dataclass(frozen=True, slots=True)
class Parsed:
    """A body, sorted by what may be done with its lines."""

    readings: pa.Table
    others: tuple[OtherLine, ...] = ()
    parked: tuple[ParkedLine, ...] = ()
