"""The intensity job: numerator and denominator of every indicator by hour, from activity and emission (R41).

A row holds the two parts and no quotient: a day, month or year is the ratio of their sums, never the mean of hourly
ratios. While the kiln stands the indicator is not defined, which `running_h` of 0 says; there is a row only if
something was emitted, burned or made meanwhile, because the day it belongs to counts that. An hour that lacks a part
has no row. What the parts are made of is `calc_jobs.intensity_parts`; levels and targets are the report's.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

import numpy as np

from calc_jobs import derived
from calc_jobs.intensity_parts import FUEL_KINDS, Key, Row, amount_of, kiln_fuels, of_kind, parts
from calc_jobs.parameters import Parameters
from calc_jobs.touched import blocks
from tanji.domain.factors import FactorLibrary
from tanji.domain.items import StreamKind
from tanji.domain.process import dry_amount
from tanji.ledger import Ledger
from tanji.plant import names
from tanji.plant.model import Plant
from tanji.quality.hours import MS_PER_HOUR, Grid
from tanji.quality.rules import Floats, Mask
from tanji.report import figures
from tanji.report.counting import counted_hours, divided
from tanji.report.grid import Grid as Series
from tanji.report.grid import hourly
from tanji.store.port import Store

TAGS = ("plant", "line", "name", "boundary", "ruleset")
FIELDS = ("numerator", "denominator", "running_h")
LONGEST_HOURS = 31 * 24
"""Hours read at once: a month keeps memory small, and the number of questions too."""


class IntensityJob:
    """Writes the `intensity` rows of one plant; `end_ms` is the end of the hours that are computed [UTC ms]."""

    def __init__(self, plant: Plant, store: Store, ledger: Ledger, library: FactorLibrary, *, end_ms: int) -> None:
        self._plant = plant
        self._store = store
        self._ledger = ledger
        self._library = library
        self._end_ms = end_ms
        self._bucket = names.derived_bucket(plant.site.id)

    def write(self, hours: Iterable[int]) -> int:
        """Bring the rows of these hours [UTC ms] up to date; returns how many changed."""
        wanted = {hour for hour in hours if hour < self._end_ms}
        return sum(self._block(block) for block in blocks(wanted, longest=LONGEST_HOURS))

    def _block(self, hours: tuple[int, ...]) -> int:
        start_ms, end_ms = min(hours), max(hours) + MS_PER_HOUR
        grid = Grid(start_ms, (end_ms - start_ms) // MS_PER_HOUR)
        fields = ("co2_t", "substituted")
        tonnes = self._read("emission", fields, figures.EMISSION_TAGS, start_ms=start_ms, end_ms=end_ms)
        read = (*figures.AMOUNT_FIELDS, "running_h")
        amounts = self._read("activity", read, figures.ACTIVITY_TAGS, start_ms=start_ms, end_ms=end_ms)
        counted = counted_hours(self._plant, start_ms=start_ms, hours=grid.hours)
        parameters = self._parameters(grid)
        found = parts(
            self._plant,
            divided(tonnes, counted),
            amounts,
            counted=counted,
            heat=self._heat(amounts, parameters),
            dry_meal=self._dry_meal(amounts, parameters),
        )
        table = self._store.read(self._bucket, "intensity", start_ms=start_ms, end_ms=end_ms)
        stored = derived.matrix(table, tags=TAGS, fields=FIELDS, grid=grid)
        keys = [*found, *(key for key in stored.keys if key not in found)]
        stored = stored.aligned(keys, hours=grid.hours)
        fields, known = _laid_out(found, keys, hours=grid.hours)
        changed = derived.differs(fields, stored) & (known | stored.there) & np.isin(grid.hour_ms, hours)
        rows = derived.table(keys, fields, tags=TAGS, chosen=changed, grid=grid)
        if rows.num_rows:
            self._store.write(self._bucket, "intensity", rows)
        return int(rows.num_rows)

    def _read(
        self, measurement: str, fields: Collection[str], tags: Collection[str], *, start_ms: int, end_ms: int
    ) -> Series:
        table = self._store.read(self._bucket, measurement, start_ms=start_ms, end_ms=end_ms, fields=list(fields))
        return hourly(table, tags=tuple(tags), fields=tuple(fields), start_ms=start_ms, end_ms=end_ms)

    def _parameters(self, grid: Grid) -> Parameters:
        entries = self._ledger.entries(start_ms=grid.start_ms, end_ms=grid.end_ms)
        return Parameters(self._plant, self._library, entries=entries, grid=grid, ledger=self._ledger)

    def _heat(self, amounts: Series, parameters: Parameters) -> dict[str, Floats]:
        """Heat of each fuel of the kiln by hour [GJ], by the calorific values the compliance rule set takes."""
        ruleset = self._plant.compliance[1]
        return {
            stream.id: amount_of(amounts, [stream])
            * parameters.of(stream, FUEL_KINDS[stream.kind], ruleset=ruleset).value
            for stream in kiln_fuels(self._plant)
        }

    def _dry_meal(self, amounts: Series, parameters: Parameters) -> dict[str, Floats]:
        """Dry raw meal by hour [t], by the laboratory's moisture where it reports one, else by the plant file's."""
        ruleset = self._plant.compliance[1]
        result: dict[str, Floats] = {}
        for stream in of_kind(self._plant, StreamKind.RAW_MEAL):
            moisture: Floats | float = stream.moisture
            if "moisture" in stream.laboratory:
                moisture = parameters.of(stream, "moisture", ruleset=ruleset, absent=stream.moisture).value
            result[stream.id] = np.asarray(dry_amount(amount_of(amounts, [stream]), moisture=moisture), np.float64)
        return result


def _laid_out(
    found: Mapping[Key, Row], keys: Collection[tuple[str, ...]], *, hours: int
) -> tuple[dict[str, Floats], Mask]:
    """Both fields of every key, and where there is something to say; a row that lost its parts is withdrawn as 0."""
    fields = {name: np.zeros((len(keys), hours)) for name in FIELDS}
    known = np.zeros((len(keys), hours), np.bool_)
    for row, values_of in enumerate(found.values()):
        above, below, _ = values_of
        defined = np.isfinite(above) & np.isfinite(below)
        known[row] = defined & ((above != 0) | (below != 0))
        for name, values in zip(FIELDS, values_of, strict=True):
            fields[name][row] = np.where(defined, values, 0.0)
    return fields, known
