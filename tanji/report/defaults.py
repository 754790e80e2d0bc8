"""Which default factors a plant's figures may rest on, so that every unverified one is said (未核实; R30).

A quantity the laboratory reports for a stream is no default there. The factors themselves are in
`tanji.domain.factors`; what a formula really used in an hour is the jobs' business.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from tanji.domain import factors
from tanji.domain.items import Method, RuleSetId, StreamKind
from tanji.errors import DomainError
from tanji.plant.model import Plant, Stream

NATIONAL_GRID = "national"
"""The market's grid factor is the national one, whatever the plant's region."""


@dataclass(frozen=True, slots=True)
class Default:
    """A default factor and where it applies."""

    quantity: str
    value: float
    unit: str
    source: str
    verified: bool
    rulesets: tuple[RuleSetId, ...]
    streams: tuple[str, ...]


def defaults(plant: Plant, *, on: date) -> tuple[Default, ...]:
    """Every default factor the plant's streams fall back on, on a plant-local day; each record once."""
    library = factors.load()
    found: dict[str, tuple[factors.Factor, list[RuleSetId], list[str]]] = {}
    for ruleset in plant.rulesets:
        for stream, quantity, applies_to in wanted(plant, ruleset=ruleset):
            try:
                factor = library.find(quantity, applies_to=applies_to, ruleset=ruleset, on=on)
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
        )
        for factor, rulesets, streams in found.values()
    )


def wanted(plant: Plant, *, ruleset: RuleSetId) -> Iterator[tuple[Stream, str, str]]:
    """Stream, quantity and what it applies to, for every factor that no laboratory reports."""
    for stream in plant.streams:
        for quantity, applies_to in needs(stream, plant, ruleset=ruleset):
            if quantity not in stream.laboratory:
                yield stream, quantity, applies_to


def needs(stream: Stream, plant: Plant, *, ruleset: RuleSetId) -> Iterator[tuple[str, str]]:
    """Quantities the formulas of a stream take, with the key of the factor library."""
    match stream.kind:
        case StreamKind.FOSSIL_FUEL:
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
        case StreamKind.ELECTRICITY_PURCHASED:
            yield "grid_factor", NATIONAL_GRID
