"""The spool's disk is bounded, and nothing that was not forwarded ever goes (issue 5, item 6)."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from services.sealer.frame import Columns
from services.sealer.parked import OVER_LIMIT, Parked, ParkedLine
from services.sealer.recovery import Position
from services.sealer.room import LOOK_S, Limits, Room
from services.sealer.segments import all_frames
from services.sealer.spool import Spool
from tanji.errors import SpoolError, SpoolFull
from tanji.trust import durable

from .sealer_rig import FEED, NOON, line, rig, wait_until

MINUTE = 60_000
SIZE = 40 + 8 + 22 + 2 + 1 + len(FEED) + 7
"""A frame with one reading, at most: header, counts, columns, presence, one name, padding to 8 bytes."""


def reading(number: int) -> Columns:
    return Columns(
        (FEED,),
        np.zeros(1, np.uint16),
        np.array([NOON + number]),
        np.array([1.0]),
        np.ones(1, bool),
        np.zeros(1, np.uint32),
    )


def filled(spool: Spool, minutes: Sequence[int]) -> list[Position]:
    """A reading a minute; the place after each."""
    places = []
    position = Position("", 0, 0)
    for minute in minutes:
        spool.append(reading(minute), arrival_ms=NOON + minute * MINUTE)
        _, position = spool.read(position, max_rows=10)
        places.append(position)
    return places


def test_room_is_what_is_left_of_the_limit_and_of_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("services.sealer.room.time.monotonic", lambda: now[0])
    free = [1000]
    room = Room(Limits(500, 200), used=0, free=lambda: free[0])
    assert room.lacking(500) is None
    assert "full: 0 of at most 500" in str(room.lacking(501))
    room.took(300)
    assert room.lacking(200) is None  # 1000 - 300 - 200 leaves the reserve and more
    assert room.lacking(201) is not None
    free[0] = 250
    now[0] += LOOK_S
    assert "250 bytes are free" in str(room.lacking(51))
    free[0] = 1000
    assert room.lacking(51) is None  # looked at again at once
    room.gave_back(300)
    assert room.lacking(500) is None


def test_only_forwarded_segments_make_room_the_oldest_first(tmp_path: Path) -> None:
    spool = Spool(tmp_path, parked=Parked(tmp_path / "parked"), limits=Limits(20 * SIZE))
    places = filled(spool, range(15))
    spool.save_forwarded(places[11], now_ms=NOON)
    with pytest.raises(SpoolFull):
        for minute in range(15, 60):  # three times what fits
            spool.append(reading(minute), arrival_ms=NOON + minute * MINUTE)
    left = sorted(path.name[:14] for path in tmp_path.glob("*.seg"))
    assert left[0] == "20260301T0011Z"  # the segment forwarded last is where reading goes on
    assert spool.released == 11 and spool.used == sum(path.stat().st_size for path in tmp_path.glob("*.seg"))


def test_a_full_spool_refuses_and_takes_again_once_something_was_forwarded(tmp_path: Path) -> None:
    spool = Spool(tmp_path, parked=Parked(tmp_path / "parked"), limits=Limits(10 * SIZE))
    places = filled(spool, range(3))
    number = 3
    with pytest.raises(SpoolFull, match=r"full: \d+ of at most \d+ bytes.*readings wait"):
        for number in range(3, 20):
            spool.append(reading(number), arrival_ms=NOON + number * MINUTE)
    assert spool.full is not None
    frames, _ = spool.read(places[2], max_rows=1000)
    assert [frame.first_seq for frame in frames] == list(range(3, number))  # nothing acknowledged went
    spool.save_forwarded(places[2], now_ms=NOON)
    spool.append(reading(number), arrival_ms=NOON + number * MINUTE)
    assert spool.full is None and spool.released == 2


def test_a_sender_is_told_when_to_come_again_and_what_is_wrong(tmp_path: Path) -> None:
    free = [10_000_000_000]
    with rig(tmp_path, free=lambda folder: free[0]) as sealer:
        sealer.store.down.set()
        assert sealer.post(line(FEED, NOON))[0] == 204
        free[0] = 1000
        wait_until(lambda: sealer.post(line(FEED, NOON + 1))[0] == 503)
        status, answer = sealer.post(line(FEED, NOON + 1))
        assert status == 503 and "the disk is full: 1000 bytes are free" in answer["message"]
        wait_until(lambda: "SPOOL_FULL" in codes(sealer.sealer.report()))
        free[0] = 10_000_000_000
        assert sealer.post(line(FEED, NOON + 1))[0] == 204
        sealer.store.down.clear()
        assert sealer.sealer.drain(20)
        assert [row[1] for row in sealer.stored()] == [NOON, NOON + 1]
        wait_until(lambda: "SPOOL_FULL" not in codes(sealer.sealer.report()))


def codes(report: dict[str, list[dict[str, str]]]) -> list[str]:
    return [alarm["code"] for alarm in report["alarms"]]


def test_a_write_that_the_disk_does_not_take_is_taken_back_and_the_next_one_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = Spool(tmp_path, parked=Parked(tmp_path / "parked"))
    filled(spool, range(3))
    write, left = os.writev, [1]

    def full(descriptor: int, parts: Sequence[bytes]) -> int:
        if left.pop() if left else 0:
            write(descriptor, [parts[0]])  # half a frame reaches the file
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(descriptor, parts)

    monkeypatch.setattr(durable.os, "writev", full)
    with pytest.raises(SpoolError, match="No space left"):
        spool.append(reading(3), arrival_ms=NOON)
    assert spool.append(reading(4), arrival_ms=NOON) == 3
    assert [frame.first_seq for _, _, frame in all_frames(spool.folder, durable_seq=spool.durable_seq)] == [0, 1, 2, 3]


def parked_lines(count: int) -> list[ParkedLine]:
    return [
        ParkedLine(f"line {number}", f"unknown point: p{number} is not in the plant file") for number in range(count)
    ]


def test_beyond_their_limit_parked_lines_are_counted_by_reason_over_restarts(tmp_path: Path) -> None:
    parked = Parked(tmp_path, most_bytes=500)
    parked.add(parked_lines(3), arrival_ms=NOON)
    parked.add([*parked_lines(40), ParkedLine("x", "expected value to be finite, got 'nan'")], arrival_ms=NOON + 1)
    again = Parked(tmp_path, most_bytes=500)
    again.add(parked_lines(9), arrival_ms=NOON + 2)
    assert again.counted == 41 + 9
    assert len((tmp_path / "2026-03-01.jsonl").read_text().splitlines()) == 3
    text = (tmp_path / OVER_LIMIT).read_text()
    assert '"unknown point": {\n  "count": 49' in text and '"expected value to be finite": {' in text
    (tmp_path / "2026-03-01.jsonl").unlink()  # a person made room
    again.add(parked_lines(1), arrival_ms=NOON + 3)
    assert (tmp_path / "2026-03-01.jsonl").exists()


def test_a_sender_of_unknown_points_costs_the_good_readings_nothing(tmp_path: Path) -> None:
    with rig(tmp_path, settings={"parked_limit_mb": 1}) as sealer:
        poison = "".join(line(f"no.such.point{number}", NOON) for number in range(9_000))
        sealer.accept(line(FEED, NOON) + poison)
        sealer.accept(line(FEED, NOON + 1) + poison)
        assert [row[1] for row in sealer.stored()] == [NOON, NOON + 1]
        assert (tmp_path / "parked" / OVER_LIMIT).exists()
        wait_until(lambda: {"PARKED_FULL", "LINES_PARKED"} <= set(codes(sealer.sealer.report())))
