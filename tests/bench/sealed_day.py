"""A day of readings as a gateway seals it, in a log on disk with every signature there is: keys, plant note, batches,
checkpoint, witness. What audit_day and its test verify; the keys come from fixed seeds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from calc_jobs.audit import Audit
from calc_jobs.sealed_log import SealedLog
from calc_jobs.sealed_readings import standing
from tanji.plant.model import Name, Plant, Site
from tanji.plant.names import raw_bucket
from tanji.store.embedded import EmbeddedStore
from tanji.trust import note
from tanji.trust.anchor_text import Witness, format_anchor
from tanji.trust.batch import GENESIS, REGULAR, Batch, format_batch, leaf
from tanji.trust.keyring import NO_NOTE, seal
from tanji.trust.keyring_text import KeyLine, KeyringText
from tanji.trust.keys import COSIGNATURE, ED25519, VerifierKey
from tanji.trust.log import Log
from tanji.trust.log_reader import LogReader
from tanji.trust.payload import payload_root
from tanji.trust.plant_note import plant_note
from tanji.trust.registrar import Registrar
from tanji.trust.signer import Ed25519Signer

START = 1_772_323_200_000  # 2026-03-01 00:00 UTC
MINUTE_MS, HOUR_MS = 60_000, 3_600_000
MINUTES, POINTS = 1440, 60
SITE = Site(id="demo", name=Name(zh="厂", en="plant"))
PLANT_FILE = b'{"id":"demo"}'
PAGE = 60
"""Batches the log takes at a time."""


def signer(name: str, kind: int = ED25519) -> Ed25519Signer:
    return Ed25519Signer(name, sha256(name.encode()).digest(), kind)


def key(of: Ed25519Signer) -> VerifierKey:
    return VerifierKey.parse(of.vkey())


GATEWAY, LOG, PREPARER, APPROVER = (signer(f"demo.example/{part}") for part in ("gw1", "log", "prepare", "approve"))
INSTITUTE, PLANT = signer("metrology.example/registrar"), signer("demo.example/registrar-plant")
WITNESS = signer("metrology.example/w1", COSIGNATURE)
REGISTRARS = (Registrar("institute", key(INSTITUTE)), Registrar("plant", key(PLANT)))
ROLES = (("gateway", GATEWAY), ("log", LOG), ("preparer", PREPARER), ("approver", APPROVER), ("witness", WITNESS))
ANCHOR = format_anchor(logs=[key(LOG)], witnesses=[Witness("institute", key(WITNESS))], quorum=1, registrars=REGISTRARS)


@dataclass(frozen=True, slots=True)
class SealedDay:
    """The log's folder, and how much was sealed."""

    folder: Path
    batches: int
    readings: int

    @property
    def end_ms(self) -> int:
        """End of the last minute [UTC ms]."""
        return START + self.batches * MINUTE_MS


def seal_day(folder: Path, *, minutes: int = MINUTES, points: int = POINTS) -> SealedDay:
    """Seal so many minutes of so many points, one reading a second each."""
    log = Log.open(folder, signer=LOG, clock=lambda: START)
    try:
        log.add_note(keyring_note())
        log.add_note(approved_plant(points), files={"point map": point_map(points), "plant file": PLANT_FILE})
        page: list[tuple[bytes, bytes]] = []
        for batch in batches(minutes, points):
            page.append(batch)
            if len(page) == PAGE:
                log.add_batches(page)
                page = []
        log.add_batches(page)
        checkpoint = log.checkpoint()
        body, _ = note.split(checkpoint)
        time_s = START // 1000 + minutes * 60
        log.add_cosigned(checkpoint + note.cosign(body, WITNESS, time_s=time_s), witnesses=[key(WITNESS)])
    finally:
        log.close()
    return SealedDay(folder, minutes, minutes * points * 60)


@contextmanager
def copied(day: SealedDay, folder: Path) -> Iterator[Audit]:
    """The embedded store with what the sealer would have stored, and the audit of it."""
    plant, store = Plant.model_construct(site=SITE), EmbeddedStore(folder / "tsdb.duckdb")
    sealed = SealedLog(LogReader(day.folder))
    try:
        for begin in range(START, day.end_ms, 6 * HOUR_MS):
            lines = (batch.payload for batch in sealed.batches(begin, begin + 6 * HOUR_MS))
            rows = standing(lines, plant_id=SITE.id, start_ms=begin, end_ms=begin + 6 * HOUR_MS)
            store.write(raw_bucket(SITE.id), "reading", rows)
        yield Audit(plant, store=store, log=SealedLog(LogReader(day.folder)), clock=lambda: day.end_ms)
    finally:
        store.close()


def audited(day: SealedDay, audit: Audit) -> None:
    """Compare the store with the evidence; SystemExit where they differ or a reading was not looked at."""
    found = audit.run(START, day.end_ms)
    judged = day.readings // day.batches * (day.batches - 2)  # the last 120 s may still get late readings
    if found.differences or found.rows != judged:
        raise SystemExit(f"audit_day: expected {judged} equal rows, got {found.rows} and {found.counts()}")


def batches(minutes: int, points: int) -> Iterator[tuple[bytes, bytes]]:
    """Notes and payloads, each minute's after the one before."""
    prev, pointmap = GENESIS, sha256(point_map(points)).digest()
    for seq in range(minutes):
        payload = minute_of_lines(seq, points)
        begin = START + seq * MINUTE_MS
        batch = Batch(
            gateway=key(GATEWAY).name,
            kind=REGULAR,
            seq=seq,
            prev=prev,
            from_ms=begin,
            to_ms=begin + MINUTE_MS,
            sealed_ms=begin + MINUTE_MS + 1204,
            points=points * 60,
            root=payload_root(payload),
            pointmap=pointmap,
            clock="ntp 2ms",
        )
        entry = note.sign(format_batch(batch), GATEWAY)
        prev = leaf(entry)
        yield entry, payload


def minute_of_lines(minute: int, points: int) -> bytes:
    """Lines of a weigher with three decimals: slow swings around 300 and noise of its own in every second."""
    begin = START + minute * MINUTE_MS
    return b"".join(
        b"kiln1.meter%02d.mass_flow %d %r 0\n"
        % (
            point,
            begin + second * 1000,
            (300_000 + 1000 * point + (minute * 7919 + second * 104_729 + point) % 20_000) / 1000,
        )
        for point in range(points)
        for second in range(60)
    )


def point_map(points: int) -> bytes:
    """The point map of the plant note."""
    return b"".join(b'kiln1.meter%02d.mass_flow rate feeder {"unit":"t/h"}\n' % point for point in range(points))


def keyring_note() -> bytes:
    """The first keyring, signed by institute and plant."""
    lines = [KeyLine(role, key(of), 0) for role, of in ROLES]
    text = KeyringText.make("demo", version=1, prev=NO_NOTE, registrars=REGISTRARS, lines=lines)
    return seal(text, INSTITUTE, PLANT)


def approved_plant(points: int) -> bytes:
    """The first plant note, signed by preparer and approver."""
    made = plant_note(
        "demo", point_map=point_map(points), plant_file=PLANT_FILE, from_ms=START, before=None, leaf=GENESIS
    )
    return note.sign(made.body(), PREPARER, APPROVER)
