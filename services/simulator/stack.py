"""Stack gas from a combustion balance, and what a sensor in the duct would see of it.

Every kmol is counted: CO2 of the process, oxygen the fuels take, the nitrogen that comes with it, false air up to the
oxygen found at the stack, and all water. So CO2 by the formulas of HJ 75-2017 (standard.md section 11.1) from dry
concentration, velocity, temperature, pressure and humidity is the CO2 that left, with no error of its own.
The gas constants are those the Chinese texts print: 22.4 Nm3/kmol, 273 K, 101 325 Pa.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.simulator.noise import wander
from services.simulator.process import Process
from services.simulator.scenario import Scenario

Array = NDArray[np.float64]

AREA_M2: Final = 12.57  # where the plant file gives none
FIELD_FACTOR: Final = 0.98
AIR_O2: Final = 0.21
NITROGEN_PER_OXYGEN: Final = 79 / 21
DRAUGHT_KMOL: Final = 300.0  # oxygen of the air that the chimney draws through a cold line [kmol/h]
DRYING_KMOL: Final = 620.0  # water the raw mill drives out [kmol/h]
SPRAY_KMOL: Final = 480.0  # water of the conditioning tower while the raw mill stands [kmol/h]
AIR_HUMIDITY: Final = 0.015  # water per dry air, by volume


@dataclass(frozen=True, slots=True)
class Fuel:
    """Hydrogen, oxygen and moisture of a fuel. [kmol H2, O2, H2O per GJ]"""

    hydrogen: float
    oxygen: float
    water: float


COAL: Final = Fuel(hydrogen=0.82, oxygen=0.10, water=0.036)
DIESEL: Final = Fuel(hydrogen=1.58, oxygen=0.0, water=0.0)
WASTE: Final = Fuel(hydrogen=2.37, oxygen=0.66, water=1.75)
CLOTH: Final = Fuel(hydrogen=1.62, oxygen=0.64, water=0.39)


@dataclass(frozen=True, slots=True, eq=False)
class Gas:
    """What the stack carries. Fractions by volume, co2 and o2 of the dry gas; velocity at the sensor."""

    co2: Array
    o2: Array
    humidity: Array
    dry_flow: Array  # [Nm3/h]
    temperature: Array  # [degC]
    pressure: Array  # absolute [Pa]
    velocity: Array  # [m/s], before the velocity-field factor


def stack_gas(
    scenario: Scenario, process: Process, *, mill: Array, area_m2: float = AREA_M2, field_factor: float = FIELD_FACTOR
) -> Gas:
    """The gas of every step. mill : array  1 while the raw mill runs on kiln gas, 0 while it stands."""
    seed, size = scenario.seed, process.size
    co2 = process.co2 * 1000 / 44  # [kmol/h]
    needed = _oxygen_needed(process)
    load = process.feed.load
    wanted = 0.080 + 0.011 * mill + 0.06 * np.clip(1 - load, 0, 1)
    wanted = np.clip(wanted + wander(seed, "false air", size, minutes=90, deviation=0.0035), 0.03, 0.17)
    excess = wanted * (co2 + NITROGEN_PER_OXYGEN * needed) / (1 - wanted / AIR_O2)
    excess = np.maximum(excess, DRAUGHT_KMOL)
    air_oxygen = needed + excess
    dry = co2 + NITROGEN_PER_OXYGEN * air_oxygen + excess  # [kmol/h]
    water = _water(scenario, process, mill) + AIR_HUMIDITY * air_oxygen / AIR_O2
    humidity = water / (water + dry)
    hot = np.clip(process.heat / 600, 0, 1)
    temperature = 35 + hot * (105 - 30 * mill) + wander(seed, "stack temperature", size, minutes=45, deviation=1.6)
    pressure = 100_850 - 250 * hot + wander(seed, "air pressure", size, minutes=2000, deviation=350)
    dry_flow = dry * 22.4
    actual = dry_flow / (1 - humidity) * (273 + temperature) / 273 * 101_325 / pressure
    return Gas(
        co2=co2 / dry,
        o2=excess / dry,
        humidity=humidity,
        dry_flow=dry_flow,
        temperature=temperature,
        pressure=pressure,
        velocity=actual / 3600 / area_m2 / field_factor,
    )


def _oxygen_needed(process: Process) -> Array:
    """Oxygen the carbon and hydrogen of fuels and meal take from the air. [kmol/h]"""
    burnt = process.co2 - process.co2_calcination
    needed = burnt * 1000 / 44
    for heat, fuel in _fuels(process):
        needed = needed + heat * (fuel.hydrogen / 2 - fuel.oxygen)
    return needed


def _water(scenario: Scenario, process: Process, mill: Array) -> Array:
    """Water from fuels, meal, drying and the conditioning tower. [kmol/h]"""
    water = process.raw_meal_dry * scenario.nature.meal_water * 1000 / 18
    for heat, fuel in _fuels(process):
        water = water + heat * (fuel.hydrogen + fuel.water)
    return water + np.clip(process.feed.load, 0, 1) * (DRYING_KMOL * mill + SPRAY_KMOL * (1 - mill))


def _fuels(process: Process) -> tuple[tuple[Array, Fuel], ...]:
    return (
        (process.coal_heat, COAL),
        (process.diesel_heat, DIESEL),
        (process.waste_heat, WASTE),
        (process.cloth_heat, CLOTH),
    )
