"""The clock of the jobs: APScheduler 3.11 with memory store, one run at a time (platform.md section 6).

The defaults of the library lose runs: with `misfire_grace_time` None a late run still happens, coalesced with others
that were due, and never beside one that is still going. What a run has to do it learns from its watermarks, not from
the clock. A failed run is logged, counted and tried again at the next tick.
"""

from __future__ import annotations

import logging
from collections import Counter
from datetime import UTC, datetime

from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_EXECUTED, EVENT_JOB_MAX_INSTANCES, EVENT_JOB_MISSED, JobEvent
from apscheduler.schedulers.background import BackgroundScheduler

from calc_jobs.jobs import Jobs

PERIOD_S = 60
"""How often to look for something to do; looking costs a read of the arrivals since the last run."""
SETTINGS = {"misfire_grace_time": None, "coalesce": True, "max_instances": 1}
EVENTS = {
    EVENT_JOB_MISSED: "missed",
    EVENT_JOB_MAX_INSTANCES: "skipped",
    EVENT_JOB_EXECUTED: "executed",
    EVENT_JOB_ERROR: "failed",
}

log = logging.getLogger(__name__)


class Schedule:
    """Runs `Jobs.run_once` periodically in a thread of its own."""

    def __init__(self, jobs: Jobs, *, period_s: float = PERIOD_S) -> None:
        self.events: Counter[str] = Counter()
        self._scheduler = BackgroundScheduler(timezone=UTC, job_defaults=SETTINGS)
        self._scheduler.add_listener(self._count, sum(EVENTS))
        self._scheduler.add_job(jobs.run_once, "interval", seconds=period_s, next_run_time=datetime.now(UTC), id="jobs")

    def start(self) -> None:
        """Start at once."""
        self._scheduler.start()

    def stop(self) -> None:
        """Let a run that is going on finish, and start no other."""
        self._scheduler.shutdown(wait=True)

    def _count(self, event: JobEvent) -> None:
        self.events[EVENTS[event.code]] += 1
        if event.code == EVENT_JOB_ERROR:
            log.error("calc jobs failed, to be tried again: %s", event.exception)
