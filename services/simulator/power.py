"""Electricity of the plant: mills, kiln line, waste-heat power, and what is left to buy or to sell.

Bought - sold = used - waste heat at every step (standard.md section 6 and R19, R20). The mills follow the tariff:
cement mills and the raw mill avoid the evening peak, so that for some hours a week the waste-heat set feeds the grid.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from services.simulator.feed import local_days
from services.simulator.noise import generator, wander
from services.simulator.process import Process
from services.simulator.scenario import DAY_MS, LOCAL_OFFSET_MS, Scenario

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Power:
    """Powers [MW], cement [t/h], running shares 0..1."""

    raw_mill: Array
    kiln_line: Array
    cement_mill_1: Array
    cement_mill_2: Array
    auxiliary: Array
    waste_heat: Array
    purchased: Array
    exported: Array
    raw_mill_on: Array
    cement_mill_1_on: Array
    cement_mill_2_on: Array
    cement_1: Array
    cement_2: Array

    @property
    def used(self) -> Array:
        """Everything the plant draws. [MW]"""
        return self.raw_mill + self.kiln_line + self.cement_mill_1 + self.cement_mill_2 + self.auxiliary


def electricity(scenario: Scenario, process: Process) -> Power:
    """The electricity of every step."""
    seed, size = scenario.seed, process.size

    def noisy(name: str, *, minutes: float = 60, deviation: float = 0.015) -> Array:
        return 1 + wander(seed, name, size, minutes=minutes, deviation=deviation)

    load = process.feed.load
    raw_on = _shift(scenario, "raw mill", size, stop_h=17.0, off_h=5.0) * np.clip((load - 0.3) / 0.1, 0, 1)
    on_1 = _shift(scenario, "cement mill 1", size, stop_h=16.5, off_h=5.5)
    on_2 = _shift(scenario, "cement mill 2", size, stop_h=15.5, off_h=8.0)
    raw_mill = 0.06 + 5.5 * raw_on * noisy("raw mill power")
    kiln_line = 0.45 + 1.2 * np.clip(process.heat / 60, 0, 1) + 4.4 * load * noisy("kiln line power", deviation=0.01)
    mill_1 = 0.05 + 4.7 * on_1 * noisy("cement mill 1 power")
    mill_2 = 0.05 + 4.9 * on_2 * noisy("cement mill 2 power")
    clock = (process.times + LOCAL_OFFSET_MS) % DAY_MS / DAY_MS
    auxiliary = (0.85 + 0.15 * np.sin(2 * np.pi * (clock - 0.3))) * noisy("auxiliary power", deviation=0.02)
    waste_heat = _waste_heat(process) * noisy("waste-heat power", minutes=120, deviation=0.015)
    net = raw_mill + kiln_line + mill_1 + mill_2 + auxiliary - waste_heat
    return Power(
        raw_mill=raw_mill,
        kiln_line=kiln_line,
        cement_mill_1=mill_1,
        cement_mill_2=mill_2,
        auxiliary=auxiliary,
        waste_heat=waste_heat,
        purchased=np.maximum(net, 0),
        exported=np.maximum(-net, 0),
        raw_mill_on=raw_on,
        cement_mill_1_on=on_1,
        cement_mill_2_on=on_2,
        cement_1=158 * on_1 * noisy("cement 1", deviation=0.02),
        cement_2=164 * on_2 * noisy("cement 2", deviation=0.02),
    )


def _shift(scenario: Scenario, name: str, size: int, *, stop_h: float, off_h: float) -> Array:
    """1 while a mill runs, 0 from about `stop_h` local time for about `off_h` hours, ten minutes of ramp."""
    days = local_days(scenario, size)
    jitter = generator(scenario.seed, f"{name} shift").uniform(-0.5, 0.5, (int(days.max(initial=0)) + 2, 2))
    minute = (scenario.origin_ms + LOCAL_OFFSET_MS) % DAY_MS / 3.6e6 + np.arange(size) / 60 - 24 * days
    stop = stop_h + jitter[days, 0]
    start = stop + off_h + jitter[days, 1]
    ramp = 1 / 6
    return np.clip(np.maximum((stop - minute) / ramp, (minute - start) / ramp), 0, 1)


def _waste_heat(process: Process) -> Array:
    """Generator power: follows the kiln with an hour of steam in between, nothing below a quarter load. [MW]"""
    memory = np.exp(-1 / 60)
    load = process.feed.load
    steam = lfilter([1 - memory], [1, -memory], load, zi=[memory * load[0]])[0]
    return 7.8 * np.clip((steam - 0.25) / 0.75, 0, 1.1)
