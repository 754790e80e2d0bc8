"""Figures of the process: calcination (F4), dust (F4 or F9), organic carbon (F5, F9), the clinker factor (G2).

Non-carbonate oxides of raw materials are taken off F4 material by material, which over any period is F4 with FR10 and
FR20 of that period (`tanji.domain.process.non_carbonate_deduction`).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from calc_jobs.activity import StreamHours
from calc_jobs.figures import Context, Figure, dry_amount, figure
from calc_jobs.oxides import Oxides, clinker_oxides
from calc_jobs.parameters import Parameter
from tanji.domain import dust, process, uncertainty, uncertainty_weights
from tanji.domain.items import Item, Method, StreamKind
from tanji.domain.limits import Quantity
from tanji.plant.model import Stream
from tanji.quality.rules import Floats

MATERIAL = ("material_cao", "material_mgo")
OF_MEAL = ("raw_meal_cao_non_carbonate", "raw_meal_mgo_non_carbonate")
"""Non-carbonate CaO and MgO per dry tonne of a raw material, and of the raw meal."""


def clinker(found: StreamHours, context: Context) -> list[Figure]:
    """F4 and, without a scale of raw meal, organic carbon under method A; G2 under method B."""
    figures = []
    stream = found.stream
    if Item.PROCESS_CARBONATE in context.items:
        oxides = clinker_oxides(stream, context)
        figures.append(_by_oxides(Method.CLINKER_OXIDES, oxides.factor, found.amount, found, oxides))
    if Item.PROCESS_ORGANIC_CARBON in context.items and stream.meal_clinker_ratio is not None:
        carbon = _organic_carbon(stream, context)
        tonnes = dust.total_organic_carbon_emission(
            found.amount, meal_clinker_ratio=stream.meal_clinker_ratio, raw_meal_organic_carbon=carbon.value
        )
        ratio = context.parameters.planned("meal_clinker_ratio", stream.meal_clinker_ratio)
        figures.append(_organic(tonnes, found, (carbon, ratio)))
    if Item.PROCESS_CLINKER in context.items:
        # The variant of a clinker stream with an alumina kind: with or without process emissions (standard.md 5.2).
        kind = context.clinker_kind(stream)
        factor = context.of(stream, "clinker_process_factor", applies_to=kind, variant=stream.variant)
        tonnes = process.clinker_factor_emission(found.amount, clinker_process_factor=factor.value)
        figures.append(_by_factor(tonnes, found, (factor,)))
    return figures


def dust_leaving(found: StreamHours, context: Context) -> list[Figure]:
    """Dust that leaves the system: fully calcined clinker under F4, kiln dust partly so by F9; G2 knows none."""
    made = context.clinker_of(found.stream)
    if made is None or Item.PROCESS_CARBONATE not in context.items:
        return []
    oxides = clinker_oxides(made, context)
    dry, inputs = dry_amount(found, context)
    if found.stream.method is not Method.PARTLY_CALCINED_DUST:
        return [_by_oxides(Method.CLINKER_OXIDES, oxides.factor, dry, found, oxides, inputs)]
    if found.stream.kind is StreamKind.BYPASS_DUST:
        tonnes = dust.dust_emission(
            0.0, bypass_dust=dry, clinker_process_factor=oxides.factor, calcination_fraction=1.0
        )
        weight: Quantity = 1.0
    else:
        calcined = _calcination(found.stream, context)
        weight, of_fraction = uncertainty_weights.partly_calcined_weights(
            oxides.factor, calcination_fraction=calcined.value
        )
        inputs = (*inputs, replace(calcined, u_rel=calcined.u_rel * of_fraction))
        tonnes = dust.dust_emission(
            dry, bypass_dust=0.0, clinker_process_factor=oxides.factor, calcination_fraction=calcined.value
        )
    u_rel = uncertainty.relative_of_product(found.u_rel, oxides.u_rel * weight, *(one.u_rel for one in inputs))
    inputs = (*oxides.inputs, *inputs)
    method = Method.PARTLY_CALCINED_DUST
    return [figure(Item.PROCESS_CARBONATE, method, tonnes, found=found, u_rel=u_rel, inputs=inputs)]


def _calcination(stream: Stream, context: Context) -> Parameter:
    """How far kiln dust is calcined, d: from both losses on ignition, else as reported, else the kiln's default."""
    default = context.of(stream, "calcination_fraction", applies_to="kiln_dust", variant=stream.variant)
    if "loss_on_ignition_dust" not in stream.laboratory:
        return default
    of_dust, of_meal = (context.of(stream, f"loss_on_ignition_{name}") for name in ("dust", "raw_meal"))
    # Dust cannot lose more than the meal it was: such a pair is not used as measured.
    known = np.isfinite(of_dust.value) & np.isfinite(of_meal.value) & (of_dust.value <= of_meal.value)
    value = default.value.copy()
    value[known] = dust.calcination_fraction(of_dust.value[known], loss_on_ignition_raw_meal=of_meal.value[known])
    rule = np.where(known, of_dust.rule, "loss_on_ignition_dust: calcination of the kiln's kind")
    u_rel = default.u_rel.copy()
    weights = uncertainty_weights.calcination_weights(
        of_dust.value[known], loss_on_ignition_raw_meal=of_meal.value[known]
    )
    u_rel[known] = uncertainty.root_of_squares(weights[0] * of_dust.u_rel[known], weights[1] * of_meal.u_rel[known])
    return Parameter(value, u_rel, ~known | of_dust.missing | of_meal.missing, rule)


