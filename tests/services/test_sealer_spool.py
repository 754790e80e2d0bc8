"""The spool: nothing acknowledged is lost, nothing damaged is passed over (R33, R35, R36; trust.md section 8, 14)."""

from __future__ import annotations

import os
import threading
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from services.sealer import segments
from services.sealer.frame import HEADER, Columns, Record
from services.sealer.parked import Parked
from services.sealer.recovery import Position
from services.sealer.room import Limits
from services.sealer.spool import Spool
from tanji.errors import SpoolError, SpoolFull

MINUTE = 60_000
ARRIVAL = 1_772_323_200_000
"""2026-03-01T00:00:00Z [ms]"""


def columns(*values: float | None, start: int = ARRIVAL) -> Columns:
    """Readings of one point, a millisecond apart; None is a failed read."""
    present = np.array([value is not None for value in values])
    return Columns(
        ("kiln1.feed",),
        np.zeros(len(values), np.uint16),
        np.arange(start, start + len(values)),
        np.array([value or 0.0 for value in values]),
        present,
        np.arange(len(values), dtype=np.uint32),
    )


def open_spool(folder: Path, **options: object) -> Spool:
    return Spool(folder / "spool", parked=Parked(folder / "parked"), **options)  # type: ignore[arg-type]


def filled(folder: Path, *, frames: int = 3) -> Path:
    """A closed spool of frames of two readings; its only segment."""
    with closing(open_spool(folder)) as spool:
        for number in range(frames):
            spool.append(columns(number, number + 0.5), arrival_ms=ARRIVAL)
    (segment,) = (folder / "spool").glob("*.seg")
    return segment


def records(spool: Spool) -> list[Record]:
    found = segments.all_frames(spool.folder, durable_seq=spool.durable_seq)
    return [record for _, _, frame in found for record in frame.records()]


def test_every_record_is_read_back_with_seq_arrival_point_time_value_and_quality(tmp_path: Path) -> None:
    with closing(open_spool(tmp_path)) as spool:
        assert spool.append(columns(1.25, None, -0.0), arrival_ms=ARRIVAL + 5) == 0
        assert spool.append(columns(7.0), arrival_ms=ARRIVAL + 6) == 3
        assert records(spool) == [
            Record(0, ARRIVAL + 5, "kiln1.feed", ARRIVAL, 1.25, 0),
            Record(1, ARRIVAL + 5, "kiln1.feed", ARRIVAL + 1, None, 1),
            Record(2, ARRIVAL + 5, "kiln1.feed", ARRIVAL + 2, -0.0, 2),
            Record(3, ARRIVAL + 6, "kiln1.feed", ARRIVAL, 7.0, 0),
        ]


def test_every_arrival_minute_has_a_segment_named_in_utc(tmp_path: Path) -> None:
    with closing(open_spool(tmp_path)) as spool:
        for arrival in (ARRIVAL, ARRIVAL + MINUTE - 1, ARRIVAL + MINUTE):
            spool.append(columns(1.0), arrival_ms=arrival)
    names = sorted(path.name for path in (tmp_path / "spool").glob("*.seg"))
    assert names == ["20260301T0000Z-0000000000000000.seg", "20260301T0001Z-0000000000000002.seg"]


def test_a_clock_that_jumps_back_keeps_the_order_of_acceptance(tmp_path: Path) -> None:
    with closing(open_spool(tmp_path)) as spool:
        for arrival in (ARRIVAL, ARRIVAL - 3 * MINUTE, ARRIVAL):
            spool.append(columns(1.0), arrival_ms=arrival)
    with closing(open_spool(tmp_path)) as spool:
        assert [record.seq for record in records(spool)] == [0, 1, 2]
        assert spool.append(columns(2.0), arrival_ms=ARRIVAL) == 3
        frames, after = spool.read(spool.forwarded, max_rows=100)
        assert [frame.first_seq for frame in frames] == [0, 1, 2, 3] and after.seq == 4


def test_the_numbering_goes_on_after_a_restart_in_the_same_minute(tmp_path: Path) -> None:
    segment = filled(tmp_path)
    with closing(open_spool(tmp_path)) as spool:
        assert spool.append(columns(9.0), arrival_ms=ARRIVAL + 30_000) == 6
        assert [record.seq for record in records(spool)] == list(range(7))
    assert list((tmp_path / "spool").glob("*.seg")) == [segment]


