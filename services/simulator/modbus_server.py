"""Modbus TCP servers with the plant's registers: one server per device, all its unit ids behind it.

A request is answered from the registers of its second, encoded by `tanji.acquisition.registers` the first time that
second is asked for; nothing runs between requests. A point that does not answer fails every request that touches it:
with the gateway's "no response" (0x0B) when the line is dead, with "device failure" (0x04) otherwise. A unit id
that does not exist gets 0x0B, as from a gateway with nothing on the line.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from pymodbus.constants import ExcCodes
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from services.simulator.instruments import layout_of
from services.simulator.live import Live, Shown
from tanji.acquisition.flags import Flag
from tanji.acquisition.registers import BIT_TABLES, RegisterLayout, encode
from tanji.plant.model import Plant, Point

TABLE_OF = {1: "coil", 2: "discrete", 3: "holding", 4: "input"}
ABSENT = 65000  # where a table that has no points keeps its one unused entry


@dataclass(slots=True)
class Table:
    """One table of one unit: its first address, its words of the present second, the points in it."""

    start: int
    words: list[int]
    points: list[tuple[int, Point, RegisterLayout]]
    silent: list[tuple[int, int, ExcCodes]] = field(default_factory=list)


class Unit:
    """One unit id: answers from its tables."""

    def __init__(self, live: Live, unit_id: int, points: list[tuple[int, Point, RegisterLayout]]) -> None:
        """points : place in the plant's point list, point, registers."""
        self.live, self.unit_id = live, unit_id
        self.tables = {name: _table(name, points) for name in {layout.table for _, _, layout in points}}
        self._second: int | None = None

    def device(self) -> SimDevice:
        """The unit as pymodbus serves it."""
        coils, discrete = (self._block(name, DataType.BITS) for name in ("coil", "discrete"))
        holding, inputs = (self._block(name, DataType.REGISTERS) for name in ("holding", "input"))
        return SimDevice(id=self.unit_id, simdata=(coils, discrete, holding, inputs), action=self.answer)

    def _block(self, name: str, datatype: DataType) -> list[SimData]:
        table = self.tables.get(name)
        if table is None:
            return [SimData(ABSENT, values=False if datatype is DataType.BITS else 0, datatype=datatype)]
        if datatype is DataType.BITS:
            return [SimData(0, values=[False] * (16 * len(table.words)), datatype=datatype)]
        return [SimData(table.start, values=[0] * len(table.words), datatype=datatype)]

    async def answer(
        self, function_code: int, start: int, address: int, count: int, registers: list[int], written: object
    ) -> ExcCodes | None:
        """Put the words of this second under a request, or refuse it. Meters are not written to."""
        table = self.tables.get(TABLE_OF.get(function_code, ""))
        if written is not None:
            return ExcCodes.ILLEGAL_FUNCTION
        if table is None:
            return ExcCodes.ILLEGAL_ADDRESS
        shown = self.live.now()
        if shown.second_ms != self._second:
            for each in self.tables.values():
                _refresh(each, shown)
            self._second = shown.second_ms
        for first, end, code in table.silent:
            if address < end and first < address + count:
                return code
        registers[: len(table.words)] = table.words
        return None


def _table(name: str, points: list[tuple[int, Point, RegisterLayout]]) -> Table:
    mine = [entry for entry in points if entry[2].table == name]
    end = max(layout.end for _, _, layout in mine)
    if name in BIT_TABLES:
        return Table(start=0, words=[0] * -(-end // 16), points=mine)
    start = min(layout.address for _, _, layout in mine)
    return Table(start=start, words=[0] * (end - start), points=mine)


def _refresh(table: Table, shown: Shown) -> None:
    """Encode every point of a table for one second."""
    table.words = [0] * len(table.words)
    table.silent = []
    for place, point, layout in table.points:
        if not shown.answering[place]:
            broken = shown.quality[place] & int(Flag.FAULT)
            code = ExcCodes.DEVICE_FAILURE if broken else ExcCodes.GATEWAY_NO_RESPONSE
            table.silent.append((layout.address, layout.end, code))
            continue
        words = encode(unscaled(point, float(shown.values[place])), layout)
        if layout.table in BIT_TABLES:
            table.words[layout.address // 16] |= words[0] << layout.address % 16
            continue
        for offset, word in enumerate(words, start=layout.address - table.start):
            table.words[offset] |= word  # several points may share a word, a bit each


def unscaled(point: Point, value: float) -> float:
    """The register value behind a reading in stored form."""
    if point.kind == "counter" or (point.scale == 1 and point.offset == 0):
        return value
    raw = (value - point.offset) / point.scale
    return raw if point.modbus is not None and point.modbus.type.startswith("float") else float(np.rint(raw))


async def _no_such_unit(*_: object) -> ExcCodes:
    return ExcCodes.GATEWAY_NO_RESPONSE


def units(plant: Plant, live: Live, device_id: str) -> list[SimDevice]:
    """Every unit id of a device, and the one that stands for all others."""
    by_unit: dict[int, list[tuple[int, Point, RegisterLayout]]] = {}
    for place, point in enumerate(plant.points):
        layout = layout_of(plant, point)
        if layout is not None and plant.device_of(point).id == device_id:
            by_unit.setdefault(layout.unit_id, []).append((place, point, layout))
    served = [Unit(live, unit_id, points).device() for unit_id, points in by_unit.items()]
    if 0 not in by_unit:
        everywhere = [SimData(0, count=4096, values=0, datatype=DataType.REGISTERS)]
        served.append(SimDevice(id=0, simdata=everywhere, action=_no_such_unit))
    return served


async def start_modbus(
    plant: Plant, live: Live, *, ports: Mapping[str, int], host: str | None = None
) -> dict[str, tuple[ModbusTcpServer, tuple[str, int]]]:
    """Start a server per Modbus device. ports : port by device id, 0 for a free one; else the plant file's."""
    started = {}
    for device in plant.devices:
        if device.protocol != "modbus_tcp":
            continue
        address = (host or device.host, ports.get(device.id, device.port))
        server = ModbusTcpServer(units(plant, live, device.id), address=address)
        await server.serve_forever(background=True)
        bound = server.transport.sockets[0].getsockname()[:2]
        started[device.id] = (server, (bound[0], bound[1]))
    return started