def raw_meal(found: StreamHours, context: Context) -> list[Figure]:
    """F5 on the dry amount, and what the non-carbonate oxides of the meal take off F4."""
    figures = _deduction(found, context, OF_MEAL)
    if Item.PROCESS_ORGANIC_CARBON in context.items:
        carbon = _organic_carbon(found.stream, context)
        dry, inputs = dry_amount(found, context)
        tonnes = process.organic_carbon_emission(dry, raw_meal_organic_carbon=carbon.value)
        figures.append(_organic(tonnes, found, (carbon, *inputs)))
    return figures


def substitute_material(found: StreamHours, context: Context) -> list[Figure]:
    """A non-carbonate raw material, on its dry amount: its deduction of G2, or its oxides off F4."""
    figures = _deduction(found, context, MATERIAL)
    if Item.PROCESS_CLINKER in context.items:
        factor = context.of(found.stream, "deduction_factor")
        dry, inputs = dry_amount(found, context)
        tonnes = -process.substitute_deduction(dry, deduction_factor=factor.value)
        figures.append(_by_factor(tonnes, found, (factor, *inputs)))
    return figures


def _deduction(found: StreamHours, context: Context, names: tuple[str, str]) -> list[Figure]:
    """What a material's oxides take off F4; nothing where the laboratory reports none: then none is deducted."""
    stream = found.stream
    if Item.PROCESS_CARBONATE not in context.items or not set(names) & set(stream.laboratory):
        return []
    cao, mgo = (context.of(stream, name, absent=0.0) for name in names)
    dry, inputs = dry_amount(found, context)
    tonnes = -process.non_carbonate_deduction(dry, material_cao=cao.value, material_mgo=mgo.value)
    each = process.non_carbonate_deduction(1.0, material_cao=cao.value, material_mgo=mgo.value)
    u_each = uncertainty.clinker_oxide_factor(u_clinker_cao=cao.value * cao.u_rel, u_clinker_mgo=mgo.value * mgo.u_rel)
    u_rel = uncertainty.relative_of_product(found.u_rel, _quotient(u_each, each), *(one.u_rel for one in inputs))
    inputs = (cao, mgo, *inputs)
    return [figure(Item.PROCESS_CARBONATE, Method.CLINKER_OXIDES, tonnes, found=found, u_rel=u_rel, inputs=inputs)]


def _by_oxides(
    method: Method,
    factor: Floats,
    mass: Quantity,
    found: StreamHours,
    oxides: Oxides,
    inputs: tuple[Parameter, ...] = (),
) -> Figure:
    u_rel = uncertainty.relative_of_product(found.u_rel, oxides.u_rel, *(one.u_rel for one in inputs))
    tonnes = mass * factor
    return figure(Item.PROCESS_CARBONATE, method, tonnes, found=found, u_rel=u_rel, inputs=(*oxides.inputs, *inputs))


def _organic_carbon(stream: Stream, context: Context) -> Parameter:
    """FR0; without the laboratory the default with or without coal gangue in the mix, as the stream's variant says."""
    variant = stream.variant if stream.kind is StreamKind.RAW_MEAL else None
    return context.of(stream, "raw_meal_organic_carbon", applies_to="raw_meal", variant=variant)


def _organic(tonnes: Quantity, found: StreamHours, inputs: tuple[Parameter, ...]) -> Figure:
    u_rel = uncertainty.relative_of_product(found.u_rel, *(one.u_rel for one in inputs))
    item, method = Item.PROCESS_ORGANIC_CARBON, Method.ORGANIC_CARBON
    return figure(item, method, tonnes, found=found, u_rel=u_rel, inputs=inputs)


def _by_factor(tonnes: Quantity, found: StreamHours, inputs: tuple[Parameter, ...]) -> Figure:
    u_rel = uncertainty.relative_of_product(found.u_rel, *(one.u_rel for one in inputs))
    return figure(Item.PROCESS_CLINKER, Method.CLINKER_FACTOR, tonnes, found=found, u_rel=u_rel, inputs=inputs)


def _quotient(part: Quantity, whole: Quantity) -> Floats:
    part, whole = np.broadcast_arrays(np.asarray(part, np.float64), np.asarray(whole, np.float64))
    result: Floats = np.divide(part, whole, out=np.zeros(whole.shape), where=whole > 0)
    return result
