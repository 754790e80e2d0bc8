"""The summary of a period: read the derived tables once, compute every figure people see (R8, R12, R25, R41).

Reading is here, arithmetic in `tanji.report.figures`, `tanji.report.series`. Hours the period has and the tables have
not are listed as missing, never left out silently.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tanji.domain import rulesets
from tanji.domain.items import Boundary, Item, Method, RuleSetId, StreamKind
from tanji.errors import UsageError
from tanji.plant import names
from tanji.plant.model import Plant
from tanji.report import figures, series
from tanji.report.grid import Floats, Grid, hourly
from tanji.report.model import HOUR_MS, FlueGasCheck, Summary

if TYPE_CHECKING:
    from tanji.store.port import Store


def summarise(store: Store, plant: Plant, *, start_ms: int, end_ms: int) -> Summary:
    """Every figure of the period [start, end).

    start_ms, end_ms : int  Full hours. [UTC ms]

    Errors: UsageError where the period is empty or not of full hours; StoreError from the store.
    """
    if start_ms % HOUR_MS or end_ms % HOUR_MS or end_ms <= start_ms:
        raise UsageError(f"a period of full hours is expected, got {start_ms} to {end_ms} ms")
    emission, activity, flags = read(store, plant, start_ms=start_ms, end_ms=end_ms)
    return summary_of(emission, activity, flags, plant, start_ms=start_ms, end_ms=end_ms)


def read(store: Store, plant: Plant, *, start_ms: int, end_ms: int) -> tuple[pa.Table, pa.Table, pa.Table]:
    """The tables `emission`, `activity` and `flag` of the period."""
    bucket = names.derived_bucket(plant.site.id)
    where = {"plant": (plant.site.id,)}
    emission, activity, flags = (
        store.read(bucket, measurement, start_ms=start_ms, end_ms=end_ms, where=where, fields=fields)
        for measurement, fields in (
            ("emission", figures.EMISSION_FIELDS),
            ("activity", figures.ACTIVITY_FIELDS),
            ("flag", ("quality",)),
        )
    )
    return emission, activity, flags


def summary_of(
    emission: pa.Table, activity: pa.Table, flags: pa.Table, plant: Plant, *, start_ms: int, end_ms: int
) -> Summary:
    """The summary from the three tables; no I/O."""
    period = {"start_ms": start_ms, "end_ms": end_ms}
    tonnes = hourly(emission, tags=figures.EMISSION_TAGS, fields=figures.EMISSION_FIELDS, **period)
    amounts = hourly(activity, tags=figures.ACTIVITY_TAGS, fields=figures.ACTIVITY_FIELDS, **period)
    counted = counted_items(plant)
    clinker = clinker_by_hour(amounts, plant)
    scope = rulesets.load()[RuleSetId.GBT32151_8].flue_gas_scope
    measured, calculated = figures.stack_hours(tonnes, amounts, plant, items=scope)
    columns = {
        (boundary, ruleset): series.by_item(tonnes, boundary=boundary, ruleset=ruleset, items=items)
        for (boundary, ruleset), items in counted.items()
    }
    stack = {"measured": measured, "calculated": calculated}
    check = flue_gas(tonnes, measured, calculated, plant)
    return Summary(
        plant=plant.site.id,
        name_zh=plant.site.name.zh,
        name_en=plant.site.name.en,
        timezone=plant.site.timezone,
        start_ms=start_ms,
        end_ms=end_ms,
        rulesets=plant.rulesets,
        compliance=plant.compliance,
        totals=tuple(
            figures.total(tonnes, plant, boundary=boundary, ruleset=ruleset, items=items, clinker=clinker)
            for (boundary, ruleset), items in counted.items()
        ),
        items=figures.figures(tonnes, counted=counted, by_stream=False),
        figures=figures.figures(tonnes, counted=counted, by_stream=True),
        flue_gas=check,
        clinker_t=figures.known_sum(clinker),
        clinker_missing_hours=int(np.isnan(clinker).sum()),
        streams=tuple(
            figures.stream_quality(amounts, stream, line=stream.line or names.SITE_LINE) for stream in plant.streams
        ),
        stream_names={stream.id: (stream.name.zh, stream.name.en) for stream in plant.streams},
        flagged_readings=flagged(flags),
        last_day={combination: series.last_hours(values, end_ms=end_ms) for combination, values in columns.items()},
        last_day_flue_gas=series.last_hours(stack, end_ms=end_ms) if check else None,
        days={
            combination: series.local_days(values, start_ms=start_ms, timezone=plant.site.timezone)
            for combination, values in columns.items()
        },
    )


def counted_items(plant: Plant) -> dict[tuple[Boundary, RuleSetId], tuple[Item, ...]]:
    """What enters each total, for every boundary and rule set of the plant; the rule sets say it."""
    rules = rulesets.load()
    return {
        (boundary, ruleset): rules[ruleset].counted(boundary) for boundary in Boundary for ruleset in plant.rulesets
    }


def clinker_by_hour(amounts: Grid, plant: Plant) -> Floats:
    """Clinker output by hour [t]; NaN where a clinker stream has no row."""
    output = np.zeros(amounts.hours)
    streams = [stream.id for stream in plant.streams if stream.kind is StreamKind.CLINKER]
    for stream in streams:
        chosen = amounts.select(stream=stream)
        output = output + (amounts.fields["amount_t"][chosen].sum(axis=0) if chosen.any() else np.nan)
    return output if streams else np.full(amounts.hours, np.nan)


def flue_gas(tonnes: Grid, measured: Floats, calculated: Floats, plant: Plant) -> FlueGasCheck | None:
    """The stack against the calculation; None for a plant without a stack measurement."""
    if not any(stream.kind is StreamKind.FLUE_GAS for stream in plant.streams):
        return None
    direct = tonnes.select(item=Item.FLUE_GAS, method=Method.FLUE_GAS_DIRECT, ruleset=plant.rulesets[0])
    co2_t = float(np.nansum(tonnes.fields["co2_t"][direct]))
    u_rel = figures.relative(figures.absolute_by_stream(tonnes, direct), co2_t)
    return figures.flue_gas_check(measured, calculated, u_rel=u_rel, plan=plant.cross_check)


def flagged(flags: pa.Table) -> int:
    """Readings the quality rules flagged: rows whose word is not zero (a cleared word stays as a zero)."""
    return int(pc.sum(pc.not_equal(flags["quality"], 0)).as_py() or 0)
