"""A kiln line in steps of a minute, in which mass, heat and carbon balance at every step.

Between two steps every rate is a straight line, so an integral is the trapezoid sum and nothing is lost between them.
Clinker drives all: heat demand from clinker, fuels from heat, ash from coal, raw meal from clinker, ash and what
leaves as gas. What drives the clinker is in `feed`. Carbon dioxide follows the true composition of everything. The
gas is made in `stack`, electricity in `power`, what the control system shows besides in `conditions`. No formula of a
rule set is used here.

Mass balance:  clinker = raw meal, dry - its combined water - its organic carbon - CO2 of its carbonates + coal ash
Heat balance:  clinker x specific heat + heating-up = sum of fuel x net calorific value
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from services.simulator.feed import Feed, alternative_available, campaign, local_days
from services.simulator.noise import stepped, wander
from services.simulator.scenario import MINUTE_MS, Scenario

Array = NDArray[np.float64]

CAO_TO_CO2 = 44 / 56
MGO_TO_CO2 = 44 / 40
C_TO_CO2 = 44 / 12


@dataclass(frozen=True, slots=True, eq=False)
class Composition:
    """True compositions at every step, in the units of `Nature`."""

    coal_calorific_value: Array
    waste_calorific_value: Array
    waste_fossil_energy: Array
    cloth_calorific_value: Array
    cloth_fossil_carbon: Array
    clinker_cao: Array
    clinker_mgo: Array
    meal_organic_carbon: Array


@dataclass(frozen=True, slots=True, eq=False)
class Process:
    """Rates at the steps of the grid. Masses [t/h], heats [GJ/h], CO2 [t/h]."""

    origin_ms: int
    feed: Feed
    composition: Composition
    clinker: Array
    raw_meal_dry: Array
    raw_meal_weighed: Array
    coal_ash: Array
    kiln_coal: Array
    calciner_coal: Array
    diesel: Array
    waste: Array
    cloth: Array
    heat: Array
    coal_heat: Array
    diesel_heat: Array
    waste_heat: Array
    cloth_heat: Array
    co2_coal: Array
    co2_diesel: Array
    co2_waste_fossil: Array
    co2_waste_biogenic: Array
    co2_cloth_fossil: Array
    co2_cloth_biogenic: Array
    co2_calcination: Array
    co2_organic: Array

    @property
    def size(self) -> int:
        """Number of steps."""
        return int(self.clinker.size)

    @property
    def times(self) -> NDArray[np.int64]:
        """Time of every step. [ms UTC]"""
        return self.origin_ms + np.arange(self.size, dtype=np.int64) * MINUTE_MS

    @property
    def firing(self) -> NDArray[np.bool_]:
        """Whether fuel burns, widened by a step so that no partial minute falls outside."""
        return widened(self.heat > 0)

    @property
    def feeding(self) -> NDArray[np.bool_]:
        """Whether the kiln is fed, widened likewise."""
        return widened(self.clinker > 0)

    @property
    def co2(self) -> Array:
        """All CO2 that leaves the stack, fossil and biogenic. [t/h]"""
        fuels = self.co2_coal + self.co2_diesel + self.co2_waste_fossil + self.co2_waste_biogenic
        return fuels + self.co2_cloth_fossil + self.co2_cloth_biogenic + self.co2_calcination + self.co2_organic


def widened(active: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The same with one more step on either side of every active stretch."""
    wide = active.copy()
    wide[1:] |= active[:-1]
    wide[:-1] |= active[1:]
    return wide


@lru_cache(maxsize=4)
def simulate(scenario: Scenario, *, minutes: int) -> Process:
    """The process over its first `minutes` steps. A longer run begins with the same figures."""
    feed = campaign(scenario, minutes)
    composition = _composition(scenario, minutes)
    clinker = scenario.clinker_t_per_h * feed.load
    heats = _heats(scenario, feed, clinker)
    masses = _masses(scenario, feed, composition, clinker, heats)
    return Process(
        origin_ms=scenario.origin_ms,
        feed=feed,
        composition=composition,
        clinker=clinker,
        **heats,
        **masses,
        **_gases(composition, clinker, heats, masses["raw_meal_dry"]),
    )


def _heats(scenario: Scenario, feed: Feed, clinker: Array) -> dict[str, Array]:
    """Heat balance: what the kiln takes, and which fuel brings it. [GJ/h]"""
    loose = wander(scenario.seed, "specific heat", clinker.size, minutes=600, deviation=0.03)
    # A line driven below its load loses the same heat through the same shell.
    specific = scenario.heat_gj_per_t + 0.5 * np.maximum(0, 1 - feed.load) + loose
    heat = clinker * specific + feed.fire
    alternative = np.clip((feed.load - 0.75) / 0.1, 0, 1) * alternative_available(scenario, clinker.size)
    waste = scenario.waste_heat_share * heat * alternative
    cloth = scenario.cloth_heat_share * heat * alternative
    diesel = feed.diesel_share * heat
    coal = heat - waste - cloth - diesel
    return {"heat": heat, "coal_heat": coal, "diesel_heat": diesel, "waste_heat": waste, "cloth_heat": cloth}


