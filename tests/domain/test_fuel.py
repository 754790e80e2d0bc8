"""Combustion of fossil and alternative fuels (R16, R17). Numbers are independent hand calculations, worked beside."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanji.domain import fuel
from tanji.errors import DomainError

AMOUNT = st.floats(0, 1e6)
NCV = st.floats(8, 34)
CC = st.floats(0.0235, 0.03)
OF = st.floats(0.85, 1)
FRACTION = st.floats(0, 1)
NAN = float("nan")

COAL = {"net_calorific_value": 23.0, "carbon_per_energy": 0.026, "oxidation_fraction": 0.98}
WASTE = {"calorific_value": 12.0, "emission_factor": 0.09, "non_biomass_carbon_fraction": 0.4}


def test_a_kiln_day_of_coal_by_heat_content():
    # by hand: 600 t x 23 GJ/t = 13 800 GJ; x 0.026 = 358.8 tC; x 0.98 = 351.624 tC; x 44 / 12 = 1 289.288 tCO2
    assert fuel.heat_content_emission(600.0, **COAL) == pytest.approx(1289.288, rel=1e-12)


def test_a_kiln_day_of_coal_by_measured_carbon():
    # by hand: 600 t x 0.598 = 358.8 tC (the same carbon as above), so the same 1 289.288 tCO2
    tonnes = fuel.measured_carbon_emission(600.0, carbon_as_received=0.598, oxidation_fraction=0.98)
    assert tonnes == pytest.approx(1289.288, rel=1e-12)


def test_gas_is_counted_in_ten_thousand_normal_cubic_metres():
    # by hand: 250 000 Nm3 = 25 units x 389.31 GJ = 9 732.75 GJ; x 0.0153 x 0.99 x 44/12 = 540.5458 tCO2
    tonnes = fuel.heat_content_emission(
        fuel.gas_amount(250_000.0), net_calorific_value=389.31, carbon_per_energy=0.0153, oxidation_fraction=0.99
    )
    assert tonnes == pytest.approx(9732.75 * 0.055539, rel=1e-9)  # 0.0153 x 0.99 x 44 / 12 = 0.055539


def test_ignition_diesel_metered_by_volume():
    # by hand: 2 m3 x 0.84 = 1.68 t; x 42.652 = 71.65536 GJ; x 0.0202 = 1.447438 tC; x 0.98 x 44/12 = 5.201128 tCO2
    tonnes = fuel.heat_content_emission(
        fuel.fuel_mass(2.0, fuel_density=0.84),
        net_calorific_value=42.652,
        carbon_per_energy=0.0202,
        oxidation_fraction=0.98,
    )
    assert tonnes == pytest.approx(5.201128, abs=1e-6)


def test_waste_by_carbon_share_and_its_memo_are_the_whole_fuel():
    # by hand: 100 t x 12 = 1 200 GJ; x 0.09 = 108 tCO2; 40 % of it 43.2, the rest 64.8
    assert fuel.non_biomass_emission(100.0, **WASTE) == pytest.approx(43.2, rel=1e-12)
    assert fuel.biogenic_memo(100.0, **WASTE) == pytest.approx(64.8, rel=1e-12)


def test_waste_by_energy_share_uses_a_factor_for_each_part():
    # by hand: 1 200 GJ; 480 GJ x 0.0917 = 44.016; 720 GJ x 0.100 = 72
    shares = {"calorific_value": 12.0, "non_biomass_energy_fraction": 0.4}
    assert fuel.non_biomass_emission_by_energy(100.0, emission_factor_fossil=0.0917, **shares) == pytest.approx(44.016)
    assert fuel.biogenic_memo_by_energy(100.0, emission_factor_biogenic=0.1, **shares) == pytest.approx(72.0)


def test_air_dried_carbon_is_brought_to_the_moisture_of_the_scale():
    # by hand: 0.6370 at M_ad 2 %: dry 0.65; at 8 % moisture 0.65 x 0.92 = 0.598
    carbon = fuel.carbon_from_air_dried(0.637, moisture_as_received=0.08, moisture_air_dried=0.02)
    assert carbon == pytest.approx(0.598, rel=1e-12)
    assert fuel.carbon_from_dry(0.65, moisture_as_received=0.08) == pytest.approx(0.598, rel=1e-12)


def test_gross_calorific_value_becomes_net_as_in_joules_per_gram_and_percents():
    # the same formula in the units of the standard: (26 000 - 206 x 3.5) x (100 - 10) / (100 - 1.5) - 23 x 10 J/g
    joules_per_gram = (26_000 - 206 * 3.5) * (100 - 10) / (100 - 1.5) - 23 * 10
    assert joules_per_gram == pytest.approx(22_867.6, abs=0.1)  # by hand: 25 279 x 0.9137056 - 230
    net = fuel.net_calorific_value_from_gross(
        26.0, hydrogen_air_dried=0.035, moisture_total=0.10, moisture_air_dried=0.015
    )
    assert net == pytest.approx(joules_per_gram / 1000, rel=1e-12)


@pytest.mark.parametrize(
    ("changed", "named", "got"),
    [
        ({"net_calorific_value": 23_000.0}, "net_calorific_value", "23000"),  # kJ/kg
        ({"carbon_per_energy": 26.0}, "carbon_per_energy", "26"),  # tC/TJ
        ({"oxidation_fraction": 98.0}, "oxidation_fraction", "98"),  # percent
        ({"oxidation_fraction": 0.84}, "oxidation_fraction", "0.84"),
    ],
)
def test_a_value_in_another_unit_is_refused_by_name(changed, named, got):
    with pytest.raises(DomainError, match=rf"^{named}: expected .* to .*, got {got}$"):
        fuel.heat_content_emission(1.0, **{**COAL, **changed})


def test_the_place_in_an_array_is_named():
    with pytest.raises(DomainError, match=r"carbon_as_received: expected 0.2 to 0.95 tC/t .* got 0.97 at index 2"):
        fuel.measured_carbon_emission(
            np.ones(3), carbon_as_received=np.array([0.6, NAN, 0.97]), oxidation_fraction=0.99
        )


@pytest.mark.parametrize("alpha", [-0.01, 1.01, 60.0])
def test_alpha_is_a_fraction(alpha):
    with pytest.raises(DomainError, match="non_biomass_carbon_fraction"):
        fuel.non_biomass_emission(1.0, **{**WASTE, "non_biomass_carbon_fraction": alpha})
    with pytest.raises(DomainError, match="non_biomass_energy_fraction"):
        fuel.non_biomass_emission_by_energy(
            1.0, calorific_value=12.0, emission_factor_fossil=0.09, non_biomass_energy_fraction=alpha
        )


def test_an_infinite_amount_is_refused():
    with pytest.raises(DomainError, match="fuel_amount: expected a finite number, got inf"):
        fuel.heat_content_emission(math.inf, **COAL)


@pytest.mark.parametrize("missing", [*COAL, "fuel_amount"])
def test_a_missing_input_makes_the_emission_missing_and_not_zero(missing):
    arguments = {"fuel_amount": 1.0, **COAL, missing: NAN}
    assert math.isnan(fuel.heat_content_emission(**arguments))


def test_a_missing_hour_leaves_the_others_alone():
    hours = fuel.heat_content_emission(np.array([1.0, NAN, 2.0]), **COAL)
    assert np.isnan(hours).tolist() == [False, True, False]
    assert hours[2] == 2 * hours[0]


def test_a_sheet_whose_carbon_does_not_fit_its_heat_is_refused():
    fuel.check_coal_analysis(23.0, carbon_as_received=0.598)  # 0.0260 tC/GJ
    with pytest.raises(DomainError, match="coal_carbon_per_energy"):
        fuel.check_coal_analysis(23.0, carbon_as_received=0.70)  # 0.0304
    with pytest.raises(DomainError, match="coal_net_calorific_value"):
        fuel.check_coal_analysis(7.9, carbon_as_received=0.25)


@given(AMOUNT, AMOUNT, NCV, CC, OF)
def test_emissions_of_two_hours_add_up(first, second, ncv, cc, of):
    values = {"net_calorific_value": ncv, "carbon_per_energy": cc, "oxidation_fraction": of}
    apart = fuel.heat_content_emission(first, **values) + fuel.heat_content_emission(second, **values)
    assert fuel.heat_content_emission(first + second, **values) == pytest.approx(apart, rel=1e-9, abs=1e-9)


@given(st.lists(st.tuples(AMOUNT, NCV, CC, OF), min_size=1, max_size=8))
def test_an_array_gives_exactly_what_its_values_give(rows):
    amount, ncv, cc, of = (np.array(column) for column in zip(*rows, strict=True))
    together = fuel.heat_content_emission(amount, net_calorific_value=ncv, carbon_per_energy=cc, oxidation_fraction=of)
    alone = [
        fuel.heat_content_emission(a, net_calorific_value=n, carbon_per_energy=c, oxidation_fraction=o)
        for a, n, c, o in rows
    ]
    assert together.tolist() == alone


@given(AMOUNT, st.floats(0, 60), st.floats(0, 0.2), FRACTION)
def test_fossil_and_biogenic_carbon_are_the_whole_fuel(amount, heat, factor, alpha):
    inputs = {"calorific_value": heat, "emission_factor": factor, "non_biomass_carbon_fraction": alpha}
    both = fuel.non_biomass_emission(amount, **inputs) + fuel.biogenic_memo(amount, **inputs)
    assert both == pytest.approx(amount * heat * factor, rel=1e-9, abs=1e-9)


@given(AMOUNT, NCV, CC, OF)
def test_the_two_forms_agree_where_the_carbon_is_the_same(amount, ncv, cc, of):
    carbon = ncv * cc
    if not 0.2 <= carbon <= 0.95:
        return
    by_heat = fuel.heat_content_emission(amount, net_calorific_value=ncv, carbon_per_energy=cc, oxidation_fraction=of)
    by_carbon = fuel.measured_carbon_emission(amount, carbon_as_received=carbon, oxidation_fraction=of)
    assert by_heat == pytest.approx(by_carbon, rel=1e-12)
