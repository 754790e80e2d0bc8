"""The calculator (R58): a hand calculation for every formula, published figures, lists, and what is refused."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanji.domain import catalogue
from tanji.domain.calculator import Answer, calculate, scale
from tanji.errors import InputError

VECTORS = Path(__file__).parent / "vectors"
HAND = json.loads((VECTORS / "hand_calculations.json").read_text(encoding="utf-8"))
PUBLISHED = json.loads((VECTORS / "published.json").read_text(encoding="utf-8"))
COAL = {"FC": 100, "NCV": 23.076, "CC": 0.02618, "OF": 0.99}


def answer(formula: str, inputs: dict[str, Any], unit: str | None = None) -> Answer:
    return calculate(catalogue.find(formula), inputs, unit=unit)


@pytest.mark.parametrize("case", HAND, ids=lambda case: case["formula"])
def test_every_formula_gives_what_the_hand_calculation_gives(case, arithmetic):
    assert arithmetic(case["note"]) == pytest.approx(case["expected"], rel=2e-9, abs=1e-12)
    assert answer(case["formula"], case["inputs"]).value == pytest.approx(case["expected"], rel=2e-9, abs=1e-12)


@pytest.mark.parametrize("case", PUBLISHED, ids=lambda case: case["id"])
def test_published_figures_are_met_within_their_rounding(case):
    assert case["source"] and case["url"].startswith("http")
    value = answer(case["formula"], case["inputs"], case.get("unit")).value
    assert value == pytest.approx(case["expected"], rel=1e-12, abs=case["tolerance"])


EXTENSIVE = {"t", "tCO2", "GJ", "MWh", "m3", "Nm3", "1e4Nm3", "tce"}
"""Units of amounts, which double when the plant doubles."""


def enlarged(value: Any, factor: float) -> Any:
    """An input as it was written, every number in it multiplied."""
    if isinstance(value, dict):
        return {**value, "value": enlarged(value["value"], factor)}
    return [part * factor for part in value] if isinstance(value, list) else value * factor


@given(case=st.sampled_from(HAND), factor=st.floats(0.1, 100))
def test_a_plant_of_twice_the_size_emits_twice_as_much_at_the_same_intensity(case, factor):
    formula = catalogue.find(case["formula"])
    amounts = {key for key in case["inputs"] if formula.input(key).unit in EXTENSIVE}
    inputs = {key: enlarged(value, factor) if key in amounts else value for key, value in case["inputs"].items()}
    scaling = factor if amounts and formula.unit in EXTENSIVE else 1.0
    assert answer(formula.id, inputs).value == pytest.approx(case["expected"] * scaling, rel=2e-9, abs=1e-12)


@given(
    scaled=st.lists(st.sampled_from(["FC", "NCV", "CC", "OF"]), min_size=1, max_size=4),
    amount=st.floats(1e-3, 1e6),
)
def test_any_mixture_of_units_gives_the_same_tonnes(scaled, amount):
    in_other_units = {
        "FC": {"value": amount * 1e3, "unit": "kg"},
        "NCV": {"value": 23076, "unit": "kJ/kg"},
        "CC": {"value": 26.18, "unit": "kgC/GJ"},
        "OF": {"value": 99, "unit": "%"},
    }
    plain = {**COAL, "FC": amount}
    mixed = {name: in_other_units[name] if name in scaled else value for name, value in plain.items()}
    assert answer("F2", mixed).value == pytest.approx(answer("F2", plain).value, rel=1e-12)


@given(unit=st.sampled_from(["kg CO2", "t", "Mt CO2", "lb CO2", "万吨CO2"]), value=st.floats(1e-6, 1e9))
def test_a_result_in_another_unit_is_the_same_mass(unit, value):
    inputs = {"AD": value, "EF": 0.5}
    assert answer("F6", inputs, unit).value / scale("tCO2", unit) == pytest.approx(value * 0.5, rel=1e-12)


def test_a_list_of_values_gives_a_list_and_a_sum_where_one_means_something():
    # by hand: 100 x 0.5 + 200 x 0.5 = 150 tCO2
    found = answer("F6", {"AD": [100, 200], "EF": 0.5})
    assert found.value == (50.0, 100.0)
    assert found.total == 150.0
    assert answer("F8", {"E": [50, 60], "output": [100, 100]}).total is None  # intensities do not add up


def test_lists_of_different_lengths_are_refused():
    with pytest.raises(InputError, match="lists of one length"):
        answer("F8", {"E": [1, 2, 3], "output": [1, 2]})


def test_a_single_value_goes_with_every_value_of_a_list():
    assert answer("F2", {**COAL, "FC": [1, 2]}).total == pytest.approx(3 * 23.076 * 0.02618 * 0.99 * 44 / 12)


def test_an_intensity_without_output_is_not_defined_and_says_so():
    found = answer("F8", {"E": 100, "output": 0})
    assert found.value is None
    assert found.warnings == ("I: not defined for these inputs; neither zero nor infinite",)


def test_a_missing_hour_is_left_out_of_the_mean_and_a_missing_mass_of_no_sum():
    # by hand: mean of 150 and 160 t/h over 30 minutes: 77.5 t
    assert answer("CEMS_HOUR", {"G": [150, 160, None], "minutes": 30}).value == 77.5
    assert answer("CEMS_PERIOD", {"G_h": [150, None], "a": 0.95}).value is None


def test_inputs_outside_the_soft_range_and_defaults_are_warned_of():
    found = answer("F4E", {"CaO": 0.60, "MgO": 0.02})
    assert found.warnings[0] == "FR1 (clinker_cao): usually 0.62 to 0.68 t/t (plausible range of Tanji), got 0.6"
    assert found.warnings[1:] == (
        "FR10 (clinker_cao_non_carbonate): not given, taken as 0 t/t",
        "FR20 (clinker_mgo_non_carbonate): not given, taken as 0 t/t",
        "kind (clinker_kind): not given, taken as portland",
    )


def test_a_negative_net_is_kept_and_warned_of():
    found = answer("G3", {"purchased": 100, "exported": 120, "EF": 0.5})
    assert found.value == -10.0
    assert "E: below zero: more is exported than bought; kept" in found.warnings


def test_a_verdict_comes_beside_its_value():
    found = answer("DISCLOSED", {"direct": 44372400, "indirect": 1013800, "stated": 453862000, "tolerance": 1})
    assert found.value == 45386200.0  # standard.md section 16, COMP-08: ten times too large
    assert dict(found.details) == {"stated": 453862000.0, "difference": 408475800.0, "consistent": False}


def test_the_level_of_an_intensity_comes_beside_it():
    # standard.md section 14.1: 94 / 100 / 109 kgce/t
    found = answer("GB16780", {"e": 98, "indicator": "clinker_comprehensive_coal"})
    assert dict(found.details)["level"] == "level_2"
    assert dict(found.details)["levels"] == [94.0, 100.0, 109.0]


@pytest.mark.parametrize(
    ("inputs", "field", "message"),
    [
        ({**COAL, "OF": 94}, "OF (oxidation_fraction)", "0.85 to 1 (plausible range of Tanji)"),
        ({**COAL, "NCV": 23076}, "NCV (net_calorific_value)", "0 to 600"),
        ({**COAL, "FC": -1}, "FC (fuel_amount)", "at least 0 t"),
        ({**COAL, "FC": math.nan}, "FC (fuel_amount)", "a finite number"),
        ({**COAL, "FC": math.inf}, "FC (fuel_amount)", "a finite number"),
        ({**COAL, "FC": 10**400}, "FC (fuel_amount)", "a finite number"),
        ({**COAL, "FC": True}, "FC (fuel_amount)", "a number in t, got true"),
        ({**COAL, "FC": "100"}, "FC (fuel_amount)", "a number in t, got '100'"),
        ({**COAL, "FC": None}, "FC (fuel_amount)", "a number in t, got null"),
        ({**COAL, "FC": []}, "FC (fuel_amount)", "at least one number"),
        ({**COAL, "FC": {"value": 1, "unit": "GJ"}}, "FC (fuel_amount)", "got GJ (heat)"),
        ({**COAL, "FC": {"value": 1, "unit": "stone"}}, "FC (fuel_amount)", "got 'stone'"),
        ({**COAL, "FC": {"value": 1, "unit": ""}}, "FC (fuel_amount)", "a unit in words"),
        ({**COAL, "FC": {"amount": 1}}, "FC (fuel_amount)", '"value" and "unit"'),
        ({**COAL, "CC": {"value": 96, "unit": "kgCO2/GJ"}}, "CC (carbon_per_energy)", "got kgCO2/GJ (CO2/heat)"),
        ({**COAL, "ash": 0.1}, "ash", "one of the inputs of F2"),
        ({"FC": 1, "NCV": 23, "CC": 0.026}, "OF (oxidation_fraction)", "a value, got none"),
        ({**COAL, "fuel amount": 3}, "FC (fuel_amount)", "another one under the name fuel amount"),
    ],
)
def test_an_impossible_input_is_refused_by_its_name(inputs, field, message):
    with pytest.raises(InputError) as refused:
        answer("F2", inputs)
    assert [fault.field for fault in refused.value.faults] == [field]
    assert message in str(refused.value)


def test_every_wrong_input_is_named_at_once():
    with pytest.raises(InputError) as refused:
        answer("F2", {"FC": "x", "NCV": True, "foo": 1})
    assert [fault.field for fault in refused.value.faults] == [
        "FC (fuel_amount)",
        "NCV (net_calorific_value)",
        "foo",
        "CC (carbon_per_energy)",
        "OF (oxidation_fraction)",
    ]


def test_a_value_out_of_range_is_shown_as_it_was_given():
    with pytest.raises(InputError, match=r"got 94 \(given as 9400 %\)"):
        answer("F2", {**COAL, "OF": {"value": 9400, "unit": "%"}})


def test_a_result_in_a_unit_of_another_dimension_is_refused():
    with pytest.raises(InputError, match="unit: expected a unit of CO2, like tCO2, got GJ"):
        answer("F2", COAL, "GJ")
    with pytest.raises(InputError, match="unit: expected a unit"):
        answer("F2", COAL, "parsec")


def test_a_division_by_zero_names_the_input():
    with pytest.raises(InputError, match=r"^old \(older\): expected a number other than 0"):
        answer("CHANGE", {"new": 1, "old": 0})


def test_inputs_that_only_together_are_impossible_are_named_by_what_they_make():
    with pytest.raises(InputError, match=r"^closing_factor: expected a month and hours above 0, got 10 and 0$"):
        answer("CLOSING", {"month": 10, "hours": [0, 0]})


def test_a_result_too_large_for_a_number_is_refused():
    with pytest.raises(InputError, match="a result that is a finite number"):
        answer("CHANGE", {"new": 1e308, "old": 1e-5})
    with pytest.raises(InputError, match="inputs: expected numbers the formula can work with"):
        answer("SUM", {"parts": [1.7e308, 1.7e308]})
    with pytest.raises(InputError, match="a result that is a finite number"):
        answer("F6", {"AD": [1.7e308, 1.7e308], "EF": 1})
    with pytest.raises(InputError, match="a result that is a finite number"):
        answer("F6", {"AD": 1e306, "EF": 1}, "kg")
    with pytest.raises(InputError, match=r"^AD .*: expected a finite number in MWh, got 1e\+308 TWh"):
        answer("F6", {"AD": {"value": 1e308, "unit": "TWh"}, "EF": 1})