@pytest.mark.parametrize("cut", [1, 7, HEADER.size - 1, HEADER.size, HEADER.size + 1])
def test_a_torn_last_frame_is_cut_off_kept_and_reported(tmp_path: Path, cut: int) -> None:
    segment = filled(tmp_path)
    size, last = segment.stat().st_size, segment.stat().st_size // 3
    torn = segment.read_bytes()[2 * last : size - last + cut]
    os.truncate(segment, 2 * last + cut)
    with closing(open_spool(tmp_path)) as spool:
        assert spool.torn is not None
        assert (spool.torn.offset, spool.torn.length) == (2 * last, cut)
        assert spool.torn.kept_as.parent.name == "parked" and spool.torn.kept_as.read_bytes() == torn
        assert segment.stat().st_size == 2 * last
        assert spool.append(columns(5.0), arrival_ms=ARRIVAL) == 4
        assert [record.seq for record in records(spool)] == [0, 1, 2, 3, 4]
    with closing(open_spool(tmp_path)) as spool:
        assert spool.torn is None


def test_a_zeroed_page_among_unacknowledged_frames_is_a_torn_end_too(tmp_path: Path) -> None:
    # A power cut may lose the first of two pages that no fsync had covered, and keep the second.
    gate, waiting = threading.Event(), threading.Event()

    def slow(descriptor: int) -> None:
        waiting.set()
        gate.wait(10)

    spool = open_spool(tmp_path)
    spool.append(columns(1.0), arrival_ms=ARRIVAL)
    spool._sync = slow
    threads = [
        threading.Thread(target=spool.append, args=(columns(2.0),), kwargs={"arrival_ms": ARRIVAL}) for _ in range(2)
    ]
    threads[0].start()
    assert waiting.wait(10)
    threads[1].start()
    (segment,) = (tmp_path / "spool").glob("*.seg")
    while segment.stat().st_size % 3 or segment.stat().st_size < 3 * 80:
        pass
    frozen = segment.read_bytes()
    gate.set()
    for thread in threads:
        thread.join()
    spool.close()
    third = len(frozen) // 3
    segment.write_bytes(frozen[:third] + bytes(third) + frozen[2 * third :])
    with closing(open_spool(tmp_path)) as again:
        assert again.torn is not None and again.torn.offset == third
        assert [record.value for record in records(again)] == [1.0]


@pytest.mark.parametrize("place", ["header", "body", "number"])
def test_damage_before_the_end_is_an_error_that_names_segment_and_offset(tmp_path: Path, place: str) -> None:
    segment = filled(tmp_path)
    data = bytearray(segment.read_bytes())
    second = len(data) // 3
    data[second + {"header": 0, "body": HEADER.size + 20, "number": 16}[place]] ^= 1
    segment.write_bytes(data)
    with pytest.raises(SpoolError, match=rf"{segment.name}: damaged at offset {second}"):
        open_spool(tmp_path)
    assert segment.read_bytes() == data and not list((tmp_path / "parked").iterdir())


def test_damage_of_a_segment_before_the_last_is_an_error(tmp_path: Path) -> None:
    with closing(open_spool(tmp_path)) as spool:
        spool.append(columns(1.0), arrival_ms=ARRIVAL)
        spool.append(columns(2.0), arrival_ms=ARRIVAL + MINUTE)
    first = min((tmp_path / "spool").glob("*.seg"))
    os.truncate(first, first.stat().st_size - 1)
    with pytest.raises(SpoolError, match=rf"{first.name}: damaged at offset 0"):
        open_spool(tmp_path)


def test_a_missing_segment_is_an_error(tmp_path: Path) -> None:
    with closing(open_spool(tmp_path)) as spool:
        for minute in range(3):
            spool.append(columns(1.0), arrival_ms=ARRIVAL + minute * MINUTE)
    sorted((tmp_path / "spool").glob("*.seg"))[1].unlink()
    with pytest.raises(SpoolError, match="expected seq 1 first: a segment is missing"):
        open_spool(tmp_path)


