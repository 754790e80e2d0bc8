"""Independent hand calculations that together touch every formula (R3, R16 to R20, R25, R41, R44).

Each is worked in its docstring from numbers of our own choice; none is published. The whole month is in
`plant_month.md`. The last test reads this file and holds that no public formula of `tanji/domain` goes without a
calculation here.
"""

from __future__ import annotations

import ast
import importlib
import math
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from tanji.domain import (
    alternative,
    benchmark,
    boundary,
    cems,
    coal,
    dust,
    electricity,
    fuel,
    intensity,
    limits,
    position,
    process,
    ratios,
    rulesets,
    stock,
    yearly,
)
from tanji.domain.items import Boundary, Item, RuleSetId
from tanji.errors import DomainError

A = rulesets.load()[RuleSetId.GBT32151_8]
B = rulesets.load()[RuleSetId.CETS_AG_02_01]
DAY = date(2026, 3, 31)
FORMULAS = (
    *("alternative", "boundary", "cems", "coal", "dust", "electricity", "fuel", "intensity", "limits", "position"),
    *("process", "ratios", "stock", "yearly", "benchmark"),
)
DATA = {"load", "read", "find", "rule_of", "coefficients", "require", "require_finite", "require_range", "hard_range"}
DATA |= {"range_name"}


def test_1_coal_by_heat_content_and_by_carbon():
    """F2, G1. 800 t x 22 GJ/t = 17 600 GJ; x 0.0262 = 461.12 tC; x 0.99 = 456.5088; x 44/12 = 1 673.8656 t.

    The same carbon as 0.5764 tC/t: 800 x 0.5764 = 461.12 tC, the same 1 673.8656 t.
    """
    by_heat = fuel.heat_content_emission(
        800.0, net_calorific_value=22.0, carbon_per_energy=0.0262, oxidation_fraction=0.99
    )
    by_carbon = fuel.measured_carbon_emission(800.0, carbon_as_received=0.5764, oxidation_fraction=0.99)
    assert (by_heat, by_carbon) == pytest.approx((1673.8656, 1673.8656), rel=1e-12)


def test_2_diesel_by_volume_and_gas_by_normal_volume():
    """Diesel 3 m3 x 0.84 = 2.52 t; x 42.652 = 107.48304 GJ; x 0.0202 x 0.98 x 44/12 = 7.801692 t.

    Gas 120 000 Nm3 = 12 x 389.31 = 4 671.72 GJ; x 0.01532 = 71.5707504 tC; x 0.99 = 70.8550429; x 44/12 = 259.8018239
    t.
    """
    mass = fuel.fuel_mass(3.0, fuel_density=0.84)
    diesel = fuel.heat_content_emission(
        mass, net_calorific_value=42.652, carbon_per_energy=0.0202, oxidation_fraction=0.98
    )
    gas = fuel.heat_content_emission(
        fuel.gas_amount(120_000.0), net_calorific_value=389.31, carbon_per_energy=0.01532, oxidation_fraction=0.99
    )
    assert mass == pytest.approx(2.52, rel=1e-12)
    assert (diesel, gas) == pytest.approx((7.801692, 259.8018239), abs=1e-6)


