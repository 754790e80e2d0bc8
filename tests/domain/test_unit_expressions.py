"""Unit expressions: what published tables print, read as the method means it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanji.domain.unit_expressions import _SIZES, read_unit
from tanji.domain.units import CONVERSIONS
from tanji.errors import InputError

SAME = (
    "kJ/kg | kJ·kg-1 | kJ·kg⁻¹ | KJ/Kg | J/g | MJ/t | 千焦/千克",
    "GJ/t | MJ/kg | GJ/吨 | 吉焦/吨 | TJ/Gg | TJ/kt",
    "kcal/kg | 大卡/千克 | 千卡/公斤 | cal/g",
    "tC/TJ | kgC/GJ | t C/TJ | kg C/GJ",
    "tCO2/GJ | t CO2/GJ | tCO₂/GJ | kgCO2/MJ",
    "tCO2/MWh | kgCO2/kWh | kgCO₂/kWh | kg CO2-eq/kWh | kgCO2e/kWh | kgCO2/千瓦时",
    "1e4Nm3 | 万Nm3 | 万Nm³ | 10^4Nm3 | 10⁴ Nm³ | 10000 Nm3 | 10,000 Nm3 | 万标立方米 | 万标方",
    "万kWh | 10^4 kWh | 万千瓦时",
    "kgCO2/t clinker | kg CO2 per t clinker | kgCO2/t-clinker | kgCO2/t熟料 | g CO2/kg",
    "t/t | kg/kg | t CaO/t clinker | tCaO/t | 吨/吨 | kg/kg dry",
    "% | ％ | percent | %vol | vol% | mol% | wt% | % vol",
    "kWh | kW·h | kW h | KWH | 千瓦时 | 千瓦小时",
    "kgce/t | gce/kg | 千克标准煤/吨 | kg标煤/t",
    "degC | ℃ | °C",
    "t | tonne | tonnes | metric ton | metric tons | Mg | 吨 | T",
    "m3 | m³ | 立方米 | kL | 1000 L",
    "1 | - | fraction | ratio | dimensionless | mol/mol | m3/m3",
)
"""One unit a line, as different tables spell it."""

SPELLINGS = [(line.split(" | ")[0], other) for line in SAME for other in line.split(" | ")[1:]]


@pytest.mark.parametrize(("first", "other"), SPELLINGS)
def test_one_unit_in_different_spellings_means_one_thing(first, other):
    one, two = read_unit(first), read_unit(other)
    assert two.dimension == one.dimension
    assert two.factor == pytest.approx(one.factor, rel=1e-12)


@pytest.mark.parametrize(
    ("unit", "factor", "dimension"),
    [
        ("kcal/kg", 4.1868e-3, "heat/mass"),  # International Table calorie
        ("mmBtu/short ton", 1.163, "heat/mass"),  # 1.05505585262 GJ / 0.90718474 t
        ("lb", 4.5359237e-4, "mass"),
        ("therm", 0.105505585262, "heat"),
        ("scf", 0.028316846592, "volume"),
        ("gallon", 3.785411784e-3, "volume"),
        ("mmHg", 133.322387415, "pressure"),
        ("atm", 101325.0, "pressure"),
        ("Mtce", 29_307_600.0, "heat"),
        ("kgce", 0.0293076, "heat"),
        ("亿kWh", 1e5, "electricity"),
        ("Nm3/h", 1 / 3600, "normal_volume/time"),
        ("tCO2/万元", 1.0, "CO2/money"),
        ("百万吨", 1e6, "mass"),
    ],
)
def test_a_unit_has_its_size_in_the_base_units_of_its_dimension(unit, factor, dimension):
    found = read_unit(unit)
    assert (found.dimension, found.offset) == (dimension, 0.0)
    assert found.factor == pytest.approx(factor, rel=1e-9)


def test_carbon_carbon_dioxide_and_other_mass_are_three_dimensions():
    assert len({read_unit(unit).dimension for unit in ("tC", "tCO2", "t", "tce")}) == 4


def test_heat_and_electricity_and_the_two_cubic_metres_are_apart():
    assert read_unit("GJ").dimension != read_unit("MWh").dimension
    assert read_unit("m3").dimension != read_unit("Nm3").dimension


@pytest.mark.parametrize(
    "unit", ["stone", "kJ/kgg", "t/", "/t", "kWx", "ton", "mwh", "°F", "t CO3", "none", "//", "1e4"]
)
def test_an_unknown_unit_is_refused_as_written(unit):
    with pytest.raises(InputError, match="unit: expected a unit like kJ/kg"):
        read_unit(unit)


def test_m_and_M_are_never_mixed_up():
    assert read_unit("mg").factor == 1e-9
    assert read_unit("Mg").factor == 1.0
    assert read_unit("Mt").factor == 1e6


def test_kelvin_and_degrees_differ_by_an_offset():
    assert read_unit("K").to(read_unit("degC"), 373.15) == pytest.approx(100.0)
    assert read_unit("degC").to(read_unit("K"), 0.0) == pytest.approx(273.15)


@given(value=st.floats(-1e9, 1e9), pair=st.sampled_from([(d, u) for d, s in _SIZES.items() for u in s]))
def test_there_and_back_again(value, pair):
    dimension, unit = pair
    base = read_unit(next(iter(_SIZES[dimension])))
    other = read_unit(unit)
    assert other.dimension == base.dimension
    assert base.to(other, other.to(base, value)) == pytest.approx(value, rel=1e-12, abs=1e-9)


@pytest.mark.parametrize(
    "conversion",
    [entry for entry in CONVERSIONS.values() if entry.dimension in {"mass", "heat", "energy", "volume", "pressure"}],
    ids=lambda entry: entry.unit,
)
def test_units_of_a_plant_file_mean_the_same_here(conversion):
    there = read_unit(conversion.unit).to(read_unit(conversion.internal_unit), 1.0)
    assert there == pytest.approx(conversion.factor, rel=1e-9)


@pytest.mark.parametrize(
    "dimension", ["calorific_value", "carbon_per_energy", "energy_emission_factor", "specific_coal"]
)
def test_quotients_of_a_plant_file_mean_the_same_here(dimension):
    for conversion in CONVERSIONS.values():
        if conversion.dimension == dimension:
            there = read_unit(conversion.unit).to(read_unit(conversion.internal_unit), 1.0)
            assert there == pytest.approx(conversion.factor, rel=1e-9), conversion.unit
