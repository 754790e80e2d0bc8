"""Which hours have to be computed again because their substitute looked at hours that changed.

The mean of valid hours looks back a number of them; the table of HJ 75 looks back farther, and at the capture rate of
the whole quarter: an hour whose row of the table is no longer the one it was filled by is computed again, be it before
or after what changed (quality.md section 7.3).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np

from calc_jobs import activity, derived, missing
from calc_jobs.derived import Matrix
from tanji.domain.items import MissingRule
from tanji.ledger.entries import AMOUNT
from tanji.plant import names
from tanji.plant.model import Plant
from tanji.quality import substitution
from tanji.quality.hours import MS_PER_HOUR, ROUNDING, Grid
from tanji.quality.rules import Floats, Mask
from tanji.store.port import Store

AMOUNTS = ("amount_t", "electricity_mwh", "heat_gj", "co2_t")


def hours_that_looked_back(
    plant: Plant, store: Store, reasons: Mapping[int, str], *, end_ms: int, without: Collection[int]
) -> dict[int, str]:
    """Hours before `end_ms`, substituted or without value, that rest on one of these hours, with its reason.

    reasons : hours that changed, with why. without : hours that were computed just now, and rest on what is stored
    unless their row of the table changed since.
    """
    if not reasons:
        return {}
    by_table = [stream.id for stream in plant.streams if stream.missing_rule(AMOUNT) is MissingRule.HJ75_TABLE]
    start_ms = missing.quarter_ms(plant, min(reasons))[0] if by_table else min(reasons)
    start_ms = -(-start_ms // MS_PER_HOUR) * MS_PER_HOUR
    if not by_table and all(hour in without for hour in range(start_ms, end_ms, MS_PER_HOUR)):
        return {}
    grid = Grid(start_ms, (end_ms - start_ms) // MS_PER_HOUR)
    bucket = names.derived_bucket(plant.site.id)
    table = store.read(bucket, "activity", start_ms=start_ms, end_ms=end_ms)
    stored = derived.matrix(table, tags=activity.TAGS, fields=activity.FIELDS, grid=grid, texts=("rule",))
    fields = stored.fields
    valued = np.any([np.isfinite(fields[name]) for name in AMOUNTS], axis=0)
    filled = stored.there & ((fields["substituted"] > 0) | ~valued)
    valid = stored.there & ~filled & (fields["running_h"] > ROUNDING)
    changed = np.isin(grid.hour_ms, np.array(sorted(reasons), np.int64))
    again = (filled & _within(plant, stored, valid, changed, by_table)).any(axis=0)
    again &= ~np.isin(grid.hour_ms, np.array(sorted(without), np.int64))
    for row, key in enumerate(stored.keys):
        if key[-1] in by_table:
            again |= _another_row(plant, stored, row, filled[row], fields["running_h"][row], grid=grid)
    return {hour: _cause(reasons, hour) for hour in grid.hour_ms[again].tolist()}


def _within(plant: Plant, stored: Matrix, valid: Mask, changed: Mask, by_table: Collection[str]) -> Mask:
    """Hours whose look-back may hold a changed one: valid hours passed since then, no more than are looked back on."""
    most = max((row.lookback_valid_hours for row in plant.quality.substitution), default=0)
    asked = [most if key[-1] in by_table else plant.quality.lookback_valid_hours for key in stored.keys]
    passed = np.cumsum(valid, axis=1)
    base = np.maximum.accumulate(np.where(changed, passed, 0), axis=1)
    since = np.maximum.accumulate(changed)
    within: Mask = since & (passed - base < np.array(asked, np.int64).reshape(-1, 1))
    return within


def _another_row(plant: Plant, stored: Matrix, row: int, filled: Mask, running_h: Floats, *, grid: Grid) -> Mask:
    """Substituted hours whose row of the table, as things stand, is not the one their rule names."""
    table = plant.quality.substitution
    quarter = missing.quarters(plant, grid)
    running = stored.there[row] & (running_h > ROUNDING)
    bad = filled & running
    again = np.zeros(grid.hours, np.bool_)
    captures = {number: substitution.capture_rate(~bad[quarter == number], running[quarter == number])
                for number in np.unique(quarter[bad]).tolist()}  # fmt: skip
    for start, stop in substitution.runs(bad):
        for hour in range(start, stop):
            chosen = substitution.row_of(table, capture=captures[int(quarter[hour])], run_hours=stop - start)
            wanted = missing.row_text(table[chosen]) if chosen >= 0 else ""
            again[hour] = wanted not in str(stored.texts["rule"][row][hour])
    return again


def _cause(reasons: Mapping[int, str], hour: int) -> str:
    """The reason of the last changed hour before, else of the first one after."""
    before = [touched for touched in reasons if touched <= hour]
    return reasons[max(before)] if before else reasons[min(reasons)]
