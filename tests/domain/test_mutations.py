"""Wrong inputs and wrong formulas must not pass: the mistakes of the trade that concern the formulas (R16 to R20, R25).

Two kinds. A wrong *input* is given to the right formula: either it is refused by name, or the result misses the hand
figure by exactly the tonnes worked beside it. A wrong *formula* is made by editing the source of a module and running
the same hand calculation on the edited copy: it must fail there and hold on the original.
"""

from __future__ import annotations

import importlib
import math
import sys
import types
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tanji.domain import alternative, boundary, cems, coal, dust, electricity, fuel, process, rulesets, stock
from tanji.domain.items import Boundary, Item, RuleSetId
from tanji.domain.limits import diagnose
from tanji.errors import DomainError

# --- wrong inputs ---------------------------------------------------------------------------------------------------


def burned(carbon: float) -> float:
    return float(fuel.measured_carbon_emission(600.0, carbon_as_received=carbon, oxidation_fraction=0.98))


def test_air_dried_carbon_taken_as_received_misses_by_84_tonnes():
    # by hand: C_ad 0.637 at 2 %, scale at 8 %: 0.598; 600 t x 0.039 too much x 0.98 x 44/12 = 84.084 t
    right = burned(coal.carbon_from_air_dried(0.637, moisture_as_received=0.08, moisture_air_dried=0.02))
    assert right == pytest.approx(1289.288, rel=1e-12)
    assert burned(0.637) - right == pytest.approx(84.084, rel=1e-9)


def test_the_gross_value_taken_as_net_misses_by_its_vapour():
    # by hand: 26 000 J/g gross is 22 867.6 net; 600 t x 3.1324 GJ/t x 0.026 x 0.98 x 44/12 = 175.59 t
    net = coal.net_calorific_value_from_gross(
        26.0, hydrogen_air_dried=0.035, moisture_total=0.10, moisture_air_dried=0.015
    )
    right, wrong = (
        fuel.heat_content_emission(600.0, net_calorific_value=value, carbon_per_energy=0.026, oxidation_fraction=0.98)
        for value in (net, 26.0)
    )
    assert wrong - right == pytest.approx(175.59, abs=0.01)


def test_a_gross_value_beside_carbon_as_received_gives_itself_away():
    # C_ar 0.598 with 23 GJ/t net is 0.0260 tC/GJ; with 26 GJ/t gross 0.0230, below every coal
    coal.check_coal_analysis(23.0, carbon_as_received=0.598)
    with pytest.raises(DomainError, match="coal_carbon_per_energy"):
        coal.check_coal_analysis(26.0, carbon_as_received=0.598)


def test_powder_weighed_with_the_moisture_of_raw_coal_is_a_tenth_too_little_and_refused_by_place():
    # by hand: raw coal C 0.60 at 10 %, powder at 1 %: 0.66; 600 t x 0.06 x 0.98 x 44/12 = 129.36 t too little
    right = burned(coal.carbon_at_scale(0.60, moisture_as_received=0.10, moisture_at_scale=0.01))
    assert right - burned(0.60) == pytest.approx(129.36, rel=1e-9)
    with pytest.raises(DomainError, match=r"laboratory_place: expected the place of the scale, rotor_scale, got truck"):
        coal.require_same_place("rotor_scale", laboratory_place="truck_scale")
    with pytest.raises(DomainError, match="got none"):
        coal.require_same_place("rotor_scale", laboratory_place="")


def test_a_wet_concentration_on_the_dry_flow_loses_the_moisture_share():
    # by hand: 0.18 x 388 800 x 44/22.4 /1000 = 137.468571 t/h on wet flow; on 349 920 dry 123.721714: a tenth lost
    gas = {"area": 12.0, "temperature": 91.0, "pressure": 101_325.0, "humidity": 0.1}
    right = cems.co2_mass_rate(0.18, standard_flow=cems.standard_flow(12.0, **gas, basis="wet"))
    wrong = cems.co2_mass_rate(0.18, standard_flow=cems.standard_flow(12.0, **gas, basis="dry"))
    assert right == pytest.approx(137.468571, abs=1e-6)
    assert right - wrong == pytest.approx(13.746857, abs=1e-6)


