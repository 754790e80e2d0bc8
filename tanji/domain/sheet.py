"""Formulas as a sheet states them: several materials in one line, totals from named terms, levels by their name.

Each line calls the formulas beside this module and adds nothing to them; jobs, which have one stream at a time, call
those directly. Which item a total counts is data of the rule set (`tanji.domain.boundary`), here the terms are named.
Standard texts have not been checked yet: equation numbers are those of standard.md.
"""

from __future__ import annotations

from datetime import date

import numpy as np

from tanji.domain import benchmark, position, process
from tanji.domain.limits import Quantity, require, require_finite
from tanji.errors import DomainError

BEGINNING_OF_2026 = date(2026, 1, 1)
"""Day whose benchmarks are meant where no edition is named."""


def clinker_emission_with_substitutes(
    clinker_output: float,
    *,
    clinker_process_factor: float,
    substitute_amount: Quantity = (),  # type: ignore[assignment]  # an empty column
    deduction_factor: Quantity = (),  # type: ignore[assignment]  # an empty column
) -> float:
    """Process CO2 of clinker by the clinker factor, all substitute raw materials in one line. [tCO2]

    E = Q x EF - sum(m_j x D_j). G2, standard.md section 5.2 [C/M]; standard text not yet checked. Not cut off at zero.

    clinker_output : clinker produced. [t]
    clinker_process_factor : process factor of the clinker kind. [tCO2/t]
    substitute_amount : m_j of every material, dry unless its record says otherwise [U]. [t]
    deduction_factor : D_j in the same order. [tCO2/t]

    >>> round(clinker_emission_with_substitutes(5000.0, clinker_process_factor=0.535,
    ...     substitute_amount=np.array([100.0, 40.0]), deduction_factor=np.array([0.48, 0.215])), 4)
    2618.4

    By hand: 5000 x 0.535 = 2675; less 100 x 0.48 = 48 and 40 x 0.215 = 8.6.
    """
    amounts = _pair("substitute_amount", substitute_amount, "deduction_factor", deduction_factor)
    deducted = process.substitute_deduction(amounts[0], deduction_factor=amounts[1])
    whole = process.clinker_factor_emission(
        clinker_output, clinker_process_factor=clinker_process_factor, deduction=float(np.sum(deducted))
    )
    return float(whole)


def non_carbonate_oxide_of_materials(
    substitute_amount: Quantity,
    *,
    oxide_fraction: Quantity,
    clinker_output: float,
    kiln_dust: float = 0.0,
    bypass_dust: float = 0.0,
) -> float:
    """FR10 or FR20 from the materials that bring the oxide. [t/t]

    FR10 = sum(m_j x CaO_j) / (Q + Q_ckd + Q_bpd), standard.md section 5.1 [C]; the dust in the divisor is our reading.

    substitute_amount : m_j of every material, dry. [t]
    oxide_fraction : CaO_j or MgO_j in the same order. [t/t]
    clinker_output, kiln_dust, bypass_dust : of the same period. [t]

    >>> round(non_carbonate_oxide_of_materials(np.array([300.0]), oxide_fraction=np.array([0.6]),
    ...                                        clinker_output=5000.0), 6)
    0.036
    """
    amounts, oxides = _pair("substitute_amount", substitute_amount, "oxide_fraction", oxide_fraction)
    if np.any(np.asarray(oxides) < 0) or np.any(np.asarray(oxides) > 1):
        raise DomainError(f"oxide_fraction: expected 0 to 1 t/t, got {np.asarray(oxides).tolist()}")
    amount = float(np.sum(amounts * oxides))
    dust = {"kiln_dust": kiln_dust, "bypass_dust": bypass_dust}
    return float(process.non_carbonate_oxide(amount, clinker_output=clinker_output, **dust))


def _pair(one: str, values: Quantity, other: str, weights: Quantity) -> tuple[Quantity, Quantity]:
    first, second = np.asarray(values, dtype=np.float64), np.asarray(weights, dtype=np.float64)
    if first.shape != second.shape:
        raise DomainError(f"{other}: expected one value for each of {first.size} in {one}, got {second.size}")
    return first, second


def enterprise_total(
    combustion: Quantity,
    *,
    process_emission: Quantity,
    electricity_purchased: Quantity,
    heat_purchased_emission: Quantity = 0.0,
    electricity_exported: Quantity = 0.0,
    heat_sold_emission: Quantity = 0.0,
) -> Quantity:
    """Emission of the enterprise, method A, from its terms. [tCO2]

    E = E_combustion + E_process + E_electricity + E_heat - E_electricity,out - E_heat,out. F1, standard.md section 7
    [M; structure T]; standard text not yet checked.

    combustion : all fuels, alternative ones where the edition counts them. [tCO2]
    process_emission : carbonate decomposition and organic carbon. [tCO2]
    electricity_purchased, heat_purchased_emission : bought. [tCO2]
    electricity_exported, heat_sold_emission : sold. [tCO2]

    >>> enterprise_total(1300.0, process_emission=2700.0, electricity_purchased=530.0, electricity_exported=30.0)
    4500.0
    """
    require_finite(combustion=combustion, process_emission=process_emission, electricity=electricity_purchased)
    bought = electricity_purchased + heat_purchased_emission
    return combustion + process_emission + bought - electricity_exported - heat_sold_emission


