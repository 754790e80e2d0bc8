"""The clock of the machine: how far it may be off, and whether it was set.

The kernel says what the time service that disciplines it last found (adjtimex(2); chrony, ntpd and systemd-timesyncd
all report there), so nothing is asked over the network. A step is seen by comparing wall and monotonic clock, which a
slew moves alike. Readings stamped by a clock that jumped carry the flag CLOCK until it can be trusted again; nothing is
ever put into another order because of it (R36, R52).
"""

from __future__ import annotations

import ctypes
import ctypes.util
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

JUMP_MS: Final = 500
"""A smaller step [ms] cannot move a reading to another second's cycle; time services step above 128 ms at the least."""

DISTRUST_MS: Final = 60_000
"""How long readings are flagged after a step by a time service that then says it is synchronised [ms]."""

FREE_DISTRUST_MS: Final = 3_600_000
"""And where no time service vouches for the new time [ms]: an hour that a person looks at."""

_UNSYNCHRONISED, _NANOSECONDS, _STATE_ERROR = 0x0040, 0x2000, 5


class _Timex(ctypes.Structure):
    """struct timex of adjtimex(2); what follows `tai` is padding."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_byte * 256),
    )


@dataclass(frozen=True, slots=True)
class KernelClock:
    """What the kernel knows. offset_s, max_error_s : seconds; None where the kernel cannot be asked."""

    synchronised: bool
    offset_s: float | None = None
    max_error_s: float | None = None


def ask_kernel() -> KernelClock:
    """The state of the system clock; unsynchronised where it cannot be asked."""
    adjtimex = _adjtimex()
    if adjtimex is None:
        return KernelClock(False)
    found = _Timex()
    state = adjtimex(ctypes.byref(found))
    if state < 0:
        return KernelClock(False)
    unit = 1e-9 if found.status & _NANOSECONDS else 1e-6
    synchronised = state != _STATE_ERROR and not found.status & _UNSYNCHRONISED
    return KernelClock(synchronised, found.offset * unit, found.maxerror * 1e-6)


@cache
def _adjtimex() -> Any:
    try:
        return ctypes.CDLL(ctypes.util.find_library("c") or "libc.so.6", use_errno=True).adjtimex
    except (OSError, AttributeError):  # not Linux
        return None


def _monotonic_ms() -> int:
    return time.monotonic_ns() // 1_000_000


class ClockWatch:
    """Watches one clock. `look` is called often, from any thread; it costs a microsecond."""

    def __init__(
        self,
        clock: Callable[[], int],
        *,
        monotonic: Callable[[], int] = _monotonic_ms,
        kernel: Callable[[], KernelClock] = ask_kernel,
    ) -> None:
        """clock : UTC now [ms]. monotonic : a clock that is never set [ms]."""
        self._clock, self._monotonic, self._kernel = clock, monotonic, kernel
        self._lock = threading.Lock()
        self._difference = clock() - monotonic()
        self._jumped_at: int | None = None
        self.jumps = 0
        self.last_jump_ms = 0

    def look(self) -> int | None:
        """Size of the step since the last look [ms]; None if there was none."""
        with self._lock:
            difference = self._clock() - self._monotonic()
            step = difference - self._difference
            self._difference = difference
            if abs(step) < JUMP_MS:
                return None
            self.jumps += 1
            self.last_jump_ms, self._jumped_at = step, self._monotonic()
            return step

    def steps(self, seen: int) -> tuple[int, int | None]:
        """How many steps there were so far, and the size of the latest [ms] if there were more than `seen`."""
        self.look()
        return self.jumps, self.last_jump_ms if self.jumps > seen else None

    def suspect(self) -> bool:
        """Whether times taken now are to be flagged: the clock was set a short while ago."""
        self.look()
        jumped_at = self._jumped_at
        if jumped_at is None:
            return False
        since = self._monotonic() - jumped_at
        if since < DISTRUST_MS:
            return True
        if since < FREE_DISTRUST_MS and not self._kernel().synchronised:
            return True
        self._jumped_at = None
        return False

    def state(self) -> KernelClock:
        """What the kernel says now."""
        return self._kernel()

    def numbers(self) -> dict[str, float | None]:
        """For the metrics of a process."""
        state = self._kernel()
        return {
            "synchronised": float(state.synchronised),
            "offset_s": state.offset_s,
            "max_error_s": state.max_error_s,
            "jumps_total": float(self.jumps),
            "last_jump_s": self.last_jump_ms / 1000,
            "suspect": float(self.suspect()),
        }
