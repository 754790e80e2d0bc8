"""Figures of a period from hourly grids: items, totals, flue-gas check, stream quality. Pure functions.

Uncertainty follows standard.md section 13: hours of one stream share scale, analyser and factors, so they are fully
correlated and add linearly; streams are independent and add in quadrature. Which item counts in which boundary is
handed in as data; the jobs decide what is written, this module only adds it up and says what is not there.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

import numpy as np

from tanji.domain import uncertainty
from tanji.domain.items import Boundary, Item, RuleSetId, StreamKind
from tanji.plant.model import CrossCheckPlan, Plant, Stream
from tanji.report.grid import Floats, Grid, Mask, total_of
from tanji.report.model import Figure, FlueGasCheck, StreamQuality, Total

EMISSION_TAGS = ("boundary", "ruleset", "item", "method", "line", "stream")
EMISSION_FIELDS = ("co2_t", "u_rel", "substituted")
ACTIVITY_TAGS = ("line", "stream")
AMOUNT_FIELDS = ("amount_t", "electricity_mwh", "co2_t")
ACTIVITY_FIELDS = (*AMOUNT_FIELDS, "running_h", "captured", "substituted")

FEEDS: Mapping[StreamKind, tuple[Item, ...]] = {
    StreamKind.FOSSIL_FUEL: (Item.FOSSIL_FUEL,),
    StreamKind.ALTERNATIVE_FUEL: (Item.ALTERNATIVE_FUEL,),
    StreamKind.RAW_MEAL: (Item.PROCESS_ORGANIC_CARBON,),
    StreamKind.CLINKER: (Item.PROCESS_CARBONATE, Item.PROCESS_CLINKER),
    StreamKind.ELECTRICITY_PURCHASED: (Item.NET_ELECTRICITY,),
}
"""Items a stream must bring where its boundary's rule set counts them; used only to notice what is missing."""

Counted = Mapping[tuple[Boundary, RuleSetId], Collection[Item]]


def figure_of(grid: Grid, chosen: Mask, *, counted: Counted, stream: bool) -> Figure:
    """Sum the chosen series of one boundary, rule set, item and method; with `stream` they are one stream's."""
    boundary, ruleset, item, method, line, stream_id = grid.keys[int(np.flatnonzero(chosen)[0])]
    combination = (Boundary(boundary), RuleSetId(ruleset))
    co2 = grid.fields["co2_t"][chosen]
    return Figure(
        boundary=combination[0],
        ruleset=combination[1],
        item=item,
        method=method,
        line=line if stream else "",
        stream=stream_id if stream else "",
        co2_t=float(np.nansum(co2)),
        u_rel=relative(absolute_by_stream(grid, chosen), float(np.nansum(co2))),
        substituted=substituted_share(grid, chosen),
        hours=grid.hours,
        missing_hours=int(np.isnan(co2).any(axis=0).sum()),
        counted=item in counted.get(combination, ()),
    )


def figures(grid: Grid, *, counted: Counted, by_stream: bool) -> tuple[Figure, ...]:
    """Every figure of the period, per stream or summed over the streams, in a stable order."""
    width = len(EMISSION_TAGS) if by_stream else 4
    order = {item: position for position, item in enumerate(Item)}
    groups = sorted({key[:width] for key in grid.keys}, key=lambda key: (*key[:2], order[Item(key[2])], *key[3:]))
    return tuple(
        figure_of(grid, grid.select(**dict(zip(EMISSION_TAGS, group, strict=False))), counted=counted, stream=by_stream)
        for group in groups
    )


def absolute_by_stream(grid: Grid, chosen: Mask) -> dict[str, float]:
    """Absolute standard uncertainty of each stream [tCO2]: hours and items of a stream add linearly."""
    co2, u_rel = grid.fields["co2_t"], grid.fields["u_rel"]
    result: dict[str, float] = {}
    for row in np.flatnonzero(chosen):
        hours = ~np.isnan(co2[row]) & (co2[row] != 0)
        stream = grid.column("stream")[row]
        result[stream] = result.get(stream, 0.0) + float(np.sum(np.abs(co2[row][hours]) * u_rel[row][hours]))
    return result


def relative(by_stream: Mapping[str, float], co2_t: float) -> float | None:
    """Relative standard uncertainty of a sum [1]: independent streams in quadrature; None where it is not defined."""
    if not by_stream or co2_t == 0:
        return None
    absolute = float(uncertainty.absolute_of_sum(tuple(by_stream.values())))
    return None if np.isnan(absolute) else absolute / abs(co2_t)


def substituted_share(grid: Grid, chosen: Mask) -> float:
    """Share of the tonnes that rests on substituted data [1]."""
    tonnes = np.abs(grid.fields["co2_t"][chosen])
    whole = float(np.nansum(tonnes))
    return float(np.nansum(tonnes * grid.fields["substituted"][chosen])) / whole if whole else 0.0


def expected(plant: Plant, *, boundary: Boundary, items: Collection[Item]) -> Iterable[tuple[Stream, Item]]:
    """The contributions a total must have: (stream, item)."""
    for stream in plant.streams:
        if boundary in stream.boundaries:
            yield from ((stream, item) for item in FEEDS.get(stream.kind, ()) if item in items)


