"""CO2 measured in the stack (R25). Numbers are independent hand calculations, worked beside."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanji.domain import cems
from tanji.errors import DomainError

GAS = {"area": 12.5, "temperature": 91.0, "pressure": 101_325.0, "humidity": 0.1}
NAN = float("nan")


def test_standard_dry_flow_of_a_kiln():
    # by hand: 3 600 x 12.5 x 10 = 450 000 m3/h; x 273/364 = 0.75: 337 500; x 0.9 = 303 750 Nm3/h
    assert cems.standard_flow(10.0, **GAS, basis="dry") == pytest.approx(303_750.0, rel=1e-12)


def test_wet_flow_keeps_its_humidity_and_does_not_need_it():
    assert cems.standard_flow(10.0, **GAS, basis="wet") == pytest.approx(337_500.0, rel=1e-12)
    assert cems.standard_flow(10.0, **{**GAS, "humidity": NAN}, basis="wet") == pytest.approx(337_500.0, rel=1e-12)
    assert math.isnan(cems.standard_flow(10.0, **{**GAS, "humidity": NAN}, basis="dry"))


def test_pressure_and_velocity_field_factor_scale_the_flow():
    # by hand: 337 500 x 0.8 (Kv) x 0.9 (91 192.5 Pa of 101 325) = 243 000 Nm3/h wet
    flow = cems.standard_flow(10.0, **{**GAS, "pressure": 91_192.5}, basis="wet", velocity_field_factor=0.8)
    assert flow == pytest.approx(243_000.0, rel=1e-12)


def test_co2_mass_rate_of_a_kiln():
    # by hand: 0.224 x 303 750 = 68 040 Nm3/h; x 44 / 22.4 = 133 650 kg/h
    assert cems.co2_mass_rate(0.224, standard_flow=303_750.0) == pytest.approx(133.65, rel=1e-12)


def test_a_wet_analyser_on_wet_flow_agrees_with_a_dry_one_on_dry_flow():
    dry = cems.co2_mass_rate(
        cems.dry_fraction(0.18, humidity=0.1), standard_flow=cems.standard_flow(10.0, **GAS, basis="dry")
    )
    wet = cems.co2_mass_rate(0.18, standard_flow=cems.standard_flow(10.0, **GAS, basis="wet"))
    assert dry == pytest.approx(wet, rel=1e-12)


def test_pitot_velocity():
    # by hand: sqrt(2 x 90 / 0.8) = sqrt(225) = 15; x 0.84 = 12.6 m/s
    assert cems.pitot_velocity(90.0, pitot_factor=0.84, gas_density=0.8) == pytest.approx(12.6, rel=1e-12)
    with pytest.raises(DomainError, match="pressure_difference"):
        cems.pitot_velocity(-1.0, pitot_factor=0.84, gas_density=0.8)


def test_an_hour_is_the_mean_of_its_valid_minutes_times_the_running_time():
    # by hand: mean of 120 and 140 is 130 t/h; 20 minutes of it: 43.3333 t
    rates = np.array([120.0, NAN, 140.0])
    assert cems.hour_mass(rates, running_minutes=20) == pytest.approx(43.33333333, rel=1e-9)
    assert cems.hour_mass(rates, running_minutes=60) == 130.0


def test_an_hour_without_a_valid_minute_is_missing_and_not_zero():
    assert math.isnan(cems.hour_mass(np.array([NAN, NAN]), running_minutes=60))
    assert math.isnan(cems.hour_mass(np.array([]), running_minutes=0))


def test_capture_rate_leaves_stops_out():
    # by hand: 2 160 - 160 stopped = 2 000 running hours, 300 of them invalid: 0.85
    assert cems.capture_rate(2160, invalid_hours=300, stop_hours=160) == pytest.approx(0.85, rel=1e-12)
    assert math.isnan(cems.capture_rate(2160, invalid_hours=0, stop_hours=2160))


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"pressure": 101.325}, "pressure"),  # kPa
        ({"pressure": -300.0}, "pressure"),  # gauge
        ({"humidity": 10.0}, "humidity"),  # percent
        ({"temperature": 364.0 + 273}, "temperature"),  # kelvin
        ({"basis": "moist"}, "basis"),
    ],
)
def test_a_value_in_another_unit_is_refused_by_name(changed, named):
    with pytest.raises(DomainError, match=f"^{named}: expected "):
        cems.standard_flow(10.0, **{**GAS, "basis": "dry", **changed})


@pytest.mark.parametrize("fraction", [22.4, 0.46, 0.0004])  # percent, too much, ambient air
def test_a_co2_reading_that_is_no_kiln_gas_is_refused(fraction):
    with pytest.raises(DomainError, match=r"co2_fraction: expected 0.03 to 0.45"):
        cems.co2_mass_rate(fraction, standard_flow=1.0)


def test_running_minutes_fit_into_an_hour():
    with pytest.raises(DomainError, match="running_minutes: expected 0 to 60 min, got 61"):
        cems.hour_mass(np.array([1.0]), running_minutes=61)


@given(st.lists(st.tuples(st.floats(0, 40), st.floats(0, 400), st.floats(0, 0.4)), min_size=1, max_size=8))
def test_an_array_gives_what_its_values_give(rows):
    velocity, temperature, humidity = (np.array(column) for column in zip(*rows, strict=True))
    fixed = {"area": 12.5, "pressure": 99_000.0, "basis": "dry"}
    together = cems.standard_flow(velocity, temperature=temperature, humidity=humidity, **fixed)
    alone = [cems.standard_flow(v, temperature=t, humidity=h, **fixed) for v, t, h in rows]
    assert together.tolist() == alone


@given(st.floats(0.05, 0.45), st.floats(0, 1e6), st.floats(1, 3))
def test_the_mass_rate_is_linear_in_the_flow(fraction, flow, times):
    once = cems.co2_mass_rate(fraction, standard_flow=flow)
    assert cems.co2_mass_rate(fraction, standard_flow=times * flow) == pytest.approx(times * once, rel=1e-12)
