"""Formulas as a sheet states them: the same law as the formulas beside them, with all materials in one line."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanji.domain import process, sheet
from tanji.errors import DomainError

MATERIALS = st.lists(st.tuples(st.floats(0, 500), st.floats(0, 0.6)), min_size=1, max_size=6)


@given(materials=MATERIALS)
def test_g2_deducts_every_material_once_whatever_the_order(materials):
    def emission(rows):
        amounts, factors = np.array(rows).T
        return sheet.clinker_emission_with_substitutes(
            5000.0, clinker_process_factor=0.535, substitute_amount=amounts, deduction_factor=factors
        )

    one_by_one = 5000.0 * 0.535 - sum(amount * factor for amount, factor in materials)
    assert emission(materials) == pytest.approx(one_by_one, abs=1e-9)
    assert emission(materials[::-1]) == pytest.approx(one_by_one, abs=1e-9)


def test_g2_without_substitutes_is_output_times_factor():
    assert sheet.clinker_emission_with_substitutes(5000.0, clinker_process_factor=0.535) == pytest.approx(2675.0)


def test_g2_is_not_cut_off_at_zero():
    # by hand: 10 x 0.535 - 100 x 0.48 = -42.65
    found = sheet.clinker_emission_with_substitutes(
        10.0, clinker_process_factor=0.535, substitute_amount=np.array([100.0]), deduction_factor=np.array([0.48])
    )
    assert found == pytest.approx(-42.65)


@pytest.mark.parametrize("call", ["deduction", "oxide"])
def test_materials_and_their_values_must_be_as_many(call):
    amounts, values = np.array([1.0, 2.0]), np.array([0.5])
    with pytest.raises(DomainError, match="expected one value for each of 2 in substitute_amount, got 1"):
        if call == "deduction":
            sheet.clinker_emission_with_substitutes(
                10.0, clinker_process_factor=0.5, substitute_amount=amounts, deduction_factor=values
            )
        else:
            sheet.non_carbonate_oxide_of_materials(amounts, oxide_fraction=values, clinker_output=10.0)


def test_non_carbonate_oxide_of_two_materials():
    # by hand: (300 x 0.6 + 50 x 0.4) / (4980 + 20) = 200 / 5000
    found = sheet.non_carbonate_oxide_of_materials(
        np.array([300.0, 50.0]), oxide_fraction=np.array([0.6, 0.4]), clinker_output=4980.0, kiln_dust=20.0
    )
    assert found == pytest.approx(0.04)
    assert found == process.non_carbonate_oxide(200.0, clinker_output=4980.0, kiln_dust=20.0)


def test_an_oxide_in_percent_is_refused():
    with pytest.raises(DomainError, match="oxide_fraction: expected 0 to 1 t/t"):
        sheet.non_carbonate_oxide_of_materials(np.array([1.0]), oxide_fraction=np.array([60.0]), clinker_output=10.0)


def test_totals_add_what_is_bought_and_subtract_what_is_sold():
    # by hand: 1300 + 2700 + 530 + 11 - 30 - 1 = 4510
    assert (
        sheet.enterprise_total(
            1300.0,
            process_emission=2700.0,
            electricity_purchased=530.0,
            heat_purchased_emission=11.0,
            electricity_exported=30.0,
            heat_sold_emission=1.0,
        )
        == 4510.0
    )


@given(terms=st.tuples(*[st.floats(-1e6, 1e6)] * 6))
def test_the_enterprise_holds_the_clinker_line(terms):
    combustion, process_emission, *others = terms
    whole = sheet.enterprise_total_method_b(
        combustion,
        process_emission=process_emission,
        net_electricity_emission=others[0],
        net_heat_emission=others[1],
        power_facility_emission=others[2],
        other_emission=others[3],
    )
    line = sheet.clinker_total(combustion, process_emission=process_emission)
    assert whole - sum(others) == pytest.approx(line, abs=1e-6)


@pytest.mark.parametrize("carbon", [0.50, 0.72])
def test_a_coal_sheet_whose_carbon_does_not_go_with_its_heat_is_refused(carbon):
    # 0.50 / 23.076 = 0.0217, 0.72 / 23.076 = 0.0312; standard.md section 3: 0.0235 to 0.0300
    with pytest.raises(DomainError, match=r"coal_carbon_per_energy: expected 0.0235 to 0.03"):
        sheet.carbon_per_energy(carbon, net_calorific_value=23.076)


def test_a_level_is_found_under_its_name():
    assert sheet.benchmark_standing(100.0, indicator="clinker_comprehensive_energy").level == "level_1"


def test_an_exempt_line_has_its_verified_emission_as_quota():
    found = sheet.allowance_position(1e6, intensity=0.9, year=2025, white_cement_only=True)
    assert (found.surplus, found.quota, found.basis) == (0.0, 1e6, "exempt")