def test_export_with_the_wrong_sign_misses_twice_the_export():
    # by hand: 2 x 300 MWh x 0.5 = 300 t
    right = electricity.net_electricity_emission(9500.0, exported=300.0, grid_factor=0.5)
    assert right == 4600.0
    assert electricity.net_electricity_emission(9500.0, exported=-300.0, grid_factor=0.5) - right == 300.0


@pytest.mark.parametrize("percent", [0.1, 0.15, 0.3])
def test_organic_carbon_in_percent_is_refused_in_both_forms(percent):
    with pytest.raises(DomainError, match=r"raw_meal_organic_carbon: expected 0 to 0\.02 tC/t"):
        process.organic_carbon_emission(1.0, raw_meal_organic_carbon=percent)
    with pytest.raises(DomainError, match="raw_meal_organic_carbon"):
        dust.total_organic_carbon_emission(1.0, meal_clinker_ratio=1.55, raw_meal_organic_carbon=percent)


@pytest.mark.parametrize("percent", [20.0, 50.0, 100.0])
def test_alpha_in_percent_is_refused_in_every_form(percent):
    heat = {"calorific_value": 12.0}
    carbon = {"waste_carbon_fraction": 0.3, "burnout_fraction": 1.0, "fossil_carbon_fraction": percent}
    for formula, values in (
        (alternative.non_biomass_emission, {"emission_factor": 0.09, "non_biomass_carbon_fraction": percent, **heat}),
        (alternative.biogenic_memo, {"emission_factor": 0.09, "non_biomass_carbon_fraction": percent, **heat}),
        (
            alternative.non_biomass_emission_by_energy,
            {"emission_factor_fossil": 0.09, "non_biomass_energy_fraction": percent, **heat},
        ),
        (
            alternative.biogenic_memo_by_energy,
            {"emission_factor_biogenic": 0.1, "non_biomass_energy_fraction": percent, **heat},
        ),
        (alternative.waste_carbon_emission, carbon),
        (alternative.waste_carbon_memo, carbon),
    ):
        with pytest.raises(DomainError, match=r"fraction: expected 0 to 1 "):
            formula(1.0, **values)


def test_a_substitute_taken_wet_deducts_half_as_much_again():
    # by hand: 100 t at 34 %: 66 x 0.48 = 31.68; wet 48: 16.32 t too much, 52 % of it
    right = process.substitute_deduction(process.dry_amount(100.0, moisture=0.34), deduction_factor=0.48)
    assert right == pytest.approx(31.68, rel=1e-12)
    assert process.substitute_deduction(100.0, deduction_factor=0.48) - right == pytest.approx(16.32, rel=1e-9)


def test_dust_left_out_misses_its_tonnes_and_must_be_stated_to_be_none():
    # by hand: 440 t x (0.652 x 44/56 + 0.022 x 1.1 = 0.536486) = 236.05371 t
    oxides = {"clinker_cao": 0.652, "clinker_mgo": 0.022}
    right = process.carbonate_emission(110_160.0, kiln_dust=300.0, bypass_dust=140.0, **oxides)
    wrong = process.carbonate_emission(110_160.0, kiln_dust=0.0, bypass_dust=0.0, **oxides)
    assert right - wrong == pytest.approx(236.05371, abs=1e-4)
    with pytest.raises(TypeError, match="kiln_dust"):
        process.carbonate_emission(110_160.0, **oxides)
    assert math.isnan(process.carbonate_emission(110_160.0, kiln_dust=math.nan, bypass_dust=0.0, **oxides))


def test_an_hourly_floor_would_add_tonnes_to_the_month():
    # by hand: two hours of 100 t x 0.5 - 60 = -10 and 200 x 0.5 - 60 = 40: month 30, floored by the hour 40
    hours = process.clinker_factor_emission(np.array([100.0, 200.0]), clinker_process_factor=0.5, deduction=60.0)
    assert hours.sum() == 30.0
    assert np.maximum(hours, 0).sum() - hours.sum() == 10.0
    assert process.floor_correction(float(hours.sum())) == 0.0


