"""Figures of what is burnt: fossil fuels (F2, G1), fuels of other facilities, alternative fuels (F3)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from calc_jobs.activity import StreamHours
from calc_jobs.figures import Context, Figure, Formula, figure
from calc_jobs.missing import Texts
from calc_jobs.parameters import Parameter
from tanji.domain import alternative, fuel, uncertainty
from tanji.domain.items import Item, Method
from tanji.domain.limits import Quantity
from tanji.domain.rulesets import RuleSet


def fossil(found: StreamHours, context: Context) -> list[Figure]:
    """F2 / G1. Measured carbon comes first where the laboratory reports it, heat content otherwise."""
    stream = found.stream
    oxidation = context.of(stream, "oxidation_fraction", variant=stream.variant)
    by_heat, known = _heat_content(found, context, oxidation)
    if stream.method is not Method.MEASURED_CARBON:
        return [by_heat]
    carbon = context.of(stream, "carbon_as_received")
    measured = np.isfinite(carbon.value)
    by_heat_content: Texts = np.full(measured.size, "carbon_as_received: by heat content", object)
    tonnes = fuel.measured_carbon_emission(
        found.amount, carbon_as_received=carbon.value, oxidation_fraction=oxidation.value
    )
    by_carbon = figure(
        Item.FOSSIL_FUEL,
        Method.MEASURED_CARBON,
        np.where(measured, tonnes, 0.0),
        found=found,
        u_rel=uncertainty.fuel_by_measured_carbon(
            u_rel_fuel_amount=found.u_rel,
            u_rel_carbon_as_received=np.where(measured, carbon.u_rel, 0.0),
            u_rel_oxidation_fraction=oxidation.u_rel,
        ),
        inputs=(carbon, oxidation),
    )
    rest = figure(
        Item.FOSSIL_FUEL,
        Method.HEAT_CONTENT,
        np.where(measured, 0.0, by_heat.co2_t),
        found=found,
        u_rel=by_heat.u_rel,
        inputs=(Parameter(carbon.value, carbon.u_rel, np.ones(measured.size, np.bool_), by_heat_content), *known),
    )
    return [by_carbon, rest]


def _heat_content(found: StreamHours, context: Context, oxidation: Parameter) -> tuple[Figure, tuple[Parameter, ...]]:
    """The figure by heat content, and what it rests on besides the amount."""
    heat = context.of(found.stream, "net_calorific_value")
    carbon = context.of(found.stream, "carbon_per_energy")
    tonnes = figure(
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
    return tonnes, (heat, carbon, oxidation)


def facility(item: Callable[[RuleSet], Item], *, boiler: str) -> Formula:
    """Fuel of captive power (发电设施) or of another product: F2 with the oxidation of its boilers; the rule set says
    whether it is an item of its own (standard.md sections 2.1 and 7).
    """

    def term(found: StreamHours, context: Context) -> list[Figure]:
        variant = found.stream.variant or boiler
        oxidation = context.of(found.stream, "oxidation_fraction", variant=variant)
        return [replace(_heat_content(found, context, oxidation)[0], item=item(context.ruleset))]

    return term


def alternative_fuel(found: StreamHours, context: Context) -> list[Figure]:
    """F3 in the form its method names, with the biogenic rest as a memo item."""
    if found.stream.method is Method.WASTE_CARBON:
        return _waste_carbon(found, context)
    return _by_heat(found, context)


def _by_heat(found: StreamHours, context: Context) -> list[Figure]:
    """Alpha weighs carbon shares of one factor, or energy shares with a factor for each part."""
    stream, of = found.stream, context.of
    heat = of(stream, "calorific_value")
    if stream.method is Method.NON_BIOMASS_ENERGY:
        alpha = of(stream, "non_biomass_energy_fraction")
        fossil_factor, biogenic_factor = of(stream, "emission_factor_fossil"), of(stream, "emission_factor_biogenic")
        shared = {"calorific_value": heat.value, "non_biomass_energy_fraction": alpha.value}
        counted = alternative.non_biomass_emission_by_energy(
            found.amount, emission_factor_fossil=fossil_factor.value, **shared
        )
        memo = alternative.biogenic_memo_by_energy(
            found.amount, emission_factor_biogenic=biogenic_factor.value, **shared
        )
    else:
        alpha = of(stream, "non_biomass_carbon_fraction")
        fossil_factor = biogenic_factor = of(stream, "emission_factor")
        shared = {
            "calorific_value": heat.value,
            "non_biomass_carbon_fraction": alpha.value,
            "emission_factor": fossil_factor.value,
        }
        counted = alternative.non_biomass_emission(found.amount, **shared)
        memo = alternative.biogenic_memo(found.amount, **shared)
    rest = replace(alpha, u_rel=_of_rest(alpha))
    return [
        _heat_part(Item.ALTERNATIVE_FUEL, counted, found, heat=heat, factor=fossil_factor, share=alpha),
        _heat_part(Item.BIOGENIC, memo, found, heat=heat, factor=biogenic_factor, share=rest),
    ]


def _heat_part(
    item: Item, tonnes: Quantity, found: StreamHours, *, heat: Parameter, factor: Parameter, share: Parameter
) -> Figure:
    u_rel = uncertainty.alternative_fuel(
        u_rel_alternative_fuel_amount=found.u_rel,
        u_rel_calorific_value=heat.u_rel,
        u_rel_emission_factor=factor.u_rel,
        u_rel_non_biomass_carbon_fraction=share.u_rel,
    )
    method = found.stream.method or Method.NON_BIOMASS_CARBON
    return figure(item, method, tonnes, found=found, u_rel=u_rel, inputs=(heat, factor, share))


def _waste_carbon(found: StreamHours, context: Context) -> list[Figure]:
    """Second form of F3: the carbon of the waste is known, and which share of it is fossil."""
    carbon, share, burnout = (
        context.of(found.stream, name)
        for name in ("waste_carbon_fraction", "fossil_carbon_fraction", "burnout_fraction")
    )
    known = {
        "waste_carbon_fraction": carbon.value,
        "fossil_carbon_fraction": share.value,
        "burnout_fraction": burnout.value,
    }
    parts = (
        (Item.ALTERNATIVE_FUEL, alternative.waste_carbon_emission(found.amount, **known), share.u_rel),
        (Item.BIOGENIC, alternative.waste_carbon_memo(found.amount, **known), _of_rest(share)),
    )
    return [
        figure(
            item,
            Method.WASTE_CARBON,
            tonnes,
            found=found,
            u_rel=uncertainty.waste_carbon(
                u_rel_alternative_fuel_amount=found.u_rel,
                u_rel_waste_carbon_fraction=carbon.u_rel,
                u_rel_fossil_carbon_fraction=u_share,
                u_rel_burnout_fraction=burnout.u_rel,
            ),
            inputs=(carbon, share, burnout),
        )
        for item, tonnes, u_share in parts
    ]


def _of_rest(share: Parameter) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Relative uncertainty of 1 - alpha. [1]"""
    return np.asarray(uncertainty.biogenic_share(share.u_rel, non_biomass_carbon_fraction=share.value), np.float64)
