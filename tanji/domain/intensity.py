"""Energy and substitution per tonne of product: intensities of standard.md sections 7, 9 and 14 (R41).

Beside F8 (`boundary.intensity`, tCO2 per tonne): heat, standard coal and electricity per tonne, substitution rates and
material ratios. Numerator and denominator belong to the same period; while the kiln stands every one of them is not
defined (not-a-number). Coefficients are handed in: they are data of `benchmarks.toml`. Levels are `benchmark`.
"""

from __future__ import annotations

from tanji.domain.limits import Quantity, require_finite
from tanji.domain.ratios import KGCE_PER_GJ, quotient

KWH_PER_MWH = 1000.0


def heat_per_clinker(heat: Quantity, *, clinker_output: Quantity) -> Quantity:
    """Heat used for a tonne of clinker. [GJ/t]

    heat : of all fuels of the kiln, amount x net calorific value. [GJ]
    clinker_output : clinker produced. [t]

    >>> heat_per_clinker(15500.0, clinker_output=5000.0), heat_per_clinker(1.0, clinker_output=0.0)
    (3.1, nan)
    """
    require_finite(heat=heat)
    return quotient(heat, denominator=clinker_output)


def coal_per_clinker(heat: Quantity, *, clinker_output: Quantity) -> Quantity:
    """Standard coal used for a tonne of clinker (熟料标煤耗), before waste heat is credited. [kgce/t]

    1 kgce = 29.3076 MJ, standard.md section 1 [M].

    heat : of the fuels that count. [GJ]
    clinker_output : clinker produced. [t]

    >>> round(coal_per_clinker(14653.8, clinker_output=5000.0), 6)
    100.0

    By hand: 14653.8 GJ / 29.3076 = 500 tce = 500000 kgce; / 5000 t = 100 kgce/t.
    """
    return heat_per_clinker(heat, clinker_output=clinker_output) * KGCE_PER_GJ


def electricity_per_output(electricity: Quantity, *, output: Quantity) -> Quantity:
    """Electricity used for a tonne of clinker or cement. [kWh/t]

    electricity : used. [MWh]
    output : clinker or cement made. [t]

    >>> electricity_per_output(260.0, output=5000.0)
    52.0
    """
    require_finite(electricity=electricity)
    return quotient(electricity, denominator=output) * KWH_PER_MWH


def net_coal(coal_intensity: Quantity, *, waste_heat_intensity: Quantity, waste_heat_coefficient: Quantity) -> Quantity:
    """Comprehensive coal per tonne of clinker: net of what the waste heat supplied (GB 16780). [kgce/t]

    coal - waste-heat power x coefficient, standard.md section 14.1 [C]; coefficient of the 2021 edition [U].

    coal_intensity : coal and oil per clinker, `coal_per_clinker`. [kgce/t]
    waste_heat_intensity : waste-heat power supplied per clinker. [kWh/t]
    waste_heat_coefficient : 0.404 in the older edition. [kgce/kWh]

    >>> round(net_coal(106.0, waste_heat_intensity=30.0, waste_heat_coefficient=0.404), 4)
    93.88

    By hand: 30 kWh/t x 0.404 = 12.12 kgce/t, more than a level; 106 - 12.12 = 93.88.
    """
    require_finite(coal_intensity=coal_intensity, waste_heat_intensity=waste_heat_intensity)
    return coal_intensity - waste_heat_intensity * waste_heat_coefficient


def comprehensive_energy(
    coal_intensity: Quantity, *, electricity_intensity: Quantity, electricity_coefficient: Quantity
) -> Quantity:
    """Comprehensive energy per tonne of product: net coal and electricity. [kgce/t]

    coal + kWh x 0.1229, standard.md section 14.1, own calculation that matches the first row of the table.

    coal_intensity : net coal per tonne. [kgce/t]
    electricity_intensity : electricity per tonne. [kWh/t]
    electricity_coefficient : of electricity by its heat. [kgce/kWh]

    >>> round(comprehensive_energy(94.0, electricity_intensity=48.0, electricity_coefficient=0.1229), 4)
    99.8992

    By hand: 48 x 0.1229 = 5.8992; + 94 = 99.8992, the 100 of level 1.
    """
    require_finite(coal_intensity=coal_intensity, electricity_intensity=electricity_intensity)
    return coal_intensity + electricity_intensity * electricity_coefficient


def thermal_substitution(alternative_heat: Quantity, *, fossil_heat: Quantity) -> Quantity:
    """Thermal substitution rate (TSR): alternative fuels' share of the heat, fossil and biogenic parts alike. [1]

    alternative_heat : heat of the alternative fuels. [GJ]
    fossil_heat : heat of the fossil fuels. [GJ]

    >>> thermal_substitution(3000.0, fossil_heat=12000.0)
    0.2
    """
    require_finite(alternative_heat=alternative_heat, fossil_heat=fossil_heat)
    return quotient(alternative_heat, denominator=alternative_heat + fossil_heat)


def total_substitution(alternative_fuel_amount: Quantity, *, total_fuel_amount: Quantity) -> Quantity:
    """Total substitution rate (总替代率): alternative fuel amount / total fuel amount, by mass. [1]

    Older supplementary data sheet, standard.md section 9 [T]. By mass, not by heat: see `thermal_substitution`.

    alternative_fuel_amount : alternative fuels burned. [t]
    total_fuel_amount : all fuels burned, the alternative ones included. [t]

    >>> total_substitution(250.0, total_fuel_amount=1000.0)
    0.25
    """
    require_finite(alternative_fuel_amount=alternative_fuel_amount)
    return quotient(alternative_fuel_amount, denominator=total_fuel_amount)


def meal_clinker_ratio(raw_meal_amount: Quantity, *, clinker_output: Quantity) -> Quantity:
    """Dry raw meal per tonne of clinker: a derived ratio that only diagnoses (standard.md section 14.5). [t/t]

    raw_meal_amount : raw meal fed, dry. [t]
    clinker_output : clinker produced. [t]

    >>> meal_clinker_ratio(7800.0, clinker_output=5000.0)
    1.56
    """
    require_finite(raw_meal_amount=raw_meal_amount)
    return quotient(raw_meal_amount, denominator=clinker_output)
