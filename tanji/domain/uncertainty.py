"""Uncertainty of every item by JJF 1059.1 / GUM: the forms of standard.md section 13 (R37).

A name beginning with `u_rel_` is a relative standard uncertainty [1]; one beginning with `u_` an absolute one, in the
unit of its quantity. Systematic parts (scale, analyser, default factor) repeat in all hours and months, correlation 1;
random and sampling parts do not, correlation 0; `tanji.domain.uncertainty_budget` adds them up that way over a period.
Rules of propagation are in `tanji.domain.uncertainty_rules`, the stack's form in `uncertainty_flue_gas`; both are
re-exported here.

Inputs that are not independent, and what that does (own calculation, tests/domain/test_uncertainty_dependence.py):
NCV and CC of one sample. CC = C / NCV, so an error of NCV cancels in NCV x CC, r = -u(NCV)/u(CC). With u(C) = u(NCV) =
1 %: exactly 1 %; as independent, u(CC) = 1.414 % and 1.732 %: never too little. Exact is the form of measured carbon,
`fuel_by_measured_carbon`. A default CC has nothing to do with the sample: independent, as written.
CaO and MgO of one analysis. CaO 0.652 +- 2 %, MgO 0.021 +- 5 %: c1 u = 0.010246, c2 u = 0.001155 tCO2/t; u(EF) = 1.93 %
independent, 2.13 % at r = +1, 1.70 % at r = -1, 1.99 % at r = 0.3. MgO is 1.3 % of the variance: r = 0 is kept unless
the laboratory states another, `clinker_oxide_factor(correlation=...)`.
FR10 = sum m CaO / Q depends on Q: in Q x EF the deducted part does not grow with Q, so the weight of u_rel(Q) is
EF(FR10 = 0) / EF instead of 1. With u_rel(Q) = 0.577 %, FR10 = 0.01 +- 10 %: weight 1.015, 2.043 becomes 2.046 %; with
carbide slag, FR10 = 0.1 +- 10 %: 1.172, 2.896 becomes 2.917 %: below the second digit that JJF 1059.1 keeps.
"""

from __future__ import annotations

import numpy as np

from tanji.domain.limits import Quantity
from tanji.domain.process import CO2_PER_CAO, CO2_PER_MGO
from tanji.domain.uncertainty_flue_gas import FlueGasWeights, flue_gas, flue_gas_weights
from tanji.domain.uncertainty_rules import (
    COVERAGE_FACTOR,
    Terms,
    absolute_of_sum,
    expanded,
    from_certificate,
    from_full_scale_class,
    from_permissible_error,
    over_hours,
    relative_of_product,
    root_of_squares,
)
from tanji.errors import DomainError

__all__ = [
    "COVERAGE_FACTOR",
    "FlueGasWeights",
    "Terms",
    "absolute_of_sum",
    "alternative_fuel",
    "biogenic_share",
    "clinker_by_factor",
    "clinker_by_oxides",
    "clinker_oxide_factor",
    "expanded",
    "flue_gas",
    "flue_gas_weights",
    "from_certificate",
    "from_full_scale_class",
    "from_permissible_error",
    "fuel_by_heat_content",
    "fuel_by_measured_carbon",
    "net_electricity",
    "net_electricity_emission",
    "over_hours",
    "relative_of_product",
    "root_of_squares",
    "stock_consumption",
    "substitute_deduction",
    "waste_carbon",
]


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


def biogenic_share(u_rel_non_biomass_carbon_fraction: Quantity, *, non_biomass_carbon_fraction: Quantity) -> Quantity:
    """Relative uncertainty of the biogenic part 1 - alpha of either form, u(alpha) / (1 - alpha); 0 where none is. [1]

    u_rel_non_biomass_carbon_fraction, non_biomass_carbon_fraction : relative uncertainty of alpha, and alpha. [1]

    By hand: alpha = 0.6 +- 10 %: u = 0.06, of the other 0.4 that is 15 %.
    """
    alpha = np.asarray(non_biomass_carbon_fraction, np.float64)
    rest = np.where(alpha < 1, 1 - alpha, np.inf)
    relative: Quantity = u_rel_non_biomass_carbon_fraction * alpha / rest
    return relative


