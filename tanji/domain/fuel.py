"""Combustion of fossil fuels: F2 and G1 of standard.md section 3 (R16).

The laboratory's basis conversions are in `tanji.domain.coal`, alternative fuels (F3) in `tanji.domain.alternative`;
their functions can be called from here too. Where values come from (laboratory, default, meter) is the caller's
business. The texts of GB/T 32151.8-2023 and CETS-AG-02.01-V01-2024 have not been checked yet: equation numbers are
those of standard.md, never clauses of the standard. A missing input (not-a-number) gives a missing result.
`hard_ranges` of a formula holds a plant's own ranges where they differ from `limits.toml`.
"""

from __future__ import annotations

from tanji.domain.alternative import biogenic_memo as biogenic_memo
from tanji.domain.alternative import biogenic_memo_by_energy as biogenic_memo_by_energy
from tanji.domain.alternative import non_biomass_emission as non_biomass_emission
from tanji.domain.alternative import non_biomass_emission_by_energy as non_biomass_emission_by_energy
from tanji.domain.coal import carbon_from_air_dried as carbon_from_air_dried
from tanji.domain.coal import carbon_from_dry as carbon_from_dry
from tanji.domain.coal import check_coal_analysis as check_coal_analysis
from tanji.domain.coal import net_calorific_value_from_gross as net_calorific_value_from_gross
from tanji.domain.limits import Quantity, Ranges, require, require_finite
from tanji.domain.ratios import CO2_PER_CARBON as CO2_PER_CARBON

NORMAL_CUBIC_METRES_PER_GAS_UNIT = 10_000
"""Gaseous fuels are counted in 10^4 Nm3, with NCV in GJ per 10^4 Nm3; never cross the two systems."""


def heat_content_emission(
    fuel_amount: Quantity,
    *,
    net_calorific_value: Quantity,
    carbon_per_energy: Quantity,
    oxidation_fraction: Quantity,
    hard_ranges: Ranges | None = None,
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
        hard_ranges=hard_ranges,
        net_calorific_value=net_calorific_value,
        carbon_per_energy=carbon_per_energy,
        oxidation_fraction=oxidation_fraction,
    )
    return fuel_amount * net_calorific_value * carbon_per_energy * oxidation_fraction * CO2_PER_CARBON


def measured_carbon_emission(
    fuel_amount: Quantity,
    *,
    carbon_as_received: Quantity,
    oxidation_fraction: Quantity,
    hard_ranges: Ranges | None = None,
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
    require(hard_ranges=hard_ranges, carbon_as_received=carbon_as_received, oxidation_fraction=oxidation_fraction)
    return fuel_amount * carbon_as_received * oxidation_fraction * CO2_PER_CARBON


def fuel_mass(fuel_volume: Quantity, *, fuel_density: Quantity, hard_ranges: Ranges | None = None) -> Quantity:
    """Mass of a liquid fuel metered by volume, M = V x density. [t]

    fuel_volume : volume at the temperature the density holds for. [m3]
    fuel_density : a laboratory value or a factor record. [t/m3]
    """
    require_finite(fuel_volume=fuel_volume)
    require(hard_ranges=hard_ranges, fuel_density=fuel_density)
    return fuel_volume * fuel_density


def gas_amount(gas_volume: Quantity) -> Quantity:
    """Amount of a gaseous fuel in the unit of its calorific value. [10^4 Nm3]

    gas_volume : at the reference temperature the calorific value is stated for. [Nm3]
    """
    require_finite(gas_volume=gas_volume)
    return gas_volume / NORMAL_CUBIC_METRES_PER_GAS_UNIT
