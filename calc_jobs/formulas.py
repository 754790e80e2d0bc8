"""The formulas of each kind of stream, with their inputs, uncertainty and substituted share (standard.md 3 to 6, 11).

Formulas are `tanji.domain`; values come from `calc_jobs.parameters`. Every figure is linear in its stream's amount,
so each stream has figures of its own: dust beside clinker, exports beside purchases with their sign. Which of them
count is the emission job's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from calc_jobs.activity import StreamHours
from calc_jobs.parameters import Parameter, Parameters
from tanji.domain import electricity, fuel, process, uncertainty
from tanji.domain.items import Item, Method, StreamKind
from tanji.domain.limits import Quantity
from tanji.domain.rulesets import RuleSet
from tanji.plant.model import Line, Plant, Stream
from tanji.quality.rules import Floats


@dataclass(frozen=True, slots=True)
class Figure:
    """Hours of one item of one stream: tonnes [tCO2], relative standard uncertainty [1], substituted share [1]."""

    item: Item
    method: Method
    co2_t: Floats
    u_rel: Floats
    substituted: Floats


@dataclass(frozen=True, slots=True)
class Context:
    """Where a formula finds what it needs besides the stream's hours."""

    plant: Plant
    ruleset: RuleSet
    parameters: Parameters
    items: frozenset[Item]


def _figure(
    item: Item,
    method: Method,
    co2_t: Quantity,
    *,
    found: StreamHours,
    u_rel: Quantity,
    inputs: tuple[Parameter, ...] = (),
) -> Figure:
    """A figure rests on substituted data as far as its amount does, and wholly where a laboratory value is missing."""
    tonnes = np.asarray(co2_t, np.float64)
    substituted = found.substituted.copy()
    for used in inputs:
        substituted[used.missing] = 1.0
    substituted[tonnes == 0] = 0.0  # nothing was emitted, so nothing rests on anything
    return Figure(item, method, tonnes, np.asarray(u_rel, np.float64), substituted)


def _fossil(found: StreamHours, context: Context) -> list[Figure]:
    """F2 / G1. Measured carbon comes first where the laboratory reports it, heat content otherwise."""
    stream, identity = found.stream, context.ruleset.id
    oxidation = context.parameters.of(stream, "oxidation_fraction", ruleset=identity)
    by_heat = _heat_content(found, context, oxidation)
    if stream.method is not Method.MEASURED_CARBON:
        return [by_heat]
    carbon = context.parameters.of(stream, "carbon_as_received", ruleset=identity)
    measured = np.isfinite(carbon.value)
    by_carbon = _figure(
        Item.FOSSIL_FUEL,
        Method.MEASURED_CARBON,
        np.where(
            measured,
            fuel.measured_carbon_emission(
                found.amount, carbon_as_received=carbon.value, oxidation_fraction=oxidation.value
            ),
            0.0,
        ),
        found=found,
        u_rel=uncertainty.fuel_by_measured_carbon(
            u_rel_fuel_amount=found.u_rel,
            u_rel_carbon_as_received=np.where(measured, carbon.u_rel, 0.0),
            u_rel_oxidation_fraction=oxidation.u_rel,
        ),
        inputs=(oxidation,),
    )
    rest = _figure(
        Item.FOSSIL_FUEL,
        Method.HEAT_CONTENT,
        np.where(measured, 0.0, by_heat.co2_t),
        found=found,
        u_rel=by_heat.u_rel,
        inputs=(Parameter(carbon.value, carbon.u_rel, np.ones(measured.size, np.bool_)),),
    )
    return [by_carbon, rest]


def _heat_content(found: StreamHours, context: Context, oxidation: Parameter) -> Figure:
    stream, identity = found.stream, context.ruleset.id
    heat = context.parameters.of(stream, "net_calorific_value", ruleset=identity)
    carbon = context.parameters.of(stream, "carbon_per_energy", ruleset=identity)
    return _figure(
        Item.FOSSIL_FUEL,
        Method.HEAT_CONTENT,
        fuel.heat_content_emission(
            found.amount,
            net_calorific_value=heat.value,
            carbon_per_energy=carbon.value,
            oxidation_fraction=oxidation.value,
        ),
        found=found,
        u_rel=uncertainty.fuel_by_heat_content(
            u_rel_fuel_amount=found.u_rel,
            u_rel_net_calorific_value=heat.u_rel,
            u_rel_carbon_per_energy=carbon.u_rel,
            u_rel_oxidation_fraction=oxidation.u_rel,
        ),
        inputs=(heat, carbon, oxidation),
    )