def enterprise_total_method_b(
    combustion: Quantity,
    *,
    process_emission: Quantity,
    net_electricity_emission: Quantity,
    net_heat_emission: Quantity = 0.0,
    power_facility_emission: Quantity = 0.0,
    other_emission: Quantity = 0.0,
) -> Quantity:
    """Emission of the enterprise, method B, from its terms. [tCO2]

    E = Ec_combustion + Ec_process + E_power facilities + E_other + E_net electricity + E_net heat. standard.md section
    7 [C]; standard text not yet checked.

    combustion, process_emission : fossil fuel and clinker process of the lines. [tCO2]
    net_electricity_emission, net_heat_emission : of fossil net purchase. [tCO2]
    power_facility_emission, other_emission : captive power facilities, other products. [tCO2]

    >>> enterprise_total_method_b(1300.0, process_emission=2675.0, net_electricity_emission=500.0)
    4475.0
    """
    require_finite(combustion=combustion, process_emission=process_emission)
    bought = net_electricity_emission + net_heat_emission
    return combustion + process_emission + bought + power_facility_emission + other_emission


def clinker_total(combustion: Quantity, *, process_emission: Quantity) -> Quantity:
    """Emission of clinker production, method B: the compliance figure of a line. [tCO2]

    E = Ec_combustion + Ec_process, standard.md section 7 [C]; standard text not yet checked.

    combustion : fossil fuel of the line. [tCO2]
    process_emission : by G2. [tCO2]

    >>> clinker_total(1300.0, process_emission=2675.0)
    3975.0
    """
    require_finite(combustion=combustion, process_emission=process_emission)
    return combustion + process_emission


def carbon_per_energy(carbon_as_received: Quantity, *, net_calorific_value: Quantity) -> Quantity:
    """Carbon per unit of heat of a coal sheet, which must lie in 0.0235 to 0.0300 tC/GJ. [tC/GJ]

    CC = C_ar / NCV_ar, standard.md sections 3 and 14.5 (own plausibility range).

    carbon_as_received : received basis. [tC/t]
    net_calorific_value : same basis and place. [GJ/t]

    >>> round(carbon_per_energy(0.604, net_calorific_value=23.076), 6)
    0.026174
    """
    require(carbon_as_received=carbon_as_received, coal_net_calorific_value=net_calorific_value)
    ratio = carbon_as_received / net_calorific_value
    require(coal_carbon_per_energy=ratio)
    return ratio


def benchmark_standing(
    value: float,
    *,
    indicator: str,
    clinker_ratio: float | None = None,
    altitude: float = 0.0,
    edition_id: str | None = None,
) -> benchmark.Standing:
    """The level of GB 16780 an intensity reaches. [kgce/t or kWh/t]

    standard.md section 14.1 [C]; not yet checked.

    value : intensity, coal net of waste heat. [kgce/t, electricity kWh/t]
    indicator : of `benchmarks.toml`, like clinker_comprehensive_coal.
    clinker_ratio : clinker in cement, where levels depend on it. [1]
    altitude : of the plant. [m]
    edition_id : None means the newest.
    """
    found = benchmark.find(indicator, on=BEGINNING_OF_2026, edition_id=edition_id)
    return benchmark.classify(value, benchmark=found, clinker_ratio=clinker_ratio, altitude=altitude)


def allowance_position(
    emission: float,
    *,
    intensity: float,
    year: int,
    balance_value: float | None = None,
    white_cement_only: bool = False,
    carbide_slag_fraction: float = 0.0,
    gypsum_to_acid: bool = False,
    closed_or_new: bool = False,
) -> position.Position:
    """Allowance position of a line in a year, with what may exempt it. [tCO2]

    surplus = E x clip(0.15 x (B - I)/B, -0.03, +0.03), standard.md section 15 [M slope]; not yet checked.

    emission : verified emission of the line. [tCO2]
    intensity, balance_value : of the line, and B as published for the year. [tCO2/t]
    year : compliance year.
    white_cement_only, gypsum_to_acid, closed_or_new : grounds for exemption.
    carbide_slag_fraction : share of carbide slag in the raw materials. [1]
    """
    facts = position.LineFacts(white_cement_only, carbide_slag_fraction, gypsum_to_acid, closed_or_new)
    rule = position.rule_of(int(year))
    return position.position(emission, intensity=intensity, balance_value=balance_value, rule=rule, facts=facts)
