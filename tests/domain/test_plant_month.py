"""A full plant month, both boundaries under both rule sets (R3, R8, R10, R41): the code against `plant_month.md`.

The page works every number by hand, without the code; this file types its results and hands the code the same inputs.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from tanji.domain import (
    alternative,
    benchmark,
    boundary,
    cems,
    electricity,
    fuel,
    intensity,
    limits,
    position,
    process,
    rulesets,
    stock,
)
from tanji.domain.items import Boundary, Item, RuleSetId

PAGE = Path(__file__).with_name("plant_month.md").read_text(encoding="utf-8")
A = rulesets.load()[RuleSetId.GBT32151_8]
B = rulesets.load()[RuleSetId.CETS_AG_02_01]
DAY = date(2026, 3, 31)
DIESEL = {"net_calorific_value": 42.652, "carbon_per_energy": 0.0202, "oxidation_fraction": 0.98}
DUST = {"kiln_dust": 300.0, "bypass_dust": 140.0}
GRID = 0.5306


def by_hand(text: str) -> pytest.approx:
    """A result of the page, as printed there in bold."""
    assert f"**{text}**" in PAGE
    return pytest.approx(float(text), abs=2e-6)


def coal(carbon_per_energy: float) -> float:
    burned = stock.stock_consumption(12_000.0, opening_stock=3000.0, closing_stock=2600.0, sold_amount=0.0)
    return fuel.heat_content_emission(
        burned, net_calorific_value=22.5, carbon_per_energy=carbon_per_energy, oxidation_fraction=0.99
    )


IGNITION = fuel.heat_content_emission(25.0, **DIESEL)
FORKLIFT = fuel.heat_content_emission(fuel.fuel_mass(12.0, fuel_density=0.845), **DIESEL)
WASTE = {"calorific_value": 10.0, "non_biomass_energy_fraction": 0.5}
CLOTH = {"calorific_value": 20.0, "emission_factor": 0.0917, "non_biomass_carbon_fraction": 0.8}
FOSSIL_PART = alternative.non_biomass_emission_by_energy(
    6000.0, emission_factor_fossil=0.0917, **WASTE
) + alternative.non_biomass_emission(500.0, **CLOTH)
MEMO = alternative.biogenic_memo_by_energy(6000.0, emission_factor_biogenic=0.1, **WASTE) + alternative.biogenic_memo(
    500.0, **CLOTH
)
CLINKER = stock.clinker_by_stocktake(
    90_160.0, clinker_dispatched=16_000.0, opening_stock=30_000.0, closing_stock=34_000.0, clinker_bought=0.0
)
CARBIDE_SLAG = process.dry_amount(3000.0, moisture=0.34)
STEEL_SLAG = process.dry_amount(2000.0, moisture=0.05)
CARBONATE = process.carbonate_emission(
    CLINKER,
    **DUST,
    clinker_cao=0.652,
    clinker_mgo=0.022,
    clinker_cao_non_carbonate=process.non_carbonate_oxide(
        CARBIDE_SLAG * 0.65 + STEEL_SLAG * 0.40, clinker_output=CLINKER, **DUST
    ),
    clinker_mgo_non_carbonate=process.non_carbonate_oxide(STEEL_SLAG * 0.06, clinker_output=CLINKER, **DUST),
)
MEAL = process.dry_amount(174_000.0, moisture=0.01)
ORGANIC = process.organic_carbon_emission(MEAL, raw_meal_organic_carbon=0.0015)
CLINKER_FACTOR = process.clinker_factor_emission(
    CLINKER,
    clinker_process_factor=0.535,
    deduction=process.substitute_deduction(CARBIDE_SLAG, deduction_factor=0.48)
    + process.substitute_deduction(STEEL_SLAG, deduction_factor=0.215),
)
HEAT = electricity.net_heat_emission(
    electricity.steam_heat(500.0, steam_enthalpy=2783.74),
    heat_sold=electricity.hot_water_heat(2000.0, water_temperature=70.0),
    heat_factor=0.11,
)
CAPTIVE = fuel.heat_content_emission(
    800.0, net_calorific_value=8.374, carbon_per_energy=0.02541, oxidation_fraction=0.95
)
OTHER = fuel.heat_content_emission(
    fuel.gas_amount(50_000.0), net_calorific_value=389.31, carbon_per_energy=0.01532, oxidation_fraction=0.99
)


def figures(rule_set: rulesets.RuleSet, where: Boundary) -> dict[Item, float]:
    """Every item of a boundary: facilities go where the rule set says, site diesel is the enterprise's."""
    found = dict.fromkeys(Item, 0.0)
    found[Item.FOSSIL_FUEL] = coal(0.0261 if rule_set is A else 0.02618) + IGNITION
    found |= {Item.ALTERNATIVE_FUEL: FOSSIL_PART, Item.BIOGENIC: MEMO}
    found |= {Item.PROCESS_CARBONATE: CARBONATE, Item.PROCESS_ORGANIC_CARBON: ORGANIC}
    found[Item.PROCESS_CLINKER] = CLINKER_FACTOR
    found[Item.CLINKER_ELECTRICITY] = electricity.information_emission(5700.0, grid_factor=GRID)
    if where is Boundary.ENTERPRISE:
        found[Item.FOSSIL_FUEL] += FORKLIFT
        found[rule_set.captive_power_item] += CAPTIVE
        found[rule_set.other_facility_item] += OTHER
        found[Item.NET_ELECTRICITY] = electricity.net_electricity_emission(
            9600.0,
            exported=200.0,
            non_fossil=1500.0 if rule_set.deduct_non_fossil else 0.0,
            grid_factor=GRID,
        ) + electricity.waste_heat_emission(3300.0)
        found[Item.NET_HEAT] = HEAT
    return found


