"""The error-free signal behind every point of a plant file, on the minute grid of the process.

Points of `provisioning/plants/demo.yaml` are wired to the process by their id; a point the model does not know gets a
quiet signal inside its limits, so that any plant file can be served. A counter's signal is the rate it adds up.
Units: the model's own are converted to the point's here, with a table of its own (this folder may not use
`tanji.domain`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.simulator.conditions import conditions
from services.simulator.noise import wander
from services.simulator.power import Power, electricity
from services.simulator.process import Process, simulate, widened
from services.simulator.scenario import Scenario
from services.simulator.stack import AREA_M2, FIELD_FACTOR, Gas, stack_gas
from tanji.plant.model import Plant, Point

Array = NDArray[np.float64]
Known = dict[str, tuple[Array, str]]

IN_BASE: Final[dict[str, tuple[str, float]]] = {
    "t/h": ("t/h", 1.0),
    "kg/h": ("t/h", 1e-3),
    "t": ("t", 1.0),
    "kg": ("t", 1e-3),
    "MW": ("MW", 1.0),
    "kW": ("MW", 1e-3),
    "W": ("MW", 1e-6),
    "MWh": ("MWh", 1.0),
    "kWh": ("MWh", 1e-3),
    "Pa": ("Pa", 1.0),
    "hPa": ("Pa", 1e2),
    "kPa": ("Pa", 1e3),
    "1": ("1", 1.0),
    "%": ("1", 1e-2),
    "ppm": ("1", 1e-6),
}
SETTINGS: Final[dict[str, float]] = {
    "zero": 0.035,
    "span": 1.0042,
    "totaliser_factor": 1.0,
    "k_factor": 0.9987,
    "ct_ratio": 120.0,
    "pt_ratio": 1100.0,
    "co2_span": 40.0,
    "velocity_factor": 0.98,
}
"""What the meters say of themselves, by the last part of the point's id; nobody turns a screw in the demonstration."""
RATE_OF: Final = {"t": "t/h", "kg": "kg/h", "kWh": "kW", "MWh": "MW"}


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """The whole plant over its grid."""

    scenario: Scenario
    process: Process
    gas: Gas
    power: Power
    known: Known


def model(plant: Plant, scenario: Scenario, *, minutes: int) -> Model:
    """Process, stack and electricity over the first `minutes` steps of a scenario."""
    process = simulate(scenario, minutes=minutes)
    power = electricity(scenario, process)
    flue = next((stream.flue_gas for stream in plant.streams if stream.flue_gas is not None), None)
    gas = stack_gas(
        scenario,
        process,
        mill=power.raw_mill_on,
        area_m2=flue.area_m2 if flue else AREA_M2,
        field_factor=flue.velocity_field_factor if flue else FIELD_FACTOR,
    )
    known = {
        **conditions(scenario, process, mill=power.raw_mill_on),
        **_masses(process),
        **_states(process, power),
        **_flue(gas),
        **_electric(scenario, power),
        "site.cement_1": (power.cement_1, "t/h"),
        "site.cement_2": (power.cement_2, "t/h"),
    }
    return Model(scenario=scenario, process=process, gas=gas, power=power, known=known)


def signal(found: Model, point: Point) -> Array:
    """The error-free signal of a point in its declared unit; for a counter its rate per hour in that unit."""
    stem, _, leaf = point.id.rpartition(".")
    exact = found.known.get(point.id)
    if exact is None and leaf in ("mass_flow", "total", "power", "energy"):
        exact = found.known.get(stem)
    if exact is None:
        return _quiet(found, point)
    values, unit = exact
    wanted = RATE_OF.get(point.unit, point.unit) if point.kind == "counter" else point.unit
    return values * _factor(unit, wanted)


def _factor(unit: str, wanted: str) -> float:
    if unit == wanted:
        return 1.0
    base, size = IN_BASE[unit]
    base_wanted, size_wanted = IN_BASE[wanted]
    if base != base_wanted:
        raise ValueError(f"expected a unit of {base}, got {wanted}")
    return size / size_wanted


