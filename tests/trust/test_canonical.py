"""One spelling for everything that is signed (R35); the package rfc8785 is the oracle of JSON."""

from __future__ import annotations

import base64
import json
import math
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from tanji.errors import TrustError
from tanji.trust.canonical import (
    LARGEST_COUNTER,
    LARGEST_JSON,
    LARGEST_WHOLE,
    POINT_ID,
    decode64,
    encode64,
    format_value,
    json_line,
    parse_value,
    read_json_line,
    whole,
)

ascii_keys = st.text(st.characters(max_codepoint=127), max_size=12)
scalars = st.none() | st.booleans() | st.integers(-LARGEST_JSON, LARGEST_JSON) | st.text(max_size=20)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ascii_keys, inner, max_size=4)
)


@given(st.binary(max_size=200))
def test_base64_has_one_spelling(data: bytes) -> None:
    text = encode64(data)
    assert text == base64.b64encode(data).decode()
    assert decode64(text, rule="x", length=len(data)) == data
    with pytest.raises(TrustError):
        decode64(text, rule="x", length=len(data) + 1)


@given(st.text(max_size=60))
def test_any_other_base64_is_refused(text: str) -> None:
    try:
        data = decode64(text, rule="note-base64", where="here")
    except TrustError as error:
        assert (error.rule, error.where) == ("note-base64", "here")
    else:
        assert encode64(data) == text


@pytest.mark.parametrize("text", ["AB==", "AA=", "AA", "AA==\n", " AA==", "AA==AA==", "A-_=", "QQ", "\u00c4A==", "="])
def test_spare_bits_blanks_and_other_alphabets_are_refused(text: str) -> None:
    with pytest.raises(TrustError):
        decode64(text, rule="x")


@given(st.integers(0, LARGEST_WHOLE))
def test_whole_numbers_read_back(number: int) -> None:
    assert whole(str(number), rule="x") == number


@pytest.mark.parametrize(
    "text", ["", "00", "01", "-0", "+1", "1.0", "1e3", " 1", "1 ", "1_0", "٣", "9223372036854775808", "9" * 5000]
)
def test_other_spellings_of_numbers_are_refused(text: str) -> None:
    with pytest.raises(TrustError, match="checkpoint-form"):
        whole(text, rule="checkpoint-form")


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_reads_back_bit_by_bit(value: float) -> None:
    text = format_value(value, is_counter=False)
    read = parse_value(text, is_counter=False)
    assert isinstance(read, float) and read == value and math.copysign(1, read) == math.copysign(1, value)
    assert text == repr(value) and parse_value(text) == value


@given(st.integers(0, LARGEST_COUNTER))
def test_a_counter_reads_back(value: int) -> None:
    assert parse_value(format_value(value, is_counter=True), is_counter=True) == value
    assert format_value(float(value), is_counter=True) == str(value), "the store holds it as a float"
    assert isinstance(parse_value(str(value)), int)


def test_a_failed_read_is_a_dash() -> None:
    assert format_value(None, is_counter=True) == format_value(None, is_counter=False) == "-"
    assert parse_value("-") is None and parse_value("-", is_counter=True) is None


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_not_sealed(value: float) -> None:
    with pytest.raises(TrustError, match="payload-form"):
        format_value(value, is_counter=False)


@pytest.mark.parametrize("value", [-1, 0.5, LARGEST_COUNTER + 2, math.nan, math.inf, -1.0])
def test_what_is_no_counter_is_not_sealed_as_one(value: float) -> None:
    with pytest.raises(TrustError, match="payload-form"):
        format_value(value, is_counter=True)


@pytest.mark.parametrize(
    "text, is_counter",
    [
        ("100", False),
        ("100.0", True),
        ("100.00", None),
        ("1E5", None),
        ("1e5", None),
        ("1e+16", False),
        (".5", None),
        ("5.", None),
        ("0.30000000000000004000", None),
        ("nan", None),
        ("inf", None),
        ("-inf", None),
        ("1_000.0", None),
        (" 1.0", None),
        ("+1.0", None),
        ("--", None),
        ("", None),
        ("-1", None),
        ("01", None),
        ("9007199254740993", None),
        ("１.０", None),
    ],
)
def test_a_second_spelling_of_a_value_is_refused(text: str, is_counter: bool | None) -> None:
    if text == "1e+16":
        assert parse_value(text, is_counter=False) == 1e16, "this is how repr writes it"
        return
    with pytest.raises(TrustError, match="payload-form"):
        parse_value(text, is_counter=is_counter)


@given(st.text(max_size=30))
def test_any_text_is_a_value_in_its_one_spelling_or_refused(text: str) -> None:
    try:
        value = parse_value(text)
    except TrustError:
        return
    assert format_value(value, is_counter=isinstance(value, int)) == text


@given(values)
def test_json_is_that_of_rfc_8785_and_reads_back(value: Any) -> None:
    line = json_line(value)
    assert line == rfc8785.dumps(value)
    assert read_json_line(line) == value
    assert b"\n" not in line


@given(st.binary(max_size=60) | values.map(lambda value: json.dumps(value).encode()))
def test_bytes_are_canonical_json_or_refused(data: bytes) -> None:
    try:
        value = read_json_line(data, rule="statement-form", where="s")
    except TrustError as error:
        assert error.rule == "statement-form"
    else:
        assert json_line(value) == data


@pytest.mark.parametrize(
    "text",
    [
        '{"a":1,"a":1}',
        '{"b":1,"a":1}',
        '{"a": 1}',
        '{"a":1.0}',
        '{"a":1e3}',
        '{"a":NaN}',
        '{"a":-0}',
        '{"a":Infinity}',
        '{"a":9007199254740992}',
        '{"a":' + "9" * 5000 + "}",
        '{"a":"\\u0041"}',
        '{"a":"\\/"}',
        '{"a":"\\ud800"}',
        '{"é":1}',
        '{"a":1}\n',
        '\ufeff{"a":1}',
        "",
        "{",
        "[" * 100_000,
        '{"a":' * 5_000,
    ],
)
def test_another_spelling_of_json_is_refused(text: str) -> None:
    with pytest.raises(TrustError, match="statement-form"):
        read_json_line(text.encode("utf-8", "surrogatepass"))


@pytest.mark.parametrize(
    "value", [1.5, {"a": 1.0}, [b"x"], {1: 2}, {"é": 1}, {"a": LARGEST_JSON + 1}, "\ud800", {"a": {2}}]
)
def test_what_rfc_8785_would_write_in_several_ways_is_not_written(value: Any) -> None:
    with pytest.raises(TrustError, match="statement-form"):
        json_line(value)


def test_point_ids_are_those_of_the_plant_file() -> None:
    assert all(map(POINT_ID.fullmatch, ("kiln1.coal.mass_flow", "a", "1", "_", "a" * 96)))
    assert not any(
        map(POINT_ID.fullmatch, ("", ".", "a.", ".a", "a..b", "A", "a b", "a-b", "窑", "a\n", "a" * 97, "٣"))
    )
