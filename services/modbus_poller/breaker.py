"""Whether a silent peer may be asked again: after a wait that doubles with every failure and is drawn anew each time.

Thirty meters that went silent together when a switch was off must not all be asked in the same cycle for ever.
"""

from __future__ import annotations

import random
from typing import Final

from tanji.acquisition.backoff import Backoff

FIRST_WAIT_S: Final = 1.0
MOST_WAIT_S: Final = 10.0
"""A silent device is asked again after this long at the latest [s]."""


class Breaker:
    """One peer: open after a failure until its wait is over."""

    __slots__ = ("_backoff", "open_until_ms")

    def __init__(self, rng: random.Random) -> None:
        self._backoff = Backoff(first_s=FIRST_WAIT_S, most_s=MOST_WAIT_S, rng=rng)
        self.open_until_ms = 0

    @property
    def failing(self) -> bool:
        """Whether its last answer did not come."""
        return self._backoff.failures > 0

    def allows(self, time_ms: int) -> bool:
        """Whether it may be asked now [UTC ms]. A clock that was set back shortens the wait, never stretches it."""
        if self.open_until_ms - time_ms > MOST_WAIT_S * 1000:
            self.open_until_ms = time_ms
        return time_ms >= self.open_until_ms

    def failed(self, time_ms: int) -> None:
        """It was silent in the cycle that began then [UTC ms]."""
        self.open_until_ms = time_ms + round(self._backoff.failed() * 1000)

    def succeeded(self) -> None:
        """It answered."""
        self.open_until_ms = 0
        self._backoff.succeeded()
