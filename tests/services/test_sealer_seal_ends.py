"""The two ends of a chain, here and in the log: away, refusing, ahead; old images, copies, new keys (trust.md 2.2)."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from services.sealer.gateway_chain import GRACE_MS
from services.sealer.segments import list_segments
from tanji.errors import TrustError

from .seal_rig import GATEWAY, MINUTE, Hands, LogDouble, check_chain, codes, files, key, sealing, standing, waited
from .sealer_rig import FEED, NOON, line, wait_until


def test_without_a_log_batches_are_made_and_kept(tmp_path: Path, hands: Hands) -> None:
    with sealing(tmp_path, clock=hands.clock) as sealer:
        sealer.accept(line(FEED, NOON))
        hands.at(sealer, MINUTE + GRACE_MS)
        assert sealer.sealer.report()["seal"]["log"] == "none"
    log = LogDouble()  # it comes later, and gets everything in order
    with sealing(tmp_path, log=log, clock=hands.clock) as sealer:
        waited(log, 1)
        assert {f"notes/{0:012d}.note": log.entries[0][0]}.items() <= {
            name.removeprefix("seal/"): data for name, data in files(tmp_path).items()
        }.items()


def test_while_the_log_is_away_sealing_goes_on_and_the_spool_stays(tmp_path: Path, hands: Hands) -> None:
    log = LogDouble()
    log.down.set()
    with sealing(tmp_path, log=log, clock=hands.clock) as sealer:
        for minute in range(3):
            sealer.accept(line(FEED, NOON + minute * MINUTE))
            hands.at(sealer, (minute + 1) * MINUTE + GRACE_MS)
        wait_until(lambda: "LOG_AWAY" in codes(sealer))
        assert len(list_segments(tmp_path / "spool")) == 3 and log.entries == []
        log.down.clear()
        waited(log, 3)
        wait_until(lambda: "LOG_AWAY" not in codes(sealer))
        check_chain(log.batches(), [note for note, _ in log.entries])
        hands.now = NOON + 10 * MINUTE
        sealer.accept(line(FEED, NOON + 3 * MINUTE))  # the store has everything too: what both have may go
        wait_until(lambda: len(list_segments(tmp_path / "spool")) <= 2)


class OneByOne(LogDouble):
    """It is away after every batch."""

    def add_batch(self, note: bytes, payload: bytes) -> int:
        index = super().add_batch(note, payload)
        self.down.set()
        return index


def test_a_segment_goes_only_when_the_log_has_all_of_it(tmp_path: Path, hands: Hands) -> None:
    log = OneByOne()
    log.down.set()
    with sealing(tmp_path, log=log, clock=hands.clock) as sealer:
        for minute in range(3):
            sealer.accept(line(FEED, NOON + minute * MINUTE))
            hands.at(sealer, (minute + 1) * MINUTE + GRACE_MS)
        hands.now = NOON + 10 * MINUTE
        sealer.accept(line(FEED, NOON + 3 * MINUTE))
        before = list_segments(tmp_path / "spool")
        for count in (1, 2, 3):
            log.down.clear()
            waited(log, count)
            assert set(before[count:]) <= set(list_segments(tmp_path / "spool"))
        wait_until(lambda: len(list_segments(tmp_path / "spool")) < len(before))


def test_a_segment_goes_only_when_the_store_has_it_too(tmp_path: Path, hands: Hands) -> None:
    log = LogDouble()
    with sealing(tmp_path, log=log, clock=hands.clock) as sealer:
        sealer.store.down.set()
        for minute in range(3):
            sealer.post(line(FEED, NOON + minute * MINUTE))
            hands.at(sealer, (minute + 1) * MINUTE + GRACE_MS)
        waited(log, 3)
        hands.now = NOON + 10 * MINUTE
        assert len(list_segments(tmp_path / "spool")) == 3
        sealer.store.down.clear()
        assert sealer.sealer.drain(20)
        wait_until(lambda: len(list_segments(tmp_path / "spool")) == 1)


def test_a_batch_that_the_log_refuses_is_told_and_nothing_after_it_is_sent(tmp_path: Path, hands: Hands) -> None:
    log = LogDouble(keys=(key(7),))
    with sealing(tmp_path, log=log, clock=hands.clock) as sealer:
        hands.at(sealer, MINUTE + GRACE_MS)
        hands.at(sealer, 2 * MINUTE + GRACE_MS)
        wait_until(lambda: "LOG_REFUSES" in codes(sealer))
        assert "note-unknown-key" in sealer.sealer.report()["seal"]["log"] and log.entries == []
        assert hands.at(sealer, 3 * MINUTE + GRACE_MS)  # sealing goes on
        tries = log.tries
    with sealing(tmp_path, log=LogDouble(), clock=hands.clock) as sealer:  # the key is registered meanwhile
        wait_until(lambda: sealer.sealer.sealing.unlogged == 0)  # type: ignore[union-attr]
    assert tries == 1  # not once for every look


def restored(folder: Path, log: LogDouble, hands: Hands) -> Path:
    """An image of the disk that is older than the log, and had room for other readings since."""
    with sealing(folder, log=log, clock=hands.clock) as sealer:
        sealer.accept(line(FEED, NOON))
        hands.at(sealer, MINUTE + GRACE_MS)
        waited(log, 1)
        image = folder.with_name("image")
        shutil.copytree(folder, image, ignore=shutil.ignore_patterns("tsdb*"))
        sealer.accept(line(FEED, NOON + MINUTE))
        hands.at(sealer, 2 * MINUTE + GRACE_MS)
        waited(log, 2)
    return image


def test_a_restored_disk_image_takes_readings_and_does_not_sign(tmp_path: Path, hands: Hands) -> None:
    log = LogDouble()
    image = restored(tmp_path / "data", log, hands)
    before = files(image)
    with sealing(image, log=log, clock=hands.clock) as sealer:
        wait_until(lambda: "SEAL_FORBIDDEN" in codes(sealer))
        sealer.accept(line(FEED, NOON + 3 * MINUTE))
        assert not hands.at(sealer, 4 * MINUTE + GRACE_MS)
        report = sealer.sealer.report()
        assert report["status"] == "degraded" and report["seal"]["state"] == "forbidden"
        ahead = f"the log has batch 1 of {GATEWAY}, and here 1 would be next"
        assert report["seal"]["reason"] == f"{ahead}: a state was restored; see the alarm SEAL_FORBIDDEN"
        assert not sealer.sealer.seal_now(0.1)
        (alarm,) = [alarm for alarm in report["alarms"] if alarm["code"] == "SEAL_FORBIDDEN"]
        assert alarm["severity"] == "critical"
    assert files(image) == before and len(log.entries) == 2
    assert len(list_segments(image / "spool")) > 1  # what came is there for whoever goes on


def test_a_copy_that_has_signed_something_else_does_not_go_on(tmp_path: Path, hands: Hands) -> None:
    log = LogDouble()
    image = restored(tmp_path / "data", log, hands)
    log.down.set()
    with sealing(image, log=log, clock=hands.clock) as sealer:  # the log is away, so nobody can know yet
        sealer.accept(line(FEED, NOON + 5 * MINUTE))
        wait_until(lambda: "LOG_AWAY" in codes(sealer))
        hands.at(sealer, 6 * MINUTE + GRACE_MS)
        hands.at(sealer, 7 * MINUTE + GRACE_MS)
        log.down.clear()
        wait_until(lambda: "SEAL_FORBIDDEN" in codes(sealer))
        assert "another batch 1" in sealer.sealer.report()["seal"]["reason"]
        assert not hands.at(sealer, 9 * MINUTE + GRACE_MS)
    assert len(log.entries) == 2


def test_a_chain_file_behind_its_own_notes_is_a_restored_one_even_without_a_log(tmp_path: Path, hands: Hands) -> None:
    with sealing(tmp_path, clock=hands.clock) as sealer:
        hands.at(sealer, MINUTE + GRACE_MS)
        old = (tmp_path / "seal" / "chain.json").read_bytes()
        hands.at(sealer, 2 * MINUTE + GRACE_MS)
    (tmp_path / "seal" / "chain.json").write_bytes(old)
    with sealing(tmp_path, clock=hands.clock) as sealer:
        assert "a batch 1 that seal/chain.json knows nothing of" in sealer.sealer.report()["seal"]["reason"]
        assert not hands.at(sealer, 3 * MINUTE + GRACE_MS)
    index = (tmp_path / "seal" / "index").read_bytes()
    (tmp_path / "seal" / "index").write_bytes(b"")  # without it a value could become a second first one
    with sealing(tmp_path, clock=hands.clock) as sealer:
        assert "seal/index ends before the batch 0" in sealer.sealer.report()["seal"]["reason"]
    (tmp_path / "seal" / "index").write_bytes(index)
    (tmp_path / "seal" / "notes" / f"{0:012d}.note").unlink()
    with sealing(tmp_path, clock=hands.clock) as sealer:
        assert "has not the batch 0" in sealer.sealer.report()["seal"]["reason"]


def test_a_new_key_goes_on_where_the_log_ends(tmp_path: Path, hands: Hands) -> None:
    log = LogDouble(keys=(key(1), key(2)))
    image = restored(tmp_path / "data", log, hands)
    with sealing(image, log=log, clock=hands.clock, seed=2) as sealer:  # the box died, its image is old
        wait_until(lambda: sealer.sealer.sealing.chain.seq == 2)  # type: ignore[union-attr]
        sealer.accept(line(FEED, NOON + 5 * MINUTE))
        sealer.accept(line(FEED, NOON + MINUTE, 9), line(FEED, NOON, 9))  # the lost box had sealed 1.0 for both
        hands.at(sealer, 6 * MINUTE + GRACE_MS)
        waited(log, 3)
        check_chain(log.batches(), [note for note, _ in log.entries])
        assert "the sealer was stopped" in str(log.batches()[2].reason)
        assert standing(log.lines())[FEED, NOON + MINUTE] == (1.0, 0)  # so the verifier sees no second first value
        assert standing(log.lines())[FEED, NOON + 5 * MINUTE] == (1.0, 0)
    with sealing(image, log=log, clock=hands.clock, seed=2) as sealer:  # and after a restart too
        sealer.accept(line(FEED, NOON + MINUTE, 8))
        hands.at(sealer, 7 * MINUTE + GRACE_MS)
        waited(log, 5)
        assert standing(log.lines())[FEED, NOON + MINUTE] == (1.0, 0)
    with sealing(tmp_path / "new", log=log, clock=hands.clock, seed=2) as sealer:  # a third box with the key is refused
        wait_until(lambda: "SEAL_FORBIDDEN" in codes(sealer))


def test_a_planned_rotation_goes_on_in_the_same_folder(tmp_path: Path, hands: Hands) -> None:
    log = LogDouble(keys=(key(1), key(2)))
    for seed, minute in ((1, 1), (2, 2)):
        with sealing(tmp_path, log=log, clock=hands.clock, seed=seed) as sealer:
            sealer.accept(line(FEED, NOON + minute))
            hands.at(sealer, minute * MINUTE + GRACE_MS)
            waited(log, minute)
    check_chain(log.batches(), [note for note, _ in log.entries])


def test_another_gateways_key_is_refused_on_this_chain(tmp_path: Path) -> None:
    with sealing(tmp_path):
        pass
    with pytest.raises(TrustError, match="batch-key"), sealing(tmp_path, signer=key(1, "plant.example/gw-other")):
        pass
