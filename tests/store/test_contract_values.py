"""The storage contract on every adapter: numbers to the bit and texts to the character, or they are refused."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tanji.errors import StoreRefused
from tanji.store.influx import InfluxStore
from tanji.store.port import Store
from tanji.store.schema import LATEST_MS

from .contract import START_MS, plain, readings

shared = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True
)


def test_an_empty_text_is_absent(store: Store, bucket: str) -> None:
    row = {"time": [START_MS], "plant": ["hx01"], "point": ["a"], "quality": [0], "rule_set": [""]}
    store.write(bucket, "flag", pa.table(row))
    assert store.read(bucket, "flag").column("rule_set").to_pylist() == [None]


def test_tag_values_keep_commas_spaces_equal_signs_and_chinese(store: Store, bucket: str) -> None:
    names = ["x,y z=w", "窑1 煤", "a=b", " leading", "quote\"'", "100%", "point=other,plant=no"]
    rows = {"time": [0] * 7, "plant": ["hx01"] * 7, "part": names, "load": [float(place) for place in range(7)]}
    store.write(bucket, "health", pa.table(rows))
    table = store.read(bucket, "health")
    assert table.column("part").to_pylist() == sorted(names)
    for place, name in enumerate(names):
        assert store.read(bucket, "health", where={"part": [name]}).column("load").to_pylist() == [float(place)]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_value_that_is_no_number_is_refused_and_nothing_of_the_table_is_stored(
    store: Store, bucket: str, value: float
) -> None:
    with pytest.raises(StoreRefused, match=r"reading\.value: expected a finite number or null, got -?(nan|inf)"):
        store.write(bucket, "reading", readings([("a", 0, 1.0, 0), ("a", 1, value, 0)]))
    assert store.count(bucket, "reading") == 0


def test_an_integer_in_a_float_field_is_refused_before_the_server_stores_half(store: Store, bucket: str) -> None:
    table = readings([("a", 0, 1.0, 0)]).set_column(3, "value", pa.array([1]))
    with pytest.raises(StoreRefused, match=r"reading\.value: expected float, got int64"):
        store.write(bucket, "reading", table)
    with pytest.raises(StoreRefused, match=r"reading\.quality: expected int, got double"):
        store.write(bucket, "reading", readings([("a", 0, 1.0, 0)]).set_column(4, "quality", pa.array([1.0])))
    assert store.count(bucket, "reading") == 0


def test_an_integer_beyond_what_a_float_holds_is_kept_or_refused(store: Store, bucket: str) -> None:
    row = readings([("a", 0, None, 2**53 + 1)])
    if isinstance(store, InfluxStore) and not store.server().keeps_every_value:  # openGemini 1.5.2
        with pytest.raises(
            StoreRefused, match=r"reading\.quality: expected integers up to 2\^53.*got 9007199254740993"
        ):
            store.write(bucket, "reading", row)
        return
    store.write(bucket, "reading", row)
    assert store.read(bucket, "reading").column("quality").to_pylist() == [2**53 + 1]


def test_an_unknown_name_is_refused_on_the_way_in_and_out(store: Store, bucket: str) -> None:
    with pytest.raises(StoreRefused, match="'valeu'"):
        store.write(
            bucket,
            "reading",
            readings([("a", 0, 1.0, 0)]).rename_columns(["plant", "point", "time", "valeu", "quality"]),
        )
    with pytest.raises(StoreRefused, match="'nope'"):
        store.read(bucket, "reading", fields=("value", "nope"))
    with pytest.raises(StoreRefused, match="'nope'"):
        store.windows(bucket, "reading", "nope", start_ms=0, end_ms=1, width_ms=1)
    with pytest.raises(StoreRefused, match="'stream'"):
        store.read(bucket, "reading", where={"stream": ["a"]})
    with pytest.raises(StoreRefused, match="'raeding'"):
        store.count(bucket, "raeding")
    with pytest.raises(StoreRefused, match="bucket"):
        store.read('x"; drop', "reading")
    with pytest.raises(StoreRefused, match="expected a float or int field, got text"):
        store.windows(bucket, "flag", "rule_set", start_ms=0, end_ms=1, width_ms=1)


@shared
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["a", "b.c", "z_1"]),
            st.integers(0, 10**6),
            st.none() | st.floats(allow_nan=False, allow_infinity=False),
            st.integers(-(2**63), 2**63 - 1),
        ),
        min_size=1,
        max_size=40,
        unique_by=lambda row: row[:2],
    )
)
def test_floats_and_integers_come_back_bit_for_bit(
    store: Store, new_bucket: Callable[[Store], str], rows: list[tuple[str, int, float | None, int]]
) -> None:
    bucket = new_bucket(store)
    if isinstance(store, InfluxStore) and not store.server().keeps_every_value:  # refused there, by a test of its own
        rows = [(*row[:3], row[3] % 2**53) for row in rows]
    store.write(bucket, "reading", readings(rows))
    table = store.read(bucket, "reading")
    expected = [
        (START_MS + time, point, value, quality)
        for point, time, value, quality in sorted(rows, key=lambda row: row[:2])
    ]
    assert [bits(row) for row in plain(table)] == [bits(row) for row in expected]
    assert store.count(bucket, "reading") == len(rows)


def bits(row: tuple[object, ...]) -> tuple[object, ...]:
    return tuple(struct.pack(">d", cell) if isinstance(cell, float) else cell for cell in row)


@shared
@given(
    st.lists(
        st.tuples(
            st.text(st.characters(exclude_characters="\\", exclude_categories=("Cc", "Cs")), min_size=1, max_size=20),
            st.text(st.characters(exclude_characters="\x00", exclude_categories=("Cs",)), max_size=20),
        ),
        min_size=1,
        max_size=10,
        unique_by=lambda row: row[0],
    )
)
def test_tag_values_and_texts_come_back_character_for_character(
    store: Store, new_bucket: Callable[[Store], str], rows: list[tuple[str, str]]
) -> None:
    bucket = new_bucket(store)
    points, texts = zip(*sorted(rows), strict=True)
    if isinstance(store, InfluxStore) and not store.server().keeps_every_value:  # refused there, by a test of its own
        texts = tuple(text.replace("\n", " ") for text in texts)
    size = len(rows)
    columns = {"time": [LATEST_MS] * size, "plant": ["hx01"] * size, "point": points, "quality": [0] * size}
    store.write(bucket, "flag", pa.table(columns | {"rule_set": texts}))
    table = store.read(bucket, "flag")
    assert table.column("point").to_pylist() == list(points)
    assert table.column("rule_set").to_pylist() == [text or None for text in texts]
