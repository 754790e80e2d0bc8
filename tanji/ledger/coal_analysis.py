"""A coal analysis as the laboratory gives it, converted to the place of weighing (standard.md section 3).

Air-dried and dry figures, gross values, and received ones at another moisture become carbon or net calorific value at
the moisture of the scale; the raw figures and the formula are kept beside the result. Formulas are
`tanji.domain.coal`; C_ar and NCV of one sample must fit together.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tanji.domain import coal
from tanji.domain.limits import HARD_RANGES, RANGE_TOLERANCE

CARBON, HEAT = "carbon_as_received", "net_calorific_value"
MOISTURES = ("moisture_total", "moisture_air_dried", "moisture_at_scale", "hydrogen_air_dried")
"""Columns of a sheet that go with a raw figure; fractions here, a number with its unit there."""


@dataclass(frozen=True, slots=True)
class Conversion:
    """How a raw figure becomes a parameter: the basis it has to be on, the columns it needs, formula and function."""

    raw: str
    parameter: str
    basis: str
    needs: tuple[str, ...]
    formula: str
    convert: Callable[[float, Mapping[str, float]], float]


def _ad_carbon(value: float, given: Mapping[str, float]) -> float:
    at_scale, air_dried = scale_moisture(given), given["moisture_air_dried"]
    return float(coal.carbon_from_air_dried(value, moisture_as_received=at_scale, moisture_air_dried=air_dried))


def _dry_carbon(value: float, given: Mapping[str, float]) -> float:
    return float(coal.carbon_from_dry(value, moisture_as_received=scale_moisture(given)))


def _gross(value: float, given: Mapping[str, float]) -> float:
    return float(
        coal.net_calorific_value_from_gross(
            value,
            hydrogen_air_dried=given["hydrogen_air_dried"],
            moisture_total=scale_moisture(given),
            moisture_air_dried=given["moisture_air_dried"],
        )
    )


def _carbon_moved(value: float, given: Mapping[str, float]) -> float:
    at, scale = given["moisture_total"], given["moisture_at_scale"]
    return float(coal.carbon_at_scale(value, moisture_as_received=at, moisture_at_scale=scale))


def _heat_moved(value: float, given: Mapping[str, float]) -> float:
    at, scale = given["moisture_total"], given["moisture_at_scale"]
    return float(coal.net_calorific_value_at_scale(value, moisture_as_received=at, moisture_at_scale=scale))


RAW: dict[str, Conversion] = {
    entry.raw: entry
    for entry in (
        Conversion(
            "carbon_air_dried", CARBON, "air_dried", ("moisture_total", "moisture_air_dried"),
            "C_ar = C_ad x (1 - M) / (1 - M_ad)", _ad_carbon,
        ),
        Conversion("carbon_dry", CARBON, "dry", ("moisture_total",), "C_ar = C_d x (1 - M)", _dry_carbon),
        Conversion(
            "gross_calorific_value_air_dried", HEAT, "air_dried",
            ("moisture_total", "moisture_air_dried", "hydrogen_air_dried"),
            "Qnet,ar = (Qgr,ad - 20.6 H_ad) x (1 - M) / (1 - M_ad) - 2.3 M", _gross,
        ),
    )
}  # fmt: skip
"""Raw figures a sheet may give instead of a parameter."""

MOVED: dict[str, Conversion] = {
    CARBON: Conversion(
        CARBON, CARBON, "as_received", ("moisture_total", "moisture_at_scale"),
        "C_w = C_ar x (1 - M_w) / (1 - M_ar)", _carbon_moved,
    ),
    HEAT: Conversion(
        HEAT, HEAT, "as_received", ("moisture_total", "moisture_at_scale"),
        "Q_w = (Q_ar + 2.3 M_ar) x (1 - M_w) / (1 - M_ar) - 2.3 M_w", _heat_moved,
    ),
}  # fmt: skip
"""Received figures at the moisture of another place than the scale's: `moisture_at_scale` asks for it."""


def scale_moisture(given: Mapping[str, float]) -> float:
    """Moisture where the coal is weighed: M_w where it is given in place of M_t. [1]"""
    return given.get("moisture_at_scale", given["moisture_total"])


def raw_text(conversion: Conversion, value: float, given: Mapping[str, float]) -> str:
    """The analysis as it was given, in units used inside the code, as JSON."""
    return json.dumps({conversion.raw: value, **dict(sorted(given.items()))}, separators=(",", ":"))


def fits_together(carbon: float, heat: float) -> bool:
    """Whether C_ar / NCV_ar of a sample lies within standard.md 14.5. [tC/t, GJ/t]"""
    bounds = HARD_RANGES["coal_carbon_per_energy"]
    slack = RANGE_TOLERANCE * bounds.high
    return heat > 0 and bounds.low - slack <= carbon / heat <= bounds.high + slack
