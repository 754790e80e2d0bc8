"""Sealed payload as columns, and which value of a point and time stands (trust.md 2.3 and 2.8; R35).

Payload lines (`point ms value quality`) become Arrow columns whole files at a time, each value the same 64 bits that
Python's `float` makes of its text. Over many batches, in the order of the log: the first value without DUPLICATE
stands; a failed read (`-`) stands until a value fills it; an approved correction, the last one, stands over both.
The audit and the recomputation both read the evidence through this module, so that they mean the same rows.

The bytes were verified before (`calc_jobs.sealed_log`, `tanji.trust`): grammar and roots are not checked here again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pcsv

from tanji.acquisition.flags import Flag
from tanji.errors import TrustError
from tanji.store.ordering import arrange
from tanji.store.schema import MEASUREMENTS, TAG_TYPE

READING = MEASUREMENTS["reading"]
PARSED_BYTES = 64 * 2**20
"""Payload parsed at a time: large enough for every core to have a part, small beside a day of 230 MB."""
BLOCK_BYTES = 4 * 2**20
COLUMNS = {"point": TAG_TYPE, "time": pa.int64(), "value": pa.float64(), "quality": pa.int64()}


@dataclass(frozen=True, slots=True)
class Replacement:
    """What an approved correction says: payload line `line` is to be read as `by`, of the same point and time."""

    line: bytes
    by: bytes


def columns(payload: bytes) -> pa.Table:
    """Columns point, time [UTC ms], value (null for `-`) and quality of every line, in the order of the lines."""
    if not payload:
        return pa.schema(list(COLUMNS.items())).empty_table()
    try:
        table = pcsv.read_csv(
            pa.BufferReader(payload),
            read_options=pcsv.ReadOptions(column_names=list(COLUMNS), block_size=BLOCK_BYTES),
            parse_options=pcsv.ParseOptions(delimiter=" ", quote_char=False, ignore_empty_lines=False),
            convert_options=pcsv.ConvertOptions(column_types=COLUMNS, null_values=["-"], strings_can_be_null=False),
        )
    except pa.ArrowInvalid as error:
        raise TrustError("payload-form", expected="lines of point, time, value and quality", got=str(error)) from error
    if table.column("time").null_count or table.column("quality").null_count:
        raise TrustError("payload-form", expected="a time and a quality in every line", got="-")
    if pc.all(pc.is_finite(table.column("value"))).as_py() is False:
        raise TrustError("payload-form", expected="finite values", got="one that is not")
    return table.unify_dictionaries().combine_chunks()


def standing(
    payloads: Iterable[bytes],
    *,
    plant_id: str,
    corrections: Iterable[Replacement] = (),
    start_ms: int | None = None,
    end_ms: int | None = None,
) -> pa.Table:
    """The readings of [start_ms, end_ms) [UTC ms] that stand, in the columns and the order of the store's `reading`.

    payloads : of regular, late and config batches, in the order of the log.
    corrections : in the order of the log, as far as they are to count.
    """
    parts = [_within(table, start_ms, end_ms) for table in _parsed(payloads)]
    rows = pa.concat_tables([_valid(table) for table in parts]) if parts else columns(b"")
    return _corrected(_first(rows, plant_id), tuple(corrections), plant_id, start_ms=start_ms, end_ms=end_ms)


def _parsed(payloads: Iterable[bytes]) -> Iterator[pa.Table]:
    """Every line of the payloads in their order; small payloads are parsed together."""
    held: list[bytes] = []
    size = 0
    for payload in payloads:
        held.append(payload)
        size += len(payload)
        if size >= PARSED_BYTES:
            yield columns(b"".join(held))
            held, size = [], 0
    if size:
        yield columns(b"".join(held))


def _within(table: pa.Table, start_ms: int | None, end_ms: int | None) -> pa.Table:
    time = table.column("time")
    if not table.num_rows:
        return table
    low, high = pc.min_max(time).as_py().values()
    if start_ms is not None and low < start_ms:
        table = table.filter(pc.greater_equal(table.column("time"), start_ms))
    if end_ms is not None and high >= end_ms:
        table = table.filter(pc.less(table.column("time"), end_ms))
    return table


def _valid(table: pa.Table) -> pa.Table:
    """Without the lines that changed nothing when they were sealed."""
    second = pc.not_equal(pc.bit_wise_and(table.column("quality"), int(Flag.DUPLICATE)), 0)
    return table.filter(pc.invert(second)) if pc.any(second).as_py() else table


def _first(rows: pa.Table, plant_id: str) -> pa.Table:
    """One row of each point and time: the first that has a value, else the first."""
    rows = rows.unify_dictionaries().combine_chunks()
    if rows.column("value").null_count:
        # What fills a failed read comes later and counts before it: values first, each part in order of arrival.
        has_value = rows.column("value").is_valid()
        rows = pa.concat_tables([rows.filter(has_value), rows.filter(pc.invert(has_value))])
        rows = rows.unify_dictionaries().combine_chunks()
    order = _without_repeats(rows)
    if order is not None:
        rows = rows.take(pa.array(order)).combine_chunks()
    return _arranged(rows, plant_id)


def _without_repeats(rows: pa.Table) -> np.ndarray | None:
    """Rows to keep, in their order, where a point has several of one time; None where none has."""
    point, time = _codes(rows), rows.column("time").to_numpy()
    order = np.argsort(time, kind="stable")
    order = order[np.argsort(point[order], kind="stable")]
    point, time = point[order], time[order]
    repeated = np.zeros(len(order), bool)
    repeated[1:] = (point[1:] == point[:-1]) & (time[1:] == time[:-1])
    return np.sort(order[~repeated]) if repeated.any() else None


def _codes(rows: pa.Table) -> np.ndarray:
    """The points as small numbers, which sort fastest."""
    column = _chunk(rows.column("point"))
    codes: np.ndarray = column.indices.to_numpy().astype(np.min_scalar_type(max(len(column.dictionary), 1)))
    return codes


def _arranged(rows: pa.Table, plant_id: str) -> pa.Table:
    column = _chunk(rows.column("point"))
    return arrange(
        READING,
        series=column.indices.to_numpy(),
        keys=[(plant_id, point) for point in column.dictionary.to_pylist()],
        time=rows.column("time").to_numpy(),
        fields={name: _chunk(rows.column(name)) for name in READING.fields},
    )


def _chunk(column: pa.ChunkedArray) -> pa.Array:
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def _corrected(
    rows: pa.Table,
    corrections: Sequence[Replacement],
    plant_id: str,
    *,
    start_ms: int | None,
    end_ms: int | None,
) -> pa.Table:
    """`rows` with what corrections of the period put in the place of a line."""
    if not corrections:
        return rows
    corrections = _counting(rows, corrections)
    given = columns(b"".join(b"%b\n" % correction.by.rstrip(b"\n") for correction in corrections))
    last = {(row["point"], row["time"]): row for row in _within(given, start_ms, end_ms).to_pylist()}
    if not last:
        return rows
    schema = pa.schema(list(COLUMNS.items()))
    instead = _arranged(pa.Table.from_pylist(list(last.values()), schema).combine_chunks(), plant_id)
    kept = rows.filter(pa.array(~_among(rows, last), pa.bool_()))
    both = pa.concat_tables([kept, instead]).unify_dictionaries().combine_chunks().drop_columns(["plant"])
    return _arranged(both, plant_id)


def _counting(rows: pa.Table, corrections: Sequence[Replacement]) -> list[Replacement]:
    """Those without what corrects a failed read that a value has filled: such a line does not stand any more."""
    failed = {_subject(one.line) for one in corrections if one.line.split(b" ")[2] == b"-"}
    if not failed:
        return list(corrections)
    stand = rows.filter(pa.array(_among(rows, failed), pa.bool_())).select(["point", "time", "value"]).to_pylist()
    filled = {(row["point"], row["time"]) for row in stand if row["value"] is not None}
    return [one for one in corrections if one.line.split(b" ")[2] != b"-" or _subject(one.line) not in filled]


def _subject(line: bytes) -> tuple[str, int]:
    point, time, *_ = line.split(b" ")
    return point.decode("ascii"), int(time)


def _among(rows: pa.Table, keys: Iterable[tuple[str, int]]) -> np.ndarray:
    """Which rows have one of these points and times."""
    points = _chunk(rows.column("point"))
    number = {point: place for place, point in enumerate(points.dictionary.to_pylist())}
    found = np.zeros(rows.num_rows, bool)
    code, time = points.indices.to_numpy(), rows.column("time").to_numpy()
    for point, at in keys:
        if point in number:
            own = np.flatnonzero(code == number[point])
            place = int(np.searchsorted(time[own], at))
            if place < len(own) and time[own[place]] == at:
                found[own[place]] = True
    return found
