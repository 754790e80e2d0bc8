"""Modbus registers to numbers and back: types, byte orders, bit fields.

Modbus Application Protocol V1.1b3 defines a register as 16 bits, the high byte first; how a 32- or 64-bit number lies
in several of them is each maker's habit, which `order` names: A is the most significant byte, and 64-bit numbers
follow the same pattern. A device may send NaN or an infinity; that is a failed read, never a number. Which registers
to ask for together is planned in `tanji.acquisition.blocks`; scale and offset belong to the point.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from tanji.errors import CodecError

Table = Literal["holding", "input", "coil", "discrete"]
RegisterType = Literal["bool", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64"]
Order = Literal["ABCD", "CDAB", "BADC", "DCBA"]

BIT_TABLES: Final = frozenset({"coil", "discrete"})

LARGEST_EXACT: Final = 2**53
"""Integers beyond this are not exact in a float64 reading."""

CODES: Final[dict[str, str]] = {
    "bool": "H",
    "int16": "h",
    "uint16": "H",
    "int32": "i",
    "uint32": "I",
    "int64": "q",
    "uint64": "Q",
    "float32": "f",
    "float64": "d",
}
"""Letter of the struct module for each register type."""

# Packing the received words with one byte order and unpacking with another gives all four orders without moving a
# byte in Python: (order of bytes in a word, order of the whole number).
PACKINGS: Final[dict[str, tuple[str, str]]] = {
    "ABCD": (">", ">"),
    "DCBA": (">", "<"),
    "BADC": ("<", ">"),
    "CDAB": ("<", "<"),
}

_FLOAT32_MAX: Final = float(np.finfo(np.float32).max)
_SATURATION: Final[dict[str, tuple[float, float]]] = {
    "int16": (-(2.0**15), 2.0**15 - 1),
    "uint16": (0.0, 2.0**16 - 1),
    "int32": (-(2.0**31), 2.0**31 - 1),
    "uint32": (0.0, 2.0**32 - 1),
    "int64": (-float(LARGEST_EXACT), float(LARGEST_EXACT)),
    "uint64": (0.0, float(LARGEST_EXACT)),
    "float32": (-_FLOAT32_MAX, _FLOAT32_MAX),
}


@dataclass(frozen=True, slots=True)
class RegisterLayout:
    """Where a value lives and how it lies there. `address` is zero-based, as on the wire."""

    table: Table
    address: int
    type: RegisterType
    order: Order = "ABCD"
    bit: int | None = None
    unit_id: int = 1

    def __post_init__(self) -> None:
        """Refuse a layout no register can have."""
        if self.type not in CODES:
            raise CodecError(f"expected a register type, one of {', '.join(CODES)}, got {self.type!r}")
        if self.order not in PACKINGS:
            raise CodecError(f"expected a byte order, one of {', '.join(PACKINGS)}, got {self.order!r}")
        if self.table in BIT_TABLES and self.type != "bool":
            raise CodecError(f"expected type bool in table {self.table}, got {self.type}")
        if self.bit is not None and (self.table in BIT_TABLES or self.type not in ("bool", "int16", "uint16")):
            raise CodecError(f"expected a bit only in a register of one word, got {self.type} in {self.table}")
        if self.bit is not None and not 0 <= self.bit <= 15:
            raise CodecError(f"expected bit 0 to 15, got {self.bit}")
        if not 0 <= self.address <= 65536 - self.width:
            raise CodecError(f"expected an address of 0 to {65536 - self.width}, got {self.address}")

    @property
    def width(self) -> int:
        """How many registers (or coils) it takes."""
        return 1 if self.table in BIT_TABLES else struct.calcsize(">" + CODES[self.type]) // 2

    @property
    def end(self) -> int:
        """Address after the last register."""
        return self.address + self.width

    @property
    def is_bit(self) -> bool:
        """Whether it yields 0 or 1 from a whole word."""
        return self.bit is not None or self.type == "bool"


def decode(words: Sequence[int], layout: RegisterLayout) -> float:
    """The register value, unscaled. `words` are the registers (or the one coil) of this layout alone."""
    if len(words) != layout.width:
        raise CodecError(f"expected {layout.width} registers for {layout.type}, got {len(words)}")
    if layout.table in BIT_TABLES:
        return 1.0 if words[0] else 0.0
    pack, unpack = PACKINGS[layout.order]
    try:
        (number,) = struct.unpack(unpack + CODES[layout.type], struct.pack(f"{pack}{len(words)}H", *words))
    except struct.error as error:
        raise CodecError(f"expected registers of 0 to 65535, got {list(words)}") from error
    return checked(bit_of(number, layout) if layout.is_bit else number)


def bit_of(word: int, layout: RegisterLayout) -> int:
    """0 or 1: the layout's bit of a word, or for a plain bool whether the word is anything but zero."""
    return 1 if (word != 0 if layout.bit is None else word >> layout.bit & 1) else 0


def checked(number: float) -> float:
    """The number as float64; CodecError if it is not finite or not exact there."""
    if not math.isfinite(number):
        raise CodecError(f"expected a finite number, got {number}")
    if isinstance(number, int) and abs(number) > LARGEST_EXACT:
        raise CodecError(f"expected an integer of at most 2^53, got {number}")
    return float(number)


def encode(value: float, layout: RegisterLayout) -> tuple[int, ...]:
    """The registers that hold an unscaled value; integers are rounded half to even. A bit comes alone in its word.

    Floats may be NaN or infinite, because devices send such registers.
    """
    if layout.table in BIT_TABLES:
        return (int(value != 0),)
    pack, unpack = PACKINGS[layout.order]
    code = CODES[layout.type]
    number = int(value != 0) << (layout.bit or 0) if layout.is_bit else value
    try:
        # A bit field is written as an unsigned word, whatever its type says: bit 15 is no sign here.
        body = struct.pack(unpack + ("H" if layout.is_bit else code), number if code in "fd" else round(number))
    except (struct.error, OverflowError, ValueError) as error:
        raise CodecError(f"expected a number that fits {layout.type}, got {value}") from error
    return struct.unpack(f"{pack}{layout.width}H", body)


def through_registers(
    values: NDArray[np.float64], layout: RegisterLayout, *, scale: float, offset: float
) -> NDArray[np.float64]:
    """What a device with this register would report for true values: register count x scale + offset.

    values : array  True values in the point's unit. NaN stays NaN.
    Integers are rounded half to even and saturate at the ends of their type, float32 is rounded to its 24 bits; the
    arithmetic back is the poller's, bit for bit. Where a counter wraps is the caller's.
    """
    plain = scale == 1 and offset == 0
    raw = np.asarray(values, np.float64) if plain else (np.asarray(values, np.float64) - offset) / scale
    if layout.is_bit:
        raw = np.where(np.isnan(raw), raw, (np.rint(raw) != 0).astype(np.float64))
    elif layout.type in _SATURATION:
        raw = np.clip(raw, *_SATURATION[layout.type])
        # Adding 0.0 turns the -0.0 of a rounded small negative into the 0 an integer register holds.
        raw = raw.astype(np.float32).astype(np.float64) if layout.type == "float32" else np.rint(raw) + 0.0
    return raw if plain else raw * scale + offset
