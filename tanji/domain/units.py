"""Units a plant file or a laboratory sheet may use, and the conversion of each to the one used inside the code.

Inside there are only t, MWh (electricity), GJ (heat), MW, s, degC, Pa, m3, Nm3, m/s and fractions (DESIGN section 3);
conversion happens only at the edges. A litre stays a volume: turning it into tonnes takes a density, which is a factor
or a laboratory value. Normal and plain cubic metres are different dimensions, and a gauge pressure in Pa stays gauge.
"""

from __future__ import annotations

from dataclasses import dataclass

from tanji.domain.limits import Quantity
from tanji.errors import DomainError


@dataclass(frozen=True, slots=True)
class Conversion:
    """How a value in `unit` becomes one in `internal_unit`: value x factor + offset."""

    unit: str
    internal_unit: str
    factor: float
    offset: float
    dimension: str

    def to_internal(self, value: Quantity) -> Quantity:
        """A value in `unit`, expressed in `internal_unit`."""
        return value * self.factor + self.offset

    def from_internal(self, value: Quantity) -> Quantity:
        """A value in `internal_unit`, expressed in `unit`."""
        return (value - self.offset) / self.factor


DIMENSIONLESS = "1"
"""Unit of a share or ratio in plant files, sheets and tables; nobody reads it as a unit, so it is not shown."""

DIGITS = 10
"""Significant digits of a value that is written for people: as many as checking by hand takes, no rounding error."""

KCAL = 4.1868e-3
"""MJ per kilocalorie, International Table; Chinese coal sheets still print kcal/kg."""

_TABLE: dict[tuple[str, str], dict[str, float | tuple[float, float]]] = {
    # (dimension, internal unit): {unit: factor, or (factor, offset)}
    ("mass", "t"): {"t": 1, "kg": 1e-3, "g": 1e-6, "kt": 1e3},
    ("mass_rate", "t/h"): {"t/h": 1, "kg/h": 1e-3, "t/d": 1 / 24, "kg/s": 3.6, "kg/min": 0.06, "t/min": 60},
    ("energy", "MWh"): {"MWh": 1, "kWh": 1e-3, "Wh": 1e-6, "GWh": 1e3},
    ("heat", "GJ"): {"GJ": 1, "MJ": 1e-3, "kJ": 1e-6, "TJ": 1e3, "tce": 29.3076, "kgce": 0.0293076},
    ("power", "MW"): {"MW": 1, "kW": 1e-3, "W": 1e-6},
    ("reactive_power", "Mvar"): {"Mvar": 1, "kvar": 1e-3},
    ("volume", "m3"): {"m3": 1, "L": 1e-3},
    ("volume_rate", "m3/h"): {"m3/h": 1, "m3/s": 3600, "m3/min": 60, "L/h": 1e-3, "L/min": 0.06, "L/s": 3.6},
    ("normal_volume", "Nm3"): {"Nm3": 1, "1e4Nm3": 1e4},
    ("normal_volume_rate", "Nm3/h"): {"Nm3/h": 1, "Nm3/s": 3600, "kNm3/h": 1e3, "1e4Nm3/h": 1e4},
    ("fraction", DIMENSIONLESS): {DIMENSIONLESS: 1, "%": 1e-2, "permille": 1e-3, "ppm": 1e-6},
    ("mass_concentration", "mg/Nm3"): {"mg/Nm3": 1, "g/Nm3": 1e3},
    ("actual_mass_concentration", "mg/m3"): {"mg/m3": 1},
    ("temperature", "degC"): {"degC": 1, "°C": 1, "K": (1, -273.15)},
    ("pressure", "Pa"): {"Pa": 1, "kPa": 1e3, "hPa": 1e2, "mbar": 1e2, "bar": 1e5, "MPa": 1e6, "mmH2O": 9.80665},
    ("velocity", "m/s"): {"m/s": 1, "mm/s": 1e-3, "m/min": 1 / 60},
    ("length", "m"): {"m": 1, "mm": 1e-3, "cm": 1e-2, "um": 1e-6},
    ("area", "m2"): {"m2": 1},
    ("time", "s"): {"s": 1, "ms": 1e-3, "min": 60, "h": 3600, "d": 86_400},
    ("speed", "rpm"): {"rpm": 1, "r/min": 1},
    ("frequency", "Hz"): {"Hz": 1},
    ("current", "A"): {"A": 1, "mA": 1e-3, "kA": 1e3},
    ("voltage", "V"): {"V": 1, "mV": 1e-3, "kV": 1e3},
    ("state", "state"): {"state": 1},
    ("density", "t/m3"): {"t/m3": 1, "kg/m3": 1e-3, "kg/L": 1, "g/cm3": 1},
    ("calorific_value", "GJ/t"): {"GJ/t": 1, "MJ/kg": 1, "kJ/kg": 1e-3, "J/g": 1e-3, "kcal/kg": KCAL},
    ("gas_calorific_value", "GJ/1e4Nm3"): {"GJ/1e4Nm3": 1, "MJ/Nm3": 10, "kJ/Nm3": 1e-2},
    ("actual_gas_calorific_value", "GJ/1e4m3"): {"GJ/1e4m3": 1, "MJ/m3": 10, "kJ/m3": 1e-2},
    ("carbon_per_energy", "tC/GJ"): {"tC/GJ": 1, "tC/TJ": 1e-3, "kgC/GJ": 1e-3},
    ("mass_fraction", "t/t"): {"t/t": 1, "tC/t": 1, "kg/t": 1e-3},
    ("energy_emission_factor", "tCO2/GJ"): {"tCO2/GJ": 1, "tCO2/TJ": 1e-3, "kgCO2/GJ": 1e-3},
    ("mass_emission_factor", "tCO2/t"): {"tCO2/t": 1, "kgCO2/t": 1e-3, "kgCO2/kg": 1},
    ("specific_coal", "kgce/t"): {"kgce/t": 1, "gce/kg": 1, "tce/t": 1e3},
    ("specific_electricity", "kWh/t"): {"kWh/t": 1, "MWh/t": 1e3},
    ("electricity_emission_factor", "tCO2/MWh"): {"tCO2/MWh": 1, "kgCO2/kWh": 1, "kgCO2/MWh": 1e-3},
}


