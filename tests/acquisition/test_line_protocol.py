"""Line protocol in. Cases follow InfluxData's grammar (influxdata/line-protocol, line-protocol.ebnf), by hand.

The quick reader is compared with the exact one on generated and on damaged bodies.
"""

from __future__ import annotations

import math
import time

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tanji.acquisition import line_columns, line_grammar, line_scanner
from tanji.acquisition.line_format import format_readings
from tanji.acquisition.line_protocol import parse
from tanji.errors import LineProtocolError

ARRIVAL = 1_772_323_200_123
LINE = b"reading,plant=hx01,point=kiln1.feed value=331.25,quality=0i 1772323200000\n"


def rows(body: bytes, precision: str = "ms") -> list[tuple[object, ...]]:
    table = parse(body, precision=precision, arrival_ms=ARRIVAL).readings
    return [tuple(row.values()) for row in table.to_pylist()]


def test_a_plain_line_is_one_reading() -> None:
    assert rows(LINE) == [("hx01", "kiln1.feed", 1772323200000, 331.25, 0)]
    assert line_columns.read(LINE, precision="ms") is not None


def test_the_last_line_needs_no_newline_and_an_empty_body_has_no_readings() -> None:
    assert rows(LINE[:-1]) == rows(LINE)
    assert rows(b"") == []


def test_a_failed_read_has_a_quality_and_no_value() -> None:
    body = LINE + b"reading,plant=hx01,point=kiln1.feed quality=1024i 1772323201000\n" + LINE
    assert rows(body)[1] == ("hx01", "kiln1.feed", 1772323201000, None, 1024)
    assert line_columns.read(body, precision="ms") is not None
    alone = b"reading,plant=hx01,point=kiln1.feed quality=1024i 1772323201000\n"
    assert rows(alone) == [rows(body)[1]]


def test_the_field_order_of_other_clients_is_read_as_quickly() -> None:
    body = b"reading,plant=p,point=a quality=3i,value=2.5 7\nreading,plant=p,point=b quality=8i 7\n"
    assert rows(body) == [("p", "a", 7, 2.5, 3), ("p", "b", 7, None, 8)]
    assert line_columns.read(body, precision="ms") is not None


def test_a_value_without_quality_has_no_remark_and_one_without_time_gets_the_arrival() -> None:
    assert rows(b"reading,plant=p,point=a value=2") == [("p", "a", ARRIVAL, 2.0, 0)]


def test_two_plants_with_the_same_point_stay_apart() -> None:
    body = b"".join(b"reading,plant=%b,point=x value=1,quality=0i 5\n" % plant for plant in (b"a", b"b", b"a"))
    assert [row[:2] for row in rows(body)] == [("a", "x"), ("b", "x"), ("a", "x")]


@pytest.mark.parametrize(
    ("precision", "text", "expected"),
    [
        ("ns", 1772323200000999999, 1772323200000),
        ("n", -1, -1),
        ("us", 1772323200000999, 1772323200000),
        ("u", 1999, 1),
        ("µ", -1001, -2),
        ("ms", 1772323200000, 1772323200000),
        ("s", 1772323200, 1772323200000),
        ("m", 29538720, 1772323200000),
        ("h", 492312, 1772323200000),
    ],
)
def test_every_precision_is_floored_to_ms(precision: str, text: int, expected: int) -> None:
    body = b"reading,plant=p,point=a value=1,quality=0i %d\n" % text
    assert rows(body, precision)[0][2] == expected
    assert line_scanner.read(body, precision=precision, arrival_ms=0).readings["time"].to_pylist() == [expected]


def test_an_unknown_precision_is_refused() -> None:
    with pytest.raises(LineProtocolError, match="precision"):
        parse(LINE, precision="d", arrival_ms=0)


def test_comments_blank_lines_carriage_returns_and_leading_blanks_are_read() -> None:
    body = b"# a comment,\twith a tab\n\n\r\n   " + LINE[:-1] + b"\r\n# another" + b"\n" + LINE
    assert len(rows(body)) == 2


