"""Inputs as somebody wrote them: names, values and units read, and every mistake named."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import pytest

from tanji.domain import catalogue
from tanji.domain.given import Given, given_inputs
from tanji.errors import InputError


def read(formula: str, inputs: dict[str, Any]) -> dict[str, Given]:
    given, _ = given_inputs(catalogue.find(formula), inputs)
    return {entry.input.symbol: entry for entry in given.values()}


def test_a_bare_number_is_in_the_formulas_own_unit():
    entry = read("F6", {"AD": 1000, "EF": 0.5})["AD"]
    assert (entry.own, entry.unit, entry.texts, entry.per_case) == (1000.0, "MWh", ("1000 MWh",), False)


def test_a_value_with_a_unit_is_converted_and_what_was_written_is_kept():
    entry = read("F6", {"AD": {"value": 1000, "unit": "kWh"}, "EF": 0.5})["AD"]
    assert (entry.own, entry.unit, entry.written()) == (1.0, "MWh", "1000 kWh")


def test_digits_of_a_decimal_are_kept():
    assert read("F6", {"AD": Decimal("0.1"), "EF": Decimal("0.5366")})["EF_grid"].own == 0.5366


def test_a_list_for_a_single_input_is_one_value_for_each_case():
    entry = read("F6", {"AD": [1, 2], "EF": 0.5})["AD"]
    assert (entry.own, entry.per_case) == ((1.0, 2.0), True)
    assert entry.written(1) == "2 MWh"


def test_a_list_for_many_values_is_one_input():
    entry = read("G2", {"Q": 1, "EF": 0.535, "m_j": [1, 2], "D_j": 0.48})["m_j"]
    assert (entry.own, entry.per_case) == ((1.0, 2.0), False)
    assert read("SUM", {"parts": 5})["parts"].own == (5.0,)


@pytest.mark.parametrize(
    "parts",
    [
        {"value": [1000, 2000], "unit": "kg"},
        [{"value": 1000, "unit": "kg"}, {"value": 2, "unit": "t"}],
        [{"value": 1, "unit": "t"}, {"value": 2000, "unit": "kg"}],
    ],
)
def test_parts_may_share_a_unit_or_have_one_each(parts):
    assert sum(read("SUM", {"parts": parts})["parts"].own) in (3000.0, 3.0)


def test_a_gap_in_hours_is_missing_and_never_zero():
    values = read("CEMS_HOUR", {"G": [1, None], "minutes": 60})["G"].own
    assert values[0] == 1.0
    assert math.isnan(values[1])


def test_a_signed_amount_may_be_below_zero_and_no_other():
    assert read("F6", {"AD": -5, "EF": 0.5})["AD"].own == -5.0
    with pytest.raises(InputError, match=r"purchased: expected at least 0 MWh, got -5 MWh"):
        read("G3", {"purchased": -5, "exported": 0, "EF": 0.5})


@pytest.mark.parametrize(
    ("formula", "inputs", "field"),
    [
        ("ALLOWANCE", {"E": 1, "I": 0.8, "year": 2025, "B": 0.85, "slag": 16}, "slag"),
        ("CEMS_PERIOD", {"G_h": [1, 2], "a": 95}, "a"),
        ("U_F2", {"u_FC": 0.5, "u_NCV": 1, "u_CC": 2, "u_OF": 1}, "u_CC"),
        ("CLI_CKD", {"Q": 1, "EF": 0.51, "CF_ckd": 102}, "CF_ckd"),
    ],
)
def test_a_percent_where_a_fraction_belongs_is_refused(formula, inputs, field):
    with pytest.raises(InputError, match=rf"^{field} .*: expected at most \d"):
        read(formula, inputs)


def test_a_temperature_may_be_below_zero():
    assert read("F7W", {"Ma": 1, "Tw": -5})["Tw"].own == -5.0


@pytest.mark.parametrize(
    ("name", "symbol"),
    [("低位发热量", "NCV"), ("net calorific value", "NCV"), ("qnet,AR", "NCV"), ("ncv", "NCV"), ("氧化率", "OF")],
)
def test_an_input_is_found_under_the_names_people_use(name, symbol):
    inputs = {"FC": 1, "CC": 0.026, "NCV": 23, "OF": 1}
    inputs[name] = inputs.pop(symbol)
    assert set(read("F2", inputs)) == {"FC", "NCV", "CC", "OF"}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("moist", "expected one of dry, wet, got 'moist'"),
        (1, "expected one of dry, wet, got 1"),
        ({"value": "dry", "unit": "%"}, "expected no unit, got %"),
    ],
)
def test_a_word_must_be_one_of_its_choices(value, message):
    inputs = {"Vp": 15, "F": 12, "ts": 100, "P": 101325, "Xsw": 0.08, "basis": value}
    with pytest.raises(InputError, match=f"basis: {message}"):
        read("FLOW", inputs)


@pytest.mark.parametrize("value", ["true", 1, None])
def test_a_flag_is_true_or_false_and_nothing_like_it(value):
    with pytest.raises(InputError, match=r"same .*: expected true or false"):
        read("U_NET", {"u_bought": 1, "u_exported": 1, "same": value})


def test_names_that_are_no_text_are_not_met_by_accident():
    with pytest.raises(InputError, match="an unknown name"):
        read("F6", {"": 1, "AD": 1, "EF": 1})
