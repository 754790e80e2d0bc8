"""Units as published tables print them: `kgCO2/t clinker`, `10⁴ Nm³`, `kJ·kg-1`, `tCO2/tCaO`, `kgce`, `‰`.

`tanji.domain.units` is the closed list of a plant file; this module reads unit *expressions* and compares dimensions,
for whoever checks Tanji against a published example. The dimensions are those of the method, which are stricter than
physics: carbon, CO2 and any other mass are three, heat and electricity are two, normal and plain cubic metres are two.
A substance that does not change the meaning (t clinker, tCaO) is read and dropped.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from tanji.domain.limits import Quantity
from tanji.errors import Fault, InputError

STANDARD_COAL_HEAT = 29.3076
"""GJ per tonne of standard coal, 7000 kcal/kg [M]."""

_MASS = {"t": 1.0, "kg": 1e-3, "g": 1e-6, "mg": 1e-9, "kt": 1e3, "Mt": 1e6, "Gt": 1e9, "Mg": 1.0, "Gg": 1e3, "Tg": 1e6}
_MASS |= {"lb": 4.5359237e-4, "short_ton": 0.90718474}  # tables of the United States
_STEM = {"": "mass", "CO2": "CO2", "CO2e": "CO2", "CO2eq": "CO2", "C": "C", "ce": "heat"}
"""What a substance written behind a mass makes of it; kgce is heat."""

_LABELS = frozenset(
    "CaO MgO CaCO3 clinker cement cementitious coal fuel raw meal rawmeal material dust dry wet cli product "
    "steam water 熟料 水泥 煤 生料 粉尘 燃料".split()
)
"""Substances that name what is weighed without changing the dimension."""

_KCAL = 4.1868e-6
_BTU = 1.05505585262e-6
_SIZES: dict[str, dict[str, float]] = {  # dimension: {unit: size in the base unit, which is the one of size 1}
    "heat": {"GJ": 1.0, "MJ": 1e-3, "kJ": 1e-6, "J": 1e-9, "TJ": 1e3, "PJ": 1e6, "EJ": 1e9}
    | {"cal": _KCAL / 1e3, "kcal": _KCAL, "Mcal": _KCAL * 1e3, "Gcal": _KCAL * 1e6}
    | {"Btu": _BTU, "MMBtu": _BTU * 1e6, "mmBtu": _BTU * 1e6, "mmbtu": _BTU * 1e6, "therm": _BTU * 1e5},
    "electricity": {"MWh": 1.0, "Wh": 1e-6, "kWh": 1e-3, "GWh": 1e3, "TWh": 1e6},
    "power": {"MW": 1.0, "W": 1e-6, "kW": 1e-3},
    "volume": {"m3": 1.0, "L": 1e-3, "l": 1e-3, "kL": 1.0, "dm3": 1e-3, "cm3": 1e-6}
    | {"scf": 0.028316846592, "ft3": 0.028316846592, "gallon": 3.785411784e-3, "barrel": 0.158987294928},
    "normal_volume": {"Nm3": 1.0, "kNm3": 1e3, "NL": 1e-3},
    "length": {"m": 1.0, "mm": 1e-3, "cm": 1e-2, "um": 1e-6, "km": 1e3},
    "area": {"m2": 1.0, "cm2": 1e-4},
    "time": {"s": 1.0, "ms": 1e-3, "min": 60.0, "h": 3600.0, "d": 86400.0},
    "pressure": {"Pa": 1.0, "hPa": 1e2, "kPa": 1e3, "MPa": 1e6, "mbar": 1e2, "bar": 1e5, "atm": 101325.0}
    | {"mmH2O": 9.80665, "mmHg": 133.322387415},
    "fraction": {"1": 1.0, "%": 1e-2, "‰": 1e-3, "permille": 1e-3, "ppm": 1e-6},
    "money": {"CNY": 1e-4, "yuan": 1e-4},
    "temperature": {"degC": 1.0, "K": 1.0},
}
_ATOMS = {unit: (size, dimension) for dimension, sizes in _SIZES.items() for unit, size in sizes.items()}
_OFFSETS = {"K": -273.15}

_SPELLINGS = (
    # numbers in front of a unit
    ("⁴", "^4"), ("⁶", "^6"), ("⁸", "^8"), (r"10\s*\^\s*\{?([3-9])\}?", r"1e\1"), (r"10,?000(?!\d)", "1e4"),
    (r"(?<!\d)1,?000(?!\d)", "1e3"), (r"1[eE]\+?0?([3-9])", r"1e\1"),
    ("标准煤|标煤", "ce"), ("二氧化碳", "CO2"), ("立方米", "m3"), ("标(方|m3|立方)", "Nm3"),
    ("千克|公斤", "kg"), ("千瓦(时|小时)", "kWh"), ("兆瓦(时|小时)", "MWh"), ("千卡|大卡", "kcal"), ("千焦", "kJ"),
    ("兆焦", "MJ"), ("吉焦", "GJ"), ("太焦", "TJ"), ("吨", "t"), ("元", "CNY"), ("帕", "Pa"), ("小时", "h"),
    ("百万", "1e6"), ("千", "1e3"), ("万", "1e4"), ("亿", "1e8"),
    # typography
    ("[³]", "3"), ("[²]", "2"), ("[₂]", "2"), ("[⁻−]", "-"), ("[¹]", "1"), (r"\^", ""), ("[μµ]m", "um"), ("[–—]", "-"),
    ("％", "%"), ("℃|°C", "degC"), (r"\bper\b", "/"), ("[Cc][Oo]2-?(eq?)?", "CO2"),
    # English words
    (r"(?<![A-Za-z])metric tons?", "t"), ("short[ _]tons?", "short_ton"), ("tonnes?", "t"), ("gallons", "gallon"),
    ("therms", "therm"), ("lbs|pounds?", "lb"), ("hours?", "h"), ("percent|per cent", "%"), ("barrels", "barrel"),
    (r"([kMG])W\s*[·*.]?\s*h", r"\1Wh"), (r"^(\s*-?\s*|fraction|ratio|dimensionless)$", "1"),
    (r"(%\s*)(v/v|vol|\(vol\)|wt)|(vol|wt|mass|mol)(-?\s*%)", "%"), ("mol/mol|m3/m3", "1"),
    (r"(?<=[A-Za-z])-(?=[A-Za-z])", " "),
)  # fmt: skip
"""How published tables spell things, and what they mean here; in this order."""

_WORD = re.compile(r"^(?P<scale>1e[3-9])?(?P<unit>.*?)(?P<inverse>-1)?$")


@dataclass(frozen=True, slots=True)
class UnitExpression:
    """A unit that was read: value x factor + offset is the value in the base units of its dimension."""

    text: str
    factor: float
    offset: float
    dimension: str

    def to(self, own: UnitExpression, value: Quantity) -> Quantity:
        """A value in this unit, expressed in `own`; both must have been found to be of one dimension."""
        if (self.factor, self.offset) == (own.factor, own.offset):
            return value
        return (value * self.factor + self.offset - own.offset) / own.factor


@lru_cache(maxsize=1024)
def read_unit(text: str) -> UnitExpression:
    """The meaning of a unit as printed; InputError if a part of it is unknown.

    >>> read_unit("kgCO2/t clinker").dimension, read_unit("kJ·kg-1").dimension, read_unit("10⁴ Nm³").factor
    ('CO2/mass', 'heat/mass', 10000.0)
    >>> read_unit("tC/TJ").to(read_unit("tC/GJ"), 26.37)
    0.02637
    """
    plain = text.strip()
    for pattern, meant in _SPELLINGS:
        plain = re.sub(pattern, meant, plain)
    above, *below = plain.replace("(", " ").replace(")", " ").split("/")
    numerator, denominator = _product(above, text)
    for part in below:
        more, inverse = _product(part, text)
        denominator += more
        numerator += inverse
    factor = 1.0
    for size, _ in numerator:
        factor *= size
    for size, _ in denominator:
        factor /= size
    top = "·".join(sorted(kind for _, kind in numerator)) or "1"
    dimension = "/".join([top, *sorted(kind for _, kind in denominator)])
    return UnitExpression(text, factor, _OFFSETS.get(plain, 0.0), dimension)


def _product(part: str, text: str) -> tuple[list[tuple[float, str]], list[tuple[float, str]]]:
    """Sizes and dimensions of a product of units, and of those written with an exponent of -1."""
    words = [word for word in re.split(r"[\s·*]+", part) if word]
    joined: list[str] = []
    for word in words:
        if word in _LABELS and joined:
            continue
        if joined and (re.fullmatch("1e[3-9]", joined[-1]) or (word in _STEM and joined[-1] in _MASS)):
            joined[-1] += word
        else:
            joined.append(word)
    if not joined:
        raise _unknown(text)
    straight: list[tuple[float, str]] = []
    inverse: list[tuple[float, str]] = []
    for word in joined:
        match = _WORD.match(word)
        assert match is not None  # the pattern matches any text
        size, kind = _atom(match["unit"], text)
        (inverse if match["inverse"] else straight).append((size * (float(match["scale"] or 1)), kind))
    return straight, inverse


def _atom(word: str, text: str) -> tuple[float, str]:
    for written in (word, _as_usual(word)):
        if written in _ATOMS:
            return _ATOMS[written]
        for unit in sorted(_MASS, key=len, reverse=True):
            substance = written[len(unit) :]
            if written.startswith(unit) and (substance in _STEM or substance in _LABELS):
                kind = _STEM.get(substance, "mass")
                return _MASS[unit] * (STANDARD_COAL_HEAT if substance == "ce" else 1.0), kind
    raise _unknown(text)


def _as_usual(word: str) -> str:
    """A word in its usual case, KJ or KGCO2; never where m and M would be mixed up."""
    for unit in sorted({*_ATOMS, *_MASS}, key=len, reverse=True):
        rest = word[len(unit) :]
        if unit[0] not in "mM" and word[: len(unit)].lower() == unit.lower() and (not rest or rest in _STEM):
            return unit + rest
    return word


def _unknown(text: str) -> InputError:
    return InputError((Fault("unit", "a unit like kJ/kg, tC/TJ, kgCO2/kWh, 1e4Nm3 or %", repr(text)),))
