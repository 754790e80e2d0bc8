"""Times of readings against arrival, device by device; which device is silent; what a jump of the clock does (R52)."""

from __future__ import annotations

import numpy as np
import pytest

from services.sealer.device_clock import WINDOW_MS, DeviceClocks
from services.sealer.frame import Columns
from tanji.health.alarms import AlarmCode, Alarms
from tanji.plant.model import Plant

NOON = 1_772_323_200_000
NAME = {"zh": "测", "en": "test"}


class Watched:
    """Two devices, one reading every 30 s."""

    def __init__(self) -> None:
        self.now = NOON
        self.alarms = Alarms(clock=lambda: self.now)
        self.clocks = DeviceClocks(plant(), alarms=self.alarms, clock=lambda: self.now)

    def arrive(self, point: str, *, behind_ms: int, present: bool = True) -> None:
        one = np.ones(1)
        time = np.array([self.now - behind_ms])
        word = np.zeros(1, np.uint32)
        columns = Columns((point,), np.zeros(1, np.uint16), time, one, np.full(1, present), word)
        self.clocks.look(columns, arrival_ms=self.now)

    def active(self) -> list[tuple[AlarmCode, str]]:
        self.clocks.judge()
        return [(alarm.code, alarm.subject) for alarm in self.alarms.active()]

    def minutes(self, count: int, *, behind_ms: int) -> None:
        for _ in range(2 * count):
            self.now += 30_000
            self.arrive("a", behind_ms=behind_ms)
            self.arrive("b", behind_ms=0)


def plant() -> Plant:
    kiln = {"id": "kiln1", "name": NAME, "running": "a"}
    device = {"name": NAME, "protocol": "modbus_tcp", "period_s": 30}
    meter = {"name": NAME, "kind": "control_system"}
    point = {"name": NAME, "kind": "rate", "unit": "t/h"}
    return Plant.model_validate(
        {
            "tanji": 1,
            "site": {"id": "hx01", "name": NAME},
            "lines": [{"id": "line1", "name": NAME, "capacity_t_per_day": 5000, "kiln": kiln}],
            "devices": [device | {"id": f"device_{name}", "host": f"127.0.0.{n}"} for n, name in enumerate("ab", 1)],
            "meters": [meter | {"id": f"meter_{name}", "device": f"device_{name}"} for name in "ab"],
            "points": [point | {"id": name, "meter": f"meter_{name}"} for name in "ab"],
            "streams": [],
        }
    )


def test_a_reading_from_the_future_is_a_wrong_clock_and_one_within_the_tolerance_is_not() -> None:
    watched = Watched()
    watched.arrive("a", behind_ms=-60_000)
    assert watched.active() == []
    watched.arrive("a", behind_ms=-60_001)
    assert watched.active() == [(AlarmCode.DEVICE_CLOCK, "device_a")]


@pytest.mark.parametrize(("behind_ms", "slow"), [(61_000, True), (59_000, False), (2 * 86_400_000, False)])
def test_a_device_that_is_always_late_has_a_slow_clock_unless_it_is_an_import(behind_ms: int, slow: bool) -> None:
    watched = Watched()
    watched.minutes(WINDOW_MS // 60_000, behind_ms=behind_ms)
    assert watched.active() == ([(AlarmCode.DEVICE_CLOCK, "device_a")] if slow else [])


def test_one_reading_in_time_among_late_ones_is_a_backlog_and_no_slow_clock() -> None:
    watched = Watched()
    watched.minutes(4, behind_ms=300_000)
    watched.arrive("a", behind_ms=100)
    watched.minutes(6, behind_ms=300_000)
    assert watched.active() == []


def test_ten_periods_without_a_value_are_silence_and_failed_reads_are_no_value() -> None:
    watched = Watched()
    for _ in range(10):
        watched.now += 30_000
        watched.arrive("a", behind_ms=0)
        watched.arrive("b", behind_ms=0, present=False)
    assert watched.active() == []
    watched.now += 1
    assert watched.active() == [(AlarmCode.DEVICE_SILENT, "device_b")]
    watched.arrive("b", behind_ms=0)
    assert watched.active() == []


def test_the_delay_and_the_age_of_the_last_value_are_told_per_device() -> None:
    watched = Watched()
    watched.arrive("a", behind_ms=1500)
    watched.now += 2000
    first, second = watched.clocks.numbers()
    assert first.labels == {"device": "device_a"} and first.values == {"last_value_age_s": 2.0, "delay_s": 1.5}
    assert second.values == {"last_value_age_s": 2.0, "delay_s": None}
