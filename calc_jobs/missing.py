"""What stands in for missing data of a stream, by the rule its plan names, and how far a change of data reaches.

Rules and tables are `tanji.quality.substitution`; which rule, is the plant file's (`streams[].missing`, R21, R52).
Here are the hours such a rule looks at: the quarter for the capture rate, the valid hours before, the calibrations of
the ledger. The text of a rule says what does not change with every new hour, so that a figure is not revised because
the quarter went on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from calc_jobs.history import History
from calc_jobs.sources import Source
from tanji.domain.items import MissingRule
from tanji.domain.limits import Range
from tanji.ledger import Change, Ledger
from tanji.ledger.entries import AMOUNT, OUT_OF_CONTROL, Entry, parameters
from tanji.plant.model import Plant, Stream, SubstitutionRow
from tanji.quality import substitution
from tanji.quality.hours import MS_PER_HOUR, ROUNDING, Grid, Hours
from tanji.quality.rules import Floats, Mask
from tanji.quality.substitution import Counts, Filled

Texts = NDArray[np.object_]
THERE_WERE = " h there were)"
LOOKS_BACK = (MissingRule.MEAN_OF_VALID, MissingRule.MEAN_PLUS_2_SIGMA)


@dataclass(frozen=True, slots=True)
class Substitutes:
    """Amounts of a grid's hours with their substitutes, which hours those are, and by which rule."""

    amount: Floats
    replaced: Mask
    rule: Texts


def fill(
    plant: Plant,
    stream: Stream,
    source: Source,
    hours: Hours,
    *,
    grid: Grid,
    history: History,
    entries: Sequence[Entry],
) -> Substitutes:
    """Put the plan's substitute into every hour of a source that is not valid."""
    valid = hours.valid & ~out_of_control(stream, entries, grid=grid)
    nothing: Texts = np.full(grid.hours, "", object)
    if valid.all():
        return Substitutes(hours.amount, np.zeros(grid.hours, np.bool_), nothing)
    own = Hours(np.where(valid, hours.amount, np.nan), valid, hours.running_h, hours.captured)
    rule = stream.missing_rule(AMOUNT)
    if rule is MissingRule.HJ75_TABLE:
        found = _by_table(plant, stream, source, own, grid=grid, history=history)
        words = [row_text(row) for row in plant.quality.substitution]
        asked = np.array([row.lookback_valid_hours for row in plant.quality.substitution])
    else:
        found = _by_window(plant, stream, source, own, rule, grid=grid, history=history)
        words, asked = [f"{rule} of {plant.quality.lookback_valid_hours} h"], np.array([0])
        asked[0] = plant.quality.lookback_valid_hours
    for at in np.flatnonzero(found.replaced).tolist():
        row = max(int(found.row[at]), 0)
        nothing[at] = said(words[row], used=int(found.used[at]), asked=int(asked[row]))
    return Substitutes(found.amount, found.replaced, nothing)


def said(words: str, *, used: int, asked: int) -> str:
    """A rule, and how many valid hours there were if fewer than it asks for."""
    return words if used >= asked else f"{words} ({used}{THERE_WERE}"


def fell_short(rule: str) -> bool:
    """Whether the text of a rule says that there were fewer valid hours than it asks for."""
    return THERE_WERE in rule


def row_text(row: SubstitutionRow) -> str:
    """A row of the plan's table as a rule."""
    longest = "" if row.hours_max is None else f", at most {row.hours_max} h"
    found = f"maximum of {row.lookback_valid_hours} h" if row.lookback_valid_hours else "no automatic value"
    return f"{MissingRule.HJ75_TABLE}: capture from {row.capture_min:g}{longest}: {found}"


def _by_window(
    plant: Plant, stream: Stream, source: Source, hours: Hours, rule: MissingRule, *, grid: Grid, history: History
) -> Filled:
    before = history(stream.id, source, grid.start_ms)
    count = before.amount.size
    chosen = substitution.mean_plus_2_sigma if rule is MissingRule.MEAN_PLUS_2_SIGMA else substitution.mean_of_valid
    found = chosen(
        np.concatenate((before.amount, hours.amount)),
        valid=np.concatenate((np.ones(count, np.bool_), hours.valid)),
        running_h=np.concatenate((before.running_h, hours.running_h)),
        lookback=plant.quality.lookback_valid_hours,
    )
    return _part(found, count, count + grid.hours)