def test_biogenic_carbon_left_out_of_the_comparison_turns_agreement_into_a_warning():
    # by hand: calculated 100 + 5 + 6 + 89 = 200, measured 204: + 2 %; without the biogenic 6: 204/194 = + 5.15 %
    rule_set = rulesets.load()[RuleSetId.CETS_AG_02_01]
    figures = {Item.FOSSIL_FUEL: 100.0, Item.ALTERNATIVE_FUEL: 5.0, Item.BIOGENIC: 6.0, Item.PROCESS_CLINKER: 89.0}
    right = cems.deviation(204.0, calculated=boundary.flue_gas_equivalent(figures, rule_set=rule_set))
    wrong = cems.deviation(204.0, calculated=194.0)
    assert (right, wrong) == pytest.approx((0.02, 0.051546), abs=1e-6)
    assert not diagnose(flue_gas_deviation=right)
    assert [line.verdict for line in diagnose(flue_gas_deviation=wrong)] == ["warn"]
    del figures[Item.BIOGENIC]
    with pytest.raises(DomainError, match="got none for biogenic"):
        boundary.flue_gas_equivalent(figures, rule_set=rule_set)


def test_a_stopped_hour_counted_as_a_running_one_misses_its_tonnes():
    # by hand: 130 t/h; 20 of 60 minutes: 43.333333; as a whole hour 86.666667 t too much
    rates = np.full(20, 130.0)
    right = cems.hour_mass(rates, running_minutes=20)
    assert right == pytest.approx(43.333333, abs=1e-6)
    assert cems.hour_mass(rates, running_minutes=60) - right == pytest.approx(86.666667, abs=1e-6)
    # 2 160 h, 240 stopped, 160 invalid: 0.916667; with the stop counted as running and invalid 0.814815
    assert cems.capture_rate(2160, invalid_hours=160, stop_hours=240) == pytest.approx(0.916667, abs=1e-6)
    assert cems.capture_rate(2160, invalid_hours=400, stop_hours=0) == pytest.approx(0.814815, abs=1e-6)
    # a closed month leaves a stopped hour at zero, and intensity is not defined there
    assert stock.close_month(np.array([10.0, 0.0]), month_amount=11.0).tolist() == pytest.approx([11.0, 0.0])
    assert math.isnan(boundary.intensity(3.0, output=0.0))


# --- wrong formulas -------------------------------------------------------------------------------------------------


def mutated(name: str, before: str, after: str) -> types.ModuleType:
    """A copy of a domain module with one piece of its source replaced."""
    path = Path(str(importlib.import_module(f"tanji.domain.{name}").__file__))
    source = path.read_text(encoding="utf-8")
    assert source.count(before) >= 1, f"{name}: nothing to mutate: {before}"
    copy = types.ModuleType(f"mutated_{name}")
    sys.modules[copy.__name__] = copy  # dataclasses look their module up
    try:
        exec(compile(source.replace(before, after), path.name, "exec"), copy.__dict__)
    finally:
        del sys.modules[copy.__name__]
    return copy


def coal_sheet(module: types.ModuleType) -> None:
    # C_ad 0.637 (2 %) at 8 %: 0.598; (26 000 - 721) x 90/98.5 - 230 = 22 867.6 J/g
    by_air = module.carbon_from_air_dried(0.637, moisture_as_received=0.08, moisture_air_dried=0.02)
    assert by_air == pytest.approx(0.598, rel=1e-9)
    net = module.net_calorific_value_from_gross(
        26.0, hydrogen_air_dried=0.035, moisture_total=0.10, moisture_air_dried=0.015
    )
    assert net == pytest.approx(22.8676, abs=1e-4)
    powder = module.carbon_at_scale(0.60, moisture_as_received=0.10, moisture_at_scale=0.01)
    assert powder == pytest.approx(0.66, rel=1e-9)