def absent_hours(
    grid: Grid, plant: Plant, *, boundary: Boundary, ruleset: RuleSetId, items: Collection[Item]
) -> dict[str, Mask]:
    """For every stream that lacks something, the hours it lacks."""
    names = [str(item) for item in items]
    absent: dict[str, Mask] = {}
    for row in np.flatnonzero(grid.select(boundary=boundary, ruleset=ruleset, item=names)):
        stream = grid.column("stream")[row]
        absent[stream] = absent.get(stream, np.zeros(grid.hours, np.bool_)) | np.isnan(grid.fields["co2_t"][row])
    for wanted, item in expected(plant, boundary=boundary, items=items):
        if not grid.select(boundary=boundary, ruleset=ruleset, item=item, stream=wanted.id).any():
            absent[wanted.id] = np.ones(grid.hours, np.bool_)
    return {stream: hours for stream, hours in absent.items() if hours.any()}


def total(
    grid: Grid, plant: Plant, *, boundary: Boundary, ruleset: RuleSetId, items: Collection[Item], clinker: Floats
) -> Total:
    """The total of one boundary under one rule set, with what it lacks.

    clinker : array  Clinker output by hour; NaN where a clinker stream has no row. [t]
    """
    chosen = grid.select(boundary=boundary, ruleset=ruleset, item=[str(item) for item in items])
    absent = absent_hours(grid, plant, boundary=boundary, ruleset=ruleset, items=items)
    holes = np.any([*absent.values()], axis=0) if absent else np.zeros(grid.hours, np.bool_)
    hourly_t = total_of(grid.fields["co2_t"][chosen])
    usable = ~holes & ~np.isnan(clinker)
    clinker_t = float(clinker[usable].sum())
    co2_t = float(hourly_t.sum()) if chosen.any() else None
    return Total(
        boundary=boundary,
        ruleset=ruleset,
        co2_t=co2_t,
        u_rel=None if co2_t is None else relative(absolute_by_stream(grid, chosen), co2_t),
        substituted=substituted_share(grid, chosen),
        t_per_t_clinker=float(hourly_t[usable].sum()) / clinker_t if clinker_t > 0 else None,
        hours=grid.hours,
        missing_hours=int(holes.sum()),
        missing=tuple((stream, int(hours.sum())) for stream, hours in sorted(absent.items())),
        compliance=(boundary, ruleset) == plant.compliance,
    )


def stack_hours(emission: Grid, activity: Grid, plant: Plant, *, items: Collection[Item]) -> tuple[Floats, Floats]:
    """Measured and calculated CO2 of the stack by hour [tCO2]; NaN where an hour lacks a part.

    items : what leaves through the stack: all fuel carbon, biogenic too, and calcination by method A.
    """
    stacks = [stream.id for stream in plant.streams if stream.kind is StreamKind.FLUE_GAS]
    measured = activity.fields["co2_t"][activity.select(stream=stacks)].sum(axis=0)  # NaN stays NaN
    scope = emission.select(boundary=Boundary.CLINKER, ruleset=RuleSetId.GBT32151_8, item=[str(item) for item in items])
    if not scope.any() or not activity.select(stream=stacks).any():
        return np.full(emission.hours, np.nan), np.full(emission.hours, np.nan)
    return measured, emission.fields["co2_t"][scope].sum(axis=0)


def flue_gas_check(measured: Floats, calculated: Floats, *, u_rel: float | None, plan: CrossCheckPlan) -> FlueGasCheck:
    """Compare stack and calculation over the hours that have both; the plant file's limits give the verdict."""
    common = ~np.isnan(measured) & ~np.isnan(calculated)
    measured_t, calculated_t = float(measured[common].sum()), float(calculated[common].sum())
    difference = measured_t / calculated_t - 1 if calculated_t > 0 else None
    return FlueGasCheck(
        measured_t=known_sum(measured),
        calculated_t=known_sum(calculated),
        common_measured_t=measured_t,
        common_calculated_t=calculated_t,
        difference=difference,
        u_rel=u_rel,
        verdict=verdict(difference, plan=plan),
        hours=len(measured),
        common_hours=int(common.sum()),
    )


def known_sum(hours: Floats) -> float | None:
    """Sum of the hours that are there; None where there is none, since missing is never zero."""
    return None if np.isnan(hours).all() else float(np.nansum(hours))


def verdict(difference: float | None, *, plan: CrossCheckPlan) -> str:
    """What a relative difference [1] means by the plant's limits."""
    if difference is None:
        return "undecided"
    if abs(difference) <= plan.warn:
        return "agrees"
    return "warn" if abs(difference) <= plan.diagnose else "diagnose"


def stream_quality(activity: Grid, stream: Stream, *, line: str) -> StreamQuality:
    """Captured, substituted, stopped and missing hours of one stream (quality.md section 7.2)."""
    chosen = activity.select(stream=stream.id)
    row = int(np.flatnonzero(chosen)[0]) if chosen.any() else None
    empty = np.full(activity.hours, np.nan)
    captured, running, substituted, *amounts = (
        empty if row is None else activity.fields[field][row]
        for field in ("captured", "running_h", "substituted", *AMOUNT_FIELDS)
    )
    missing = np.isnan(amounts).all(axis=0)  # a row may say what was captured of an hour that has no value
    stopped = ~missing & (running == 0)
    measured = ~missing & ~stopped
    whole = activity.hours - int(stopped.sum())
    return StreamQuality(
        stream=stream.id,
        line=line,
        captured=float(np.nansum(captured[~stopped])) / whole if whole else None,
        running_hours=int(measured.sum()),
        stopped_hours=int(stopped.sum()),
        substituted_hours=int((substituted[measured] > 0).sum()),
        missing_hours=int(missing.sum()),
    )
