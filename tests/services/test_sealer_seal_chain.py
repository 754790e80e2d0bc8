"""The chain of a gateway: no hole in time, no number twice, whatever log, disk and clock do (trust.md 2.2; R35)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from services.sealer import gateway_chain
from services.sealer import sealing as module
from services.sealer.gateway_chain import BEHIND_S, GRACE_MS
from services.sealer.seal_files import SealFolder
from services.sealer.seal_index import SealIndex
from services.sealer.seal_state import ClockState
from tanji.errors import TrustError
from tanji.plant.model import Plant
from tanji.plant.point_map import point_map
from tanji.trust.note import sign

from .seal_rig import GATEWAY, MINUTE, Hands, LogDouble, check_chain, codes, files, header, key, sealing, waited
from .sealer_rig import COAL, FEED, NOON, POWER, line, plant, wait_until

HALF = MINUTE // 2


def test_every_minute_is_sealed_also_an_empty_one(tmp_path: Path, hands: Hands) -> None:
    log = LogDouble()
    with sealing(tmp_path, log=log, clock=hands.clock) as sealer:
        assert not hands.at(sealer, MINUTE)  # what was read in its last second is on its way
        sealer.accept(line(FEED, NOON + HALF))
        assert hands.at(sealer, MINUTE + GRACE_MS)
        assert not hands.at(sealer, MINUTE + GRACE_MS + 1)
        assert hands.at(sealer, 2 * MINUTE + GRACE_MS) and hands.at(sealer, 3 * MINUTE + 5 * GRACE_MS)
        waited(log, 3)
        batches = log.batches()
    check_chain(batches, [note for note, _ in log.entries])
    assert [batch.points for batch in batches] == [1, 0, 0]
    assert [batch.from_ms - NOON for batch in batches] == [0, MINUTE, 2 * MINUTE]
    assert [batch.sealed_ms - NOON for batch in batches] == [MINUTE + 1000, 2 * MINUTE + 1000, 3 * MINUTE + 5000]
    assert all(batch.reason is None and batch.gateway == GATEWAY for batch in batches)


def test_a_stop_is_covered_by_a_batch_that_says_so(tmp_path: Path, hands: Hands) -> None:
    log = LogDouble()
    with sealing(tmp_path, log=log, clock=hands.clock) as sealer:
        hands.at(sealer, MINUTE + GRACE_MS)
        sealer.accept(line(FEED, NOON + MINUTE + 1))
        hands.now = NOON + MINUTE + HALF  # a clean stop seals what waits
    hands.now += 8 * 60 * MINUTE
    with sealing(tmp_path, log=log, clock=hands.clock) as sealer:
        waited(log, 3)  # at once, not at the next minute
        batches = log.batches()
        check_chain(batches, [note for note, _ in log.entries])
        assert [batch.points for batch in batches] == [1 - 1, 1, 0]
        assert batches[2].to_ms == NOON + 8 * 60 * MINUTE + MINUTE
        assert batches[2].reason is not None and batches[2].reason.startswith("the sealer was stopped: nothing was")


def test_a_clock_that_steps_back_moves_no_time_back(tmp_path: Path, hands: Hands) -> None:
    log = LogDouble()
    steady = [0.0]
    with sealing(tmp_path, log=log, clock=hands.clock) as sealer:
        assert sealer.sealer.sealing is not None
        sealer.sealer.sealing._chain._monotonic = lambda: steady[0]
        sealer.sealer.sealing._chain._cut_at = 0.0
        assert hands.at(sealer, 60 * MINUTE + GRACE_MS)
        assert not hands.at(sealer, MINUTE)  # 59 minutes back
        sealer.accept(line(FEED, NOON + MINUTE))
        assert not hands.at(sealer, 2 * MINUTE + GRACE_MS)
        steady[0] = BEHIND_S
        assert hands.at(sealer, 2 * MINUTE + GRACE_MS)  # evidence waits no longer than a minute all the same
        assert hands.at(sealer, 61 * MINUTE + GRACE_MS)  # the clock has caught up
        waited(log, 4)
        wait_until(lambda: sealer.sealer.sealing.unlogged == 0)  # type: ignore[union-attr]
        batches = log.batches()
        check_chain(batches, [note for note, _ in log.entries])
        assert [(batch.kind, batch.points) for batch in batches] == [
            ("regular", 0),
            ("regular", 0),
            ("late", 1),
            ("regular", 0),
        ]
        assert batches[1].to_ms - batches[1].from_ms == 1 and "the clock was set back" in str(batches[1].reason)
        hands.now = NOON
        wait_until(lambda: "SEAL_AHEAD" in codes(sealer))


def test_readings_waiting_above_the_limit_are_cut_early(tmp_path: Path, hands: Hands, monkeypatch: Any) -> None:
    monkeypatch.setattr(gateway_chain, "MOST_ROWS", 10)
    log = LogDouble()
    with sealing(tmp_path, log=log, clock=hands.clock) as sealer:
        for number in range(25):
            sealer.accept(line(FEED, NOON + number))
        assert hands.at(sealer, 5000) and hands.at(sealer, 6000) and not hands.at(sealer, 7000)
        waited(log, 2)
        assert [(batch.points, batch.to_ms - NOON) for batch in log.batches()] == [(10, 5000), (10, 6000)]
        assert hands.at(sealer, MINUTE + GRACE_MS)
        waited(log, 3)
        check_chain(log.batches(), [note for note, _ in log.entries])


STEPS = (
    (SealFolder, "save_cut"),
    (SealFolder, "save_payload"),
    (SealFolder, "save_note"),
    (SealIndex, "add"),
    (SealFolder, "save_chain"),
)


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("when", ["before", "after"])
def test_after_a_failure_at_any_step_the_same_bytes_come_again(
    tmp_path: Path, hands: Hands, monkeypatch: pytest.MonkeyPatch, step: tuple[type, str], when: str
) -> None:
    """A crash at any step of one sealer; its twin has none. Both have the same notes and payloads in the end."""
    monkeypatch.setattr(ClockState, "text", lambda self: "ntp 0ms")  # else it counts the seconds of the run

    def run(folder: Path, breaks: bool) -> dict[str, bytes]:
        hands.now = NOON
        with sealing(folder, clock=hands.clock) as sealer:
            sealer.accept(line(FEED, NOON, 1), line(FEED, NOON, 2), line(COAL, NOON - 9 * MINUTE))
            hands.at(sealer, MINUTE + GRACE_MS)
            sealer.accept(line(FEED, NOON, 3), line(POWER, NOON), line(COAL, NOON - 9 * MINUTE, 7))
            if breaks:
                with monkeypatch.context() as patch:
                    patch.setattr(*step, broken(getattr(*step), when))
                    with pytest.raises(OSError):
                        hands.at(sealer, 2 * MINUTE + GRACE_MS)
                    patch.setattr(module.Sealing, "seal_waiting", lambda self, **_: None)  # the stop is no clean one
                    sealer.sealer.stop()
            else:
                hands.at(sealer, 2 * MINUTE + GRACE_MS)
        hands.now = NOON + 2 * MINUTE + GRACE_MS  # the record of the cut has the time of the first try
        with sealing(folder, clock=hands.clock) as sealer:
            hands.at(sealer, 2 * MINUTE + GRACE_MS)
            sealer.accept(line(FEED, NOON, 4), line(FEED, NOON + 2 * MINUTE))
            hands.at(sealer, 3 * MINUTE + GRACE_MS)
            return files(folder)

    assert run(tmp_path / "broken", True) == run(tmp_path / "whole", False)


def test_a_number_that_was_signed_is_never_given_to_another_text(tmp_path: Path) -> None:
    folder, first = SealFolder(tmp_path / "seal"), sign(b"tanji/batch/v1\nkind regular\n", key())
    assert folder.save_note(3, first) == folder.save_note(3, first) == first
    with pytest.raises(TrustError, match="batch-sequence"):
        folder.save_note(3, sign(b"tanji/batch/v1\nkind late\n", key()))
    assert folder.note(3) == first


def broken(method: Callable[..., Any], when: str) -> Callable[..., Any]:
    """The method, failing before or after it has done its work."""

    def fails(*arguments: Any) -> Any:
        if when == "after":
            method(*arguments)
        raise OSError(28, "No space left on device")

    return fails


def test_a_disk_that_is_full_is_told_and_sealing_goes_on_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RETRY_S", 0.01)
    monkeypatch.setattr(module, "LOOK_S", 0.01)
    now, log = [NOON], LogDouble()
    with sealing(tmp_path, log=log, clock=lambda: now[0]) as sealer:
        sealer.accept(line(FEED, NOON))
        with monkeypatch.context() as patch:
            patch.setattr(SealFolder, "save_payload", broken(SealFolder.save_payload, "before"))
            now[0] += MINUTE + GRACE_MS
            wait_until(lambda: "SEAL_FAILING" in codes(sealer))
            assert sealer.sealer.report()["status"] == "degraded"
        waited(log, 1)
        wait_until(lambda: "SEAL_FAILING" not in codes(sealer))
        assert len(log.lines()) == 1


def renamed(made: Plant) -> Plant:
    """The plant with another unit for its power."""
    told = made.model_dump(mode="json")
    for point in told["points"]:
        if point["id"] == POWER:
            point["unit"] = "kg/h"
    return Plant.model_validate(told)


def test_readings_are_sealed_under_the_point_map_they_were_accepted_under(tmp_path: Path, hands: Hands) -> None:
    before, after = plant(), renamed(plant())
    log = LogDouble(maps=(point_map(before), point_map(after)))
    with sealing(tmp_path, log=log, clock=hands.clock, made=before) as sealer:
        sealer.accept(line(POWER, NOON, 1))
        hands.at(sealer, MINUTE + GRACE_MS)
        sealer.accept(line(POWER, NOON + MINUTE, 2))
        sealer.sealer.sealing.forbid("a crash: nothing is sealed at this stop")  # type: ignore[union-attr]
    with sealing(tmp_path, log=log, clock=hands.clock, made=after) as sealer:
        sealer.accept(line(POWER, NOON + MINUTE + 1, 2))
        hands.at(sealer, MINUTE + GRACE_MS + 500)
        hands.at(sealer, 2 * MINUTE + GRACE_MS)
        waited(log, 3)
    check_chain(log.batches(), [note for note, _ in log.entries])
    names = [SealFolder(tmp_path / "seal").keep_point_map(point_map(each)) for each in (before, before, after)]
    assert [batch.pointmap.hex() for batch in log.batches()] == names
    assert [batch.points for batch in log.batches()] == [1, 1, 1]


def test_what_came_under_a_map_before_its_approval_is_sealed_under_it_afterwards(tmp_path: Path, hands: Hands) -> None:
    before, after = plant(), renamed(plant())
    log = LogDouble(maps=(point_map(before), point_map(after)))
    with sealing(tmp_path, log=log, clock=hands.clock, made=before) as sealer:
        sealer.accept(line(POWER, NOON, 1))
        hands.at(sealer, MINUTE + GRACE_MS)
        sealer.accept(line(POWER, NOON + MINUTE, 2))
        sealer.sealer.sealing.forbid("a crash: nothing is sealed at this stop")  # type: ignore[union-attr]
    for value in (3, 4):  # started twice before preparer and approver have signed
        with sealing(tmp_path, signer=None, clock=hands.clock, made=after, point_map=point_map(after)) as sealer:
            sealer.accept(line(POWER, NOON + MINUTE + value, value))
    with sealing(tmp_path, log=log, clock=hands.clock, made=after) as sealer:
        assert sealer.sealer.seal_now(20)
    names = [SealFolder(tmp_path / "seal").keep_point_map(point_map(each)) for each in (before, after)]
    found = [(batch.pointmap.hex(), batch.points) for batch in log.batches() if batch.points]
    assert found == [(names[0], 1), (names[0], 1), (names[1], 2)]


def test_a_sealed_file_that_was_changed_stops_sealing_until_it_is_put_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RETRY_S", 0.01)
    log, now = LogDouble(), [NOON]
    with sealing(tmp_path, log=log, clock=lambda: now[0]) as sealer:
        sealer.accept(line(FEED, NOON, 331.25))
        assert sealer.sealer.seal_now(20)
    path = tmp_path / "seal" / "payload" / f"{0:012d}.lines"
    sound = path.read_bytes()
    path.write_bytes(sound.replace(b"331.25", b"321.25"))
    with sealing(tmp_path, log=log, clock=lambda: now[0]) as sealer:
        sealer.accept(line(FEED, NOON, 331.25), line(FEED, NOON, 321.25))
        now[0] += MINUTE + GRACE_MS
        wait_until(lambda: "SEAL_FAILING" in codes(sealer))
        assert "payload-root" in sealer.sealer.report()["seal"]["reason"]
        path.write_bytes(sound)
        waited(log, 2)
        assert [each.text() for each in log.lines()][1:] == [b"kiln1.feed.mass_flow 1772323200000 321.25 4\n"]


def test_a_spool_that_waited_for_its_key_is_sealed_when_it_comes(tmp_path: Path, hands: Hands) -> None:
    with sealing(tmp_path, signer=None, point_map=None, clock=hands.clock) as sealer:
        sealer.accept(line(FEED, NOON))
        hands.now += 60 * MINUTE
        sealer.accept(line(FEED, NOON + 60 * MINUTE))
    log = LogDouble()
    with sealing(tmp_path, log=log, clock=hands.clock) as sealer:
        assert sealer.sealer.seal_now(20)
        assert [(batch.kind, batch.points) for batch in log.batches()] == [("regular", 1), ("late", 1)]
        assert "times outside the minutes sealed" in str(log.batches()[1].reason)


def test_the_note_of_a_cut_says_how_the_clock_was(tmp_path: Path, hands: Hands) -> None:
    log = LogDouble()
    with sealing(tmp_path, log=log, clock=hands.clock) as sealer:
        hands.at(sealer, MINUTE + GRACE_MS)
        waited(log, 1)
        word = header(log.entries[0][0]).clock
        assert word.startswith(("ntp ", "free-run "))
