"""How much the spool may hold: its own limit, and what must stay free on the disk for everybody else.

Only bytes are counted here. Which segments may go, and that none goes that was not forwarded, is the spool's business.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

LOOK_S = 1.0
"""How often the disk is asked for what is free [s]; what is written meanwhile is subtracted."""


@dataclass(frozen=True, slots=True)
class Limits:
    """most_bytes : the spool's own limit, None for none. reserve_bytes : what must stay free on the disk."""

    most_bytes: int | None = None
    reserve_bytes: int = 0


def free_on_disk(folder: Path) -> int:
    """What a process without privileges may still write there [byte]."""
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize


class Room:
    """The spool's bytes. `free` answers what is free on its disk [byte]."""

    def __init__(self, limits: Limits, *, used: int, free: Callable[[], int]) -> None:
        self._limits, self._ask = limits, free
        self.used = used
        self._free = 0
        self._asked = -LOOK_S

    def lacking(self, size: int) -> str | None:
        """Why there is no room for `size` more bytes; None if there is."""
        most = self._limits.most_bytes
        if most is not None and self.used + size > most:
            return f"the spool is full: {self.used} of at most {most} bytes, and none of it may go"
        if time.monotonic() - self._asked >= LOOK_S:
            self._free, self._asked = self._ask(), time.monotonic()
        if self._free - size < self._limits.reserve_bytes:
            self._asked = -LOOK_S  # somebody may be making room: look again the next time
            return f"the disk is full: {self._free} bytes are free, {self._limits.reserve_bytes} of them in reserve"
        return None

    def took(self, size: int) -> None:
        """Bytes were written."""
        self.used += size
        self._free -= size

    def gave_back(self, size: int) -> None:
        """A file of this size is gone."""
        self.used -= size
        self._free += size
