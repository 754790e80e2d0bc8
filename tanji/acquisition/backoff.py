"""How long to wait before asking again: doubling up to a ceiling, with jitter where many would ask at once."""

from __future__ import annotations

import random


class Backoff:
    """Waiting times after failures in a row."""

    __slots__ = ("_failures", "_first_s", "_most_s", "_rng")

    def __init__(self, *, first_s: float, most_s: float, rng: random.Random | None = None) -> None:
        """With `rng` each wait is drawn from its upper half, so that clients that failed together part."""
        self._first_s, self._most_s, self._rng, self._failures = first_s, most_s, rng, 0

    @property
    def failures(self) -> int:
        """Failures since the last success."""
        return self._failures

    def failed(self) -> float:
        """Note a failure; how long to wait now [s]."""
        # 2^20 times any first wait is above any ceiling; the exponent must not grow for a month.
        wait_s = min(self._most_s, self._first_s * 2.0 ** min(self._failures, 20))
        self._failures += 1
        return wait_s if self._rng is None else wait_s * self._rng.uniform(0.5, 1.0)

    def succeeded(self) -> None:
        """Note a success: the next failure waits the shortest time again."""
        self._failures = 0
