"""What is refused before an engine sees it, and how it is said."""

from __future__ import annotations

import pyarrow as pa
import pytest

from tanji.errors import StoreRefused
from tanji.store.checks import check_rows
from tanji.store.schema import LATEST_MS, MEASUREMENTS

READING = MEASUREMENTS["reading"]
GOOD = {"time": [1], "plant": ["hx01"], "point": ["a"], "value": [1.0], "quality": [0]}


@pytest.mark.parametrize(
    ("column", "values", "message"),
    [
        ("time", pa.array([1.0]), "reading.time: expected int64 UTC ms without nulls, got double"),
        ("time", pa.array([None], pa.int64()), "reading.time: expected int64 UTC ms without nulls, got 1 nulls"),
        ("time", pa.array([1], pa.timestamp("ms")), r"reading.time: expected int64 UTC ms .* got timestamp\[ms\]"),
        ("time", pa.array([LATEST_MS + 1]), f"reading.time: expected .*, got {LATEST_MS + 1}"),
        ("plant", pa.array([1]), "reading.plant: expected text, got int64"),
        ("point", pa.array([None], pa.string()), "reading.point: expected a value in every row, got a null"),
        ("point", pa.array([""]), "reading.point: expected a value that is not empty.*, got ''"),
        ("point", pa.array(["a\nb"]), r"without backslash or line break, got 'a\\nb'"),
        ("point", pa.array(["a\\"]), "without backslash or line break"),
        ("value", pa.array([1]), "reading.value: expected float, got int64"),
        ("value", pa.array(["1"]), "reading.value: expected float, got string"),
        ("value", pa.array([True]), "reading.value: expected float, got bool"),
        ("value", pa.array([float("nan")]), "reading.value: expected a finite number or null, got nan"),
        ("quality", pa.array([0.0]), "reading.quality: expected int, got double"),
        ("quality", pa.array([2**63], pa.uint64()), "reading.quality: expected int, got .*9223372036854775808"),
    ],
)
def test_a_wrong_column_is_refused_by_name_with_expected_and_got(column: str, values: pa.Array, message: str) -> None:
    table = pa.table(GOOD)
    table = table.set_column(table.column_names.index(column), column, values)
    with pytest.raises(StoreRefused, match=message):
        check_rows(READING, table)


def test_a_missing_tag_and_a_column_nobody_declared_are_refused() -> None:
    with pytest.raises(StoreRefused, match="expected a column 'point', got time, plant, value, quality"):
        check_rows(READING, pa.table(GOOD).drop_columns("point"))
    with pytest.raises(StoreRefused, match="expected columns among time, plant, point, value, quality, got 'unit'"):
        check_rows(READING, pa.table(GOOD | {"unit": ["t"]}))
    with pytest.raises(StoreRefused, match="'Uptime'"):
        check_rows(MEASUREMENTS["health"], pa.table({"time": [1], "plant": ["p"], "part": ["x"], "Uptime": [1.0]}))
    with pytest.raises(StoreRefused, match="distinct columns"):
        check_rows(READING, pa.Table.from_arrays([pa.array([1])] * 2, ["time", "time"]))


def test_narrow_types_are_widened_and_a_column_of_nulls_fits_every_field() -> None:
    table = pa.table(
        {
            "time": pa.array([1], pa.int32()),
            "plant": pa.array(["hx01"], pa.large_string()),
            "point": pa.array(["a"]).dictionary_encode().cast(pa.dictionary(pa.int8(), pa.string())),
            "value": pa.nulls(1),
            "quality": pa.array([7], pa.uint32()),
        }
    )
    checked = check_rows(READING, table)
    assert checked.schema == READING.arrow_schema(("value", "quality"))
    assert checked.to_pylist() == [{"time": 1, "plant": "hx01", "point": "a", "value": None, "quality": 7}]


def test_chunks_with_dictionaries_of_their_own_become_one_column() -> None:
    parts = [pa.table(GOOD | {"point": pa.array([name]).dictionary_encode()}) for name in ("b", "a", "b")]
    checked = check_rows(READING, pa.concat_tables(parts))
    assert checked.column("point").num_chunks == 1
    assert checked.column("point").to_pylist() == ["b", "a", "b"]
