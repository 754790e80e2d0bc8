"""Which formula makes the figures of which kind of stream (standard.md sections 3 to 6, 11).

Kinds without a row have hours of activity and no tonnes of their own: cement, waste-heat power, other electricity.
"""

from __future__ import annotations

from calc_jobs import energy_figures, fuel_figures, process_figures
from calc_jobs.figures import Formula
from tanji.domain.items import StreamKind

FORMULAS: dict[StreamKind, Formula] = {
    StreamKind.FOSSIL_FUEL: fuel_figures.fossil,
    StreamKind.CAPTIVE_POWER: fuel_figures.facility(lambda ruleset: ruleset.captive_power_item, boiler="power_boiler"),
    StreamKind.OTHER_FACILITY: fuel_figures.facility(
        lambda ruleset: ruleset.other_facility_item, boiler="industrial_boiler"
    ),
    StreamKind.ALTERNATIVE_FUEL: fuel_figures.alternative_fuel,
    StreamKind.CLINKER: process_figures.clinker,
    StreamKind.KILN_DUST: process_figures.dust_leaving,
    StreamKind.BYPASS_DUST: process_figures.dust_leaving,
    StreamKind.RAW_MEAL: process_figures.raw_meal,
    StreamKind.SUBSTITUTE_MATERIAL: process_figures.substitute_material,
    StreamKind.ELECTRICITY_PURCHASED: energy_figures.grid(+1.0),
    StreamKind.ELECTRICITY_EXPORTED: energy_figures.grid(-1.0),
    StreamKind.ELECTRICITY_NON_FOSSIL: energy_figures.grid(-1.0),
    StreamKind.ELECTRICITY_CLINKER: energy_figures.clinker_electricity,
    StreamKind.HEAT_PURCHASED: energy_figures.heat(+1.0),
    StreamKind.HEAT_SOLD: energy_figures.heat(-1.0),
    StreamKind.FLUE_GAS: energy_figures.flue_gas,
}
