"""A plant of 20 Modbus devices with 100 points each, and its servers: what the polling benchmarks read.

Run as a script it serves the devices on free ports until its standard input closes, and prints the ports as JSON.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tanji.acquisition.registers import RegisterLayout, encode
from tanji.plant.model import Line, Meter, ModbusDevice, Plant, Point, Register, Site

DEVICES = 20
KINDS = ["float32"] * 60 + ["uint16"] * 30 + ["uint32"] * 10
"""Of each device: float registers, scaled integers, counters. Neighbouring registers, in the order most makers use."""

NAME = {"zh": "测", "en": "benchmark"}


def registers() -> list[Register]:
    """The registers of one device."""
    out, address = [], 0
    for kind in KINDS:
        register = Register.model_validate({"address": address, "type": kind, "order": "CDAB"})
        out.append(register)
        address += RegisterLayout("holding", address, register.type).width
    return out


def plant() -> Plant:
    """The plant file of this benchmark."""
    kiln = {"id": "kiln1", "name": NAME, "running": "kiln1.running"}
    scales = {"float32": 1.0, "uint16": 0.1, "uint32": 1.0}
    ids = [f"device{number:02d}" for number in range(DEVICES)]
    return Plant(
        tanji=1,
        site=Site.model_validate({"id": "bench", "name": NAME}),
        lines=(Line.model_validate({"id": "line1", "name": NAME, "capacity_t_per_day": 5000, "kiln": kiln}),),
        devices=tuple(
            ModbusDevice.model_validate({"id": key, "name": NAME, "protocol": "modbus_tcp", "host": "127.0.0.1"})
            for key in ids
        ),
        meters=tuple(
            Meter.model_validate({"id": key, "name": NAME, "kind": "control_system", "device": key}) for key in ids
        ),
        points=tuple(
            Point.model_validate(
                {
                    "id": f"line1.{key}.value_{number:03d}",
                    "name": NAME,
                    "meter": key,
                    "kind": "counter" if register.type == "uint32" else "rate",
                    "unit": "t" if register.type == "uint32" else "t/h",
                    "modbus": register,
                    "scale": scales[register.type],
                }
            )
            for key in ids
            for number, register in enumerate(registers())
        ),
        streams=(),
    )


@contextmanager
def served() -> Iterator[dict[str, tuple[str, int]]]:
    """The devices, served by another process: host and port by device id."""
    process = subprocess.Popen([sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        ports = json.loads(process.stdout.readline())
        yield {f"device{number:02d}": ("127.0.0.1", port) for number, port in enumerate(ports)}
    finally:
        process.kill()
        process.communicate()


async def serve() -> None:
    """Serve until standard input closes."""
    from pymodbus.server import ModbusTcpServer
    from pymodbus.simulator import DataType, SimData, SimDevice

    ports = []
    for number in range(DEVICES):
        words: list[int] = []
        for place, register in enumerate(registers()):
            layout = RegisterLayout("holding", register.address, register.type, register.order)
            words += encode(331.37 + place if register.type == "float32" else 1000 * number + place, layout)
        device = SimDevice(id=1, simdata=[SimData(0, values=words, datatype=DataType.REGISTERS)])
        server = ModbusTcpServer([device], address=("127.0.0.1", 0))
        await server.serve_forever(background=True)
        ports.append(server.transport.sockets[0].getsockname()[1])  # type: ignore[union-attr]
    print(json.dumps(ports), flush=True)
    await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(serve())