def total(rule_set: rulesets.RuleSet, where: Boundary) -> float:
    return float(boundary.total(figures(rule_set, where), boundary=where, rule_set=rule_set))


def test_the_fuels_of_the_month():
    assert coal(0.0261) == by_hand("26433.297")
    assert coal(0.02618) == by_hand("26514.3186")
    assert by_hand("77.397741") == IGNITION
    assert by_hand("31.392524") == FORKLIFT
    assert by_hand("3484.6") == FOSSIL_PART
    assert by_hand("3183.4") == MEMO
    assert by_hand("592.956241") == CAPTIVE
    assert by_hand("108.25076") == OTHER


def test_clinker_by_stocktake_closes_the_hours_of_the_scales():
    assert by_hand("110160") == CLINKER
    hours = np.repeat([150.0, 0.0], [720, 24])
    assert stock.closing_factor(CLINKER, hour_amounts=hours) == by_hand("1.02")
    closed = stock.close_month(hours, month_amount=CLINKER)
    assert closed.sum() == pytest.approx(CLINKER, rel=1e-12)
    assert set(closed[720:]) == {0.0}
    assert limits.diagnose(closing_factor=1.02) == ()


def test_the_process_emissions_of_the_month():
    assert by_hand("57601.562857") == CARBONATE
    assert by_hand("947.43") == ORGANIC
    assert by_hand("57576.7") == CLINKER_FACTOR
    assert process.floor_correction(CLINKER_FACTOR) == 0.0


def test_the_electricity_and_heat_of_the_month():
    assert figures(A, Boundary.ENTERPRISE)[Item.NET_ELECTRICITY] == by_hand("4987.64")
    assert figures(B, Boundary.ENTERPRISE)[Item.NET_ELECTRICITY] == by_hand("4191.74")
    assert figures(B, Boundary.CLINKER)[Item.CLINKER_ELECTRICITY] == by_hand("3024.42")
    assert by_hand("102.4452") == HEAT


@pytest.mark.parametrize(
    ("where", "rule_set", "tonnes"),
    [
        (Boundary.CLINKER, A, "88544.287598"),
        (Boundary.CLINKER, B, "84168.416341"),
        (Boundary.ENTERPRISE, A, "94366.972323"),
        (Boundary.ENTERPRISE, B, "89195.201066"),
    ],
)
def test_the_totals_of_both_boundaries_under_both_rule_sets(where, rule_set, tonnes):
    assert total(rule_set, where) == by_hand(tonnes)


