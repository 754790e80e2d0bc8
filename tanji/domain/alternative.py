"""Alternative fuels and co-processed waste, fossil and biogenic carbon apart: F3 of standard.md section 4 (R17).

Three forms with three names: alpha weighs carbon shares of one factor, alpha weighs energy shares of two factors, or
the carbon of a waste is known. The factor record says which one it is for. F3 has no oxidation fraction (it is 1).
Whether a figure is inside a total is data of the rule set. Standard texts have not been checked yet: equation numbers
are those of standard.md. A missing input (not-a-number) gives a missing result.
"""

from __future__ import annotations

from tanji.domain.limits import Quantity, Ranges, require, require_finite
from tanji.domain.ratios import CO2_PER_CARBON


def non_biomass_emission(
    alternative_fuel_amount: Quantity,
    *,
    calorific_value: Quantity,
    emission_factor: Quantity,
    non_biomass_carbon_fraction: Quantity,
    hard_ranges: Ranges | None = None,
) -> Quantity:
    """CO2 from the non-biomass carbon of an alternative fuel whose factor is that of the whole fuel. [tCO2]

    E = Q x HV x EF x alpha. F3 of standard.md section 4 [C/M]; standard text not yet checked. No oxidation fraction.

    alternative_fuel_amount : alternative fuel burned. [t]
    calorific_value : weighted mean net calorific value. [GJ/t]
    emission_factor : emission factor of the whole fuel. [tCO2/GJ]
    non_biomass_carbon_fraction : alpha, share of the carbon that is not biomass; never a percent. [1]

    >>> round(non_biomass_emission(
    ...     50.0, calorific_value=29.0, emission_factor=0.11, non_biomass_carbon_fraction=0.2), 4)
    31.9

    By hand: 50 t x 29 GJ/t = 1450 GJ; x 0.11 = 159.5 tCO2 in all; x 0.2 = 31.9 tCO2.
    """
    whole = _whole_fuel(alternative_fuel_amount, calorific_value, emission_factor, hard_ranges)
    require(hard_ranges=hard_ranges, non_biomass_carbon_fraction=non_biomass_carbon_fraction)
    return whole * non_biomass_carbon_fraction


def biogenic_memo(
    alternative_fuel_amount: Quantity,
    *,
    calorific_value: Quantity,
    emission_factor: Quantity,
    non_biomass_carbon_fraction: Quantity,
    hard_ranges: Ranges | None = None,
) -> Quantity:
    """CO2 from the biomass carbon of an alternative fuel: the rest of `non_biomass_emission`, a memo item. [tCO2]

    E = Q x HV x EF x (1 - alpha), standard.md section 4 [C/M]; standard text not yet checked. Inputs as there:
    alternative_fuel_amount [t], calorific_value [GJ/t], emission_factor [tCO2/GJ], non_biomass_carbon_fraction [1].

    >>> round(biogenic_memo(50.0, calorific_value=29.0, emission_factor=0.11, non_biomass_carbon_fraction=0.2), 4)
    127.6

    By hand: 159.5 tCO2 in all, less 31.9 of non-biomass carbon.
    """
    whole = _whole_fuel(alternative_fuel_amount, calorific_value, emission_factor, hard_ranges)
    require(hard_ranges=hard_ranges, non_biomass_carbon_fraction=non_biomass_carbon_fraction)
    return whole * (1 - non_biomass_carbon_fraction)


def non_biomass_emission_by_energy(
    alternative_fuel_amount: Quantity,
    *,
    calorific_value: Quantity,
    emission_factor_fossil: Quantity,
    non_biomass_energy_fraction: Quantity,
    hard_ranges: Ranges | None = None,
) -> Quantity:
    """CO2 from the fossil part of an alternative fuel whose two parts have factors of their own. [tCO2]

    E = Q x HV x alpha x EF_fossil, alpha weighing energy shares: variant of F3, standard.md section 4 [M]; standard
    text not yet checked. Not interchangeable with `non_biomass_emission`: the factor record says which form it is for.

    alternative_fuel_amount : alternative fuel burned. [t]
    calorific_value : weighted mean net calorific value. [GJ/t]
    emission_factor_fossil : emission factor of the non-biomass part. [tCO2/GJ]
    non_biomass_energy_fraction : share of the heat that is not from biomass. [1]

    >>> round(non_biomass_emission_by_energy(
    ...     100.0, calorific_value=12.0, emission_factor_fossil=0.0917, non_biomass_energy_fraction=0.5), 4)
    55.02

    By hand: 100 x 12 = 1200 GJ; half of it, 600 GJ, x 0.0917 = 55.02 tCO2.
    """
    require(
        hard_ranges=hard_ranges,
        non_biomass_energy_fraction=non_biomass_energy_fraction,
        emission_factor_fossil=emission_factor_fossil,
    )
    return (
        _whole_fuel(alternative_fuel_amount, calorific_value, emission_factor_fossil, hard_ranges)
        * non_biomass_energy_fraction
    )


