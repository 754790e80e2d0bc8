"""The flag word beside every value, the two masks over it, and the maps from and to device status.

Bits and maps follow docs on data quality: the word (25 bits, never renumbered or reused), OPC UA status codes
(OPC 10000-8 7.3.2, OPC 30142 table 13) and the data flags of HJ 212-2017 table 8. Letters of different standards
collide ("M" is maintenance required in NE 107 and maintenance in progress in HJ 212), so every conversion goes through
the bits. Which rule sets a bit is the quality package's affair.
"""

from __future__ import annotations

from enum import IntFlag

from tanji.errors import CodecError


class Flag(IntFlag):
    """What is known about a reading besides its value."""

    GAP = 1 << 0  # a hole before this sample
    DISORDER = 1 << 1  # arrived with a time earlier than one already seen
    DUPLICATE = 1 << 2  # same time as a sample already seen
    RANGE = 1 << 3  # outside the measuring range
    RATE = 1 << 4  # changes faster than the process can
    STUCK = 1 << 5  # constant although it should move
    SPIKE = 1 << 6  # single outlier
    NEGATIVE = 1 << 7  # negative where only positive is possible
    ROLLOVER = 1 << 8  # counter passed its end; increment repaired
    RESET = 1 << 9  # counter fell back; increment unknown
    COMM = 1 << 10  # communication lost
    FAULT = 1 << 11  # device fault
    CALIBRATION = 1 << 12  # calibrating, function check
    STOPPED = 1 << 13  # source or kiln shut down
    MANUAL = 1 << 14  # entered by hand, or a substitute value from the device
    OFF_SPEC = 1 << 15  # device says out of specification
    DRIFT = 1 << 16  # slow drift against a reference
    SHIFT = 1 << 17  # step against a reference
    BALANCE = 1 << 18  # breaks a mass or energy balance
    CROSS_CHECK = 1 << 19  # disagrees with a second way of measuring
    CERT_EXPIRED = 1 << 20  # no valid certificate at that time
    STALE = 1 << 21  # old value repeated as new
    MAINTENANCE_DUE = 1 << 22  # device asks for maintenance, still valid
    CLOCK = 1 << 23  # time source not trusted
    MAINTENANCE = 1 << 24  # maintenance in progress


NONE = Flag(0)
"""No remark: the reading may be used."""

INVALID = (
    Flag.RANGE
    | Flag.STUCK
    | Flag.COMM
    | Flag.FAULT
    | Flag.CALIBRATION
    | Flag.STALE
    | Flag.DUPLICATE
    | Flag.RESET
    | Flag.NEGATIVE
    | Flag.MAINTENANCE
)
"""A reading with any of these bits does not enter a carbon figure."""

REVIEW = (
    Flag.DRIFT
    | Flag.SHIFT
    | Flag.BALANCE
    | Flag.CROSS_CHECK
    | Flag.RATE
    | Flag.SPIKE
    | Flag.OFF_SPEC
    | Flag.CERT_EXPIRED
    | Flag.CLOCK
    | Flag.MANUAL
)
"""A reading with any of these bits is used, and a person should look at it."""

HIGHEST_WORD = 2**32 - 1
"""The flag word has 32 bits; the upper seven are free."""

_OPCUA_CODE = 0xFFFF0000  # the low half of a status code holds flag bits, not the code
_OPCUA_INFO_TYPE = 0x0C00
_OPCUA_DATA_VALUE = 0x0400  # the limit bits mean something only with this info type
_OPCUA_LIMIT = 0x0300  # both limit bits: the value is constant

