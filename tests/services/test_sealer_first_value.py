"""The first value of a point and time stands (DESIGN section 3; trust.md 2.8, section 8 trap 11; R35)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from .sealer_rig import COAL, FEED, NOON, Rig, line, rig

FIRST, SECOND = line(FEED, NOON, 100.0), line(FEED, NOON, 90.0)
Sender = Callable[[Path, list[str]], Rig]


def together(folder: Path, lines: list[str]) -> Rig:
    """All in one body, so in one batch."""
    with rig(folder) as sealer:
        sealer.accept(*lines)
        return keep(sealer)


def one_by_one(folder: Path, lines: list[str]) -> Rig:
    """Each in a batch of its own."""
    with rig(folder) as sealer:
        for text in lines:
            sealer.accept(text)
        return keep(sealer)


def after_restarts(folder: Path, lines: list[str]) -> Rig:
    """Each to a newly started sealer; counters are those of the last."""
    for text in lines:
        with rig(folder) as sealer:
            sealer.accept(text)
            kept = keep(sealer)
    return kept


def keep(sealer: Rig) -> Rig:
    """Read what the tests look at while the store is open."""
    rows, parked, counters = sealer.stored(), sealer.parked(), sealer.sealer.counters()
    sealer.stored, sealer.parked = lambda: rows, lambda: parked  # type: ignore[method-assign]
    sealer.sealer.counters = lambda: counters  # type: ignore[method-assign]
    return sealer


EVERY_WAY = pytest.mark.parametrize("send", [together, one_by_one, after_restarts])


@EVERY_WAY
def test_a_different_later_value_changes_nothing_and_is_parked(tmp_path: Path, send: Sender) -> None:
    sealer = send(tmp_path, [FIRST, SECOND])
    assert sealer.stored() == [(FEED, NOON, 100.0, 0)]
    assert [(entry["line"], entry["reason"]) for entry in sealer.parked()] == [
        (SECOND.strip(), "DUPLICATE: first value 100.0 stands")
    ]
    assert sealer.sealer.counters()["conflicting"] == 1


@EVERY_WAY
def test_an_identical_repeat_is_dropped_without_a_word(tmp_path: Path, send: Sender) -> None:
    sealer = send(tmp_path, [FIRST, FIRST])
    assert sealer.stored() == [(FEED, NOON, 100.0, 0)]
    assert sealer.parked() == []
    assert sealer.sealer.counters()["repeated"] == 1


@EVERY_WAY
def test_a_later_reading_fills_a_failed_read(tmp_path: Path, send: Sender) -> None:
    sealer = send(tmp_path, [line(FEED, NOON, None, 1024), FIRST])
    assert sealer.stored() == [(FEED, NOON, 100.0, 0)]
    assert sealer.parked() == []
    assert sealer.sealer.counters()["filled"] == 1


@EVERY_WAY
def test_a_failed_read_does_not_take_a_value_away(tmp_path: Path, send: Sender) -> None:
    sealer = send(tmp_path, [FIRST, line(FEED, NOON, None, 1024)])
    assert sealer.stored() == [(FEED, NOON, 100.0, 0)]
    assert sealer.sealer.counters()["conflicting"] == 1


@EVERY_WAY
def test_what_fills_a_failed_read_is_then_the_first_value(tmp_path: Path, send: Sender) -> None:
    sealer = send(tmp_path, [line(FEED, NOON, None, 1024), FIRST, SECOND])
    assert sealer.stored() == [(FEED, NOON, 100.0, 0)]
    assert sealer.parked()[0]["reason"] == "DUPLICATE: first value 100.0 stands"


@EVERY_WAY
def test_another_flag_word_is_another_reading(tmp_path: Path, send: Sender) -> None:
    # trust.md 2.3: a sealed line is point, time, value and quality; only an identical one is a repeat.
    sealer = send(tmp_path, [FIRST, line(FEED, NOON, 100.0, 8)])
    assert sealer.stored() == [(FEED, NOON, 100.0, 0)]
    assert sealer.sealer.counters()["conflicting"] == 1


def test_the_same_number_in_other_text_is_a_repeat(tmp_path: Path) -> None:
    # trust.md section 8, trap 9: `100` and `100.0` are the same reading.
    sealer = together(tmp_path, [FIRST, line(FEED, NOON, "100"), line(FEED, NOON, "1e2")])
    assert sealer.sealer.counters()["repeated"] == 2


def test_a_late_batch_is_compared_reading_by_reading(tmp_path: Path) -> None:
    with rig(tmp_path) as sealer:
        sealer.accept(line(FEED, NOON, 1.0), line(FEED, NOON + 4000, 5.0), line(COAL, NOON + 1000, 7.0))
        sealer.accept(
            line(FEED, NOON, 1.0),  # repeat
            line(FEED, NOON + 2000, 3.0),  # late
            line(FEED, NOON + 4000, 6.0),  # conflict
            line(FEED, NOON + 6000, 7.0),  # new
            line(COAL, NOON, 6.0),  # late, before everything of its point
        )
        assert [row[:3] for row in sealer.stored()] == [
            (COAL, NOON, 6.0),
            (COAL, NOON + 1000, 7.0),
            (FEED, NOON, 1.0),
            (FEED, NOON + 2000, 3.0),
            (FEED, NOON + 4000, 5.0),
            (FEED, NOON + 6000, 7.0),
        ]
        counters = sealer.sealer.counters()
        assert (counters["repeated"], counters["conflicting"], counters["forwarded"]) == (1, 1, 6)
        assert counters["accepted"] == 6 == len(sealer.stored())


def test_readings_out_of_order_in_one_body_are_all_stored(tmp_path: Path) -> None:
    with rig(tmp_path) as sealer:
        sealer.accept(*(line(FEED, NOON + second * 1000, second) for second in (5, 1, 3, 0, 4, 2)))
        assert [row[2] for row in sealer.stored()] == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]


def test_a_long_conflict_and_a_long_repeat_are_settled_at_once(tmp_path: Path) -> None:
    with rig(tmp_path) as sealer:
        rows = [line(FEED, NOON + row, row) for row in range(3000)]
        sealer.accept(*rows, *rows)
        sealer.accept(*(line(FEED, NOON + row, row + (row % 3 == 0)) for row in range(3000)))
        counters = sealer.sealer.counters()
        assert (counters["repeated"], counters["conflicting"], counters["accepted"]) == (5000, 1000, 3000)
        assert [row[2] for row in sealer.stored()] == list(range(3000))
