"""Arrival rows: exactly the hours a reading touches (DESIGN section 2). Every expectation is counted by hand.

Hours are numbered from `NOON`, the start of hour 0.
"""

from __future__ import annotations

from pathlib import Path

from .sealer_rig import COAL, FEED, HOUR, NOON, line, rig

MINUTE = 60_000


def at(hour: int, minute: int = 0) -> int:
    return NOON + hour * HOUR + minute * MINUTE


def test_readings_in_order_touch_their_own_hour_with_their_count(tmp_path: Path) -> None:
    with rig(tmp_path) as sealer:
        lines = [line(FEED, at(0, minute)) for minute in range(5)] + [line(COAL, at(1, 1))]
        assert sealer.hours_of(*lines) == {0: 5, 1: 1}
        assert sealer.hours_of(line(FEED, at(0, 5))) == {0: 1}


def test_a_reading_after_a_gap_touches_every_hour_back_to_the_one_before_it(tmp_path: Path) -> None:
    with rig(tmp_path) as sealer:
        sealer.accept(line(FEED, at(0, 59)))
        assert sealer.hours_of(line(FEED, at(1))) == {0: 0, 1: 1}
        assert sealer.hours_of(line(FEED, at(4, 10))) == {1: 0, 2: 0, 3: 0, 4: 1}


def test_failed_reads_carry_nothing_so_the_next_value_reaches_back_over_them(tmp_path: Path) -> None:
    with rig(tmp_path) as sealer:
        sealer.accept(line(FEED, at(0, 30)))
        assert sealer.hours_of(*(line(FEED, at(hour), None, 1024) for hour in (1, 2))) == {0: 0, 1: 1, 2: 1}
        assert sealer.hours_of(line(FEED, at(3))) == {0: 0, 1: 0, 2: 0, 3: 1}


def test_a_restart_remembers_the_last_value_behind_failed_reads(tmp_path: Path) -> None:
    with rig(tmp_path) as sealer:
        sealer.accept(line(FEED, at(0, 30)), line(FEED, at(50), None, 1024))
    with rig(tmp_path) as sealer:
        assert sealer.hours_of(line(FEED, at(51))) == dict.fromkeys(range(51), 0) | {51: 1}


def test_a_late_reading_touches_the_hours_from_the_reading_before_to_the_reading_after(tmp_path: Path) -> None:
    with rig(tmp_path) as sealer:
        sealer.accept(line(FEED, at(0, 30)), line(FEED, at(6, 30)), line(COAL, at(8)))
        assert sealer.hours_of(line(FEED, at(3, 30))) == {0: 0, 1: 0, 2: 0, 3: 1, 4: 0, 5: 0, 6: 0}
        assert sealer.hours_of(line(FEED, at(2, 10))) == {0: 0, 1: 0, 2: 1, 3: 0}
        assert sealer.hours_of(line(FEED, at(3, 10))) == {2: 0, 3: 1}
        assert sealer.hours_of(line(FEED, at(3, 20))) == {3: 1}


def test_a_late_reading_finds_neighbours_that_are_days_and_months_away(tmp_path: Path) -> None:
    with rig(tmp_path) as sealer:
        sealer.accept(line(FEED, at(0)), line(FEED, at(24 * 100)))
        touched = sealer.hours_of(line(FEED, at(24 * 40)))
        assert touched == dict.fromkeys(range(24 * 100 + 1), 0) | {24 * 40: 1}


def test_a_late_reading_before_everything_touches_up_to_the_first(tmp_path: Path) -> None:
    with rig(tmp_path) as sealer:
        sealer.accept(line(FEED, at(3)))
        assert sealer.hours_of(line(FEED, at(1, 59))) == {1: 1, 2: 0, 3: 0}


