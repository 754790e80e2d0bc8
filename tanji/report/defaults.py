"""Which default factors a plant's figures may rest on, so that every unverified one is said (未核实; R30).

A quantity the laboratory reports for a stream is no default there. The factors are those of the library in force: the
plant's own records go before the defaults (`tanji.ledger.factor_editions`); what a formula really used in an hour is
the jobs' business.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from tanji.domain import factors
from tanji.domain.factors import FactorLibrary
from tanji.domain.items import Method, RuleSetId, StreamKind
from tanji.errors import DomainError
from tanji.ledger.factor_editions import grid_factor
from tanji.plant.model import Plant, Stream

ON_THE_GRID = (
    StreamKind.ELECTRICITY_PURCHASED,
    StreamKind.ELECTRICITY_EXPORTED,
    StreamKind.ELECTRICITY_NON_FOSSIL,
    StreamKind.ELECTRICITY_CLINKER,
)
"""Electricity that the grid factor turns into tonnes."""


@dataclass(frozen=True, slots=True)
class Default:
    """A factor of the library and where it applies; `note` is what has to be said beside it.

    verified_by, verified_on : who compared it with its source, and when; empty while nobody did.
    """

    quantity: str
    value: float
    unit: str
    source: str
    verified: bool
    rulesets: tuple[RuleSetId, ...]
    streams: tuple[str, ...]
    id: str = ""
    own: bool = False
    verified_by: str = ""
    verified_on: date | None = None
    note: str = ""
    confidence: str = ""


def defaults(plant: Plant, *, on: date, library: FactorLibrary | None = None) -> tuple[Default, ...]:
    """Every factor the plant's streams fall back on, on a plant-local day; each record once.

    library : the one in force (`factor_editions.library_in_force`); the built-in one where none is given.
    """
    library = factors.load() if library is None else library
    found: dict[str, tuple[factors.Factor, list[RuleSetId], list[str]]] = {}
    for ruleset in plant.rulesets:
        for stream, quantity, applies_to in wanted(plant, ruleset=ruleset):
            try:
                variant = variant_of(stream, quantity)
                factor = library.find(quantity, applies_to=applies_to, ruleset=ruleset, on=on, variant=variant)
            except DomainError:
                continue  # no default exists: the jobs report the missing value where they need it
            _, rulesets, streams = found.setdefault(factor.id, (factor, [], []))
            rulesets += [ruleset] if ruleset not in rulesets else []
            streams += [stream.id] if stream.id not in streams else []
    return tuple(
        Default(
            quantity=factor.quantity,
            value=factor.value,
            unit=factor.unit,
            source=factor.source,
            verified=factor.verified,
            rulesets=tuple(rulesets),
            streams=tuple(streams),
            id=factor.id,
            own=factor.own,
            verified_by=factor.verified_by,
            verified_on=factor.verified_on,
            note=_note(library, factor, ruleset=rulesets[0], on=on),
            confidence=factor.confidence,
        )
        for factor, rulesets, streams in found.values()
    )


def _note(library: FactorLibrary, factor: factors.Factor, *, ruleset: RuleSetId, on: date) -> str:
    if factor.quantity != "grid_factor":
        return ""
    return grid_factor(library, factor.applies_to, ruleset=ruleset, on=on, variant=factor.variant or None).note


def variant_of(stream: Stream, quantity: str) -> str | None:
    """The equipment an oxidation fraction is for, where it is not the kiln."""
    boilers = {StreamKind.CAPTIVE_POWER: "power_boiler", StreamKind.OTHER_FACILITY: "industrial_boiler"}
    return boilers.get(stream.kind) if quantity == "oxidation_fraction" else None


def wanted(plant: Plant, *, ruleset: RuleSetId) -> Iterator[tuple[Stream, str, str]]:
    """Stream, quantity and what it applies to, for every factor that no laboratory reports."""
    for stream in plant.streams:
        for quantity, applies_to in needs(stream, plant, ruleset=ruleset):
            if quantity not in stream.laboratory:
                yield stream, quantity, applies_to


def needs(stream: Stream, plant: Plant, *, ruleset: RuleSetId) -> Iterator[tuple[str, str]]:
    """Quantities the formulas of a stream take, with the key of the factor library."""
    match stream.kind:
        case StreamKind.FOSSIL_FUEL | StreamKind.CAPTIVE_POWER | StreamKind.OTHER_FACILITY:
            heat = [] if stream.method is Method.MEASURED_CARBON else ["net_calorific_value", "carbon_per_energy"]
            yield from ((quantity, stream.fuel or "") for quantity in (*heat, "oxidation_fraction"))
        case StreamKind.ALTERNATIVE_FUEL if stream.method is Method.NON_BIOMASS_ENERGY:
            shares = ["emission_factor_fossil", "emission_factor_biogenic", "non_biomass_energy_fraction"]
            yield from ((quantity, stream.fuel or "") for quantity in ("calorific_value", *shares))
        case StreamKind.ALTERNATIVE_FUEL:
            shares = ["emission_factor", "non_biomass_carbon_fraction"]
            yield from ((quantity, stream.fuel or "") for quantity in ("calorific_value", *shares))
        case StreamKind.RAW_MEAL if ruleset is RuleSetId.GBT32151_8:
            yield "raw_meal_organic_carbon", "raw_meal"
        case StreamKind.CLINKER:
            kind = next((line.clinker_kind for line in plant.lines if line.id == stream.line), "portland")
            method_a = ruleset is RuleSetId.GBT32151_8
            names = ["clinker_cao", "clinker_mgo"] if method_a else ["clinker_process_factor"]
            yield from ((name, kind) for name in names)
        case StreamKind.SUBSTITUTE_MATERIAL if ruleset is RuleSetId.CETS_AG_02_01:
            yield "deduction_factor", stream.fuel or ""
        case kind if kind in ON_THE_GRID:
            yield "grid_factor", plant.site.region
        case StreamKind.HEAT_PURCHASED | StreamKind.HEAT_SOLD:
            yield "heat_factor", "heat"