def clinker_by_oxides(module: types.ModuleType) -> None:
    # (0.651 - 0.035) x 44/56 + 0.02 x 1.1 = 0.506; x 5 040 t with dust = 2 550.24 t
    tonnes = module.carbonate_emission(
        5000.0, kiln_dust=30.0, bypass_dust=10.0, clinker_cao=0.651, clinker_mgo=0.02, clinker_cao_non_carbonate=0.035
    )
    assert tonnes == pytest.approx(2550.24, rel=1e-9)


def oxide_ratio(module: types.ModuleType) -> None:
    assert module.CO2_PER_CAO * 56 == pytest.approx(44.0, rel=1e-12)
    assert module.CO2_PER_MGO * 40 == pytest.approx(44.0, rel=1e-12)
    assert module.CO2_PER_CARBON * 12 == pytest.approx(44.0, rel=1e-12)


def hours_below_zero(module: types.ModuleType) -> None:
    hours = module.clinker_factor_emission(np.array([100.0, 200.0]), clinker_process_factor=0.5, deduction=60.0)
    assert hours.tolist() == [-10.0, 40.0]


def dry_substitute(module: types.ModuleType) -> None:
    assert module.dry_amount(100.0, moisture=0.34) == pytest.approx(66.0, rel=1e-12)


def organic_carbon_is_a_fraction(module: types.ModuleType) -> None:
    assert module.organic_carbon_emission(7500.0, raw_meal_organic_carbon=0.0012) == pytest.approx(33.0, rel=1e-9)
    with pytest.raises(DomainError):
        module.organic_carbon_emission(7500.0, raw_meal_organic_carbon=0.12)


def alpha_is_a_fraction(module: types.ModuleType) -> None:
    whole = {"calorific_value": 25.0, "emission_factor": 0.08}
    assert module.non_biomass_emission(40.0, non_biomass_carbon_fraction=0.7, **whole) == pytest.approx(56.0)
    with pytest.raises(DomainError):
        module.non_biomass_emission(40.0, non_biomass_carbon_fraction=70.0, **whole)


def net_power(module: types.ModuleType) -> None:
    tonnes = module.net_electricity_emission(1200.0, exported=50.0, non_fossil=150.0, grid_factor=0.5)
    assert tonnes == 500.0  # 1 000 MWh x 0.5
    assert module.waste_heat_emission(300.0) == 0.0
    assert module.net_heat_emission(100.0, heat_sold=150.0, heat_factor=0.11) == pytest.approx(-5.5)


def stack(module: types.ModuleType) -> None:
    # wet 388 800, dry 349 920 Nm3/h; 0.18 wet is 0.2 dry: 137.468571 t/h either way; 20 min of it 45.822857 t
    gas = {"area": 12.0, "temperature": 91.0, "pressure": 101_325.0, "humidity": 0.1}
    wet = module.co2_mass_rate(0.18, standard_flow=module.standard_flow(12.0, **gas, basis="wet"))
    dry = module.co2_mass_rate(
        module.dry_fraction(0.18, humidity=0.1), standard_flow=module.standard_flow(12.0, **gas, basis="dry")
    )
    assert (wet, dry) == pytest.approx((137.468571, 137.468571), abs=1e-6)
    assert module.hour_mass(np.array([wet]), running_minutes=20) == pytest.approx(45.822857, abs=1e-6)
    assert module.capture_rate(2160, invalid_hours=160, stop_hours=240) == pytest.approx(0.916667, abs=1e-6)
    assert math.isnan(module.period_mass(np.array([1.0]), capture=0.7))


def standing_kiln(module: types.ModuleType) -> None:
    assert math.isnan(module.quotient(3.0, denominator=0.0))


def csi_dust(module: types.ModuleType) -> None:
    tonnes = module.dust_emission(100.0, bypass_dust=20.0, clinker_process_factor=0.525, calcination_fraction=0.5)
    assert tonnes == pytest.approx(31.2921, abs=1e-4)


