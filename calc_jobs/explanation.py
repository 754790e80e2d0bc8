"""The whole derivation of one stored figure: formula, factors, laboratory results, instruments, readings (R4, R36).

What the figure is made of is found again as a run would find it now, and worked once more by the catalogue of formulas
(`calc_jobs.derivation`); whether that comes to the stored figure is said, because data may have come since. Nothing is
written. Showing it is the command's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from calc_jobs import derivation, emission, evidence
from calc_jobs.activity import StreamHours, local_day
from calc_jobs.derivation import Case, Step
from calc_jobs.digests import NONE
from calc_jobs.evidence import FactorUsed, PointUsed, ResultUsed
from calc_jobs.figures import Context
from calc_jobs.formulas import FORMULAS
from calc_jobs.hourly import Basis, HourlyJob
from calc_jobs.provenance import Use, outside, soft_range
from calc_jobs.touched import COMPUTED, FIRST
from tanji.domain.factors import FactorLibrary
from tanji.domain.items import Boundary, Item, Method, RuleSetId, StreamKind
from tanji.domain.rulesets import RuleSet, in_force
from tanji.ledger import Ledger
from tanji.plant import names
from tanji.plant.model import Plant, Stream
from tanji.quality.hours import MS_PER_HOUR
from tanji.store.port import Store


@dataclass(frozen=True, slots=True)
class ParameterUsed:
    """One parameter of the formula in the hour.

    origin : `laboratory`, `substituted` where the laboratory's value was missing, else `default`.
    usual : the soft range it lies outside of, empty where it does not.
    """

    quantity: str
    value: float | None
    origin: str
    usual: str


@dataclass(frozen=True, slots=True)
class Revision:
    """One version of the figure, with why it was made and the digests of what it rests on."""

    number: int
    reason: str
    co2_t: float | None
    substituted: float | None
    method_digest: str
    factors: str
    inputs: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """A figure [tCO2] with everything behind it. Times are UTC ms; shares are fractions.

    amount : of the stream in the hour, in `unit`. repeated : what the steps come to now; `agrees` : whether that is
    the stored figure. verdict : counted, memo or information in the boundary's total.
    """

    hour_ms: int
    tags: dict[str, str]
    ruleset: str
    ruleset_verified: bool
    verdict: str
    figure: dict[str, Any]
    amount: float | None
    unit: str
    running_h: float | None
    captured: float | None
    amount_substituted: float | None
    steps: tuple[Step, ...]
    repeated: float | None
    agrees: bool
    parameters: tuple[ParameterUsed, ...]
    factors: tuple[FactorUsed, ...]
    laboratory: tuple[ResultUsed, ...]
    points: tuple[PointUsed, ...]
    revisions: tuple[Revision, ...]


UNITS = {"amount_t": "t", "electricity_mwh": "MWh", "heat_gj": "GJ", "co2_t": "tCO2"}
"""Unit of the amount by the field of `activity` it fills; the amount of a gas fuel is in 10^4 Nm3."""


def find(plant: Plant, store: Store, *, hour_ms: int, where: dict[str, str]) -> list[dict[str, Any]]:
    """Stored figures of an hour with these tags, in a fixed order."""
    conditions = {tag: [value] for tag, value in where.items()}
    bucket = names.derived_bucket(plant.site.id)
    rows = store.read(bucket, "emission", start_ms=hour_ms, end_ms=hour_ms + MS_PER_HOUR, where=conditions)
    found: list[dict[str, Any]] = rows.to_pylist()
    return sorted(found, key=lambda row: [row[tag] for tag in emission.TAGS])


def explain(
    plant: Plant, store: Store, ledger: Ledger, library: FactorLibrary, *, rows: Sequence[dict[str, Any]]
) -> tuple[Explanation, ...]:
    """Explain stored figures of one hour, as `find` gives them."""
    if not rows:
        return ()
    hour_ms = int(rows[0]["time"])
    marks = ledger.watermarks()
    end_ms = max(marks.get(COMPUTED, 0), hour_ms + MS_PER_HOUR)
    job = HourlyJob(plant, store, ledger, library, first_ms=marks.get(FIRST, 0), end_ms=end_ms)
    basis = job.basis(hour_ms)
    return tuple(_Explainer(plant, store, library, basis, hour_ms).explain(row) for row in rows)


class _Explainer:
    """Explains figures of one hour from what the hour is made of."""

    def __init__(self, plant: Plant, store: Store, library: FactorLibrary, basis: Basis, hour_ms: int) -> None:
        self._plant = plant
        self._store = store
        self._library = library
        self._basis = basis
        self._hour_ms = hour_ms
        self._at = (hour_ms - basis.grid.start_ms) // MS_PER_HOUR
        self._day = local_day(plant, hour_ms).date()

    def explain(self, row: dict[str, Any]) -> Explanation:
        """One figure."""
        stream, identity = self._plant.streams_by_id[row["stream"]], RuleSetId(row["ruleset"])
        ruleset = in_force(identity, on=self._day)
        found = self._basis.hours.get(stream.id)
        floor = row["method"] == Method.MONTH_FLOOR.value
        uses = () if found is None or floor else self._uses(found, ruleset)
        steps, repeated = self._steps(row, found, uses)
        factors = evidence.factors_used(self._library, uses, at=self._at, on=self._day)
        own = None if floor else found
        return Explanation(
            hour_ms=self._hour_ms,
            tags={tag: row[tag] for tag in emission.TAGS},
            ruleset=f"{ruleset.document} {ruleset.title}",
            ruleset_verified=ruleset.verified,
            verdict=_verdict(row, ruleset),
            figure={name: row[name] for name in (*emission.NUMBERS, *emission.WHOLE, *emission.TEXTS)},
            amount=self._value(own, "amount"),
            unit="" if own is None else "1e4Nm3" if self._gas(stream) else UNITS[own.field],
            running_h=self._value(own, "running_h"),
            captured=self._value(own, "captured"),
            amount_substituted=self._value(own, "substituted"),
            steps=steps,
            repeated=repeated,
            agrees=derivation.agrees(repeated, row["co2_t"]),
            parameters=tuple(self._parameter(use, stream) for use in uses),
            factors=factors,
            laboratory=evidence.results_used(self._plant, stream, uses, self._basis.entries, hour_ms=self._hour_ms),
            points=() if floor else evidence.points_used(self._plant, stream, self._basis.readings, self._hour_ms),
            revisions=self._revisions(row),
        )

    def _uses(self, found: StreamHours, ruleset: RuleSet) -> tuple[Use, ...]:
        formula, parameters = FORMULAS.get(found.stream.kind), self._basis.parameters
        if formula is None:
            return ()
        shown = frozenset[Item]().union(*(emission.shown_items(ruleset, boundary) for boundary in Boundary))
        parameters.begin()
        formula(found, Context(self._plant, ruleset, parameters, shown))
        return parameters.uses

    def _steps(
        self, row: dict[str, Any], found: StreamHours | None, uses: Sequence[Use]
    ) -> tuple[tuple[Step, ...], float | None]:
        """The steps of the figure; a row that holds nothing in this hour has none."""
        method, ruleset = Method(row["method"]), RuleSetId(row["ruleset"])
        if found is None or (row["co2_t"] == 0 and row["method_digest"] in (NONE, None)):
            return (), 0.0 if found is not None else None
        values = {use.quantity: float(use.value[self._at]) for use in uses if np.isfinite(use.value[self._at])}
        if method is Method.HEAT_CONTENT and found.stream.method is Method.MEASURED_CARBON and row["co2_t"] == 0:
            return (), 0.0  # measured carbon made the figure of this hour
        if method is Method.MEASURED_CARBON and "carbon_as_received" not in values:
            return (), 0.0  # heat content did
        case = self._case(found, values, item=Item(row["item"]), method=method, ruleset=ruleset)
        return derivation.worked(replace(case, amount=row["co2_t"]) if method is Method.MONTH_FLOOR else case)

    def _case(
        self, found: StreamHours, values: dict[str, float], *, item: Item, method: Method, ruleset: RuleSetId
    ) -> Case:
        stream, streams = found.stream, self._plant.streams
        clinker = next((one for one in streams if one.kind is StreamKind.CLINKER and one.line == stream.line), None)
        return Case(
            stream=stream,
            item=item,
            method=method,
            ruleset=ruleset,
            amount=float(found.amount[self._at]),
            running_h=float(found.running_h[self._at]),
            values=values,
            gas=self._gas(stream),
            clinker_kind=next((line.clinker_kind for line in self._plant.lines if line.id == stream.line), "portland"),
            meal_clinker_ratio=None if clinker is None else clinker.meal_clinker_ratio,
        )

    def _parameter(self, use: Use, stream: Stream) -> ParameterUsed:
        value = float(use.value[self._at])
        of = self._plant.streams_by_id.get(use.stream, stream)
        bounds = soft_range(self._plant, of, use.quantity)
        odd = bounds is not None and bool(outside(use.value, bounds)[self._at])
        missing = bool(use.missing[self._at])
        origin = "default" if not use.expected else "substituted" if missing else "laboratory"
        return ParameterUsed(use.quantity, value if np.isfinite(value) else None, origin, str(bounds) if odd else "")

    def _revisions(self, row: dict[str, Any]) -> tuple[Revision, ...]:
        where = {tag: [row[tag]] for tag in emission.TAGS}
        bucket, end_ms = names.derived_bucket(self._plant.site.id), self._hour_ms + MS_PER_HOUR
        rows = self._store.read(bucket, "emission_history", start_ms=self._hour_ms, end_ms=end_ms, where=where)
        told = ("reason", "co2_t", "substituted", "method_digest", "factors", "inputs")
        versions = [Revision(int(one["revision"]), *(one[name] for name in told)) for one in rows.to_pylist()]
        return tuple(sorted(versions, key=lambda version: version.number))

    def _value(self, found: StreamHours | None, name: str) -> float | None:
        value = np.nan if found is None else float(getattr(found, name)[self._at])
        return value if np.isfinite(value) else None

    def _gas(self, stream: Stream) -> bool:
        records = self._library.factors
        return any(
            "Nm3" in one.unit
            for one in records
            if one.applies_to == stream.fuel and one.quantity == "net_calorific_value"
        )


def _verdict(row: dict[str, Any], ruleset: RuleSet) -> str:
    """What becomes of the item in the boundary's total."""
    listed = dict(ruleset.boundaries)
    for boundary, items in listed.items():
        if boundary.value == row["boundary"]:
            for verdict, own in (("counted", items.counted), ("memo", items.memo), ("information", items.information)):
                if row["item"] in [item.value for item in own]:
                    return verdict
    return "not counted"
