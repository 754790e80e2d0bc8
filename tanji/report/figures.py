"""Figures of a period from hourly grids: items, totals, flue-gas check, stream quality. Pure functions.

Uncertainty comes from the budget of what the series share (`tanji.report.budget`). Which item counts in which boundary
in which hours is handed in as data, and the emission rows are divided by it (`tanji.report.counting`); the jobs decide
what is written, this module only adds it up and says what is not there.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

import numpy as np

from tanji.domain.items import Boundary, Item, Method, RuleSetId, StreamKind
from tanji.plant.model import CrossCheckPlan, Plant, Stream
from tanji.quality.validity import has_total
from tanji.report.budget import Contributions
from tanji.report.counting import COUNTED, CountedHours
from tanji.report.grid import Floats, Grid, Mask, total_of
from tanji.report.model import Figure, FlueGasCheck, StreamQuality, Total
from tanji.report.stack_spans import StackHours, verdict_of

EMISSION_TAGS = ("boundary", "ruleset", "item", "method", "line", "stream")
EMISSION_FIELDS = ("co2_t", "u_rel", "substituted")
ACTIVITY_TAGS = ("line", "stream")
AMOUNT_FIELDS = ("amount_t", "electricity_mwh", "heat_gj", "co2_t")
ACTIVITY_FIELDS = (*AMOUNT_FIELDS, "running_h", "captured", "substituted")

FEEDS: Mapping[StreamKind, tuple[Item, ...]] = {
    StreamKind.FOSSIL_FUEL: (Item.FOSSIL_FUEL,),
    StreamKind.ALTERNATIVE_FUEL: (Item.ALTERNATIVE_FUEL,),
    StreamKind.RAW_MEAL: (Item.PROCESS_ORGANIC_CARBON,),
    StreamKind.CLINKER: (Item.PROCESS_CARBONATE, Item.PROCESS_CLINKER),
    StreamKind.ELECTRICITY_PURCHASED: (Item.NET_ELECTRICITY,),
    StreamKind.ELECTRICITY_EXPORTED: (Item.NET_ELECTRICITY,),
    StreamKind.HEAT_PURCHASED: (Item.NET_HEAT,),
    StreamKind.HEAT_SOLD: (Item.NET_HEAT,),
    StreamKind.CAPTIVE_POWER: (Item.CAPTIVE_POWER, Item.FOSSIL_FUEL),
    StreamKind.OTHER_FACILITY: (Item.OTHER_FACILITY, Item.FOSSIL_FUEL),
}
"""The item a stream must bring: the first of these that the total counts. Used only to notice what is missing."""

HOURLY_METHODS = tuple(str(method) for method in Method if method is not Method.MONTH_FLOOR)
"""Methods that give every hour a figure; the floor of a month stands at its last hour alone."""


def figure_of(grid: Grid, chosen: Mask, *, parts: Contributions, stream: bool) -> Figure:
    """Sum the chosen series of one boundary, rule set, item and method; with `stream` they are one stream's."""
    boundary, ruleset, item, method, counted, line, stream_id = grid.keys[int(np.flatnonzero(chosen)[0])]
    co2 = grid.fields["co2_t"][chosen]
    return Figure(
        boundary=Boundary(boundary),
        ruleset=RuleSetId(ruleset),
        item=item,
        method=method,
        line=line if stream else "",
        stream=stream_id if stream else "",
        co2_t=float(np.nansum(co2)),
        u_rel=parts.of(chosen).u_rel,
        substituted=substituted_share(grid, chosen),
        hours=grid.hours,
        missing_hours=int(np.isnan(co2).any(axis=0).sum()) if method in HOURLY_METHODS else 0,
        counted=counted == COUNTED,
    )


def figures(grid: Grid, *, parts: Contributions, by_stream: bool) -> tuple[Figure, ...]:
    """Every figure of the period, per stream or summed over the streams, in a stable order."""
    width = len(grid.tags) if by_stream else grid.tags.index("counted") + 1
    order = {item: position for position, item in enumerate(Item)}
    groups = sorted({key[:width] for key in grid.keys}, key=lambda key: (*key[:2], order[Item(key[2])], *key[3:]))
    return tuple(
        figure_of(
            grid,
            grid.select(**dict(zip(grid.tags, group, strict=False))),
            parts=parts,
            stream=by_stream,
        )
        for group in groups
    )


def substituted_share(grid: Grid, chosen: Mask) -> float:
    """Share of the tonnes that rests on substituted data [1]."""
    tonnes = np.abs(grid.fields["co2_t"][chosen])
    whole = float(np.nansum(tonnes))
    return float(np.nansum(tonnes * grid.fields["substituted"][chosen])) / whole if whole else 0.0


def expected(plant: Plant, *, boundary: Boundary, items: Collection[Item]) -> Iterable[tuple[Stream, Item]]:
    """The contributions a total must have: (stream, item)."""
    for stream in plant.streams:
        if boundary in stream.boundaries:
            yield from [(stream, item) for item in FEEDS.get(stream.kind, ()) if item in items][:1]


