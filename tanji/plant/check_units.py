"""Checks of units: known to `tanji.domain.units`, fit for what the point measures, and adding up within a stream.

A flow declared in tonnes instead of tonnes per hour passes every other check and is wrong by a factor of hours, so
each kind of point has its dimensions (DESIGN section 3: conversion happens once, at the edges).
"""

from __future__ import annotations

from collections.abc import Iterator

from tanji.domain.items import StreamKind
from tanji.domain.units import CONVERSIONS
from tanji.errors import Finding
from tanji.plant import check_factors
from tanji.plant.document import KeyPath
from tanji.plant.model import FlueGas, Point, Stream
from tanji.plant.wiring import Wiring
from tanji.plant.wording import close_to

FUELS = (StreamKind.FOSSIL_FUEL, StreamKind.CAPTIVE_POWER, StreamKind.OTHER_FACILITY)
AMOUNTS = ("mass", "energy", "heat", "volume", "normal_volume")
RATES = ("mass_rate", "power", "volume_rate", "normal_volume_rate")

SUITABLE: dict[str, tuple[str, ...]] = {
    "parameter": tuple({conversion.dimension: None for conversion in CONVERSIONS.values()}),
    "rate": RATES,
    "counter": (*AMOUNTS, "time"),
    "state": ("state", "fraction"),
    "concentration": ("fraction", "mass_concentration"),
    "condition": (
        "fraction", "temperature", "pressure", "velocity", "length", "speed", "frequency", "current", "voltage",
        "reactive_power", "density", "mass", "volume",
    ),
}  # fmt: skip
"""Dimensions that suit a kind of point."""

EXAMPLES = {
    "rate": "a unit of amount per time, like t/h, m3/h or kW",
    "counter": "a unit of amount, like t, kWh or m3",
    "state": 'the unit "1" or "state"',
    "concentration": "a unit of concentration, like %, ppm or mg/Nm3",
    "condition": "a unit of what is now, like m/s, degC, kPa, % or, for the filling of a bin, t",
    "parameter": "a unit of the setting, like t/h for a span or 1 for a ratio",
}

AMOUNT_OF = {dimension: dimension for dimension in AMOUNTS} | {
    "mass_rate": "mass",
    "power": "energy",
    "volume_rate": "volume",
    "normal_volume_rate": "normal_volume",
}
"""What a rate is per hour of: its amount adds up with a counter of the same."""

FLUE_GAS_DIMENSIONS = {
    "co2": ("concentration", "fraction", "%"),
    "velocity": ("condition", "velocity", "m/s"),
    "temperature": ("condition", "temperature", "degC"),
    "pressure": ("condition", "pressure", "Pa"),
    "humidity": ("condition", "fraction", "%"),
    "oxygen": ("concentration", "fraction", "%"),
}
"""Kind, dimension and an example unit of each point of a stack (standard.md section 11)."""


def known(wiring: Wiring, path: KeyPath, unit: str) -> Iterator[Finding]:
    """A unit that can be converted."""
    if unit not in CONVERSIONS:
        expected = f"a unit Tanji knows, like t/h, kWh, % or degC{close_to(unit, CONVERSIONS)}"
        yield wiring.finding(path, expected, f'"{unit}"')


def suits(wiring: Wiring, path: KeyPath, point: Point) -> Iterator[Finding]:
    """A known unit, of a dimension that the kind of the point can have."""
    yield from known(wiring, path, point.unit)
    if point.unit not in CONVERSIONS:
        return
    conversion = CONVERSIONS[point.unit]
    plain = conversion.factor == 1 or point.kind != "state"
    if conversion.dimension not in SUITABLE[point.kind] or not plain:
        expected = f"{EXAMPLES[point.kind]}, since the kind is {point.kind}"
        yield wiring.finding(path, expected, f'"{point.unit}", a unit of {_words(conversion.dimension)}')


def add_up(wiring: Wiring, path: KeyPath, stream: Stream) -> Iterator[Finding]:
    """Points of a stream have an amount, all the same one, and the one the stream is counted in."""
    possible = dimensions(stream)
    first: tuple[str, str] | None = None
    for key in ("points", "subtract"):
        for number, id in enumerate(getattr(stream, key)):
            point = wiring.point(id)
            if point is None or point.unit not in CONVERSIONS:
                continue
            here = (*path, key, number)
            amount = AMOUNT_OF.get(CONVERSIONS[point.unit].dimension)
            if point.kind not in ("rate", "counter"):
                expected = "a point of kind rate or counter, which has an amount"
                yield wiring.finding(here, expected, f'"{id}", of kind {point.kind}')
            elif amount not in possible:
                amounts = " or ".join(map(_words, possible))
                expected = f"a point that measures {amounts}, since the kind is {stream.kind}"
                yield wiring.finding(here, expected, f'"{id}", in {point.unit}')
            elif first is not None and amount != first[1]:
                expected = f'a point that measures {_words(first[1])} like "{first[0]}", since they are summed'
                yield wiring.finding(here, expected, f'"{id}", in {point.unit}')
            else:
                first = first or (id, amount)


def dimensions(stream: Stream) -> tuple[str, ...]:
    """Dimensions that the amount of a stream can be given in."""
    if stream.kind.value.startswith("electricity"):
        return ("energy",)
    if stream.kind.value.startswith("heat"):
        return ("heat",) if stream.heat_carrier is None else ("mass",)
    # Oil is metered in litres and gas in Nm3; every other stream of a cement plant is weighed.
    return check_factors.amounts(stream) if stream.kind in FUELS else ("mass",)


def stack(wiring: Wiring, path: KeyPath, flue_gas: FlueGas) -> Iterator[Finding]:
    """Each point of a stack exists and measures what its key says."""
    for key, (kind, dimension, example) in FLUE_GAS_DIMENSIONS.items():
        id = getattr(flue_gas, key)
        if id is None:
            continue
        here = (*path, key)
        yield from wiring.unknown(here, "points", id)
        point = wiring.point(id)
        if point is None or point.unit not in CONVERSIONS:
            continue
        if point.kind != kind:
            yield wiring.finding(here, f"a point of kind {kind}", f'"{id}", of kind {point.kind}')
        elif CONVERSIONS[point.unit].dimension != dimension:
            expected = f"a point in a unit of {_words(dimension)}, like {example}"
            yield wiring.finding(here, expected, f'"{id}", in {point.unit}')


def _words(dimension: str) -> str:
    words = {"fraction": "a share or concentration", "energy": "electricity", "normal_volume": "normal volume"}
    return words.get(dimension, dimension.replace("_rate", " per time").replace("_", " "))
