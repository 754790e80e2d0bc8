"""Energy and substitution per tonne (R41). Numbers are hand calculations, worked beside."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanji.domain import intensity

AMOUNT = st.floats(0.1, 1e6)


@pytest.mark.parametrize("output", [0.0, -0.5, math.nan])
def test_nothing_per_tonne_is_defined_while_the_kiln_stands(output):
    assert math.isnan(intensity.heat_per_clinker(1.0, clinker_output=output))
    assert math.isnan(intensity.coal_per_clinker(1.0, clinker_output=output))
    assert math.isnan(intensity.electricity_per_output(1.0, output=output))
    assert math.isnan(intensity.meal_clinker_ratio(1.0, clinker_output=output))
    assert math.isnan(intensity.total_substitution(0.0, total_fuel_amount=output))
    assert math.isnan(intensity.thermal_substitution(0.0, fossil_heat=0.0))


def test_the_sketch_of_level_two_coal():
    # standard.md section 14.2: 100 kgce/t is 2.931 GJ/t
    assert intensity.heat_per_clinker(2.93076 * 5000, clinker_output=5000.0) == pytest.approx(2.931, abs=5e-4)
    assert intensity.coal_per_clinker(2.93076 * 5000, clinker_output=5000.0) == pytest.approx(100.0, rel=1e-12)


@pytest.mark.parametrize(("coal", "kwh", "energy"), [(94, 48, 99.9), (100, 57, 107.0), (109, 61, 116.5)])
def test_coal_and_electricity_give_the_comprehensive_energy_of_the_page(coal, kwh, energy):
    # standard.md section 14.1, own calculation there
    found = intensity.comprehensive_energy(
        float(coal), electricity_intensity=float(kwh), electricity_coefficient=0.1229
    )
    assert found == pytest.approx(energy, abs=0.05)


def test_waste_heat_lowers_the_coal_by_more_than_a_level():
    # standard.md section 14.1: 30 kWh/t are 12 kgce/t
    found = intensity.net_coal(106.0, waste_heat_intensity=30.0, waste_heat_coefficient=0.404)
    assert 106.0 - found == pytest.approx(12.0, abs=0.5)


def test_a_standing_hour_leaves_the_others_alone():
    hours = intensity.heat_per_clinker(np.array([620.0, 5.0]), clinker_output=np.array([200.0, 0.0]))
    assert hours[0] == 3.1
    assert math.isnan(hours[1])


@given(AMOUNT, AMOUNT, st.floats(0.1, 10))
def test_an_intensity_does_not_depend_on_the_length_of_the_period(heat, clinker, times):
    once = intensity.coal_per_clinker(heat, clinker_output=clinker)
    assert intensity.coal_per_clinker(heat * times, clinker_output=clinker * times) == pytest.approx(once, rel=1e-9)


@given(st.floats(0, 1e6), st.floats(0.1, 1e6))
def test_the_substitution_rate_is_a_share(alternative, fossil):
    assert 0 <= intensity.thermal_substitution(alternative, fossil_heat=fossil) <= 1
