"""Which registers to ask for together, and how to take an answer apart.

One request reads up to `max_registers` neighbouring registers of one table of one unit id (Modbus Application Protocol
V1.1b3: 125 registers or 2000 coils). Going over a gap costs little, a request costs a round trip, so a plan reads up to
`max_gap` unused registers to save one. Decoding is prepared once: packing the words with one byte order and unpacking
them with another yields every number of a block in a few calls.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from tanji.acquisition.registers import BIT_TABLES, CODES, LARGEST_EXACT, PACKINGS, RegisterLayout, Table, bit_of
from tanji.errors import CodecError

COILS_PER_REGISTER: Final = 16
"""A coil takes a sixteenth of a register in the answer: limits for coils are the registers' times this."""

MOST_COILS: Final = 2000
"""Modbus Application Protocol V1.1b3, 6.1: most coils in one request."""

Decoder = Callable[[Sequence[int]], list[float | None]]


@dataclass(frozen=True, slots=True)
class Block:
    """One request: `count` registers (or coils) from `address`, and the points it serves in order of address."""

    unit_id: int
    table: Table
    address: int
    count: int
    points: tuple[str, ...]
    layouts: tuple[RegisterLayout, ...]

    def halves(self) -> tuple[Block, Block]:
        """Two smaller requests: split at the widest gap, or in the middle if there is none.

        A device refuses a whole request for one register it does not have; halving again and again isolates it.
        """
        pairs = list(zip(self.points, self.layouts, strict=True))
        ends = [max(layout.end for layout in self.layouts[:count]) for count in range(1, len(pairs))]
        gaps = [layout.address - end for layout, end in zip(self.layouts[1:], ends, strict=True)]
        widest = max(gaps)
        cut = 1 + gaps.index(widest) if widest > 0 else len(pairs) // 2
        return _block(pairs[:cut], ends[cut - 1]), _block(pairs[cut:], max(layout.end for _, layout in pairs[cut:]))

    def decoder(self) -> Decoder:
        """A function from the words (or bits) of an answer to one number per point, None where there is none."""
        if self.table in BIT_TABLES:
            places = tuple(layout.address - self.address for layout in self.layouts)
            return lambda bits: [1.0 if bits[place] else 0.0 for place in places]
        return _register_decoder(self)


def plan(layouts_by_point: Mapping[str, RegisterLayout], *, max_registers: int, max_gap: int) -> tuple[Block, ...]:
    """The fewest requests that read every layout, none wider than the limit, no gap inside wider than `max_gap`.

    A number is never split over two requests: its halves would be of different moments.
    """
    if max_registers < max((layout.width for layout in layouts_by_point.values()), default=1):
        raise CodecError(f"expected room for the widest register in one request, got {max_registers} registers")
    blocks: list[Block] = []
    group: list[tuple[str, RegisterLayout]] = []
    end = 0
    for point, layout in sorted(layouts_by_point.items(), key=_place):
        if group and _fits(group[0][1], layout, end, max_registers=max_registers, max_gap=max_gap):
            group.append((point, layout))
            end = max(end, layout.end)
            continue
        if group:
            blocks.append(_block(group, end))
        group, end = [(point, layout)], layout.end
    return (*blocks, _block(group, end)) if group else ()


def _place(item: tuple[str, RegisterLayout]) -> tuple[int, str, int, int, int, str]:
    point, layout = item
    return layout.unit_id, layout.table, layout.address, layout.width, layout.bit or 0, point


def _fits(first: RegisterLayout, layout: RegisterLayout, end: int, *, max_registers: int, max_gap: int) -> bool:
    if (first.unit_id, first.table) != (layout.unit_id, layout.table):
        return False
    if layout.table in BIT_TABLES:
        max_registers = min(MOST_COILS, max_registers * COILS_PER_REGISTER)
        max_gap *= COILS_PER_REGISTER
    return layout.address - end <= max_gap and max(end, layout.end) - first.address <= max_registers


def _block(group: Iterable[tuple[str, RegisterLayout]], end: int) -> Block:
    points, layouts = zip(*group, strict=True)
    first: RegisterLayout = layouts[0]
    return Block(first.unit_id, first.table, first.address, end - first.address, points, layouts)


@dataclass(frozen=True, slots=True)
class _Layer:
    """Registers that one struct can take out of an answer: the same packing, none on top of another."""

    pack: struct.Struct
    unpack: struct.Struct
    layouts: tuple[RegisterLayout, ...]


def _layers(block: Block) -> list[_Layer]:
    """The distinct registers of a block in as few structs as their orders and overlaps allow."""
    waiting = {_whole(layout): None for layout in block.layouts}  # bits of one word are taken out of it later
    layers = []
    for order in dict.fromkeys(layout.order for layout in waiting):
        rest = [layout for layout in waiting if layout.order == order]
        while rest:
            chosen, end = [], block.address
            for layout in rest:
                if layout.address >= end:
                    chosen.append(layout)
                    end = layout.end
            layers.append(_layer(block, order, chosen))
            rest = [layout for layout in rest if layout not in chosen]
    return layers


def _whole(layout: RegisterLayout) -> RegisterLayout:
    """The register as it is read: a bit is read with its word."""
    if not layout.is_bit:
        return layout
    return RegisterLayout(layout.table, layout.address, "uint16", layout.order, unit_id=layout.unit_id)


def _layer(block: Block, order: str, layouts: Sequence[RegisterLayout]) -> _Layer:
    pack, unpack = PACKINGS[order]
    form, position = unpack, block.address
    for layout in layouts:
        form += f"{2 * (layout.address - position)}x" + CODES[layout.type]
        position = layout.end
    form += f"{2 * (block.address + block.count - position)}x"
    return _Layer(struct.Struct(f"{pack}{block.count}H"), struct.Struct(form), tuple(layouts))


def _register_decoder(block: Block) -> Decoder:
    layers = _layers(block)
    slots = {layout: number for number, layout in enumerate(layout for layer in layers for layout in layer.layouts)}
    picks = [slots[_whole(layout)] for layout in block.layouts]
    in_order = picks == list(range(len(slots)))
    bits = [(i, layout) for i, layout in enumerate(block.layouts) if layout.is_bit]
    long = any(layout.type in ("int64", "uint64") for layout in block.layouts)
    steps = [(layer.pack.pack, layer.unpack.unpack) for layer in layers]
    (pack, unpack), *more = steps

    def decode(words: Sequence[int]) -> list[float | None]:
        numbers = unpack(pack(*words))
        for next_pack, next_unpack in more:
            numbers += next_unpack(next_pack(*words))
        values = list(numbers) if in_order else [numbers[pick] for pick in picks]
        for place, layout in bits:
            values[place] = bit_of(values[place], layout)
        # The sum is finite unless a number is not (or the sum overflows, which the closer look forgives).
        if long or not math.isfinite(sum(values)):
            return [value if math.isfinite(value) and _exact(value) else None for value in values]
        return values

    return decode


def _exact(value: float) -> bool:
    return not isinstance(value, int) or -LARGEST_EXACT <= value <= LARGEST_EXACT
