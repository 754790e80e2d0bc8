"""What the control system shows of the kiln besides the carbon figures: temperatures, draughts, speeds, currents.

Each is a straight relation to load or heat with a wander of its own: enough for screens, block plans and quality
rules; no balance rests on it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from services.simulator.noise import wander
from services.simulator.process import Process
from services.simulator.scenario import Scenario

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Condition:
    """A process value: from `cold` to `hot` with what it follows, and its wander, in its unit."""

    unit: str
    cold: float
    hot: float
    deviation: float
    follows: Literal["warmth", "load", "mill", "always"] = "warmth"


CONDITIONS: Final[dict[str, Condition]] = {
    "kiln1.speed": Condition("rpm", 0.0, 3.9, 0.02, "load"),
    "kiln1.main_current": Condition("A", 0.0, 640.0, 12.0, "load"),
    "kiln1.burning_zone_temperature": Condition("degC", 40.0, 1420.0, 18.0),
    "kiln1.hood_pressure": Condition("Pa", -5.0, -45.0, 8.0),
    "kiln1.secondary_air_temperature": Condition("degC", 35.0, 1120.0, 15.0),
    "kiln1.tertiary_air_temperature": Condition("degC", 35.0, 940.0, 14.0),
    "kiln1.inlet_temperature": Condition("degC", 40.0, 1090.0, 12.0),
    "kiln1.inlet_o2": Condition("%", 20.6, 3.2, 0.4),
    "kiln1.inlet_co": Condition("ppm", 5.0, 420.0, 60.0),
    "kiln1.calciner_outlet_temperature": Condition("degC", 35.0, 878.0, 4.0),
    "kiln1.c5_outlet_temperature": Condition("degC", 35.0, 862.0, 4.0),
    "kiln1.c1_outlet_temperature": Condition("degC", 35.0, 318.0, 4.0),
    "kiln1.c1_outlet_pressure": Condition("Pa", -80.0, -5600.0, 60.0, "load"),
    "kiln1.c1_outlet_o2": Condition("%", 20.6, 4.4, 0.3),
    "kiln1.id_fan_speed": Condition("rpm", 0.0, 915.0, 5.0, "load"),
    "kiln1.id_fan_current": Condition("A", 0.0, 168.0, 2.0, "load"),
    "kiln1.cooler_grate_pressure": Condition("Pa", 20.0, 5600.0, 140.0, "load"),
    "kiln1.clinker_temperature": Condition("degC", 30.0, 118.0, 6.0),
    "line1.raw_mill.outlet_temperature": Condition("degC", 45.0, 92.0, 1.5, "mill"),
    "line1.coal_mill.outlet_temperature": Condition("degC", 35.0, 68.0, 1.0),
    "site.waste_heat.steam_temperature": Condition("degC", 40.0, 335.0, 4.0),
    "site.waste_heat.steam_pressure": Condition("kPa", 0.0, 1250.0, 20.0),
    "site.waste_heat.steam_flow": Condition("t/h", 0.0, 41.0, 0.6, "load"),
    "line1.ignition_diesel.temperature": Condition("degC", 24.0, 24.0, 1.0, "always"),
    "line1.ignition_diesel.pressure": Condition("kPa", 1800.0, 1800.0, 15.0, "always"),
    "line1.kiln_coal.bin_weight": Condition("t", 46.0, 46.0, 4.0, "always"),
    "line1.calciner_coal.bin_weight": Condition("t", 52.0, 52.0, 4.0, "always"),
}


def conditions(scenario: Scenario, process: Process, *, mill: Array) -> dict[str, tuple[Array, str]]:
    """Every process value over the steps, with its unit."""
    memory = np.exp(-1 / 200)  # the lining takes hours to warm up and to cool
    fired = np.clip(process.heat / 500, 0, 1)
    warmth = lfilter([1 - memory], [1, -memory], fired, zi=[memory * fired[0]])[0]
    shares = {
        "warmth": warmth,
        "load": np.clip(process.feed.load, 0, 1.1),
        "mill": mill,
        "always": np.ones(process.size),
    }
    found: dict[str, tuple[Array, str]] = {}
    for name, condition in CONDITIONS.items():
        share = shares[condition.follows]
        loose = wander(scenario.seed, name, process.size, minutes=40, deviation=condition.deviation)
        values = condition.cold + share * (condition.hot - condition.cold + loose)
        found[name] = (values, condition.unit)
    return found
