"""Alarms: what a person must look at, each with a code, a severity and a sentence, for as long as it is so.

Every code has its page in docs/alarms.md and docs/alarms.zh.md: what it means, what to look at, what to do. Who is
told, and how, is not decided here; `/healthz`, `/metrics` and the `health` series carry what is active.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

log = logging.getLogger(__name__)


class AlarmCode(StrEnum):
    """Every alarm the data path raises; never renamed, since people and alert rules know them."""

    SPOOL_FULL = "SPOOL_FULL"
    SPOOL_RELEASED = "SPOOL_RELEASED"
    SPOOL_FAILED = "SPOOL_FAILED"
    SPOOL_DAMAGED = "SPOOL_DAMAGED"
    SPOOL_TORN = "SPOOL_TORN"
    DISK_LOW = "DISK_LOW"
    STORE_AWAY = "STORE_AWAY"
    STORE_DENIES = "STORE_DENIES"
    STORE_REFUSES = "STORE_REFUSES"
    LINES_PARKED = "LINES_PARKED"
    PARKED_FULL = "PARKED_FULL"
    BODY_REFUSED = "BODY_REFUSED"
    TOKEN_REFUSED = "TOKEN_REFUSED"
    CLOCK_JUMPED = "CLOCK_JUMPED"
    CLOCK_FREE = "CLOCK_FREE"
    DEVICE_CLOCK = "DEVICE_CLOCK"
    DEVICE_SILENT = "DEVICE_SILENT"
    SEALER_AWAY = "SEALER_AWAY"
    READINGS_DROPPED = "READINGS_DROPPED"
    JOBS_FAILED = "JOBS_FAILED"
    SEAL_FORBIDDEN = "SEAL_FORBIDDEN"
    SEAL_FAILING = "SEAL_FAILING"
    SEAL_AHEAD = "SEAL_AHEAD"
    LOG_AWAY = "LOG_AWAY"
    LOG_REFUSES = "LOG_REFUSES"
    AUDIT_DIFFERS = "AUDIT_DIFFERS"
    AUDIT_MISSED = "AUDIT_MISSED"
    KEYS_MISSING = "KEYS_MISSING"
    KEY_UNREGISTERED = "KEY_UNREGISTERED"
    POINTMAP_UNAPPROVED = "POINTMAP_UNAPPROVED"
    LABORATORY_UNSEALED = "LABORATORY_UNSEALED"
    LOG_QUARANTINE = "LOG_QUARANTINE"
    LOG_FAILED = "LOG_FAILED"
    WITNESS_AWAY = "WITNESS_AWAY"
    WITNESS_REFUSES = "WITNESS_REFUSES"


CRITICAL: Final = frozenset(
    {
        AlarmCode.SPOOL_FULL,
        AlarmCode.SPOOL_FAILED,
        AlarmCode.SPOOL_DAMAGED,
        AlarmCode.STORE_DENIES,
        AlarmCode.READINGS_DROPPED,
        AlarmCode.SEAL_FORBIDDEN,
        AlarmCode.SEAL_FAILING,
        AlarmCode.LOG_REFUSES,
        AlarmCode.AUDIT_DIFFERS,
        AlarmCode.LOG_FAILED,
        AlarmCode.WITNESS_REFUSES,
    }
)
"""Readings are being lost or will be, or evidence and database contradict each other; the others are warnings."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """An alarm that is active; `subject` names the device or file it is about, if it is about one."""

    code: AlarmCode
    since_ms: int
    text: str
    subject: str = ""

    @property
    def severity(self) -> str:
        """`critical` or `warning`."""
        return "critical" if self.code in CRITICAL else "warning"

    def as_json(self) -> dict[str, object]:
        """For `/healthz`."""
        return {
            "code": self.code.value,
            "severity": self.severity,
            "since_ms": self.since_ms,
            "subject": self.subject,
            "text": self.text,
        }


class Alarms:
    """The alarms of one process, from any thread. What becomes active or ends is logged once."""

    def __init__(self, *, clock: Callable[[], int]) -> None:
        """clock : UTC now [ms]."""
        self._clock = clock
        self._lock = threading.Lock()
        self._active: dict[tuple[AlarmCode, str], tuple[Alarm, int | None]] = {}

    def set(self, code: AlarmCode, text: str, *, subject: str = "", for_ms: int | None = None) -> None:
        """It is so: until `clear`, or, for something that happened once, for a while [ms]."""
        now = self._clock()
        end = None if for_ms is None else now + for_ms
        with self._lock:
            known = self._active.get((code, subject))
            since = now if known is None else known[0].since_ms
            self._active[code, subject] = Alarm(code, since, text, subject), end
        if known is None:
            log.warning("alarm %s %s: %s", code, subject, text)

    def clear(self, code: AlarmCode, *, subject: str = "") -> None:
        """It is so no longer."""
        with self._lock:
            known = self._active.pop((code, subject), None)
        if known is not None:
            log.warning("alarm %s %s has ended", code, subject)

    def update(self, code: AlarmCode, text: str | None, *, subject: str = "") -> None:
        """It is so if there is a text."""
        if text is None:
            self.clear(code, subject=subject)
        else:
            self.set(code, text, subject=subject)

    def active(self) -> tuple[Alarm, ...]:
        """What is so now, the oldest first."""
        now = self._clock()
        with self._lock:
            for key in [key for key, (_, end) in self._active.items() if end is not None and end <= now]:
                del self._active[key]
            return tuple(sorted((alarm for alarm, _ in self._active.values()), key=lambda alarm: alarm.since_ms))