def test_3_a_laboratory_sheet_of_coal_brought_to_the_scale():
    """C_ad 0.6174 at M_ad 2 %, M_ar 10 %: dry 0.63; C_ar 0.63 x 0.9 = 0.567.

    Qgr,ad 25 000 J/g, H_ad 4 %: (25 000 - 824) x 90/98 = 22 202.449; - 23 x 10 = 21 972.449 J/g = 21.972449 GJ/t.
    C/NCV = 0.567/21.972449 = 0.025805 tC/GJ, inside 0.0235 to 0.0300.
    At the rotor scale, 1.5 % moisture: C 0.63 x 0.985 = 0.62055; Q (21.972449 + 0.23) / 0.9 x 0.985 - 0.0345 =
    24.264847.
    """
    by_air = coal.carbon_from_air_dried(0.6174, moisture_as_received=0.10, moisture_air_dried=0.02)
    assert by_air == pytest.approx(0.567, rel=1e-12)
    assert coal.carbon_from_dry(0.63, moisture_as_received=0.10) == pytest.approx(0.567, rel=1e-12)
    net = coal.net_calorific_value_from_gross(
        25.0, hydrogen_air_dried=0.04, moisture_total=0.10, moisture_air_dried=0.02
    )
    assert net == pytest.approx(21.972449, abs=1e-6)
    coal.check_coal_analysis(net, carbon_as_received=by_air)
    at_scale = {"moisture_as_received": 0.10, "moisture_at_scale": 0.015}
    assert coal.carbon_at_scale(by_air, **at_scale) == pytest.approx(0.62055, rel=1e-12)
    assert coal.net_calorific_value_at_scale(net, **at_scale) == pytest.approx(24.264847, abs=1e-6)
    straight = coal.net_calorific_value_from_gross(
        25.0, hydrogen_air_dried=0.04, moisture_total=0.015, moisture_air_dried=0.02
    )
    assert coal.net_calorific_value_at_scale(net, **at_scale) == pytest.approx(straight, rel=1e-12)  # one road or two
    coal.require_same_place("kiln1.rotor_scale", laboratory_place="kiln1.rotor_scale")


def test_4_waste_in_its_three_forms():
    """F3. Carbon shares: 40 t x 25 GJ/t = 1 000 GJ x 0.08 = 80 t; alpha 0.7: 56 t, memo 24 t.

    Energy shares: 1 000 GJ, 0.45 of it fossil x 0.09 = 40.5 t; 550 GJ x 0.11 = 60.5 t.
    Carbon known: 40 t x 0.3 = 12 tC; x 0.9 burnt = 10.8; half fossil 5.4 tC x 44/12 = 19.8 t, memo 19.8 t.
    """
    whole = {"calorific_value": 25.0, "emission_factor": 0.08, "non_biomass_carbon_fraction": 0.7}
    assert alternative.non_biomass_emission(40.0, **whole) == pytest.approx(56.0, rel=1e-12)
    assert alternative.biogenic_memo(40.0, **whole) == pytest.approx(24.0, rel=1e-12)
    heat = {"calorific_value": 25.0, "non_biomass_energy_fraction": 0.45}
    assert alternative.non_biomass_emission_by_energy(40.0, emission_factor_fossil=0.09, **heat) == pytest.approx(40.5)
    assert alternative.biogenic_memo_by_energy(40.0, emission_factor_biogenic=0.11, **heat) == pytest.approx(60.5)
    carbon = {"waste_carbon_fraction": 0.3, "fossil_carbon_fraction": 0.5, "burnout_fraction": 0.9}
    assert alternative.waste_carbon_emission(40.0, **carbon) == pytest.approx(19.8, rel=1e-12)
    assert alternative.waste_carbon_memo(40.0, **carbon) == pytest.approx(19.8, rel=1e-12)