def waste_carbon(
    *,
    u_rel_alternative_fuel_amount: Quantity,
    u_rel_waste_carbon_fraction: Quantity,
    u_rel_fossil_carbon_fraction: Quantity,
    u_rel_burnout_fraction: Quantity,
) -> Quantity:
    """Relative uncertainty of the second form of F3, Q x CCW x FCF x EFF x 44/12. [1]

    By hand: 1, 5, 5 and 7 %: root of 1 + 25 + 25 + 49 = 10 %.
    """
    return relative_of_product(
        u_rel_alternative_fuel_amount,
        u_rel_waste_carbon_fraction,
        u_rel_fossil_carbon_fraction,
        u_rel_burnout_fraction,
    )


def clinker_oxide_factor(
    *,
    u_clinker_cao: Quantity,
    u_clinker_mgo: Quantity,
    u_clinker_cao_non_carbonate: Quantity = 0.0,
    u_clinker_mgo_non_carbonate: Quantity = 0.0,
    correlation: float = 0.0,
) -> Quantity:
    """Absolute uncertainty of F4's factor, c1^2 [u(FR1)^2 + u(FR10)^2] + c2^2 [u(FR2)^2 + u(FR20)^2]. [tCO2/t]

    u_clinker_cao, u_clinker_mgo, u_clinker_cao_non_carbonate, u_clinker_mgo_non_carbonate : absolute. [t/t]
    correlation : of CaO and MgO, where the laboratory states one for their common analysis. [1]

    By hand: c1 u = 0.0022 and c2 u = 0.00132, root of the squares 0.002566; at correlation 1 their sum, 0.00352.
    """
    if not -1 <= correlation <= 1:
        raise DomainError(f"correlation: expected -1 to 1, got {correlation}")
    cao, mgo = CO2_PER_CAO * u_clinker_cao, CO2_PER_MGO * u_clinker_mgo
    others = root_of_squares(CO2_PER_CAO * u_clinker_cao_non_carbonate, CO2_PER_MGO * u_clinker_mgo_non_carbonate)
    variance = cao**2 + mgo**2 + 2 * correlation * cao * mgo + others**2
    return np.sqrt(np.maximum(variance, 0.0))  # r = -1 of two equal terms may round to below zero


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
    return root_of_squares(
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
    return root_of_squares(deduction_factor * u_substitute_amount, substitute_amount * u_deduction_factor)


def net_electricity(
    *, u_purchased: float, u_exported: float, u_non_fossil: float = 0.0, same_meter: bool = False
) -> float:
    """Absolute uncertainty of net electricity: in quadrature, unless one meter gives purchase and export. [MWh]

    u_purchased, u_exported, u_non_fossil : absolute. [MWh]
    same_meter : whether one meter measures both directions, its error being common to them.
    """
    both = absolute_of_sum((u_purchased, -u_exported), 1.0 if same_meter else 0.0)
    return absolute_of_sum((both, u_non_fossil))


def stock_consumption(
    *,
    u_purchase_amount: float,
    u_opening_stock: float,
    u_closing_stock: float,
    u_sold_amount: float = 0.0,
    same_survey: bool = False,
) -> float:
    """Absolute uncertainty of consumption = purchase + opening - closing - sold (standard.md section 9). [t]

    Terms in quadrature, unless one survey method measures both stocks: its systematic error is then common to them
    and their difference keeps only what they differ by.

    u_purchase_amount, u_opening_stock, u_closing_stock, u_sold_amount : absolute. [t]
    same_survey : whether opening and closing stock come from one method whose error is common to them.

    By hand: purchase 30 000 +- 90 t, stocks 8 000 +- 400 and 7 000 +- 350 t, sold nothing: root(90^2 + 400^2 + 350^2)
    = 539.1 t; by one survey the stocks' errors leave 50 t: root(90^2 + 50^2) = 102.96 t.
    """
    stocks = absolute_of_sum((u_opening_stock, -u_closing_stock), 1.0 if same_survey else 0.0)
    return absolute_of_sum((u_purchase_amount, stocks, u_sold_amount))


def net_electricity_emission(
    net_electricity: Quantity, *, u_net_electricity: Quantity, grid_factor: Quantity, u_grid_factor: Quantity
) -> Quantity:
    """Absolute uncertainty of F6 and G3, [EF u(AD)]^2 + [AD u(EF)]^2. [tCO2]

    net_electricity, u_net_electricity : net purchase. [MWh]
    grid_factor, u_grid_factor : grid factor. [tCO2/MWh]
    """
    return root_of_squares(grid_factor * u_net_electricity, net_electricity * u_grid_factor)
