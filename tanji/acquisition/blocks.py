"""Which registers to ask for together, and how to take an answer apart.

One request reads up to `max_registers` neighbouring registers of one table of one unit id (Modbus Application Protocol
V1.1b3: 125 registers or 2000 coils). Going over a gap costs little, a request costs a round trip, so a plan reads up to
`max_gap` unused registers to save one, but never a forbidden one. Taking the answer apart is
`tanji.acquisition.block_decoder`.
"""

from __future__ import annotations

import struct
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from tanji.acquisition.block_decoder import Decoder, decoder
from tanji.acquisition.registers import BIT_TABLES, RegisterLayout, Table
from tanji.errors import CodecError

COILS_PER_REGISTER: Final = 16
"""A coil takes a sixteenth of a register in the answer: limits for coils are the registers' times this."""

MOST_COILS: Final = 2000
"""Modbus Application Protocol V1.1b3, 6.1: most coils in one request."""


@dataclass(frozen=True, slots=True)
class Forbidden:
    """Addresses of a table, both ends included, that no request may touch."""

    table: Table
    first: int
    last: int

    def touches(self, table: Table, address: int, end: int) -> bool:
        """Whether any address of [address, end) is forbidden."""
        return table == self.table and address <= self.last and self.first < end


@dataclass(frozen=True, slots=True)
class PlanLimits:
    """What a device lets one request be.

    splits : addresses of a table at which a request has to begin anew. alone : one point a request.
    """

    max_registers: int = 125
    max_gap: int = 16
    splits: tuple[tuple[Table, int], ...] = ()
    forbidden: tuple[Forbidden, ...] = ()
    alone: bool = False


@dataclass(frozen=True, slots=True)
class Block:
    """One request: `count` registers (or coils) from `address`, and the points it serves in order of address."""

    unit_id: int
    table: Table
    address: int
    count: int
    points: tuple[str, ...]
    layouts: tuple[RegisterLayout, ...]

    @property
    def size(self) -> int:
        """Bytes of data in its answer."""
        return -(-self.count // 8) if self.table in BIT_TABLES else 2 * self.count

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
        """A function from the data bytes of an answer to one number per point, None where there is none."""
        return decoder(self.layouts, table=self.table, address=self.address, count=self.count)

    def words(self, body: bytes, layout: RegisterLayout) -> tuple[int, ...]:
        """The registers (or the one coil) of a layout in the data bytes of an answer, for people."""
        place = layout.address - self.address
        if self.table in BIT_TABLES:
            return (body[place >> 3] >> (place & 7) & 1,)
        return struct.unpack_from(f">{layout.width}H", body, 2 * place)


def plan(
    layouts_by_point: Mapping[str, RegisterLayout],
    *,
    max_registers: int,
    max_gap: int,
    splits: Collection[tuple[Table, int]] = (),
    forbidden: Sequence[Forbidden] = (),
    alone: bool = False,
) -> tuple[Block, ...]:
    """The fewest requests that read every layout within the limits: `PlanLimits` says what each means.

    A number is never split over two requests: its halves would be of different moments.
    """
    limits = PlanLimits(max_registers, max_gap, tuple(splits), tuple(forbidden), alone)
    if max_registers < max((layout.width for layout in layouts_by_point.values()), default=1):
        raise CodecError(f"expected room for the widest register in one request, got {max_registers} registers")
    blocks: list[Block] = []
    group: list[tuple[str, RegisterLayout]] = []
    end = 0
    for point, layout in sorted(layouts_by_point.items(), key=_place):
        if any(each.touches(layout.table, layout.address, layout.end) for each in limits.forbidden):
            raise CodecError(f"{point}: expected a register that may be read, got {layout.table} {layout.address}")
        if group and _fits(group[0][1], layout, end, limits):
            group.append((point, layout))
            end = max(end, layout.end)
            continue
        if group:
            blocks.append(_block(group, end))
        group, end = [(point, layout)], layout.end
    return (*blocks, _block(group, end)) if group else ()


def _place(item: tuple[str, RegisterLayout]) -> tuple[int, str, int, int, int, str]:
    point, layout = item
    return layout.unit_id, layout.table, layout.address, layout.width, layout.bit or layout.shift, point


def _fits(first: RegisterLayout, layout: RegisterLayout, end: int, limits: PlanLimits) -> bool:
    if limits.alone or (first.unit_id, first.table) != (layout.unit_id, layout.table):
        return False
    table, most, gap = layout.table, limits.max_registers, limits.max_gap
    if table in BIT_TABLES:
        most = min(MOST_COILS, most * COILS_PER_REGISTER)
        gap *= COILS_PER_REGISTER
    if layout.address - end > gap or max(end, layout.end) - first.address > most:
        return False
    if any(where == table and first.address < address <= layout.address for where, address in limits.splits):
        return False
    return not any(each.touches(table, end, layout.address) for each in limits.forbidden)


def _block(group: Iterable[tuple[str, RegisterLayout]], end: int) -> Block:
    points, layouts = zip(*group, strict=True)
    first: RegisterLayout = layouts[0]
    return Block(first.unit_id, first.table, first.address, end - first.address, points, layouts)