def test_5_clinker_by_oxides_with_dust_slag_and_organic_carbon():
    """F4, F5. Slag 500 t at 30 % = 350 t dry; CaO 0.56: 196 t; MgO 0.04: 14 t. Mass 4 800 + 60 + 40 = 4 900 t.

    FR10 = 196/4 900 = 0.04; FR20 = 14/4 900 = 0.002857143. Factor (0.662 - 0.04) x 44/56 = 0.488714286; (0.022857143 -
    0.002857143) x 1.1 = 0.022; together 0.510714286; x 4 900 = 2 502.5 t.
    Material by material: 4 900 x (0.662 x 44/56 + 0.022857143 x 1.1) = 2 671.9; the slag takes 196 x 44/56 + 14 x 1.1 =
    169.4 off it: 2 502.5 t again.
    Meal 7 500 t x 0.0012 = 9 tC x 44/12 = 33 t. The same 0.04 from 0.0256 of the meal at 7 500/4 800 = 1.5625 t/t.
    """
    mass = {"kiln_dust": 60.0, "bypass_dust": 40.0}
    slag = process.dry_amount(500.0, moisture=0.30)
    oxides = {
        "clinker_cao": 0.662,
        "clinker_mgo": 0.02 + 14 / 4900,
        "clinker_cao_non_carbonate": process.non_carbonate_oxide(slag * 0.56, clinker_output=4800.0, **mass),
        "clinker_mgo_non_carbonate": process.non_carbonate_oxide(slag * 0.04, clinker_output=4800.0, **mass),
    }
    assert process.clinker_oxide_factor(**oxides) == pytest.approx(0.510714286, abs=1e-9)
    assert process.carbonate_emission(4800.0, **mass, **oxides) == pytest.approx(2502.5, rel=1e-12)
    whole = process.carbonate_emission(
        4800.0, **mass, clinker_cao=oxides["clinker_cao"], clinker_mgo=oxides["clinker_mgo"]
    )
    slag_part = process.non_carbonate_deduction(slag, material_cao=0.56, material_mgo=0.04)
    assert (whole, slag_part, whole - slag_part) == pytest.approx((2671.9, 169.4, 2502.5), rel=1e-12)
    assert process.non_carbonate_oxide_of_meal(0.0256, meal_clinker_ratio=1.5625) == pytest.approx(0.04, rel=1e-12)
    assert process.organic_carbon_emission(7500.0, raw_meal_organic_carbon=0.0012) == pytest.approx(33.0, rel=1e-12)


def test_6_clinker_by_the_factor_its_deductions_and_a_month_below_zero():
    """G2. 4 800 t x 0.535 = 2 568; slag 350 t dry x 0.215 = 75.25; 2 492.75 t.

    A month of 1 000 t sulfoaluminate at 0.413 = 413 t, with 900 t of hydrated lime x 0.6 = 540: -127 t; the floor row
    is 127 t and hours stay as they are: 250 t x 0.413 - 135 = -31.75 t in each of four.
    """
    deduction = process.substitute_deduction(350.0, deduction_factor=0.215)
    tonnes = process.clinker_factor_emission(4800.0, clinker_process_factor=0.535, deduction=deduction)
    assert tonnes == pytest.approx(2492.75, rel=1e-12)
    hours = process.clinker_factor_emission(np.full(4, 250.0), clinker_process_factor=0.413, deduction=135.0)
    assert hours.tolist() == pytest.approx([-31.75] * 4, rel=1e-12)
    assert process.floor_correction(float(hours.sum())) == pytest.approx(127.0, rel=1e-12)


def test_7_dust_in_the_form_of_csi():
    """F9. LOI dust 0.10, meal 0.35: 0.10 x 0.65 = 0.065; 0.9 x 0.35 = 0.315; d = 1 - 0.206349206 = 0.793650794.

    EF_cli 0.525: 0.525/1.525 = 0.344262295; x d = 0.273224; EF_ckd = 0.273224/0.726776 = 0.375940.
    200 t kiln dust 75.187970 + 50 t bypass x 0.525 = 26.25: 101.437970 t.
    TOC 0.0018 x 1.55 x 4 800 t = 13.392 tC x 44/12 = 49.104 t.
    """
    d = dust.calcination_fraction(0.10, loss_on_ignition_raw_meal=0.35)
    assert d == pytest.approx(0.793650794, abs=1e-9)
    assert dust.kiln_dust_factor(0.525, calcination_fraction=d) == pytest.approx(0.375940, abs=1e-6)
    tonnes = dust.dust_emission(200.0, bypass_dust=50.0, clinker_process_factor=0.525, calcination_fraction=d)
    assert tonnes == pytest.approx(101.437970, abs=1e-6)
    toc = dust.total_organic_carbon_emission(4800.0, meal_clinker_ratio=1.55, raw_meal_organic_carbon=0.0018)
    assert toc == pytest.approx(49.104, rel=1e-12)


