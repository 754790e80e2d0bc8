"""Electricity and heat (R19, R20). Numbers are independent hand calculations, worked beside."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanji.domain import electricity
from tanji.errors import DomainError

ENERGY = st.floats(0, 1e6)
NAN = float("nan")


def test_net_purchase_of_a_month_without_and_with_non_fossil_power():
    # by hand: 9 500 - 300 = 9 200 MWh x 0.5 = 4 600 t; less 1 200 MWh of green power: 8 000 x 0.5 = 4 000 t
    assert electricity.net_electricity_emission(9500.0, exported=300.0, grid_factor=0.5) == 4600.0
    assert electricity.net_electricity_emission(9500.0, exported=300.0, non_fossil=1200.0, grid_factor=0.5) == 4000.0


def test_a_negative_net_is_kept():
    assert electricity.net_electricity_emission(100.0, exported=300.0, grid_factor=0.5) == -100.0


def test_electricity_of_clinker_production():
    # by hand: 5 000 t x 52 kWh/t = 260 MWh; x 0.55 = 143 t
    assert electricity.information_emission(260.0, grid_factor=0.55) == pytest.approx(143.0, rel=1e-12)


def test_purchased_and_sold_heat():
    # by hand: water 500 t x (75 - 20) x 4.1868e-3 = 115.137 GJ; steam 20 t x (2 900 - 83.74) x 1e-3 = 56.3252 GJ
    water = electricity.hot_water_heat(500.0, water_temperature=75.0)
    steam = electricity.steam_heat(20.0, steam_enthalpy=2900.0)
    assert (water, steam) == pytest.approx((115.137, 56.3252), rel=1e-12)
    # 115.137 - 56.3252 = 58.8118 GJ x 0.11 = 6.469298 t
    tonnes = electricity.net_heat_emission(water, heat_sold=steam, heat_factor=0.11)
    assert tonnes == pytest.approx(6.469298, rel=1e-9)


@pytest.mark.parametrize("factor", [-0.01, 1.21, 530.6])
def test_a_grid_factor_in_another_unit_is_refused(factor):
    with pytest.raises(DomainError, match=r"grid_factor: expected 0 to 1.2 tCO2/MWh .* got"):
        electricity.net_electricity_emission(1.0, exported=0.0, grid_factor=factor)
    with pytest.raises(DomainError, match="grid_factor"):
        electricity.information_emission(1.0, grid_factor=factor)


@pytest.mark.parametrize("missing", ["purchased", "exported", "non_fossil", "grid_factor"])
def test_a_missing_meter_makes_the_emission_missing_and_not_zero(missing):
    inputs = {"purchased": 1.0, "exported": 0.0, "non_fossil": 0.0, "grid_factor": 0.5, missing: NAN}
    assert math.isnan(electricity.net_electricity_emission(**inputs))


@given(ENERGY, ENERGY, ENERGY, st.floats(0, 1.2))
def test_what_is_bought_and_sold_again_emits_nothing(purchased, exported, more, factor):
    once = electricity.net_electricity_emission(purchased, exported=exported, grid_factor=factor)
    again = electricity.net_electricity_emission(purchased + more, exported=exported + more, grid_factor=factor)
    assert again == pytest.approx(once, abs=1e-6)


@given(st.lists(st.tuples(ENERGY, ENERGY), min_size=1, max_size=8))
def test_an_array_gives_exactly_what_its_values_give(rows):
    purchased, exported = (np.array(column) for column in zip(*rows, strict=True))
    together = electricity.net_electricity_emission(purchased, exported=exported, grid_factor=0.5)
    alone = [electricity.net_electricity_emission(p, exported=e, grid_factor=0.5) for p, e in rows]
    assert together.tolist() == alone
