"""Telegrams in parts: any order, parts that come again, parts that never come, factors cut in two."""

from __future__ import annotations

from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from tanji.acquisition.flags import Flag
from tanji.acquisition.hj212 import Telegram, parse_segment
from tanji.acquisition.hj212_data import report
from tanji.acquisition.hj212_parts import MOST_OPEN, Delivery, Parts

from .test_hj212_data import SHANGHAI

TIME = "DataTime=20260301080000;"
WHOLE = ("a1-Rtd=1,a1-Flag=N;a2-Rtd=2,a2-Flag=N", "a3-Rtd=3,a3-Flag=D;a4-Rtd=4,a4-Flag=N", "a5-Rtd=5,a5-Flag=B")
CUT = ("a1-Rtd=1,a1-Flag=N;a2-Rtd=2", "a2-Flag=C;a3-Rtd=3,a3-Flag=N;a4-Rtd=4", "a4-Flag=D;a5-Rtd=5,a5-Flag=N")


def part(number: int, count: int, area: str, *, flag: int = 7, qn: str = "20260301080001000") -> Telegram:
    head = f"QN={qn};ST=31;CN=2011;PW=1;MN=7;Flag={flag};PNUM={count};PNO={number};"
    return parse_segment(f"{head}CP=&&{area}&&".encode())


def split(areas: tuple[str, ...], *, times: bool, flag: int = 7) -> list[Telegram]:
    """Parts with DataTime in each or in the first alone."""
    count = len(areas)
    return [
        part(number, count, (TIME if times or number == 1 else "") + area, flag=flag)
        for number, area in enumerate(areas, start=1)
    ]


def taken(parts: Parts, telegrams: list[Telegram], *, now_ms: int = 0) -> list[Delivery]:
    return [delivery for telegram in telegrams for delivery in parts.add(telegram, now_ms=now_ms)]


def values(deliveries: list[Delivery]) -> dict[str, tuple[float | None, int]]:
    """Value and flag word by code; a later delivery of the same value must not contradict the earlier one."""
    found: dict[str, tuple[float | None, int]] = {}
    for each in deliveries:
        read = report(each.groups, command="2011", edition=1, zone=SHANGHAI, data_time=each.data_time, whole=each.whole)
        for entry in read.measured:
            assert found.setdefault(entry.code, (entry.value, entry.quality)) == (entry.value, entry.quality)
    return found


def answered(deliveries: list[Delivery]) -> list[int]:
    return [telegram.part[0] for delivery in deliveries for telegram in delivery.telegrams]


def test_a_telegram_that_is_whole_goes_through() -> None:
    telegram = parse_segment(f"ST=31;CN=2011;PW=1;MN=7;CP=&&{TIME}a1-Rtd=1&&".encode())
    assert list(Parts(timeout_ms=1).add(telegram, now_ms=0)) == [Delivery((telegram,), telegram.groups)]


def test_parts_that_stand_by_themselves_are_handed_on_at_once() -> None:
    """A station that waits for the answer to part 1 before it sends part 2 is not kept waiting."""
    parts = Parts(timeout_ms=10_000)
    for number, telegram in enumerate(split(WHOLE, times=True), start=1):
        assert answered(taken(parts, [telegram])) == [number]
    assert list(parts.expired(now_ms=20_000)) == []


def test_any_order_gives_the_same_values_and_answers_every_part() -> None:
    for areas, times in ((WHOLE, True), (WHOLE, False), (CUT, True), (CUT, False)):
        expected = {"a1": (1.0, 0), "a3": (3.0, Flag.FAULT if areas is WHOLE else 0)}
        for order in permutations(split(areas, times=times)):
            parts = Parts(timeout_ms=10_000)
            deliveries = taken(parts, list(order))
            found = values(deliveries)
            assert len(found) == 5 and expected.items() <= found.items()
            assert sorted(answered(deliveries)) == [1, 2, 3]
            assert list(parts.expired(now_ms=20_000)) == []