def test_8_electricity_and_heat():
    """F6: 5 000 - 400 = 4 600 MWh x 0.55 = 2 530 t. G3: less 600 non-fossil: 4 000 x 0.55 = 2 200 t.

    Clinker used 3 000 MWh x 0.55 = 1 650 t for information, 1 200 of them from waste heat: 1 800 MWh over the grid, 0
    t. F7: water 300 t x (80 - 20) x 0.0041868 = 75.3624 GJ; steam 10 t x (2 883.74 - 83.74)/1000 = 28 GJ; sold less
    bought: (28 - 75.3624) x 0.11 = -5.209864 t, kept negative.
    """
    assert electricity.net_electricity(5000.0, exported=400.0, non_fossil=600.0) == 4000.0
    assert electricity.net_electricity_emission(5000.0, exported=400.0, grid_factor=0.55) == pytest.approx(2530.0)
    tonnes = electricity.net_electricity_emission(5000.0, exported=400.0, non_fossil=600.0, grid_factor=0.55)
    assert tonnes == pytest.approx(2200.0, rel=1e-12)
    assert electricity.information_emission(3000.0, grid_factor=0.55) == pytest.approx(1650.0, rel=1e-12)
    assert electricity.waste_heat_emission(1200.0) == 0.0
    assert electricity.electricity_without_waste_heat(3000.0, waste_heat_electricity=1200.0) == 1800.0
    water = electricity.hot_water_heat(300.0, water_temperature=80.0)
    steam = electricity.steam_heat(10.0, steam_enthalpy=2883.74)
    assert (water, steam) == pytest.approx((75.3624, 28.0), rel=1e-12)
    assert electricity.net_heat_emission(steam, heat_sold=water, heat_factor=0.11) == pytest.approx(-5.209864, rel=1e-9)


def test_9_the_stack_from_the_pitot_tube_to_the_month():
    """Pitot: sqrt(2 x 98 / 0.98) = 14.142136; x 0.85 = 12.020815 m/s.

    20 m2, 12 m/s, Kv 0.95: 3 600 x 20 x 0.95 x 12 = 820 800 m3/h; x 273/341.25 = 0.8: 656 640; x 0.98 (99 298.5 Pa) =
    643 507.2 Nm3/h wet; x 0.88 = 566 286.336 dry. phi wet 0.176, dry 0.2: 0.2 x 566 286.336 x 44/22.4/1000 =
    222.469632 t/h; 0.2 x 44/22.4 = 0.392857 kg/Nm3. 45 min of it: 166.852224 t. Capture (100 - 5 - 20)/(100 - 20) =
    0.9375. Against 160 t calculated: + 4.28264 %. At 1 000 m: 101 325 x (1 - 1000/44300)^5.256 = 89 867 Pa.
    """
    assert cems.pitot_velocity(98.0, pitot_factor=0.85, gas_density=0.98) == pytest.approx(12.020815, abs=1e-6)
    gas = {"area": 20.0, "temperature": 68.25, "pressure": 99_298.5, "humidity": 0.12, "velocity_field_factor": 0.95}
    dry = cems.standard_flow(12.0, **gas, basis="dry")
    wet = cems.standard_flow(12.0, **gas, basis="wet")
    assert (wet, dry) == pytest.approx((643_507.2, 566_286.336), rel=1e-12)
    rate = cems.co2_mass_rate(cems.dry_fraction(0.176, humidity=0.12), standard_flow=dry)
    assert rate == pytest.approx(222.469632, rel=1e-9)
    assert cems.co2_mass_rate(0.176, standard_flow=wet) == pytest.approx(rate, rel=1e-12)
    assert cems.co2_concentration(0.2) == pytest.approx(0.392857, abs=1e-6)
    hour = cems.hour_mass(np.array([rate, np.nan, rate]), running_minutes=45)
    assert hour == pytest.approx(166.852224, rel=1e-9)
    capture = cems.capture_rate(100, invalid_hours=5, stop_hours=20)
    assert capture == pytest.approx(0.9375, rel=1e-12)
    assert cems.period_mass(np.array([hour, 0.0]), capture=capture) == pytest.approx(166.852224, rel=1e-9)
    assert math.isnan(cems.period_mass(np.array([hour, 0.0]), capture=0.74))
    assert cems.deviation(hour, calculated=160.0) == pytest.approx(0.0428264, abs=1e-6)
    assert cems.atmospheric_pressure(1000.0) == pytest.approx(89_867, abs=0.5)


