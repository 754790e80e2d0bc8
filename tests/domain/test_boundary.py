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
    Item.NET_HEAT: 512.0,
    Item.CAPTIVE_POWER: 1024.0,
    Item.OTHER_FACILITY: 2048.0,
}
METHOD_A = rulesets.load()[RuleSetId.GBT32151_8]
METHOD_B = rulesets.load()[RuleSetId.CETS_AG_02_01]


@pytest.mark.parametrize(
    ("where", "rule_set", "tonnes"),
    [
        (Boundary.CLINKER, METHOD_B, 1 + 16),
        (Boundary.ENTERPRISE, METHOD_B, 1 + 16 + 32 + 512 + 1024 + 2048),
        (Boundary.CLINKER, METHOD_A, 1 + 2 + 4 + 8),
        (Boundary.ENTERPRISE, METHOD_A, 1 + 2 + 4 + 8 + 32 + 512),
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
    assert boundary.total(figures, boundary=Boundary.ENTERPRISE, rule_set=METHOD_B) == 1 + 16 - 5 + 512 + 1024 + 2048


def reconciled(a=FIGURES, b=FIGURES, **sides):
    sides = {"boundary": Boundary.ENTERPRISE, "rule_set_a": METHOD_A, "rule_set_b": METHOD_B, **sides}
    return boundary.reconcile(a, b, **sides)


def test_a_reconciliation_says_who_counts_what_and_adds_up():
    # by hand: A counts 1 + 2 + 4 + 8 + 32 + 512 = 559; B counts 1 + 16 + 32 + 512 + 1024 + 2048 = 3 633; A - B = -3 074
    found = reconciled()
    assert (found.total_a, found.total_b, found.difference) == (559.0, 3633.0, -3074.0)
    assert {row.item: row.why for row in found.rows} == {
        Item.FOSSIL_FUEL: "same",
        Item.ALTERNATIVE_FUEL: "only_a",
        Item.PROCESS_CARBONATE: "only_a",
        Item.PROCESS_ORGANIC_CARBON: "only_a",
        Item.PROCESS_CLINKER: "only_b",
        Item.NET_ELECTRICITY: "same",
        Item.NET_HEAT: "same",
        Item.CAPTIVE_POWER: "only_b",
        Item.OTHER_FACILITY: "only_b",
    }
    assert sum(row.difference for row in found.rows) == -3074.0


def test_an_item_with_other_factors_on_the_two_sides_is_called_so():
    found = reconciled(b={**FIGURES, Item.FOSSIL_FUEL: 1.5})
    row = next(row for row in found.rows if row.item is Item.FOSSIL_FUEL)
    assert (row.why, row.difference) == ("values_differ", -0.5)


def test_the_two_boundaries_of_one_rule_set_can_be_reconciled():
    found = reconciled(boundary=Boundary.CLINKER, rule_set_a=METHOD_B, boundary_b=Boundary.ENTERPRISE)
    assert found.difference == -(32 + 512 + 1024 + 2048)
    assert {row.why for row in found.rows} == {"same", "only_b"}


def test_a_missing_item_leaves_the_difference_missing_and_an_absent_one_is_an_error():
    missing = reconciled(a={**FIGURES, Item.ALTERNATIVE_FUEL: float("nan")})
    assert math.isnan(missing.difference) and math.isnan(missing.total_a)
    with pytest.raises(DomainError, match="got none for alternative_fuel"):
        reconciled(a={item: value for item, value in FIGURES.items() if item is not Item.ALTERNATIVE_FUEL})
    uncounted = reconciled(a={**FIGURES, Item.PROCESS_CLINKER: float("nan")})  # shown by nobody on side A
    assert uncounted.difference == -3074.0


@given(st.lists(st.floats(-1e6, 1e6), min_size=2 * len(Item), max_size=2 * len(Item)))
def test_the_rows_always_add_up_to_the_difference_of_the_totals(values):
    a, b = dict(zip(Item, values, strict=False)), dict(zip(Item, values[len(Item) :], strict=False))
    found = reconciled(a, b)
    assert found.difference == pytest.approx(found.total_a - found.total_b, rel=1e-9, abs=1e-6)
    assert math.fsum(row.difference for row in found.rows) == pytest.approx(found.difference, rel=1e-9, abs=1e-6)


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