def test_a_spool_that_ends_before_what_was_forwarded_is_an_error(tmp_path: Path) -> None:
    segment = filled(tmp_path)
    with closing(open_spool(tmp_path)) as spool:
        _, end = spool.read(spool.forwarded, max_rows=100)
        spool.save_forwarded(end, now_ms=ARRIVAL)
    os.truncate(segment, segment.stat().st_size - 1)
    with pytest.raises(SpoolError, match="had been forwarded"):
        open_spool(tmp_path)


def test_damage_behind_the_end_of_forwarding_is_found_by_reading_all(tmp_path: Path) -> None:
    segment = filled(tmp_path)
    with closing(open_spool(tmp_path)) as spool:
        _, end = spool.read(spool.forwarded, max_rows=100)
        spool.save_forwarded(end, now_ms=ARRIVAL)
    data = bytearray(segment.read_bytes())
    data[HEADER.size + 9] ^= 1
    segment.write_bytes(data)
    with closing(open_spool(tmp_path)) as spool, pytest.raises(SpoolError, match="damaged at offset 0"):
        records(spool)


def test_the_forward_position_survives_and_reading_goes_on_from_it(tmp_path: Path) -> None:
    filled(tmp_path)
    with closing(open_spool(tmp_path)) as spool:
        frames, after = spool.read(spool.forwarded, max_rows=3)  # whole frames of two: until at least three
        assert [frame.first_seq for frame in frames] == [0, 2] and after.seq == 4
        spool.save_forwarded(after, now_ms=ARRIVAL)
    with closing(open_spool(tmp_path)) as spool:
        assert spool.forwarded == after
        assert [frame.first_seq for frame in spool.read(after, max_rows=100)[0]] == [4]


def test_a_forward_position_that_is_no_json_is_an_error(tmp_path: Path) -> None:
    filled(tmp_path)
    (tmp_path / "spool" / "forwarded.json").write_text("{")
    with pytest.raises(SpoolError, match=r"forwarded\.json: expected segment, offset and seq"):
        open_spool(tmp_path)


def test_a_second_opener_is_refused_and_may_come_after_the_first_has_closed(tmp_path: Path) -> None:
    with closing(open_spool(tmp_path)), pytest.raises(SpoolError, match="in use by another process"):
        open_spool(tmp_path)
    open_spool(tmp_path).close()


