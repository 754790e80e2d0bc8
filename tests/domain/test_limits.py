"""Hard ranges of raw inputs (standard.md section 14.5; R52)."""

from __future__ import annotations

import numpy as np
import pytest

from tanji.domain import limits
from tanji.errors import DomainError


@pytest.mark.parametrize(
    ("quantity", "low", "high"),
    [
        ("clinker_cao", 0.55, 0.72),
        ("clinker_mgo", 0.0, 0.06),
        ("coal_net_calorific_value", 8, 34),
        ("carbon_as_received", 0.2, 0.95),
        ("coal_carbon_per_energy", 0.0235, 0.03),
        ("co2_fraction_dry", 0.05, 0.45),
        ("humidity", 0.0, 0.4),
        ("temperature", 0, 400),
        ("raw_meal_organic_carbon", 0, 0.02),
        ("oxidation_fraction", 0.85, 1),
        ("hydrogen_air_dried", 0.02, 0.06),
        ("moisture_total", 0, 0.25),
        ("non_biomass_carbon_fraction", 0, 1),
        ("deduction_factor", 0, 0.7),
        ("grid_factor", 0, 1.2),
    ],
)
def test_ranges_are_those_of_the_page(quantity, low, high):
    bounds = limits.HARD_RANGES[quantity]
    assert (bounds.low, bounds.high) == (low, high)


def test_a_limit_itself_is_inside_even_after_conversion_from_percents():
    limits.require(clinker_cao=55 * 0.01, clinker_mgo=6 * 0.01, deduction_factor=70 * 0.01)
    with pytest.raises(DomainError, match="deduction_factor"):
        limits.require(deduction_factor=0.7001)


def test_within_masks_what_a_formula_would_refuse_and_what_is_missing():
    readings = np.array([0.2, 0.0004, np.nan, 0.46, 0.45])
    assert limits.within("co2_fraction_dry", readings).tolist() == [True, False, False, False, True]


def test_a_missing_value_passes_and_a_negative_amount_too():
    limits.require(clinker_cao=float("nan"))
    limits.require_finite(fuel_amount=np.array([-0.01, np.nan]))


def test_an_unknown_quantity_is_refused_with_the_known_ones():
    with pytest.raises(DomainError, match=r"hard range: expected one of calorific_value, .* got coal"):
        limits.within("coal", 1.0)
