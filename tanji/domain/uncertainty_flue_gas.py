"""Uncertainty of the CO2 mass rate in a stack, with the weights its conditions really have (standard.md 13, last form).

Dry and wet analysers, velocities measured directly and by pitot tube. How the parts of a period are added up is in
`tanji.domain.uncertainty_budget`; the formula itself is `tanji.domain.cems`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tanji.domain.cems import ZERO_CELSIUS, Basis
from tanji.domain.limits import Quantity, require
from tanji.domain.uncertainty_rules import relative_of_product
from tanji.errors import DomainError


@dataclass(frozen=True, slots=True)
class FlueGasWeights:
    """What a relative error of each condition of the gas does to the CO2 mass rate, relative and signed. [1]

    `temperature` is per relative error of the Celsius reading, `pressure` and `humidity` per that of their own reading.
    """

    temperature: Quantity
    pressure: Quantity
    humidity: Quantity


def flue_gas_weights(*, temperature: Quantity, humidity: Quantity, basis: Basis, pitot: bool = False) -> FlueGasWeights:
    """Sensitivities of G = phi x v x F x 273/(273 + t) x P/P0 x (1 - Xsw) to t, P and Xsw, each relative. [1]

    dG/G = -t/(273 + t) dt/t + dP/P - Xsw/(1 - Xsw) dXsw/Xsw. With a wet analyser on wet flow there is no Xsw; behind a
    pitot tube the density carries T and P once more under the root, v ~ root(T/P), so that both weights are halved.

    temperature : of the gas. [degC]
    humidity : water vapour by volume. [1]
    basis, pitot : as of `flue_gas`.

    By hand: 91 degC: 91/364 = 0.25; Xsw 0.1: 0.1/0.9 = 0.1111; pitot: 0.125 and 0.5 for temperature and pressure.
    """
    if basis not in ("dry", "wet"):
        raise DomainError(f"basis: expected dry or wet, got {basis}")
    half = 0.5 if pitot else 1.0
    return FlueGasWeights(
        temperature=-half * temperature / (ZERO_CELSIUS + temperature),
        pressure=half * np.ones_like(np.asarray(temperature, np.float64)),
        humidity=-humidity / (1 - humidity) if basis == "dry" else np.zeros_like(np.asarray(humidity, np.float64)),
    )


def flue_gas(
    *,
    u_rel_co2_fraction: Quantity,
    u_rel_velocity: Quantity,
    u_rel_area: Quantity,
    temperature: Quantity,
    u_temperature: Quantity,
    pressure: Quantity,
    u_pressure: Quantity,
    humidity: Quantity,
    u_humidity: Quantity,
    basis: Basis,
    pitot: bool = False,
) -> Quantity:
    """Relative uncertainty of the CO2 mass rate in a stack. [1]

    u_rel(phi)^2 + u_rel(v)^2 + u_rel(F)^2 + [u(T)/T]^2 + [u(P)/P]^2 + [u(Xsw)/(1 - Xsw)]^2, T in kelvin. A wet
    analyser on wet flow has no humidity term; behind a pitot tube the density carries temperature and pressure once
    more under the root, so that their weights become one half.

    u_rel_co2_fraction, u_rel_velocity, u_rel_area : relative; behind a pitot tube the velocity's is that of
        Kp root(dP), half that of the differential pressure. [1]
    temperature, u_temperature : of the gas. [degC, K]
    pressure, u_pressure : absolute pressure of the gas. [Pa]
    humidity, u_humidity : water vapour by volume. [1]
    basis : dry or wet.
    pitot : whether the velocity comes from a pitot tube.
    """
    if basis not in ("dry", "wet"):
        raise DomainError(f"basis: expected dry or wet, got {basis}")
    require(temperature=temperature, pressure=pressure, humidity=humidity)
    half = 0.5 if pitot else 1.0
    return relative_of_product(
        u_rel_co2_fraction,
        u_rel_velocity,
        u_rel_area,
        half * u_temperature / (ZERO_CELSIUS + temperature),
        half * u_pressure / pressure,
        u_humidity / (1 - humidity) if basis == "dry" else 0.0,
    )