def test_concurrent_bodies_share_fsyncs_and_every_one_is_covered(tmp_path: Path) -> None:
    calls = []

    def slow(descriptor: int) -> None:
        calls.append(os.fstat(descriptor).st_size)
        threading.Event().wait(0.02)

    with closing(open_spool(tmp_path, sync=slow)) as spool:
        covered: list[bool] = []

        def append() -> None:
            first = spool.append(columns(1.0), arrival_ms=ARRIVAL)
            covered.append(spool.durable_seq > first)

        threads = [threading.Thread(target=append) for _ in range(40)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert covered == [True] * 40
        assert len(calls) < 20
        assert sorted(record.seq for record in records(spool)) == list(range(40))
        (segment,) = (tmp_path / "spool").glob("*.seg")
        assert max(calls) == segment.stat().st_size


def test_a_full_disk_refuses_the_body_and_the_spool_goes_on_when_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(open_spool(tmp_path)) as spool:
        spool.append(columns(1.0), arrival_ms=ARRIVAL)
        with monkeypatch.context() as patch:
            patch.setattr(os, "writev", lambda descriptor, parts: os.write(descriptor, parts[0][:9]))
            with pytest.raises(SpoolError, match="disk full"):
                spool.append(columns(2.0), arrival_ms=ARRIVAL)
        assert spool.append(columns(3.0), arrival_ms=ARRIVAL) == 1
        assert [record.value for record in records(spool)] == [1.0, 3.0]


def test_after_a_failed_fsync_nothing_is_accepted_any_more(tmp_path: Path) -> None:
    def broken(descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    with closing(open_spool(tmp_path, sync=broken)) as spool:
        for _ in range(2):
            with pytest.raises(SpoolError, match="fsync failed"):
                spool.append(columns(1.0), arrival_ms=ARRIVAL)
        assert spool.durable_seq == 0 and records(spool) == []


def test_segments_stay_unless_a_limit_is_set_and_then_only_forwarded_ones_go(tmp_path: Path) -> None:
    for retain_ms, left in ((None, 4), (2 * MINUTE, 2)):
        with closing(open_spool(tmp_path, retain_ms=retain_ms)) as spool:
            for minute in range(4 if retain_ms is None else 0):
                spool.append(columns(1.0), arrival_ms=ARRIVAL + minute * MINUTE)
            _, end = spool.read(spool.forwarded, max_rows=100)
            spool.save_forwarded(end, now_ms=ARRIVAL + 4 * MINUTE)
            assert len(segments.list_segments(tmp_path / "spool")) == left
            assert end == Position("20260301T0003Z-0000000000000003.seg", end.offset, 4)
    with closing(open_spool(tmp_path)) as spool:
        assert spool.append(columns(2.0), arrival_ms=ARRIVAL + 4 * MINUTE) == 4


def test_a_foreign_file_among_the_segments_is_an_error(tmp_path: Path) -> None:
    filled(tmp_path)
    (tmp_path / "spool" / "copy of a.seg").touch()
    with pytest.raises(SpoolError, match="copy of a"):
        open_spool(tmp_path)


def test_what_was_forwarded_takes_no_memory_and_is_still_there_for_an_audit(tmp_path: Path) -> None:
    def look(spool: Spool) -> tuple[int, int]:
        return len(spool._kept.unread), len(records(spool))

    with closing(open_spool(tmp_path)) as spool:
        for minute in range(50):
            spool.append(columns(float(minute)), arrival_ms=ARRIVAL + minute * MINUTE)
        assert look(spool) == (50, 50)
        _, end = spool.read(spool.forwarded, max_rows=40)
        spool.save_forwarded(end, now_ms=ARRIVAL)
        assert look(spool) == (11, 50)
    with closing(open_spool(tmp_path)) as spool:
        assert look(spool) == (11, 50)
        frames, _ = spool.read(spool.forwarded, max_rows=100)
        assert [frame.first_seq for frame in frames] == list(range(40, 50))


def test_a_segment_that_sealing_still_needs_stays_over_restarts(tmp_path: Path) -> None:
    with closing(open_spool(tmp_path, retain_ms=0, is_sealed=True)) as spool:
        for minute in range(6):
            spool.append(columns(1.0), arrival_ms=ARRIVAL + minute * MINUTE)
        reader = spool.reader()
        _, half = reader.read(spool.beginning, max_rows=3)
        _, end = spool.read(spool.forwarded, max_rows=100)
        spool.save_forwarded(end, now_ms=ARRIVAL + 60 * MINUTE)
        assert len(segments.list_segments(tmp_path / "spool")) == 6  # the store has all of them, the seal none
        spool.release(half, now_ms=ARRIVAL + 60 * MINUTE)
        assert len(segments.list_segments(tmp_path / "spool")) == 4
        assert [frame.first_seq for frame in reader.read(half, max_rows=100)[0]] == [3, 4, 5]
        spool.release(spool.beginning, now_ms=ARRIVAL + 60 * MINUTE)  # never backwards
        reader.close()
    with closing(open_spool(tmp_path, retain_ms=0, is_sealed=True)) as spool:
        assert spool.beginning.seq == 2
        spool.release(end, now_ms=ARRIVAL + 60 * MINUTE)
        assert len(segments.list_segments(tmp_path / "spool")) == 1


def test_room_is_made_of_nothing_that_sealing_still_needs(tmp_path: Path) -> None:
    with closing(open_spool(tmp_path, limits=Limits(1000), is_sealed=True)) as spool:
        with pytest.raises(SpoolFull):
            for minute in range(100):
                spool.append(columns(1.0), arrival_ms=ARRIVAL + minute * MINUTE)
                _, end = spool.read(spool.forwarded, max_rows=100)
                spool.save_forwarded(end, now_ms=ARRIVAL)
        spool.release(end, now_ms=ARRIVAL)
        spool.append(columns(1.0), arrival_ms=ARRIVAL + 100 * MINUTE)
