"""Flue-gas flow step by step: the steps of HJ 75 together are the one step the jobs take."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanji.domain import cems, sheet_flue_gas
from tanji.errors import DomainError

GAS = {"temperature": 100.0, "humidity": 0.08}


@given(
    velocity=st.floats(0, 40),
    area=st.floats(0.5, 40),
    temperature=st.floats(20, 300),
    static=st.floats(-3000, 3000),
    humidity=st.floats(0, 0.4),
    basis=st.sampled_from(["dry", "wet"]),
)
def test_two_steps_give_what_one_step_gives(velocity, area, temperature, static, humidity, basis):
    at_once = cems.standard_flow(
        velocity, area=area, temperature=temperature, pressure=101_325 + static, humidity=humidity, basis=basis
    )
    stepwise = sheet_flue_gas.standard_flow_of_actual(
        sheet_flue_gas.actual_flow(velocity, area=area),
        temperature=temperature,
        atmospheric_pressure=101_325,
        static_pressure=static,
        humidity=humidity,
        basis=basis,
    )
    assert stepwise == pytest.approx(at_once, rel=1e-12)


def test_a_wet_flow_holds_the_water():
    # by hand: 678240 x 273/373 = 496406.22, x 0.92 = 456693.72
    both = [
        sheet_flue_gas.standard_flow_of_actual(
            678_240.0, atmospheric_pressure=101_325.0, static_pressure=0.0, basis=basis, **GAS
        )
        for basis in ("wet", "dry")
    ]
    assert both == pytest.approx([496_406.22, 456_693.72], abs=0.01)


def test_a_static_pressure_taken_for_the_whole_is_refused():
    with pytest.raises(DomainError, match="pressure: expected 50000 to 130000 Pa absolute"):
        sheet_flue_gas.standard_flow_of_actual(1.0, atmospheric_pressure=0.0, static_pressure=-200.0, **GAS)