def absent_hours(
    grid: Grid, plant: Plant, *, boundary: Boundary, ruleset: RuleSetId, items: CountedHours
) -> dict[str, Mask]:
    """For every stream that lacks something its total counts, the hours it lacks."""
    names = [str(item) for item in items]
    absent: dict[str, Mask] = {}
    chosen = grid.select(boundary=boundary, ruleset=ruleset, item=names, counted=COUNTED)
    by_hour = chosen & grid.select(method=HOURLY_METHODS)
    for row in np.flatnonzero(by_hour):
        stream = grid.column("stream")[row]
        absent[stream] = absent.get(stream, np.zeros(grid.hours, np.bool_)) | np.isnan(grid.fields["co2_t"][row])
    for wanted, item in expected(plant, boundary=boundary, items=items):
        if not grid.select(boundary=boundary, ruleset=ruleset, item=item, stream=wanted.id).any():
            absent[wanted.id] = items[item]
    return {stream: hours for stream, hours in absent.items() if hours.any()}


def counted_series(grid: Grid, *, boundary: Boundary, ruleset: RuleSetId) -> Mask:
    """The series that a total adds up."""
    return grid.select(boundary=boundary, ruleset=ruleset, counted=COUNTED)


def total(
    grid: Grid,
    plant: Plant,
    *,
    boundary: Boundary,
    ruleset: RuleSetId,
    items: CountedHours,
    clinker: Floats,
    u_rel: float | None,
) -> Total:
    """The total of one boundary under one rule set, with what it lacks.

    clinker : array  Clinker output by hour; NaN where a clinker stream has no row. [t]
    u_rel : float | None  Of the total's budget. [1]
    """
    chosen = counted_series(grid, boundary=boundary, ruleset=ruleset)
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
        u_rel=u_rel,
        substituted=substituted_share(grid, chosen),
        t_per_t_clinker=float(hourly_t[usable].sum()) / clinker_t if clinker_t > 0 else None,
        hours=grid.hours,
        missing_hours=int(holes.sum()),
        missing=tuple((stream, int(hours.sum())) for stream, hours in sorted(absent.items())),
        compliance=(boundary, ruleset) == plant.compliance,
    )


def stack_hours(emission: Grid, activity: Grid, plant: Plant, *, items: Collection[Item]) -> StackHours:
    """CO2 of the stacks by hour, measured and calculated [tCO2], NaN where a part is lacking; valid and running hours.

    items : what leaves through the stack: all fuel carbon, biogenic too, and calcination by method A. An hour is valid
    where no stack was substituted; one without a row ran as far as anybody knows.
    """
    stacks = [stream for stream in plant.streams if stream.kind is StreamKind.FLUE_GAS]
    rows = activity.select(stream=[stream.id for stream in stacks])
    scope = emission.select(boundary=Boundary.CLINKER, ruleset=RuleSetId.GBT32151_8, item=[str(item) for item in items])
    lines = {stream.line for stream in stacks}
    if None not in lines:  # a line whose gas nobody measures is no part of the comparison
        scope &= emission.select(line=[str(line) for line in lines])
    nothing, never = np.full(emission.hours, np.nan), np.zeros(emission.hours, np.bool_)
    if not scope.any() or not rows.any():
        return StackHours(nothing, nothing, never, ~never)
    measured = activity.fields["co2_t"][rows].sum(axis=0)  # NaN stays NaN
    substituted = np.nan_to_num(activity.fields["substituted"][rows]).max(axis=0)
    return StackHours(
        measured,
        emission.fields["co2_t"][scope].sum(axis=0),
        np.isfinite(measured) & (substituted == 0),
        np.any(np.nan_to_num(activity.fields["running_h"][rows], nan=1.0) > 0, axis=0),
    )


def flue_gas_check(given: StackHours, *, u_rel: float | None, plan: CrossCheckPlan) -> FlueGasCheck:
    """Compare stack and calculation over the hours that have both; the plant file's limits give the verdict."""
    measured, calculated = given.measured, given.calculated
    common = ~np.isnan(measured) & ~np.isnan(calculated)
    measured_t, calculated_t = float(measured[common].sum()), float(calculated[common].sum())
    total = has_total(given.valid, given.running)
    difference = measured_t / calculated_t - 1 if calculated_t > 0 else None
    return FlueGasCheck(
        measured_t=known_sum(measured) if total else None,
        calculated_t=known_sum(calculated),
        common_measured_t=measured_t,
        common_calculated_t=calculated_t,
        difference=difference,
        u_rel=u_rel,
        verdict=verdict_of(difference if total else None, plan=plan)[1],
        hours=len(measured),
        common_hours=int(common.sum()),
    )


def known_sum(hours: Floats) -> float | None:
    """Sum of the hours that are there; None where there is none, since missing is never zero."""
    return None if np.isnan(hours).all() else float(np.nansum(hours))


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
