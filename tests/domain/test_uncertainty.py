"""Uncertainty by JJF 1059.1 / GUM (R37). Numbers are independent hand calculations, worked beside."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanji.domain import fuel, uncertainty
from tanji.errors import DomainError

U = st.floats(0, 1e3)
TERMS = st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=12)


def test_a_class_half_scale_is_a_rectangle():
    # by hand: 0.5 % / 1.7320508 = 0.2886751 %
    assert uncertainty.from_permissible_error(0.005) == pytest.approx(0.002886751, abs=5e-10)


def test_a_certificate_is_divided_by_its_coverage_factor_and_back():
    assert uncertainty.from_certificate(0.3) == 0.15
    assert uncertainty.from_certificate(0.3, coverage_factor=3.0) == pytest.approx(0.1)
    assert uncertainty.expanded(0.15) == 0.3


def test_a_full_scale_class_is_worse_at_low_readings():
    # by hand: 0.005 x 40 / (1.7320508 x 20) = 0.00577350; at half the reading twice that
    relative = uncertainty.from_full_scale_class(0.005, full_scale=40.0, reading=np.array([20.0, 10.0, 0.0]))
    assert relative[:2] == pytest.approx([0.00577350, 0.01154701], abs=5e-9)
    assert math.isnan(relative[2])


def test_a_product_adds_squares():
    # by hand: 0.02^2 + 0.03^2 + 0.06^2 = 0.0049
    assert uncertainty.relative_of_product(0.02, 0.03, 0.06) == pytest.approx(0.07, rel=1e-12)


def test_a_sum_with_partial_correlation():
    # by hand: 9 + 16 + 2 x 0.5 x 12 = 37
    assert uncertainty.absolute_of_sum((3.0, 4.0), 0.5) == pytest.approx(math.sqrt(37), rel=1e-12)
    assert uncertainty.absolute_of_sum((3.0, 4.0), np.array([[1, 0.5], [0.5, 1]])) == pytest.approx(math.sqrt(37))
    # by hand, one of three alone: 1 + (2 + 3)^2 = 26
    pair = np.array([[1.0, 0, 0], [0, 1, 1], [0, 1, 1]])
    assert uncertainty.absolute_of_sum((1.0, 2.0, 3.0), pair) == pytest.approx(math.sqrt(26), rel=1e-12)


def test_a_systematic_error_of_twelve_months_adds_up_and_a_random_one_does_not():
    # standard.md section 13: ignoring the correlation understates the year by the root of 12
    months = [10.0] * 12
    assert uncertainty.over_hours(months) == pytest.approx(120.0, rel=1e-12)
    assert uncertainty.over_hours([], random=months) == pytest.approx(34.64102, abs=5e-6)
    # by hand: root(120^2 + 1200) = root(15 600)
    assert uncertainty.over_hours(months, random=months) == pytest.approx(math.sqrt(15_600), rel=1e-12)


def test_fuel_by_both_forms():
    # by hand: 3^2 + 4^2 + 12^2 + 84^2 = 7225 = 85^2 and 2^2 + 3^2 + 6^2 = 7^2, all in thousandths
    by_heat = uncertainty.fuel_by_heat_content(
        u_rel_fuel_amount=0.003,
        u_rel_net_calorific_value=0.004,
        u_rel_carbon_per_energy=0.012,
        u_rel_oxidation_fraction=0.084,
    )
    assert by_heat == pytest.approx(0.085, rel=1e-12)
    by_carbon = uncertainty.fuel_by_measured_carbon(
        u_rel_fuel_amount=0.002, u_rel_carbon_as_received=0.003, u_rel_oxidation_fraction=0.006
    )
    assert by_carbon == pytest.approx(0.007, rel=1e-12)


def test_alternative_fuel_carries_its_alpha():
    u_rel = uncertainty.alternative_fuel(
        u_rel_alternative_fuel_amount=0.01,
        u_rel_calorific_value=0.05,
        u_rel_emission_factor=0.05,
        u_rel_non_biomass_carbon_fraction=0.07,
    )
    assert u_rel == pytest.approx(0.1, rel=1e-12)  # by hand: 1 + 25 + 25 + 49 = 100


def test_the_oxide_factor_and_the_clinker_it_multiplies():
    # by hand: (0.0028 x 44/56)^2 = 0.0022^2; (0.0012 x 1.1)^2 = 0.00132^2; root = 0.002565619
    u_factor = uncertainty.clinker_oxide_factor(u_clinker_cao=0.0028, u_clinker_mgo=0.0012)
    assert u_factor == pytest.approx(0.002565619, abs=5e-10)
    # by hand: 0.002565619 / 0.53 = 0.004840791; with 1 % of clinker: root(1e-4 + 2.343325e-5) = 0.01111005
    u_rel = uncertainty.clinker_by_oxides(u_rel_clinker_output=0.01, u_oxide_factor=u_factor, oxide_factor=0.53)
    assert u_rel == pytest.approx(0.01111005, abs=5e-9)


def test_non_carbonate_oxides_widen_the_factor():
    # by hand: c1 x 0.0028 = 0.0022 twice, c2 x 0.002 = 0.0022 twice: 2 x 0.0022
    u_factor = uncertainty.clinker_oxide_factor(
        u_clinker_cao=0.0028, u_clinker_mgo=0.002, u_clinker_cao_non_carbonate=0.0028, u_clinker_mgo_non_carbonate=0.002
    )
    assert u_factor == pytest.approx(0.0044, rel=1e-12)


def test_the_clinker_factor_and_its_deductions():
    # by hand: 0.48 x 5 = 2.4 and 100 x 0.018 = 1.8: 3 t; 0.5 x 8 = 4 t, 5 000 x 0.0024 = 12 t: root(9 + 16 + 144) = 13
    deduction = uncertainty.substitute_deduction(
        100.0, u_substitute_amount=5.0, deduction_factor=0.48, u_deduction_factor=0.018
    )
    assert deduction == pytest.approx(3.0, rel=1e-12)
    tonnes = uncertainty.clinker_by_factor(
        5000.0,
        u_clinker_output=8.0,
        clinker_process_factor=0.5,
        u_clinker_process_factor=0.0024,
        u_deduction=deduction,
    )
    assert tonnes == pytest.approx(13.0, rel=1e-12)


def test_one_meter_for_both_directions_cancels_its_error():
    assert uncertainty.net_electricity(u_purchased=4.0, u_exported=3.0) == 5.0
    assert uncertainty.net_electricity(u_purchased=4.0, u_exported=3.0, same_meter=True) == 1.0
    assert uncertainty.net_electricity(u_purchased=4.0, u_exported=3.0, u_non_fossil=12.0) == 13.0
    # by hand: 0.5 x 6 = 3 t and 800 x 0.005 = 4 t
    tonnes = uncertainty.net_electricity_emission(800.0, u_net_electricity=6.0, grid_factor=0.5, u_grid_factor=0.005)
    assert tonnes == pytest.approx(5.0, rel=1e-12)


GAS = {
    "u_rel_co2_fraction": 0.02,
    "u_rel_velocity": 0.06,
    "u_rel_area": 0.0,
    "temperature": 91.0,
    "u_temperature": 3.64,
    "pressure": 100_000.0,
    "u_pressure": 1000.0,
    "humidity": 0.1,
    "u_humidity": 0.018,
}


def test_the_flue_gas_and_its_three_variants():
    # by hand, percent: phi 2, v 6, T 3.64/364 = 1, P 1, humidity 0.018/0.9 = 2: 4 + 36 + 1 + 1 + 4 = 46
    assert uncertainty.flue_gas(**GAS, basis="dry") == pytest.approx(math.sqrt(46) / 100, rel=1e-12)
    # wet on wet: no humidity term, 42; behind a pitot tube T and P weigh one half: 46 - 2 + 0.5 = 44.5
    assert uncertainty.flue_gas(**GAS, basis="wet") == pytest.approx(math.sqrt(42) / 100, rel=1e-12)
    assert uncertainty.flue_gas(**GAS, basis="dry", pitot=True) == pytest.approx(math.sqrt(44.5) / 100, rel=1e-12)


@pytest.mark.parametrize(
    ("correlation", "message"),
    [
        (1.5, "expected -1 to 1"),
        (-1.0, "variance of at least 0"),
        (np.eye(2), "expected a 3 by 3 matrix"),
        (np.array([[1, 0, 0], [0.5, 1, 0], [0, 0, 1]]), "symmetric"),
        (np.diag([1.0, 0.5, 1.0]), "ones on the diagonal"),
    ],
)
def test_an_impossible_correlation_is_refused(correlation, message):
    with pytest.raises(DomainError, match=message):
        uncertainty.absolute_of_sum((1.0, 1.0, 1.0), correlation)


def test_a_negative_error_or_coverage_factor_is_refused():
    with pytest.raises(DomainError, match=r"permissible_error: expected at least 0, got -0.005"):
        uncertainty.from_permissible_error(-0.005)
    with pytest.raises(DomainError, match="coverage_factor: expected above 0, got 0"):
        uncertainty.expanded(1.0, coverage_factor=0)
    with pytest.raises(DomainError, match="basis"):
        uncertainty.flue_gas(**GAS, basis="moist")


def test_an_unknown_uncertainty_stays_unknown():
    assert math.isnan(uncertainty.relative_of_product(0.01, float("nan")))
    assert math.isnan(uncertainty.absolute_of_sum((1.0, float("nan")), 1.0))


@given(TERMS)
def test_uncorrelated_never_exceeds_the_sum_of_sizes_and_one_scalar_equals_its_matrix(terms):
    free = uncertainty.absolute_of_sum(terms)
    assert free <= uncertainty.absolute_of_sum(np.abs(terms), 1.0) * (1 + 1e-12)
    half = np.full((len(terms), len(terms)), 0.5) + 0.5 * np.eye(len(terms))
    assert uncertainty.absolute_of_sum(terms, half) == pytest.approx(
        uncertainty.absolute_of_sum(terms, 0.5), rel=1e-9, abs=1e-6
    )


@given(st.floats(0.001, 0.05), st.floats(0.001, 0.05))
def test_the_product_rule_agrees_with_finite_differences_of_the_formula(u_amount, u_heat):
    def tonnes(amount: float, heat: float) -> float:
        return fuel.heat_content_emission(
            amount, net_calorific_value=heat, carbon_per_energy=0.026, oxidation_fraction=0.99
        )

    base = tonnes(100.0, 23.0)
    shifts = (tonnes(100.0 * (1 + u_amount), 23.0) - base, tonnes(100.0, 23.0 * (1 + u_heat)) - base)
    u_rel = uncertainty.fuel_by_heat_content(
        u_rel_fuel_amount=u_amount,
        u_rel_net_calorific_value=u_heat,
        u_rel_carbon_per_energy=0.0,
        u_rel_oxidation_fraction=0.0,
    )
    assert u_rel == pytest.approx(math.hypot(*shifts) / base, rel=1e-9)
