"""The clock of the jobs: APScheduler 3.11 with memory store, one run at a time (platform.md section 6).

The defaults of the library lose runs: with `misfire_grace_time` None a late run still happens, coalesced with others
that were due, and never beside one that is still going. What a run has to do it learns from its watermarks, not from
the clock. A failed run is logged, counted and tried again at the next tick; a store that is away is no defect, and one
line. A run that hangs in such a store does not keep the process from ending: the watermark moves last, so that
whatever a run had not finished is done again. The audit of the database has a time of day at the plant; one that was
missed while the process was away is made up for at the start.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_EXECUTED, EVENT_JOB_MAX_INSTANCES, EVENT_JOB_MISSED, JobEvent
from apscheduler.executors.base import BaseExecutor, run_job
from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers import SchedulerNotRunningError
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.cron import CronTrigger

from calc_jobs.jobs import Jobs
from calc_jobs.nightly_audit import NightlyAudit
from tanji.errors import StoreUnavailable

PERIOD_S = 60
"""How often to look for something to do; looking costs a read of the arrivals since the last run."""
STOP_S = 10.0
"""How long stopping waits for a run: a year takes that long, a store that hangs would take its whole timeout."""
AUDIT, ASKED = "audit", "asked"
ASKED_S = 2.0
"""How often to look whether `tanji audit` has asked for something."""
AUDIT_AGAIN_S = 3600
"""When an audit that came to no result is tried again; the night after, the clock of the plant counts again."""
SETTINGS = {"misfire_grace_time": None, "coalesce": True, "max_instances": 1}
EVENTS = {
    EVENT_JOB_MISSED: "missed",
    EVENT_JOB_MAX_INSTANCES: "skipped",
    EVENT_JOB_EXECUTED: "executed",
    EVENT_JOB_ERROR: "failed",
}

log = logging.getLogger(__name__)


class DaemonExecutor(BaseExecutor):  # type: ignore[misc]  # the library has no types
    """Runs a job in a thread that does not keep the process alive."""

    def __init__(self) -> None:
        super().__init__()
        self._threads: dict[str, threading.Thread] = {}

    def wait(self, timeout_s: float) -> bool:
        """Whether nothing runs any more after at most this long."""
        end = time.monotonic() + timeout_s
        for thread in list(self._threads.values()):
            thread.join(max(0.0, end - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads.values())

    def _do_submit_job(self, job: Any, run_times: list[datetime]) -> None:
        def call() -> None:
            try:
                events = run_job(job, job._jobstore_alias, run_times, self._logger.name)
            except BaseException as error:
                self._run_job_error(job.id, error, sys.exc_info()[2])
            else:
                self._run_job_success(job.id, events)

        self._threads[job.id] = threading.Thread(target=call, name=f"run of {job.id}", daemon=True)
        self._threads[job.id].start()


class Schedule:
    """Runs `Jobs.run_once` periodically and, where sealing is configured, the audit by night, each in its thread."""

    def __init__(self, jobs: Jobs, *, period_s: float = PERIOD_S, audit: NightlyAudit | None = None) -> None:
        self.events: Counter[str] = Counter()
        self._jobs = jobs
        self._audit = audit
        self._executor = DaemonExecutor()
        self._scheduler = BackgroundScheduler(
            timezone=UTC, job_defaults=SETTINGS, executors={"default": self._executor}
        )
        self._scheduler.add_listener(self._count, sum(EVENTS))
        self._scheduler.add_job(self._run, "interval", seconds=period_s, next_run_time=datetime.now(UTC), id="jobs")
        if audit is not None:
            by_night = CronTrigger(hour=audit.at.hour, minute=audit.at.minute, timezone=audit.zone)
            now = {"next_run_time": datetime.now(UTC)} if audit.is_overdue() else {}
            self._scheduler.add_job(self._run_audit, by_night, id=AUDIT, **now)
            self._scheduler.add_job(self._answer, "interval", seconds=ASKED_S, id=ASKED)

    def start(self) -> None:
        """Start at once."""
        self._scheduler.start()

    def stop(self, *, timeout_s: float = STOP_S) -> bool:
        """Start no other run, and let one that is going on finish; whether it did in time."""
        if self._audit is not None:
            self._audit.stop()
        self._scheduler.shutdown(wait=False)
        finished = self._executor.wait(timeout_s)
        if not finished:
            log.warning("calc jobs: a run was still going after %g s, and will be repeated", timeout_s)
        return finished

    def _run(self) -> None:
        try:
            self._jobs.run_once()
        except StoreUnavailable as error:
            self.events["unavailable"] += 1
            log.warning("calc jobs: store unavailable, to be tried again in at most %d s: %s", PERIOD_S, error)

    def _run_audit(self) -> None:
        if self._audit is not None and not self._audit.run():
            again = datetime.now(UTC) + timedelta(seconds=AUDIT_AGAIN_S)
            with suppress(SchedulerNotRunningError, JobLookupError):
                self._scheduler.modify_job(AUDIT, next_run_time=again)

    def _answer(self) -> None:
        if self._audit is not None:
            self._audit.answer(self._jobs)

    def _count(self, event: JobEvent) -> None:
        if event.job_id in (AUDIT, ASKED):  # their results are in the audit trail
            self.events[f"{event.job_id}_{EVENTS[event.code]}"] += 1
            if event.code == EVENT_JOB_ERROR:
                log.error("the database audit failed: %s", event.exception)
            return
        self.events[EVENTS[event.code]] += 1
        if event.code == EVENT_JOB_ERROR:
            log.error("calc jobs failed, to be tried again: %s", event.exception)