def test_the_reconciliation_names_what_one_counts_and_the_other_does_not():
    found = boundary.reconcile(
        figures(A, Boundary.CLINKER),
        figures(B, Boundary.CLINKER),
        boundary=Boundary.CLINKER,
        rule_set_a=A,
        rule_set_b=B,
    )
    assert found.difference == by_hand("4375.871257")
    assert {row.item: (row.why, round(row.difference, 6)) for row in found.rows} == {
        Item.FOSSIL_FUEL: ("values_differ", -81.0216),
        Item.ALTERNATIVE_FUEL: ("only_a", 3484.6),
        Item.PROCESS_CARBONATE: ("only_a", 57601.562857),
        Item.PROCESS_ORGANIC_CARBON: ("only_a", 947.43),
        Item.PROCESS_CLINKER: ("only_b", -57576.7),
    }


def test_the_stack_agrees_with_all_carbon_of_the_kiln_and_not_with_the_total():
    flow = cems.standard_flow(12.0, area=12.0, temperature=91.0, pressure=101_325.0, humidity=0.1, basis="dry")
    rate = cems.co2_mass_rate(0.19, standard_flow=flow)
    hours = [cems.hour_mass(np.full(60, rate), running_minutes=minutes) for minutes in [60] * 720 + [0] * 24]
    capture = cems.capture_rate(744, invalid_hours=0, stop_hours=24)
    measured = cems.period_mass(np.array(hours), capture=capture)
    assert measured == by_hand("94028.502857")
    calculated = boundary.flue_gas_equivalent(figures(A, Boundary.CLINKER), rule_set=A)
    assert calculated == by_hand("91727.687598")
    assert cems.deviation(measured, calculated=calculated) == by_hand("0.025083")
    assert limits.diagnose(flue_gas_deviation=cems.deviation(measured, calculated=calculated)) == ()
    without_biogenic = cems.deviation(measured, calculated=calculated - MEMO)
    assert without_biogenic == pytest.approx(0.061938, abs=1e-6)  # the page's last sentence of section 8
    assert [line.verdict for line in limits.diagnose(flue_gas_deviation=without_biogenic)] == ["warn"]


def test_the_intensities_of_the_month():
    assert boundary.intensity(total(B, Boundary.CLINKER), output=CLINKER) == by_hand("0.764056")
    assert boundary.intensity(total(B, Boundary.ENTERPRISE), output=112_700.0) == by_hand("0.791439")
    assert boundary.clinker_ratio(90_160.0, cement_output=112_700.0) == pytest.approx(0.8, rel=1e-12)
    fossil, other = 280_066.3, 70_000.0
    assert intensity.heat_per_clinker(fossil + other, clinker_output=CLINKER) == by_hand("3.177799")
    assert intensity.thermal_substitution(other, fossil_heat=fossil) == by_hand("0.199962")
    assert intensity.total_substitution(6500.0, total_fuel_amount=12_425.0 + 6500.0) == by_hand("0.343461")
    assert intensity.meal_clinker_ratio(MEAL, clinker_output=CLINKER) == by_hand("1.563725")


def test_the_levels_of_the_month():
    coefficients = benchmark.coefficients()
    gross = intensity.coal_per_clinker(280_066.3, clinker_output=CLINKER)
    assert gross == by_hand("86.747441")
    net = intensity.net_coal(
        gross,
        waste_heat_intensity=intensity.electricity_per_output(3300.0, output=CLINKER),
        waste_heat_coefficient=coefficients["waste_heat"].value,
    )
    assert net == by_hand("74.645044")
    power = intensity.electricity_per_output(5700.0, output=CLINKER)
    assert power == by_hand("51.742919")
    energy = intensity.comprehensive_energy(
        net, electricity_intensity=power, electricity_coefficient=coefficients["electricity"].value
    )
    assert energy == by_hand("81.004249")
    for value, indicator, level in (
        (net, "clinker_comprehensive_coal", "level_1"),
        (power, "clinker_comprehensive_electricity", "level_2"),
        (energy, "clinker_comprehensive_energy", "level_1"),
    ):
        assert benchmark.classify(value, benchmark=benchmark.find(indicator, on=DAY)).level == level


def test_the_allowance_position_of_the_month_if_it_were_a_year():
    tonnes = total(B, Boundary.CLINKER)
    found = position.position(
        tonnes,
        intensity=boundary.intensity(tonnes, output=CLINKER),
        balance_value=0.80,
        rule=position.rule_of(2025),
    )
    assert "**567.252**" in PAGE
    assert found.surplus == pytest.approx(567.252, abs=5e-4)