def biogenic_memo_by_energy(
    alternative_fuel_amount: Quantity,
    *,
    calorific_value: Quantity,
    emission_factor_biogenic: Quantity,
    non_biomass_energy_fraction: Quantity,
    hard_ranges: Ranges | None = None,
) -> Quantity:
    """CO2 from the biomass part of an alternative fuel whose two parts have factors of their own, memo. [tCO2]

    E = Q x HV x (1 - alpha) x EF_bio, standard.md section 4 [M]; standard text not yet checked.

    alternative_fuel_amount : alternative fuel burned. [t]
    calorific_value : weighted mean net calorific value. [GJ/t]
    emission_factor_biogenic : emission factor of the biomass part. [tCO2/GJ]
    non_biomass_energy_fraction : share of the heat that is not from biomass. [1]

    >>> round(biogenic_memo_by_energy(
    ...     100.0, calorific_value=12.0, emission_factor_biogenic=0.1, non_biomass_energy_fraction=0.4), 4)
    72.0

    By hand: 1200 GJ; 60 % of it, 720 GJ, x 0.1 = 72 tCO2.
    """
    require(
        hard_ranges=hard_ranges,
        non_biomass_energy_fraction=non_biomass_energy_fraction,
        emission_factor_biogenic=emission_factor_biogenic,
    )
    whole = _whole_fuel(alternative_fuel_amount, calorific_value, emission_factor_biogenic, hard_ranges)
    return whole * (1 - non_biomass_energy_fraction)


def _whole_fuel(
    amount: Quantity, calorific_value: Quantity, emission_factor: Quantity, hard_ranges: Ranges | None
) -> Quantity:
    require_finite(alternative_fuel_amount=amount)
    require(hard_ranges=hard_ranges, calorific_value=calorific_value, emission_factor=emission_factor)
    return amount * calorific_value * emission_factor


def waste_carbon_emission(
    alternative_fuel_amount: Quantity,
    *,
    waste_carbon_fraction: Quantity,
    fossil_carbon_fraction: Quantity,
    burnout_fraction: Quantity,
    hard_ranges: Ranges | None = None,
) -> Quantity:
    """CO2 from the fossil carbon of a waste whose carbon is known. [tCO2]

    E = Q x CCW x FCF x EFF x 44/12. F3, second form, used for waste incineration: standard.md section 4 [C]; standard
    text not yet checked.

    alternative_fuel_amount : waste burned, on the basis of its carbon. [t]
    waste_carbon_fraction : CCW, carbon of the waste. [tC/t]
    fossil_carbon_fraction : FCF, share of that carbon that is fossil. [1]
    burnout_fraction : EFF, share of the carbon that burns. [1]
    hard_ranges : the plant's own, where they differ from `limits.toml`.

    >>> round(waste_carbon_emission(
    ...     100.0, waste_carbon_fraction=0.2, fossil_carbon_fraction=0.39, burnout_fraction=0.95), 4)
    27.17

    By hand: 100 t x 0.2 = 20 tC; x 0.39 = 7.8 tC fossil; x 0.95 = 7.41 tC; x 44/12 = 27.17 tCO2.
    """
    carbon = _burnt_carbon(alternative_fuel_amount, waste_carbon_fraction, burnout_fraction, hard_ranges)
    require(hard_ranges=hard_ranges, fossil_carbon_fraction=fossil_carbon_fraction)
    return carbon * fossil_carbon_fraction * CO2_PER_CARBON


def waste_carbon_memo(
    alternative_fuel_amount: Quantity,
    *,
    waste_carbon_fraction: Quantity,
    fossil_carbon_fraction: Quantity,
    burnout_fraction: Quantity,
    hard_ranges: Ranges | None = None,
) -> Quantity:
    """CO2 from the biomass carbon of the same waste: the rest of `waste_carbon_emission`, a memo item. [tCO2]

    E = Q x CCW x (1 - FCF) x EFF x 44/12, standard.md section 4 [C]; standard text not yet checked. Inputs as there:
    alternative_fuel_amount [t], waste_carbon_fraction [tC/t], fossil_carbon_fraction [1], burnout_fraction [1].

    >>> round(waste_carbon_memo(
    ...     100.0, waste_carbon_fraction=0.2, fossil_carbon_fraction=0.39, burnout_fraction=0.95), 4)
    42.4967

    By hand: 19 tC burn, 7.41 of them fossil; the rest, 11.59 tC, x 44/12 = 42.4967 tCO2.
    """
    carbon = _burnt_carbon(alternative_fuel_amount, waste_carbon_fraction, burnout_fraction, hard_ranges)
    require(hard_ranges=hard_ranges, fossil_carbon_fraction=fossil_carbon_fraction)
    return carbon * (1 - fossil_carbon_fraction) * CO2_PER_CARBON


def _burnt_carbon(amount: Quantity, carbon: Quantity, burnout: Quantity, hard_ranges: Ranges | None) -> Quantity:
    require_finite(alternative_fuel_amount=amount)
    require(hard_ranges=hard_ranges, waste_carbon_fraction=carbon, burnout_fraction=burnout)
    return amount * carbon * burnout
