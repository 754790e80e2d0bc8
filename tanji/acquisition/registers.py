"""Modbus registers to numbers and back: types, byte orders, bits, bit fields, binary-coded decimals.

Modbus Application Protocol V1.1b3 defines a register as 16 bits, the high byte first; how a 32- or 64-bit number lies
in several of them is each maker's habit, which `order` names: A is the most significant byte, and 64-bit numbers
follow the same pattern. A device may send NaN, an infinity or a decimal digit above 9; that is a failed read, never a
number. Which registers to ask for together is planned in `tanji.acquisition.blocks`; text is
`tanji.acquisition.register_text`; scale and offset belong to the point.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from tanji.errors import CodecError

Table = Literal["holding", "input", "coil", "discrete"]
RegisterType = Literal[
    "bool", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float16", "float32", "float64",
    "bcd16", "bcd32", "bcd64",
]  # fmt: skip
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
    "float16": "e",
    "float32": "f",
    "float64": "d",
    "bcd16": "H",
    "bcd32": "I",
    "bcd64": "Q",
}
"""Letter of the struct module for each register type; a decimal is taken as its hexadecimal digits first."""

DECIMAL_DIGITS: Final = {"bcd16": 4, "bcd32": 8, "bcd64": 16}
"""Digits of the binary-coded decimals: four bits each, so that 0x1234 is one thousand two hundred and thirty-four."""

MASKED_TYPES: Final = ("uint16", "uint32")
"""Types of which a mask may take a part."""

# Packing the received words with one byte order and unpacking with another gives all four orders without moving a
# byte in Python: (order of bytes in a word, order of the whole number).
PACKINGS: Final[dict[str, tuple[str, str]]] = {
    "ABCD": (">", ">"),
    "DCBA": (">", "<"),
    "BADC": ("<", ">"),
    "CDAB": ("<", "<"),
}

_FLOAT32_MAX: Final = float(np.finfo(np.float32).max)
_NARROW_FLOATS: Final[dict[str, type[np.floating[Any]]]] = {"float16": np.float16, "float32": np.float32}
_SATURATION: Final[dict[str, tuple[float, float]]] = {
    "int16": (-(2.0**15), 2.0**15 - 1),
    "uint16": (0.0, 2.0**16 - 1),
    "int32": (-(2.0**31), 2.0**31 - 1),
    "uint32": (0.0, 2.0**32 - 1),
    "int64": (-float(LARGEST_EXACT), float(LARGEST_EXACT)),
    "uint64": (0.0, float(LARGEST_EXACT)),
    "float16": (-65504.0, 65504.0),
    "float32": (-_FLOAT32_MAX, _FLOAT32_MAX),
    "bcd16": (0.0, 9999.0),
    "bcd32": (0.0, 99999999.0),
    "bcd64": (0.0, float(LARGEST_EXACT)),
}


@dataclass(frozen=True, slots=True)
class RegisterLayout:
    """Where a value lives and how it lies there. `address` is zero-based, as on the wire.

    mask : of the number in the register, the bits that are the value; they are moved down to bit 0. invalid : the
    number by which the maker says that there is no value.
    """

    table: Table
    address: int
    type: RegisterType
    order: Order = "ABCD"
    bit: int | None = None
    unit_id: int = 1
    mask: int | None = None
    invalid: int | None = None

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
        if self.mask is not None:
            self._check_mask(self.mask)
        if not 0 <= self.address <= 65536 - self.width:
            raise CodecError(f"expected an address of 0 to {65536 - self.width}, got {self.address}")

    def _check_mask(self, mask: int) -> None:
        if self.bit is not None or self.table in BIT_TABLES or self.type not in MASKED_TYPES:
            raise CodecError(f"expected a mask only of {' or '.join(MASKED_TYPES)} and without bit, got {self.type}")
        if not 0 < mask < 1 << 16 * self.width:
            raise CodecError(f"expected a mask of the bits of {self.type}, got {mask:#x}")

    @property
    def shift(self) -> int:
        """How far the masked bits are moved down."""
        return 0 if self.mask is None else (self.mask & -self.mask).bit_length() - 1

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

    @property
    def is_part(self) -> bool:
        """Whether the number in the register is not the value yet: bits, decimal digits."""
        return self.is_bit or self.mask is not None or self.type in DECIMAL_DIGITS


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
    value = part_of(number, layout) if layout.is_part else number
    if layout.invalid is not None and value == layout.invalid:
        raise CodecError(f"expected a number, got {value}, the maker's sign that there is none")
    return checked(value)


def bit_of(word: int, layout: RegisterLayout) -> int:
    """0 or 1: the layout's bit of a word, or for a plain bool whether the word is anything but zero."""
    return 1 if (word != 0 if layout.bit is None else word >> layout.bit & 1) else 0


def part_of(number: int, layout: RegisterLayout) -> int:
    """The value of a layout that is part of the number in its register; CodecError if a decimal digit is none."""
    if layout.mask is not None:
        return (number & layout.mask) >> layout.shift
    if layout.type in DECIMAL_DIGITS:
        try:
            return int(f"{number:x}")
        except ValueError:
            digits = f"{number:0{DECIMAL_DIGITS[layout.type]}x}"
            raise CodecError(f"expected decimal digits, four bits each, got {digits}") from None
    return bit_of(number, layout)


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
    # A bit is written as an unsigned word, whatever its type says: bit 15 is no sign here.
    code = "H" if layout.is_bit else CODES[layout.type]
    try:
        body = struct.pack(unpack + code, value if code in "efd" else _whole(value, layout))
    except (struct.error, OverflowError, ValueError) as error:
        raise CodecError(f"expected a number that fits {layout.type}, got {value}") from error
    return struct.unpack(f"{pack}{layout.width}H", body)


def _whole(value: float, layout: RegisterLayout) -> int:
    """The integer a register holds for a value; ValueError if it cannot."""
    if layout.is_bit:
        return int(value != 0) << (layout.bit or 0)
    number = round(value)
    if layout.mask is not None:
        placed = number << layout.shift
        if number < 0 or placed & ~layout.mask:
            raise ValueError(number)
        return placed
    return int(str(number), 16) if layout.type in DECIMAL_DIGITS and number >= 0 else number


def through_registers(
    values: NDArray[np.float64], layout: RegisterLayout, *, scale: float, offset: float
) -> NDArray[np.float64]:
    """What a device with this register would report for true values: register count x scale + offset.

    values : array  True values in the point's unit. NaN stays NaN.
    Integers are rounded half to even and saturate at the ends of their type, float32 is rounded to its 24 bits and
    float16 to its 11; the arithmetic back is the poller's, bit for bit. Where a counter wraps is the caller's.
    """
    plain = scale == 1 and offset == 0
    raw = np.asarray(values, np.float64) if plain else (np.asarray(values, np.float64) - offset) / scale
    if layout.is_bit:
        raw = np.where(np.isnan(raw), raw, (np.rint(raw) != 0).astype(np.float64))
    elif layout.mask is not None:
        raw = np.rint(np.clip(raw, 0.0, layout.mask >> layout.shift)) + 0.0
    elif layout.type in _SATURATION:
        raw = np.clip(raw, *_SATURATION[layout.type])
        narrow = _NARROW_FLOATS.get(layout.type)
        # Adding 0.0 turns the -0.0 of a rounded small negative into the 0 an integer register holds.
        raw = np.rint(raw) + 0.0 if narrow is None else raw.astype(narrow).astype(np.float64)
    return raw if plain else raw * scale + offset
