"""Which notes a statement names, and how late its readings came, counted by hand (trust.md 2.5, 2.8)."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

import pytest

from calc_jobs.lateness import WitnessTimes, lateness, open_samples
from calc_jobs.sealed_chains import Chains
from tanji.errors import EvidenceMissing
from tanji.trust import checkpoint as checkpoints
from tanji.trust import note
from tanji.trust.anchor_text import Witness, format_anchor
from tanji.trust.batch import GENESIS, Batch, format_batch
from tanji.trust.checkpoint import Checkpoint
from tanji.trust.keyring import Keyring
from tanji.trust.keyring_text import KeyLine, KeyringText
from tanji.trust.payload import payload_root
from tanji.trust.policy import Anchor
from tanji.trust.statement import GatewayRange

from .publish_rig import GATEWAY, HOUR, LABORATORY, REGISTRARS, WITNESS, key, seal, signer

GW, LAB = key(GATEWAY).name, key(LABORATORY).name


@dataclass
class Entries:
    """A log of headers; payloads by index."""

    notes: list[bytes] = field(default_factory=lambda: [b"tanji/keys/v1\n"])
    payloads: dict[int, bytes] = field(default_factory=dict)
    seqs: dict[str, int] = field(default_factory=dict)
    kept: list[bytes] = field(default_factory=list)

    def add(self, low: int, high: int, *lines: bytes, kind: str = "regular", name: str = GW, sealed: int | None = None):
        payload = b"".join(lines)
        reason = None if kind == "laboratory" else "why"
        header = Batch(name, kind, self.seqs.get(name, 0), GENESIS, low, high, sealed or high, len(lines),
                       payload_root(payload), bytes(32), "ntp 2ms", reason)  # fmt: skip
        self.seqs[name] = header.seq + 1
        self.payloads[len(self.notes)] = payload
        self.notes.append(format_batch(header))
        return self

    def entries(self, start: int, end: int) -> list[bytes]:
        return self.notes[start:end]

    def payload(self, index: int) -> bytes:
        return self.payloads[index]

    def checkpoints(self) -> list[Kept]:
        return [Kept(each) for each in self.kept]

    def witnessed(self, *, at_ms: int) -> None:
        body = checkpoints.format(Checkpoint(key(signer("log")).name, len(self.notes), bytes(32)))
        signed = note.sign(body, signer("log")) + note.cosign(body, WITNESS, time_s=at_ms // 1000)
        self.kept.append(signed)

    @property
    def chains(self) -> Chains:
        return Chains(self, size=len(self.notes))


@dataclass
class Kept:
    data: bytes

    def note(self) -> bytes:
        return self.data


@pytest.fixture
def keyring() -> Keyring:
    lines = [KeyLine("gateway", key(GATEWAY), 0), KeyLine("laboratory", key(LABORATORY), 0)]
    text = KeyringText.make("hx", version=1, prev=bytes(32), registrars=REGISTRARS, lines=lines)
    return Keyring.first(seal(text, signer("registrar-institute"), signer("registrar-plant")), REGISTRARS)


@pytest.fixture
def policy():
    witnesses = [Witness("institute", key(WITNESS))]
    anchor = format_anchor(logs=[key(signer("log"))], witnesses=witnesses, quorum=1, registrars=REGISTRARS)
    return Anchor.parse(anchor).policy


def test_a_chain_is_named_from_a_minute_that_begins_before_the_window_to_its_end(keyring) -> None:
    log = Entries()
    for hour in range(6):
        log.add(hour * HOUR, (hour + 1) * HOUR)
    ranges = log.chains.ranges(keyring, (3 * HOUR, 4 * HOUR))
    # hour 2 may hold lines of the first two minutes of hour 3
    assert ranges == (GatewayRange(GW, 2, 5), GatewayRange(LAB, None, None))
    assert log.chains.first_index(ranges) == 3


def test_a_chain_that_sealed_everything_late_is_named_from_its_beginning(keyring) -> None:
    log = Entries().add(9 * HOUR, 10 * HOUR).add(2 * HOUR, 3 * HOUR, b"a 7200000 1.0 0\n", kind="late")
    assert log.chains.ranges(keyring, (2 * HOUR, 3 * HOUR))[0] == GatewayRange(GW, 0, 1)


def test_a_laboratory_that_sealed_nothing_in_the_window_is_named_by_its_last_note(keyring) -> None:
    log = Entries().add(HOUR, HOUR, kind="laboratory", name=LAB).add(HOUR, 2 * HOUR, kind="laboratory", name=LAB)
    assert log.chains.ranges(keyring, (5 * HOUR, 6 * HOUR))[1] == GatewayRange(LAB, 1, 1)


def test_a_gateway_that_has_not_sealed_to_the_end_is_named(keyring) -> None:
    log = Entries().add(0, HOUR)
    with pytest.raises(EvidenceMissing) as error:
        log.chains.require_sealed(keyring, until_ms=HOUR)
    assert error.value.where == LAB  # it may seal an empty batch, but it has to say something
    log.add(0, 0, kind="laboratory", name=LAB)
    log.chains.require_sealed(keyring, until_ms=HOUR)
    with pytest.raises(EvidenceMissing) as error:
        log.chains.require_sealed(keyring, until_ms=HOUR + 1)
    assert error.value.where == GW


def line(ms: int, *, word: int = 0) -> bytes:
    return f"a {ms} 1.0 {word}\n".encode()


def test_a_reading_is_late_when_the_first_witness_saw_it_two_hours_after(policy) -> None:
    log = Entries().add(0, HOUR, line(0), line(HOUR - 1))
    log.witnessed(at_ms=2 * HOUR + 1000)
    log.add(HOUR, 2 * HOUR, line(HOUR), line(HOUR + 1, word=4))
    log.witnessed(at_ms=3 * HOUR)
    log.witnessed(at_ms=9 * HOUR)  # of the same size, later: the first time counts
    log.add(2 * HOUR, 3 * HOUR, line(2 * HOUR))  # nobody has seen it
    found = lateness(log, log.chains, policy=policy, period=(0, 3 * HOUR), late_window_ms=10 * HOUR)
    # 0 was seen after 2 h and a second: late; the repeat is no reading; what nobody saw is late
    assert (found.readings, found.late, found.beyond_window) == (4, 2, 0)
    assert found.share == Decimal("0.5")
    assert lateness(log, log.chains, policy=policy, period=(HOUR, 2 * HOUR), late_window_ms=0).late == 0


def test_a_checkpoint_that_too_few_witnessed_is_no_time(policy) -> None:
    log = Entries().add(0, HOUR, line(0))
    body = checkpoints.format(Checkpoint(key(signer("log")).name, 2, bytes(32)))
    log.kept.append(note.sign(body, signer("log")))
    assert WitnessTimes(log.checkpoints(), policy).of(1) is None


def test_readings_sealed_after_the_late_window_are_counted(policy) -> None:
    log = Entries().add(0, HOUR, line(0), sealed=5 * HOUR)
    found = lateness(log, log.chains, policy=policy, period=(0, HOUR), late_window_ms=4 * HOUR)
    assert found.beyond_window == 1
    assert lateness(log, log.chains, policy=policy, period=(0, HOUR), late_window_ms=5 * HOUR).beyond_window == 0


def test_samples_wait_until_they_have_a_result_or_are_withdrawn() -> None:
    log = Entries().add(5, 5, b"sample A 1\n", b"sample B 2\n", b"sample C 9999\n", kind="laboratory", name=LAB)
    taken = open_samples(log, log.chains.laboratory(), period=(0, 100))
    assert taken == ("A", "B")
    log.add(5, 9, b"result A coal.net_calorific_value 0 10 22.5 GJ%2Ft\n", kind="laboratory", name=LAB)
    log.add(9, 12, b"withdrawn B coal.net_calorific_value 11\n", kind="laboratory", name=LAB)
    assert open_samples(log, log.chains.laboratory(), period=(0, 100)) == ()