def test_a_factor_cut_in_two_keeps_its_mark() -> None:
    found = values(taken(Parts(timeout_ms=1), split(CUT, times=True)))
    assert found["a2"] == (2.0, Flag.CALIBRATION) and found["a4"] == (4.0, Flag.FAULT)


def test_a_part_that_comes_again_is_answered_again() -> None:
    parts = Parts(timeout_ms=10_000)
    telegrams = split(CUT, times=False)
    taken(parts, telegrams)
    for number, telegram in enumerate(telegrams, start=1):
        assert number in answered(taken(parts, [telegram], now_ms=9_000))
    assert list(parts.expired(now_ms=10_000)) == []


def test_what_is_not_whole_in_time_is_given_up_and_named() -> None:
    parts = Parts(timeout_ms=10_000)
    first, _, third = split(CUT, times=True)
    assert taken(parts, [third, first]) == []
    assert list(parts.expired(now_ms=9_999)) == []
    (given_up,) = parts.expired(now_ms=10_000)
    assert not given_up.whole and answered([given_up]) == [1, 3]
    found = values([given_up])
    assert found["a2"] == (2.0, Flag.COMM), "its mark never came"
    assert found["a1"] == (1.0, 0) and found["a5"] == (5.0, 0)


def test_what_was_handed_on_alone_is_not_contradicted_when_the_rest_is_given_up() -> None:
    """A station without marks: its first part is understood alone, and its values were told as they are."""
    parts = Parts(timeout_ms=10_000)
    first, _, third = split(("a1-Rtd=1;a2-Rtd=2", "a3-Rtd=3", "a4-Flag=N;a5-Rtd=5"), times=False, flag=6)
    alone = taken(parts, [first, third])
    found = values([*alone, *parts.expired(now_ms=10_000)])
    assert found == {"a1": (1.0, 0), "a2": (2.0, 0), "a5": (5.0, Flag.COMM)}


def test_stations_that_never_finish_are_not_remembered_for_ever() -> None:
    parts = Parts(timeout_ms=10**9)
    for number in range(10 * MOST_OPEN):
        taken(parts, [part(1, 2, "a1-Rtd=1", qn=f"{number:017d}")])
        list(parts.expired(now_ms=0))
    assert len(parts._open) <= MOST_OPEN


def test_old_telegrams_without_a_request_number_are_told_apart_by_their_time() -> None:
    parts = Parts(timeout_ms=10_000)
    telegrams = []
    for minute in ("20260301080000", "20260301081000"):
        for number, area in ((1, "a1-Rtd=1,a1-Flag=N;a2-Rtd=2"), (2, "a2-Flag=C")):
            text = f"ST=31;CN=2011;PW=1;MN=7;Flag=2;PNUM=2;PNO={number};CP=&&DataTime={minute};{area}&&"
            telegrams.append(parse_segment(text.encode()))
    deliveries = taken(parts, [telegrams[0], telegrams[3], telegrams[2], telegrams[1]])
    assert [delivery.data_time for delivery in deliveries] == ["20260301081000", "20260301080000"]


@given(st.lists(st.integers(0, 4), max_size=12))
def test_repeats_and_losses_never_contradict_each_other(order: list[int]) -> None:
    telegrams = split((*CUT[:2], "a4-Flag=D;a5-Rtd=5", "a5-Flag=N", "a6-Rtd=6,a6-Flag=T"), times=False)
    found = values(taken(Parts(timeout_ms=10_000), [telegrams[index] for index in order]))
    whole = {"a1": (1.0, 0), "a2": (2.0, Flag.CALIBRATION), "a3": (3.0, 0), "a4": (4.0, Flag.FAULT), "a5": (5.0, 0),
             "a6": (6.0, Flag.RANGE)}  # fmt: skip
    assert found.items() <= whole.items()
