"""Every type x order x scale against numbers and byte positions written out by hand (R9).

The bytes of a number are taken from `struct` (or from its decimal digits) with the most significant first, and laid on
the wire by a table of positions, independent of how the codecs do it.
"""

from __future__ import annotations

import math
import random
import struct
from itertools import product

import pytest

from services.modbus_poller.request import PolledPoint, prepare
from tanji.acquisition.blocks import plan
from tanji.acquisition.registers import CODES, PACKINGS, RegisterLayout, decode, encode
from tanji.errors import CodecError

# Position on the wire -> byte of the number, 0 being the most significant.
POSITIONS = {
    ("ABCD", 2): (0, 1), ("CDAB", 2): (0, 1), ("BADC", 2): (1, 0), ("DCBA", 2): (1, 0),
    ("ABCD", 4): (0, 1, 2, 3), ("CDAB", 4): (2, 3, 0, 1), ("BADC", 4): (1, 0, 3, 2), ("DCBA", 4): (3, 2, 1, 0),
    ("ABCD", 8): (0, 1, 2, 3, 4, 5, 6, 7), ("CDAB", 8): (6, 7, 4, 5, 2, 3, 0, 1),
    ("BADC", 8): (1, 0, 3, 2, 5, 4, 7, 6), ("DCBA", 8): (7, 6, 5, 4, 3, 2, 1, 0),
}  # fmt: skip

NUMBERS: dict[str, tuple[float, ...]] = {
    "int16": (0, 1, -1, 32767, -32768, 4660),
    "uint16": (0, 1, 65535, 4660),
    "int32": (0, -1, 2147483647, -2147483648, 305419896),
    "uint32": (0, 4294967295, 305419896),
    "int64": (0, -1, 2**53, -(2**53), 81985529216486895 % 2**53),
    "uint64": (0, 2**53, 4294967296),
    "float16": (0.0, 1.5, -2.25, 65504.0, 6.103515625e-05),
    "float32": (0.0, -0.0, 331.25, -0.0009765625, 3.4028234663852886e38),
    "float64": (0.0, 331.2500001, -1e300),
    "bcd16": (0, 9, 1234, 9999),
    "bcd32": (0, 12345678, 99999999),
    "bcd64": (0, 1234567890123456, 9007199254740992),
}
SCALES = [(1.0, 0.0), (0.1, 0.0), (-0.01, 0.0), (0.25, -40.0), (1.0, 5.0)]
LETTERS = {"float16": "e", "float32": "f", "float64": "d"}


def wire(kind: str, number: float, order: str) -> bytes:
    """The number as a device with this type and order sends it."""
    size = int(kind.lstrip("abcdefilnotu")) // 8
    if kind in LETTERS:
        body = struct.pack(">" + LETTERS[kind], number)
    elif kind.startswith("bcd"):
        body = bytes.fromhex(f"{int(number):0{2 * size}d}")
    else:
        body = int(number).to_bytes(size, "big", signed=kind.startswith("i"))
    return bytes(body[place] for place in POSITIONS[order, size])


def test_the_table_covers_every_type_and_order() -> None:
    assert NUMBERS.keys() | {"bool"} == CODES.keys()
    assert {order for order, _ in POSITIONS} == PACKINGS.keys()


@pytest.mark.parametrize(("kind", "order"), list(product(NUMBERS, PACKINGS)))
def test_numbers_of_every_type_and_order_are_read_scaled_and_written_back(kind: str, order: str) -> None:
    for number, (scale, offset) in product(NUMBERS[kind], SCALES):
        body = wire(kind, number, order)
        words = struct.unpack(f">{len(body) // 2}H", body)
        layout = RegisterLayout("holding", 3, kind, order)  # type: ignore[arg-type]
        raw = decode(words, layout)
        assert struct.pack("d", raw) == struct.pack("d", float(number))
        assert encode(float(number), layout) == words
        (request,) = prepare([PolledPoint("p.x", layout, 1000, scale, offset)], plant_id="p", limits={})
        assert request.question.count == len(words)
        expected = float(number) if (scale, offset) == (1.0, 0.0) else float(number) * scale + offset
        (got,) = request.readings(body)
        assert got is not None and struct.pack("d", got) == struct.pack("d", expected)