def _masses(process: Process) -> Known:
    flows = {
        "line1.raw_meal": process.raw_meal_weighed,
        "line1.kiln_coal": process.kiln_coal,
        "line1.calciner_coal": process.calciner_coal,
        "line1.clinker": process.clinker,
        "line1.domestic_waste": process.waste,
        "line1.cloth_strips": process.cloth,
        "line1.ignition_diesel": process.diesel,
    }
    on = (process.feed.load > 0).astype(np.float64)
    return {
        **{name: (values, "t/h") for name, values in flows.items()},
        "line1.raw_meal.load": (process.raw_meal_weighed / 400, "1"),
        "line1.raw_meal.speed": (process.raw_meal_weighed / 4.6, "rpm"),
        "line1.kiln_coal.rotor_speed": (process.kiln_coal * 0.62, "rpm"),
        "line1.calciner_coal.rotor_speed": (process.calciner_coal * 0.48, "rpm"),
        "line1.clinker.belt_speed": (1.6 * on, "m/s"),
        "line1.clinker.belt_load": (process.clinker / 300, "1"),
        "line1.domestic_waste.belt_speed": (process.waste * 0.03, "m/s"),
        "line1.cloth_strips.belt_speed": (process.cloth * 0.08, "m/s"),
    }


def _states(process: Process, power: Power) -> Known:
    running = {
        "kiln1.running": process.firing,
        "kiln1.feeding": process.feeding,
        "line1.alternative_fuel.feeding": widened(process.waste + process.cloth > 0),
        "line1.raw_mill.running": widened(power.raw_mill_on > 0),
        "site.cement_mill_1.running": widened(power.cement_mill_1_on > 0),
        "site.cement_mill_2.running": widened(power.cement_mill_2_on > 0),
        "site.bus.energised": np.ones(process.size, np.bool_),
    }
    return {name: (values.astype(np.float64), "1") for name, values in running.items()}


def _flue(gas: Gas) -> Known:
    return {
        "line1.flue.co2": (gas.co2, "1"),
        "line1.flue.o2": (gas.o2, "1"),
        "line1.flue.velocity": (gas.velocity, "m/s"),
        "line1.flue.temperature": (gas.temperature, "degC"),
        "line1.flue.pressure": (gas.pressure, "Pa"),
        "line1.flue.humidity": (gas.humidity, "1"),
    }


def _electric(scenario: Scenario, power: Power) -> Known:
    """Powers, voltages, currents and power factors of every feeder."""
    feeders = {
        "site.incoming": (power.purchased, 110_000.0),
        "site.exported": (power.exported, 110_000.0),
        "site.waste_heat": (power.waste_heat, 10_500.0),
        "line1.kiln_line": (power.kiln_line, 10_300.0),
        "line1.raw_mill": (power.raw_mill, 10_300.0),
        "site.auxiliary": (power.auxiliary, 10_300.0),
        "site.cement_mill_1": (power.cement_mill_1, 6_200.0),
        "site.cement_mill_2": (power.cement_mill_2, 6_200.0),
    }
    found: Known = {}
    for name, (active, nominal) in feeders.items():
        size = active.size
        voltage = nominal * (1 + wander(scenario.seed, f"{name} voltage", size, minutes=30, deviation=0.006))
        factor = 0.93 + wander(scenario.seed, f"{name} power factor", size, minutes=60, deviation=0.006)
        current = active * 1e6 / (np.sqrt(3) * voltage * factor)
        found[name] = (active, "MW")
        found[f"{name}.power_factor"] = (factor, "1")
        found |= {f"{name}.voltage_{pair}": (voltage, "V") for pair in ("ab", "bc", "ca")}
        found |= {f"{name}.current_{phase}": (current, "A") for phase in "abc"}
    return found


def _quiet(found: Model, point: Point) -> Array:
    """A signal for a point the model does not know: half way between its limits, moving a little."""
    size = found.process.size
    if point.kind == "parameter":
        return np.full(size, SETTINGS.get(point.id.rpartition(".")[2], 1.0))
    if point.kind == "state":
        return np.ones(size)
    if point.kind == "counter":
        return np.full(size, 0.5 * (point.rated_per_h or 1.0))
    low = point.limits.low if point.limits.low is not None else 0.0
    high = point.limits.high if point.limits.high is not None else low + 100.0
    loose = wander(found.scenario.seed, point.id, size, minutes=60, deviation=1.0)
    return (low + high) / 2 + 0.03 * (high - low) * np.clip(loose, -3, 3)
