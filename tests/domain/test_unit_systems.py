"""Units that fit an input, and units that belong together: t with GJ/t, gas with its own, never crossed."""

from __future__ import annotations

import pytest

from tanji.domain import catalogue
from tanji.domain.unit_systems import choose, fits
from tanji.errors import InputError

F2 = catalogue.find("F2")


def chosen(formula: str, **units: str | None) -> dict[str, str]:
    record = catalogue.find(formula)
    names = {record.input(symbol).name: [unit] for symbol, unit in units.items()}
    return dict(choose(record, names))


def test_bare_numbers_are_in_the_formulas_own_units():
    system = chosen("F2", FC=None, NCV=None)
    assert (system["fuel_amount"], system["net_calorific_value"]) == ("t", "GJ/t")


def test_a_gas_is_counted_in_normal_cubic_metres_with_its_own_calorific_value():
    system = chosen("F2", FC="万Nm3", NCV="kJ/Nm3")
    assert (system["fuel_amount"], system["net_calorific_value"]) == ("1e4Nm3", "GJ/1e4Nm3")


@pytest.mark.parametrize(
    ("amount", "value"), [("t", "GJ/1e4Nm3"), ("1e4Nm3", "GJ/t"), ("1e4Nm3", "kJ/m3"), ("m3", None)]
)
def test_the_two_systems_are_never_crossed(amount, value):
    with pytest.raises(InputError, match=r"FC .* and NCV .*: expected FC in t with NCV in GJ/t or FC in 1e4Nm3 with"):
        chosen("F2", FC=amount, NCV=value)


def test_a_unit_of_another_dimension_names_the_input_and_what_would_fit():
    expected = r"NCV \(net_calorific_value\): expected .* GJ/t \(heat/mass\) .*, got kWh/t \(electricity/mass\)"
    with pytest.raises(InputError, match=expected):
        chosen("F2", NCV="kWh/t")


@pytest.mark.parametrize(
    ("own", "other"),
    [("fraction", "mass/mass"), ("C/mass", "fraction"), ("C/heat", "mass/heat"), ("CO2/heat", "mass/heat")],
)
def test_a_substance_may_be_left_unnamed(own, other):
    assert fits(own, other)


@pytest.mark.parametrize(
    ("own", "other"),
    [
        ("C/heat", "CO2/heat"),
        ("CO2/heat", "C/heat"),
        ("C/mass", "CO2/mass"),
        ("CO2/mass", "fraction"),
        ("heat", "electricity"),
        ("volume", "normal_volume"),
        ("mass", "heat"),
    ],
)
def test_what_is_not_the_same_never_stands_in(own, other):
    assert not fits(own, other)


def test_inputs_of_any_unit_share_the_one_that_was_written():
    system = chosen("CHANGE", new="kgCO2/kWh", old="tCO2/MWh")
    assert system["newer"] == system["older"] == "kgCO2/kWh"


def test_inputs_of_any_unit_may_not_have_two_dimensions():
    with pytest.raises(InputError, match=r"old \(older\): expected a unit of CO2/electricity"):
        chosen("CHANGE", new="kgCO2/kWh", old="t")


def test_a_sum_has_the_unit_of_its_parts():
    assert chosen("SUM", parts="kgCO2")["result"] == "kgCO2"
    assert chosen("SUM", parts=None)["result"] == "1"


def test_clinker_figures_may_be_per_tonne_as_well():
    assert chosen("F1C", E_fuel="kgCO2/t", E_process="kgCO2/t clinker")["result"] == "tCO2/t"
    with pytest.raises(InputError, match="expected E_fuel in tCO2 with E_process in tCO2 or E_fuel in tCO2/t"):
        chosen("F1C", E_fuel="kgCO2/t", E_process="tCO2")


def test_an_input_without_a_unit_takes_none():
    with pytest.raises(InputError, match="year: expected no unit, got GJ"):
        chosen("ALLOWANCE", year="GJ")


def test_every_input_of_a_formula_is_in_its_system():
    assert set(chosen("F2", FC="t")) >= {entry.name for entry in F2.inputs}
