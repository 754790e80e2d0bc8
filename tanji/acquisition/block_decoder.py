"""From the bytes of an answer to the numbers of its points.

Prepared once per request: swapping the bytes of every word or not, and unpacking with one byte order or the other,
yields every number of a block in a few calls and in any of the four orders, without moving a word in Python.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tanji.acquisition.registers import (
    BIT_TABLES,
    CODES,
    DECIMAL_DIGITS,
    LARGEST_EXACT,
    PACKINGS,
    RegisterLayout,
    RegisterType,
    Table,
    part_of,
)
from tanji.errors import CodecError

Decoder = Callable[[bytes], list[float | None]]


def decoder(layouts: Sequence[RegisterLayout], *, table: Table, address: int, count: int) -> Decoder:
    """A function from the data bytes of an answer to one number per layout, None where there is none.

    address, count : what was asked for; every layout lies within.
    """
    if table in BIT_TABLES:
        places = tuple(layout.address - address for layout in layouts)
        return lambda body: [float(body[place >> 3] >> (place & 7) & 1) for place in places]
    return _of_registers(layouts, _layers(layouts, address=address, end=address + count))


@dataclass(frozen=True, slots=True)
class _Layer:
    """Registers that one struct can take out of an answer: the same order of bytes, none on top of another."""

    swapped: bool
    unpack: struct.Struct
    layouts: tuple[RegisterLayout, ...]


def _layers(layouts: Sequence[RegisterLayout], *, address: int, end: int) -> list[_Layer]:
    """The distinct registers of a block in as few structs as their orders and overlaps allow."""
    waiting = {_whole(layout): None for layout in layouts}  # parts of one word are taken out of it later
    layers = []
    for order in dict.fromkeys(layout.order for layout in waiting):
        rest = [layout for layout in waiting if layout.order == order]
        while rest:
            chosen, free = [], address
            for layout in rest:
                if layout.address >= free:
                    chosen.append(layout)
                    free = layout.end
            layers.append(_layer(chosen, order=order, address=address, end=end))
            rest = [layout for layout in rest if layout not in chosen]
    return layers


def _whole(layout: RegisterLayout) -> RegisterLayout:
    """The register as it is read: bits and decimal digits are taken out of the whole unsigned number."""
    if not layout.is_part:
        return replace(layout, invalid=None)
    unsigned: dict[int, RegisterType] = {1: "uint16", 2: "uint32", 4: "uint64"}
    return RegisterLayout(layout.table, layout.address, unsigned[layout.width], layout.order, unit_id=layout.unit_id)


def _layer(layouts: Sequence[RegisterLayout], *, order: str, address: int, end: int) -> _Layer:
    words, unpack = PACKINGS[order]
    form, position = unpack, address
    for layout in layouts:
        form += f"{2 * (layout.address - position)}x" + CODES[layout.type]
        position = layout.end
    form += f"{2 * (end - position)}x"
    return _Layer(words == "<", struct.Struct(form), tuple(layouts))


def byte_swapped(body: bytes) -> bytes:
    """The same words, the low byte of each first."""
    out = bytearray(len(body))
    out[0::2], out[1::2] = body[1::2], body[0::2]
    return bytes(out)


def _of_registers(layouts: Sequence[RegisterLayout], layers: Sequence[_Layer]) -> Decoder:
    slots = {layout: number for number, layout in enumerate(layout for layer in layers for layout in layer.layouts)}
    picks = [slots[_whole(layout)] for layout in layouts]
    in_order = picks == list(range(len(slots)))
    parts = [(i, layout) for i, layout in enumerate(layouts) if layout.is_part]
    signs = [(i, layout.invalid) for i, layout in enumerate(layouts) if layout.invalid is not None]
    long = any(layout.type in ("int64", "uint64", "bcd64") for layout in layouts)
    steps = [(layer.swapped, layer.unpack.unpack) for layer in layers]
    any_swapped = any(swapped for swapped, _ in steps)

    def decode(body: bytes) -> list[float | None]:
        other = byte_swapped(body) if any_swapped else body
        numbers: tuple[Any, ...] = ()
        for swapped, unpack in steps:
            numbers += unpack(other if swapped else body)
        values: list[Any] = list(numbers) if in_order else [numbers[pick] for pick in picks]
        broken = False
        for place, layout in parts:
            if layout.type in DECIMAL_DIGITS:
                values[place] = _decimal(values[place], layout)
                broken = broken or values[place] is None
            else:
                values[place] = part_of(values[place], layout)
        for place, sign in signs:
            if values[place] == sign:
                values[place], broken = None, True
        # The sum is finite unless a number is not (or the sum overflows, which the closer look forgives).
        if broken or long or not math.isfinite(sum(values)):
            return [value if value is not None and math.isfinite(value) and _exact(value) else None for value in values]
        return values

    return decode


def _decimal(number: int, layout: RegisterLayout) -> int | None:
    try:
        return part_of(number, layout)
    except CodecError:
        return None


def _exact(value: float) -> bool:
    return not isinstance(value, int) or -LARGEST_EXACT <= value <= LARGEST_EXACT
