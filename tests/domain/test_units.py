"""Units of plant files and laboratory sheets. Expected values are worked by hand or from the unit's definition."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanji.domain import units
from tanji.errors import DomainError


@pytest.mark.parametrize(
    ("value", "unit", "expected", "internal", "dimension"),
    [
        (250.0, "kg", 0.25, "t", "mass"),
        (12_000.0, "kg/h", 12.0, "t/h", "mass_rate"),
        (2.0, "kg/s", 7.2, "t/h", "mass_rate"),  # 2 kg x 3 600 s
        (4800.0, "t/d", 200.0, "t/h", "mass_rate"),
        (5300.0, "kWh", 5.3, "MWh", "energy"),
        (7500.0, "kW", 7.5, "MW", "power"),
        (29_307.6, "MJ", 29.3076, "GJ", "heat"),
        (1000.0, "L", 1.0, "m3", "volume"),
        (850.0, "L/h", 0.85, "m3/h", "volume_rate"),
        (100.0, "m3/s", 360_000.0, "m3/h", "volume_rate"),
        (310.0, "kNm3/h", 310_000.0, "Nm3/h", "normal_volume_rate"),
        (25.0, "%", 0.25, "1", "fraction"),
        (0.25, "1", 0.25, "1", "fraction"),
        (420.0, "ppm", 0.00042, "1", "fraction"),
        (373.15, "K", 100.0, "degC", "temperature"),
        (100.0, "°C", 100.0, "degC", "temperature"),
        (100.5, "kPa", 100_500.0, "Pa", "pressure"),
        (1013.25, "hPa", 101_325.0, "Pa", "pressure"),
        (2.5, "mm/s", 0.0025, "m/s", "velocity"),
        (3.0, "mm", 0.003, "m", "length"),
        (2.0, "min", 120.0, "s", "time"),
        (3.8, "rpm", 3.8, "rpm", "speed"),
        (6.0, "kV", 6000.0, "V", "voltage"),
        (320.0, "A", 320.0, "A", "current"),
        (1.0, "state", 1.0, "state", "state"),
        (23_076.0, "kJ/kg", 23.076, "GJ/t", "calorific_value"),
        (5500.0, "kcal/kg", 23.0274, "GJ/t", "calorific_value"),  # 5 500 x 4.1868
        (38_931.0, "kJ/Nm3", 389.31, "GJ/1e4Nm3", "gas_calorific_value"),
        (26.18, "tC/TJ", 0.02618, "tC/GJ", "carbon_per_energy"),
        (0.5306, "kgCO2/kWh", 0.5306, "tCO2/MWh", "electricity_emission_factor"),
        (0.0521, "MWh/t", 52.1, "kWh/t", "specific_electricity"),
        (0.1, "tce/t", 100.0, "kgce/t", "specific_coal"),
    ],
)
def test_a_unit_becomes_the_internal_one(value, unit, expected, internal, dimension):
    conversion = units.conversion(unit)
    assert conversion.to_internal(value) == pytest.approx(expected, rel=1e-12)
    assert (conversion.internal_unit, conversion.dimension) == (internal, dimension)


def test_an_unknown_unit_is_refused_with_the_known_ones():
    with pytest.raises(DomainError, match=r"unit: expected one of %, .*kWh.*t/h.*, got 'tph'"):
        units.conversion("tph")


def test_normal_and_actual_volumes_are_different_dimensions():
    assert units.conversion("Nm3").dimension != units.conversion("m3").dimension
    assert units.conversion("Nm3/h").dimension != units.conversion("m3/h").dimension


def test_every_dimension_has_one_internal_unit_that_converts_to_itself():
    internal = {}
    for known in units.CONVERSIONS.values():
        assert internal.setdefault(known.dimension, known.internal_unit) == known.internal_unit
    for unit in internal.values():
        assert (units.conversion(unit).factor, units.conversion(unit).offset) == (1.0, 0.0)


@pytest.mark.parametrize(
    ("value", "unit", "said"),
    [
        (0.6494, "1", "0.6494 (64.94 %)"),
        (1.0, "1", "1 (100 %)"),
        (-0.05, "1", "-0.05 (-5 %)"),
        (6.494, "1", "6.494"),  # a share above one is none: no percentage makes it look like one
        (-0.0, "1", "0"),
        (0.07000000000000001, "1", "0.07 (7 %)"),
        (23.1, "GJ/t", "23.1 GJ/t"),
        (3.0, "", "3"),
    ],
)
def test_a_share_is_written_beside_its_percentage_and_no_unit_is_ever_a_bare_one(value, unit, said):
    assert units.written(value, unit) == said


def test_no_unit_is_listed_under_two_dimensions():
    assert len(units.CONVERSIONS) == sum(len(entries) for entries in units._TABLE.values())


@given(st.sampled_from(sorted(units.CONVERSIONS)), st.floats(-1e6, 1e6))
def test_there_and_back_is_the_same_value(unit, value):
    conversion = units.conversion(unit)
    assert conversion.from_internal(conversion.to_internal(value)) == pytest.approx(value, rel=1e-9, abs=1e-6)


@given(st.sampled_from(sorted(units.CONVERSIONS)), st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=5))
def test_an_array_gives_exactly_what_its_values_give(unit, values):
    conversion = units.conversion(unit)
    assert conversion.to_internal(np.array(values)).tolist() == [conversion.to_internal(value) for value in values]
