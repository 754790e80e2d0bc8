"""Dust and organic carbon in the form of CSI, GCCA and EU (R18): F9, standard.md section 5.1, beside F4 and F5.

Kiln dust here is only partly calcined, bypass dust fully. The Chinese formula F4 takes both as fully calcined instead;
a plant uses one of the two, never both for the same dust. Form [T]; the calcination fraction from losses on ignition is
[M] and not yet checked. A missing input (not-a-number) gives a missing result.
"""

from __future__ import annotations

import numpy as np

from tanji.domain.limits import Quantity, Ranges, require, require_finite
from tanji.domain.ratios import CO2_PER_CARBON
from tanji.errors import DomainError


def calcination_fraction(
    loss_on_ignition_dust: Quantity, *, loss_on_ignition_raw_meal: Quantity, hard_ranges: Ranges | None = None
) -> Quantity:
    """How far kiln dust is calcined, d: 0 like raw meal, 1 like clinker. [1]

    d = 1 - LOI_ckd x (1 - LOI_rm) / [(1 - LOI_ckd) x LOI_rm]. F9, standard.md section 5.1 [M]; not yet checked. Dust
    with a higher loss than the meal itself would give a negative d and is refused.

    loss_on_ignition_dust : loss on ignition of the kiln dust. [t/t]
    loss_on_ignition_raw_meal : loss on ignition of the raw meal, same basis. [t/t]
    hard_ranges : the plant's own, where they differ from `limits.toml`.

    >>> round(calcination_fraction(0.2, loss_on_ignition_raw_meal=0.36), 6)
    0.555556

    By hand: 0.2 x 0.64 = 0.128; 0.8 x 0.36 = 0.288; quotient 4/9; 1 - 4/9 = 5/9.
    """
    require(
        hard_ranges=hard_ranges,
        loss_on_ignition_dust=loss_on_ignition_dust,
        loss_on_ignition_raw_meal=loss_on_ignition_raw_meal,
    )
    kept = loss_on_ignition_dust * (1 - loss_on_ignition_raw_meal)
    fraction = 1 - kept / ((1 - loss_on_ignition_dust) * loss_on_ignition_raw_meal)
    if np.any(np.asarray(fraction) < 0):
        raise DomainError(
            "loss_on_ignition_dust: expected at most loss_on_ignition_raw_meal, "
            f"got {loss_on_ignition_dust} with {loss_on_ignition_raw_meal}"
        )
    return fraction


def kiln_dust_factor(
    clinker_process_factor: Quantity, *, calcination_fraction: Quantity, hard_ranges: Ranges | None = None
) -> Quantity:
    """Process CO2 of a tonne of partly calcined kiln dust. [tCO2/t]

    EF_ckd = [EF_cli/(1+EF_cli) x d] / [1 - EF_cli/(1+EF_cli) x d]. F9, standard.md section 5.1 [T]. With d = 1 it is
    the clinker's factor, with d = 0 it is zero.

    clinker_process_factor : EF_cli, of the clinker, by F4 or a default. [tCO2/t]
    calcination_fraction : d; by default 0 for dry kilns and 1 otherwise. [1]
    hard_ranges : the plant's own, where they differ from `limits.toml`.

    >>> round(kiln_dust_factor(0.525, calcination_fraction=0.5), 6)
    0.207921

    By hand: 0.525/1.525 = 0.344262; half of it 0.172131; / (1 - 0.172131) = 0.207921.
    """
    require(
        hard_ranges=hard_ranges,
        clinker_process_factor=clinker_process_factor,
        calcination_fraction=calcination_fraction,
    )
    released = clinker_process_factor / (1 + clinker_process_factor) * calcination_fraction
    return released / (1 - released)


def dust_emission(
    kiln_dust: Quantity,
    *,
    bypass_dust: Quantity,
    clinker_process_factor: Quantity,
    calcination_fraction: Quantity,
    hard_ranges: Ranges | None = None,
) -> Quantity:
    """CO2 of the dust that leaves the system. [tCO2]

    E = Q_ckd x EF_ckd + Q_bpd x EF_cli. F9, standard.md section 5.1 [T]; bypass dust counts as fully calcined.

    kiln_dust, bypass_dust : dust that leaves the system; a plant without any states 0. [t]
    clinker_process_factor, calcination_fraction : as in `kiln_dust_factor`. [tCO2/t], [1]
    hard_ranges : the plant's own, where they differ from `limits.toml`.

    >>> round(dust_emission(100.0, bypass_dust=20.0, clinker_process_factor=0.525, calcination_fraction=0.5), 4)
    31.2921

    By hand: 100 x 0.207921 = 20.7921; 20 x 0.525 = 10.5; together 31.2921 tCO2.
    """
    require_finite(kiln_dust=kiln_dust, bypass_dust=bypass_dust)
    factor = kiln_dust_factor(
        clinker_process_factor, calcination_fraction=calcination_fraction, hard_ranges=hard_ranges
    )
    return kiln_dust * factor + bypass_dust * clinker_process_factor


def total_organic_carbon_emission(
    clinker_output: Quantity,
    *,
    meal_clinker_ratio: Quantity,
    raw_meal_organic_carbon: Quantity,
    hard_ranges: Ranges | None = None,
) -> Quantity:
    """CO2 of the organic carbon in raw meal, from the clinker output: the form of F9 beside F5. [tCO2]

    CO2_TOC = TOC x (raw meal / clinker) x clinker x 44/12. F9, standard.md section 5.1 [T].

    clinker_output : clinker produced. [t]
    meal_clinker_ratio : dry raw meal per clinker; a derived ratio, it only diagnoses. [t/t]
    raw_meal_organic_carbon : TOC of the dry meal, a fraction and not a percent. [tC/t]
    hard_ranges : the plant's own, where they differ from `limits.toml`.

    >>> round(total_organic_carbon_emission(5000.0, meal_clinker_ratio=1.56, raw_meal_organic_carbon=0.002), 4)
    57.2

    By hand: 5000 x 1.56 = 7800 t of meal; x 0.002 = 15.6 tC; x 44/12 = 57.2 tCO2, as by F5.
    """
    require_finite(clinker_output=clinker_output, meal_clinker_ratio=meal_clinker_ratio)
    require(hard_ranges=hard_ranges, raw_meal_organic_carbon=raw_meal_organic_carbon)
    return clinker_output * meal_clinker_ratio * raw_meal_organic_carbon * CO2_PER_CARBON
