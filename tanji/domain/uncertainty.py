"""Uncertainty of the figures by JJF 1059.1 / GUM: standard.md section 13 (R37).

A name beginning with `u_rel_` is a relative standard uncertainty [1]; one beginning with `u_` an absolute one, in the
unit of its quantity. Terms of a sum carry the sign of their sensitivity, which matters once they are correlated: the
systematic part of a scale or analyser and every default factor are the same in all hours and months (correlation 1),
random and sampling parts are not (correlation 0). Ignoring that understates the yearly figure by about the root of 12.
Without a certificate take the whole permissible error as systematic. NCV and CC of one sample, CaO and MgO of one
analysis are taken as uncorrelated here; a caller that knows better uses `absolute_of_sum` with its own correlation.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from tanji.domain.cems import ZERO_CELSIUS, Basis
from tanji.domain.limits import Quantity, require
from tanji.domain.process import CO2_PER_CAO, CO2_PER_MGO
from tanji.errors import DomainError

COVERAGE_FACTOR = 2.0
"""k of an expanded uncertainty at about 95 %."""

Terms: TypeAlias = Sequence[float] | NDArray[np.float64]

CORRELATION_TOLERANCE = 1e-9
"""Rounding allowed in a correlation matrix before it is refused, relative to the sum of squares."""


def from_permissible_error(permissible_error: Quantity) -> Quantity:
    """Standard uncertainty of a permissible error taken as a rectangle, a / sqrt(3). [unit of the error]

    permissible_error : maximum permissible error, absolute or relative. [any]

    >>> round(float(from_permissible_error(0.005)), 6)
    0.002887
    """
    _require_not_negative("permissible_error", permissible_error)
    return permissible_error / math.sqrt(3)


def from_certificate(expanded_uncertainty: Quantity, *, coverage_factor: float = COVERAGE_FACTOR) -> Quantity:
    """Standard uncertainty from a calibration certificate, U / k. [unit of U]

    expanded_uncertainty : U as printed. [any]
    coverage_factor : k as printed. [1]
    """
    _require_not_negative("expanded_uncertainty", expanded_uncertainty)
    _require_positive("coverage_factor", coverage_factor)
    return expanded_uncertainty / coverage_factor


def from_full_scale_class(accuracy_class: float, *, full_scale: float, reading: Quantity) -> Quantity:
    """Relative standard uncertainty of an instrument whose class holds for full scale. [1]

    u_rel = class x FS / (sqrt(3) x reading); not defined at a reading of zero.

    accuracy_class : class as a fraction of full scale, 0.01 for class 1.0. [1]
    full_scale, reading : in one unit. [any]

    >>> round(float(from_full_scale_class(0.01, full_scale=400.0, reading=100.0)), 6)
    0.023094
    """
    _require_not_negative("accuracy_class", accuracy_class)
    value = np.asarray(reading, dtype=np.float64)
    relative = np.asarray(accuracy_class * full_scale / (math.sqrt(3) * np.where(value > 0, value, np.nan)))
    return float(relative) if relative.ndim == 0 else relative


def expanded(standard_uncertainty: Quantity, *, coverage_factor: float = COVERAGE_FACTOR) -> Quantity:
    """Expanded uncertainty, U = k x u_c. [unit of u]

    standard_uncertainty : combined. [any]
    coverage_factor : k. [1]
    """
    _require_positive("coverage_factor", coverage_factor)
    return coverage_factor * standard_uncertainty


def relative_of_product(*u_rel: Quantity) -> Quantity:
    """Relative uncertainty of a product or quotient of uncorrelated factors: root of the sum of squares. [1]

    u_rel : relative standard uncertainty of each factor. [1]

    >>> round(float(relative_of_product(0.03, 0.04)), 6)
    0.05
    """
    return _root_of_squares(*u_rel)


def absolute_of_sum(terms: Terms, correlation: float | NDArray[np.float64] = 0.0) -> float:
    """Uncertainty of a sum, u^2 = sum u_k^2 + 2 sum r_kl u_k u_l. [unit of the terms]

    terms : absolute standard uncertainty of each addend, negative for one that is subtracted. [one unit]
    correlation : one coefficient for every pair, or the matrix of them with ones on the diagonal. [1]

    >>> absolute_of_sum((3.0, 4.0)), absolute_of_sum((3.0, 4.0), 1.0), absolute_of_sum((3.0, -4.0), 1.0)
    (5.0, 7.0, 1.0)
    """
    vector = np.asarray(terms, dtype=np.float64)
    if vector.ndim != 1:
        raise DomainError(f"terms: expected one row of numbers, got {vector.ndim} dimensions")
    squares = float(vector @ vector)
    matrix = np.asarray(correlation, dtype=np.float64)
    if matrix.ndim == 0:
        _require_correlation(matrix)
        variance = (1 - float(matrix)) * squares + float(matrix) * float(vector.sum()) ** 2
    else:
        _require_correlation_matrix(matrix, size=vector.size)
        variance = float(vector @ matrix @ vector)
    if variance < -CORRELATION_TOLERANCE * squares:
        raise DomainError(f"correlation: expected one that leaves a variance of at least 0, got {variance}")
    return float(np.sqrt(max(variance, 0.0))) if not np.isnan(variance) else float("nan")


def over_hours(systematic: Terms, *, random: Terms = ()) -> float:
    """Uncertainty of a period's sum from that of its hours: systematic parts linearly, random parts in quadrature.

    systematic : part of each hour that a scale, an analyser or a default factor repeats in all of them. [tCO2 or t]
    random : part of each hour that is its own. [same unit]

    By hand: 12 months of 1 t each, all systematic: 12 t; all random: root of 12 = 3.464 t.
    """
    return float(np.hypot(absolute_of_sum(systematic, 1.0), absolute_of_sum(random)))


def fuel_by_heat_content(
    *,
    u_rel_fuel_amount: Quantity,
    u_rel_net_calorific_value: Quantity,
    u_rel_carbon_per_energy: Quantity,
    u_rel_oxidation_fraction: Quantity,
) -> Quantity:
    """Relative uncertainty of F2, u_rel(E)^2 = sum of the squares of its four factors. [1]"""
    return relative_of_product(
        u_rel_fuel_amount, u_rel_net_calorific_value, u_rel_carbon_per_energy, u_rel_oxidation_fraction
    )


def fuel_by_measured_carbon(
    *, u_rel_fuel_amount: Quantity, u_rel_carbon_as_received: Quantity, u_rel_oxidation_fraction: Quantity
) -> Quantity:
    """Relative uncertainty of F2 with elemental carbon. [1]"""
    return relative_of_product(u_rel_fuel_amount, u_rel_carbon_as_received, u_rel_oxidation_fraction)


def alternative_fuel(
    *,
    u_rel_alternative_fuel_amount: Quantity,
    u_rel_calorific_value: Quantity,
    u_rel_emission_factor: Quantity,
    u_rel_non_biomass_carbon_fraction: Quantity,
) -> Quantity:
    """Relative uncertainty of F3, of either form. [1]"""
    return relative_of_product(
        u_rel_alternative_fuel_amount,
        u_rel_calorific_value,
        u_rel_emission_factor,
        u_rel_non_biomass_carbon_fraction,
    )


def clinker_oxide_factor(
    *,
    u_clinker_cao: Quantity,
    u_clinker_mgo: Quantity,
    u_clinker_cao_non_carbonate: Quantity = 0.0,
    u_clinker_mgo_non_carbonate: Quantity = 0.0,
) -> Quantity:
    """Absolute uncertainty of F4's factor, c1^2 [u(FR1)^2 + u(FR10)^2] + c2^2 [u(FR2)^2 + u(FR20)^2]. [tCO2/t]

    u_clinker_cao, u_clinker_mgo, u_clinker_cao_non_carbonate, u_clinker_mgo_non_carbonate : absolute. [t/t]
    """
    return _root_of_squares(
        CO2_PER_CAO * u_clinker_cao,
        CO2_PER_CAO * u_clinker_cao_non_carbonate,
        CO2_PER_MGO * u_clinker_mgo,
        CO2_PER_MGO * u_clinker_mgo_non_carbonate,
    )


def clinker_by_oxides(*, u_rel_clinker_output: Quantity, u_oxide_factor: Quantity, oxide_factor: Quantity) -> Quantity:
    """Relative uncertainty of F4, u_rel(Q)^2 + [u(EF)/EF]^2. [1]

    u_rel_clinker_output : of clinker and counted dust together. [1]
    u_oxide_factor, oxide_factor : as of `clinker_oxide_factor` here and in `tanji.domain.process`. [tCO2/t]
    """
    return relative_of_product(u_rel_clinker_output, u_oxide_factor / oxide_factor)


def clinker_by_factor(
    clinker_output: Quantity,
    *,
    u_clinker_output: Quantity,
    clinker_process_factor: Quantity,
    u_clinker_process_factor: Quantity,
    u_deduction: Quantity = 0.0,
) -> Quantity:
    """Absolute uncertainty of G2, [EF u(Q)]^2 + [Q u(EF)]^2 + u(deduction)^2. [tCO2]

    clinker_output, u_clinker_output : clinker produced. [t]
    clinker_process_factor, u_clinker_process_factor : its factor. [tCO2/t]
    u_deduction : root of the sum of the squares of `substitute_deduction` over the materials. [tCO2]

    By hand: Q = 5000 +- 50 t, EF = 0.535 +- 0.01: 26.75 and 50 t, together root(26.75^2 + 50^2) = 56.7059 t.
    """
    return _root_of_squares(
        clinker_process_factor * u_clinker_output, clinker_output * u_clinker_process_factor, u_deduction
    )


def substitute_deduction(
    substitute_amount: Quantity,
    *,
    u_substitute_amount: Quantity,
    deduction_factor: Quantity,
    u_deduction_factor: Quantity,
) -> Quantity:
    """Absolute uncertainty of one deduction of G2, [D u(m)]^2 + [m u(D)]^2. [tCO2]

    substitute_amount, u_substitute_amount : material consumed. [t]
    deduction_factor, u_deduction_factor : its deduction factor. [tCO2/t]
    """
    return _root_of_squares(deduction_factor * u_substitute_amount, substitute_amount * u_deduction_factor)


def net_electricity(
    *, u_purchased: float, u_exported: float, u_non_fossil: float = 0.0, same_meter: bool = False
) -> float:
    """Absolute uncertainty of net electricity: in quadrature, unless one meter gives purchase and export. [MWh]

    u_purchased, u_exported, u_non_fossil : absolute. [MWh]
    same_meter : whether one meter measures both directions, its error being common to them.
    """
    both = absolute_of_sum((u_purchased, -u_exported), 1.0 if same_meter else 0.0)
    return absolute_of_sum((both, u_non_fossil))


def net_electricity_emission(
    net_electricity: Quantity, *, u_net_electricity: Quantity, grid_factor: Quantity, u_grid_factor: Quantity
) -> Quantity:
    """Absolute uncertainty of F6 and G3, [EF u(AD)]^2 + [AD u(EF)]^2. [tCO2]

    net_electricity, u_net_electricity : net purchase. [MWh]
    grid_factor, u_grid_factor : grid factor. [tCO2/MWh]
    """
    return _root_of_squares(grid_factor * u_net_electricity, net_electricity * u_grid_factor)


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

    u_rel_co2_fraction, u_rel_velocity, u_rel_area : relative. [1]
    temperature, u_temperature : of the gas. [degC, K]
    pressure, u_pressure : absolute pressure of the gas. [Pa]
    humidity, u_humidity : water vapour by volume. [1]
    basis : dry or wet.
    pitot : whether the velocity comes from a pitot tube.
    """
    if basis not in ("dry", "wet"):
        raise DomainError(f"basis: expected dry or wet, got {basis}")
    require(temperature=temperature, pressure=pressure, humidity=humidity)
    weight = 0.5 if pitot else 1.0
    humidity_term = u_humidity / (1 - humidity) if basis == "dry" else 0.0
    return relative_of_product(
        u_rel_co2_fraction,
        u_rel_velocity,
        u_rel_area,
        weight * u_temperature / (ZERO_CELSIUS + temperature),
        weight * u_pressure / pressure,
        humidity_term,
    )


def _root_of_squares(*terms: Quantity) -> Quantity:
    squares: Quantity = 0.0
    for term in terms:
        squares = squares + term**2
    return np.sqrt(squares)


def _require_not_negative(name: str, value: Quantity) -> None:
    if np.any(np.asarray(value) < 0):
        raise DomainError(f"{name}: expected at least 0, got {value}")


def _require_positive(name: str, value: float) -> None:
    if not value > 0:
        raise DomainError(f"{name}: expected above 0, got {value}")


def _require_correlation(coefficients: NDArray[np.float64]) -> None:
    if not bool(np.all(np.abs(coefficients) <= 1)):
        raise DomainError(f"correlation: expected -1 to 1, got {coefficients}")


def _require_correlation_matrix(matrix: NDArray[np.float64], *, size: int) -> None:
    if matrix.shape != (size, size):
        raise DomainError(f"correlation: expected a {size} by {size} matrix, got shape {matrix.shape}")
    _require_correlation(matrix)
    if not (np.array_equal(matrix, matrix.T) and bool(np.all(np.diagonal(matrix) == 1))):
        raise DomainError("correlation: expected a symmetric matrix with ones on the diagonal, got another")
