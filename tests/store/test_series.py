"""Series numbers: the distinct tag sets of a table, whatever its dictionaries hold besides."""

from __future__ import annotations

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from tanji.store.checks import check_rows
from tanji.store.schema import MEASUREMENTS
from tanji.store.series import SeriesIndex, distinct_tags

TAGS = MEASUREMENTS["emission"].tags


@settings(deadline=None, derandomize=True)
@given(st.lists(st.tuples(*[st.sampled_from("abc")] * len(TAGS)), max_size=30))
def test_every_row_is_given_the_number_of_its_own_tag_set(rows: list[tuple[str, ...]]) -> None:
    measurement = MEASUREMENTS["emission"]
    columns = {tag: pa.array([row[place] for row in rows], pa.string()) for place, tag in enumerate(TAGS)}
    table = pa.table({"time": pa.array([0] * len(rows), pa.int64()), **columns, "co2_t": pa.array([1.0] * len(rows))})
    numbers, tag_sets = distinct_tags(measurement, check_rows(measurement, table))
    assert [tag_sets[number] for number in numbers] == rows
    assert len(set(tag_sets)) == len(tag_sets) == len(set(rows))


def test_a_large_dictionary_of_values_nobody_uses_costs_nothing_and_makes_no_series() -> None:
    names = [f"p{place}" for place in range(100_000)]
    point = pa.DictionaryArray.from_arrays(pa.array([99_999, 5, 99_999], pa.int32()), names)
    plant = pa.DictionaryArray.from_arrays(pa.array([0, 0, 0], pa.int32()), names)
    rows = pa.table({"time": [0, 1, 2], "plant": plant, "point": point, "value": [1.0] * 3})
    index = SeriesIndex(MEASUREMENTS["reading"])
    index.add(("p0", "p5"), 40)
    numbers, fresh = index.number_rows(rows, first_free=41)
    assert numbers.tolist() == [41, 40, 41]
    assert fresh == {("p0", "p99999"): 41}


def test_conditions_choose_numbers_and_none_means_all() -> None:
    index = SeriesIndex(MEASUREMENTS["reading"])
    for number, tags in enumerate([("x", "a"), ("x", "b"), ("y", "a")]):
        index.add(tags, number)
    assert index.select({}) is None
    assert index.select({"plant": ["x"], "point": ["a", "b"]}) == [0, 1]
    assert index.select({"point": ["c"]}) == []