def test_escapes_in_tags_are_undone() -> None:
    body = rb"reading,plant=h\ x\,\=1,point=a\b value=1,quality=0i 5"
    assert rows(body)[0][:2] == ("h x,=1", "a\\b")


def test_tags_may_come_in_any_order() -> None:
    assert rows(b"reading,point=a,plant=p value=1,quality=0i 5")[0][:2] == ("p", "a")


def test_integers_are_numbers_up_to_two_to_the_53() -> None:
    body = b"reading,plant=p,point=a value=9007199254740992i 5\nreading,plant=p,point=a value=12u,quality=1u 5\n"
    assert [row[3:] for row in rows(body)] == [(9007199254740992.0, 0), (12.0, 1)]
    parsed = parse(b"reading,plant=p,point=a value=9007199254740993i 5", precision="ms", arrival_ms=0)
    assert "exact" in parsed.parked[0].reason


@pytest.mark.parametrize(
    "line",
    [
        b"reading,plant=p,point=a value=nan,quality=0i 5",
        b"reading,plant=p,point=a value=-inf,quality=0i 5",
        b"reading,plant=p,point=a value=1e400,quality=0i 5",
        b"reading,plant=p,point=a value=+5,quality=0i 5",
        b"reading,plant=p,point=a value=0x10,quality=0i 5",
        b'reading,plant=p,point=a value="5",quality=0i 5',
        b"reading,plant=p,point=a value=true,quality=0i 5",
        b"reading,plant=p,point=a value=5,quality=0 5",
        b"reading,plant=p,point=a value=5,quality=-1i 5",
        b"reading,plant=p,point=a value=5,quality=4294967296i 5",
        b"reading,plant=p,point=a value=5,value=6,quality=0i 5",
        b"reading,plant=p,point=a value=5,unit=3,quality=0i 5",
        b"reading,plant=p,point=a other=5 5",
        b"reading,plant=p,point=a,host=h value=5,quality=0i 5",
        b"reading,plant=p value=5,quality=0i 5",
        b"reading,plant=p,quality=5 value=5i 5",
        b"reading,plant=p,point=a,point=b value=5,quality=0i 5",
        b"reading,plant=p,point=a\xff value=5,quality=0i 5",
        b"reading,plant=p,point=a value=5,quality=0i 99999999999999999999999",
        b"reading,plant=p,point=a value=5,quality=0i 1772323200000000000",
        b"cpu,host=h usage=nan 5",
        b"cpu,host=h usage=abc 5",
    ],
)
def test_a_line_that_is_no_reading_is_parked_with_its_reason_and_its_bytes(line: bytes) -> None:
    for body in (line, LINE + line + b"\n" + LINE):
        parsed = parse(body, precision="ms", arrival_ms=0, park_faults=True)
        (parked,) = parsed.parked
        assert parked.line == line
        assert parked.number == (2 if body.startswith(LINE) else 1)
        assert "expected" in parked.reason
        assert parsed.readings.num_rows == body.count(LINE)


@pytest.mark.parametrize(
    "line",
    [
        b"reading",
        b"reading value=",
        b"reading,plant=p,point=a",
        b"reading,plant=p,point= value=1",
        b"reading,plant,point=a value=1",
        b"reading,,point=a value=1",
        b",plant=p value=1",
        b"reading,plant=p,point=a value",
        b"reading,plant=p,point=a value=1,",
        b"reading,plant=p,point=a value=,quality=0i 5",
        b"reading,plant=p,point=a value=1,quality= 5",
        b"reading,plant=p,point=a 1 0i 5",
        b"reading,plant=p,point=a value=1 2i 5",
        b"reading,plant=p,point=a value=1,quality=0i 5 6",
        b"reading,plant=p,point=a value=1,quality=0i 0x5",
        b"reading,plant=p,point=a value=1,quality=0i 5.5",
        b'reading,plant=p,point=a value="1 5',
        b"<html>",
    ],
)
def test_a_line_that_is_no_line_protocol_refuses_the_body_and_names_the_line(line: bytes) -> None:
    for body in (line, line + b"\n" + LINE):
        with pytest.raises(LineProtocolError, match="line 1: expected"):
            parse(body, precision="ms", arrival_ms=0)
    with pytest.raises(LineProtocolError, match="line 2: expected"):
        parse(LINE + line + b"\n", precision="ms", arrival_ms=0)


