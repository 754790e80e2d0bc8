"""A log with its keyring, a gateway, a laboratory and two people who approve, made with the public functions."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path

from tanji.trust.batch import GENESIS, Batch, format_batch, leaf
from tanji.trust.keyring import seal
from tanji.trust.keyring_text import KeyLine, KeyringText
from tanji.trust.keys import COSIGNATURE, ED25519, VerifierKey
from tanji.trust.log import Log
from tanji.trust.note import sign
from tanji.trust.payload import payload_root
from tanji.trust.registrar import Registrar
from tanji.trust.signer import Ed25519Signer

NOON = 1_772_323_200_000
MINUTE_MS = 60_000
POINT_MAP = b'kiln1.feed rate feeder {"unit":"t/h"}\n'
PLANT_FILE = b'{"id":"demo"}'
ORIGIN = "demo.example/log"


def signer(name: str, *, kind: int = ED25519, number: int = 0) -> Ed25519Signer:
    """The key of a name; always the same one, so that tests say the same every time."""
    return Ed25519Signer(name, sha256(f"{name} {number}".encode()).digest(), kind)


def key(of: Ed25519Signer) -> VerifierKey:
    """What its signatures are verified with."""
    return VerifierKey.parse(of.vkey())


GATEWAY = signer("demo.example/gw1")
LABORATORY = signer("demo.example/lab")
LOG = signer(ORIGIN)
PREPARER = signer("demo.example/prepare")
APPROVER = signer("demo.example/approve")
WITNESS = signer("institute.example/w1", kind=COSIGNATURE)
INSTITUTE = signer("institute.example/registrar")
PLANT = signer("demo.example/registrar-plant")
REGISTRARS = (Registrar("institute", key(INSTITUTE)), Registrar("plant", key(PLANT)))
LINES = (
    KeyLine("gateway", key(GATEWAY), 0),
    KeyLine("laboratory", key(LABORATORY), 0),
    KeyLine("log", key(LOG), 0),
    KeyLine("preparer", key(PREPARER), 0),
    KeyLine("approver", key(APPROVER), 0),
    KeyLine("witness", key(WITNESS), 0),
)


def keyring_note(*lines: KeyLine, before: bytes | None = None, version: int = 1) -> bytes:
    """A keyring note with these lines, signed by both registrars."""
    prev = bytes(32) if before is None else leaf(before)
    text = KeyringText.make("demo", version=version, prev=prev, registrars=REGISTRARS, lines=lines or LINES)
    return seal(text, INSTITUTE, PLANT)


KEYRING = keyring_note()


@dataclass(slots=True)
class Chain:
    """Batches of one gateway, each from the end of the one before."""

    signer: Ed25519Signer = GATEWAY
    seq: int = 0
    prev: bytes = GENESIS
    from_ms: int = NOON
    made: list[tuple[bytes, bytes]] = field(default_factory=list)

    def next(self, *lines: bytes, kind: str = "regular", **changed: object) -> tuple[bytes, bytes]:
        """The next batch and its payload; `changed` are fields that are to be wrong or unusual."""
        payload = b"".join(lines)
        batch = Batch(
            gateway=key(self.signer).name,
            kind=kind,
            seq=self.seq,
            prev=self.prev,
            from_ms=self.from_ms,
            to_ms=self.from_ms + MINUTE_MS,
            sealed_ms=self.from_ms + MINUTE_MS,
            points=len(lines),
            root=payload_root(payload),
            pointmap=sha256(POINT_MAP).digest(),
            clock="ntp 2ms",
        )
        batch = replace(batch, **changed)  # type: ignore[arg-type]
        note = sign(format_batch(batch), self.signer)
        self.seq, self.prev = batch.seq + 1, leaf(note)
        if kind in ("regular", "laboratory"):
            self.from_ms = batch.to_ms
        self.made.append((note, payload))
        return note, payload

    def minute(self, *, lines: int = 1) -> tuple[bytes, bytes]:
        """The next regular minute, with so many lines of one point."""
        times = (self.from_ms + number * 100 for number in range(lines))
        return self.next(*(f"kiln1.feed {time} {self.seq}.5 0\n".encode() for time in times))


def opened(folder: Path, *, registered: bool = True) -> Log:
    """A log in `folder`, its keyring logged."""
    log = Log.open(folder, signer=LOG, clock=lambda: NOON)
    if registered:
        log.add_note(KEYRING)
    return log


def filled(folder: Path, batches: int) -> tuple[Log, Chain]:
    """A log with the keyring and so many minutes of a gateway."""
    log, chain = opened(folder), Chain()
    log.add_batches([chain.minute() for _ in range(batches)])
    return log, chain
