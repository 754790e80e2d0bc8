"""Stock change, stocktake and the closing of a month (R21, R52). Numbers are hand calculations, worked beside."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanji.domain import fuel, stock
from tanji.errors import DomainError

TONNES = st.floats(0, 1e6)


def test_a_month_without_purchases_lives_on_its_stock():
    # by hand: 0 + 900 - 250 - 0 = 650
    assert stock.stock_consumption(0.0, opening_stock=900.0, closing_stock=250.0, sold_amount=0.0) == 650.0


def test_a_missing_stocktake_makes_the_consumption_missing():
    assert math.isnan(stock.stock_consumption(1.0, opening_stock=math.nan, closing_stock=0.0, sold_amount=0.0))
    with pytest.raises(DomainError, match="opening_stock: expected a finite number"):
        stock.stock_consumption(1.0, opening_stock=math.inf, closing_stock=0.0, sold_amount=0.0)


def test_a_month_of_standstill_closes_on_itself():
    assert stock.closing_factor(0.0, hour_amounts=np.zeros(3)) == 1.0
    assert stock.close_month(np.zeros(3), month_amount=0.0).tolist() == [0.0, 0.0, 0.0]


@pytest.mark.parametrize(("month", "hours"), [(10.0, [0.0, 0.0]), (-10.0, [5.0]), (10.0, [-20.0, 5.0])])
def test_a_month_that_cannot_be_spread_is_an_error_and_not_an_infinite_hour(month, hours):
    with pytest.raises(DomainError, match="closing_factor: expected a month and hours above 0"):
        stock.closing_factor(month, hour_amounts=np.array(hours))


def test_a_missing_hour_or_month_leaves_the_month_open():
    assert math.isnan(stock.closing_factor(10.0, hour_amounts=np.array([5.0, math.nan])))
    assert math.isnan(stock.closing_factor(math.nan, hour_amounts=np.array([5.0])))


@given(st.lists(st.floats(0.001, 1e4), min_size=1, max_size=744), st.floats(0.001, 1e6))
def test_closed_hours_add_up_to_the_month(hours, month):
    closed = stock.close_month(np.array(hours), month_amount=month)
    assert closed.sum() == pytest.approx(month, rel=1e-9)
    assert len(closed) == len(hours)


@given(st.lists(st.floats(0.001, 1e4), min_size=1, max_size=48), st.floats(0.9, 1.1))
def test_emissions_of_closed_hours_add_up_to_the_emission_of_the_month(hours, factor):
    month = sum(hours) * factor
    coal = {"net_calorific_value": 23.0, "carbon_per_energy": 0.026, "oxidation_fraction": 0.99}
    by_hour = fuel.heat_content_emission(stock.close_month(np.array(hours), month_amount=month), **coal)
    assert by_hour.sum() == pytest.approx(fuel.heat_content_emission(month, **coal), rel=1e-9)


@given(TONNES, TONNES, TONNES, TONNES, TONNES)
def test_two_months_in_a_row_are_one_period(first, second, opening, between, closing):
    apart = sum(
        stock.stock_consumption(bought, opening_stock=start, closing_stock=end, sold_amount=0.0)
        for bought, start, end in ((first, opening, between), (second, between, closing))
    )
    whole = stock.stock_consumption(first + second, opening_stock=opening, closing_stock=closing, sold_amount=0.0)
    assert whole == pytest.approx(apart, rel=1e-9, abs=1e-6)
