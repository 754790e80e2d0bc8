"""Yearly means weighted by consumption (R16, R21). Numbers are hand calculations, worked beside."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanji.domain import fuel, yearly

MONTHS = st.lists(st.tuples(st.floats(1, 1e5), st.floats(15, 30), st.floats(0.0235, 0.03)), min_size=1, max_size=12)


def test_a_month_without_coal_needs_no_sample():
    ncv, cc = np.array([20.0, math.nan, 22.0]), np.array([0.026, math.nan, 0.027])
    amount = np.array([100.0, 0.0, 300.0])
    assert yearly.yearly_net_calorific_value(ncv, fuel_amount=amount) == 21.5
    # by hand: 2 000 and 6 600 GJ: (52 + 178.2)/8 600 = 0.026767442
    year = yearly.yearly_carbon_per_energy(cc, fuel_amount=amount, net_calorific_value=ncv)
    assert year == pytest.approx(0.026767442, abs=1e-9)


def test_a_month_with_coal_and_without_a_value_makes_the_mean_missing():
    amount = np.array([100.0, 300.0])
    assert math.isnan(yearly.yearly_net_calorific_value(np.array([20.0, math.nan]), fuel_amount=amount))
    assert math.isnan(yearly.weighted_mean(np.array([20.0, 21.0]), weights=np.array([1.0, math.nan])))


def test_a_year_without_coal_has_no_mean():
    assert math.isnan(yearly.yearly_net_calorific_value(np.array([20.0]), fuel_amount=np.array([0.0])))


@given(MONTHS)
def test_the_year_by_its_means_is_the_sum_of_its_months(months):
    amount, ncv, cc = (np.array(column) for column in zip(*months, strict=True))
    by_month = fuel.heat_content_emission(
        amount, net_calorific_value=ncv, carbon_per_energy=cc, oxidation_fraction=0.99
    )
    year = fuel.heat_content_emission(
        float(amount.sum()),
        net_calorific_value=yearly.yearly_net_calorific_value(ncv, fuel_amount=amount),
        carbon_per_energy=yearly.yearly_carbon_per_energy(cc, fuel_amount=amount, net_calorific_value=ncv),
        oxidation_fraction=0.99,
    )
    assert by_month.sum() == pytest.approx(year, rel=1e-9)


@given(MONTHS)
def test_a_mean_lies_between_its_extremes(months):
    amount, ncv, _ = (np.array(column) for column in zip(*months, strict=True))
    mean = yearly.yearly_net_calorific_value(ncv, fuel_amount=amount)
    assert ncv.min() - 1e-9 <= mean <= ncv.max() + 1e-9
