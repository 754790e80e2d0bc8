"""Totals of both boundaries under both rule sets, intensity and sum checks (R8, R41); sums worked by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanji.domain import boundary, rulesets
from tanji.domain.items import Boundary, Item, RuleSetId
from tanji.errors import DomainError

# powers of two, so that every subset has a sum of its own and a wrong item cannot hide
FIGURES = {
    Item.FOSSIL_FUEL: 1.0,
    Item.ALTERNATIVE_FUEL: 2.0,
    Item.PROCESS_CARBONATE: 4.0,
    Item.PROCESS_ORGANIC_CARBON: 8.0,
    Item.PROCESS_CLINKER: 16.0,
    Item.NET_ELECTRICITY: 32.0,
    Item.BIOGENIC: 64.0,
    Item.CLINKER_ELECTRICITY: 128.0,
    Item.FLUE_GAS: 256.0,
}
METHOD_A = rulesets.load()[RuleSetId.GBT32151_8]
METHOD_B = rulesets.load()[RuleSetId.CETS_AG_02_01]


@pytest.mark.parametrize(
    ("where", "rule_set", "tonnes"),
    [
        (Boundary.CLINKER, METHOD_B, 1 + 16),
        (Boundary.ENTERPRISE, METHOD_B, 1 + 16 + 32),
        (Boundary.CLINKER, METHOD_A, 1 + 2 + 4 + 8),
        (Boundary.ENTERPRISE, METHOD_A, 1 + 2 + 4 + 8 + 32),
    ],
)
def test_a_total_adds_exactly_the_counted_items(where, rule_set, tonnes):
    assert boundary.total(FIGURES, boundary=where, rule_set=rule_set) == tonnes


def test_the_flue_gas_is_compared_with_all_fuels_and_calcination():
    assert boundary.flue_gas_equivalent(FIGURES, rule_set=METHOD_A) == 1 + 2 + 64 + 4 + 8
    assert boundary.flue_gas_equivalent(FIGURES, rule_set=METHOD_B) == 1 + 2 + 64 + 16


def test_a_counted_item_nobody_calculated_is_an_error_and_not_zero():
    figures = {Item.FOSSIL_FUEL: 1.0}
    with pytest.raises(
        DomainError, match=r"expected figures for fossil_fuel, process_clinker .* got none for process_"
    ):
        boundary.total(figures, boundary=Boundary.CLINKER, rule_set=METHOD_B)


def test_an_item_that_is_missing_for_an_hour_makes_that_hours_total_missing():
    figures = {Item.FOSSIL_FUEL: np.array([1.0, 2.0]), Item.PROCESS_CLINKER: np.array([3.0, float("nan")])}
    hours = boundary.total(figures, boundary=Boundary.CLINKER, rule_set=METHOD_B)
    assert hours[0] == 4.0
    assert math.isnan(hours[1])


def test_a_negative_net_of_electricity_lowers_the_enterprise_total():
    figures = {**FIGURES, Item.NET_ELECTRICITY: -5.0}
    assert boundary.total(figures, boundary=Boundary.ENTERPRISE, rule_set=METHOD_B) == 12.0


def test_intensity_of_a_level_two_kiln():
    # standard.md section 14.2: 100 kgce/t is 0.279 t of fuel CO2, with 0.535 of process 0.814 tCO2/t
    assert boundary.intensity(0.279 * 5000 + 0.535 * 5000, output=5000.0) == pytest.approx(0.814, rel=1e-12)


@pytest.mark.parametrize("output", [0.0, -0.2, float("nan")])
def test_intensity_is_not_defined_while_the_kiln_stands(output):
    assert math.isnan(boundary.intensity(12.0, output=output))
    assert math.isnan(boundary.intensity(0.0, output=output))


def test_intensity_of_hours_is_not_defined_only_where_the_kiln_stood():
    hours = boundary.intensity(np.array([160.0, 1.0]), output=np.array([200.0, 0.0]))
    assert hours[0] == 0.8
    assert math.isnan(hours[1])


def test_a_sum_check_with_a_missing_part_is_not_consistent():
    assert not boundary.check_sum((1.0, float("nan")), stated=1.0, tolerance=1.0).consistent


@given(st.lists(st.tuples(st.floats(0, 1e6), st.floats(0, 1e6)), min_size=1, max_size=24))
def test_hours_add_up_to_the_period(hours):
    fuel, clinker = (np.array(column) for column in zip(*hours, strict=True))
    by_hour = boundary.total(
        {Item.FOSSIL_FUEL: fuel, Item.PROCESS_CLINKER: clinker}, boundary=Boundary.CLINKER, rule_set=METHOD_B
    )
    period = boundary.total(
        {Item.FOSSIL_FUEL: float(fuel.sum()), Item.PROCESS_CLINKER: float(clinker.sum())},
        boundary=Boundary.CLINKER,
        rule_set=METHOD_B,
    )
    assert float(by_hour.sum()) == pytest.approx(period, rel=1e-9)
