"""The figures of a recomputed period in the spelling of a statement, and the lines that were fed to the formulas.

Sums are `math.fsum` over the hours, so that no order of addition is in dispute; only what the total counts is listed.
A line is `<line>.<stream>.<quantity> <hour> <value> <flag>` in the grammar of payload lines: the flag word has GAP
where some of the hour is substituted or has no value, and STOPPED where the source stood.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal, localcontext

import numpy as np

from tanji.acquisition.flags import Flag
from tanji.domain.items import Boundary, RuleSetId
from tanji.ledger import Ledger
from tanji.ledger.factor_editions import library_in_force
from tanji.plant import names
from tanji.plant.model import Plant, Stream
from tanji.report import figures
from tanji.report.counting import counted_hours, divided
from tanji.report.grid import Floats, Grid, hourly
from tanji.report.model import HOUR_MS, Summary
from tanji.report.summary import read, summarise
from tanji.store.port import Store
from tanji.trust.canonical import encode64, format_value
from tanji.trust.statement import Manifest, Period, Result, fixed, total
from tanji.trust.tree import root_of_lines

UNITS = {"amount_t": "t", "electricity_mwh": "MWh", "heat_gj": "GJ", "co2_t": "tCO2"}
GAS = "1e4Nm3"
"""Unit of a gas fuel's amount."""


@dataclass(frozen=True, slots=True)
class Recomputed:
    """Figures of one boundary and rule set as a statement spells them.

    lines : sorted bytewise, each ends in a line feed. window : readings that were looked at [UTC ms].
    """

    results: tuple[Result, ...]
    total_co2_t: str
    total_u_rel: str | None
    lines: tuple[bytes, ...]
    window: tuple[int, int]
    captured: str | None
    substituted_hours: int
    missing_hours: int
    anomalies_open: int

    @property
    def manifest(self) -> Manifest:
        """Number and root of the lines."""
        return Manifest(len(self.lines), encode64(root_of_lines(self.lines)))

    @property
    def inputs(self) -> bytes:
        """The file `inputs.lines`."""
        return b"".join(self.lines)


