"""Properties every formula must have (R22): additive and proportional in its amounts, monotone in what makes CO2.

The month is the sum of its hours and the enterprise the sum of its lines because each formula is; roundings aside, to
1e-9. Numbers are drawn, none is published.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanji.domain import alternative, boundary, cems, dust, electricity, fuel, process, rulesets, stock, units
from tanji.domain.items import Boundary, Item

AMOUNT = st.floats(0, 1e6)
HOURS = st.lists(AMOUNT, min_size=1, max_size=48)

COAL = {"net_calorific_value": 23.0, "carbon_per_energy": 0.026, "oxidation_fraction": 0.99}
CARBON = {"carbon_as_received": 0.6, "oxidation_fraction": 0.99}
SHARES = {"calorific_value": 12.0, "emission_factor": 0.09, "non_biomass_carbon_fraction": 0.4}
HEAT_SHARES = {"calorific_value": 12.0, "non_biomass_energy_fraction": 0.4}
WASTE = {"waste_carbon_fraction": 0.3, "fossil_carbon_fraction": 0.4, "burnout_fraction": 0.95}
OXIDES = {"clinker_cao": 0.652, "clinker_mgo": 0.021, "clinker_cao_non_carbonate": 0.02}
TOC = {"meal_clinker_ratio": 1.55, "raw_meal_organic_carbon": 0.002}
GAS = {"area": 12.0, "temperature": 91.0, "pressure": 101_325.0, "humidity": 0.1, "basis": "dry"}

PROPORTIONAL: dict[str, tuple[Callable[..., Any], dict[str, Any]]] = {
    "heat_content": (fuel.heat_content_emission, COAL),
    "measured_carbon": (fuel.measured_carbon_emission, CARBON),
    "fuel_mass": (fuel.fuel_mass, {"fuel_density": 0.84}),
    "gas_amount": (fuel.gas_amount, {}),
    "non_biomass": (alternative.non_biomass_emission, SHARES),
    "biogenic": (alternative.biogenic_memo, SHARES),
    "non_biomass_energy": (
        alternative.non_biomass_emission_by_energy,
        {"emission_factor_fossil": 0.0917, **HEAT_SHARES},
    ),
    "biogenic_energy": (alternative.biogenic_memo_by_energy, {"emission_factor_biogenic": 0.1, **HEAT_SHARES}),
    "waste_carbon": (alternative.waste_carbon_emission, WASTE),
    "waste_memo": (alternative.waste_carbon_memo, WASTE),
    "carbonate": (process.carbonate_emission, {"kiln_dust": 0.0, "bypass_dust": 0.0, **OXIDES}),
    "organic_carbon": (process.organic_carbon_emission, {"raw_meal_organic_carbon": 0.002}),
    "clinker_factor": (process.clinker_factor_emission, {"clinker_process_factor": 0.535}),
    "deduction": (process.substitute_deduction, {"deduction_factor": 0.48}),
    "dry": (process.dry_amount, {"moisture": 0.34}),
    "organic_carbon_csi": (dust.total_organic_carbon_emission, TOC),
    "purchase": (electricity.net_electricity_emission, {"exported": 0.0, "grid_factor": 0.5306}),
    "information": (electricity.information_emission, {"grid_factor": 0.5306}),
    "waste_heat": (electricity.waste_heat_emission, {}),
    "heat": (electricity.net_heat_emission, {"heat_sold": 0.0, "heat_factor": 0.11}),
    "water": (electricity.hot_water_heat, {"water_temperature": 90.0}),
    "steam": (electricity.steam_heat, {"steam_enthalpy": 2800.0}),
    "flow": (cems.standard_flow, GAS),
}
"""Formulas that are proportional to their subject, with everything else held."""


@pytest.mark.parametrize(("formula", "rest"), PROPORTIONAL.values(), ids=PROPORTIONAL)
@given(hours=HOURS, times=st.floats(0.01, 100))
def test_hours_add_up_and_twice_the_amount_is_twice_the_result(formula, rest, hours, times):
    by_hour = formula(np.array(hours), **rest)
    whole = formula(math.fsum(hours), **rest)
    assert math.fsum(by_hour) == pytest.approx(whole, rel=1e-9, abs=1e-9)
    assert formula(times * math.fsum(hours), **rest) == pytest.approx(times * whole, rel=1e-9, abs=1e-9)
    assert formula(0.0, **rest) == 0.0


RISING: list[tuple[Callable[..., Any], Mapping[str, Any], str, float, float]] = [
    (fuel.heat_content_emission, COAL, "net_calorific_value", 8, 34),
    (fuel.heat_content_emission, COAL, "carbon_per_energy", 0.0235, 0.03),
    (fuel.heat_content_emission, COAL, "oxidation_fraction", 0.85, 1),
    (fuel.measured_carbon_emission, CARBON, "carbon_as_received", 0.2, 0.95),
    (alternative.non_biomass_emission, SHARES, "non_biomass_carbon_fraction", 0, 1),
    (alternative.waste_carbon_emission, WASTE, "fossil_carbon_fraction", 0, 1),
    (process.carbonate_emission, {"kiln_dust": 0.0, "bypass_dust": 0.0, **OXIDES}, "clinker_cao", 0.55, 0.72),
    (process.carbonate_emission, {"kiln_dust": 0.0, "bypass_dust": 0.0, **OXIDES}, "kiln_dust", 0, 1e4),
    (process.carbonate_emission, {"kiln_dust": 0.0, "bypass_dust": 0.0, **OXIDES}, "bypass_dust", 0, 1e4),
    (process.organic_carbon_emission, {}, "raw_meal_organic_carbon", 0, 0.02),
    (process.clinker_factor_emission, {}, "clinker_process_factor", 0, 0.6),
    (electricity.net_electricity_emission, {"exported": 0.0}, "grid_factor", 0, 1.2),
]


@pytest.mark.parametrize(
    ("formula", "rest", "name", "low", "high"), RISING, ids=[f"{r[0].__name__}-{r[2]}" for r in RISING]
)
@given(data=st.data())
def test_more_carbon_never_means_less_co2(formula, rest, name, low, high, data):
    first, second = sorted(data.draw(st.floats(low, high)) for _ in range(2))
    assert formula(1000.0, **{**rest, name: first}) <= formula(1000.0, **{**rest, name: second}) + 1e-9


@given(AMOUNT, AMOUNT, AMOUNT)
def test_what_is_deducted_sold_or_exported_never_adds_co2(amount, less, more):
    low, high = sorted((less, more))
    pairs = [
        [process.clinker_factor_emission(amount, clinker_process_factor=0.535, deduction=d) for d in (low, high)],
        [electricity.net_electricity_emission(amount, exported=e, grid_factor=0.5) for e in (low, high)],
        [electricity.net_electricity_emission(amount, exported=0, non_fossil=n, grid_factor=0.5) for n in (low, high)],
        [electricity.net_heat_emission(amount, heat_sold=s, heat_factor=0.11) for s in (low, high)],
        [stock.stock_consumption(amount, opening_stock=0, closing_stock=c, sold_amount=0) for c in (low, high)],
    ]
    assert all(first >= second for first, second in pairs)


@given(st.lists(st.lists(st.floats(0, 1e6), min_size=len(Item), max_size=len(Item)), min_size=1, max_size=4))
def test_lines_add_up_to_the_enterprise_under_both_rule_sets(lines):
    for rule_set in rulesets.load().values():
        for where in Boundary:
            by_line = [
                boundary.total(dict(zip(Item, figures, strict=True)), boundary=where, rule_set=rule_set)
                for figures in lines
            ]
            together = {item: math.fsum(column) for item, column in zip(Item, zip(*lines, strict=True), strict=True)}
            whole = boundary.total(together, boundary=where, rule_set=rule_set)
            assert math.fsum(by_line) == pytest.approx(whole, rel=1e-9, abs=1e-9)


@given(st.lists(st.floats(0, 200), min_size=1, max_size=48), st.floats(75, 600))
def test_an_unfloored_month_and_its_floor_are_never_below_zero(hours, deduction):
    month = float(
        np.sum(process.clinker_factor_emission(np.array(hours), clinker_process_factor=0.535, deduction=deduction))
    )
    floor = process.floor_correction(month)
    assert month + floor == pytest.approx(max(month, 0.0), abs=1e-9)
    assert floor >= 0.0


@given(st.floats(0.05, 0.4), st.floats(0, 0.35), st.floats(1, 40))
def test_dry_on_dry_and_wet_on_wet_are_the_same_tonnes(fraction_wet, humidity, velocity):
    gas = {**GAS, "humidity": humidity}
    if not 0.05 <= fraction_wet / (1 - humidity) <= 0.45:
        return
    wet = cems.co2_mass_rate(fraction_wet, standard_flow=cems.standard_flow(velocity, **{**gas, "basis": "wet"}))
    dry = cems.co2_mass_rate(
        cems.dry_fraction(fraction_wet, humidity=humidity), standard_flow=cems.standard_flow(velocity, **gas)
    )
    assert dry == pytest.approx(wet, rel=1e-9)


@given(st.sampled_from(sorted(units.CONVERSIONS)), st.floats(-1e6, 1e6))
def test_a_unit_there_and_back_is_the_same_value(unit, value):
    conversion = units.conversion(unit)
    assert conversion.to_internal(conversion.from_internal(value)) == pytest.approx(value, rel=1e-9, abs=1e-6)
