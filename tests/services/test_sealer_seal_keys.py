"""Keys that end, go on, or come later: the chain waits for them and nobody starts the sealer again (trust.md 2.7)."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.sealer.gateway_chain import GRACE_MS
from tanji.errors import EvidenceMissing
from tanji.trust.note import split
from tanji.trust.signer import Signer

from .seal_rig import GATEWAY, MINUTE, Hands, LogDouble, check_chain, codes, key, sealing, standing, waited
from .sealer_rig import FEED, NOON, line, wait_until
from .test_sealer_seal_ends import restored


class Ring:
    """The keys of the gateway by their first number; a number has the newest one, up to `until`."""

    def __init__(self, *signers: tuple[int, Signer]) -> None:
        self.name = GATEWAY
        self.signers, self.until = dict(signers), 1_000_000
        self.rule = "batch-key"

    def signer_for(self, seq: int) -> Signer:
        firsts = [first for first in self.signers if first <= seq]
        if not firsts or seq > self.until:
            raise EvidenceMissing(self.rule, where=GATEWAY, expected=f"a key in force for {seq}", got="none")
        return self.signers[max(firsts)]


def ids(log: LogDouble) -> list[str]:
    """Which key signed each note."""
    return [split(note)[1][0].key_id.hex() for note, _ in log.entries]


def key_id(signer: Signer) -> str:
    return signer.vkey().split("+")[1]


def test_two_notes_of_one_cut_may_have_two_keys(tmp_path: Path, hands: Hands) -> None:
    log, ring = LogDouble(keys=(key(1), key(2))), Ring((0, key(1)), (2, key(2)))
    with sealing(tmp_path, log=log, clock=hands.clock, keys=ring) as sealer:
        hands.at(sealer, MINUTE + GRACE_MS)
        sealer.accept(line(FEED, NOON + MINUTE), line(FEED, NOON - 60 * MINUTE))  # a regular and a late note
        hands.at(sealer, 2 * MINUTE + GRACE_MS)
        waited(log, 3)
    assert [batch.kind for batch in log.batches()] == ["regular", "regular", "late"]
    assert ids(log) == [key_id(key(1)), key_id(key(1)), key_id(key(2))]
    check_chain(log.batches(), [note for note, _ in log.entries])


def test_while_no_key_may_sign_readings_wait_and_the_alarm_says_what_to_do(tmp_path: Path, hands: Hands) -> None:
    log, ring = LogDouble(keys=(key(1), key(2))), Ring((0, key(1)))
    ring.until = 0
    with sealing(tmp_path, log=log, clock=hands.clock, keys=ring) as sealer:
        assert hands.at(sealer, MINUTE + GRACE_MS)
        sealer.accept(line(FEED, NOON + MINUTE))
        assert not hands.at(sealer, 5 * MINUTE + GRACE_MS)
        assert sealer.sealer.report()["seal"]["state"] == "held" and sealer.sealer.report()["status"] == "degraded"
        wait_until(lambda: {"KEY_UNREGISTERED", "SEAL_FAILING"} <= codes(sealer))  # minutes are unsealed by now
        (told,) = [each for each in sealer.sealer.report()["alarms"] if each["code"] == "KEY_UNREGISTERED"]
        assert told["subject"] == GATEWAY and "expected a key in force for 1" in told["text"]
        ring.signers[1], ring.until = key(2), 1_000_000
        assert hands.at(sealer, 6 * MINUTE + GRACE_MS)
        waited(log, 2)
        wait_until(lambda: not {"KEY_UNREGISTERED", "SEAL_FAILING"} & codes(sealer))
    check_chain(log.batches(), [note for note, _ in log.entries])
    held = log.batches()[1]
    assert held.points == 1 and held.to_ms == NOON + 6 * MINUTE
    assert str(held.reason).startswith("nothing could be signed (batch-key): nothing was sealed between")


def test_a_sealer_that_starts_without_a_key_begins_when_one_comes(tmp_path: Path, hands: Hands) -> None:
    log, ring = LogDouble(), Ring()
    with sealing(tmp_path, log=log, clock=hands.clock, keys=ring) as sealer:
        sealer.accept(line(FEED, NOON))
        assert not hands.at(sealer, MINUTE + GRACE_MS) and not sealer.sealer.seal_now(1)
    assert log.entries == [] and not list((tmp_path / "seal" / "cuts").iterdir())
    with sealing(tmp_path, log=log, clock=hands.clock, keys=ring) as sealer:
        ring.signers[0] = key(1)
        assert hands.at(sealer, 2 * MINUTE + GRACE_MS)
        waited(log, 1)
    assert [(batch.kind, batch.points, batch.from_ms) for batch in log.batches()] == [("regular", 1, NOON)]


def test_a_restored_image_goes_on_by_itself_once_a_new_key_is_there(
    tmp_path: Path, hands: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.sealer.log_sender.REFUSED_DELAY_S", 0.01)
    log, ring = LogDouble(keys=(key(1), key(2))), Ring((0, key(1)))
    image = restored(tmp_path / "data", log, hands)
    with sealing(image, log=log, clock=hands.clock, keys=ring) as sealer:
        wait_until(lambda: "SEAL_FORBIDDEN" in codes(sealer))
        sealer.accept(line(FEED, NOON + 5 * MINUTE))
        assert not hands.at(sealer, 5 * MINUTE + GRACE_MS)
        ring.signers[2] = key(2)  # registered from the number after the log's last one
        wait_until(lambda: sealer.sealer.sealing.forbidden is None)  # type: ignore[union-attr]
        assert hands.at(sealer, 6 * MINUTE + GRACE_MS)
        waited(log, 3)
        wait_until(lambda: "SEAL_FORBIDDEN" not in codes(sealer))
    check_chain(log.batches(), [note for note, _ in log.entries])
    assert standing(log.lines())[FEED, NOON + 5 * MINUTE] == (1.0, 0) and ids(log)[2] == key_id(key(2))
