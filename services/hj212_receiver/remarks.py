"""Log lines that would come with every telegram come once an hour: a fault of a device is a state, not an event."""

from __future__ import annotations

import logging
from collections.abc import Callable

AGAIN_MS = 3_600_000
MOST_KEPT = 1_000
"""Texts come from outside, so their number has to be bounded."""

log = logging.getLogger("services.hj212_receiver")


class Remarks:
    """Says each text once an hour."""

    def __init__(self, clock: Callable[[], int]) -> None:
        """clock : any clock that does not jump. [ms]"""
        self._clock = clock
        self._said: dict[str, int] = {}

    def say(self, text: str) -> None:
        """Log a warning, unless the same text was logged within the hour."""
        now = self._clock()
        if now - self._said.get(text, -AGAIN_MS) < AGAIN_MS:
            return
        if len(self._said) >= MOST_KEPT:
            self._said.clear()
        self._said[text] = now
        log.warning("%s", text)