@pytest.mark.parametrize(
    "line",
    [
        b"\tm v=1",  # only blanks may lead
        b"m\tv=1",
        b"m\x0b v=1",  # controls stand in strings alone
        b"m\x7f v=1",
        b"m,a=b\x00 v=1",
        b"m v=1\t5",
        b"m v=1\r5",
        b"# \x01",
        b"m,#=1",
        b"m,a=b,a=c v=1",  # a tag key once
        b"m \xff=1",
        b'm v="\xed\xa0\x80"',  # half a surrogate is no UTF-8
        b"m v=nan",
        b"m v=Inf",
        b"m v=-inf",
        b"m v=1e400",
        b"m v=.",
        b"m v=-",
        b"m v=1e",
        b"m v=+1",
        b"m v=1.1.1",
        b"m v=0x1p-2",
        b"m v=1_000",
        b"m v=9223372036854775808i",
        b"m v=18446744073709551616u",
        b"m v=-1u",
        b"m v=1.5i",
        b"m v=tRUE",
        b"m v='a'",
        b'm v="a"b',
        b"m v=1 9223372036854775808",
        b"m v=1 1-2",
        b"m v=1 -",
    ],
)
def test_what_the_grammar_does_not_have_refuses_the_body(line: bytes) -> None:
    with pytest.raises(LineProtocolError, match="line 2: expected"):
        parse(LINE + line, arrival_ms=0)


@pytest.mark.parametrize(
    "line",
    [
        b"m v=1.e5,w=.5,x=5.,y=-0,z=1E+5",
        b"m v=-9223372036854775808i,w=18446744073709551615u",
        b"m v=t,w=T,x=true,y=True,z=TRUE,a=f,b=F,c=false,d=False,e=FALSE",
        b'm "="a\\"b\nc\x01"  ',  # a quote may stand in a name, and anything in a string
        b"m=1 v=1",  # an equals sign in a measurement
        b"\\,m\\ n,\\==\\,,b=\\ \\\\  v=1   -5  \r",
        b"m v=1 9223372036854775807",
        b"m v=1 -9223372036854775808",
        b" m,a=# v=1",
    ],
)
def test_all_that_the_grammar_has_is_read(line: bytes) -> None:
    parsed = parse(LINE.replace(b"\n", b"000000\n") + line, arrival_ms=0)
    assert len(parsed.others) + len(parsed.parked) == 1
    assert not parsed.parked or "store can hold" in parsed.parked[0].reason


def test_escapes_and_types_are_those_of_the_grammar() -> None:
    (line,) = line_grammar.lines(rb'm\ 1\=,a\=b=\,c\d n\ m="x\ty\"\z",i=-3i,f=2,b=F 7')
    assert line_grammar.series_of(line.series) == (rb"m 1\=", [(b"a=b", rb",c\d")])
    values = [(name, line_grammar.value_of(text)) for name, text in line_grammar.fields_of(line.fields)]
    assert values == [(b"n m", 'x\ty"\\z'), (b"i", -3), (b"f", 2.0), (b"b", False)]
    assert [type(value) for _, value in values] == [str, int, float, bool]
    assert line_grammar.nanoseconds(b"7", "m") == 420_000_000_000


escapable = st.text(st.characters(exclude_characters="\\", exclude_categories=("Cc", "Cs")), min_size=1, max_size=12)


