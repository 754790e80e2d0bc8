"""The times of readings against their arrival, device by device, and which devices give no value any more (R52).

A time ahead of arrival by more than the plant file allows can only be a wrong clock. Behind is usual, after an outage
or from a logger; but a device that gives values all the time and is never nearer than the tolerance has a slow clock.
Nothing is changed or put into another order because of this: the reading keeps the time it came with.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np

from services.sealer.frame import Columns
from tanji.health.alarms import AlarmCode, Alarms
from tanji.health.metrics import Numbers
from tanji.plant.model import Plant

WINDOW_MS = 600_000
"""How long the smallest delay of a device is watched before its clock is called slow [ms]."""

LEAST_BODIES = 10
"""And in how many bodies at least; fewer are no live data."""

LATE_MS = 86_400_000
"""What is older than a day on arrival was imported and says nothing of a clock [ms]."""

SILENT_PERIODS, SILENT_MS = 10, 60_000
"""A device without a value for ten of its periods, and a minute at least, is silent."""

_NEVER = -(1 << 62)


class DeviceClocks:
    """Looks at every accepted body."""

    def __init__(self, plant: Plant, *, alarms: Alarms, clock: Callable[[], int]) -> None:
        """clock : UTC now [ms]."""
        self._alarms, self._clock = alarms, clock
        self._tolerance_ms = round(plant.services.sealer.device_clock_s * 1000)
        points = {point.id: plant.device_of(point).id for point in plant.points}
        self._devices = sorted(set(points.values()))
        numbers = {device: number for number, device in enumerate(self._devices)}
        self._device_of = {point: numbers[device] for point, device in points.items()}
        size, now = len(self._devices), clock()
        self._patience_ms = np.full(size, SILENT_MS)
        for device, period_s in plant.slowest_periods_s.items():
            number = numbers[device]
            self._patience_ms[number] = max(self._patience_ms[number], round(SILENT_PERIODS * 1000 * period_s))
        self._last_value = np.full(size, now)
        self._heard = np.zeros(size, bool)
        self._delay_ms = np.zeros(size, np.int64)
        self._lock = threading.Lock()
        self._begin(now)

    def look(self, readings: Columns, *, arrival_ms: int) -> None:
        """Compare the newest time of every device in a body with its arrival [UTC ms]."""
        if not len(readings):
            return
        device = np.array([self._device_of[name] for name in readings.points])[readings.point]
        newest = np.full(len(self._devices), _NEVER)
        np.maximum.at(newest, device, readings.time)
        valued = np.zeros(len(newest), bool)
        valued[device if readings.present.all() else device[readings.present]] = True
        heard = newest != _NEVER
        delay = arrival_ms - newest[heard]
        with self._lock:
            self._heard |= heard
            self._last_value[valued] = arrival_ms
            self._delay_ms[heard] = delay
            self._least_ms[heard] = np.minimum(self._least_ms[heard], delay)
            self._bodies[heard] += 1
            ahead = np.flatnonzero(heard)[delay < -self._tolerance_ms]
        for number in ahead.tolist():
            text = f"a reading is {-self._delay_ms[number] / 1000:.0f} s ahead of its arrival"
            self._alarms.set(AlarmCode.DEVICE_CLOCK, text, subject=self._devices[number], for_ms=WINDOW_MS)

    def judge(self) -> None:
        """Raise and end alarms; called every second or so."""
        now = self._clock()
        with self._lock:
            silent = (now - self._last_value > self._patience_ms).tolist()
            last = self._last_value.tolist()
            over = now - self._begun_ms >= WINDOW_MS or now < self._begun_ms
            slow = (self._least_ms > self._tolerance_ms) & (self._least_ms < LATE_MS) & (self._bodies >= LEAST_BODIES)
            least = self._least_ms.tolist()
            if over:
                self._begin(now)
        for number, device in enumerate(self._devices):
            text = f"no value for {(now - last[number]) / 1000:.0f} s" if silent[number] else None
            self._alarms.update(AlarmCode.DEVICE_SILENT, text, subject=device)
            if over and slow[number]:
                text = f"in {WINDOW_MS // 60_000} minutes no reading came less than {least[number] / 1000:.0f} s late"
                self._alarms.set(AlarmCode.DEVICE_CLOCK, text, subject=device, for_ms=2 * WINDOW_MS)

    def numbers(self) -> list[Numbers]:
        """Last value and delay of every device."""
        now = self._clock()
        with self._lock:
            return [
                Numbers(
                    "device",
                    {
                        "last_value_age_s": (now - int(self._last_value[number])) / 1000,
                        "delay_s": int(self._delay_ms[number]) / 1000 if self._heard[number] else None,
                    },
                    {"device": device},
                )
                for number, device in enumerate(self._devices)
            ]

    def _begin(self, now: int) -> None:
        self._begun_ms = now
        self._least_ms = np.full(len(self._devices), 1 << 62)
        self._bodies = np.zeros(len(self._devices), np.int64)