def test_10_stocks_and_the_closing_of_a_month():
    """2 000 bought + 500 - 700 - 50 sold = 1 750 t. Clinker 3 000 + 800 + (900 - 1 100) - 100 = 3 500 t.

    Hours 1 000 + 0 + 2 500 - 0.0 = 3 500 by the scales against 3 430 official: k = 0.98; hours 980, 0, 2 450.
    """
    burned = stock.stock_consumption(2000.0, opening_stock=500.0, closing_stock=700.0, sold_amount=50.0)
    assert burned == 1750.0
    made = stock.clinker_by_stocktake(
        3000.0, clinker_dispatched=800.0, opening_stock=1100.0, closing_stock=900.0, clinker_bought=100.0
    )
    assert made == 3500.0
    hours = np.array([1000.0, 0.0, 2500.0])
    assert stock.closing_factor(3430.0, hour_amounts=hours) == pytest.approx(0.98, rel=1e-12)
    assert stock.close_month(hours, month_amount=3430.0).tolist() == pytest.approx([980.0, 0.0, 2450.0], rel=1e-12)


def test_11_means_of_a_year_and_why_they_are_not_multiplied():
    """January 1 000 t, 20 GJ/t, 0.026 tC/GJ; June 3 000 t, 24 GJ/t, 0.028 tC/GJ.

    NCV (20 000 + 72 000)/4 000 = 23 GJ/t. CC (520 + 2 016)/92 000 = 0.027565217 tC/GJ. C_ar (0.52 x 1 000 + 0.672 x
    3 000)/4 000 = 0.634 tC/t. The sum of the months, 2 536 tC, is 4 000 x 23 x 0.027565217 only with these weights;
    with FC weights for CC it would be 4 000 x 23 x 0.0275 = 2 530 tC. CaO 0.65 of 900 t and 0.66 of 100 t: 0.651.
    """
    amount, ncv, cc = np.array([1000.0, 3000.0]), np.array([20.0, 24.0]), np.array([0.026, 0.028])
    year_ncv = yearly.yearly_net_calorific_value(ncv, fuel_amount=amount)
    year_cc = yearly.yearly_carbon_per_energy(cc, fuel_amount=amount, net_calorific_value=ncv)
    assert year_ncv == pytest.approx(23.0, rel=1e-12)
    assert year_cc == pytest.approx(0.027565217, abs=1e-9)
    assert yearly.yearly_carbon_as_received(ncv * cc, fuel_amount=amount) == pytest.approx(0.634, rel=1e-12)
    assert 4000 * year_ncv * year_cc == pytest.approx(2536.0, rel=1e-12)
    assert 4000 * year_ncv * yearly.weighted_mean(cc, weights=amount) == pytest.approx(2530.0, rel=1e-12)
    assert yearly.mean_of_output(np.array([0.65, 0.66]), output=np.array([900.0, 100.0])) == pytest.approx(0.651)


