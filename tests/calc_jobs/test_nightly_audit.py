"""The audit of every night: its days in turn, its rows in the trail, its alarms, and nights that were missed (R35)."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from calc_jobs.nightly_audit import NightlyAudit
from calc_jobs.schedule import Schedule
from calc_jobs.sealed_log import SealedLog
from calc_jobs.sealed_readings import standing
from tanji.health.alarms import AlarmCode
from tanji.health.process import ProcessHealth
from tanji.ledger.audit_trail import TrailKind, entries
from tanji.ledger.audits import audit_state, record_audit
from tanji.plant.model import Plant

from .conftest import Rig
from .sealed_plant import MINUTE, SealedPlant

DAY = 86_400_000
HOUR = 3_600_000
FIRST = 1_772_294_400_000  # 2026-03-01 00:00 in Asia/Shanghai
DAYS = 10


class Nights:
    """Ten local days with a sealed reading an hour, and the store as the sealer filled it."""

    def __init__(self, plant: Plant, folder: Path, *, days: int = DAYS) -> None:
        self.rig = Rig(plant, folder)
        self.rig.now_ms = FIRST + days * DAY + 150 * MINUTE  # 02:30 at the plant
        self.evidence = SealedPlant(from_ms=FIRST)
        for hour in range(days * 24 + 4):
            self.evidence.minute([f"coal {FIRST + hour * HOUR} {hour}.5 0"], minutes=60)
        payloads = [self.evidence.payloads[index] for index in sorted(self.evidence.payloads)]
        self.rig.store.write("hx_raw", "reading", standing(payloads, plant_id="hx"))
        self.nightly = self.again()

    def again(self, **options: object) -> NightlyAudit:
        """The audit of a process that starts now."""
        rig = self.rig
        return NightlyAudit(
            rig.plant,
            store=rig.store,
            sealed=SealedLog(self.evidence),
            ledger=rig.ledger,
            clock=lambda: rig.now_ms,
            settle_s=0.0,
            **options,  # type: ignore[arg-type]
        )

    def alter(self, day: int) -> None:
        """One reading of a day, in the database alone."""
        at_min = (FIRST + day * DAY + 5 * HOUR - 1_772_323_200_000) // MINUTE
        self.rig.put("coal", [0.25], at_min=at_min, arrive=False)

    def audits(self) -> list[tuple[int, int, str, int]]:
        """First and last day, turn and differences of the audits in the trail, oldest first."""
        rows = entries(self.rig.ledger, kinds=(TrailKind.AUDIT,))[::-1]
        return [
            ((row.facts["start_ms"] - FIRST) // DAY, (row.facts["end_ms"] - FIRST) // DAY, row.facts["turn"],
             row.facts["differences"])
            for row in rows
        ]  # fmt: skip


@pytest.fixture
def nights(plant: Plant, tmp_path: Path) -> Iterator[Nights]:
    found = Nights(plant, tmp_path)
    yield found
    found.rig.close()


def test_a_night_compares_the_last_days_and_older_ones_in_turn(nights: Nights) -> None:
    assert nights.nightly.run()
    assert nights.audits() == [(6, 10, "recent", 0), (-1, 2, "older", 0)]  # lines may be 120 s before the first minute
    for _ in range(3):
        assert nights.again().run()
    assert [each[:2] for each in nights.audits() if each[2] == "older"] == [(-1, 2), (2, 5), (5, 6), (-1, 2)]


def test_a_plant_that_has_just_begun_has_no_older_days(plant: Plant, tmp_path: Path) -> None:
    nights = Nights(plant, tmp_path, days=2)
    assert nights.nightly.run()
    assert nights.audits() == [(-2, 2, "recent", 0)]
    nights.rig.close()


def test_a_difference_is_an_alarm_and_a_row_of_the_trail_until_an_audit_finds_it_gone(nights: Nights) -> None:
    health = ProcessHealth(clock=lambda: nights.rig.now_ms)
    health.add_audit(nights.nightly.health)
    nights.alter(1)
    nights.alter(8)
    nights.nightly.run()
    health.look()
    (alarm,) = [each for each in health.alarms.active() if each.code is AlarmCode.AUDIT_DIFFERS]
    assert alarm.severity == "critical" and alarm.text.startswith("2 readings of the database differ")
    (numbers,) = [each.values for each in health.metrics.numbers() if each.part == "audit"]
    assert numbers == {"last_age_s": 0.0, "rows": 96, "differences": 2}
    nights.rig.put("coal", [8 * 24 + 5.5], at_min=_minute(8), arrive=False)
    nights.again().run()  # the recent days and days 2 to 4 are clean; day 1 has not been looked at again
    assert audit_state(nights.rig.ledger).differences == 1
    nights.rig.put("coal", [24 + 5.5], at_min=_minute(1), arrive=False)
    for _ in range(2):
        nights.again().run()
    assert audit_state(nights.rig.ledger).differences == 0
    nights.rig.now_ms += MINUTE
    health.look()
    assert AlarmCode.AUDIT_DIFFERS not in {each.code for each in health.alarms.active()}


def _minute(day: int) -> int:
    return (FIRST + day * DAY + 5 * HOUR - 1_772_323_200_000) // MINUTE


def test_an_audit_that_comes_to_no_result_says_why(nights: Nights) -> None:
    index = nights.evidence.size - 20
    nights.evidence.payloads[index] = nights.evidence.payloads[index].replace(b".5 0", b".4 0")
    assert not nights.nightly.run()
    (row,) = entries(nights.rig.ledger)
    assert row.kind is TrailKind.AUDIT_FAILED and "payload-root" in row.facts["reason"]
    told = nights.nightly.health()
    assert told.missed is not None and "payload-root" in told.missed and told.differs is None
    nights.evidence.payloads[index] = nights.evidence.payloads[index].replace(b".4 0", b".5 0")
    assert nights.again().run()
    assert nights.again().health().missed is None


def test_nights_without_an_audit_are_told(nights: Nights) -> None:
    nights.nightly.run()
    assert not nights.nightly.is_overdue()
    nights.rig.now_ms += 25 * HOUR
    assert nights.again().health().missed is None
    nights.rig.now_ms += 2 * HOUR
    assert nights.nightly.health().missed == "no database audit for 27 h"
    later = nights.again()
    assert later.is_overdue()
    assert later.health().missed is None  # a process that has just started makes up for it first
    later.run()
    (missed,) = entries(nights.rig.ledger, kinds=(TrailKind.AUDIT_MISSED,))
    assert missed.facts == {"since_ms": FIRST + DAYS * DAY + 150 * MINUTE}


def test_a_process_that_never_gets_to_audit_tells_it(nights: Nights) -> None:
    nights.rig.now_ms += 27 * HOUR
    assert nights.nightly.health().missed == "no database audit for 27 h"


def test_an_audit_of_another_process_is_known_after_a_minute(nights: Nights) -> None:
    assert nights.nightly.health().values["rows"] is None
    facts = {"start_ms": 0, "end_ms": 1, "rows": 7, "differences": 0, "tallies": []}
    record_audit(nights.rig.ledger, facts, actor="tanji audit", at_ms=nights.rig.now_ms)
    nights.rig.now_ms += MINUTE
    assert nights.nightly.health().values == {"last_age_s": 60.0, "rows": 7, "differences": 0}


def test_stopping_ends_an_audit_without_a_result(nights: Nights) -> None:
    nights.nightly.stop()
    assert not nights.nightly.run()
    assert entries(nights.rig.ledger) == ()


class Runs:
    """Jobs that have nothing to do."""

    def run_once(self) -> None:
        pass


def next_audit(schedule: Schedule) -> datetime:
    return schedule._scheduler.get_job("audit").next_run_time


def test_the_audit_has_its_time_of_day_at_the_plant(nights: Nights) -> None:
    nights.nightly.run()
    schedule = Schedule(Runs(), audit=nights.again(at="03:15"))  # type: ignore[arg-type]
    schedule._scheduler.start(paused=True)
    try:
        at = next_audit(schedule)
        assert (at.hour, at.minute, str(at.tzinfo)) == (3, 15, "Asia/Shanghai")
    finally:
        schedule.stop()


def test_a_missed_audit_is_made_up_for_at_the_start_and_counted_apart(nights: Nights) -> None:
    nights.nightly.run()
    nights.rig.now_ms += 30 * HOUR
    done = threading.Event()
    late = nights.again()
    original = late.run

    def run() -> bool:
        result = original()
        done.set()
        return result

    late.run = run  # type: ignore[method-assign]
    schedule = Schedule(Runs(), audit=late)  # type: ignore[arg-type]
    schedule.start()
    assert done.wait(10)
    for _ in range(500):
        if schedule.events["audit_executed"]:
            break
        threading.Event().wait(0.01)
    assert schedule.stop()
    assert (schedule.events["audit_executed"], schedule.events["failed"]) == (1, 0)
    assert entries(nights.rig.ledger, kinds=(TrailKind.AUDIT_MISSED,))


def test_an_audit_without_a_result_is_tried_again_in_an_hour(nights: Nights) -> None:
    schedule = Schedule(Runs(), audit=nights.again())  # type: ignore[arg-type]
    schedule._scheduler.start(paused=True)
    try:
        nights.evidence.payloads.clear()
        schedule._run_audit()
        assert 3500 < (next_audit(schedule) - datetime.now(UTC)).total_seconds() < 3601
    finally:
        schedule.stop()
