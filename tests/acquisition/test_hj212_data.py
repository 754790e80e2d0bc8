"""What telegrams say: values, marks and times, of both editions. Times by hand: Asia/Shanghai is UTC+8."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanji.acquisition.flags import Flag
from tanji.acquisition.hj212 import Group, parse, parse_segment
from tanji.acquisition.hj212_data import KINDS, Measured, Report, factors, local_text, moment, plain, report
from tanji.errors import TelegramError

SHANGHAI = ZoneInfo("Asia/Shanghai")
PUBLISHED = {
    line[-4:]: parse(line.encode() + b"\r\n")
    for line in (Path(__file__).parents[1] / "vectors" / "hj212_telegrams.txt").read_text("utf-8").splitlines()
    if line.startswith("##")
}


def groups(area: str) -> tuple[Group, ...]:
    return parse_area(f"ST=31;CN=2011;PW=1;MN=1;CP=&&{area}&&")


def parse_area(segment: str) -> tuple[Group, ...]:
    return parse_segment(segment.encode()).groups


def read(area: str, *, command: str = "2011", edition: int = 1, whole: bool = True) -> Report:
    return report(groups(area), command=command, edition=edition, zone=SHANGHAI, whole=whole)


def utc(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def test_a_published_telegram_of_2017_gives_values_and_converted_values() -> None:
    telegram = PUBLISHED["8701"]
    found = report(telegram.groups, command=telegram.cn, edition=telegram.edition, zone=SHANGHAI)
    assert found.time_ms == utc("2021-05-21T03:02:02")
    assert len(found.measured) == 16 and not found.remarks
    assert Measured("a05002", "rtd", 1.45, 0, found.time_ms) in found.measured
    assert Measured("a00000", "zs_rtd", 3434.0, 0, found.time_ms) in found.measured
    values = {entry.code: entry.value for entry in found.measured}
    # Total hydrocarbons are methane and the others: that is how one sees which code is which.
    assert values["a24087"] == pytest.approx(values["a05002"] + values["a24088"])  # type: ignore[operator]


def test_a_published_telegram_of_2005_gives_minute_values_without_marks() -> None:
    telegram = PUBLISHED["4040"]
    found = report(telegram.groups, command=telegram.cn, edition=telegram.edition, zone=SHANGHAI)
    assert found.time_ms == utc("2016-01-03T05:30:00")
    assert Measured("011", "minute_avg", 18.0412, 0, found.time_ms) in found.measured
    assert Measured("B01", "minute_cou", 5.6166, 0, found.time_ms) in found.measured
    assert Measured("B01", "minute_min", 0.0, 0, found.time_ms) in found.measured


def test_a_factor_with_a_sampling_time_of_its_own_has_that_time() -> None:
    telegram = PUBLISHED["6E80"]
    found = report(telegram.groups, command=telegram.cn, edition=telegram.edition, zone=SHANGHAI)
    times = {entry.code: entry.time_ms for entry in found.measured}
    assert times["w00000"] == utc("2021-03-19T17:34:00")
    assert times["w21001"] == utc("2021-03-19T16:54:00")
    assert times["w01001"] == utc("2021-03-19T17:34:06")


def test_every_mark_of_2017_becomes_its_bit() -> None:
    """The map of quality.md section 3.1; only N leaves a value without remark."""
    marks = {
        "N": Flag(0), "F": Flag.STOPPED, "M": Flag.MAINTENANCE, "S": Flag.MANUAL, "D": Flag.FAULT,
        "C": Flag.CALIBRATION, "T": Flag.RANGE, "B": Flag.COMM,
    }  # fmt: skip
    for letter, flag in marks.items():
        (only,) = read(f"DataTime=20260301080000;a05001-Rtd=12.5,a05001-Flag={letter}").measured
        assert (only.value, only.quality) == (12.5, flag), letter


def test_the_marks_that_only_2005_has() -> None:
    marks = {"P": Flag.FAULT, "0": Flag.CALIBRATION, "1": Flag(0), "2": Flag.FAULT, "3": Flag(0), "N": Flag(0)}
    for letter, flag in marks.items():
        (only,) = read(f"DataTime=20260301080000;02-Rtd=12.5,02-Flag={letter}", edition=0).measured
        assert only.quality == flag, letter


def test_a_mark_nobody_knows_makes_the_value_unusable_and_is_told() -> None:
    found = read("DataTime=20260301080000;a05001-Rtd=12.5,a05001-Flag=P")
    assert found.measured[0].quality == Flag.FAULT
    assert found.remarks == ("a05001-Flag: expected an HJ 212 data flag, one of NFMSDCTB, got 'P'",)


@pytest.mark.parametrize("text", ["", "--", "NaN", "1x", "1_0", "inf", "1e999", "１２", "0x10", " 1"])
def test_a_value_that_is_no_number_is_a_failed_read_and_never_zero(text: str) -> None:
    found = read(f"DataTime=20260301080000;a05001-Rtd={text},a05001-Flag=N")
    assert (found.measured[0].value, found.measured[0].quality) == (None, Flag.FAULT)
    assert len(found.remarks) == 1


def test_no_number_under_a_mark_keeps_the_mark_alone() -> None:
    found = read("DataTime=20260301080000;a05001-Rtd=,a05001-Flag=B")
    assert (found.measured[0].value, found.measured[0].quality, found.remarks) == (None, Flag.COMM, ())


def test_a_mark_in_a_group_of_its_own_belongs_to_its_factor() -> None:
    found = read("DataTime=20260301080000;a05001-Rtd=7.11;a05001-Flag=D;a05001-SampleTime=20260301075900")
    assert found.measured == (Measured("a05001", "rtd", 7.11, Flag.FAULT, utc("2026-02-28T23:59:00")),)


def test_a_code_that_comes_again_is_another_factor() -> None:
    assert [factor.items["Rtd"] for factor in factors(groups("a21-Rtd=1;a21-Rtd=2"))] == ["1", "2"]


def test_a_command_brings_its_own_kinds_and_no_others() -> None:
    area = "DataTime=20260301080000;a05001-Rtd=1,a05001-Avg=2,a05001-Max=3,a05001-ZsAvg=4,a05001-RS=1"
    for command, kinds in {
        "2011": ["rtd"],
        "2051": ["minute_avg", "minute_max", "minute_zs_avg"],
        "2061": ["hour_avg", "hour_max", "hour_zs_avg"],
        "2031": ["day_avg", "day_max", "day_zs_avg"],
        "2041": [],
    }.items():
        assert [entry.kind for entry in read(area, command=command).measured] == kinds
    assert len(set(KINDS)) == len(KINDS) == 2 + 3 * 7


def test_items_without_a_code_are_plain() -> None:
    assert plain(groups("DataTime=20260301080000;a05001-Rtd=1;QnRtn=1")) == {
        "DataTime": "20260301080000",
        "QnRtn": "1",
    }


@pytest.mark.parametrize("text", ["", "2026030108000", "20260229080000", "20261301080000", "19991231235959", "２０"])
def test_a_time_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(TelegramError, match="YYYYMMDDhhmmss from 2000 to 2099"):
        moment(text, zone=SHANGHAI)


def test_a_telegram_without_a_time_is_refused_unless_another_part_told_it() -> None:
    area = groups("a05001-Rtd=1")
    with pytest.raises(TelegramError):
        report(area, command="2011", edition=1, zone=SHANGHAI)
    found = report(area, command="2011", edition=1, zone=SHANGHAI, data_time="20260301080000")
    assert found.time_ms == utc("2026-03-01T00:00:00")


def test_a_value_whose_mark_may_be_lost_is_not_called_good() -> None:
    found = read("DataTime=20260301080000;a05001-Rtd=1,a05001-Flag=N;a19001-Rtd=2", whole=False)
    assert [entry.quality for entry in found.measured] == [0, Flag.COMM]


@given(st.integers(946_656_000_000, 4_102_415_999_999))
def test_times_are_written_and_read_back_to_the_millisecond(time_ms: int) -> None:
    """2000-01-01 to 2099-12-31 on Shanghai's clocks."""
    assert moment(local_text(time_ms, zone=SHANGHAI, ms=True), zone=SHANGHAI) == time_ms
    assert moment(local_text(time_ms, zone=SHANGHAI), zone=SHANGHAI) == time_ms // 1000 * 1000
