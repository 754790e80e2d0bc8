"""The clock of the jobs: a store that is away is one line, a run that hangs keeps nobody waiting."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

import pytest

from calc_jobs.schedule import Schedule
from tanji.errors import StoreUnavailable


class Runs:
    """Jobs that do what the test says."""

    def __init__(self, work: Callable[[], None]) -> None:
        self._work = work

    def run_once(self) -> None:
        self._work()


def until(reached: Callable[[], bool]) -> None:
    """Wait, ten seconds at most."""
    for _ in range(1000):
        if reached():
            return
        time.sleep(0.01)
    raise AssertionError("not reached within ten seconds")


def test_a_store_that_is_away_is_one_line_a_run_and_is_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    def away() -> None:
        raise StoreUnavailable("http://127.0.0.1:1: connection refused")

    schedule = Schedule(Runs(away), period_s=0.05)  # type: ignore[arg-type]
    with caplog.at_level(logging.WARNING):
        schedule.start()
        until(lambda: schedule.events["unavailable"] >= 2)
        assert schedule.stop()
    told = [record for record in caplog.records if "connection refused" in record.getMessage()]
    assert len(told) == schedule.events["unavailable"] and not schedule.events["failed"]
    assert all(record.exc_info is None and "\n" not in record.getMessage() for record in caplog.records)


def test_a_defect_keeps_its_traceback_and_is_counted(caplog: pytest.LogCaptureFixture) -> None:
    def broken() -> None:
        raise ZeroDivisionError("a defect")

    schedule = Schedule(Runs(broken), period_s=0.05)  # type: ignore[arg-type]
    schedule.start()
    until(lambda: schedule.events["failed"] >= 1)
    schedule.stop()
    assert any(record.exc_info for record in caplog.records)


def test_stopping_does_not_wait_for_a_hung_store(caplog: pytest.LogCaptureFixture) -> None:
    begun, let_go = threading.Event(), threading.Event()

    def hung() -> None:
        begun.set()
        let_go.wait(60)

    schedule = Schedule(Runs(hung), period_s=60)  # type: ignore[arg-type]
    schedule.start()
    assert begun.wait(10)
    before = time.monotonic()
    assert not schedule.stop(timeout_s=0.1)
    assert time.monotonic() - before < 5
    assert "still going" in caplog.text
    (thread,) = (one for one in threading.enumerate() if one.name == "run of jobs")
    assert thread.daemon  # the process ends without it
    let_go.set()
    thread.join(10)


def test_stopping_waits_for_a_run_that_finishes() -> None:
    begun, done = threading.Event(), threading.Event()

    def short() -> None:
        begun.set()
        time.sleep(0.2)
        done.set()

    schedule = Schedule(Runs(short), period_s=60)  # type: ignore[arg-type]
    schedule.start()
    assert begun.wait(10)
    assert schedule.stop() and done.is_set()
