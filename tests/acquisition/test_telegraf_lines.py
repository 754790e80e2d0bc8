"""Telegraf's OPC UA listener: the texts are those a real 1.39.3 was seen to send (platform.md section 3)."""

from __future__ import annotations

import pytest

from tanji.acquisition.flags import Flag
from tanji.acquisition.line_protocol import parse

GOOD = "The operation succeeded. StatusGood (0x0)"
SENSOR = "A sensor failure. StatusBadSensorFailure (0x808C0000)"
COMM = "Communication with the data source is defined. StatusBadNoCommunication (0x80310000)"
THEN, NOW = 1_772_323_200_000, 1_772_323_260_500


def row(fields: str) -> tuple[int, float | None, int]:
    parsed = parse(f"reading,plant=hx01,point=a {fields} {THEN}000000\n".encode(), arrival_ms=NOW)
    assert not parsed.parked and not parsed.others
    (found,) = parsed.readings.to_pylist()
    return found["time"], found["value"], found["quality"]


def test_a_good_line_is_a_reading_at_its_own_time() -> None:
    assert row(f'value=3.5,Quality="{GOOD}"') == (THEN, 3.5, 0)
    assert row(f'Quality="{GOOD}",value=3.5') == (THEN, 3.5, 0)


@pytest.mark.parametrize(("text", "flag"), [(SENSOR, Flag.FAULT), (COMM, Flag.COMM)])
def test_the_old_value_under_a_bad_status_is_a_flag_from_now_on_and_never_a_reading(text: str, flag: Flag) -> None:
    assert row(f'value=3.5,Quality="{text}"') == (NOW, None, flag)
    assert row(f'Quality="{text}"') == (NOW, None, flag)


@pytest.mark.parametrize(
    ("code", "flag"),
    [
        (0x40900000, Flag.STALE),  # UncertainLastUsableValue
        (0x40000000, Flag.OFF_SPEC),
        (0x00300000, Flag.STALE),  # GoodClamped: Telegraf keeps the value of before
        (0x808D0000, Flag.STOPPED),
    ],
)
def test_every_other_status_than_good_has_an_old_value_beside_it(code: int, flag: Flag) -> None:
    assert row(f'value=3.5,Quality="Status (0x{code:X})"') == (NOW, None, flag)


def test_a_flag_word_beside_it_is_kept_and_good_without_a_value_is_a_fault() -> None:
    assert row(f'value=3.5,quality={int(Flag.CLOCK)}i,Quality="{GOOD}"') == (THEN, 3.5, Flag.CLOCK)
    assert row(f'Quality="{GOOD}"') == (NOW, None, Flag.FAULT)


@pytest.mark.parametrize("text", ['"good"', '""', '"(0x0) maybe"', "true", "0i", "1.5"])
def test_a_quality_that_cannot_be_read_is_parked(text: str) -> None:
    parsed = parse(f"reading,plant=hx01,point=a value=3.5,Quality={text} {THEN}000000\n".encode(), arrival_ms=NOW)
    assert not parsed.readings.num_rows and "status code" in parsed.parked[0].reason
