"""The wall clock, handed to every part as a parameter."""

from __future__ import annotations

import time


def now_ms() -> int:
    """UTC now [ms since the epoch]."""
    return time.time_ns() // 1_000_000