def _conversions() -> dict[str, Conversion]:
    known: dict[str, Conversion] = {}
    for (dimension, internal), entries in _TABLE.items():
        for unit, entry in entries.items():
            factor, offset = entry if isinstance(entry, tuple) else (entry, 0.0)
            known[unit] = Conversion(unit, internal, float(factor), float(offset), dimension)
    return known


CONVERSIONS: dict[str, Conversion] = _conversions()
"""Every known unit under its spelling in a plant file or laboratory sheet."""


def written(value: float, unit: str) -> str:
    """A value with its unit as people read it: a share beside its percentage, another pure number without a unit.

    A ratio above one is never shown as a percentage: where 649 % stands, a point has slipped or a unit is wrong.

    >>> written(0.6494, "1"), written(6.494, "1"), written(23.1, "GJ/t")
    ('0.6494 (64.94 %)', '6.494', '23.1 GJ/t')
    """
    number = f"{value + 0.0:.{DIGITS}g}"  # minus zero is zero to a reader
    if unit != DIMENSIONLESS:
        return f"{number} {unit}".rstrip()
    return f"{number} ({value * 100:.{DIGITS}g} %)" if 0 < abs(value) <= 1 else number


def conversion(unit: str) -> Conversion:
    """The conversion of `unit` to the internal one; DomainError, with the known units, if there is none.

    >>> conversion("kWh").to_internal(5300.0)
    5.3
    >>> conversion("K").to_internal(373.15)
    100.0
    """
    try:
        return CONVERSIONS[unit]
    except KeyError:
        raise DomainError(f"unit: expected one of {', '.join(sorted(CONVERSIONS))}, got {unit!r}") from None
