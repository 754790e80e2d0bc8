"""Flue-gas flow in the steps and symbols of HJ 75: from a velocity to a flow, from an actual flow to a standard one.

Jobs call `cems.standard_flow`, which takes both steps at once; a published example prints them one by one, with
atmospheric and static pressure apart. standard.md section 11.1 [C/M]; standard text not yet checked.
"""

from __future__ import annotations

from tanji.domain.cems import Basis, standard_flow
from tanji.domain.limits import Quantity, require_finite

SECONDS_PER_HOUR = 3600


def actual_flow(stack_velocity: Quantity, *, area: Quantity) -> Quantity:
    """Flow of flue gas as it is in the stack, wet. [m3/h]

    Qs = 3600 x F x Vs.

    stack_velocity : mean over the section, Vs = Kv x Vp. [m/s]
    area : F, section of the stack. [m2]

    >>> actual_flow(15.0, area=12.56)
    678240.0
    """
    require_finite(stack_velocity=stack_velocity, area=area)
    return SECONDS_PER_HOUR * area * stack_velocity


def standard_flow_of_actual(
    actual_flow_wet: Quantity,
    *,
    temperature: Quantity,
    atmospheric_pressure: Quantity,
    static_pressure: Quantity,
    humidity: Quantity,
    basis: Basis = "dry",
) -> Quantity:
    """Standard flow of flue gas from its actual flow. [Nm3/h]

    Qsn = Qs x 273/(273 + ts) x (Ba + Ps)/101325 x (1 - Xsw); without the last factor it is the wet flow.

    actual_flow_wet : Qs. [m3/h]
    temperature : ts. [degC]
    atmospheric_pressure, static_pressure : Ba, and Ps of the gas, which may be below zero. [Pa]
    humidity : Xsw, by volume. [1]
    basis : dry or wet; the concentration must be of the same.

    >>> round(standard_flow_of_actual(678240.0, temperature=100.0, atmospheric_pressure=101_500.0,
    ...     static_pressure=-175.0, humidity=0.08), 1)
    456693.7

    By hand: 678240 x 273/373 = 496406.2; the pressures give 101325 Pa; x 0.92 = 456693.7.
    """
    return standard_flow(
        actual_flow_wet / SECONDS_PER_HOUR,  # as a velocity through one square metre
        area=1.0,
        temperature=temperature,
        pressure=atmospheric_pressure + static_pressure,
        humidity=humidity,
        basis=basis,
    )
