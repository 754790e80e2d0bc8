"""The names of what is counted: boundaries, rule sets, emission items and methods, stream kinds.

One enum for each, so that no figure can appear without boundary, rule set, item and method (standard.md sections 2
and 7; DESIGN section 3). Formulas are in the modules beside this one; which item counts in which boundary under
which rule set is data, in `rulesets.toml`.
"""

from __future__ import annotations

from enum import StrEnum


class Boundary(StrEnum):
    """Where the line round the emissions is drawn (R8)."""

    CLINKER = "clinker"  # 熟料生产边界, per production line
    ENTERPRISE = "enterprise"  # 企业边界


class RuleSetId(StrEnum):
    """The two rule sets in force side by side (R3, R22)."""

    GBT32151_8 = "gbt32151_8"  # method A, GB/T 32151.8-2023
    CETS_AG_02_01 = "cets_ag_02_01"  # method B, CETS-AG-02.01-V01-2024


class Item(StrEnum):
    """An emission item. Memo and information items never enter a total."""

    FOSSIL_FUEL = "fossil_fuel"  # 化石燃料燃烧
    ALTERNATIVE_FUEL = "alternative_fuel"  # 替代燃料, non-biomass carbon
    PROCESS_CARBONATE = "process_carbonate"  # 碳酸盐分解, F4
    PROCESS_ORGANIC_CARBON = "process_organic_carbon"  # 生料中非燃料碳, F5
    PROCESS_CLINKER = "process_clinker"  # 熟料过程排放, G2
    NET_ELECTRICITY = "net_electricity"  # 净购入电力, F6 / G3
    NET_HEAT = "net_heat"  # 净购入热力, F7
    CAPTIVE_POWER = "captive_power"  # 发电设施, a term of its own under method B, F2 under method A
    OTHER_FACILITY = "other_facility"  # 其他非熟料产品设施, likewise
    BIOGENIC = "biogenic"  # memo: biomass carbon of alternative fuels
    CLINKER_ELECTRICITY = "clinker_electricity"  # information: electricity of clinker production (R19)
    FLUE_GAS = "flue_gas"  # information: CO2 measured in the stack (R25)


class Method(StrEnum):
    """How a figure was obtained."""

    HEAT_CONTENT = "heat_content"  # F2: amount x NCV x CC x OF x 44/12
    MEASURED_CARBON = "measured_carbon"  # F2 with elemental carbon
    NON_BIOMASS_CARBON = "non_biomass_carbon"  # F3, alpha weighs carbon shares
    NON_BIOMASS_ENERGY = "non_biomass_energy"  # F3 variant, alpha weighs energy shares
    WASTE_CARBON = "waste_carbon"  # F3, second form: Q x CCW x FCF x EFF x 44/12
    CLINKER_OXIDES = "clinker_oxides"  # F4
    PARTLY_CALCINED_DUST = "partly_calcined_dust"  # F9, dust with a calcination fraction (option)
    ORGANIC_CARBON = "organic_carbon"  # F5
    CLINKER_FACTOR = "clinker_factor"  # G2
    MONTH_FLOOR = "month_floor"  # G2: what a month and line lack to zero, a row of its own
    GRID_FACTOR = "grid_factor"  # F6, G3
    HEAT_FACTOR = "heat_factor"  # F7
    FLUE_GAS_DIRECT = "flue_gas_direct"  # HJ 75 appendix, standard.md section 11


class StreamKind(StrEnum):
    """What a source stream is: decides which formulas it feeds."""

    FOSSIL_FUEL = "fossil_fuel"
    ALTERNATIVE_FUEL = "alternative_fuel"
    RAW_MEAL = "raw_meal"
    CLINKER = "clinker"
    CLINKER_CONSUMED = "clinker_consumed"  # 水泥消耗熟料量: ground into cement, wherever it was burned
    CEMENT = "cement"
    KILN_DUST = "kiln_dust"
    BYPASS_DUST = "bypass_dust"
    SUBSTITUTE_MATERIAL = "substitute_material"
    ELECTRICITY_PURCHASED = "electricity_purchased"
    ELECTRICITY_EXPORTED = "electricity_exported"
    ELECTRICITY_NON_FOSSIL = "electricity_non_fossil"
    ELECTRICITY_WASTE_HEAT = "electricity_waste_heat"
    ELECTRICITY_CLINKER = "electricity_clinker"
    ELECTRICITY_OTHER = "electricity_other"
    HEAT_PURCHASED = "heat_purchased"
    HEAT_SOLD = "heat_sold"
    CAPTIVE_POWER = "captive_power"
    OTHER_FACILITY = "other_facility"
    FLUE_GAS = "flue_gas"


class MissingRule(StrEnum):
    """What stands in for missing data, as the approved plan says."""

    MEAN_OF_VALID = "mean_of_valid"  # mean of the last valid running hours
    CONSERVATIVE_DEFAULT = "conservative_default"  # 保守值: the record that never understates (26.7 GJ/t of coal)
    HJ75_TABLE = "hj75_table"  # maximum of the last valid hours, by capture rate (HJ 75-2017 tables 4 and 5)
    MEAN_PLUS_2_SIGMA = "mean_plus_2_sigma"  # mean + 2 standard deviations of the last valid running hours
    REFERENCE_VALUE = "reference_value"  # the library's value by fuel and edition


class Indicator(StrEnum):
    """A figure per tonne of product or a ratio of two amounts of one period and boundary (standard.md 7, 9 and 14)."""

    EMISSION_PER_CLINKER = "emission_per_clinker"  # tCO2/t, F8
    PROCESS_PER_CLINKER = "process_per_clinker"  # tCO2/t, process items only
    EMISSION_PER_CEMENT = "emission_per_cement"  # tCO2/t, F8, enterprise boundary
    HEAT_PER_CLINKER = "heat_per_clinker"  # GJ/t, every fuel of the kiln
    COAL_PER_CLINKER = "coal_per_clinker"  # kgce/t, fossil fuels of the kiln
    NET_COAL_PER_CLINKER = "net_coal_per_clinker"  # kgce/t, less the credit for waste heat: 熟料综合煤耗
    ELECTRICITY_PER_CLINKER = "electricity_per_clinker"  # kWh/t
    THERMAL_SUBSTITUTION = "thermal_substitution"  # 1, alternative fuels' share of the heat
    MEAL_CLINKER_RATIO = "meal_clinker_ratio"  # t/t, dry meal
    CLINKER_RATIO = "clinker_ratio"  # 1, clinker in cement
    SUBSTITUTED_SHARE = "substituted_share"  # 1, tonnes that rest on substituted data
    CEMENT_GRINDING_ELECTRICITY = "cement_grinding_electricity"  # kWh/t cement: 水泥制备工段电耗
