"""The audit of every night: which days, what is written to the audit trail, and what the health of the process tells.

Each night the last days are compared, as far back as late readings are taken, and after them a few older ones in turn,
so that in time every day is compared again (R35). A night without an audit is told: by an alarm, by a row of the trail
when the process comes back, and by the page. When it starts is `calc_jobs.schedule`; comparing is `calc_jobs.audit`.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import date, datetime, timedelta
from datetime import time as day_time
from zoneinfo import ZoneInfo

from calc_jobs import asked_audit
from calc_jobs.audit import Audit
from calc_jobs.jobs import Jobs
from calc_jobs.repair import Repair
from calc_jobs.sealed_log import SealedLog
from tanji.errors import TanjiError
from tanji.health.process import AuditHealth
from tanji.ledger import Ledger
from tanji.ledger.audit_trail import TrailKind, append, entries
from tanji.ledger.audits import (
    LOOKED_BACK,
    OLDER,
    PATIENCE_MS,
    RECENT,
    AuditState,
    audit_state,
    record_audit,
    record_failure,
)
from tanji.plant.model import Plant
from tanji.store.port import Store

AT = "02:30"
RECENT_DAYS = 4
"""Yesterday, and the three days in which late readings still come (trust.md 2.8)."""
OLDER_DAYS = 3
"""Older days each night, in turn: a year is through in four months."""
SETTLE_S = 150.0
"""The next minute is sealed and in the log after this long, or sealing has a fault of its own."""
LOOK_MS = 60_000
"""How often the trail is read for the health of the process; audits on demand come from other processes."""
ACTOR = "tanji"

log = logging.getLogger(__name__)


class _Stopped(Exception):
    """The process ends in the middle of an audit; the next one begins anew."""


class NightlyAudit:
    """Audits one plant by night. `clock` answers UTC now [ms]; `at` is the time of day at the plant, `HH:MM`."""

    def __init__(
        self,
        plant: Plant,
        *,
        store: Store,
        sealed: SealedLog,
        ledger: Ledger,
        clock: Callable[[], int],
        at: str = AT,
        recent_days: int = RECENT_DAYS,
        older_days: int = OLDER_DAYS,
        settle_s: float = SETTLE_S,
    ) -> None:
        self.zone = ZoneInfo(plant.site.timezone)
        self.at = day_time.fromisoformat(at)
        self._stopping = threading.Event()
        self._turn = threading.Lock()
        self._audit = Audit(plant, store=store, log=sealed, clock=clock, settle_s=settle_s, pause=self._stopping.wait)
        self._plant = plant
        self._store = store
        self._ledger = ledger
        self._clock = clock
        self._recent_days = recent_days
        self._older_days = older_days
        self._begun_ms = clock()
        self._known: tuple[int, AuditState] | None = None

    def run(self) -> bool:
        """Compare what is this night's turn; whether it came to a result. Either way it is in the trail."""
        with self._turn:
            self._tell_missed()
            today = self._day(self._clock())
            recent = today - timedelta(days=self._recent_days)
            try:
                self._compare(recent, today, turn=RECENT)
                self._compare_older(before=recent)
            except _Stopped:
                return False
            except TanjiError as error:
                if self._stopping.is_set():  # the store was closed under it
                    return False
                log.warning("the database audit came to no result: %s", error)
                record_failure(self._ledger, str(error), actor=ACTOR, at_ms=self._clock())
                return False
            finally:
                self._known = None
            return True

    def answer(self, jobs: Jobs) -> None:
        """Do what `tanji audit` has asked for, if it has. jobs : compute again what a repair touches."""
        repair = Repair(
            self._plant, store=self._store, ledger=self._ledger, audit=self._audit, jobs=jobs, clock=self._clock
        )
        with self._turn:
            if asked_audit.answer(self._ledger, audit=self._audit, repair=repair, clock=self._clock):
                self._known = None

    def stop(self) -> None:
        """End before the next part of an audit that is going on."""
        self._stopping.set()

    def is_overdue(self) -> bool:
        """Whether a night has passed since the last result: the process was not there."""
        at_ms = self._state().at_ms
        return at_ms is not None and self._clock() - at_ms > PATIENCE_MS

    def health(self) -> AuditHealth:
        """What is told about the audits; the trail is read once a minute."""
        now, state = self._clock(), self._state()
        waited_ms = now - max(self._begun_ms, state.at_ms or 0)
        missed = f"no database audit for {waited_ms / 3_600_000:.0f} h" if waited_ms > PATIENCE_MS else None
        failed = f"the last database audit came to no result: {state.failed}" if state.failed else None
        differs = f"{state.differences} readings of the database differ from what was sealed (tanji audit run)"
        return AuditHealth(
            differs=differs if state.differences else None,
            missed=failed or missed,
            values={
                "last_age_s": None if state.at_ms is None else (now - state.at_ms) / 1000,
                "rows": None if state.at_ms is None else state.rows,
                "differences": None if state.at_ms is None else state.differences,
            },
        )

    def _state(self) -> AuditState:
        now = self._clock()
        if self._known is None or not 0 <= now - self._known[0] < LOOK_MS:
            self._known = now, audit_state(self._ledger)
        return self._known[1]

    def _compare(self, first: date, end: date, *, turn: str) -> None:
        """Audit the local days [first, end) and write down what it found."""
        report = self._audit.run(self._midnight(first), self._midnight(end), progress=self._go_on)
        record_audit(self._ledger, report.facts() | {"turn": turn}, actor=ACTOR, at_ms=self._clock())
        if report.differences:
            log.warning("the database audit found %d differences: %s", report.differences, report.counts())

    def _compare_older(self, *, before: date) -> None:
        """Audit the next older days, from the first sealed one to those that every night has; then from the start."""
        oldest, done = self._day(self._audit.scope().first_ms), self._day(self._older_until())
        if oldest < before and self._older_days:
            first = done if oldest <= done < before else oldest
            self._compare(first, min(before, first + timedelta(days=self._older_days)), turn=OLDER)

    def _older_until(self) -> int:
        """Where the turn of the older days has come to [UTC ms]; 0 before the first."""
        known = entries(self._ledger, kinds=(TrailKind.AUDIT,), limit=LOOKED_BACK)
        return next((row.facts["end_ms"] for row in known if row.facts.get("turn") == OLDER), 0)

    def _tell_missed(self) -> None:
        """A row of the trail for the nights that nobody audited."""
        if self.is_overdue():
            facts = {"since_ms": self._state().at_ms}
            append(self._ledger, TrailKind.AUDIT_MISSED, actor=ACTOR, at_ms=self._clock(), facts=facts)

    def _go_on(self, _hours: float) -> None:
        if self._stopping.is_set():
            raise _Stopped

    def _day(self, time_ms: int) -> date:
        return datetime.fromtimestamp(time_ms / 1000, self.zone).date()

    def _midnight(self, day: date) -> int:
        return round(datetime.combine(day, day_time(), self.zone).timestamp() * 1000)
