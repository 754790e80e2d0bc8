"""What is written of a block: rows that changed, each a new revision with its reason, the old version kept (R36).

A row whose numbers and digests are those stored is not touched: it keeps its revision and its bytes. History is
written before the figure it documents, so that a crash between the two leaves no figure without its history.

The reason of a revision: `first`; `method` where rule set, formulas or the stream's settings are others; `factor` where
only records of the factor library are; else what had the hour computed: late data, laboratory, repair, recomputed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa

from calc_jobs import activity, derived, emission
from calc_jobs.activity import StreamHours
from calc_jobs.derived import Cells, Matrix
from calc_jobs.digests import NONE
from calc_jobs.emission import Row
from calc_jobs.missing import Texts
from calc_jobs.touched import FACTOR, FIRST_REASON, LATE, METHOD
from tanji.plant import names
from tanji.plant.model import Plant
from tanji.quality.hours import Grid
from tanji.quality.rules import Floats, Mask
from tanji.store.port import Store


class Revisions:
    """Writes activity and emission of one plant's derived bucket."""

    def __init__(self, plant: Plant, store: Store) -> None:
        self._plant = plant
        self._store = store
        self._bucket = names.derived_bucket(plant.site.id)

    def write_activity(self, hours: Mapping[str, StreamHours], chosen: Mask, *, grid: Grid) -> int:
        """Write the chosen hours [mask over the grid] that changed; returns how many rows did."""
        streams, fields = activity.rows(hours)
        keys = [(self._plant.site.id, line or names.SITE_LINE, stream) for stream, _field, line in streams]
        table = self._store.read(self._bucket, "activity", start_ms=grid.start_ms, end_ms=grid.end_ms)
        found = derived.matrix(table, tags=activity.TAGS, fields=activity.FIELDS, grid=grid, texts=("rule",))
        stored = found.aligned(keys, hours=grid.hours)
        fields, lost = derived.kept(fields, stored)
        rule = np.full((len(keys), grid.hours), NONE, object)
        for row, given in enumerate(hours.values()):
            rule[row] = rule_text(given.rule, given.substituted)
        texts = {"rule": np.where(lost, _before(stored.texts["rule"]), rule)}
        changed = derived.differs(fields, stored, texts=texts) & chosen
        rows = derived.table(keys, fields, tags=activity.TAGS, chosen=changed, grid=grid, texts=texts)
        return self._write("activity", rows)

    def write_emission(
        self, figures: Mapping[emission.Key, Row], chosen: Mask, reasons: Mapping[int, str], *, grid: Grid
    ) -> int:
        """Write the chosen hours that changed as new revisions, history first; returns how many rows did."""
        table = self._store.read(self._bucket, "emission", start_ms=grid.start_ms, end_ms=grid.end_ms)
        read = (*emission.NUMBERS, *emission.WHOLE)
        found = derived.matrix(table, tags=emission.TAGS, fields=read, grid=grid, texts=emission.TEXTS)
        own = emission.MONTH_METHODS
        keys = [*figures, *(key for key in found.keys if key not in figures and key[-1] not in own)]
        stored = found.aligned(keys, hours=grid.hours)
        numbers, texts, warnings = _laid_out(figures, keys, stored, grid=grid)
        changed = derived.differs({**numbers, "warnings": warnings}, stored, texts=texts) & chosen
        changed[len(figures) :] &= stored.there[len(figures) :]
        for at, row in enumerate(figures.values()):
            changed[at] &= row.applies | stored.there[at]
        return self.write_versions(keys, {**numbers, "warnings": warnings}, texts, stored, changed, reasons, grid=grid)

    def write_versions(
        self,
        keys: Sequence[tuple[str, ...]],
        numbers: Mapping[str, Floats],
        texts: Mapping[str, Cells],
        stored: Matrix,
        changed: Mask,
        reasons: Mapping[int, str],
        *,
        grid: Grid,
    ) -> int:
        """Write the changed cells as the revision after the stored one, history first; returns how many."""
        if not changed.any():
            return 0
        fields = {**numbers, "revision": np.nan_to_num(stored.fields["revision"]) + 1}
        tags, whole = emission.TAGS, emission.WHOLE
        rows = derived.table(keys, fields, tags=tags, chosen=changed, grid=grid, whole=whole, texts=texts)
        self._write("emission_history", _history(rows, _reasons(stored, texts, changed, reasons, grid=grid)))
        return self._write("emission", rows)

    def _write(self, measurement: str, rows: pa.Table) -> int:
        if rows.num_rows:
            self._store.write(self._bucket, measurement, rows)
        return int(rows.num_rows)


