"""The Modbus part of the plant model: lines, the limits of what is behind them, and where a value lies.

Lines are Modbus TCP, RTU over a serial port and RTU over TCP (Modbus Application Protocol V1.1b3, Modbus over Serial
Line V1.02). What kinds of instrument keep where is `tanji.plant.templates`; reading it is the Modbus poller's.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from tanji.plant.records import DeviceTiming, Frozen, Identifier

Table = Literal["holding", "input", "coil", "discrete"]
Order = Literal["ABCD", "CDAB", "BADC", "DCBA"]
RegisterType = Literal[
    "bool", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float16", "float32", "float64",
    "bcd16", "bcd32", "bcd64",
]  # fmt: skip
Address = Annotated[int, Field(ge=0, le=65535)]


class RegisterPlace(Frozen):
    """One register (or coil) of a table, zero-based."""

    table: Table = "holding"
    address: Address


class RegisterSpan(Frozen):
    """Registers from `first` to `last`, both included, zero-based."""

    table: Table = "holding"
    first: Address
    last: Address


class RequestLimits(Frozen):
    """What one request to an instrument may be."""

    max_registers: int = Field(125, ge=1, le=125, description="Most registers the device answers at once.")
    max_gap: int = Field(16, ge=0, le=124, description="Unused registers that may be read to save a request.")
    split_at: tuple[RegisterPlace, ...] = Field((), description="Where a request has to begin anew.")
    forbidden: tuple[RegisterSpan, ...] = Field((), description="Registers that are never read, not even in a gap.")
    one_point_per_request: bool = Field(False, description="For devices that answer only one value at a time.")


class ModbusLine(DeviceTiming, RequestLimits):
    """A line with one instrument, or several unit ids, asked strictly one after another."""

    retries: int = Field(1, ge=0, le=5, description="How often a damaged or missing answer is asked for again.")
    pause_ms: int = Field(0, ge=0, le=10_000, description="Rest between two requests.")
    connect_pause_ms: int = Field(0, ge=0, le=10_000, description="Rest after connecting.")
    disconnect_after_cycle: bool = Field(False, description="For devices that serve one client at a time.")
    template: Identifier | None = Field(None, description="Kind of instrument of all meters here without their own.")


class ModbusDevice(ModbusLine):
    """A Modbus TCP server, or a gateway that passes RTU frames on over TCP."""

    protocol: Literal["modbus_tcp", "modbus_rtu_tcp"]
    host: str
    port: int = Field(502, ge=1, le=65535)


class ModbusSerialDevice(ModbusLine):
    """A serial line of this machine, usually RS-485."""

    protocol: Literal["modbus_rtu"]
    serial_port: str = Field(pattern=r"^/dev/\S+$", description="A name under /dev/serial/by-id stays the same.")
    baud: Literal[1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200, 230400] = 9600
    parity: Literal["none", "even", "odd"] = "even"
    stop_bits: Literal[1, 2] = 1


class Register(Frozen):
    """Where a Modbus point lives. `order` is the order of the bytes on the wire, A being the most significant.

    mask : takes part of the number (uint16 or uint32): its bits are moved down to bit 0. 0x0F00 is a number of 0 to 15.
    """

    table: Table = "holding"
    address: int = Field(ge=0, le=65535, description="Zero-based address as on the wire, not 40001.")
    type: RegisterType = "uint16"
    order: Order = "ABCD"
    bit: Annotated[int, Field(ge=0, le=15)] | None = None
    mask: Annotated[int, Field(gt=0, lt=2**32)] | None = Field(None, description="Bits of the number that are it.")
    invalid: int | None = Field(None, description="The maker's sign for no value, as the register type shows it.")


class SerialRegister(Frozen):
    """Where an instrument keeps its serial number: text, or a whole number. It identifies; it is never a reading."""

    table: Literal["holding", "input"] = "holding"
    address: Address
    type: Literal["string", "uint16", "uint32", "uint64", "bcd16", "bcd32", "bcd64"] = "string"
    words: int = Field(8, ge=1, le=64, description="Registers of the text, two characters each.")
    order: Order = "ABCD"
