"""Arithmetic of published fuel figures and sums: what others print, so that Tanji can be checked against it (R58).

Nothing here enters a figure of a plant. A text that prints the steps of F2 one by one (heat, factor, product) has each
step here. Process emissions of other texts are in `tanji.domain.published_process`. The texts named in the docstrings
have not been compared with these lines, unless the mark is [T].
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from tanji.domain.boundary import check_sum
from tanji.domain.limits import Quantity, require, require_finite
from tanji.domain.ratios import CO2_PER_CARBON
from tanji.domain.unit_expressions import STANDARD_COAL_HEAT
from tanji.errors import DomainError


def heat_of_fuel(fuel_amount: Quantity, *, net_calorific_value: Quantity) -> Quantity:
    """Activity data of F2, AD = FC x NCV [M]. [GJ]

    fuel_amount : fuel burned. [t, gas: 10^4 Nm3]
    net_calorific_value : on the same basis. [GJ/t, gas: GJ/10^4 Nm3]

    >>> round(heat_of_fuel(100.0, net_calorific_value=23.076), 4)
    2307.6
    """
    require_finite(fuel_amount=fuel_amount)
    require(net_calorific_value=net_calorific_value)
    return fuel_amount * net_calorific_value


def factor_of_fuel(carbon_per_energy: Quantity, *, oxidation_fraction: Quantity) -> Quantity:
    """Emission factor of F2, EF = CC x OF x 44/12 [M]. [tCO2/GJ]

    carbon_per_energy : carbon per unit of heat. [tC/GJ]
    oxidation_fraction : share of the carbon that is oxidised. [1]

    >>> round(factor_of_fuel(0.02618, oxidation_fraction=0.99), 6)
    0.095033

    By hand: 0.02618 x 0.99 = 0.0259182; x 44/12 = 0.0950334, the 0.09503 of standard.md section 14.2.
    """
    require(carbon_per_energy=carbon_per_energy, oxidation_fraction=oxidation_fraction)
    return carbon_per_energy * oxidation_fraction * CO2_PER_CARBON


def heat_emission(fuel_heat: Quantity, *, emission_factor: Quantity) -> Quantity:
    """CO2 of a fuel that is metered by its heat, E = AD x EF: the first line of F2 as it is printed [M]. [tCO2]

    fuel_heat : heat of the fuel burned. [GJ]
    emission_factor : CO2 per unit of heat. [tCO2/GJ]

    >>> round(heat_emission(2307.6, emission_factor=0.095), 3)
    219.222
    """
    require_finite(fuel_heat=fuel_heat)
    require(emission_factor=emission_factor)
    return fuel_heat * emission_factor


def energy_factor_emission(
    fuel_amount: Quantity,
    *,
    net_calorific_value: Quantity,
    emission_factor: Quantity,
    oxidation_fraction: Quantity = 1.0,
) -> Quantity:
    """CO2 of burning a fuel from an emission factor per unit of heat, as IPCC and 40 CFR 98 print it [M]. [tCO2]

    E = FC x NCV x EF x OF; with EF = CC x 44/12 this is F2.

    fuel_amount : fuel burned. [t, gas: 10^4 Nm3]
    net_calorific_value : heat content on the basis the factor is stated for. [GJ/t, gas: GJ/10^4 Nm3]
    emission_factor : CO2 per unit of heat. [tCO2/GJ]
    oxidation_fraction : 1 where the factor includes it. [1]

    >>> round(energy_factor_emission(1.0, net_calorific_value=43.0, emission_factor=0.0741), 4)
    3.1863

    By hand: IPCC 2006 diesel [M], 43.0 TJ/Gg x 74.1 t/TJ = 3186.3 t per Gg, 3.1863 t per tonne.
    """
    require_finite(fuel_amount=fuel_amount)
    require(
        net_calorific_value=net_calorific_value, emission_factor=emission_factor, oxidation_fraction=oxidation_fraction
    )
    return fuel_amount * net_calorific_value * emission_factor * oxidation_fraction


def coal_equivalent(
    fuel_amount: Quantity, *, net_calorific_value: Quantity, standard_coal_heat: Quantity = STANDARD_COAL_HEAT
) -> Quantity:
    """Standard coal of the same heat (折标准煤). [tce]

    m_ce = FC x NCV / q. The tables of GB/T 2589 divide by 29.271 GJ/t, not 29.3076 [M: 20908 / 29271 = 0.7143].

    fuel_amount : fuel. [t, gas: 10^4 Nm3]
    net_calorific_value : its heat content. [GJ/t, gas: GJ/10^4 Nm3]
    standard_coal_heat : q, heat of a tonne of standard coal. [GJ/t]

    >>> round(coal_equivalent(1.0, net_calorific_value=20.908, standard_coal_heat=29.271), 4)
    0.7143
    """
    require_finite(fuel_amount=fuel_amount)
    require(net_calorific_value=net_calorific_value)
    if np.any(np.abs(np.asarray(standard_coal_heat, dtype=np.float64) / STANDARD_COAL_HEAT - 1) > 0.01):
        raise DomainError(f"standard_coal_heat: expected about 29.3 GJ/t, got {standard_coal_heat}")
    return fuel_amount * net_calorific_value / standard_coal_heat


def change(newer: Quantity, *, older: Quantity) -> Quantity:
    """Relative change of a figure, (newer - older) / older. [1]

    newer, older : in one unit. [any]

    >>> round(change(0.5306, older=0.5366), 4)
    -0.0112
    """
    require_finite(newer=newer, older=older)
    return (newer - older) / not_zero("older", older)


def share(part: Quantity, *, whole: Quantity) -> Quantity:
    """One figure over another of the same unit. [1]

    part, whole : in one unit. [any]

    >>> round(share(660.0, whole=889.0), 4)
    0.7424
    """
    require_finite(part=part, whole=whole)
    return part / not_zero("whole", whole)


def not_zero(name: str, value: Quantity) -> Quantity:
    """The value, which something is divided by; DomainError if it is zero anywhere."""
    if np.any(np.asarray(value) == 0):
        raise DomainError(f"{name}: expected a number other than 0, which something is divided by, got 0")
    return value


@dataclass(frozen=True, slots=True)
class StatedSum:
    """A sum beside the total somebody stated; without a stated total only the sum. [unit of the parts]"""

    computed: float
    stated: float | None
    difference: float | None
    consistent: bool | None


def sum_of_parts(parts: Iterable[float], *, stated: float | None = None, tolerance: float = 0.0) -> StatedSum:
    """The sum of the parts, and whether a stated total agrees with it (`boundary.check_sum`). [unit of the parts]

    parts, stated, tolerance : all in one unit. [any]

    >>> sum_of_parts((44372400, 1013800), stated=453862000, tolerance=1).consistent
    False
    """
    check = check_sum(parts, stated=0.0 if stated is None else stated, tolerance=tolerance)
    if stated is None:
        return StatedSum(check.computed, None, None, None)
    return StatedSum(check.computed, check.stated, check.difference, check.consistent)


def direct_and_indirect(
    direct: float, *, indirect: float, stated: float | None = None, tolerance: float = 0.0
) -> StatedSum:
    """A disclosed total beside its two parts, as companies print them. [tCO2]

    direct, indirect : emissions of the company. [tCO2]
    stated, tolerance : the disclosed total, and room for its rounding. [tCO2]

    >>> direct_and_indirect(175889434.0, indirect=7889128.0).computed
    183778562.0
    """
    return sum_of_parts((direct, indirect), stated=stated, tolerance=tolerance)