def silo(module: types.ModuleType) -> None:
    made = module.clinker_by_stocktake(
        3000.0, clinker_dispatched=800.0, opening_stock=1100.0, closing_stock=900.0, clinker_bought=100.0
    )
    assert made == 3500.0
    assert module.stock_consumption(2000.0, opening_stock=500.0, closing_stock=700.0, sold_amount=50.0) == 1750.0


def yearly_carbon(module: types.ModuleType) -> None:
    year = module.yearly_carbon_per_energy(
        np.array([0.026, 0.028]), fuel_amount=np.array([1000.0, 3000.0]), net_calorific_value=np.array([20.0, 24.0])
    )
    assert year == pytest.approx(0.027565217, abs=1e-9)


MUTATIONS: list[tuple[str, str, str, str, Callable[[types.ModuleType], None]]] = [
    ("C_ad taken as received", "coal", "(1 - moisture_as_received) / (1 - moisture_air_dried)", "1.0", coal_sheet),
    ("gross taken as net", "coal", " - MOISTURE_COEFFICIENT * moisture_total", "", coal_sheet),
    ("hydrogen forgotten", "coal", " - HYDROGEN_COEFFICIENT * hydrogen_air_dried", "", coal_sheet),
    (
        "powder with raw coal's moisture",
        "coal",
        "carbon_as_received * (1 - moisture_at_scale) / (1 - moisture_as_received)",
        "carbon_as_received",
        coal_sheet,
    ),
    (
        "kiln dust ignored",
        "process",
        "clinker_output + kiln_dust + bypass_dust) * factor",
        "clinker_output + bypass_dust) * factor",
        clinker_by_oxides,
    ),
    (
        "all dust ignored",
        "process",
        "(clinker_output + kiln_dust + bypass_dust) * factor",
        "clinker_output * factor",
        clinker_by_oxides,
    ),
    (
        "non-carbonate part added",
        "process",
        "part = whole - non_carbonate",
        "part = whole + non_carbonate",
        clinker_by_oxides,
    ),
    ("0.785 for 44/56", "ratios", "44 / 56", "0.785", oxide_ratio),
    ("0.785 for 44/56 in F4", "process", "carbonate_cao * CO2_PER_CAO", "carbonate_cao * 0.785", clinker_by_oxides),
    (
        "hourly floor",
        "process",
        "return clinker_output * clinker_process_factor - deduction",
        "return np.maximum(0, clinker_output * clinker_process_factor - deduction)",
        hours_below_zero,
    ),
    (
        "deduction added",
        "process",
        "clinker_process_factor - deduction",
        "clinker_process_factor + deduction",
        hours_below_zero,
    ),
    ("substitute taken wet", "process", "wet_amount * (1 - moisture)", "wet_amount", dry_substitute),
    (
        "FR0 as percent let through",
        "process",
        "require(hard_ranges=hard_ranges, raw_meal_organic_carbon=raw_meal_organic_carbon)",
        "pass",
        organic_carbon_is_a_fraction,
    ),
    (
        "FR0 divided by 100",
        "process",
        "raw_meal_organic_carbon * CO2",
        "raw_meal_organic_carbon / 100 * CO2",
        organic_carbon_is_a_fraction,
    ),
    (
        "alpha as percent let through",
        "alternative",
        "require(hard_ranges=hard_ranges, non_biomass_carbon_fraction=non_biomass_carbon_fraction)",
        "pass",
        alpha_is_a_fraction,
    ),
    (
        "alpha forgotten",
        "alternative",
        "return whole * non_biomass_carbon_fraction",
        "return whole",
        alpha_is_a_fraction,
    ),
    ("export with the wrong sign", "electricity", "purchased - exported", "purchased + exported", net_power),
    ("non-fossil power kept", "electricity", " - non_fossil", "", net_power),
    ("waste heat charged", "electricity", "waste_heat_electricity * 0.0", "waste_heat_electricity * 0.5", net_power),
    ("sold heat added", "electricity", "heat_purchased - heat_sold", "heat_purchased + heat_sold", net_power),
    ("wet phi on dry flow", "cems", '    if basis == "wet":\n        return wet\n', "", stack),
    ("dry phi on wet flow", "cems", "return wet * (1 - humidity)", "return wet", stack),
    ("gauge temperature", "cems", "(ZERO_CELSIUS / (ZERO_CELSIUS + temperature))", "1.0", stack),
    ("stopped minutes counted", "cems", " * running_minutes / MINUTES_PER_HOUR", "", stack),
    ("stopped hours counted as running", "cems", "running = hours - stop_hours", "running = hours", stack),
    ("remainder of a poor month published", "cems", "if not capture >= minimum_capture:", "if False:", stack),
    (
        "a standing kiln has zero intensity",
        "ratios",
        "below > 0, below, np.nan",
        "below > 0, below, np.inf",
        standing_kiln,
    ),
    ("bypass dust partly calcined", "dust", "bypass_dust * clinker_process_factor", "bypass_dust * factor", csi_dust),
    ("dust over, not inside, its own calcination", "dust", "released / (1 - released)", "released", csi_dust),
    ("silo change turned round", "stock", "(closing_stock - opening_stock)", "(opening_stock - closing_stock)", silo),
    (
        "stocks swapped",
        "stock",
        "purchase_amount + opening_stock - closing_stock",
        "purchase_amount - opening_stock + closing_stock",
        silo,
    ),
    (
        "CC weighted by tonnes",
        "yearly",
        "weighted_mean(carbon_per_energy, weights=heat)",
        "weighted_mean(carbon_per_energy, weights=fuel_amount)",
        yearly_carbon,
    ),
]


