"""The health of a process that polls or computes: its addresses, its alarms, its numbers on the way to the sealer."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tanji.health.clock import ClockWatch, KernelClock
from tanji.health.endpoint import HealthEndpoint, Reporter
from tanji.health.process import ProcessHealth

NOON = 1_772_323_200_000
OUTBOX: dict[str, float | int | None] = {"oldest_age_s": 0.0, "dropped_total": 0, "retried_total": 0}


class Process:
    """A process with one device and an outbox whose numbers a test sets."""

    def __init__(self) -> None:
        self.now = NOON
        self.outbox = dict(OUTBOX)
        self.device: dict[str, float | int | None] = {"last_success_ms": None, "requests": 0, "offset_ms": None}
        self.events = {"executed": 0, "failed": 0}
        watch = ClockWatch(lambda: self.now, monotonic=lambda: self.now, kernel=lambda: KernelClock(True, 0.0, 0.0))
        self.health = ProcessHealth(clock=lambda: self.now, clock_watch=watch)
        self.health.add_outbox(lambda: self.outbox)
        self.health.add_devices("modbus", lambda: {"scale": self.device}, periods_s={"scale": 30.0})
        self.health.add_jobs(lambda: self.events)

    def codes(self) -> list[str]:
        self.health.look()
        return [alarm.code.value for alarm in self.health.alarms.active()]


def test_all_is_well_at_first() -> None:
    process = Process()
    assert process.codes() == []
    assert process.health.report()["status"] == "ok"


def test_a_device_that_gives_no_answer_for_ten_periods_is_silent_until_it_answers() -> None:
    process = Process()
    process.now += 300_000
    assert process.codes() == []
    process.now += 1
    assert process.codes() == ["DEVICE_SILENT"]
    process.device["last_success_ms"] = process.now
    assert process.codes() == []


def test_waiting_readings_and_dropped_ones_are_alarms_and_the_second_is_critical() -> None:
    process = Process()
    process.outbox["oldest_age_s"] = 31.0
    assert process.codes() == ["SEALER_AWAY"]
    assert process.health.report()["status"] == "degraded"
    process.outbox |= {"oldest_age_s": 0.0, "dropped_total": 2}
    assert process.codes() == ["READINGS_DROPPED"]
    assert process.health.report()["status"] == "failed"
    process.now += 3_600_000
    process.device["last_success_ms"] = process.now
    assert process.codes() == []


def test_two_outboxes_of_one_process_are_two_series_and_neither_ends_the_alarm_of_the_other() -> None:
    process = Process()
    second = dict(OUTBOX)
    process.health.add_outbox(lambda: second, sender="hj212")
    process.outbox["oldest_age_s"] = 31.0
    process.health.look()
    (alarm,) = process.health.alarms.active()
    second["oldest_age_s"] = 32.0
    process.health.look()
    assert alarm in process.health.alarms.active()
    assert [each.subject for each in process.health.alarms.active()] == ["", "hj212"]
    text = process.health.metrics.text().decode()
    assert "tanji_outbox_oldest_age_s 31.0\n" in text and 'tanji_outbox_oldest_age_s{sender="hj212"} 32.0\n' in text


def test_a_step_of_the_clock_is_an_alarm_for_an_hour_also_if_an_outbox_saw_it_first() -> None:
    now, steady = [NOON], [0]
    watch = ClockWatch(lambda: now[0], monotonic=lambda: steady[0], kernel=lambda: KernelClock(False))
    health = ProcessHealth(clock=lambda: now[0], clock_watch=watch)
    now[0] += 3_600_000
    assert watch.suspect()
    health.look()
    assert [alarm.code.value for alarm in health.alarms.active()] == ["CLOCK_JUMPED", "CLOCK_FREE"]
    assert "+3600.000 s" in health.alarms.active()[0].text


def test_a_failed_run_of_the_jobs_is_an_alarm_until_one_succeeds() -> None:
    process = Process()
    process.events["failed"] = 1
    assert process.codes() == ["JOBS_FAILED"]
    assert process.codes() == ["JOBS_FAILED"]
    process.events["executed"] = 1
    assert process.codes() == []


def test_counts_end_in_total_and_times_are_ages_in_seconds() -> None:
    process = Process()
    process.device |= {"last_success_ms": NOON - 1500, "requests": 9, "offset_ms": -250}
    text = process.health.metrics.text().decode()
    assert 'tanji_modbus_last_success_age_s{device="scale"} 1.5\n' in text
    assert 'tanji_modbus_requests_total{device="scale"} 9.0\n' in text
    assert 'tanji_modbus_offset_s{device="scale"} -0.25\n' in text
    assert "tanji_jobs_failed_total 0.0\n" in text


@contextmanager
def listening(process: Process) -> Iterator[tuple[str, int]]:
    process.health.start(("127.0.0.1", 0))
    try:
        assert process.health.address is not None
        yield process.health.address
    finally:
        process.health.stop()


def ask(address: tuple[str, int], path: str) -> tuple[int, Any]:
    connection = http.client.HTTPConnection(*address, timeout=10)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def test_the_addresses_answer_and_a_critical_alarm_makes_it_unhealthy() -> None:
    process = Process()
    with listening(process) as address:
        status, body = ask(address, "/healthz")
        assert status == 200 and json.loads(body)["status"] == "ok"
        assert b"tanji_outbox_retried_total 0.0" in ask(address, "/metrics")[1]
        assert ask(address, "/elsewhere")[0] == 404
        process.outbox["dropped_total"] = 1
        process.health.look()
        assert ask(address, "/healthz")[0] == 503


def test_a_port_that_is_taken_costs_no_reading() -> None:
    first, second = Process(), Process()
    with listening(first) as address:
        assert HealthEndpoint(second.health.metrics, report=second.health.report).start(*address) is None


def test_numbers_are_handed_over_again_after_a_failure() -> None:
    taken: list[bytes] = []

    def hand_over(lines: bytes) -> None:
        taken.append(lines)
        if len(taken) == 1:
            raise OSError("no route")

    process = Process()
    reporter = Reporter(process.health.metrics, hand_over=hand_over, clock=lambda: NOON, period_s=0.01)
    reporter.start()
    end = time.monotonic() + 10
    while len(taken) < 2 and time.monotonic() < end:
        time.sleep(0.01)
    reporter.stop()
    assert taken[1].startswith(b"clock ") and b" %d\n" % NOON in taken[1]
