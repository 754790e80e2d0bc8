"""Combustion of fossil and alternative fuels: F2, G1 and F3 of standard.md sections 3 and 4 (R16, R17).

Also the laboratory's basis conversions for coal. Where values come from (laboratory, default, meter) is the caller's
business, and so is the rule that mass, calorific value and carbon belong to the moisture at the place of weighing.
The texts of GB/T 32151.8-2023 and CETS-AG-02.01-V01-2024 have not been checked yet: equation numbers are those of
standard.md, never clauses of the standard. A missing input (not-a-number) gives a missing result.
"""

from __future__ import annotations

from tanji.domain.limits import Quantity, require, require_finite

CO2_PER_CARBON = 44 / 12
"""tCO2 per tC; the Chinese methods use integer molar masses."""

HYDROGEN_COEFFICIENT = 20.6
"""GJ/t lost per unit hydrogen fraction as vapour: 206 J/g per percent (GB/T 213 [M], not yet checked)."""

MOISTURE_COEFFICIENT = 2.3
"""GJ/t lost per unit moisture fraction as vapour: 23 J/g per percent (GB/T 213 [M], not yet checked)."""

NORMAL_CUBIC_METRES_PER_GAS_UNIT = 10_000
"""Gaseous fuels are counted in 10^4 Nm3, with NCV in GJ per 10^4 Nm3; never cross the two systems."""


def heat_content_emission(
    fuel_amount: Quantity,
    *,
    net_calorific_value: Quantity,
    carbon_per_energy: Quantity,
    oxidation_fraction: Quantity,
) -> Quantity:
    """CO2 of burning a fuel, from its heat content. [tCO2]

    E = FC x NCV x CC x OF x 44/12. F2 and G1 of standard.md section 3 [M/C]; standard text not yet checked.

    fuel_amount : fuel burned, received basis. [t, gas: 10^4 Nm3]
    net_calorific_value : net calorific value, received basis. [GJ/t, gas: GJ/10^4 Nm3]
    carbon_per_energy : carbon content per unit of heat. [tC/GJ]
    oxidation_fraction : share of the carbon that is oxidised. [1]

    >>> round(heat_content_emission(
    ...     100.0, net_calorific_value=23.076, carbon_per_energy=0.02618, oxidation_fraction=0.99), 4)
    219.2991

    By hand: 100 t x 23.076 GJ/t = 2307.6 GJ; x 0.02618 = 60.412968 tC; x 0.99 = 59.80883832; x 44/12 = 219.29907 t.
    """
    require_finite(fuel_amount=fuel_amount)
    require(
        net_calorific_value=net_calorific_value,
        carbon_per_energy=carbon_per_energy,
        oxidation_fraction=oxidation_fraction,
    )
    return fuel_amount * net_calorific_value * carbon_per_energy * oxidation_fraction * CO2_PER_CARBON


def measured_carbon_emission(
    fuel_amount: Quantity, *, carbon_as_received: Quantity, oxidation_fraction: Quantity
) -> Quantity:
    """CO2 of burning a solid or liquid fuel, from its measured elemental carbon. [tCO2]

    E = FC x C_ar x OF x 44/12. F2 and G1, elemental-carbon form, standard.md section 3 [M/C]; text not yet checked.

    fuel_amount : fuel burned, received basis. [t]
    carbon_as_received : elemental carbon at the moisture of the place of weighing. [tC/t]
    oxidation_fraction : share of the carbon that is oxidised. [1]

    >>> round(measured_carbon_emission(100.0, carbon_as_received=0.6, oxidation_fraction=0.99), 4)
    217.8

    By hand: 100 x 0.6 = 60 tC; x 0.99 = 59.4 tC; x 44/12 = 217.8 tCO2.
    """
    require_finite(fuel_amount=fuel_amount)
    require(carbon_as_received=carbon_as_received, oxidation_fraction=oxidation_fraction)
    return fuel_amount * carbon_as_received * oxidation_fraction * CO2_PER_CARBON


