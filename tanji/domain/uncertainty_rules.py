"""Rules of JJF 1059.1 / GUM: one instrument, a product, a sum with correlation (standard.md section 13, R37).

What every item's form in `tanji.domain.uncertainty` is made of, and what it re-exports; the budget of a period is in
`tanji.domain.uncertainty_budget`. A name beginning with `u_rel_` is a relative standard uncertainty [1], one beginning
with `u_` an absolute one, in the unit of its quantity. Terms of a sum carry the sign of their sensitivity.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from tanji.domain.limits import Quantity
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
    return root_of_squares(*u_rel)


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


def root_of_squares(*terms: Quantity) -> Quantity:
    """Root of the sum of squares: independent terms in quadrature. [unit of the terms]

    terms : absolute or relative standard uncertainties. [one unit]
    """
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
