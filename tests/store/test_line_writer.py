"""Line protocol as the reference describes it: escapes, suffixes, canonical tag order, bodies of bounded size."""

from __future__ import annotations

import pyarrow as pa

from tanji.store.checks import check_rows
from tanji.store.line_writer import MOST_LINES, bodies, series_prefix
from tanji.store.schema import MEASUREMENTS


def lines(name: str, table: pa.Table) -> list[str]:
    measurement = MEASUREMENTS[name]
    return b"".join(bodies(measurement, check_rows(measurement, table))).decode().splitlines()


def test_a_reading_is_written_as_the_design_shows_it() -> None:
    row = {"time": [1772323200000], "plant": ["hx01"], "point": ["kiln1.feed"], "value": [331.25], "quality": [0]}
    assert lines("reading", pa.table(row)) == [
        "reading,plant=hx01,point=kiln1.feed value=331.25,quality=0i 1772323200000"
    ]


def test_a_null_field_is_left_out_with_its_comma() -> None:
    size = {"time": [1, 2, 3, 4], "plant": ["p"] * 4, "point": ["a"] * 4}
    table = pa.table(size | {"value": pa.array([1.0, None, 3.0, None]), "quality": pa.array([1, 2, None, None])})
    assert [line.split(" ", 1)[1] for line in lines("reading", table)] == [
        "value=1,quality=1i 1",
        "quality=2i 2",
        "value=3 3",
    ]


def test_tags_are_sorted_by_key_and_escaped() -> None:
    names = ("hx01", "line 1", "a,b=c", "clinker", "r", "窑", "m")
    prefix = series_prefix(MEASUREMENTS["emission"], names)
    assert prefix == r"emission,boundary=clinker,item=窑,line=line\ 1,method=m,plant=hx01,ruleset=r,stream=a\,b\=c"


def test_texts_are_quoted_and_only_quote_and_backslash_escaped() -> None:
    table = pa.table({"time": [0], "plant": ["p"], "point": ["a"], "quality": [0], "rule_set": ['a "b" \\ c, d=e']})
    assert lines("flag", table) == [r'flag,plant=p,point=a quality=0i,rule_set="a \"b\" \\ c, d=e" 0']


def test_floats_never_carry_a_suffix_or_an_exponent_and_keep_every_digit() -> None:
    values = [0.1, 1e300, 5e-324, -0.0, 100.0, 2.0**53, 1 / 3, -4.96834565134779e-05, 1.7976931348623157e308]
    size = len(values)
    table = pa.table({"time": range(size), "plant": ["p"] * size, "part": ["a"] * size, "load": values})
    written = [line.split("load=")[1].split(" ")[0] for line in lines("health", table)]
    assert [float(text) for text in written] == values
    assert not any(text.endswith("i") or "e" in text for text in written)
    assert written[3] == "-0"


def test_a_body_holds_at_most_so_many_lines_and_none_is_lost() -> None:
    size = MOST_LINES * 2 + 1
    points = pa.DictionaryArray.from_arrays(pa.array([k % 3 for k in range(size)], pa.int32()), ["a", "b", "c"])
    table = pa.table({"time": range(size), "plant": ["p"] * size, "point": points, "value": [0.5] * size})
    measurement = MEASUREMENTS["reading"]
    sent = list(bodies(measurement, check_rows(measurement, table)))
    assert [body.count(b"\n") for body in sent] == [MOST_LINES, MOST_LINES, 1]
    assert all(body.endswith(b"\n") for body in sent)
    assert b"".join(sent).splitlines()[MOST_LINES] == f"reading,plant=p,point=c value=0.5 {MOST_LINES}".encode()


def test_no_rows_are_no_body() -> None:
    measurement = MEASUREMENTS["reading"]
    empty = measurement.arrow_schema(("value", "quality")).empty_table()
    assert list(bodies(measurement, check_rows(measurement, empty))) == []