def collect(
    plant: Plant,
    store: Store,
    ledger: Ledger,
    *,
    period: Period,
    boundary: Boundary,
    rule_set: RuleSetId,
    window: tuple[int, int],
) -> Recomputed:
    """The figures of a period from what the jobs have written."""
    span = {"start_ms": period.from_ms, "end_ms": period.to_ms}
    emission, activity, _, _ = read(store, plant, **span)
    counted = counted_hours(plant, start_ms=period.from_ms, hours=(period.to_ms - period.from_ms) // HOUR_MS)
    rows = hourly(emission, tags=figures.EMISSION_TAGS, fields=figures.EMISSION_FIELDS, **span)
    tonnes = divided(rows, counted)
    amounts = hourly(activity, tags=figures.ACTIVITY_TAGS, fields=figures.ACTIVITY_FIELDS, **span)
    summary = summarise(store, plant, ledger=ledger, **span)
    gases = _gases(plant, ledger)
    chosen = np.flatnonzero(figures.counted_series(tonnes, boundary=boundary, ruleset=rule_set))
    valued = [int(row) for row in chosen if np.isfinite(tonnes.fields["co2_t"][row]).any()]  # missing is never zero
    results = tuple(sorted((_result(tonnes, row, amounts, summary, gases) for row in valued), key=_key))
    stated = summary.total(boundary, rule_set)
    streams = sorted({result.stream for result in results} | {stream for stream, _ in stated.missing})
    quality = [one for one in summary.streams if one.stream in streams]
    captures = [one.captured for one in quality if one.captured is not None]
    return Recomputed(
        results=results,
        total_co2_t=total(results),
        total_u_rel=_optional(stated.u_rel),
        lines=tuple(sorted(line for stream in streams for line in _lines(plant, stream, amounts, period))),
        window=window,
        captured=fixed(min(1.0, math.fsum(captures) / len(captures))) if captures else None,
        substituted_hours=sum(one.substituted_hours for one in quality),
        missing_hours=sum(hours for _, hours in stated.missing),
        anomalies_open=summary.flagged_readings,
    )


def _key(result: Result) -> tuple[str, str, str, str]:
    return result.line, result.stream, result.item, result.method


def _result(tonnes: Grid, row: int, amounts: Grid, summary: Summary, gases: set[str]) -> Result:
    tags = dict(zip(tonnes.tags, tonnes.keys[row], strict=True))
    co2 = tonnes.fields["co2_t"][row]
    co2_t = fixed(_sum(co2) or 0.0)
    same = ("boundary", "ruleset", "item", "method", "line", "stream")
    figure = next(one for one in summary.figures if one.counted and all(getattr(one, tag) == tags[tag] for tag in same))
    weight = np.abs(co2)
    whole = _sum(weight) or 0.0
    replaced = _sum(weight * np.nan_to_num(tonnes.fields["substituted"][row])) or 0.0
    field, amount = _amount(amounts, tags["line"], tags["stream"]) if tags["method"] != "month_floor" else ("", None)
    unit = GAS if tags["stream"] in gases else UNITS.get(field, "1")
    return Result(
        line=tags["line"],
        stream=tags["stream"],
        item=tags["item"],
        method=tags["method"],
        activity=_optional(amount),
        activity_unit=unit,
        factor=_quotient(co2_t, _optional(amount)),
        factor_unit=f"tCO2/{unit}",
        co2_t=co2_t,
        u_rel=_optional(figure.u_rel),
        substituted=fixed(min(1.0, replaced / whole) if whole else 0.0),
    )


def _amount(amounts: Grid, line: str, stream: str) -> tuple[str, float | None]:
    """The field of a stream's amount, and its sum over the hours that are there."""
    chosen = amounts.select(line=line, stream=stream)
    for field in UNITS:
        values = amounts.fields[field][chosen]
        if np.isfinite(values).any():
            return field, _sum(values)
    return "", None


def _sum(values: Floats) -> float | None:
    known = values[np.isfinite(values)]
    return math.fsum(known.tolist()) if known.size else None


def _quotient(above: str, below: str | None) -> str | None:
    """Of the printed numbers, so that whoever divides them gets the same."""
    if below is None or Decimal(below).is_zero():
        return None
    with localcontext() as context:
        context.prec = 60
        return fixed(Decimal(above) / Decimal(below))


def _optional(value: float | None) -> str | None:
    return None if value is None or not math.isfinite(value) else fixed(value)


def _lines(plant: Plant, stream_id: str, amounts: Grid, period: Period) -> list[bytes]:
    """One line an hour; `-` where the stream has no value."""
    stream = plant.streams_by_id[stream_id]
    line = stream.line or names.SITE_LINE
    field, _ = _amount(amounts, line, stream_id)
    chosen = np.flatnonzero(amounts.select(line=line, stream=stream_id))
    hours = range(amounts.hours)
    nothing = np.full(amounts.hours, np.nan)
    values, substituted, running = (
        amounts.fields[name][chosen[0]] if chosen.size and name else nothing
        for name in (field, "substituted", "running_h")
    )
    return [
        _line(f"{line}.{stream_id}.{field or _usual(stream)}", period.from_ms + hour * HOUR_MS,
              float(values[hour]), _word(float(substituted[hour]), float(running[hour]), float(values[hour])))
        for hour in hours
    ]  # fmt: skip


def _usual(stream: Stream) -> str:
    """Field of a stream that had no value in the whole period."""
    return "electricity_mwh" if stream.kind.value.startswith("electricity") else "amount_t"


def _word(substituted: float, running: float, value: float) -> int:
    word = Flag(0)
    if not math.isfinite(value) or substituted > 0:
        word |= Flag.GAP
    if running == 0:
        word |= Flag.STOPPED
    return int(word)


def _line(name: str, hour_ms: int, value: float, word: int) -> bytes:
    shown = format_value(value if math.isfinite(value) else None, is_counter=False)
    return f"{name} {hour_ms} {shown} {word}\n".encode()


def _gases(plant: Plant, ledger: Ledger) -> set[str]:
    """Streams whose amount is in 10^4 Nm3: their fuel has its calorific value by volume."""
    by_volume = {
        factor.applies_to
        for factor in library_in_force(ledger).factors
        if factor.quantity == "net_calorific_value" and "Nm3" in factor.unit
    }
    return {stream.id for stream in plant.streams if stream.fuel in by_volume}
