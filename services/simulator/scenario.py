"""What a simulated period is made of: its seed, its stops, its faults, and the factors its truth is told with.

The factors stand here a second time on purpose: truth must not be computed with the tables it is there to check
(standard.md sections 5.2, 8.1, 8.3, 8.4 and 3 are where they come from). The model itself is in `process`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from services.simulator.faults import BAD_SENSOR_FAILURE, Fault, FaultKind

HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS
MINUTE_MS: Final = 60_000
LOCAL_OFFSET_MS: Final = 8 * HOUR_MS  # Asia/Shanghai has had no summer time since 1991


@dataclass(frozen=True, slots=True, kw_only=True)
class Factors:
    """Emission factors of one rule set, as the scenario's truth applies them."""

    coal_carbon_per_energy: float = 0.02618  # [tC/GJ]
    coal_oxidation: float = 0.99
    diesel_calorific_value: float = 42.652  # [GJ/t]
    diesel_carbon_per_energy: float = 0.0202  # [tC/GJ]
    diesel_oxidation: float = 0.98
    waste_fossil: float = 0.0917  # [tCO2/GJ], weighs energy shares
    waste_biogenic: float = 0.100  # [tCO2/GJ]
    cloth_whole: float = 0.0917  # [tCO2/GJ] of the whole fuel, weighs carbon shares
    clinker_process: float = 0.535  # [tCO2/t]
    grid: float = 0.5306  # [tCO2/MWh], national average of data year 2023


GBT: Final = "gbt32151_8"
CETS: Final = "cets_ag_02_01"
FACTORS: Final[dict[str, Factors]] = {GBT: Factors(coal_carbon_per_energy=0.0261), CETS: Factors()}
"""GB/T and market table differ in the carbon of bituminous coal; both take the national average grid factor."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Nature:
    """The true composition of things, means over the period; the model lets them vary about these.

    The carbon that really burns is in `process`; it is close to what the factors say, as with a coal near the default.
    """

    coal_calorific_value: float = 23.2  # [GJ/t] as fired
    coal_ash: float = 0.215  # [t/t], all of it ends in the clinker
    waste_calorific_value: float = 9.6  # [GJ/t]
    waste_fossil_energy: float = 0.46  # share of the energy that is not biomass
    cloth_calorific_value: float = 17.2  # [GJ/t]
    cloth_fossil_carbon: float = 0.62  # share of the carbon that is not biomass
    clinker_cao: float = 0.6490
    clinker_mgo: float = 0.0225
    meal_organic_carbon: float = 0.0015  # [tC/t dry]
    meal_water: float = 0.012  # combined water, [t/t dry]
    meal_moisture: float = 0.005  # where it is weighed


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """A kiln stop: fire out `after_h` hours after the start of the scenario, cold for `cold_h`, then heated up."""

    after_h: float
    cold_h: float
    heat_up_h: float = 8.0


DEFAULT_STOPS: Final = (Stop(after_h=9.3 * 24, cold_h=15.0), Stop(after_h=21.6 * 24, cold_h=30.0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One reproducible period [start, end) of the plant's life; `end_ms` only bounds the faults and the laboratory.

    The model can be asked for times after the end, where live operation goes on.
    """

    seed: int = 32151
    start_ms: int
    end_ms: int
    stops: tuple[Stop, ...] = DEFAULT_STOPS
    faults: tuple[Fault, ...] = ()
    factors: dict[str, Factors] = field(default_factory=lambda: dict(FACTORS), hash=False)
    nature: Nature = Nature()
    clinker_t_per_h: float = 216.0
    heat_gj_per_t: float = 3.06
    waste_heat_share: float = 0.05  # of the heat
    cloth_heat_share: float = 0.03

    @property
    def origin_ms(self) -> int:
        """First minute of the model's time grid."""
        return self.start_ms // MINUTE_MS * MINUTE_MS


def demo_scenario(*, start_ms: int, end_ms: int, seed: int = 32151) -> Scenario:
    """The scenario of the demonstration: two kiln stops and a few harmless faults, so that quality shows something."""
    return Scenario(seed=seed, start_ms=start_ms, end_ms=end_ms, faults=_demo_faults(start_ms, end_ms))


def _demo_faults(start_ms: int, end_ms: int) -> tuple[Fault, ...]:
    def at(kind: FaultKind, target: str, *, day: float, hours: float, size: float = 0.0) -> Fault:
        begin = (start_ms + round(day * DAY_MS)) // HOUR_MS * HOUR_MS
        end = begin + round(hours * HOUR_MS)
        return Fault(kind=kind, target=target, start_ms=begin, end_ms=end, size=size, status=BAD_SENSOR_FAILURE)

    planned = (
        at(FaultKind.DROP_OUT, "line1.calciner_coal.mass_flow", day=4.4, hours=1),
        at(FaultKind.STUCK, "line1.raw_meal.mass_flow", day=12.7, hours=1),
        at(FaultKind.BAD_STATUS, "line1.flue.co2", day=16.2, hours=2),
        at(FaultKind.DEAD_SLAVE, "waste_scale", day=18.9, hours=0.25),
        at(FaultKind.SPIKES, "line1.domestic_waste.mass_flow", day=26.3, hours=2, size=4.0),
    )
    return tuple(fault for fault in planned if fault.end_ms <= end_ms)