def test_12_intensities_of_a_day_and_their_levels():
    """Clinker 5 000 t, coal 14 800 GJ and waste 1 200 GJ: 16 000/5 000 = 3.2 GJ/t; TSR 0.075; 80 t of 580 t: 0.137931.

    Coal 14 800/29.3076 = 504.988467 tce /5 000 = 100.997693 kgce/t; waste heat 30 kWh/t x 0.404 = 12.12: 88.877693,
    level 1. 260 MWh = 52 kWh/t; 88.877693 + 6.3908 = 95.268493 kgce/t, level 1. Meal 7 800/5 000 = 1.56. 4 000 t CO2:
    0.8 t/t, 5.26 % above a target of 0.76. Cement of 80 % clinker: levels 85.5, 92.75, 100; 99 kgce/t is level 3,
    100.1 beyond. At 2 000 m level 3 of coal is 109 x (1.179 - 0.211 x 0.784417) = 110.4702.
    """
    assert intensity.heat_per_clinker(16_000.0, clinker_output=5000.0) == pytest.approx(3.2, rel=1e-12)
    assert intensity.thermal_substitution(1200.0, fossil_heat=14_800.0) == pytest.approx(0.075, rel=1e-12)
    assert intensity.total_substitution(80.0, total_fuel_amount=580.0) == pytest.approx(0.137931, abs=1e-6)
    gross = intensity.coal_per_clinker(14_800.0, clinker_output=5000.0)
    net = intensity.net_coal(gross, waste_heat_intensity=30.0, waste_heat_coefficient=0.404)
    assert (gross, net) == pytest.approx((100.997693, 88.877693), abs=1e-6)
    power = intensity.electricity_per_output(260.0, output=5000.0)
    energy = intensity.comprehensive_energy(net, electricity_intensity=power, electricity_coefficient=0.1229)
    assert (power, energy) == pytest.approx((52.0, 95.268493), abs=1e-6)
    assert intensity.meal_clinker_ratio(7800.0, clinker_output=5000.0) == pytest.approx(1.56, rel=1e-12)
    assert boundary.intensity(4000.0, output=5000.0) == pytest.approx(0.8, rel=1e-12)
    assert boundary.clinker_ratio(800.0, cement_output=1000.0) == ratios.quotient(4.0, denominator=5.0) == 0.8
    assert benchmark.target_gap(0.8, target=0.76) == pytest.approx(0.052632, abs=1e-6)
    kiln = benchmark.find("clinker_comprehensive_coal", on=DAY)
    assert benchmark.classify(net, benchmark=kiln).level == "level_1"
    assert benchmark.adjusted_levels(kiln, altitude=2000.0) == pytest.approx((94.0, 100.0, 110.4702), abs=1e-4)
    assert benchmark.altitude_factor(2000.0, rule=kiln.altitude) == pytest.approx(1.013488, abs=1e-6)
    cement = benchmark.find("cement_comprehensive_energy", on=DAY)
    assert benchmark.adjusted_levels(cement, clinker_ratio=0.8) == pytest.approx((85.5, 92.75, 100.0), rel=1e-12)
    assert benchmark.classify(99.0, benchmark=cement, clinker_ratio=0.8).level == "level_3"
    assert benchmark.classify(100.1, benchmark=cement, clinker_ratio=0.8).level == "beyond"


def test_13_the_allowance_position_of_a_year():
    """E 900 000 t, I 0.84, B 0.80: (0.80 - 0.84)/0.80 = -0.05; x 0.15 = -0.0075; x 900 000 = -6 750 t: a deficit.

    I 1.0: -0.25 x 0.15 = -0.0375, cut at -0.03: -27 000 t. In 2024, or with 16 % carbide slag: 0.
    """
    rule = position.rule_of(2025)
    assert position.surplus_rate(0.84, balance_value=0.80, rule=rule) == pytest.approx(-0.0075, rel=1e-9)
    found = position.position(900_000.0, intensity=0.84, balance_value=0.80, rule=rule)
    assert (found.surplus, found.quota) == pytest.approx((-6750.0, 893_250.0), rel=1e-9)
    assert position.position(900_000.0, intensity=1.0, balance_value=0.80, rule=rule).surplus == pytest.approx(-27_000)
    slag = position.LineFacts(carbide_slag_fraction=0.16)
    exempt = position.position(900_000.0, intensity=1.0, balance_value=None, rule=rule, facts=slag)
    assert (exempt.surplus, exempt.basis) == (0.0, "exempt")
    last_year = position.position(900_000.0, intensity=1.0, balance_value=None, rule=position.rule_of(2024))
    assert (last_year.surplus, last_year.basis) == (0.0, "verified")


