"""Hard ranges of raw inputs: what a formula refuses to calculate with.

Ranges marked standard.md 14.5 are our own plausibility ranges; those marked "unit guard" are wider and exist to stop
percents, kJ/kg, kPa or gauge pressure from passing as fractions, GJ/t or absolute Pa. Derived ratios (heat, meal to
clinker, dust, electricity per tonne) only diagnose and are not here. Amounts need only be finite: a scale's zero drift
may go below zero, and cutting it off there would add tonnes.

A job that works on arrays asks `within` first and substitutes what is outside by the plant's plan; the formulas
themselves call `require`, which raises. A missing value (not-a-number) is neither outside nor replaced: it propagates.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from tanji.errors import DomainError

Quantity: TypeAlias = float | NDArray[np.float64]
"""A value or an array of values; not-a-number means missing."""

RANGE_TOLERANCE = 1e-9
"""Relative slack at a limit: 7 % arrives as 0.07000000000000001 after conversion from percents."""


@dataclass(frozen=True, slots=True)
class HardRange:
    """Lowest and highest value a raw input may have, in `unit`, and where the two numbers come from."""

    low: float
    high: float
    unit: str
    source: str

    def __str__(self) -> str:
        return f"{self.low:g} to {self.high:g} {self.unit} ({self.source})"


_PAGE = "standard.md 14.5"
_GUARD = "unit guard"

HARD_RANGES: dict[str, HardRange] = {
    # coal and other fuels
    "coal_net_calorific_value": HardRange(8, 34, "GJ/t", _PAGE),
    "net_calorific_value": HardRange(0, 600, "GJ/t or GJ/10^4 Nm3", _GUARD),
    "gross_calorific_value_air_dried": HardRange(5, 40, "GJ/t", _GUARD),
    "carbon_per_energy": HardRange(0.005, 0.1, "tC/GJ", _GUARD),
    "coal_carbon_per_energy": HardRange(0.0235, 0.0300, "tC/GJ", _PAGE),
    "carbon_as_received": HardRange(0.2, 0.95, "tC/t", _PAGE),
    "carbon_air_dried": HardRange(0.2, 1, "tC/t", _GUARD),
    "carbon_dry": HardRange(0.2, 1, "tC/t", _GUARD),
    "oxidation_fraction": HardRange(0.85, 1, "1", _PAGE),
    "hydrogen_air_dried": HardRange(0.02, 0.06, "1", _PAGE),
    "moisture_total": HardRange(0, 0.25, "1", _PAGE),
    "moisture_as_received": HardRange(0, 0.25, "1", _PAGE),
    "moisture_air_dried": HardRange(0, 0.25, "1", _PAGE),
    "moisture": HardRange(0, 0.9, "1", _GUARD),  # carbide slag and sludge are far wetter than coal
    "fuel_density": HardRange(0.5, 1.2, "t/m3", _GUARD),
    # alternative fuels
    "calorific_value": HardRange(0, 60, "GJ/t", _GUARD),
    "emission_factor": HardRange(0, 0.2, "tCO2/GJ", _GUARD),
    "emission_factor_fossil": HardRange(0, 0.2, "tCO2/GJ", _GUARD),
    "emission_factor_biogenic": HardRange(0, 0.2, "tCO2/GJ", _GUARD),
    "non_biomass_carbon_fraction": HardRange(0, 1, "1", _PAGE),
    "non_biomass_energy_fraction": HardRange(0, 1, "1", _PAGE),
    # clinker and raw meal
    "clinker_cao": HardRange(0.55, 0.72, "t/t", _PAGE),
    "clinker_cao_aluminate": HardRange(0.2, 0.72, "t/t", _GUARD),  # these kinds have less CaO; no range published here
    "clinker_mgo": HardRange(0, 0.06, "t/t", _PAGE),
    "clinker_cao_non_carbonate": HardRange(0, 0.72, "t/t", _GUARD),
    "clinker_mgo_non_carbonate": HardRange(0, 0.06, "t/t", _GUARD),
    "raw_meal_organic_carbon": HardRange(0, 0.02, "tC/t", _PAGE),
    "clinker_process_factor": HardRange(0, 0.60, "tCO2/t", _PAGE),  # from 0: aluminate clinker may have none
    "deduction_factor": HardRange(0, 0.7, "tCO2/t", _PAGE),
    # electricity and heat
    "grid_factor": HardRange(0, 1.2, "tCO2/MWh", _PAGE),
    "heat_factor": HardRange(0, 0.3, "tCO2/GJ", _GUARD),
    "water_temperature": HardRange(0, 250, "degC", _GUARD),
    "steam_enthalpy": HardRange(0, 4500, "kJ/kg", _GUARD),
    # flue gas
    "co2_fraction_dry": HardRange(0.05, 0.45, "1", _PAGE),
    "co2_fraction_wet": HardRange(0.03, 0.45, "1", "standard.md 14.5, its dry range at the highest humidity"),
    "co2_fraction": HardRange(0.03, 0.45, "1", "standard.md 14.5, widened for a wet analyser"),
    "humidity": HardRange(0, 0.40, "1", _PAGE),
    "temperature": HardRange(0, 400, "degC", _PAGE),
    "pressure": HardRange(50_000, 130_000, "Pa absolute", _GUARD),  # no gauge pressure, no kPa, no hPa
}


def require(**inputs: Quantity) -> None:
    """Raise DomainError if an input lies outside the hard range of its name; a missing value passes."""
    for name, value in inputs.items():
        require_range(name, value, bounds=HARD_RANGES[name])


def require_range(name: str, value: Quantity, *, bounds: HardRange) -> None:
    """Raise DomainError, naming the input, what was expected and what was got, if `value` lies outside `bounds`."""
    outside = _outside(value, bounds)
    if outside.any():
        raise DomainError(f"{name}: expected {bounds}, got {_first(value, outside)}")


def require_finite(**amounts: Quantity) -> None:
    """Raise DomainError if an amount is infinite; a missing value passes, and so does a negative one."""
    for name, value in amounts.items():
        infinite = np.isinf(np.asarray(value, dtype=np.float64))
        if infinite.any():
            raise DomainError(f"{name}: expected a finite number, got {_first(value, infinite)}")


def within(quantity: str, values: Quantity) -> NDArray[np.bool_]:
    """Which values a formula would take as `quantity`: true inside the hard range, false outside and where missing."""
    if quantity not in HARD_RANGES:
        raise DomainError(f"hard range: expected one of {', '.join(sorted(HARD_RANGES))}, got {quantity}")
    array = np.asarray(values, dtype=np.float64)
    return ~(_outside(array, HARD_RANGES[quantity]) | np.isnan(array))


def _outside(value: Quantity, bounds: HardRange) -> NDArray[np.bool_]:
    array = np.asarray(value, dtype=np.float64)
    slack = RANGE_TOLERANCE * max(abs(bounds.low), abs(bounds.high))
    return np.asarray((array < bounds.low - slack) | (array > bounds.high + slack))


def _first(value: Quantity, wrong: NDArray[np.bool_]) -> str:
    if wrong.ndim == 0:
        return f"{float(value):.9g}"
    index = int(np.flatnonzero(wrong)[0])
    return f"{float(np.asarray(value, dtype=np.float64).flat[index]):.9g} at index {index}"
