"""Text in Modbus registers: serial numbers and the like, two characters a register.

Modbus Application Protocol V1.1b3 knows no text; makers put ASCII into neighbouring registers, the first character in
the high byte or (swapped) in the low one, and fill up with NUL, 0xFF or blanks. Text identifies an instrument; it is
never a reading.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Final

from tanji.errors import CodecError

FILLING: Final = b"\x00\xff \t"


def text_of(words: Sequence[int], *, swapped: bool = False) -> str:
    """The text in these registers without what fills them up; CodecError where it is no printable ASCII."""
    try:
        body = struct.pack(f"{'<' if swapped else '>'}{len(words)}H", *words)
    except struct.error as error:
        raise CodecError(f"expected registers of 0 to 65535, got {list(words)}") from error
    # What follows the first NUL is left over from a longer text before.
    text = body.lstrip(FILLING).partition(b"\x00")[0].strip(FILLING)
    if not all(0x20 <= byte < 0x7F for byte in text):
        raise CodecError(f"expected printable ASCII, got {body.hex(' ')}")
    return text.decode("ascii")