def test_14_totals_their_difference_and_a_stated_sum():
    """A clinker: 100 + 5 + 200 + 3 = 308; B: 101 + 210 = 311; A - B = -1 + 5 + 200 + 3 - 210 = -3.

    Stack under A: 100 + 5 + 4 + 200 + 3 = 312. Stated 380 for 308 is 72 too much.
    """
    a = {
        Item.FOSSIL_FUEL: 100.0,
        Item.ALTERNATIVE_FUEL: 5.0,
        Item.BIOGENIC: 4.0,
        Item.PROCESS_CARBONATE: 200.0,
        Item.PROCESS_ORGANIC_CARBON: 3.0,
    }
    b = {Item.FOSSIL_FUEL: 101.0, Item.PROCESS_CLINKER: 210.0, Item.ALTERNATIVE_FUEL: 5.0}
    assert boundary.total(a, boundary=Boundary.CLINKER, rule_set=A) == 308.0
    assert boundary.total(b, boundary=Boundary.CLINKER, rule_set=B) == 311.0
    assert boundary.flue_gas_equivalent(a, rule_set=A) == 312.0
    assert boundary.reconcile(a, b, boundary=Boundary.CLINKER, rule_set_a=A, rule_set_b=B).difference == -3.0
    # the edition of 2015 counts fuel and carbonate alone: 300 - 311 = -11 t
    counted = rulesets.in_force(A.id, on=date(2024, 5, 31)).counted(Boundary.CLINKER)
    older = boundary.compare(a, b, counted_a=counted, counted_b=B.counted(Boundary.CLINKER), one_rule_set=False)
    assert older.difference == -11.0 and older.total_a == 300.0
    check = boundary.check_sum((100.0, 5.0, 200.0, 3.0), stated=380.0, tolerance=1.0)
    assert (check.difference, check.consistent) == (72.0, False)


def test_15_what_is_refused_what_is_warned_of_and_what_only_diagnoses():
    """CaO 0.60 warns (0.62 to 0.68) and still counts; 0.54 is refused (0.55 to 0.72); heat 3.7 warns, 6.1 diagnoses."""
    assert [warning.input for warning in limits.soft(clinker_cao=0.60, clinker_mgo=0.02)] == ["clinker_cao"]
    assert limits.within("clinker_cao", np.array([0.60, 0.54])).tolist() == [True, False]
    with pytest.raises(DomainError, match="clinker_cao"):
        process.clinker_oxide_factor(clinker_cao=0.54, clinker_mgo=0.02)
    assert [line.verdict for line in limits.diagnose(heat_per_clinker=3.7)] == ["warn"]
    assert [line.verdict for line in limits.diagnose(heat_per_clinker=6.1)] == ["diagnose"]


def test_every_public_formula_has_a_hand_calculation_in_this_file():
    tree = ast.parse(Path(__file__).read_text(encoding="utf-8"))
    called = {
        (node.value.id, node.attr)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
    }
    for module_name in FORMULAS:
        module = importlib.import_module(f"tanji.domain.{module_name}")
        for name, thing in vars(module).items():
            own = callable(thing) and getattr(thing, "__module__", "") == module.__name__
            if own and not name.startswith("_") and not isinstance(thing, type) and name not in DATA:
                assert (module_name, name) in called, f"{module_name}.{name}"
