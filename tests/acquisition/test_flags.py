"""The flag word. Bits and maps are those of the data-quality reference, sections 2 and 3."""

from __future__ import annotations

import pytest
from asyncua import ua

from tanji.acquisition.flags import INVALID, REVIEW, Flag, from_hj212, from_opcua, names, to_hj212
from tanji.errors import CodecError

IN_ORDER = (
    "GAP DISORDER DUPLICATE RANGE RATE STUCK SPIKE NEGATIVE ROLLOVER RESET COMM FAULT CALIBRATION STOPPED MANUAL "
    "OFF_SPEC DRIFT SHIFT BALANCE CROSS_CHECK CERT_EXPIRED STALE MAINTENANCE_DUE CLOCK MAINTENANCE"
).split()


def test_the_25_bits_never_change_their_numbers() -> None:
    assert [(flag.name, flag.value) for flag in Flag] == [(name, 1 << bit) for bit, name in enumerate(IN_ORDER)]


def test_no_bit_is_both_invalid_and_for_review_and_some_are_neither() -> None:
    assert not INVALID & REVIEW
    neither = Flag.GAP | Flag.DISORDER | Flag.ROLLOVER | Flag.MAINTENANCE_DUE | Flag.STOPPED
    assert INVALID | REVIEW | neither == Flag((1 << 25) - 1)
    assert not (INVALID | REVIEW) & neither


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (0x00000000, 0),
        (0x00DC0000, Flag.CALIBRATION),
        (0x00300000, 0),  # GoodClamped is not in the table: severity good
        (0x00960000, Flag.MANUAL),  # GoodLocalOverride
        (0x40000000, Flag.OFF_SPEC),
        (0x40900000, Flag.STALE),
        (0x40910000, Flag.MANUAL),
        (0x40940000, Flag.OFF_SPEC | Flag.RANGE),
        (0x40920000, Flag.OFF_SPEC),  # UncertainInitialValue: severity uncertain
        (0x80000000, Flag.FAULT),
        (0x80050000, Flag.COMM),
        (0x80310000, Flag.COMM),
        (0x808A0000, Flag.COMM),
        (0x808B0000, Flag.FAULT),
        (0x808C0000, Flag.FAULT),
        (0x808D0000, Flag.STOPPED),
        (0x80340000, Flag.FAULT),  # BadNodeIdUnknown: severity bad
        (0x00000700, Flag.STUCK),  # data value, limit constant
        (0x00000500, 0),  # data value, limit low
        (0x00000300, 0),  # limit bits without the info type say nothing
        (0x808C0700, Flag.FAULT | Flag.STUCK),
    ],
)
def test_opcua_status_codes_become_flags(status: int, expected: int) -> None:
    assert from_opcua(status) == expected


SEVERITY = {0: Flag(0), 1: Flag.OFF_SPEC, 2: Flag.FAULT}
"""What a code says by its top two bits alone (quality.md 3.2)."""

SAYS_MORE = {
    "GoodLocalOverride": Flag.MANUAL,
    "GoodEdited": Flag.CALIBRATION,
    "GoodFaultStateActive": Flag.FAULT,
    "UncertainNoCommunicationLastUsableValue": Flag.STALE | Flag.COMM,
    "UncertainLastUsableValue": Flag.STALE,
    "UncertainSubstituteValue": Flag.MANUAL,
    "UncertainEngineeringUnitsExceeded": Flag.OFF_SPEC | Flag.RANGE,
    "UncertainOverRange": Flag.OFF_SPEC | Flag.RANGE,
    "UncertainUnderRange": Flag.OFF_SPEC | Flag.RANGE,
    "UncertainTransducerInManual": Flag.MANUAL,
    "UncertainSimulatedValue": Flag.CALIBRATION,
    "UncertainSensorCalibration": Flag.CALIBRATION,
    "BadOutOfService": Flag.STOPPED,
} | dict.fromkeys(
    "BadCommunicationError BadTimeout BadShutdown BadServerNotConnected BadServerHalted BadNoCommunication "
    "BadWaitingForInitialData BadRequestTimeout BadNotConnected BadConnectionRejected BadConnectionClosed "
    "BadWaitingForResponse".split(),
    Flag.COMM,
)
"""Codes by name, so that the numbers in the map are held against the library's table and not against themselves."""

KNOWN = {name: code for name, code in vars(ua.StatusCodes).items() if name[0].isupper()}


def test_every_status_code_of_the_standard_has_flags_its_own_or_those_of_its_severity() -> None:
    assert len(KNOWN) >= 270 and SAYS_MORE.keys() <= KNOWN.keys()
    for name, code in KNOWN.items():
        assert from_opcua(code) == SAYS_MORE.get(name, SEVERITY[code >> 30]), name
        assert from_opcua(code | 0x0080) == from_opcua(code), "the overflow bit is no other code"


def test_no_bad_or_stale_status_leaves_a_reading_usable() -> None:
    for name, code in KNOWN.items():
        if name.startswith("Bad") or "LastUsable" in name:
            assert from_opcua(code) & (INVALID | Flag.STOPPED), name


def test_hj212_letters_come_back_through_the_bits() -> None:
    assert [to_hj212(from_hj212(letter)) for letter in "NFMSDCTB"] == list("NFMSDCTB")
    with pytest.raises(CodecError, match="'X'"):
        from_hj212("X")


@pytest.mark.parametrize(
    ("word", "letter"),
    [
        (Flag.FAULT | Flag.COMM, "D"),
        (Flag.STOPPED | Flag.CALIBRATION, "F"),
        (Flag.MAINTENANCE | Flag.FAULT, "M"),
        (Flag.RANGE | Flag.MANUAL, "T"),
        (Flag.STALE, "B"),
        (Flag.OFF_SPEC, "N"),
        (Flag.MAINTENANCE_DUE, "N"),
        (1 << 30, "N"),
    ],
)
def test_of_several_bits_the_gravest_letter_is_shown(word: int, letter: str) -> None:
    assert to_hj212(word) == letter


def test_a_word_is_shown_by_the_names_of_its_bits() -> None:
    assert names(Flag.COMM | Flag.GAP | 1 << 25) == ("GAP", "COMM", "BIT25")