def escaped(text: str, characters: str) -> str:
    """As the grammar wants it: a backslash before each of these."""
    return "".join("\\" + one if one in characters else one for one in text)


@settings(deadline=None)
@given(escapable, st.dictionaries(escapable, escapable, max_size=3), escapable, st.text(max_size=20))
def test_names_tags_and_strings_come_back_as_they_were(
    measurement: str, tags: dict[str, str], field: str, text: str
) -> None:
    measurement = "m" + measurement  # one that began with # would be a comment
    series = ",".join(
        [
            escaped(measurement, ", "),
            *(f"{escaped(name, ',= ')}={escaped(value, ',= ')}" for name, value in tags.items()),
        ]
    )
    string = text.replace("\\", "\\\\").replace('"', '\\"').encode("utf-8", "ignore").decode()
    (line,) = line_grammar.lines(f'{series} {escaped(field, ",= ")}="{string}" 5\n'.encode())
    found, pairs = line_grammar.series_of(line.series)
    assert found.decode() == measurement
    assert {name.decode(): value.decode() for name, value in pairs} == tags
    ((name, value),) = line_grammar.fields_of(line.fields)
    assert name.decode() == field
    assert line_grammar.value_of(value) == text.encode("utf-8", "ignore").decode()


def test_a_number_of_a_million_digits_is_refused_at_once() -> None:
    began = time.process_time()
    for text in (b"1" * 1_000_000 + b"i", b"1" * 1_000_000, b"1i " + b"1" * 1_000_000):
        with pytest.raises(LineProtocolError):
            parse(b"m v=" + text, arrival_ms=0)
    assert time.process_time() - began < 5


def test_other_measurements_come_back_with_their_time_in_ms() -> None:
    cpu = b'cpu,host=a\\ b usage=1.5,n=3i,up=true,text="a b,c=\\"d\\"" '
    body = cpu + b"1772323200000999999\nmem free=1 1772323200000000000"
    others = parse(body, precision="ns", arrival_ms=0).others
    assert others[0].line == cpu + b"1772323200000"
    assert others[1] == type(others[1])(2, b"mem free=1 1772323200000")
    assert parse(b"mem free=1", arrival_ms=17).others[0].line == b"mem free=1 17"


def test_a_newline_inside_a_string_does_not_end_the_line() -> None:
    parsed = parse(b'log text="one\ntwo" 5\nreading,plant=p,point=a value=t 5\n', precision="ms", arrival_ms=0)
    assert parsed.others[0].line == b'log text="one\ntwo" 5'
    assert parsed.parked[0].number == 3


# --- the two readers against each other -------------------------------------------------------------------------

finite = st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from([-0.0, 1e300, 5e-324, 2.0**53, 1e16, 1e-7])
names = st.from_regex(r"[a-z0-9_]{1,6}(\.[a-z0-9_]{1,6}){0,2}", fullmatch=True)
reading_rows = st.lists(
    st.tuples(names, st.integers(-(10**12), 9 * 10**12), st.none() | finite, st.integers(0, 2**32 - 1)), max_size=30
)


def table_of(items: list[tuple[str, int, float | None, int]]) -> pa.Table:
    columns = list(zip(*items, strict=True)) or [(), (), (), ()]
    kinds = (pa.string(), pa.int64(), pa.float64(), pa.int64())
    arrays = [pa.array(column, kind) for column, kind in zip(columns, kinds, strict=True)]
    return pa.table(dict(zip(("point", "time", "value", "quality"), arrays, strict=True)))


def bits(table: pa.Table) -> list[object]:
    plain = [column.cast(pa.string()) if i < 2 else column for i, column in enumerate(table.columns)]
    values = [None if v is None else np.float64(v).tobytes() for v in plain[3].to_pylist()]
    return [plain[0].to_pylist(), plain[1].to_pylist(), plain[2].to_pylist(), values, plain[4].to_pylist()]