def _alternative(found: StreamHours, context: Context) -> list[Figure]:
    """F3 in the form its method names: alpha weighs carbon shares, or energy shares with a factor for each part."""
    stream, identity, of = found.stream, context.ruleset.id, context.parameters.of
    heat = of(stream, "calorific_value", ruleset=identity)
    if stream.method is Method.NON_BIOMASS_ENERGY:
        alpha = of(stream, "non_biomass_energy_fraction", ruleset=identity)
        fossil = of(stream, "emission_factor_fossil", ruleset=identity)
        biogenic = of(stream, "emission_factor_biogenic", ruleset=identity)
        shared = {"calorific_value": heat.value, "non_biomass_energy_fraction": alpha.value}
        counted = fuel.non_biomass_emission_by_energy(found.amount, emission_factor_fossil=fossil.value, **shared)
        memo = fuel.biogenic_memo_by_energy(found.amount, emission_factor_biogenic=biogenic.value, **shared)
    else:
        alpha = of(stream, "non_biomass_carbon_fraction", ruleset=identity)
        fossil = biogenic = of(stream, "emission_factor", ruleset=identity)
        shared = {
            "calorific_value": heat.value,
            "non_biomass_carbon_fraction": alpha.value,
            "emission_factor": fossil.value,
        }
        counted = fuel.non_biomass_emission(found.amount, **shared)
        memo = fuel.biogenic_memo(found.amount, **shared)
    rest = 1 - alpha.value
    u_rest = np.divide(alpha.u_rel * alpha.value, rest, out=np.zeros(rest.size), where=rest > 0)
    return [
        _alternative_part(Item.ALTERNATIVE_FUEL, counted, found, heat=heat, factor=fossil, share=alpha),
        _alternative_part(Item.BIOGENIC, memo, found, heat=heat, factor=biogenic, share=replace(alpha, u_rel=u_rest)),
    ]


def _alternative_part(
    item: Item, tonnes: Quantity, found: StreamHours, *, heat: Parameter, factor: Parameter, share: Parameter
) -> Figure:
    u_rel = uncertainty.alternative_fuel(
        u_rel_alternative_fuel_amount=found.u_rel,
        u_rel_calorific_value=heat.u_rel,
        u_rel_emission_factor=factor.u_rel,
        u_rel_non_biomass_carbon_fraction=share.u_rel,
    )
    method = found.stream.method or Method.NON_BIOMASS_CARBON
    return _figure(item, method, tonnes, found=found, u_rel=u_rel, inputs=(heat, factor, share))


def _clinker(found: StreamHours, context: Context) -> list[Figure]:
    """F4 under method A, G2 under method B."""
    figures = []
    if Item.PROCESS_CARBONATE in context.items:
        figures.append(_carbonate(found, found.stream, context))
    if Item.PROCESS_CLINKER in context.items:
        kind = _line(found.stream, context).clinker_kind
        factor = context.parameters.of(
            found.stream, "clinker_process_factor", ruleset=context.ruleset.id, applies_to=kind
        )
        tonnes = process.clinker_factor_emission(found.amount, clinker_process_factor=factor.value)
        u_rel = uncertainty.relative_of_product(found.u_rel, factor.u_rel)
        figures.append(
            _figure(Item.PROCESS_CLINKER, Method.CLINKER_FACTOR, tonnes, found=found, u_rel=u_rel, inputs=(factor,))
        )
    return figures


def _dust(found: StreamHours, context: Context) -> list[Figure]:
    """Dust that leaves the system is fully calcined clinker under F4; G2 knows none."""
    clinker = next(
        (
            stream
            for stream in context.plant.streams
            if stream.kind is StreamKind.CLINKER and stream.line == found.stream.line
        ),
        None,
    )
    if clinker is None or Item.PROCESS_CARBONATE not in context.items:
        return []
    return [_carbonate(found, clinker, context)]


def _carbonate(found: StreamHours, clinker: Stream, context: Context) -> Figure:
    kind = _line(clinker, context).clinker_kind
    of = context.parameters.of
    cao = of(clinker, "clinker_cao", ruleset=context.ruleset.id, applies_to=kind)
    mgo = of(clinker, "clinker_mgo", ruleset=context.ruleset.id, applies_to=kind)
    # Where no such material is reported, none of the oxides came from elsewhere (standard.md section 5.1).
    cao_other = of(clinker, "clinker_cao_non_carbonate", ruleset=context.ruleset.id, applies_to=kind, absent=0.0)
    mgo_other = of(clinker, "clinker_mgo_non_carbonate", ruleset=context.ruleset.id, applies_to=kind, absent=0.0)
    factor = process.clinker_oxide_factor(
        clinker_cao=cao.value,
        clinker_mgo=mgo.value,
        clinker_cao_non_carbonate=np.nan_to_num(cao_other.value),
        clinker_mgo_non_carbonate=np.nan_to_num(mgo_other.value),
        clinker_kind=kind,
    )
    u_factor = uncertainty.clinker_oxide_factor(
        u_clinker_cao=cao.value * cao.u_rel,
        u_clinker_mgo=mgo.value * mgo.u_rel,
        u_clinker_cao_non_carbonate=np.nan_to_num(cao_other.value * cao_other.u_rel),
        u_clinker_mgo_non_carbonate=np.nan_to_num(mgo_other.value * mgo_other.u_rel),
    )
    return _figure(
        Item.PROCESS_CARBONATE,
        Method.CLINKER_OXIDES,
        found.amount * factor,
        found=found,
        u_rel=uncertainty.relative_of_product(found.u_rel, u_factor / factor),
        inputs=(cao, mgo, cao_other, mgo_other),
    )


