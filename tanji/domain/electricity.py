"""Electricity and heat: F6, F7 and G3 of standard.md section 6 (R19, R20).

Whether non-fossil power is deducted, and which kind of grid factor applies, is data of the rule set. Waste-heat power
used on site is not purchased and carries no CO2. Standard texts have not been checked yet. A missing input
(not-a-number) gives a missing result.
`hard_ranges` of a formula holds a plant's own ranges where they differ from `limits.toml`.
"""

from __future__ import annotations

from tanji.domain.limits import Quantity, Ranges, require, require_finite

WATER_REFERENCE_TEMPERATURE = 20.0
"""Degrees Celsius of the make-up water that heat is counted from (F7 [C/M])."""

WATER_REFERENCE_ENTHALPY = 83.74
"""kJ/kg of water at the reference temperature (F7 [C/M])."""

WATER_HEAT_CAPACITY = 4.1868e-3
"""GJ per tonne and kelvin (F7 [C/M])."""


def net_electricity(purchased: Quantity, *, exported: Quantity, non_fossil: Quantity = 0.0) -> Quantity:
    """Net purchased electricity; negative where more is exported than bought, and kept so. [MWh]

    purchased, exported : electricity bought from and sold to others. [MWh]
    non_fossil : purchased non-fossil power, where the rule set deducts it. [MWh]
    """
    require_finite(purchased=purchased, exported=exported, non_fossil=non_fossil)
    return purchased - exported - non_fossil


def net_electricity_emission(
    purchased: Quantity,
    *,
    exported: Quantity,
    non_fossil: Quantity = 0.0,
    grid_factor: Quantity,
    hard_ranges: Ranges | None = None,
) -> Quantity:
    """CO2 of net purchased electricity. [tCO2]

    E = (purchased - exported - non-fossil) x EF_grid. F6 [M], with non_fossil = 0, and G3 [C], standard.md section 6;
    standard texts not yet checked. A negative net is kept.

    purchased, exported, non_fossil : as in `net_electricity`. [MWh]
    grid_factor : average CO2 factor of the grid. [tCO2/MWh]

    >>> round(net_electricity_emission(1200.0, exported=50.0, non_fossil=150.0, grid_factor=0.5306), 4)
    530.6

    By hand: 1200 - 50 - 150 = 1000 MWh; x 0.5306 = 530.6 tCO2.
    """
    require(hard_ranges=hard_ranges, grid_factor=grid_factor)
    return net_electricity(purchased, exported=exported, non_fossil=non_fossil) * grid_factor


def information_emission(
    electricity: Quantity, *, grid_factor: Quantity, hard_ranges: Ranges | None = None
) -> Quantity:
    """CO2 of the electricity that clinker production uses: an information item, outside every total. [tCO2]

    E = AD x EF_grid. R19, standard.md section 6; standard text not yet checked. Say beside the figure whether the
    electricity includes waste-heat power.

    electricity : electricity used. [MWh]
    grid_factor : as above. [tCO2/MWh]

    >>> round(information_emission(250.0, grid_factor=0.5306), 4)
    132.65
    """
    require_finite(electricity=electricity)
    require(hard_ranges=hard_ranges, grid_factor=grid_factor)
    return electricity * grid_factor


def waste_heat_emission(waste_heat_electricity: Quantity) -> Quantity:
    """CO2 of waste-heat power (余热发电) used on site: none, its fuel is counted in the kiln already. [tCO2]

    F6, standard.md section 6 [M]; standard text not yet checked. Zero where the meter reports, missing where it does
    not.

    waste_heat_electricity : generated from waste heat and used on site. [MWh]

    >>> waste_heat_emission(300.0)
    0.0
    """
    require_finite(waste_heat_electricity=waste_heat_electricity)
    return waste_heat_electricity * 0.0


def electricity_without_waste_heat(electricity: Quantity, *, waste_heat_electricity: Quantity) -> Quantity:
    """The part of an electricity use that came over the grid, to say beside R19 what the figure includes. [MWh]

    standard.md section 6, last paragraph; own reading: waste-heat power is used on the spot first.

    electricity : electricity used. [MWh]
    waste_heat_electricity : of it, generated from waste heat. [MWh]

    >>> electricity_without_waste_heat(260.0, waste_heat_electricity=150.0)
    110.0
    """
    require_finite(electricity=electricity, waste_heat_electricity=waste_heat_electricity)
    return electricity - waste_heat_electricity


def net_heat_emission(
    heat_purchased: Quantity, *, heat_sold: Quantity, heat_factor: Quantity, hard_ranges: Ranges | None = None
) -> Quantity:
    """CO2 of net purchased heat. [tCO2]

    E = (bought - sold) x EF_heat. F7, standard.md section 6 [C/M]; standard text not yet checked.

    heat_purchased, heat_sold : heat bought and sold. [GJ]
    heat_factor : emission factor of heat. [tCO2/GJ]

    >>> round(net_heat_emission(1000.0, heat_sold=200.0, heat_factor=0.11), 4)
    88.0
    """
    require_finite(heat_purchased=heat_purchased, heat_sold=heat_sold)
    require(hard_ranges=hard_ranges, heat_factor=heat_factor)
    return (heat_purchased - heat_sold) * heat_factor


def hot_water_heat(mass: Quantity, *, water_temperature: Quantity, hard_ranges: Ranges | None = None) -> Quantity:
    """Heat carried by hot water, counted from 20 degC. [GJ]

    AD = Ma x (Tw - 20) x 4.1868e-3. F7, standard.md section 6 [C/M]; standard text not yet checked.

    mass : mass of the water. [t]
    water_temperature : its temperature. [degC]

    >>> round(hot_water_heat(100.0, water_temperature=90.0), 4)
    29.3076

    By hand: 100 x 70 x 0.0041868 = 29.3076 GJ, which is also the heat of 1 t of standard coal.
    """
    require_finite(mass=mass)
    require(hard_ranges=hard_ranges, water_temperature=water_temperature)
    return mass * (water_temperature - WATER_REFERENCE_TEMPERATURE) * WATER_HEAT_CAPACITY


def steam_heat(mass: Quantity, *, steam_enthalpy: Quantity, hard_ranges: Ranges | None = None) -> Quantity:
    """Heat carried by steam, counted from water at 20 degC. [GJ]

    AD = Ma x (En - 83.74) x 1e-3. F7, standard.md section 6 [C/M]; standard text not yet checked.

    mass : mass of the steam. [t]
    steam_enthalpy : its enthalpy. [kJ/kg]

    >>> round(steam_heat(10.0, steam_enthalpy=2783.74), 4)
    27.0
    """
    require_finite(mass=mass)
    require(hard_ranges=hard_ranges, steam_enthalpy=steam_enthalpy)
    return mass * (steam_enthalpy - WATER_REFERENCE_ENTHALPY) * 1e-3
