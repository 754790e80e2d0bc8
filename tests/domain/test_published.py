"""Arithmetic of published fuel figures and sums: it agrees with the method where both say the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanji.domain import fuel, published
from tanji.errors import DomainError

AMOUNT = st.floats(1e-3, 1e6)
CALORIFIC = st.floats(1, 55)
CARBON = st.floats(0.01, 0.05)
OXIDISED = st.floats(0.85, 1)


@given(amount=AMOUNT, calorific=CALORIFIC, carbon=CARBON, oxidised=OXIDISED)
def test_the_steps_of_f2_one_by_one_give_f2(amount, calorific, carbon, oxidised):
    heat = published.heat_of_fuel(amount, net_calorific_value=calorific)
    factor = published.factor_of_fuel(carbon, oxidation_fraction=oxidised)
    whole = fuel.heat_content_emission(
        amount, net_calorific_value=calorific, carbon_per_energy=carbon, oxidation_fraction=oxidised
    )
    assert published.heat_emission(heat, emission_factor=factor) == pytest.approx(whole, rel=1e-12)
    assert published.energy_factor_emission(
        amount, net_calorific_value=calorific, emission_factor=factor
    ) == pytest.approx(whole, rel=1e-12)


@given(amount=AMOUNT, factor=st.floats(2, 5))
def test_twice_the_fuel_is_twice_the_standard_coal(amount, factor):
    one = published.coal_equivalent(amount, net_calorific_value=20.9)
    assert published.coal_equivalent(amount * factor, net_calorific_value=20.9) == pytest.approx(one * factor)


def test_standard_coal_of_another_edition_is_an_input():
    # 20908 / 29271 = 0.71429, 20908 / 29307.6 = 0.71340
    assert published.coal_equivalent(1, net_calorific_value=20.908, standard_coal_heat=29.271) == pytest.approx(
        0.71429, abs=5e-6
    )
    assert published.coal_equivalent(1, net_calorific_value=20.908) == pytest.approx(0.71340, abs=5e-6)


def test_standard_coal_of_another_heat_altogether_is_refused():
    with pytest.raises(DomainError, match=r"standard_coal_heat: expected about 29.3 GJ/t, got 25"):
        published.coal_equivalent(1, net_calorific_value=20.9, standard_coal_heat=25.0)


@given(older=st.floats(0.1, 1), newer=st.floats(0.1, 1))
def test_a_change_applied_to_the_old_figure_gives_the_new_one(older, newer):
    assert older * (1 + published.change(newer, older=older)) == pytest.approx(newer)


def test_nothing_is_divided_by_zero():
    with pytest.raises(DomainError, match="older: expected a number other than 0"):
        published.change(1.0, older=0.0)
    with pytest.raises(DomainError, match="whole: expected a number other than 0"):
        published.share(1.0, whole=0.0)


@given(parts=st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=10))
def test_the_order_of_the_parts_does_not_change_their_sum(parts):
    assert published.sum_of_parts(parts).computed == published.sum_of_parts(parts[::-1]).computed


def test_a_sum_without_a_stated_total_has_no_verdict():
    found = published.sum_of_parts([1.0, 2.0])
    assert (found.computed, found.stated, found.difference, found.consistent) == (3.0, None, None, None)


@pytest.mark.parametrize(("stated", "consistent"), [(183778562, True), (183778563, True), (183778564, False)])
def test_a_disclosed_total_is_held_against_its_parts(stated, consistent):
    # COMP-03 of standard.md section 16: 175889434 + 7889128 = 183778562
    assert (
        published.direct_and_indirect(175889434, indirect=7889128, stated=stated, tolerance=1).consistent is consistent
    )
