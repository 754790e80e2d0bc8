"""What the sealer counts, since its start; every thread adds to the same numbers."""

from __future__ import annotations

import threading

NAMES = (
    "acknowledged",  # readings answered with 204, and those found in the spool at the start
    "repeated",
    "conflicting",
    "filled",
    "refused",
    "forwarded",
    "parked",
    "bodies",
    "refused_bodies",
    "unauthorised",
    "retried",
)


class Counters:
    """Named sums. Read them with `snapshot`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sums = dict.fromkeys(NAMES, 0)

    def add(self, **amounts: int) -> None:
        """Add to some of them, at once."""
        with self._lock:
            for name, amount in amounts.items():
                self._sums[name] += amount

    def snapshot(self) -> dict[str, int]:
        """All of them at one moment; `accepted` are distinct acknowledged readings."""
        with self._lock:
            sums = dict(self._sums)
        sums["accepted"] = sums["acknowledged"] - sums["repeated"] - sums["conflicting"] - sums["filled"]
        return sums
