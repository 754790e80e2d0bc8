"""Derivations (R58): whoever follows the printed numbers with a pocket calculator gets the printed result."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanji.domain import catalogue
from tanji.domain.calculator import calculate
from tanji.domain.derivation import MOST_CASES

CASES = json.loads((Path(__file__).parent / "vectors" / "hand_calculations.json").read_text(encoding="utf-8"))
PRINTED_DIGITS = 1e-8
"""Numbers are printed with ten digits, so the arithmetic of the print agrees to about that."""


def derived(formula: str, inputs: dict[str, Any], unit: str | None = None) -> list[str]:
    return calculate(catalogue.find(formula), inputs, unit=unit).derivation.split("\n")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["formula"])
def test_the_printed_arithmetic_of_every_formula_gives_the_printed_result(case, arithmetic):
    *_, last = derived(case["formula"], case["inputs"])
    _, *middle, result = last.split(" = ")
    assert arithmetic(" = ".join(middle)) == pytest.approx(float(result.split(" ")[0]), rel=PRINTED_DIGITS, abs=1e-12)


@given(
    amount=st.floats(0, 1e7),
    calorific=st.floats(8, 34),
    carbon=st.floats(0.0235, 0.03),
    oxidised=st.floats(0.85, 1),
)
def test_any_numbers_recompute_from_the_print(amount, calorific, carbon, oxidised, arithmetic):
    lines = derived("F2", {"FC": amount, "NCV": calorific, "CC": carbon, "OF": oxidised})
    _, numbers, result = lines[-1].split(" = ")
    assert arithmetic(numbers) == pytest.approx(float(result.removesuffix(" tCO2")), rel=PRINTED_DIGITS, abs=1e-9)


def test_conversions_come_before_the_numbers_and_other_units_behind():
    # by hand: 0.001 t x 20.908 GJ/t x 0.02637 tC/GJ x 0.94 x 44/12 = 0.001900298849 t = 1.900298849 kg
    lines = derived(
        "F2",
        {
            "FC": {"value": 1, "unit": "kg"},
            "NCV": {"value": 20908, "unit": "kJ/kg"},
            "CC": {"value": 26.37, "unit": "tC/TJ"},
            "OF": 0.94,
        },
        unit="kgCO2",
    )
    assert lines == [
        "E = FC × NCV × CC × OF × 44/12",
        "FC = 1 kg = 0.001 t",
        "NCV = 20908 kJ/kg = 20.908 GJ/t",
        "CC = 26.37 tC/TJ = 0.02637 tC/GJ",
        "E = 0.001 × 20.908 × 0.02637 × 0.94 × 44/12 = 0.001900298849 tCO2 = 1.900298849 kgCO2",
    ]


def test_a_number_in_the_formulas_own_unit_has_no_conversion_line():
    assert derived("F6", {"AD": 1000, "EF": 0.5}) == ["E = AD × EF_grid", "E = 1000 × 0.5 = 500 tCO2"]


def test_an_input_left_out_appears_with_its_default():
    assert derived("G3", {"purchased": 100, "exported": 120, "EF": 0.5})[-1] == "E = (100 − 120 − 0) × 0.5 = -10 tCO2"


def test_a_list_of_cases_is_written_out_up_to_a_limit_and_then_counted():
    lines = derived("F6", {"AD": list(range(MOST_CASES + 5)), "EF": 0.5})
    assert lines[1] == "E = 0 × 0.5 = 0 tCO2"
    assert lines[2] == "E = 1 × 0.5 = 0.5 tCO2"
    assert lines[-1] == "and 5 more"
    assert len(lines) == MOST_CASES + 2


def test_a_result_that_is_not_defined_says_so():
    assert derived("F8", {"E": 100, "output": 0})[-1] == "I = 100/0 = not defined"