def non_biomass_emission(
    alternative_fuel_amount: Quantity,
    *,
    calorific_value: Quantity,
    emission_factor: Quantity,
    non_biomass_carbon_fraction: Quantity,
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
    whole = _whole_fuel(alternative_fuel_amount, calorific_value, emission_factor)
    require(non_biomass_carbon_fraction=non_biomass_carbon_fraction)
    return whole * non_biomass_carbon_fraction


def biogenic_memo(
    alternative_fuel_amount: Quantity,
    *,
    calorific_value: Quantity,
    emission_factor: Quantity,
    non_biomass_carbon_fraction: Quantity,
) -> Quantity:
    """CO2 from the biomass carbon of an alternative fuel: the rest of `non_biomass_emission`, a memo item. [tCO2]

    E = Q x HV x EF x (1 - alpha), standard.md section 4 [C/M]; standard text not yet checked. Inputs as there:
    alternative_fuel_amount [t], calorific_value [GJ/t], emission_factor [tCO2/GJ], non_biomass_carbon_fraction [1].

    >>> round(biogenic_memo(50.0, calorific_value=29.0, emission_factor=0.11, non_biomass_carbon_fraction=0.2), 4)
    127.6

    By hand: 159.5 tCO2 in all, less 31.9 of non-biomass carbon.
    """
    whole = _whole_fuel(alternative_fuel_amount, calorific_value, emission_factor)
    require(non_biomass_carbon_fraction=non_biomass_carbon_fraction)
    return whole * (1 - non_biomass_carbon_fraction)


def non_biomass_emission_by_energy(
    alternative_fuel_amount: Quantity,
    *,
    calorific_value: Quantity,
    emission_factor_fossil: Quantity,
    non_biomass_energy_fraction: Quantity,
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
    require(non_biomass_energy_fraction=non_biomass_energy_fraction, emission_factor_fossil=emission_factor_fossil)
    return _whole_fuel(alternative_fuel_amount, calorific_value, emission_factor_fossil) * non_biomass_energy_fraction


def biogenic_memo_by_energy(
    alternative_fuel_amount: Quantity,
    *,
    calorific_value: Quantity,
    emission_factor_biogenic: Quantity,
    non_biomass_energy_fraction: Quantity,
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
    require(non_biomass_energy_fraction=non_biomass_energy_fraction, emission_factor_biogenic=emission_factor_biogenic)
    whole = _whole_fuel(alternative_fuel_amount, calorific_value, emission_factor_biogenic)
    return whole * (1 - non_biomass_energy_fraction)


def _whole_fuel(amount: Quantity, calorific_value: Quantity, emission_factor: Quantity) -> Quantity:
    require_finite(alternative_fuel_amount=amount)
    require(calorific_value=calorific_value, emission_factor=emission_factor)
    return amount * calorific_value * emission_factor


def carbon_from_air_dried(
    carbon_air_dried: Quantity, *, moisture_as_received: Quantity, moisture_air_dried: Quantity
) -> Quantity:
    """Carbon on received basis from the laboratory's air-dried figure. [tC/t]

    C_ar = C_ad x (1 - M_ar) / (1 - M_ad); GB/T 476 family, standard.md section 3 [M]; standard text not yet checked.

    carbon_air_dried : elemental carbon, air-dried basis. [tC/t]
    moisture_as_received : moisture of the coal where it is weighed. [1]
    moisture_air_dried : moisture of the air-dried sample. [1]

    >>> round(carbon_from_air_dried(0.65, moisture_as_received=0.09, moisture_air_dried=0.02), 6)
    0.603571

    By hand: 0.65 x 0.91 / 0.98 = 0.5915 / 0.98 = 0.603571.
    """
    require(carbon_air_dried=carbon_air_dried)
    return carbon_air_dried * _moisture_ratio(moisture_as_received, moisture_air_dried)


def carbon_from_dry(carbon_dry: Quantity, *, moisture_as_received: Quantity) -> Quantity:
    """Carbon on received basis from the laboratory's dry figure. [tC/t]

    C_ar = C_d x (1 - M_ar); standard.md section 3 [M]; standard text not yet checked.

    carbon_dry : elemental carbon, dry basis. [tC/t]
    moisture_as_received : moisture of the coal where it is weighed. [1]

    >>> round(carbon_from_dry(0.7, moisture_as_received=0.1), 6)
    0.63
    """
    require(carbon_dry=carbon_dry)
    return carbon_dry * _moisture_ratio(moisture_as_received, 0.0)


def _moisture_ratio(moisture_as_received: Quantity, moisture_air_dried: Quantity) -> Quantity:
    require(moisture_as_received=moisture_as_received, moisture_air_dried=moisture_air_dried)
    return (1 - moisture_as_received) / (1 - moisture_air_dried)


def net_calorific_value_from_gross(
    gross_calorific_value_air_dried: Quantity,
    *,
    hydrogen_air_dried: Quantity,
    moisture_total: Quantity,
    moisture_air_dried: Quantity,
) -> Quantity:
    """Net calorific value on received basis from the bomb calorimeter's gross, air-dried value. [GJ/t]

    Qnet,ar = (Qgr,ad - 20.6 H_ad)(1 - M_t)/(1 - M_ad) - 2.3 M_t, in GJ/t with fractions; GB/T 213, standard.md
    section 3 [M]; standard text not yet checked.

    gross_calorific_value_air_dried : gross calorific value, air-dried basis; 1 J/g is 0.001 GJ/t. [GJ/t]
    hydrogen_air_dried : hydrogen of the coal without that of its moisture, air-dried basis. [1]
    moisture_total : total moisture of the coal where it is weighed. [1]
    moisture_air_dried : moisture of the air-dried sample. [1]

    >>> round(net_calorific_value_from_gross(
    ...     27.0, hydrogen_air_dried=0.04, moisture_total=0.09, moisture_air_dried=0.02), 6)
    24.099286

    By hand, J/g and percents: (27000 - 206 x 4) x 91/98 - 23 x 9 = 26176 x 0.928571 - 207 = 24099.3 J/g.
    """
    require(
        gross_calorific_value_air_dried=gross_calorific_value_air_dried,
        hydrogen_air_dried=hydrogen_air_dried,
        moisture_total=moisture_total,
        moisture_air_dried=moisture_air_dried,
    )
    dry_gas = gross_calorific_value_air_dried - HYDROGEN_COEFFICIENT * hydrogen_air_dried
    return dry_gas * (1 - moisture_total) / (1 - moisture_air_dried) - MOISTURE_COEFFICIENT * moisture_total


def check_coal_analysis(net_calorific_value: Quantity, *, carbon_as_received: Quantity) -> None:
    """Raise DomainError unless a coal sheet is consistent: NCV, C_ar and their quotient inside standard.md 14.5.

    net_calorific_value : received basis. [GJ/t]
    carbon_as_received : same basis and same place. [tC/t]
    """
    require(coal_net_calorific_value=net_calorific_value, carbon_as_received=carbon_as_received)
    require(coal_carbon_per_energy=carbon_as_received / net_calorific_value)


def fuel_mass(fuel_volume: Quantity, *, fuel_density: Quantity) -> Quantity:
    """Mass of a liquid fuel metered by volume, M = V x density. [t]

    fuel_volume : volume at the temperature the density holds for. [m3]
    fuel_density : a laboratory value or a factor record. [t/m3]
    """
    require_finite(fuel_volume=fuel_volume)
    require(fuel_density=fuel_density)
    return fuel_volume * fuel_density


def gas_amount(gas_volume: Quantity) -> Quantity:
    """Amount of a gaseous fuel in the unit of its calorific value. [10^4 Nm3]

    gas_volume : at the reference temperature the calorific value is stated for. [Nm3]
    """
    require_finite(gas_volume=gas_volume)
    return gas_volume / NORMAL_CUBIC_METRES_PER_GAS_UNIT
