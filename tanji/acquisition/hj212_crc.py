"""The checksum of HJ 212 telegrams (HJ 212-2017 annex A).

The polynomial is that of Modbus, the register is not: it loses its low byte before each exclusive or, so that a Modbus
CRC never fits a telegram.
"""

from __future__ import annotations

from typing import Final


def _table() -> tuple[int, ...]:
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0xA001 if value & 1 else 0)
        table.append(value)
    return tuple(table)


_TABLE: Final = _table()


def crc16(segment: bytes) -> int:
    """Checksum of a data segment."""
    register = 0xFFFF
    for byte in segment:
        register = _TABLE[register >> 8 ^ byte]
    return register
