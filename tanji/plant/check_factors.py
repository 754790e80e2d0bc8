"""Checks of what a plant file takes from the factor library and from the laboratory.

A fuel nobody has factors for, or a parameter nobody computes with, would show only weeks later as a missing figure
(standard.md sections 3, 4 and 8). Values, editions and dates are `tanji.domain.factors`.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from tanji.domain import factors
from tanji.domain.items import Method, StreamKind
from tanji.errors import Finding
from tanji.plant.check_options import CARRIERS, OF_MATERIAL, OF_MEAL
from tanji.plant.document import KeyPath
from tanji.plant.model import Stream
from tanji.plant.wiring import Wiring
from tanji.plant.wording import one_of

LIBRARY_QUANTITY = {
    StreamKind.FOSSIL_FUEL: "net_calorific_value",
    StreamKind.CAPTIVE_POWER: "net_calorific_value",
    StreamKind.OTHER_FACILITY: "net_calorific_value",
    StreamKind.ALTERNATIVE_FUEL: "calorific_value",
    StreamKind.SUBSTITUTE_MATERIAL: "deduction_factor",
}
"""The quantity every material of a kind has in the library: its names are the ones `fuel` may hold."""

METHODS: dict[StreamKind, tuple[Method, ...]] = {
    StreamKind.FOSSIL_FUEL: (Method.HEAT_CONTENT, Method.MEASURED_CARBON),
    StreamKind.CAPTIVE_POWER: (Method.HEAT_CONTENT,),
    StreamKind.OTHER_FACILITY: (Method.HEAT_CONTENT,),
    StreamKind.HEAT_PURCHASED: (Method.HEAT_FACTOR,),
    StreamKind.HEAT_SOLD: (Method.HEAT_FACTOR,),
    StreamKind.ALTERNATIVE_FUEL: (Method.NON_BIOMASS_CARBON, Method.NON_BIOMASS_ENERGY, Method.WASTE_CARBON),
    StreamKind.KILN_DUST: (Method.CLINKER_OXIDES, Method.PARTLY_CALCINED_DUST),
    StreamKind.BYPASS_DUST: (Method.CLINKER_OXIDES, Method.PARTLY_CALCINED_DUST),
    StreamKind.CLINKER: (Method.CLINKER_OXIDES, Method.CLINKER_FACTOR),
    StreamKind.RAW_MEAL: (Method.ORGANIC_CARBON,),
    StreamKind.FLUE_GAS: (Method.FLUE_GAS_DIRECT,),
}
"""Methods that can be named for a stream; all kinds of electricity have the grid factor, other kinds have none."""

DEFAULT_METHOD = {
    StreamKind.FOSSIL_FUEL: Method.HEAT_CONTENT,
    StreamKind.CAPTIVE_POWER: Method.HEAT_CONTENT,
    StreamKind.OTHER_FACILITY: Method.HEAT_CONTENT,
    StreamKind.ALTERNATIVE_FUEL: Method.NON_BIOMASS_CARBON,
}
"""What a fuel is computed by where the stream names no method."""

NEEDS: dict[Method, tuple[str, ...]] = {
    Method.HEAT_CONTENT: ("net_calorific_value", "carbon_per_energy", "oxidation_fraction"),
    Method.MEASURED_CARBON: ("carbon_as_received", "oxidation_fraction"),
    Method.NON_BIOMASS_CARBON: ("calorific_value", "emission_factor", "non_biomass_carbon_fraction"),
    Method.NON_BIOMASS_ENERGY: (
        "calorific_value", "emission_factor_fossil", "emission_factor_biogenic", "non_biomass_energy_fraction",
    ),
    Method.WASTE_CARBON: ("waste_carbon_fraction", "fossil_carbon_fraction", "burnout_fraction"),
}  # fmt: skip
"""What a method of a fuel computes with; each from the library or from the laboratory."""

LABORATORY: dict[StreamKind, tuple[str, ...]] = {
    StreamKind.FOSSIL_FUEL: (
        "net_calorific_value", "carbon_as_received", "carbon_per_energy", "oxidation_fraction",
    ),
    StreamKind.CAPTIVE_POWER: ("net_calorific_value", "carbon_per_energy", "oxidation_fraction"),
    StreamKind.OTHER_FACILITY: ("net_calorific_value", "carbon_per_energy", "oxidation_fraction"),
    StreamKind.ALTERNATIVE_FUEL: (
        "calorific_value", "emission_factor", "emission_factor_fossil", "emission_factor_biogenic",
        "non_biomass_carbon_fraction", "non_biomass_energy_fraction", "waste_carbon_fraction",
        "fossil_carbon_fraction", "burnout_fraction",
    ),
    StreamKind.RAW_MEAL: ("raw_meal_organic_carbon", *OF_MEAL, "moisture"),
    StreamKind.CLINKER: (
        "clinker_cao", "clinker_mgo", "clinker_cao_non_carbonate", "clinker_mgo_non_carbonate",
        "clinker_process_factor", "raw_meal_organic_carbon", *OF_MEAL,
    ),
    StreamKind.SUBSTITUTE_MATERIAL: ("deduction_factor", *OF_MATERIAL, "moisture"),
    StreamKind.KILN_DUST: ("loss_on_ignition_dust", "loss_on_ignition_raw_meal", "calcination_fraction", "moisture"),
    StreamKind.BYPASS_DUST: ("moisture",),
    StreamKind.HEAT_PURCHASED: tuple(CARRIERS.values()),
    StreamKind.HEAT_SOLD: tuple(CARRIERS.values()),
}  # fmt: skip
"""Parameters of the ledger that a stream of a kind can use; `amount` is `ledger: true`."""


def region(wiring: Wiring) -> Iterator[Finding]:
    """A region that has a grid factor."""
    path: KeyPath = ("site", "region")
    wanted, known = wiring.document.value(path), names_with("grid_factor")
    if isinstance(wanted, str) and wanted not in known:
        yield wiring.finding(path, f"a region that has a grid factor, {one_of(wanted, sorted(known))}", f'"{wanted}"')


def check(wiring: Wiring, path: KeyPath, stream: Stream) -> Iterator[Finding]:
    """Fuel, method and laboratory parameters of a stream."""
    yield from _fuel(wiring, path, stream)
    yield from _method(wiring, path, stream)
    possible = LABORATORY.get(stream.kind, ())
    for number, parameter in enumerate(stream.laboratory):
        if parameter not in possible:
            expected = f"a parameter of {stream.kind} streams, {one_of(parameter, possible)}"
            yield wiring.finding((*path, "laboratory", number), expected, f'"{parameter}"')


def amounts(stream: Stream) -> tuple[str, ...]:
    """Dimensions in which a fossil fuel can be metered: as its calorific value is given, or by volume and density."""
    fuel = stream.fuel or ""
    if any("Nm3" in unit for unit in units_of("net_calorific_value", fuel)):
        return ("normal_volume",)
    # The density is a record of the library, built in or the plant's own: the activity job looks it up by day.
    return ("mass", "volume") if fuel in names_with("fuel_density") else ("mass",)


@cache
def names_with(quantity: str, *, variant: str | None = None) -> frozenset[str]:
    """What the library has a record of that quantity for, of any variant or of one."""
    return frozenset(
        factor.applies_to
        for factor in factors.load().factors
        if factor.quantity == quantity and variant in (None, factor.variant)
    )


@cache
def units_of(quantity: str, name: str) -> frozenset[str]:
    """Units in which the library gives a quantity of a material."""
    library = factors.load().factors
    return frozenset(factor.unit for factor in library if (factor.quantity, factor.applies_to) == (quantity, name))


def _fuel(wiring: Wiring, path: KeyPath, stream: Stream) -> Iterator[Finding]:
    quantity = LIBRARY_QUANTITY.get(stream.kind)
    here = (*path, "fuel")
    if quantity is None:
        if stream.fuel is not None:
            expected = f"no fuel, since the kind is {stream.kind}"
            yield wiring.finding(here, expected, f'"{stream.fuel}"')
        return
    known = sorted(names_with(quantity))
    if stream.fuel is None and stream.method is Method.WASTE_CARBON:
        return  # the carbon of the waste is measured, whatever it is called
    if stream.fuel is None:
        yield wiring.finding(here, f"a name of the factor library, {one_of(None, known)}", "nothing")
    elif stream.fuel not in known:
        yield wiring.finding(here, f"a name of the factor library, {one_of(stream.fuel, known)}", f'"{stream.fuel}"')


def _method(wiring: Wiring, path: KeyPath, stream: Stream) -> Iterator[Finding]:
    method = stream.method or DEFAULT_METHOD.get(stream.kind)
    if method is None:
        return
    electricity = stream.kind.value.startswith("electricity")
    possible = (Method.GRID_FACTOR,) if electricity else METHODS.get(stream.kind, ())
    if method not in possible:
        expected = f"a method of {stream.kind} streams, {one_of(method, possible)}" if possible else (
            f"no method, since {stream.kind} streams have none of their own")  # fmt: skip
        yield wiring.finding((*path, "method"), expected, method)
    elif method is Method.WASTE_CARBON or stream.fuel in names_with(LIBRARY_QUANTITY.get(stream.kind, "")):
        lacking = [name for name in NEEDS.get(method, ()) if stream.fuel not in names_with(name)]
        lacking = [name for name in lacking if name not in stream.laboratory]
        if lacking:
            fuel = stream.fuel or stream.kind
            expected = f"{' and '.join(lacking)} under laboratory, since the library has no default for {fuel}"
            default = "" if stream.method else ", which is the default"
            yield wiring.finding((*path, "laboratory"), expected, f"none, with method {method}{default}")