def test_late_readings_of_one_body_are_neighbours_of_each_other(tmp_path: Path) -> None:
    with rig(tmp_path) as sealer:
        sealer.accept(line(FEED, at(0)), line(FEED, at(20)))
        assert sealer.hours_of(line(FEED, at(5)), line(FEED, at(10)), line(FEED, at(21))) == (
            dict.fromkeys(range(22), 0) | {5: 1, 10: 1, 21: 1}
        )
        assert sealer.hours_of(line(FEED, at(5, 1)), line(FEED, at(15))) == (
            dict.fromkeys(range(5, 21), 0) | {5: 1, 15: 1}
        )


def test_a_late_reading_between_stored_ones_is_not_stretched_to_another_late_one(tmp_path: Path) -> None:
    with rig(tmp_path) as sealer:
        sealer.accept(*(line(FEED, at(hour)) for hour in range(20)))
        assert sealer.hours_of(line(FEED, at(3, 30)), line(FEED, at(12, 30))) == {3: 1, 4: 0, 12: 1, 13: 0}


def test_a_filled_failed_read_touches_as_a_late_reading_does(tmp_path: Path) -> None:
    with rig(tmp_path) as sealer:
        sealer.accept(line(FEED, at(0)), line(FEED, at(2), None, 1024), line(FEED, at(4)))
        assert sealer.hours_of(line(FEED, at(2), 7.0)) == {0: 0, 1: 0, 2: 1, 3: 0, 4: 0}


def test_repeats_and_conflicts_touch_nothing(tmp_path: Path) -> None:
    with rig(tmp_path) as sealer:
        sealer.accept(line(FEED, at(0), 1.0))
        assert sealer.hours_of(line(FEED, at(0), 1.0), line(FEED, at(0), 2.0)) == {}


def test_a_clock_that_fell_back_to_1970_touches_its_own_hour_only(tmp_path: Path) -> None:
    with rig(tmp_path) as sealer:
        sealer.accept(line(FEED, at(0)))
        assert sealer.hours_of(line(FEED, 5)) == {-NOON // HOUR: 1}
        assert sealer.hours_of(line(FEED, at(1))) == {0: 0, 1: 1}


def test_arrival_times_only_rise_though_the_clock_stands_still_or_the_process_restarts(tmp_path: Path) -> None:
    times = []
    for clock_ms in (NOON, NOON, NOON - HOUR, NOON + HOUR):
        with rig(tmp_path, clock_ms=clock_ms) as sealer:
            for _ in range(2):
                hour = len(times)
                sealer.accept(line(FEED, at(hour)))
                times = [time for time, _, _ in sealer.arrivals()]
    assert times[0] == NOON and times == sorted(set(times)) and times[-1] > NOON + HOUR


def test_arrival_rows_come_after_the_readings_and_before_the_position(tmp_path: Path) -> None:
    with rig(tmp_path) as sealer:
        position = tmp_path / "spool" / "forwarded.json"
        sealer.accept(line(FEED, at(0)))
        before = position.read_bytes()
        sealer.store.fail_after = "arrival"
        sealer.post(line(FEED, at(1)))
        while len(sealer.store.writes) < 4:
            pass
        assert [measurement for _, measurement, _ in sealer.store.writes] == ["reading", "arrival"] * 2
        sealer.store.down.clear()
        sealer.store.fail_after = None
        assert sealer.sealer.drain(10)
        assert position.read_bytes() != before


def test_a_crash_between_readings_and_arrival_rows_still_announces_the_hours(tmp_path: Path) -> None:
    with rig(tmp_path) as sealer:
        sealer.accept(line(FEED, at(0)))
        sealer.store.fail_after = "reading"  # the store takes the readings and is gone
        sealer.post(line(FEED, at(1), 2.0) + line(FEED, at(2), 3.0))
        while len(sealer.store.writes) < 3:
            pass
    with rig(tmp_path) as sealer:
        assert sealer.sealer.drain(10)
        assert [(hour, count) for _, hour, count in sealer.arrivals()] == [(0, 1), (0, 0), (1, 1), (2, 1)]
        assert [row[2] for row in sealer.stored()] == [1.0, 2.0, 3.0]
        counters = sealer.sealer.counters()
        assert (counters["accepted"], counters["repeated"], counters["forwarded"]) == (2, 0, 2)