def _by_table(plant: Plant, stream: Stream, source: Source, hours: Hours, *, grid: Grid, history: History) -> Filled:
    """The table looks at whole quarters, and at the valid hours before an outage or before the last calibration."""
    table = plant.quality.substitution
    low, high = quarter_ms(plant, grid.start_ms)[0], quarter_ms(plant, grid.end_ms - MS_PER_HOUR)[1]
    calibrations = np.array(sorted(history.calibrations(stream.id, before_ms=grid.end_ms)), np.int64)
    controlled = history.out_of_control(stream.id, start_ms=low, end_ms=high)
    if any(controlled) and calibrations.size:
        last = calibrations[calibrations <= min(entry.valid_from_ms for entry in controlled)]
        low = min(low, int(last[-1]) // MS_PER_HOUR * MS_PER_HOUR) if last.size else low
    most = max((row.lookback_valid_hours for row in table), default=0)
    context = history.around(stream.id, source, low, high, valid_before=most)
    at = (grid.start_ms - context.start_ms) // MS_PER_HOUR
    amount, valid, running = context.hours.amount.copy(), context.hours.valid.copy(), context.hours.running_h.copy()
    whole = Grid(context.start_ms, amount.size)
    valid &= ~_held(controlled, grid=whole)
    here = slice(at, at + grid.hours)
    amount[here], valid[here], running[here] = hours.amount, hours.valid, hours.running_h
    found = substitution.by_table(
        np.where(valid, amount, np.nan),
        valid=valid,
        running_h=running,
        quarter=quarters(plant, whole),
        table=table,
        anchor=_anchors(controlled, calibrations, valid, grid=whole),
    )
    return _part(found, at, at + grid.hours)


def _anchors(controlled: Sequence[Entry], calibrations: Counts, valid: Mask, *, grid: Grid) -> Counts:
    """For hours out of control the hour of the last calibration before their outage, -1 elsewhere.

    Before the first calibration there is no hour to look back from: position 0 has nothing before it.
    """
    anchors = np.full(grid.hours, -1, np.int64)
    outside = _held(controlled, grid=grid)
    for start, stop in substitution.runs(~valid):
        if outside[start:stop].any():
            known = calibrations[calibrations <= grid.start_ms + start * MS_PER_HOUR]
            hour = (int(known[-1]) - grid.start_ms) // MS_PER_HOUR if known.size else 0
            anchors[start:stop] = np.where(outside[start:stop], max(hour, 0), -1)
    return anchors


def _part(found: Filled, start: int, stop: int) -> Filled:
    here = slice(start, stop)
    return Filled(found.amount[here], found.replaced[here], found.used[here], found.row[here])


def out_of_control(stream: Stream, entries: Sequence[Entry], *, grid: Grid) -> Mask:
    """Hours in which the ledger says that the stream's measuring system was out of control (失控)."""
    own = [entry for entry in entries if entry.stream == stream.id and entry.parameter == OUT_OF_CONTROL]
    return _held(own, grid=grid)


def _held(entries: Sequence[Entry], *, grid: Grid) -> Mask:
    mask = np.zeros(grid.hours, np.bool_)
    for entry in entries:
        first = max(0, (entry.valid_from_ms - grid.start_ms) // MS_PER_HOUR)
        last = min(grid.hours, -((grid.start_ms - entry.valid_to_ms) // MS_PER_HOUR))
        mask[first : max(first, last)] = True
    return mask


def quarters(plant: Plant, grid: Grid) -> Counts:
    """Number of the plant-local quarter that each hour lies in."""
    zone = ZoneInfo(plant.site.timezone)
    numbers = np.empty(grid.hours, np.int64)
    at = 0
    while at < grid.hours:
        start_ms = grid.start_ms + at * MS_PER_HOUR
        moment = datetime.fromtimestamp(start_ms / 1000, zone)
        upto = min(grid.hours, -((grid.start_ms - quarter_ms(plant, start_ms)[1]) // MS_PER_HOUR))
        numbers[at:upto] = moment.year * 4 + (moment.month - 1) // 3
        at = upto
    return numbers


def quarter_ms(plant: Plant, time_ms: int) -> tuple[int, int]:
    """First and last moment [UTC ms, end exclusive] of the plant-local quarter around a time."""
    zone = ZoneInfo(plant.site.timezone)
    moment = datetime.fromtimestamp(time_ms / 1000, zone)
    month = (moment.month - 1) // 3 * 3 + 1
    start = datetime(moment.year, month, 1, tzinfo=zone)
    end = datetime(moment.year + (month == 10), (month + 2) % 12 + 1, 1, tzinfo=zone)
    return round(start.timestamp() * 1000), round(end.timestamp() * 1000)


def later_hours(plant: Plant, ledger: Ledger, change: Change, *, end_ms: int) -> list[int]:
    """Hours after a changed laboratory value that have none and may look back on it [UTC ms]."""
    stream = plant.streams_by_id.get(change.stream)
    if stream is None or change.parameter not in stream.laboratory:
        return []
    if stream.missing_rule(change.parameter) not in LOOKS_BACK:
        return []
    start_ms = change.valid_to_ms // MS_PER_HOUR * MS_PER_HOUR
    if start_ms >= end_ms:
        return []
    grid = Grid(start_ms, -((start_ms - end_ms) // MS_PER_HOUR))
    entries = ledger.entries(start_ms=start_ms, end_ms=end_ms, streams=(stream.id,), parameter=change.parameter)
    known = _held([entry for entry in entries if accepted(plant, stream, entry)], grid=grid)
    passed = np.cumsum(known)
    within: Mask = ~known & (passed < plant.quality.lookback_valid_hours)
    return [int(hour) for hour in grid.hour_ms[within].tolist()]


def accepted(plant: Plant, stream: Stream, entry: Entry) -> bool:
    """Whether a laboratory value lies inside the hard range of its quantity; outside it is not used as measured."""
    bounds = hard_range(plant, stream, entry.parameter)
    if bounds is None:
        return bool(np.isfinite(entry.value))
    slack = ROUNDING * max(abs(bounds.low), abs(bounds.high))
    return bounds.low - slack <= entry.value <= bounds.high + slack


def hard_range(plant: Plant, stream: Stream, quantity: str) -> Range | None:
    """Hard range of a laboratory parameter of a stream; None for what has none."""
    parameter = parameters().get(quantity)
    kind = next((line.clinker_kind for line in plant.lines if line.id == stream.line), "portland")
    return None if parameter is None else parameter.hard_range(stream, clinker_kind=kind)
