"""Figures of electricity and heat over the fence (F6, F7, G3), and of the stack (standard.md sections 6 and 11).

Waste-heat power (余热发电) used on site carries no CO2 (F6): it has hours of activity, for the intensities, and no row
here, so that a dead meter of it takes nothing away from the net purchase.
"""

from __future__ import annotations

from dataclasses import replace

from calc_jobs.activity import StreamHours
from calc_jobs.figures import Context, Figure, Formula, figure
from calc_jobs.parameters import Parameter
from tanji.domain import electricity, uncertainty, uncertainty_weights
from tanji.domain.items import Item, Method, StreamKind
from tanji.domain.limits import Quantity


def grid(sign: float) -> Formula:
    """F6 / G3, one term: purchased +, exported -, non-fossil - where the rule set deducts it."""

    def term(found: StreamHours, context: Context) -> list[Figure]:
        if found.stream.kind is StreamKind.ELECTRICITY_NON_FOSSIL and not context.ruleset.deduct_non_fossil:
            return []
        return [_grid(found, context, Item.NET_ELECTRICITY, sign)]

    return term


def clinker_electricity(found: StreamHours, context: Context) -> list[Figure]:
    """R19: electricity of clinker production, an information item."""
    return [_grid(found, context, Item.CLINKER_ELECTRICITY, 1.0)]


def _grid(found: StreamHours, context: Context, item: Item, sign: float) -> Figure:
    region, kind = context.plant.site.region, context.ruleset.grid_factor_kind
    value, u_factor = context.parameters.default("grid_factor", region, ruleset=context.ruleset.id, variant=kind)
    tonnes = electricity.information_emission(sign * found.amount, grid_factor=value)
    u_rel = uncertainty.relative_of_product(found.u_rel, u_factor)
    return figure(item, Method.GRID_FACTOR, tonnes, found=found, u_rel=u_rel)


def heat(sign: float) -> Formula:
    """F7, one term: purchased +, sold -; from GJ as metered, or from t of hot water or steam."""

    def term(found: StreamHours, context: Context) -> list[Figure]:
        carried, inputs = _carried(found, context)
        value, u_factor = context.parameters.default("heat_factor", "heat", ruleset=context.ruleset.id)
        tonnes = electricity.net_heat_emission(sign * carried, heat_sold=0.0, heat_factor=value)
        u_rel = uncertainty.relative_of_product(found.u_rel, u_factor, *(one.u_rel for one in inputs))
        return [figure(Item.NET_HEAT, Method.HEAT_FACTOR, tonnes, found=found, u_rel=u_rel, inputs=inputs)]

    return term


def _carried(found: StreamHours, context: Context) -> tuple[Quantity, tuple[Parameter, ...]]:
    """Heat of a stream [GJ], and what it rests on with the uncertainty that it gives the heat."""
    stream = found.stream
    if stream.heat_carrier is None:
        return found.amount, ()
    if stream.heat_carrier == "hot_water":
        known = context.of(stream, "water_temperature")
        weight = uncertainty_weights.hot_water_weight(known.value)
        heat_of = electricity.hot_water_heat(found.amount, water_temperature=known.value)
        return heat_of, (replace(known, u_rel=known.u_rel * weight),)
    known = context.of(stream, "steam_enthalpy")
    weight = uncertainty_weights.steam_weight(known.value)
    return electricity.steam_heat(found.amount, steam_enthalpy=known.value), (
        replace(known, u_rel=known.u_rel * weight),
    )


def flue_gas(found: StreamHours, _context: Context) -> list[Figure]:
    """CO2 out of the stack, as measured."""
    return [figure(Item.FLUE_GAS, Method.FLUE_GAS_DIRECT, found.amount, found=found, u_rel=found.u_rel)]
