"""How numbers are written for people: tonnes, percents, intensities, local times. Nothing is rounded before this."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from tanji.domain import uncertainty

ABSENT = "–"
"""What stands where there is no figure; never a zero."""

NARROW = "\u00a0"
"""Between a number and its sign: no line may break there."""


def tonnes(value: float | None) -> str:
    """Tonnes with a thousands separator: whole above 1000, three digits or so below."""
    if value is None or math.isnan(value):
        return ABSENT
    size = abs(value)
    return f"{value:,.0f}" if size >= 1000 else f"{value:,.1f}" if size >= 10 else f"{value:,.2f}"


def percent(value: float | None, *, digits: int | None = None) -> str:
    """A fraction as a percent with two significant digits or so; tiny shares stay visible as '<0.01 %'."""
    if value is None or math.isnan(value):
        return ABSENT
    scaled = value * 100
    if digits is None:
        if 0 < abs(scaled) < 0.01:
            return f"<0.01{NARROW}%" if scaled > 0 else f">-0.01{NARROW}%"
        digits = 0 if abs(scaled) >= 99.995 or scaled == 0 else 1 if abs(scaled) >= 10 else 2
    return f"{scaled:.{digits}f}{NARROW}%"


def signed_percent(value: float | None) -> str:
    """A relative difference with its sign."""
    text = percent(value)
    return f"+{text}" if value is not None and not math.isnan(value) and value > 0 and text[0].isdigit() else text


def signed_points(value: float) -> str:
    """A difference of two fractions in percentage points, with its sign and without the word."""
    return f"{value * 100:+.1f}"


def expanded(u_rel: float | None) -> float | None:
    """Expanded from standard relative uncertainty, k = 2 (standard.md section 13). [1]"""
    return None if u_rel is None else float(uncertainty.expanded(u_rel))


def intensity(value: float | None) -> str:
    """tCO2 per tonne of clinker, four decimals."""
    return ABSENT if value is None or math.isnan(value) else f"{value:.4f}"


def count(value: int) -> str:
    """A whole number with a thousands separator."""
    return f"{value:,d}"


def local_time(time_ms: int, timezone: str) -> str:
    """UTC ms as the plant's local time, to the minute."""
    return datetime.fromtimestamp(time_ms / 1000, UTC).astimezone(ZoneInfo(timezone)).strftime("%Y-%m-%d %H:%M")


def unit(name: str) -> str:
    """A unit of the plant file as people write it."""
    return name.replace("degC", "°C").replace("m3", "m³").replace("CO2", "CO₂")