def rule_text(rule: Texts, substituted: Floats) -> Cells:
    """By which rule hours were substituted, `none` where nothing was. [texts by hour]"""
    words = np.where(substituted > 0, rule, NONE)
    words[words == ""] = NONE
    return words


def _laid_out(
    figures: Mapping[emission.Key, Row], keys: Sequence[tuple[str, ...]], stored: Matrix, *, grid: Grid
) -> tuple[dict[str, Floats], dict[str, Cells], Floats]:
    """Numbers, texts and warnings of every key by hour, what lost its data as it stands.

    A figure by a method that no longer applies is withdrawn as zero: the store cannot take a row back.
    """
    size = (len(keys), grid.hours)
    numbers = {name: np.zeros(size) for name in emission.NUMBERS}
    texts = {name: np.full(size, NONE, object) for name in emission.TEXTS}
    warnings = np.zeros(size)
    for at, row in enumerate(figures.values()):
        figure, trace = row.figure, row.trace
        numbers["co2_t"][at], numbers["u_rel"][at] = figure.co2_t, figure.u_rel
        numbers["substituted"][at] = figure.substituted
        warnings[at] = trace.warnings
        texts["rule"][at] = rule_text(figure.rule, figure.substituted)
        texts["method_digest"][at] = row.method_digest
        texts["factors"][at], texts["inputs"][at] = trace.factors, trace.inputs
    numbers, lost = derived.kept(numbers, stored)
    for name in emission.TEXTS if lost.any() else ():
        texts[name] = np.where(lost, _before(stored.texts[name]), texts[name])
    return numbers, texts, np.where(lost, np.nan_to_num(stored.fields["warnings"]), warnings)


def _before(words: Cells) -> Cells:
    return np.where(words == "", NONE, words)


def _reasons(
    stored: Matrix, texts: Mapping[str, Cells], changed: Mask, reasons: Mapping[int, str], *, grid: Grid
) -> Cells:
    """Why each changed cell is a new revision, in the order of `derived.table`."""
    column = np.nonzero(changed)[1]
    by_hour = np.array([reasons.get(hour, LATE) for hour in grid.hour_ms.tolist()], object)
    why = by_hour[column]
    was = {name: words[changed] for name, words in stored.texts.items()}
    now = {name: words[changed] for name, words in texts.items()}
    same_inputs = was["inputs"] == now["inputs"]
    why[same_inputs & (was["factors"] != now["factors"])] = FACTOR
    # A row from before digests were kept says nothing about its method.
    why[(was["method_digest"] != now["method_digest"]) & (was["method_digest"] != "")] = METHOD
    why[~stored.there[changed]] = FIRST_REASON
    return why


def _history(rows: pa.Table, reasons: Cells) -> pa.Table:
    """Every new version with its revision as a tag, and why it was made."""
    numbers, code = np.unique(rows.column("revision").to_numpy(), return_inverse=True)
    tag = pa.DictionaryArray.from_arrays(
        pa.array(code.astype(np.int32)), pa.array([str(number) for number in numbers], pa.string())
    )
    rows = rows.drop_columns(["revision"])
    return rows.append_column("revision", tag).append_column("reason", pa.array(reasons, pa.string()))
