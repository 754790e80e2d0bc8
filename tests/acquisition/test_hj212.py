"""Telegrams of HJ 212, read and written; published ones with the CRC that was published with them (R25).

The CRC is computed here once more, bit by bit as annex A of the standard has it, independently of the table.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanji.acquisition.hj212 import (
    FORMS,
    LONGEST,
    Telegram,
    format_segment,
    format_telegram,
    parse,
    parse_segment,
)
from tanji.acquisition.hj212_crc import crc16
from tanji.errors import TelegramError

PUBLISHED = [
    line.encode()
    for line in (Path(__file__).parents[1] / "vectors" / "hj212_telegrams.txt").read_text("utf-8").splitlines()
    if line.startswith("##")
]
EXAMPLE = PUBLISHED[0] + b"\r\n"
NAMES = st.text(st.characters(codec="utf-8", exclude_characters="=,;&", exclude_categories=("Cs",)), min_size=1)
VALUES = st.text(st.characters(codec="utf-8", exclude_characters=",;&", exclude_categories=("Cs",)))
ITEMS = st.tuples(NAMES, VALUES)
GROUPS = st.lists(st.lists(ITEMS, min_size=1).map(tuple), max_size=4).map(tuple)


def annex_a(segment: bytes) -> int:
    """The checksum as HJ 212-2017 annex A writes it down."""
    register = 0xFFFF
    for byte in segment:
        register = register >> 8 ^ byte
        for _ in range(8):
            lowest = register & 1
            register >>= 1
            if lowest:
                register ^= 0xA001
    return register


def as_telegram(segment: bytes) -> bytes:
    return b"##%04d%b%04X\r\n" % (len(segment), segment, annex_a(segment))


def refused(telegram: bytes) -> TelegramError:
    with pytest.raises(TelegramError) as caught:
        parse(telegram)
    return caught.value


@pytest.mark.parametrize("line", PUBLISHED, ids=lambda line: line[-4:].decode())
def test_a_published_telegram_has_its_published_crc_and_is_written_as_it_was(line: bytes) -> None:
    assert crc16(line[6:-4]) == annex_a(line[6:-4]) == int(line[-4:], 16)
    written = format_telegram(parse(line + b"\r\n"))
    assert written[:-6] == line[:-4]
    assert written[-6:].decode().lower() == line[-4:].decode().lower() + "\r\n"


def test_the_checksum_is_not_that_of_modbus() -> None:
    """Modbus has 0x4B37 over the ASCII digits 1 to 9 (the catalogue's check value); the standard's register differs."""
    assert crc16(b"123456789") == annex_a(b"123456789") != 0x4B37


def test_the_example_of_the_standard_says_what_it_says() -> None:
    telegram = parse(EXAMPLE)
    assert (telegram.qn, telegram.st, telegram.cn, telegram.pw) == ("20160801085857223", "32", "1062", "100000")
    assert (telegram.mn, telegram.flag, telegram.part) == ("010000A8900016F000169DC0", 5, (1, 1))
    assert telegram.answer_wanted and telegram.edition == 1
    assert telegram.groups == ((("RtdInterval", "30"),),)


def test_an_old_telegram_has_no_request_number_and_no_flag() -> None:
    telegram = parse(PUBLISHED[2] + b"\r\n")
    assert (telegram.qn, telegram.flag, telegram.edition, telegram.answer_wanted) == ("", 0, 0, False)


def test_a_part_tells_its_number_and_how_many_there_are() -> None:
    (part,) = [parse(line + b"\r\n") for line in PUBLISHED if b"PNO=2" in line]
    assert part.part == (2, 2)


def test_a_log_never_shows_the_password() -> None:
    assert "100000" not in repr(parse(EXAMPLE))
    message = str(refused(as_telegram(b"ST=32;CN=2011;PW=top&secret;MN=1;CP=&&&&")))
    assert "secret" not in message and "PW" in message


@given(st.binary())
def test_the_table_computes_what_the_standard_writes_down(segment: bytes) -> None:
    assert crc16(segment) == annex_a(segment)


@given(
    qn=st.none() | st.from_regex(FORMS["QN"][0], fullmatch=True, alphabet="0123456789"),
    mn=st.from_regex(FORMS["MN"][0], fullmatch=True),
    flag=st.none() | st.integers(0, 255).map(lambda flag: flag & ~2),
    groups=GROUPS,
)
def test_what_is_written_reads_back_the_same(
    qn: str | None, mn: str, flag: int | None, groups: tuple[tuple[tuple[str, str], ...], ...]
) -> None:
    optional = [("QN", qn)] if qn else []
    header = (*optional, ("ST", "31"), ("CN", "2011"), ("PW", "123456"), ("MN", mn))
    header += () if flag is None else (("Flag", str(flag)),)
    telegram = Telegram(header, groups)
    if len(format_segment(telegram)) <= LONGEST:
        assert parse(format_telegram(telegram)) == telegram


@given(st.binary(max_size=60))
def test_any_bytes_in_the_data_area_are_refused_or_written_again_byte_for_byte(area: bytes) -> None:
    segment = b"ST=31;CN=3020;PW=123456;MN=1;CP=&&" + area + b"&&"
    try:
        telegram = parse(as_telegram(segment))
    except TelegramError as error:
        assert 0 <= error.position <= len(segment) + 12
    else:
        assert format_segment(telegram) == segment


HEAD = b"QN=20160801085857223;ST=32;CN=2011;PW=1;MN=7;Flag=4;"


@pytest.mark.parametrize(
    ("segment", "position", "expected", "got"),
    [
        (b"ST=32;CN=2011;PW=1;MN=7;CP=&&a", 36, "&& and the end", "the end"),
        (b"ST=32;CN=2011;PW=1;MN=7;CP=&&&&x", 37, "&& and the end", "'x'"),
        (b"ST=32;CN=2011;PW=1;MN=7;", 30, "CP=&& and the data area", "the end"),
        (b"ST=32;CN=2011;PW=1;MN=7CP=&&&&", 29, "; before CP", "'7'"),
        (b"CN=2011;PW=1;MN=7;CP=&&&&", 24, "ST= before CP", "none"),
        (b"ST=32;CN=2011;MN=7;CP=&&&&", 25, "PW= before CP", "none"),
        (b"ST=32;CN=2011;PW=1;CP=&&&&", 25, "MN= before CP", "none"),
        (b"ST=32;PW=1;MN=7;CP=&&&&", 22, "CN= before CP", "none"),
        (b"ST=32;CN=2011;PW=1;MN=7;XX=1;CP=&&&&", 30, "one of QN, ST, CN", "'XX=1'"),
        (b"ST=32;CN=201;PW=1;MN=7;CP=&&&&", 15, "CN: four digits", "'201'"),
        (b"ST=32;CN=2011;CN=2011;PW=1;MN=7;CP=&&&&", 20, "CN once", "it again"),
        (b"ST=32;CN=2011;PW=1;MN=7;Flag=256;CP=&&&&", 35, "Flag: a whole number from 0 to 255", "'256'"),
        (b"ST=32;CN=2011;PW=1;MN=7;Flag=6;CP=&&&&", 37, "PNUM and PNO, since Flag", "none"),
        (b"ST=32;CN=2011;PW=1;MN=7;PNUM=2;CP=&&&&", 37, "PNUM and PNO together", "one of them"),
        (b"ST=32;CN=2011;PW=1;MN=7;PNUM=2;PNO=3;CP=&&&&", 43, "a PNO of at most PNUM, 2", "3"),
        (b"QN=2016080108585722;ST=32;CN=2011;PW=1;MN=7;CP=&&&&", 9, "QN: 17 digits", "'2016080108585722'"),
        (HEAD + b"CP=&&DataTime=20160801085857;a-Rtd&&", 87, "an item name=value", "'a-Rtd'"),
        (HEAD + b"CP=&&DataTime=20160801085857;a-Rtd=1,,&&", 95, "an item name=value", "nothing"),
    ],
)
def test_a_fault_is_told_with_its_place(segment: bytes, position: int, expected: str, got: str) -> None:
    """Positions were counted by hand from the first `#`."""
    error = refused(as_telegram(segment))
    assert (error.position, error.got) == (position, got)
    assert error.expected.startswith(expected)


@pytest.mark.parametrize(
    ("telegram", "position", "expected"),
    [
        (b"", 0, "##"),
        (b"#", 0, "##"),
        (b"##01", 2, "four digits"),
        (b"##01a1" + EXAMPLE[6:], 2, "four digits"),
        (b"##0100" + EXAMPLE[6:], 112, "112 bytes, since the data segment has 100"),
        (EXAMPLE[:-2], 111, "113 bytes"),
        (EXAMPLE[:-2] + b"\n\r", 107, "four hexadecimal digits of CRC, CR and LF"),
        (EXAMPLE[:-6] + b"1C81\r\n", 107, "the CRC 1C80"),
        (EXAMPLE.replace(b"RtdInterval=30", b"RtdInterval=31"), 107, "the CRC"),
    ],
)
def test_a_spoilt_telegram_is_told_with_its_place(telegram: bytes, position: int, expected: str) -> None:
    error = refused(telegram)
    assert error.position == position
    assert error.expected.startswith(expected)


def test_flag_may_be_written_in_capitals_and_is_written_so_again() -> None:
    segment = b"ST=32;CN=2011;PW=1;MN=7;FLAG=5;CP=&&&&"
    telegram = parse_segment(segment)
    assert telegram.flag == 5 and format_segment(telegram) == segment


def test_a_telegram_that_four_digits_cannot_measure_is_not_written() -> None:
    long = Telegram((("ST", "31"), ("CN", "2011"), ("PW", "1"), ("MN", "1")), ((("a", "1" * LONGEST),),))
    with pytest.raises(TelegramError, match="send it in parts"):
        format_telegram(long)


def test_every_form_in_words_fits_its_pattern() -> None:
    for name, (form, words) in FORMS.items():
        assert words and re.compile(form), name
