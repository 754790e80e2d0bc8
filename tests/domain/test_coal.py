"""Coal brought to the moisture of the scale (R16, R26). Basis conversions of the laboratory are in test_fuel too."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanji.domain import coal
from tanji.errors import DomainError

MOISTURE = st.floats(0, 0.25)


def test_raw_coal_becomes_powder():
    # by hand: C 0.55 at 12 % is 0.625 dry, 0.61875 at 1 %; Q (20 + 0.276) / 0.88 x 0.99 - 0.023 = 22.7875 GJ/t
    places = {"moisture_as_received": 0.12, "moisture_at_scale": 0.01}
    assert coal.carbon_at_scale(0.55, **places) == pytest.approx(0.61875, rel=1e-12)
    assert coal.net_calorific_value_at_scale(20.0, **places) == pytest.approx(22.7875, rel=1e-12)


def test_moisture_in_percent_is_refused_by_name():
    with pytest.raises(DomainError, match=r"^moisture_at_scale: expected 0 to 0.25"):
        coal.carbon_at_scale(0.55, moisture_as_received=0.1, moisture_at_scale=1.0)
    with pytest.raises(DomainError, match=r"^moisture_as_received: expected 0 to 0.25"):
        coal.net_calorific_value_at_scale(20.0, moisture_as_received=12.0, moisture_at_scale=0.01)


def test_a_missing_moisture_makes_the_result_missing():
    assert math.isnan(coal.carbon_at_scale(0.55, moisture_as_received=math.nan, moisture_at_scale=0.01))


@given(st.floats(0.3, 0.6), MOISTURE, MOISTURE)
def test_there_and_back_is_the_same_coal(carbon, here, there):
    away = coal.carbon_at_scale(carbon, moisture_as_received=here, moisture_at_scale=there)
    assert coal.carbon_at_scale(away, moisture_as_received=there, moisture_at_scale=here) == pytest.approx(carbon)
    heat = 40 * carbon
    away = coal.net_calorific_value_at_scale(heat, moisture_as_received=here, moisture_at_scale=there)
    back = coal.net_calorific_value_at_scale(away, moisture_as_received=there, moisture_at_scale=here)
    assert back == pytest.approx(heat, rel=1e-9)


@given(st.floats(0.3, 0.6), MOISTURE, MOISTURE, st.floats(1, 1e5))
def test_the_carbon_of_a_heap_does_not_depend_on_where_it_is_weighed(carbon, here, there, dry):
    at_scale = coal.carbon_at_scale(carbon, moisture_as_received=here, moisture_at_scale=there)
    assert dry / (1 - there) * at_scale == pytest.approx(dry / (1 - here) * carbon, rel=1e-9)


@given(st.floats(20, 30), MOISTURE, st.floats(0, 0.2))
def test_wetter_coal_has_less_heat(gross, moisture, more):
    inputs = {"hydrogen_air_dried": 0.04, "moisture_air_dried": 0.02}
    dry = coal.net_calorific_value_from_gross(gross, moisture_total=min(moisture, 0.05), **inputs)
    wet = coal.net_calorific_value_from_gross(gross, moisture_total=0.05 + more, **inputs)
    assert wet <= dry
