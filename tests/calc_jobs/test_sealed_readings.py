"""Payload lines as columns, exact to the bit, and which value of a point and time stands (R35; trust.md 2.3, 2.8)."""

from __future__ import annotations

import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calc_jobs.sealed_readings import Replacement, columns, standing
from tanji.acquisition.flags import Flag
from tanji.errors import TrustError

AT = 1_772_323_200_000  # 2026-03-01 00:00 UTC
SECOND = int(Flag.DUPLICATE)
EDGES = (
    *(0.0, -0.0, 5e-324, -5e-324, 2.2250738585072014e-308, 2.225073858507201e-308, 1.7976931348623157e308, 0.1),
    *(1e16, 1e22, 1e23, 9007199254740993.0, 123456789012345680.0, 1e-05, 0.0001, 1e-7, 2.0**-1074, 4.35, 331.25),
)


def payload(*lines: str) -> bytes:
    return b"".join(sorted(f"{line}\n".encode() for line in lines))


def rows(table) -> list[tuple[object, ...]]:
    return [(row["point"], row["time"] - AT, row["value"], row["quality"]) for row in table.to_pylist()]


def bits(value: float) -> bytes:
    return struct.pack(">d", value)


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False) | st.integers(0, 2**53), min_size=1, max_size=200))
def test_a_value_has_the_64_bits_that_python_reads_from_its_text(values: list[float | int]) -> None:
    texts = [repr(value) for value in (*values, *EDGES, *(-edge for edge in EDGES[8:]))]
    table = columns(b"".join(f"a {place} {text} 0\n".encode() for place, text in enumerate(texts)))
    found = table.column("value").to_numpy()
    assert [bits(value) for value in found] == [bits(float(text)) for text in texts]


def test_columns_keep_the_order_and_every_line() -> None:
    lines = payload("b.x 5 - 1024", f"a {AT} 331.25 0", f"a {AT} 331.5 {SECOND}", f"c {AT} 9007199254740992 4294967295")
    table = columns(lines)
    assert table.column_names == ["point", "time", "value", "quality"]
    assert table.to_pylist() == [
        {"point": "a", "time": AT, "value": 331.25, "quality": 0},
        {"point": "a", "time": AT, "value": 331.5, "quality": SECOND},
        {"point": "b.x", "time": 5, "value": None, "quality": 1024},
        {"point": "c", "time": AT, "value": 2.0**53, "quality": 2**32 - 1},
    ]
    assert columns(b"").schema == table.schema


@pytest.mark.parametrize(
    "line",
    [
        *(b"a - 1 0\n", b"a 1 1 -\n", b"a 1 1\n", b"a 1 x 0\n", b"a 1 1 0 0\n", b"\n"),
        *(b"a 1 nan 0\n", b"a 1 inf 0\n", b'a 1 "1" 0\n'),
    ],
)
def test_what_is_no_payload_is_refused_by_its_rule(line: bytes) -> None:
    with pytest.raises(TrustError) as caught:
        columns(b"a 0 1.0 0\n" + line)
    assert caught.value.rule == "payload-form"


def test_the_first_value_stands_over_batches_and_a_duplicate_changes_nothing() -> None:
    first = payload(f"a {AT} 1.5 0", f"a {AT + 1000} 2.5 8")
    same_minute = payload(f"a {AT + 2000} 3.5 0", f"a {AT + 2000} 9.5 {SECOND}")
    late = payload(f"a {AT} 99.0 {SECOND}", f"a {AT + 1000} 99.0 {SECOND | 8}")
    table = standing([first, same_minute, late], plant_id="hx")
    assert rows(table) == [("a", 0, 1.5, 0), ("a", 1000, 2.5, 8), ("a", 2000, 3.5, 0)]
    assert table.column_names == ["time", "plant", "point", "value", "quality"]
    assert set(table.column("plant").to_pylist()) == {"hx"}


def test_a_failed_read_stands_until_a_value_fills_it_with_the_values_own_quality() -> None:
    failed = payload(f"a {AT} - 1024", f"a {AT + 1000} - 1024", f"a {AT + 2000} - 1024")
    same_batch = payload(f"a {AT + 3000} - 1024", f"a {AT + 3000} 7.0 0", f"b {AT} -5.0 0", f"b {AT} - 2048")
    filled = payload(f"a {AT} 5.0 8", f"a {AT + 1000} - {1025 | SECOND}")
    again = payload(f"a {AT} 6.0 {SECOND}")
    assert rows(standing([failed, same_batch, filled, again], plant_id="hx")) == [
        ("a", 0, 5.0, 8),
        ("a", 1000, None, 1024),
        ("a", 2000, None, 1024),
        ("a", 3000, 7.0, 0),
        ("b", 0, -5.0, 0),
    ]