def _masses(
    scenario: Scenario, feed: Feed, composition: Composition, clinker: Array, heats: dict[str, Array]
) -> dict[str, Array]:
    """Mass balance: fuels from heats, ash from coal, raw meal from clinker, ash and what leaves as gas. [t/h]"""
    nature = scenario.nature
    coal = heats["coal_heat"] / composition.coal_calorific_value
    split = 0.6 * np.clip((feed.load - 0.1) / 0.5, 0, 1)
    split *= 1 + wander(scenario.seed, "coal split", clinker.size, minutes=240, deviation=0.02)
    # Ash joins the clinker as far as there is any: what falls during heating-up stays in the kiln as coating.
    ash = np.minimum(coal * nature.coal_ash, 0.1 * clinker)
    gas = nature.meal_water + composition.meal_organic_carbon
    meal = (clinker * (1 + carbonate_co2(composition)) - ash) / (1 - gas)
    return {
        "coal_ash": ash,
        "kiln_coal": coal * (1 - split),
        "calciner_coal": coal * split,
        "diesel": heats["diesel_heat"] / DIESEL.calorific_value,
        "waste": heats["waste_heat"] / composition.waste_calorific_value,
        "cloth": heats["cloth_heat"] / composition.cloth_calorific_value,
        "raw_meal_dry": meal,
        "raw_meal_weighed": meal / (1 - nature.meal_moisture),
    }


def _gases(composition: Composition, clinker: Array, heats: dict[str, Array], meal: Array) -> dict[str, Array]:
    """CO2 of everything that burns or is calcined. [t/h]"""
    waste, waste_fossil = heats["waste_heat"], composition.waste_fossil_energy
    cloth, cloth_fossil = heats["cloth_heat"], composition.cloth_fossil_carbon
    return {
        "co2_coal": heats["coal_heat"] * COAL_CARBON * C_TO_CO2,
        "co2_diesel": heats["diesel_heat"] * DIESEL.carbon * C_TO_CO2,
        "co2_waste_fossil": waste * waste_fossil * WASTE_FOSSIL_CO2,
        "co2_waste_biogenic": waste * (1 - waste_fossil) * WASTE_BIOGENIC_CO2,
        "co2_cloth_fossil": cloth * cloth_fossil * CLOTH_CO2,
        "co2_cloth_biogenic": cloth * (1 - cloth_fossil) * CLOTH_CO2,
        "co2_calcination": clinker * carbonate_co2(composition),
        "co2_organic": meal * composition.meal_organic_carbon * C_TO_CO2,
    }


def carbonate_co2(composition: Composition) -> Array:
    """CO2 that the carbonates behind a tonne of clinker gave off. [t/t]"""
    return composition.clinker_cao * CAO_TO_CO2 + composition.clinker_mgo * MGO_TO_CO2


@dataclass(frozen=True, slots=True)
class Oil:
    """A liquid fuel: calorific value [GJ/t] and carbon that burns [tC/GJ]."""

    calorific_value: float
    carbon: float


# What really burns; the factors a rule set applies are in `scenario.Factors` and may differ.
DIESEL = Oil(calorific_value=42.652, carbon=0.0202 * 0.98)
COAL_CARBON = 0.02618 * 0.99  # [tC/GJ] burnt; the rest leaves with the clinker
WASTE_FOSSIL_CO2 = 0.0917  # [tCO2/GJ]
WASTE_BIOGENIC_CO2 = 0.100  # [tCO2/GJ]
CLOTH_CO2 = 0.0917  # [tCO2/GJ]


def _composition(scenario: Scenario, minutes: int) -> Composition:
    nature, seed = scenario.nature, scenario.seed
    days = local_days(scenario, minutes)

    def vary(name: str, mean: float, relative: float, index: NDArray[np.int64]) -> Array:
        return mean * (1 + stepped(seed, name, index, deviation=relative))

    return Composition(
        coal_calorific_value=vary("coal calorific value", nature.coal_calorific_value, 0.012, days),
        waste_calorific_value=vary("waste calorific value", nature.waste_calorific_value, 0.03, days // 7),
        waste_fossil_energy=vary("waste fossil energy", nature.waste_fossil_energy, 0.03, days // 7),
        cloth_calorific_value=vary("cloth calorific value", nature.cloth_calorific_value, 0.02, days // 7),
        cloth_fossil_carbon=vary("cloth fossil carbon", nature.cloth_fossil_carbon, 0.02, days // 7),
        clinker_cao=vary("clinker cao", nature.clinker_cao, 0.003, days),
        clinker_mgo=vary("clinker mgo", nature.clinker_mgo, 0.03, days),
        meal_organic_carbon=vary("meal organic carbon", nature.meal_organic_carbon, 0.04, days // 7),
    )
