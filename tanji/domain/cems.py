"""CO2 measured in the stack (烟气直测法): flow, mass rate, hour and capture rate; standard.md section 11 (R25).

After the appendix of HJ 75-2017 [C/M]; neither it nor T/CSMT-HJ 003-2024 has been checked yet. Which minutes are valid,
and what replaces an hour that is not, is decided by the quality job. The oxygen conversion (折算浓度) serves limits
only and is not applied to a mass. A missing input (not-a-number) gives a missing result.
`hard_ranges` of a formula holds a plant's own ranges where they differ from `limits.toml`.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from tanji.domain.limits import Quantity, Ranges, require, require_finite
from tanji.domain.ratios import quotient
from tanji.errors import DomainError

Basis = Literal["dry", "wet"]

ZERO_CELSIUS = 273.0
"""Kelvin at 0 degC as the Chinese texts print it; 273.15 would change a flow by about 0.01 %."""

STANDARD_PRESSURE = 101_325.0
"""Pa of the normal cubic metre."""

MINIMUM_CAPTURE = 0.75
"""Least share of the running hours with valid data for a total (HJ 75 [M]); a plan may ask for more."""

CO2_DENSITY = 44 / 22.4
"""kg per Nm3: molar mass over molar volume, the integers of the Chinese texts."""

SECONDS_PER_HOUR = 3600.0
MINUTES_PER_HOUR = 60.0


def pitot_velocity(pressure_difference: Quantity, *, pitot_factor: Quantity, gas_density: Quantity) -> Quantity:
    """Velocity at a pitot tube, Vp = Kp x sqrt(2 dP / rho). [m/s]

    standard.md section 11.1 [C/M]; HJ 75 not yet checked.

    pressure_difference : dynamic pressure. [Pa]
    pitot_factor : Kp. [1]
    gas_density : density of the wet gas as it flows. [kg/m3]

    >>> round(float(pitot_velocity(100.0, pitot_factor=0.84, gas_density=0.9)), 4)
    12.522
    """
    require_finite(pressure_difference=pressure_difference, pitot_factor=pitot_factor, gas_density=gas_density)
    if np.any(np.asarray(pressure_difference) < 0) or np.any(np.asarray(gas_density) <= 0):
        raise DomainError(
            "pitot_velocity: expected pressure_difference of at least 0 Pa and gas_density above 0 kg/m3, "
            f"got {pressure_difference} and {gas_density}"
        )
    return pitot_factor * np.sqrt(2 * pressure_difference / gas_density)


def atmospheric_pressure(altitude: Quantity, *, hard_ranges: Ranges | None = None) -> Quantity:
    """Standard atmospheric pressure at an altitude, where no barometer reports. [Pa]

    PH = 101325 x (1 - h/44300)^5.256, older supplementary data sheet, standard.md section 9 [T].

    altitude : metres above sea level. [m]

    hard_ranges : the plant's own, where they differ from `limits.toml`.

    >>> round(atmospheric_pressure(0.0), 1), round(atmospheric_pressure(1500.0), 0)
    (101325.0, 84545.0)

    By hand: 1 - 1500/44300 = 0.966140; to the power 5.256, exp(5.256 x -0.034447) = 0.83439; x 101325 = 84545 Pa.
    """
    require(hard_ranges=hard_ranges, altitude=altitude)
    return STANDARD_PRESSURE * (1 - altitude / 44_300) ** 5.256


def standard_flow(
    velocity: Quantity,
    *,
    area: float,
    temperature: Quantity,
    pressure: Quantity,
    humidity: Quantity,
    basis: Basis,
    velocity_field_factor: float = 1.0,
    hard_ranges: Ranges | None = None,
) -> Quantity:
    """Flow of flue gas at 0 degC and 101325 Pa, dry or wet. [Nm3/h]

    Qsn = 3600 x F x Kv x Vp x 273/(273 + ts) x (Ba + Ps)/101325 x (1 - Xsw), the last factor for `dry` only;
    standard.md section 11.1 [C/M]; HJ 75 not yet checked. The basis must be that of the CO2 analyser.

    velocity : measured velocity of the gas. [m/s]
    area : cross-section of the stack. [m2]
    temperature : ts, of the gas. [degC]
    pressure : Ba + Ps, absolute pressure of the gas. [Pa]
    humidity : Xsw, water vapour by volume; not used for `wet`. [1]
    basis : dry or wet.
    velocity_field_factor : Kv, mean velocity over the section to the measured one. [1]

    >>> round(standard_flow(12.0, area=12.0, temperature=91.0, pressure=101325.0, humidity=0.1, basis="dry"), 4)
    349920.0

    By hand: 3600 x 12 x 12 = 518400 m3/h; x 273/364 = 0.75 gives 388800; x 0.9 = 349920 Nm3/h.
    """
    if basis not in ("dry", "wet"):
        raise DomainError(f"basis: expected dry or wet, got {basis}")
    require_finite(velocity=velocity, area=area, velocity_field_factor=velocity_field_factor)
    if np.any(np.asarray(velocity) < 0):
        raise DomainError(f"velocity: expected at least 0 m/s, got {velocity}")
    require(hard_ranges=hard_ranges, temperature=temperature, pressure=pressure)
    actual = SECONDS_PER_HOUR * area * velocity_field_factor * velocity
    wet = actual * (ZERO_CELSIUS / (ZERO_CELSIUS + temperature)) * (pressure / STANDARD_PRESSURE)
    if basis == "wet":
        return wet
    require(hard_ranges=hard_ranges, humidity=humidity)
    return wet * (1 - humidity)


def dry_fraction(co2_fraction_wet: Quantity, *, humidity: Quantity, hard_ranges: Ranges | None = None) -> Quantity:
    """CO2 by volume of dry gas from that of wet gas, C_dry = C_wet / (1 - Xsw). [1]

    standard.md section 11.1 [C/M]; HJ 75 not yet checked.

    co2_fraction_wet : CO2 by volume of the wet gas. [1]
    humidity : water vapour by volume. [1]

    >>> round(dry_fraction(0.18, humidity=0.1), 6)
    0.2
    """
    require(hard_ranges=hard_ranges, co2_fraction_wet=co2_fraction_wet, humidity=humidity)
    return co2_fraction_wet / (1 - humidity)


def co2_mass_rate(co2_fraction: Quantity, *, standard_flow: Quantity, hard_ranges: Ranges | None = None) -> Quantity:
    """CO2 leaving a stack. [t/h]

    G = phi x Qsn x 44/22.4 x 1e-3, standard.md section 11.1 [C/M]; HJ 75 not yet checked. Dry concentration with dry
    flow or wet with wet, never crossed: the error would be 1/(1 - humidity).

    co2_fraction : CO2 by volume. [1]
    standard_flow : flow on the same basis. [Nm3/h]

    >>> round(co2_mass_rate(0.2, standard_flow=349920.0), 4)
    137.4686

    By hand: 0.2 x 349920 = 69984 Nm3/h; x 1.9642857 kg = 137468.57 kg/h.
    """
    require(hard_ranges=hard_ranges, co2_fraction=co2_fraction)
    require_finite(standard_flow=standard_flow)
    return co2_fraction * standard_flow * CO2_DENSITY * 1e-3


def hour_mass(co2_rate: Quantity, *, running_minutes: float) -> float:
    """CO2 of one hour: mean of the valid running minutes' rates x running minutes / 60. [t]

    The mean of products, standard.md section 11.1 (own reading). Missing if no minute is valid; whether enough are is
    decided by the caller.

    co2_rate : rates of the running minutes, not-a-number where a minute is not valid. [t/h]
    running_minutes : how long the kiln ran in the hour. [min]

    >>> round(hour_mass(np.array([90.0, float("nan"), 110.0]), running_minutes=30), 4)
    50.0
    """
    if not 0 <= running_minutes <= MINUTES_PER_HOUR:
        raise DomainError(f"running_minutes: expected 0 to 60 min, got {running_minutes}")
    rates = np.asarray(co2_rate, dtype=np.float64)
    valid = rates[~np.isnan(rates)]
    return float(valid.mean()) * running_minutes / MINUTES_PER_HOUR if valid.size else float("nan")


def capture_rate(hours: float, *, invalid_hours: float, stop_hours: float) -> float:
    """Share of the running hours of a quarter with valid data (有效数据捕集率); not defined if it never ran. [1]

    a = (hours - invalid - stop) / (hours - stop), standard.md section 11.2 [M; C names]; HJ 75 not yet checked.

    hours, invalid_hours, stop_hours : of the period, of it not valid while running, of it stopped. [h]

    >>> round(capture_rate(2160, invalid_hours=96, stop_hours=240), 4)
    0.95
    """
    running = hours - stop_hours
    return (running - invalid_hours) / running if running > 0 else float("nan")


def co2_concentration(co2_fraction: Quantity, *, hard_ranges: Ranges | None = None) -> Quantity:
    """Mass concentration of CO2 at normal conditions, on the basis of the fraction. [kg/Nm3]

    rho_i = M_i / 22.4 x phi_i, standard.md section 11.1 [C/M]; HJ 75 not yet checked.

    co2_fraction : CO2 by volume. [1]
    hard_ranges : the plant's own, where they differ from `limits.toml`.

    >>> round(co2_concentration(0.224), 6)
    0.44
    """
    require(hard_ranges=hard_ranges, co2_fraction=co2_fraction)
    return co2_fraction * CO2_DENSITY


def period_mass(hour_masses: Quantity, *, capture: float, minimum_capture: float = MINIMUM_CAPTURE) -> float:
    """CO2 of a day, month or year: the sum of its valid and substituted hours; none below the least capture. [t]

    standard.md section 11.1 [C/M]; HJ 75 not yet checked. Below the limit the remainder is never published, so the
    result is missing; so it is while a running hour has neither a value nor a substitute. A stopped hour is 0.

    hour_masses : of every hour of the period. [t]
    capture : share of the running hours with valid data, `capture_rate`. [1]
    minimum_capture : of the approved plan. [1]

    >>> period_mass(np.array([130.0, 0.0, 120.0]), capture=0.9), period_mass(np.array([130.0]), capture=0.7)
    (250.0, nan)
    """
    if not capture >= minimum_capture:  # also where the capture rate is not defined
        return float("nan")
    return float(np.sum(np.asarray(hour_masses, dtype=np.float64)))


def deviation(measured: Quantity, *, calculated: Quantity) -> Quantity:
    """Flue-gas measurement against calculation, relative to the calculation. [1]

    (measured - calculated) / calculated; judged by `limits.diagnose(flue_gas_deviation=...)`, standard.md section 14.5.
    Not defined without a calculated emission.

    measured : CO2 measured in all stacks that carry kiln gas. [t]
    calculated : fossil and biogenic carbon and calcination of the same hours, `boundary.flue_gas_equivalent`. [t]

    >>> round(deviation(4200.0, calculated=4000.0), 6)
    0.05
    """
    return quotient(measured, denominator=calculated) - 1