def _raw_meal(found: StreamHours, context: Context) -> list[Figure]:
    """F5, on the dry amount."""
    if Item.PROCESS_ORGANIC_CARBON not in context.items:
        return []
    carbon = context.parameters.of(
        found.stream, "raw_meal_organic_carbon", ruleset=context.ruleset.id, applies_to="raw_meal"
    )
    dry = process.dry_amount(found.amount, moisture=found.stream.moisture)
    tonnes = process.organic_carbon_emission(dry, raw_meal_organic_carbon=carbon.value)
    u_rel = uncertainty.relative_of_product(found.u_rel, carbon.u_rel)
    return [
        _figure(Item.PROCESS_ORGANIC_CARBON, Method.ORGANIC_CARBON, tonnes, found=found, u_rel=u_rel, inputs=(carbon,))
    ]


def _substitute_material(found: StreamHours, context: Context) -> list[Figure]:
    """The deduction of G2, on the dry amount; under F4 the laboratory's non-carbonate oxides do the same."""
    if Item.PROCESS_CLINKER not in context.items:
        return []
    factor = context.parameters.of(found.stream, "deduction_factor", ruleset=context.ruleset.id)
    dry = process.dry_amount(found.amount, moisture=found.stream.moisture)
    tonnes = -process.substitute_deduction(dry, deduction_factor=factor.value)
    u_rel = uncertainty.relative_of_product(found.u_rel, factor.u_rel)
    return [_figure(Item.PROCESS_CLINKER, Method.CLINKER_FACTOR, tonnes, found=found, u_rel=u_rel, inputs=(factor,))]


def _electricity(sign: float) -> Callable[[StreamHours, Context], list[Figure]]:
    """F6 / G3, one term: purchased +, exported -, non-fossil - where the rule set deducts it."""

    def term(found: StreamHours, context: Context) -> list[Figure]:
        if found.stream.kind is StreamKind.ELECTRICITY_NON_FOSSIL and not context.ruleset.deduct_non_fossil:
            return []
        return [_grid(found, context, Item.NET_ELECTRICITY, sign)]

    return term


def _clinker_electricity(found: StreamHours, context: Context) -> list[Figure]:
    return [_grid(found, context, Item.CLINKER_ELECTRICITY, 1.0)]


def _grid(found: StreamHours, context: Context, item: Item, sign: float) -> Figure:
    region, kind = context.plant.site.region, context.ruleset.grid_factor_kind
    value, u_factor = context.parameters.default("grid_factor", region, ruleset=context.ruleset.id, variant=kind)
    tonnes = electricity.information_emission(sign * found.amount, grid_factor=value)
    u_rel = uncertainty.relative_of_product(found.u_rel, u_factor)
    return _figure(item, Method.GRID_FACTOR, tonnes, found=found, u_rel=u_rel)


def _flue_gas(found: StreamHours, _context: Context) -> list[Figure]:
    return [_figure(Item.FLUE_GAS, Method.FLUE_GAS_DIRECT, found.amount, found=found, u_rel=found.u_rel)]


def _line(stream: Stream, context: Context) -> Line:
    lines = context.plant.lines
    return next((line for line in lines if line.id == stream.line), lines[0])


FORMULAS: dict[StreamKind, Callable[[StreamHours, Context], list[Figure]]] = {
    StreamKind.FOSSIL_FUEL: _fossil,
    StreamKind.ALTERNATIVE_FUEL: _alternative,
    StreamKind.CLINKER: _clinker,
    StreamKind.KILN_DUST: _dust,
    StreamKind.BYPASS_DUST: _dust,
    StreamKind.RAW_MEAL: _raw_meal,
    StreamKind.SUBSTITUTE_MATERIAL: _substitute_material,
    StreamKind.ELECTRICITY_PURCHASED: _electricity(+1.0),
    StreamKind.ELECTRICITY_EXPORTED: _electricity(-1.0),
    StreamKind.ELECTRICITY_NON_FOSSIL: _electricity(-1.0),
    StreamKind.ELECTRICITY_CLINKER: _clinker_electricity,
    StreamKind.FLUE_GAS: _flue_gas,
}