@pytest.mark.parametrize("order", PACKINGS)
def test_bits_and_bit_fields_are_taken_after_the_order(order: str) -> None:
    body = wire("uint16", 0b1010_0110_0001_1000, order)
    words = struct.unpack(">H", body)
    # Bit 0 is the lowest: of 1010 0110 0001 1000, bits 3 and 4 are set, and the mask 0x0F00 holds 6.
    bits = [decode(words, RegisterLayout("holding", 0, "uint16", order, bit)) for bit in range(16)]  # type: ignore[arg-type]
    assert bits == [0, 0, 0, 1, 1, 0, 0, 0, 0, 1, 1, 0, 0, 1, 0, 1]
    field = RegisterLayout("holding", 0, "uint16", order, mask=0x0F00)  # type: ignore[arg-type]
    assert field.shift == 8 and decode(words, field) == 6.0
    assert encode(6.0, field) == struct.unpack(">H", wire("uint16", 0x0600, order))
    long = RegisterLayout("holding", 0, "uint32", order, mask=0x00FFFF00)  # type: ignore[arg-type]
    words = struct.unpack(">2H", wire("uint32", 0x12345678, order))
    assert decode(words, long) == 0x3456
    with pytest.raises(CodecError, match="fits"):
        encode(16, field)


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("bcd16", "123a"),
        ("bcd32", "f2345678"),
        ("bcd64", "000000000000000b"),
        ("bcd64", "9999999999999999"),
        ("float16", "7c00"),
        ("float16", "7e00"),
        ("float32", "ffc00000"),
        ("float64", "fff0000000000000"),
        ("uint64", "0020000000000001"),
        ("int64", "8000000000000000"),
    ],
)
def test_what_is_no_number_is_no_reading_alone_and_in_a_block(kind: str, body: str) -> None:
    data = bytes.fromhex(body)
    layout = RegisterLayout("holding", 0, kind)  # type: ignore[arg-type]
    with pytest.raises(CodecError):
        decode(struct.unpack(f">{len(data) // 2}H", data), layout)
    beside = RegisterLayout("holding", layout.width, "uint16")
    (block,) = plan({"a": layout, "b": beside}, max_registers=125, max_gap=0)
    assert block.decoder()(data + b"\x00\x07") == [None, 7]


def test_a_makers_sign_for_no_value_is_none() -> None:
    # ABB B23, 2CMC485003M0201: 0x7FFFFFFF in a signed register means that there is no value.
    layout = RegisterLayout("holding", 0, "int32", invalid=0x7FFFFFFF)
    with pytest.raises(CodecError, match="sign that there is none"):
        decode((0x7FFF, 0xFFFF), layout)
    (block,) = plan({"a": layout}, max_registers=125, max_gap=0)
    assert block.decoder()(b"\x7f\xff\xff\xff") == [None]
    assert block.decoder()(b"\x7f\xff\xff\xfe") == [0x7FFFFFFE]


def fuzz(inputs: int, *, seed: int) -> None:
    """Random registers through random blocks: a finite exact number or None for each, nothing else."""
    rng = random.Random(seed)
    while inputs > 0:
        points = {}
        for name in range(rng.randrange(1, 12)):
            kind = rng.choice(sorted(CODES))
            mask = rng.randrange(1, 1 << 16) if kind == "uint16" and rng.random() < 0.5 else None
            layout = RegisterLayout("holding", rng.randrange(100), kind, rng.choice(list(PACKINGS)), mask=mask)  # type: ignore[arg-type]
            points[f"p{name}"] = layout
        for block in plan(points, max_registers=125, max_gap=100):
            decoder = block.decoder()
            for _ in range(50):
                body = rng.randbytes(2 * block.count)
                for value in decoder(body):
                    assert value is None or (math.isfinite(value) and abs(value) <= 2**53) or isinstance(value, float)
                inputs -= 1


def test_no_registers_bring_the_decoders_down() -> None:
    fuzz(20_000, seed=3)
