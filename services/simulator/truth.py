"""The true tonnes of a period: the rule sets applied to error-free quantities and true compositions.

A rule set is written out here as plain arithmetic with the scenario's own factors (standard.md sections 2.1, 3 to 6),
because a truth that shared formulas or factor tables with the product could not find a fault in them; a test forbids
this folder `tanji.domain`. Names of boundaries, rule sets, items and methods are the plain strings of the series.
`cems` is the CO2 that left the stack in the model's own balance, biogenic part included; no formula was applied to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.simulator.laboratory import forklift_diesel
from services.simulator.process import C_TO_CO2, carbonate_co2
from services.simulator.scenario import CETS, GBT, MINUTE_MS, Factors, Scenario
from services.simulator.signals import Model, model
from tanji.plant.model import Plant

CLINKER, ENTERPRISE = "clinker", "enterprise"


@dataclass(frozen=True, slots=True)
class Quantities:
    """Error-free quantities of a period."""

    clinker_t: float
    raw_meal_dry_t: float
    kiln_coal_t: float
    calciner_coal_t: float
    ignition_diesel_t: float
    forklift_diesel_t: float
    domestic_waste_t: float
    cloth_strips_t: float
    coal_gj: float
    ignition_diesel_gj: float
    waste_fossil_gj: float
    waste_biogenic_gj: float
    cloth_fossil_gj: float
    cloth_biogenic_gj: float
    carbonate_co2_t: float
    organic_carbon_t: float
    purchased_mwh: float
    exported_mwh: float
    waste_heat_mwh: float
    clinker_electricity_mwh: float
    stack_co2_t: float


@dataclass(frozen=True, slots=True)
class TrueFigure:
    """One item of one total."""

    item: str
    method: str
    co2_t: float
    counted: bool = True


def truth(plant: Plant, scenario: Scenario, start_ms: int, end_ms: int) -> dict[str, Any]:
    """True figures of [start, end), whole minutes.

    Keys: `clinker_t`, `cems` {co2_t}, `totals` [{boundary, ruleset, truth_t, t_per_t_clinker}], `figures` [{boundary,
    ruleset, item, method, truth_t, counted}], `quantities`. An item that the rule set does not count is listed with
    `counted` false.
    """
    known = quantities(plant, scenario, start_ms, end_ms)
    totals, figures = [], []
    for ruleset, factors in scenario.factors.items():
        for boundary in (CLINKER, ENTERPRISE):
            items = _items(known, factors, ruleset=ruleset, boundary=boundary)
            total = sum(item.co2_t for item in items if item.counted)
            where = {"boundary": boundary, "ruleset": ruleset}
            intensity = total / known.clinker_t if known.clinker_t else None
            totals.append({**where, "truth_t": total, "t_per_t_clinker": intensity})
            figures += [
                {**where, "item": item.item, "method": item.method, "truth_t": item.co2_t, "counted": item.counted}
                for item in items
            ]
    return {
        "clinker_t": known.clinker_t,
        "cems": {"truth_t": known.stack_co2_t},
        "totals": totals,
        "figures": figures,
        "quantities": {field.name: getattr(known, field.name) for field in fields(known)},
    }


def by_key(told: Mapping[str, Any]) -> dict[tuple[str, ...], float]:
    """The same as one mapping: (boundary, ruleset), (boundary, ruleset, item, method) and ("cems",) to tonnes."""
    found: dict[tuple[str, ...], float] = {("cems",): told["cems"]["truth_t"]}
    found |= {(row["boundary"], row["ruleset"]): row["truth_t"] for row in told["totals"]}
    names = ("boundary", "ruleset", "item", "method")
    return found | {tuple(row[name] for name in names): row["truth_t"] for row in told["figures"]}


def quantities(plant: Plant, scenario: Scenario, start_ms: int, end_ms: int) -> Quantities:
    """What really flowed in [start, end), from the mass, heat and power balances of the model."""
    first, last = (start_ms - scenario.origin_ms) // MINUTE_MS, (end_ms - scenario.origin_ms) // MINUTE_MS
    found = model(plant, scenario, minutes=last + 2)

    def whole(rate: NDArray[np.float64]) -> float:
        part = rate[first : last + 1]
        return float((part[1:] + part[:-1]).sum() / 120)  # rates per hour, steps of a minute, straight between

    return _integrate(found, whole, forklift=forklift_diesel(scenario).amount(start_ms, end_ms))


def _integrate(found: Model, whole: Any, *, forklift: float) -> Quantities:
    process, power, made_of = found.process, found.power, found.process.composition
    return Quantities(
        clinker_t=whole(process.clinker),
        raw_meal_dry_t=whole(process.raw_meal_dry),
        kiln_coal_t=whole(process.kiln_coal),
        calciner_coal_t=whole(process.calciner_coal),
        ignition_diesel_t=whole(process.diesel),
        forklift_diesel_t=forklift,
        domestic_waste_t=whole(process.waste),
        cloth_strips_t=whole(process.cloth),
        coal_gj=whole(process.coal_heat),
        ignition_diesel_gj=whole(process.diesel_heat),
        waste_fossil_gj=whole(process.waste_heat * made_of.waste_fossil_energy),
        waste_biogenic_gj=whole(process.waste_heat * (1 - made_of.waste_fossil_energy)),
        cloth_fossil_gj=whole(process.cloth_heat * made_of.cloth_fossil_carbon),
        cloth_biogenic_gj=whole(process.cloth_heat * (1 - made_of.cloth_fossil_carbon)),
        carbonate_co2_t=whole(process.clinker * carbonate_co2(made_of)),
        organic_carbon_t=whole(process.raw_meal_dry * made_of.meal_organic_carbon),
        purchased_mwh=whole(power.purchased),
        exported_mwh=whole(power.exported),
        waste_heat_mwh=whole(power.waste_heat),
        clinker_electricity_mwh=whole(power.kiln_line + power.raw_mill),
        stack_co2_t=whole(process.co2),
    )


def _items(known: Quantities, factors: Factors, *, ruleset: str, boundary: str) -> list[TrueFigure]:
    """Every item of a boundary under a rule set (standard.md section 2.1)."""
    enterprise = boundary == ENTERPRISE
    alternative = ruleset == GBT  # method B counts fossil fuels only; it shows the rest
    items = [
        TrueFigure("fossil_fuel", "heat_content", _fossil(known, factors, enterprise=enterprise)),
        TrueFigure("alternative_fuel", "non_biomass_energy", known.waste_fossil_gj * factors.waste_fossil, alternative),
        TrueFigure("alternative_fuel", "non_biomass_carbon", known.cloth_fossil_gj * factors.cloth_whole, alternative),
        TrueFigure("biogenic", "non_biomass_energy", known.waste_biogenic_gj * factors.waste_biogenic, False),
        TrueFigure("biogenic", "non_biomass_carbon", known.cloth_biogenic_gj * factors.cloth_whole, False),
    ]
    if ruleset == CETS:
        items.append(TrueFigure("process_clinker", "clinker_factor", known.clinker_t * factors.clinker_process))
    else:
        items.append(TrueFigure("process_carbonate", "clinker_oxides", known.carbonate_co2_t))
        items.append(TrueFigure("process_organic_carbon", "organic_carbon", known.organic_carbon_t * C_TO_CO2))
    if enterprise:
        net = known.purchased_mwh - known.exported_mwh
        items.append(TrueFigure("net_electricity", "grid_factor", net * factors.grid))
    else:
        used = known.clinker_electricity_mwh * factors.grid
        items.append(TrueFigure("clinker_electricity", "grid_factor", used, False))
        items.append(TrueFigure("flue_gas", "flue_gas_direct", known.stack_co2_t, False))
    return items


def _fossil(known: Quantities, factors: Factors, *, enterprise: bool) -> float:
    """F2 with carbon per energy: coal of the kiln, ignition diesel and, for the enterprise, the forklifts'."""
    coal = known.coal_gj * factors.coal_carbon_per_energy * factors.coal_oxidation
    diesel_t = known.ignition_diesel_t + (known.forklift_diesel_t if enterprise else 0.0)
    diesel_gj = diesel_t * factors.diesel_calorific_value
    return (coal + diesel_gj * factors.diesel_carbon_per_energy * factors.diesel_oxidation) * C_TO_CO2