def test_were_two_values_sealed_without_the_flag_the_first_of_the_log_stands() -> None:
    assert rows(standing([payload(f"a {AT} 2.0 0"), payload(f"a {AT} 1.0 0")], plant_id="hx")) == [("a", 0, 2.0, 0)]


def test_the_last_correction_stands_over_everything() -> None:
    sealed = payload(f"a {AT} 1.0 0", f"a {AT + 1000} 2.0 0", f"b {AT} 3.0 0", f"b {AT} 4.0 {SECOND}")
    corrections = [
        Replacement(f"a {AT} 1.0 0".encode(), f"a {AT} 10.0 0".encode()),
        Replacement(f"b {AT} 3.0 0".encode(), f"b {AT} - 1024\n".encode()),
        Replacement(f"a {AT} 1.0 0".encode(), f"a {AT} 11.0 16384".encode()),
        Replacement(f"z {AT + 5000} 1.0 0".encode(), f"z {AT + 5000} 2.0 0".encode()),
    ]
    table = standing([sealed], plant_id="hx", corrections=corrections, end_ms=AT + 5000)
    assert rows(table) == [("a", 0, 11.0, 16384), ("a", 1000, 2.0, 0), ("b", 0, None, 1024)]
    assert rows(standing([sealed], plant_id="hx", corrections=corrections[:1]))[0] == ("a", 0, 10.0, 0)
    everything = standing([sealed], plant_id="hx", corrections=corrections)
    assert rows(everything)[-1] == ("z", 5000, 2.0, 0)
    assert everything.schema == table.schema


def test_a_correction_of_a_failed_read_yields_to_the_value_that_filled_it() -> None:
    """Else a correction that shows `-` as the old value could replace any value."""
    failed, filled = payload(f"a {AT} - 1", f"b {AT} - 1"), payload(f"a {AT} 9.0 0")
    corrections = [Replacement(f"{point} {AT} - 1".encode(), f"{point} {AT} 1.0 0".encode()) for point in "ab"]
    table = standing([failed, filled], plant_id="hx", corrections=corrections)
    assert rows(table) == [("a", 0, 9.0, 0), ("b", 0, 1.0, 0)]


def test_the_period_is_half_open() -> None:
    sealed = payload(*(f"a {AT + second * 1000} {second}.0 0" for second in range(5)))
    table = standing([sealed], plant_id="hx", start_ms=AT + 1000, end_ms=AT + 3000)
    assert [row[2] for row in rows(table)] == [1.0, 2.0]
    assert standing([], plant_id="hx").num_rows == standing([b""], plant_id="hx").num_rows == 0
    assert standing([], plant_id="hx").schema == table.schema


def by_definition(payloads: list[bytes]) -> dict[tuple[str, int], tuple[str, str]]:
    """The rule word by word, line by line: independent of columns and sorting."""
    found: dict[tuple[str, int], tuple[str, str]] = {}
    for line in b"".join(payloads).decode().split("\n")[:-1]:
        point, time, value, quality = line.split(" ")
        if int(quality) & 4:
            continue
        known = found.get((point, int(time)))
        if known is None or (known[0] == "-" and value != "-"):
            found[point, int(time)] = value, quality
    return found


@given(
    st.lists(
        st.lists(
            st.tuples(
                st.sampled_from(["a", "b.c", "b_c", "z"]),
                st.integers(0, 20),
                st.sampled_from(["-", "1.0", "2.5", "-3.0", "17"]),
                st.sampled_from([0, 4, 8, 1028]),
            ),
            max_size=25,
        ),
        max_size=6,
    )
)
def test_what_stands_is_what_the_rule_says_line_by_line(batches: list[list[tuple[str, int, str, int]]]) -> None:
    payloads = [payload(*{" ".join(map(str, line)) for line in batch}) for batch in batches]
    table = standing(payloads, plant_id="hx")
    found = {(row["point"], row["time"]): (row["value"], row["quality"]) for row in table.to_pylist()}
    expected = {
        place: (None if value == "-" else float(value), int(quality))
        for place, (value, quality) in by_definition(payloads).items()
    }
    assert found == expected
    keys = [(row["point"], row["time"]) for row in table.to_pylist()]
    assert keys == sorted(keys)


def test_payloads_larger_than_one_parse_are_one_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("calc_jobs.sealed_readings.PARSED_BYTES", 40)
    minutes = [payload(*(f"p{n} {AT + minute * 60_000} {minute / 8!r} 0" for n in range(3))) for minute in range(20)]
    table = standing(minutes, plant_id="hx")
    assert table.num_rows == 60
    assert math.fsum(table.column("value").to_pylist()) == 3 * sum(range(20)) / 8
