"""What an OPC UA data value is worth to a meter: a number or none, and a flag word (OPC 10000-4 7.7, 10000-8 7.3)."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Final

from asyncua import ua

from tanji.acquisition.flags import Flag, from_opcua
from tanji.acquisition.registers import LARGEST_EXACT

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND: Final = timedelta(milliseconds=1)

EARLIEST_YEAR: Final = 1970
"""A timestamp before is none: 1601 is how OPC UA writes an empty one (OPC 10000-6 5.2.2.5)."""

BAD: Final = 2
"""Severity of a status code, its top two bits: 0 good, 1 uncertain, 2 bad."""


def status_of(data: ua.DataValue) -> int:
    """The 32-bit status code; a data value without one is good."""
    return 0 if data.StatusCode is None else int(data.StatusCode.value)


def source_ms(data: ua.DataValue) -> int | None:
    """When the source got the value, or else the server [UTC ms]; None where neither says, or only 1601."""
    source = moment_ms(data.SourceTimestamp)
    return moment_ms(data.ServerTimestamp) if source is None else source


def moment_ms(moment: datetime | None) -> int | None:
    """A timestamp of the protocol [UTC ms]; None where there is none, or only 1601."""
    if moment is None or moment.year <= EARLIEST_YEAR:
        return None
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return (aware - EPOCH) // MILLISECOND


def reading_of(data: ua.DataValue, *, scale: float, offset: float) -> tuple[float | None, Flag]:
    """Value and flags. A bad status, and a value that is no finite number, is a failed read."""
    status = status_of(data)
    flags = from_opcua(status)
    if status >> 30 >= BAD:
        return None, flags
    value = None if data.Value is None else data.Value.Value
    if isinstance(value, bool):
        value = int(value)
    if not isinstance(value, int | float) or not math.isfinite(value):
        return None, flags | Flag.FAULT
    if isinstance(value, int) and abs(value) > LARGEST_EXACT:
        return None, flags | Flag.FAULT
    scaled = value if scale == 1 and offset == 0 else value * scale + offset
    return (scaled, flags) if math.isfinite(scaled) else (None, flags | Flag.FAULT)
