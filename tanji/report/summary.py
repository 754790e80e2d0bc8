"""The summary of a period: read the derived tables once, compute every figure people see (R8, R12, R25, R41).

Reading is here, arithmetic in `tanji.report.figures`, `tanji.report.series`. Hours the period has and the tables have
not are listed as missing, never left out silently.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tanji.domain import factors, rulesets
from tanji.domain.items import Boundary, Item, Method, RuleSetId, StreamKind
from tanji.domain.uncertainty_budget import Budget
from tanji.errors import UsageError
from tanji.ledger import Ledger
from tanji.ledger.factor_editions import library_in_force
from tanji.plant import names
from tanji.plant.model import Plant
from tanji.report import figures, intensities, series
from tanji.report.budget import Contributions, Origins, contributions
from tanji.report.budget_amounts import amounts_of
from tanji.report.budget_samples import sampled
from tanji.report.counting import Counted, counted_hours, divided
from tanji.report.grid import Floats, Grid, hourly
from tanji.report.model import HOUR_MS, Figure, FlueGasCheck, Summary, Total
from tanji.report.performance import Performance, performance
from tanji.report.stack_spans import StackHours

if TYPE_CHECKING:
    from tanji.store.port import Store

Combination = tuple[Boundary, RuleSetId]


def summarise(store: Store, plant: Plant, *, start_ms: int, end_ms: int, ledger: Ledger | None = None) -> Summary:
    """Every figure of the period [start, end).

    start_ms, end_ms : int  Full hours. [UTC ms]
    ledger : whose laboratory results and factors tell how uncertain a figure is; without it the built-in factors do,
        and every laboratory value counts as wrong by the same error all the time.

    Errors: UsageError where the period is empty or not of full hours; StoreError from the store.
    """
    if start_ms % HOUR_MS or end_ms % HOUR_MS or end_ms <= start_ms:
        raise UsageError(f"a period of full hours is expected, got {start_ms} to {end_ms} ms")
    emission, activity, flags, intensity = read(store, plant, start_ms=start_ms, end_ms=end_ms)
    rows = hourly(
        emission, tags=figures.EMISSION_TAGS, fields=figures.EMISSION_FIELDS, start_ms=start_ms, end_ms=end_ms
    )
    known = Origins(
        library=library_in_force(ledger),
        entries=None if ledger is None else ledger.entries(start_ms=start_ms, end_ms=end_ms),
        samples=sampled(store, plant, rows, start_ms=start_ms),
    )
    return summary_of(
        emission, activity, flags, plant, intensity=intensity, origins=known, start_ms=start_ms, end_ms=end_ms
    )


def read(store: Store, plant: Plant, *, start_ms: int, end_ms: int) -> tuple[pa.Table, ...]:
    """The tables `emission`, `activity`, `flag` and `intensity` of the period."""
    bucket = names.derived_bucket(plant.site.id)
    where = {"plant": (plant.site.id,)}
    return tuple(
        store.read(bucket, measurement, start_ms=start_ms, end_ms=end_ms, where=where, fields=fields)
        for measurement, fields in (
            ("emission", (*figures.EMISSION_FIELDS, "rule", "warnings")),
            ("activity", figures.ACTIVITY_FIELDS),
            ("flag", ("quality",)),
            ("intensity", intensities.FIELDS),
        )
    )


def summary_of(
    emission: pa.Table,
    activity: pa.Table,
    flags: pa.Table,
    plant: Plant,
    *,
    start_ms: int,
    end_ms: int,
    intensity: pa.Table,
    origins: Origins | None = None,
) -> Summary:
    """The summary from the four tables; no I/O.

    origins : what tells how uncertain a figure is; nothing but plant file and built-in factors where none is given.
    """
    period = {"start_ms": start_ms, "end_ms": end_ms}
    counted = counted_hours(plant, start_ms=start_ms, hours=(end_ms - start_ms) // HOUR_MS)
    rows = hourly(emission, tags=figures.EMISSION_TAGS, fields=figures.EMISSION_FIELDS, **period)
    tonnes = divided(rows, counted)
    amounts = hourly(activity, tags=figures.ACTIVITY_TAGS, fields=figures.ACTIVITY_FIELDS, **period)
    known = origins or Origins(factors.load())
    parts = contributions(tonnes, plant, known, start_ms=start_ms, amounts=amounts_of(amounts, plant))
    hours = _Hours(plant, start_ms, end_ms, tonnes, amounts, counted, parts)
    stack = hours.stack()
    items = figures.figures(tonnes, parts=parts, by_stream=False)
    shown = performance(
        plant,
        emission=emission,
        intensity=intensity,
        items=items,
        counted=counted,
        stack=stack,
        library=known.library,
        **period,
    )
    return _assembled(hours, items=items, stack=stack, flagged_readings=flagged(flags), performance=shown)


@dataclass(frozen=True, slots=True)
class _Hours:
    """The hours of a period, and what is counted of them with which uncertainty."""

    plant: Plant
    start_ms: int
    end_ms: int
    tonnes: Grid
    amounts: Grid
    counted: Counted
    parts: Contributions

    def stack(self) -> StackHours | None:
        """Flue gas and calculation by hour; None for a plant without a stack measurement."""
        if not any(stream.kind is StreamKind.FLUE_GAS for stream in self.plant.streams):
            return None
        scope = rulesets.load()[RuleSetId.GBT32151_8].flue_gas_scope
        return figures.stack_hours(self.tonnes, self.amounts, self.plant, items=scope)

    def budgets(self) -> dict[Combination, Budget]:
        """The uncertainty budget of every total."""
        return {
            (boundary, ruleset): self.parts.of(figures.counted_series(self.tonnes, boundary=boundary, ruleset=ruleset))
            for boundary, ruleset in self.counted
        }

    def totals(self, *, clinker: Floats, budgets: Mapping[Combination, Budget]) -> tuple[Total, ...]:
        """Every total of the period. clinker : output by hour [t]"""
        return tuple(
            figures.total(
                self.tonnes,
                self.plant,
                boundary=boundary,
                ruleset=ruleset,
                items=items,
                clinker=clinker,
                u_rel=budgets[boundary, ruleset].u_rel,
            )
            for (boundary, ruleset), items in self.counted.items()
        )

    def columns(self) -> dict[Combination, dict[str, Floats]]:
        """Tonnes by hour of every counted item, for the charts."""
        return {
            (boundary, ruleset): series.by_item(self.tonnes, boundary=boundary, ruleset=ruleset, items=items)
            for (boundary, ruleset), items in self.counted.items()
        }


def _assembled(
    hours: _Hours,
    *,
    items: tuple[Figure, ...],
    stack: StackHours | None,
    flagged_readings: int,
    performance: Performance,
) -> Summary:
    plant, start_ms, end_ms = hours.plant, hours.start_ms, hours.end_ms
    clinker = clinker_by_hour(hours.amounts, plant)
    budgets, columns = hours.budgets(), hours.columns()
    both = None if stack is None else {"measured": stack.measured, "calculated": stack.calculated}
    zone = plant.site.timezone
    return Summary(
        plant=plant.site.id,
        name_zh=plant.site.name.zh,
        name_en=plant.site.name.en,
        timezone=zone,
        start_ms=start_ms,
        end_ms=end_ms,
        rulesets=plant.rulesets,
        compliance=plant.compliance,
        totals=hours.totals(clinker=clinker, budgets=budgets),
        items=items,
        figures=figures.figures(hours.tonnes, parts=hours.parts, by_stream=True),
        flue_gas=None if stack is None else flue_gas(hours.tonnes, stack, plant, parts=hours.parts),
        clinker_t=figures.known_sum(clinker),
        clinker_missing_hours=int(np.isnan(clinker).sum()),
        streams=tuple(
            figures.stream_quality(hours.amounts, one, line=one.line or names.SITE_LINE) for one in plant.streams
        ),
        stream_names={stream.id: (stream.name.zh, stream.name.en) for stream in plant.streams},
        meter_names={meter.id: (meter.name.zh, meter.name.en) for meter in plant.meters},
        budgets=budgets,
        flagged_readings=flagged_readings,
        last_day={key: series.last_hours(values, end_ms=end_ms) for key, values in columns.items()},
        last_day_flue_gas=None if both is None else series.last_hours(both, end_ms=end_ms),
        days={key: series.local_days(values, start_ms=start_ms, timezone=zone) for key, values in columns.items()},
        performance=performance,
    )


def clinker_by_hour(amounts: Grid, plant: Plant) -> Floats:
    """Clinker output by hour [t]; NaN where a clinker stream has no row."""
    output = np.zeros(amounts.hours)
    streams = [stream.id for stream in plant.streams if stream.kind is StreamKind.CLINKER]
    for stream in streams:
        chosen = amounts.select(stream=stream)
        output = output + (amounts.fields["amount_t"][chosen].sum(axis=0) if chosen.any() else np.nan)
    return output if streams else np.full(amounts.hours, np.nan)


def flue_gas(tonnes: Grid, hours: StackHours, plant: Plant, *, parts: Contributions) -> FlueGasCheck:
    """The stack against the calculation."""
    direct = tonnes.select(item=Item.FLUE_GAS, method=Method.FLUE_GAS_DIRECT, ruleset=plant.rulesets[0])
    return figures.flue_gas_check(hours, u_rel=parts.of(direct).u_rel, plan=plant.cross_check)


def flagged(flags: pa.Table) -> int:
    """Readings the quality rules flagged: rows whose word is not zero (a cleared word stays as a zero)."""
    return int(pc.sum(pc.not_equal(flags["quality"], 0)).as_py() or 0)
