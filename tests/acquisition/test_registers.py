"""Register codecs. 123456789 = 0x075BCD15 and the float 123456.7891 = 0x47F12065 are worked by hand for all orders."""

from __future__ import annotations

import math
import struct
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tanji.acquisition.registers import CODES, PACKINGS, RegisterLayout, decode, encode, through_registers
from tanji.errors import CodecError


def layout(kind: str, order: str = "ABCD", **more: object) -> RegisterLayout:
    return RegisterLayout("holding", 10, kind, order, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("order", "words"),
    [
        ("ABCD", (0x075B, 0xCD15)),
        ("CDAB", (0xCD15, 0x075B)),
        ("BADC", (0x5B07, 0x15CD)),
        ("DCBA", (0x15CD, 0x5B07)),
    ],
)
def test_the_four_orders_of_a_32_bit_number(order: str, words: tuple[int, ...]) -> None:
    assert encode(123456789, layout("uint32", order)) == words
    assert decode(words, layout("uint32", order)) == 123456789.0


def test_a_64_bit_number_follows_the_same_pattern() -> None:
    number = 0x0001020304050607
    assert encode(number, layout("int64", "ABCD")) == (0x0001, 0x0203, 0x0405, 0x0607)
    assert encode(number, layout("int64", "CDAB")) == (0x0607, 0x0405, 0x0203, 0x0001)
    assert encode(number, layout("int64", "BADC")) == (0x0100, 0x0302, 0x0504, 0x0706)
    assert encode(number, layout("int64", "DCBA")) == (0x0706, 0x0504, 0x0302, 0x0100)


def test_a_16_bit_number_knows_only_whether_its_bytes_are_swapped() -> None:
    assert [encode(0x1234, layout("uint16", order)) for order in PACKINGS] == [
        (0x1234,) if order in ("ABCD", "CDAB") else (0x3412,) for order in PACKINGS
    ]


def test_bits_are_taken_from_their_word_and_a_plain_bool_is_anything_but_zero() -> None:
    assert decode([0b0100], layout("bool", bit=2)) == 1.0
    assert decode([0b0100], layout("uint16", bit=3)) == 0.0
    assert decode([0x0004], layout("bool", "DCBA", bit=10)) == 1.0
    assert decode([7], layout("bool")) == 1.0
    assert encode(1, layout("bool", bit=15)) == (0x8000,)
    assert encode(1, layout("int16", bit=15)) == (0x8000,)
    assert encode(1, layout("bool", "BADC", bit=2)) == (0x0400,)
    assert decode([1], RegisterLayout("coil", 0, "bool")) == 1.0
    assert encode(3, RegisterLayout("discrete", 0, "bool")) == (1,)


def test_what_is_no_number_is_refused() -> None:
    for value in (math.nan, math.inf, -math.inf):
        with pytest.raises(CodecError, match="finite"):
            decode(encode(value, layout("float32")), layout("float32"))
    with pytest.raises(CodecError, match="2\\^53"):
        decode(encode(2**53 + 1, layout("uint64")), layout("uint64"))
    assert decode(encode(-(2**53), layout("int64")), layout("int64")) == -(2.0**53)
    with pytest.raises(CodecError, match="2 registers"):
        decode([1], layout("float32"))
    with pytest.raises(CodecError, match="65535"):
        decode([70000], layout("uint16"))


@pytest.mark.parametrize(("value", "kind"), [(65536, "uint16"), (-1, "uint32"), (math.nan, "int16"), (1e40, "float32")])
def test_what_does_not_fit_a_register_is_refused(value: float, kind: str) -> None:
    with pytest.raises(CodecError, match=kind):
        encode(value, layout(kind))


@pytest.mark.parametrize(
    "more",
    [
        {"table": "coil", "type": "uint16"},
        {"type": "uint32", "bit": 3},
        {"bit": 16},
        {"type": "float32", "address": 65535},
        {"order": "ACBD"},
        {"type": "int8"},
    ],
)
def test_a_layout_that_cannot_be_is_refused(more: dict[str, object]) -> None:
    with pytest.raises(CodecError, match="expected"):
        RegisterLayout(**({"table": "holding", "address": 0, "type": "uint16"} | more))  # type: ignore[arg-type]


@settings(deadline=None)
@given(st.sampled_from(sorted(set(CODES) - {"bool"})), st.sampled_from(sorted(PACKINGS)), st.data())
def test_decoding_undoes_encoding(kind: str, order: str, data: st.DataObject) -> None:
    if kind.startswith("float"):
        width: Any = int(kind.removeprefix("float"))
        value: float = data.draw(st.floats(width=width, allow_nan=False, allow_infinity=False))
    elif kind.startswith("bcd"):
        value = data.draw(st.integers(0, min(10 ** (int(kind.removeprefix("bcd")) // 4) - 1, 2**53)))
    else:
        bits = min(struct.calcsize(">" + CODES[kind]) * 8, 54)
        low, high = (0, 2 ** min(bits, 53) - 1) if kind.startswith("u") else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
        value = data.draw(st.integers(low, high))
    decoded = decode(encode(value, layout(kind, order)), layout(kind, order))
    assert struct.pack("d", decoded) == struct.pack("d", value)


@settings(deadline=None)
@given(
    st.sampled_from(["int16", "uint16", "int32", "uint32", "float32", "float64"]),
    st.lists(st.floats(-1e4, 1e4), min_size=1, max_size=20),
    st.sampled_from([(1.0, 0.0), (0.1, 0.0), (0.01, -20.0), (1.0, 5.0)]),
)
def test_the_quick_round_trip_gives_what_a_poller_would_read(
    kind: str, values: list[float], scaling: tuple[float, float]
) -> None:
    scale, offset = scaling
    expected = []
    for value in values:
        raw = (value - offset) / scale if scaling != (1.0, 0.0) else value
        if not kind.startswith("float"):
            low, high = struct_range(kind)
            raw = min(max(raw, low), high)
        number = decode(encode(raw, layout(kind)), layout(kind))
        expected.append(number if scaling == (1.0, 0.0) else number * scale + offset)
    got = through_registers(np.array(values), layout(kind), scale=scale, offset=offset)
    assert got.tobytes() == np.array(expected).tobytes()


def struct_range(kind: str) -> tuple[int, int]:
    bits = int(kind.lstrip("uint"))
    return (0, 2**bits - 1) if kind.startswith("u") else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


def test_the_quick_round_trip_saturates_keeps_nan_and_knows_states() -> None:
    values = np.array([-5.0, 1e9, np.nan])
    got = through_registers(values, layout("uint16"), scale=0.1, offset=0)
    assert got[0] == 0.0 and got[1] == 65535 * 0.1 and np.isnan(got[2])
    assert through_registers(np.array([1e300]), layout("float32"), scale=1, offset=0)[0] == np.finfo(np.float32).max
    states = through_registers(np.array([0.0, 1.0, 0.2]), layout("bool", bit=3), scale=1, offset=0)
    assert states.tolist() == [0.0, 1.0, 0.0]
