"""Weights of inputs that are neither factor nor term, against finite differences of the formulas themselves (R37)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from tanji.domain import cems, dust, electricity, process, uncertainty_weights
from tanji.domain.uncertainty import flue_gas, flue_gas_weights, root_of_squares
from tanji.errors import DomainError

STEP = 1e-6


def slope(formula: Callable[[float], float], at: float) -> float:
    """d ln(y) / d ln(x) by central difference."""
    high, low = formula(at * (1 + STEP)), formula(at * (1 - STEP))
    return (high - low) / (2 * STEP * formula(at))


def test_the_weight_of_moisture_in_dry_mass():
    # by hand: -0.34 / 0.66 = -0.51515
    assert uncertainty_weights.dry_mass_weight(0.34) == pytest.approx(-0.34 / 0.66, rel=1e-12)
    assert slope(lambda moisture: float(process.dry_amount(100.0, moisture=moisture)), 0.34) == pytest.approx(
        uncertainty_weights.dry_mass_weight(0.34), rel=1e-6
    )


def test_the_weights_of_water_and_steam():
    # by hand: 70 / 50 = 1.4 and 2783.74 / 2700 = 1.031015
    assert uncertainty_weights.hot_water_weight(70.0) == pytest.approx(1.4, rel=1e-12)
    assert uncertainty_weights.steam_weight(2783.74) == pytest.approx(1.031015, abs=5e-7)
    water = slope(lambda value: float(electricity.hot_water_heat(10.0, water_temperature=value)), 70.0)
    steam = slope(lambda value: float(electricity.steam_heat(10.0, steam_enthalpy=value)), 2783.74)
    assert (water, steam) == pytest.approx((1.4, 1.031015), abs=5e-7)


def test_the_weights_of_partly_calcined_dust():
    # by hand: EF 0.5, d 0.6: e = 1/3, 1 - 0.2 = 0.8: d weighs 1.25, EF 1.25 / 1.5 = 0.8333
    of_factor, of_fraction = uncertainty_weights.partly_calcined_weights(0.5, calcination_fraction=0.6)
    assert (of_factor, of_fraction) == pytest.approx((1.25 / 1.5, 1.25), rel=1e-12)

    def tonnes(factor: float, fraction: float) -> float:
        return float(
            dust.dust_emission(100.0, bypass_dust=0.0, clinker_process_factor=factor, calcination_fraction=fraction)
        )

    assert slope(lambda factor: tonnes(factor, 0.6), 0.5) == pytest.approx(of_factor, rel=1e-6)
    assert slope(lambda fraction: tonnes(0.5, fraction), 0.6) == pytest.approx(of_fraction, rel=1e-6)


def test_the_weights_of_both_losses_on_ignition():
    # by hand: a 0.2, b 0.36: r = 4/9, d = 5/9: -0.8/0.8 = -1 and 0.8/0.64 = 1.25
    of_dust, of_meal = uncertainty_weights.calcination_weights(0.2, loss_on_ignition_raw_meal=0.36)
    assert (of_dust, of_meal) == pytest.approx((-1.0, 1.25), rel=1e-12)

    def fraction(of_dust: float, of_meal: float) -> float:
        return float(dust.calcination_fraction(of_dust, loss_on_ignition_raw_meal=of_meal))

    assert slope(lambda value: fraction(value, 0.36), 0.2) == pytest.approx(of_dust, rel=1e-6)
    assert slope(lambda value: fraction(0.2, value), 0.36) == pytest.approx(of_meal, rel=1e-6)


@pytest.mark.parametrize("basis", ["dry", "wet"])
@pytest.mark.parametrize("pitot", [False, True])
def test_the_weights_of_the_flue_gas_are_those_of_the_whole_chain(basis: str, pitot: bool):
    """By hand at 91 degC, Xsw 0.1: 91/364 = 0.25, Xsw 0.1/0.9 = 0.1111, P 1; behind a pitot tube T and P one half."""
    weights = flue_gas_weights(temperature=91.0, humidity=0.1, basis=basis, pitot=pitot)
    half = 0.5 if pitot else 1.0
    expected = (-0.25 * half, half, -1 / 9 if basis == "dry" else 0.0)
    assert (weights.temperature, weights.pressure, weights.humidity) == pytest.approx(expected, rel=1e-12)

    def rate(temperature: float = 91.0, pressure: float = 1e5, humidity: float = 0.1) -> float:
        velocity = 12.0
        if pitot:  # at 91 degC and 1e5 Pa a density of 0.95 kg/m3; it goes with P / T
            density = 0.95 * pressure / 1e5 * (273 + 91) / (273 + temperature)
            velocity = float(cems.pitot_velocity(80.0, gas_density=density, pitot_factor=0.84))
        flow = cems.standard_flow(
            velocity, area=12.0, temperature=temperature, pressure=pressure, humidity=humidity, basis=basis
        )
        return float(cems.co2_mass_rate(0.2, standard_flow=flow))

    found = (
        slope(lambda value: rate(temperature=value), 91.0),
        slope(lambda value: rate(pressure=value), 1e5),
        slope(lambda value: rate(humidity=value), 0.1),
    )
    assert found == pytest.approx(expected, rel=1e-5, abs=1e-6)


def test_weights_and_form_of_the_flue_gas_say_the_same():
    conditions = {"temperature": 91.0, "humidity": 0.1}
    weights = flue_gas_weights(**conditions, basis="dry", pitot=True)
    form = flue_gas(
        u_rel_co2_fraction=0.02, u_rel_velocity=0.03, u_rel_area=0.01, u_temperature=0.91, pressure=1e5,
        u_pressure=500.0, u_humidity=0.005, basis="dry", pitot=True, **conditions,
    )  # fmt: skip
    parts = (0.02, 0.03, 0.01, weights.temperature * 0.01, weights.pressure * 0.005, weights.humidity * 0.05)
    assert float(root_of_squares(*parts)) == pytest.approx(float(form), rel=1e-12)
    with pytest.raises(DomainError, match="basis: expected dry or wet"):
        flue_gas_weights(temperature=np.array([91.0]), humidity=0.1, basis="moist")
