"""Logger CSV to readings: nothing is guessed that would give a plausible wrong number, every fault has its place."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanji.acquisition.logger_csv import CsvFile, CsvLayout, Target
from tanji.acquisition.logger_time import TimeFault, reader
from tanji.errors import Finding

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOW = 1_772_409_600_000
"""2026-03-02T00:00:00Z."""

T0 = 1_772_323_200_000
"""2026-03-01T00:00:00Z, 08:00 in Shanghai."""

FEED, COUNT = Target("feed"), Target("count", counter=True)


def read(text: str, **layout: object) -> tuple[list[str], list[Finding], CsvFile]:
    settings: dict[str, object] = {"columns": {"煤": FEED, "表": COUNT}, "zone": SHANGHAI}
    file = CsvFile(CsvLayout(**(settings | layout)), "log.csv", NOW)  # type: ignore[arg-type]
    found = list(file.read(io.StringIO(text, newline="")))
    lines = [each for each in found if isinstance(each, str)]
    return lines, [each for each in found if isinstance(each, Finding)], file


def test_a_column_for_each_point_gives_a_reading_for_each_cell() -> None:
    lines, findings, file = read("time,煤,说明,表\n2026-03-01 08:00:00,12.5,x,100\n2026/3/1 8:01,13,,101\n")
    assert lines == [
        f"feed value=12.5,quality=0i {T0}\n",
        f"count value=100.0,quality=0i {T0}\n",
        f"feed value=13.0,quality=0i {T0 + 60_000}\n",
        f"count value=101.0,quality=0i {T0 + 60_000}\n",
    ]
    assert not findings
    assert (file.tally.rows, file.tally.readings, file.tally.empty) == (2, 4, 0)


def test_a_row_for_each_value_gives_readings_and_failed_reads() -> None:
    text = "time;p;v;q\n2026-03-01 08:00;煤;1,5;0\n2026-03-01 08:01;煤;;1024\n2026-03-01 08:02;煤;;\n"
    lines, findings, _ = read(text, point="p", value="v", quality="q", decimal=",")
    assert lines == [f"feed value=1.5,quality=0i {T0}\n", f"feed quality=1024i {T0 + 60_000}\n"]
    assert not findings


def test_an_empty_cell_and_a_declared_word_are_no_reading_and_no_zero() -> None:
    lines, findings, file = read("time,煤,表\n2026-03-01 08:00, ,NaN\n", missing=frozenset({"NaN"}))
    assert (lines, findings, file.tally.empty) == ([], [], 2)


@pytest.mark.parametrize(
    ("row", "key", "expected", "got"),
    [
        ("2026-03-01 08:00,1.5.1,1", "煤", "a number with . as decimal sign", '"1.5.1"'),
        ("2026-03-01 08:00,NaN,1", "煤", "a number with . as decimal sign", '"NaN"'),
        ("2026-03-01 08:00,1e999,1", "煤", "a finite number", '"1e999"'),
        ("2026-03-01 08:00,1,1.5", "表", "a whole number, the unscaled count", '"1.5"'),
        ("2026-03-01 08:00,1,-1", "表", "a whole number, the unscaled count", '"-1"'),
        ("2026-03-32 08:00,1,1", "time", "a time like 2026-03-01 08:05:00 that is in", '"2026-03-32 08:00"'),
        ("01.03.2026 08:00,1,1", "time", "a time like 2026-03-01 08:05:00", '"01.03.2026 08:00"'),
        (",1,1", "time", "a time like 2026-03-01 08:05:00", "nothing"),
        ("2026-03-02 08:01,1,1", "time", "a time from 2000 on that is not in the future", '"2026-03-02 08:01"'),
        ("1970-01-01 08:00,1,1", "time", "a time from 2000 on that is not in the future", '"1970-01-01 08:00"'),
        ("2026-03-01 08:00,1", "row", "3 fields", "2"),
    ],
)  # fmt: skip
def test_a_row_that_cannot_be_taken_is_told_and_the_next_is_good(row: str, key: str, expected: str, got: str) -> None:
    lines, findings, file = read(f"time,煤,表\n{row}\n2026-03-01 08:05,7,7\n")
    assert lines[-2:] == [f"feed value=7.0,quality=0i {T0 + 300_000}\n", f"count value=7.0,quality=0i {T0 + 300_000}\n"]
    assert [(finding.line, finding.key, finding.got) for finding in findings] == [(2, key, got)]
    assert findings[0].expected.startswith(expected)
    assert file.tally.findings == 1


def test_a_decimal_comma_is_taken_only_where_it_was_declared() -> None:
    """1,234 is one and a bit, or one thousand two hundred and thirty-four: a file cannot say which."""
    text = "time;煤;表\n2026-03-01 08:00;1,234;1\n"
    assert read(text)[1][0].got == '"1,234"'
    assert read(text, decimal=",")[0][0] == f"feed value=1.234,quality=0i {T0}\n"


def test_headers_that_cannot_be_read_are_told_once() -> None:
    assert [finding.key for finding in read("time,煤\n2026-03-01 08:00,1\n")[1]] == ["column 表"]
    assert [finding.got for finding in read("time,煤,煤,表\n")[1]] == ["2 of them"]
    assert [finding.got for finding in read("")[1]] == ["an empty file"]


def test_a_cell_of_two_lines_does_not_shift_the_numbers() -> None:
    _, findings, _ = read('time,煤,表\n"2026-03-01\n08:00",1,1\nx,1,1\n')
    assert [finding.line for finding in findings] == [2, 4]


def test_a_quote_that_is_never_closed_is_a_fault_and_no_crash() -> None:
    lines, findings, _ = read('time,煤,表\n2026-03-01 08:00,1,1\n2026-03-01 08:01,"1,1\n')
    assert len(lines) == 2 and [finding.key for finding in findings] == ["row"]


@given(st.text(max_size=200))
def test_any_text_gives_readings_or_findings_and_no_crash(text: str) -> None:
    read(text)
    read("time,煤,表\n" + text)


USUAL = reader(time_format="", zone=SHANGHAI)


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-01 08:05:00", "2026-03-01T08:05", "2026/3/1 8:05", "2026.03.01 08:05:00.000", "2026年3月1日 8:05",
        "2026年3月1日 8时05分", "2026年3月1日 8时5分0秒", "20260301080500", "202603010805", "20260301T080500",
        "20260301080500000", "2026-03-01T00:05:00Z", "2026-03-01 00:05:00+00:00", "2026-02-28T19:05:00-05:00",
        "2026-03-01 08:05:00,000", "2026-03-01T08:05:00+0800",
    ],
)  # fmt: skip
def test_times_as_loggers_and_spreadsheets_write_them(text: str) -> None:
    assert USUAL(text) == T0 + 300_000


def test_a_day_alone_begins_at_midnight_of_the_zone() -> None:
    assert USUAL("2026-03-01") == T0 - 8 * 3_600_000


def test_milliseconds_are_kept_and_finer_ones_floored() -> None:
    assert USUAL("2026-03-01 08:00:00.1239") == T0 + 123


@pytest.mark.parametrize("text", ["8:05", "2026-3-1 25:00", "2026-03-01 08:05 PM", "46082", "2026-03-01 08:05+99:00"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(TimeFault):
        USUAL(text)


def test_a_time_that_clocks_show_twice_or_never_is_refused_unless_it_has_its_offset() -> None:
    """Berlin put its clocks back on 2025-10-26 at 03:00 and forward on 2026-03-29 at 02:00; Shanghai never does."""
    berlin = reader(time_format="", zone=ZoneInfo("Europe/Berlin"))
    for text in ("2025-10-26 02:30", "2026-03-29 02:30"):
        with pytest.raises(TimeFault, match="show once"):
            berlin(text)
        assert USUAL(text)
    assert berlin("2025-10-26 02:30+02:00") == round(datetime(2025, 10, 26, 0, 30, tzinfo=UTC).timestamp() * 1000)


def test_other_forms_are_declared() -> None:
    assert reader(time_format="epoch_s", zone=SHANGHAI)("1772323200.5") == T0 + 500
    assert reader(time_format="epoch_ms", zone=SHANGHAI)("1772323200500") == T0 + 500
    assert reader(time_format="%d.%m.%Y %H:%M", zone=SHANGHAI)("01.03.2026 08:05") == T0 + 300_000
    with pytest.raises(TimeFault, match=r"%d\.%m"):
        reader(time_format="%d.%m.%Y %H:%M", zone=SHANGHAI)("2026-03-01 08:05")
    with pytest.raises(TimeFault, match="since 1970"):
        reader(time_format="epoch_s", zone=SHANGHAI)("-5")


@given(st.integers(946_684_800_000, 4_102_444_800_000))
def test_an_iso_time_reads_back_to_the_millisecond(time_ms: int) -> None:
    text = datetime.fromtimestamp(time_ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S") + f".{time_ms % 1000:03d}Z"
    assert USUAL(text) == time_ms


@given(st.text(max_size=40))
def test_any_text_is_a_time_or_a_fault(text: str) -> None:
    for form in ("", "epoch_s", "epoch_ms", "%d.%m.%Y"):
        try:
            assert isinstance(reader(time_format=form, zone=SHANGHAI)(text), int)
        except TimeFault as fault:
            assert fault.expected