@pytest.mark.parametrize(
    ("name", "before", "after", "check"), [row[1:] for row in MUTATIONS], ids=[m[0] for m in MUTATIONS]
)
def test_a_wrong_formula_fails_its_hand_calculation(name, before, after, check):
    check(importlib.import_module(f"tanji.domain.{name}"))
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        check(mutated(name, before, after))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('"biogenic", "process_carbonate"', '"process_carbonate"'),
        ('"biogenic", "process_clinker"]', '"process_clinker"]'),
    ],
)
def test_a_rule_set_without_biogenic_carbon_in_the_stack_is_noticed(before, after):
    text = Path(rulesets.__file__).with_name("rulesets.toml").read_text(encoding="utf-8")
    figures = dict(zip(Item, (float(2**power) for power in range(len(Item))), strict=True))
    expected = {
        rule_set.id: boundary.flue_gas_equivalent(figures, rule_set=rule_set) for rule_set in rulesets.load().values()
    }
    fuels = figures[Item.FOSSIL_FUEL] + figures[Item.ALTERNATIVE_FUEL] + figures[Item.BIOGENIC]
    calcined = figures[Item.PROCESS_CARBONATE] + figures[Item.PROCESS_ORGANIC_CARBON]
    assert expected[RuleSetId.GBT32151_8] == fuels + calcined
    assert expected[RuleSetId.CETS_AG_02_01] == fuels + figures[Item.PROCESS_CLINKER]
    assert text.count(before) == 1
    changed = rulesets.read(text.replace(before, after))
    assert {key: boundary.flue_gas_equivalent(figures, rule_set=changed[key]) for key in changed} != expected


def test_a_rule_set_that_counts_what_it_must_not_is_noticed():
    text = Path(rulesets.__file__).with_name("rulesets.toml").read_text(encoding="utf-8")
    before = 'counted = ["fossil_fuel", "process_clinker"]\nmemo = ["biogenic"]\ninformation = ["alternative_fuel", '
    assert text.count(before) == 1
    after = 'counted = ["fossil_fuel", "process_clinker", "alternative_fuel"]\nmemo = ["biogenic"]\ninformation = ['
    figures = {Item.FOSSIL_FUEL: 1300.0, Item.PROCESS_CLINKER: 2675.0, Item.ALTERNATIVE_FUEL: 30.0}
    totals = [
        boundary.total(figures, boundary=Boundary.CLINKER, rule_set=found[RuleSetId.CETS_AG_02_01])
        for found in (rulesets.load(), rulesets.read(text.replace(before, after)))
    ]
    assert totals == [3975.0, 4005.0]