_OPCUA_STATUS: dict[int, Flag] = {
    0x00960000: Flag.MANUAL,  # GoodLocalOverride: somebody set it by hand
    0x00DC0000: Flag.CALIBRATION,  # GoodEdited: simulation, function check
    0x04070000: Flag.FAULT,  # GoodFaultStateActive: an output in its fault state
    0x408F0000: Flag.STALE | Flag.COMM,  # UncertainNoCommunicationLastUsableValue
    0x40900000: Flag.STALE,  # UncertainLastUsableValue
    0x40910000: Flag.MANUAL,  # UncertainSubstituteValue
    0x40940000: Flag.OFF_SPEC | Flag.RANGE,  # UncertainEngineeringUnitsExceeded
    0x40F20000: Flag.OFF_SPEC | Flag.RANGE,  # UncertainOverRange
    0x40F30000: Flag.OFF_SPEC | Flag.RANGE,  # UncertainUnderRange
    0x42080000: Flag.MANUAL,  # UncertainTransducerInManual
    0x42090000: Flag.CALIBRATION,  # UncertainSimulatedValue
    0x420A0000: Flag.CALIBRATION,  # UncertainSensorCalibration
    0x80050000: Flag.COMM,  # BadCommunicationError
    0x800A0000: Flag.COMM,  # BadTimeout
    0x800C0000: Flag.COMM,  # BadShutdown
    0x800D0000: Flag.COMM,  # BadServerNotConnected
    0x800E0000: Flag.COMM,  # BadServerHalted
    0x80310000: Flag.COMM,  # BadNoCommunication
    0x80320000: Flag.COMM,  # BadWaitingForInitialData
    0x80850000: Flag.COMM,  # BadRequestTimeout
    0x808A0000: Flag.COMM,  # BadNotConnected
    0x808D0000: Flag.STOPPED,  # BadOutOfService
    0x80AC0000: Flag.COMM,  # BadConnectionRejected
    0x80AE0000: Flag.COMM,  # BadConnectionClosed
    0x80B20000: Flag.COMM,  # BadWaitingForResponse
}
"""Codes that say more than their severity (OPC 10000-4 7.39, 10000-8 7.3). All others follow it: Good says nothing,
Uncertain is OFF_SPEC, Bad is FAULT."""

_OPCUA_SEVERITY = (NONE, Flag.OFF_SPEC, Flag.FAULT, Flag.FAULT)  # good, uncertain, bad, reserved

_HJ212_IN: dict[str, Flag] = {
    "N": NONE,
    "F": Flag.STOPPED,
    "M": Flag.MAINTENANCE,
    "S": Flag.MANUAL,
    "D": Flag.FAULT,
    "C": Flag.CALIBRATION,
    "T": Flag.RANGE,
    "B": Flag.COMM,
}

# HJ/T 212-2005 has the same letters without B, P for lost power, and for air stations digits: 0 calibration, 1 weather,
# 2 abnormal, 3 normal.
_HJ212_2005_IN: dict[str, Flag] = _HJ212_IN | {
    "P": Flag.FAULT,
    "0": Flag.CALIBRATION,
    "1": NONE,
    "2": Flag.FAULT,
    "3": NONE,
}

# Outwards the first letter whose bits are set wins; a stale value is one the logger could not fetch, hence B.
_HJ212_OUT: tuple[tuple[str, Flag], ...] = (
    ("F", Flag.STOPPED),
    ("C", Flag.CALIBRATION),
    ("M", Flag.MAINTENANCE),
    ("D", Flag.FAULT),
    ("B", Flag.COMM | Flag.STALE),
    ("T", Flag.RANGE),
    ("S", Flag.MANUAL),
)


def from_opcua(status: int) -> Flag:
    """Flags of an OPC UA status code; a code outside the table follows its severity (the top two bits)."""
    flags = _OPCUA_STATUS.get(status & _OPCUA_CODE)
    if flags is None:
        flags = _OPCUA_SEVERITY[(status >> 30) & 3]
    if status & _OPCUA_INFO_TYPE == _OPCUA_DATA_VALUE and status & _OPCUA_LIMIT == _OPCUA_LIMIT:
        flags |= Flag.STUCK
    return flags


def from_hj212(letter: str, *, edition: int = 2017) -> Flag:
    """Flags of a data flag of HJ 212-2017 table 8, or of HJ/T 212-2005."""
    known = _HJ212_IN if edition == 2017 else _HJ212_2005_IN
    try:
        return known[letter]
    except KeyError:
        raise CodecError(f"expected an HJ 212 data flag, one of {''.join(known)}, got {letter[:20]!r}") from None


def to_hj212(word: int) -> str:
    """The one letter of HJ 212-2017 table 8 that a flag word is shown as."""
    return next((letter for letter, flags in _HJ212_OUT if word & flags), "N")


def names(word: int) -> tuple[str, ...]:
    """Names of the bits set in a flag word, lowest bit first; unnamed bits are shown as `BIT25`."""
    known = {flag.value: str(flag.name) for flag in Flag}
    return tuple(known.get(1 << bit, f"BIT{bit}") for bit in range(32) if word >> bit & 1)
