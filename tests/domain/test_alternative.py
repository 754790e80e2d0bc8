"""Alternative fuels, second form and memo (R17): independent hand calculations. The first form is in test_fuel."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanji.domain import alternative, fuel
from tanji.errors import DomainError

FRACTION = st.floats(0, 1)
WASTE = {"waste_carbon_fraction": 0.26, "fossil_carbon_fraction": 0.4, "burnout_fraction": 0.97}


def test_incinerated_waste_by_its_carbon():
    # by hand: 150 t x 0.26 = 39 tC; x 0.97 = 37.83 burn; 40 % fossil 15.132 tC x 44/12 = 55.484 t; rest 83.226 t
    assert alternative.waste_carbon_emission(150.0, **WASTE) == pytest.approx(55.484, rel=1e-9)
    assert alternative.waste_carbon_memo(150.0, **WASTE) == pytest.approx(83.226, rel=1e-9)


@pytest.mark.parametrize("name", WASTE)
@pytest.mark.parametrize("value", [-0.01, 1.01, 40.0])
def test_each_of_its_inputs_is_a_fraction(name, value):
    for formula in (alternative.waste_carbon_emission, alternative.waste_carbon_memo):
        with pytest.raises(DomainError, match=f"^{name}: expected 0 to 1"):
            formula(1.0, **{**WASTE, name: value})


@pytest.mark.parametrize("missing", [*WASTE, "alternative_fuel_amount"])
def test_a_missing_input_makes_the_emission_missing_and_not_zero(missing):
    assert math.isnan(alternative.waste_carbon_emission(**{"alternative_fuel_amount": 1.0, **WASTE, missing: math.nan}))


def test_the_three_forms_are_reached_from_the_fuel_module_too():
    for name in ("non_biomass_emission", "biogenic_memo", "non_biomass_emission_by_energy", "biogenic_memo_by_energy"):
        assert getattr(fuel, name) is getattr(alternative, name)


@given(st.floats(0, 1e5), FRACTION, FRACTION, FRACTION)
def test_fossil_and_biogenic_carbon_are_all_that_burns(amount, carbon, fossil, burnt):
    inputs = {"waste_carbon_fraction": carbon, "fossil_carbon_fraction": fossil, "burnout_fraction": burnt}
    both = alternative.waste_carbon_emission(amount, **inputs) + alternative.waste_carbon_memo(amount, **inputs)
    assert both == pytest.approx(amount * carbon * burnt * 44 / 12, rel=1e-9, abs=1e-9)


@given(st.lists(st.tuples(st.floats(0, 1e5), FRACTION, FRACTION, FRACTION), min_size=1, max_size=6))
def test_an_array_gives_exactly_what_its_values_give(rows):
    amount, carbon, fossil, burnt = (np.array(column) for column in zip(*rows, strict=True))
    together = alternative.waste_carbon_emission(
        amount, waste_carbon_fraction=carbon, fossil_carbon_fraction=fossil, burnout_fraction=burnt
    )
    alone = [
        alternative.waste_carbon_emission(q, waste_carbon_fraction=c, fossil_carbon_fraction=f, burnout_fraction=b)
        for q, c, f, b in rows
    ]
    assert together.tolist() == alone