@settings(deadline=None)
@given(reading_rows)
def test_formatting_and_parsing_again_is_exact_to_the_bit(items: list[tuple[str, int, float | None, int]]) -> None:
    body = format_readings(table_of(items), plant_id="hx01")
    expected = [["hx01"] * len(items), *(list(column) for column in zip(*items, strict=True))] if items else [[]] * 5
    if items:
        expected[3] = [None if v is None else np.float64(v).tobytes() for v in expected[3]]
    assert bits(parse(body, precision="ms", arrival_ms=0).readings) == expected
    assert bits(line_scanner.read(body, precision="ms", arrival_ms=0).readings) == expected


SEPARATORS = [*(bytes([byte]) for byte in b' ,=\n\t\\"#'), b"i ", b" value=", b",quality=", b",value=", b" quality="]
numbers = st.sampled_from(
    "1 -1 -0 0.5 .5 5. 1e5 1E+5 1e-400 1e400 nan inf -inf +1 0x1 1i 1u 01 - . 1e true 99999999999999999999".split()
).map(str.encode)
near_lines = st.builds(
    lambda plant, point, pairs, time, end: (
        b"reading,plant=" + plant + b",point=" + point + b" " + b",".join(pairs) + time + end
    ),
    st.sampled_from([b"p", b"q", b"", b"p=q", b"a b", b"\xe7\x82\xad"]),
    st.sampled_from([b"a", b"b.c", b"", b"a,quality=5", b"value=1"]),
    st.lists(
        st.one_of(
            numbers.map(lambda text: b"value=" + text),
            numbers.map(lambda text: b"quality=" + text),
            st.sampled_from([b"quality=0i", b"quality=1024i", b"quality=5000000000i", b"value=1.5", b"valve=1", b""]),
        ),
        max_size=3,
    ),
    st.one_of(st.just(b""), numbers.map(lambda text: b" " + text), st.just(b" 1772323200000"), st.just(b"  5")),
    st.sampled_from([b"\n", b"\n", b"\r\n", b"\n\n", b" \n"]),
)
bodies = st.lists(st.one_of(st.just(LINE), st.just(LINE), near_lines, st.sampled_from(SEPARATORS)), max_size=6).map(
    b"".join
)


@settings(max_examples=600, deadline=None)
@given(bodies, st.sampled_from(["ns", "us", "ms", "s", "m", "h"]))
def test_what_the_quick_reader_takes_the_exact_reader_reads_alike(body: bytes, precision: str) -> None:
    quick = line_columns.read(body, precision=precision)
    if quick is None:
        return
    exact = line_scanner.read(body, precision=precision, arrival_ms=ARRIVAL)
    assert exact.parked == exact.others == ()
    assert bits(quick.readings) == bits(exact.readings)
    assert quick.readings.schema == exact.readings.schema


@settings(max_examples=400, deadline=None)
@given(st.integers(0, 10**6), st.binary(min_size=1, max_size=3), st.booleans())
def test_a_damaged_body_is_never_read_differently_by_the_two(position: int, noise: bytes, replace: bool) -> None:
    whole = LINE * 2 + b"reading,plant=hx01,point=kiln1.feed quality=1024i 1772323200000\n"
    at = position % len(whole)
    body = whole[:at] + noise + whole[at + (len(noise) if replace else 0) :]
    quick = line_columns.read(body, precision="ms")
    if quick is not None:
        exact = line_scanner.read(body, precision="ms", arrival_ms=ARRIVAL)
        assert exact.parked == exact.others == ()
        assert bits(quick.readings) == bits(exact.readings)


def test_a_value_that_is_no_number_is_written_as_a_failed_read() -> None:
    body = format_readings(table_of([("a", 5, math.nan, 2048), ("b", 5, 1.0, 0)]), plant_id="p")
    assert body == b"reading,plant=p,point=a quality=2048i 5\nreading,plant=p,point=b value=1,quality=0i 5\n"
