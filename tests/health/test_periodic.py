"""The thread behind everything that is looked at every so often: begins, goes on, ends (R39, R52)."""

from __future__ import annotations

import threading

import pytest

from tanji.health.periodic import Periodic

PATIENCE_S = 20.0
"""For a thread to get its turn on a busy machine; nothing is timed."""


def periodic(step: object, *, period_s: float = 0.001, at_once: bool = False) -> Periodic:
    assert callable(step)
    return Periodic(step, period_s=period_s, name="look", fault="it could not be looked at", at_once=at_once)


def test_the_step_is_done_again_and_again_until_the_stop() -> None:
    turns = threading.Semaphore(0)
    looking = periodic(turns.release)
    looking.start()
    for _ in range(3):
        assert turns.acquire(timeout=PATIENCE_S)
    looking.stop()
    while turns.acquire(blocking=False):
        pass
    assert not turns.acquire(timeout=0.05), "nothing is looked at after the stop"


def test_a_stop_does_not_wait_for_the_next_turn() -> None:
    done = []
    looking = periodic(lambda: done.append(1), period_s=3600.0)
    looking.start()
    looking.stop(within_s=PATIENCE_S)
    assert not looking._thread.is_alive() and done == []


def test_at_once_the_first_turn_is_not_waited_for() -> None:
    done = threading.Event()
    looking = periodic(done.set, period_s=3600.0, at_once=True)
    looking.start()
    assert done.wait(PATIENCE_S)
    looking.stop()


def test_a_step_that_fails_is_told_and_done_again(caplog: pytest.LogCaptureFixture) -> None:
    turns = threading.Semaphore(0)

    def fails() -> None:
        turns.release()
        raise ValueError("the disk is away")

    looking = periodic(fails)
    looking.start()
    for _ in range(2):
        assert turns.acquire(timeout=PATIENCE_S)
    looking.stop()
    assert "look: it could not be looked at" in caplog.text and "the disk is away" in caplog.text


def test_a_stop_may_come_twice_or_before_the_start() -> None:
    looking = periodic(lambda: None)
    looking.stop()
    looking = periodic(lambda: None)
    looking.start()
    looking.stop()
    looking.stop()


def test_a_step_that_hangs_is_waited_for_no_longer_than_asked() -> None:
    begun, hangs = threading.Event(), threading.Event()
    looking = periodic(lambda: (begun.set(), hangs.wait(PATIENCE_S)))
    looking.start()
    assert begun.wait(PATIENCE_S)
    looking.stop(within_s=0.01)
    assert looking._thread.is_alive()
    hangs.set()
    looking.stop()
