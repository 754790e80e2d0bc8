"""Telegrams out of a stream that is cut anywhere, spoilt, or full of rubbish."""

from __future__ import annotations

import random
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tanji.acquisition.hj212 import LONGEST, OVERHEAD, Telegram, format_telegram
from tanji.acquisition.hj212_stream import TelegramStream
from tanji.errors import TelegramError


def telegram(number: int, *, length: int = 0) -> Telegram:
    header = (("QN", f"{number:017d}"), ("ST", "31"), ("CN", "2011"), ("PW", "1"), ("MN", "7"), ("Flag", "5"))
    return Telegram(header, ((("a05001-Rtd", "1" * (length or 3)),),))


def read(data: bytes, *, cuts: list[int] | None = None) -> tuple[list[Telegram], list[TelegramError]]:
    """Everything found in `data`, fed in pieces that end at `cuts`."""
    stream = TelegramStream()
    found: list[Telegram | TelegramError] = []
    borders = [0, *sorted(cut % (len(data) + 1) for cut in cuts or ()), len(data)]
    for begin, end in pairwise(borders):
        found += stream.feed(data[begin:end])
        assert stream.waiting <= LONGEST + OVERHEAD
    telegrams = [entry for entry in found if isinstance(entry, Telegram)]
    return telegrams, [entry for entry in found if isinstance(entry, TelegramError)]


@given(st.lists(st.integers(0, 10_000), max_size=20))
def test_it_does_not_matter_where_the_bytes_are_cut(cuts: list[int]) -> None:
    expected = [telegram(number, length=number * 40 + 1) for number in range(5)]
    assert read(b"".join(map(format_telegram, expected)), cuts=cuts) == (expected, [])


def test_single_bytes_make_a_telegram_too() -> None:
    data = format_telegram(telegram(1))
    assert read(data, cuts=list(range(len(data)))) == ([telegram(1)], [])


def test_line_breaks_between_telegrams_are_no_fault_and_rubbish_is_one() -> None:
    data = format_telegram(telegram(1))
    assert read(b"\r\n" + data + b"\r\n \r\n" + data) == ([telegram(1)] * 2, [])
    telegrams, faults = read(b"AT+CIPSEND\r\n" + data)
    assert telegrams == [telegram(1)]
    assert [(fault.position, fault.expected) for fault in faults] == [(0, "##")]


def test_a_wrong_checksum_costs_that_telegram_alone() -> None:
    first, second, third = (format_telegram(telegram(number)) for number in (1, 2, 3))
    spoilt = second.replace(b"a05001-Rtd=111", b"a05001-Rtd=112")
    telegrams, faults = read(first + spoilt + third)
    assert telegrams == [telegram(1), telegram(3)]
    assert len(faults) >= 1 and faults[0].position == len(first) + len(second) - 6


def test_a_telegram_that_lost_bytes_does_not_swallow_the_next() -> None:
    """A packet lost in the middle of a telegram, and the next telegram right behind it."""
    first, second = format_telegram(telegram(1, length=400)), format_telegram(telegram(2))
    for lost in (1, 10, 100, 390):
        telegrams, faults = read(first[:60] + first[60 + lost :] + second)
        assert telegrams == [telegram(2)], lost
        assert faults[0].expected.startswith(f"{len(first) - 12} bytes")


def test_a_telegram_cut_off_before_its_end_does_not_swallow_the_next() -> None:
    first, second = format_telegram(telegram(1, length=100)), format_telegram(telegram(2))
    telegrams, _ = read(first[:50] + second + second)
    assert telegrams == [telegram(2), telegram(2)]


def test_a_content_that_is_wrong_under_a_right_checksum_is_skipped_as_a_whole() -> None:
    good = format_telegram(telegram(1))
    wrong = format_telegram(Telegram((("ST", "31"), ("CN", "20"), ("PW", "1"), ("MN", "7"))))
    telegrams, faults = read(good + wrong + good)
    assert telegrams == [telegram(1)] * 2
    assert [(fault.position, fault.got) for fault in faults] == [(len(good) + 15, "'20'")]


def test_hash_signs_without_end_are_faults_and_no_hang() -> None:
    telegrams, faults = read(b"#" * 5000 + format_telegram(telegram(1)))
    assert telegrams == [telegram(1)] and faults


def test_twenty_thousand_spoilt_streams_neither_crash_nor_hang() -> None:
    """The short form of `tests/bench/fuzz_hj212.py`."""
    rng = random.Random(212)
    good = b"".join(format_telegram(telegram(number, length=number)) for number in range(1, 4))
    for _ in range(20_000):
        data = bytearray(good)
        for _ in range(rng.randint(1, 4)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        telegrams, faults = read(bytes(data), cuts=[rng.randrange(len(data))])
        assert len(telegrams) + len(faults) >= 1
