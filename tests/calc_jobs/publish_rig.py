"""A plant whose readings are sealed hour by hour into a log that a witness sees, ready to publish from.

Readings are those of the `Rig` beside this file, sealed with the public functions; keys have fixed seeds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path

import pyarrow as pa

from calc_jobs import ledger_export
from calc_jobs.bundling import Order, members
from calc_jobs.publish import Office, Published, publish
from calc_jobs.recomputation import Question
from tanji.domain.items import Boundary, RuleSetId
from tanji.ledger import Ledger
from tanji.plant.model import Plant
from tanji.plant.point_map import described
from tanji.trust import note, plant_note, statement
from tanji.trust.anchor_text import Witness, format_anchor
from tanji.trust.batch import GENESIS, Batch, format_batch
from tanji.trust.bundle_writer import write_bundle
from tanji.trust.canonical import encode64, format_value
from tanji.trust.keyring import seal
from tanji.trust.keyring_text import KeyLine, KeyringText
from tanji.trust.keys import COSIGNATURE, ED25519, VerifierKey
from tanji.trust.log import Log
from tanji.trust.payload import payload_root
from tanji.trust.policy import Anchor
from tanji.trust.registrar import Registrar
from tanji.trust.signer import Ed25519Signer
from tanji.trust.statement import Period, Statement
from tanji.trust.tree import leaf_hash

HOUR = 3_600_000
START = 1_772_323_200_000  # 2026-03-01 00:00 UTC
ORIGIN = "hx.example"
TRUST = "\ntrust: {origin: hx.example, late_window_d: 1}\n"


def signer(part: str, *, kind: int = ED25519) -> Ed25519Signer:
    """A key of the plant, always the same for its name."""
    return Ed25519Signer(f"{ORIGIN}/{part}", sha256(part.encode()).digest(), kind)


def key(of: Ed25519Signer) -> VerifierKey:
    return VerifierKey.parse(of.vkey())


GATEWAY, LABORATORY, PREPARER, APPROVER = (signer(part) for part in ("gw1", "lab", "prepare", "approve"))
WITNESS = Ed25519Signer("institute.example/w1", sha256(b"w1").digest(), COSIGNATURE)
REGISTRARS = tuple(Registrar(one, key(signer(f"registrar-{one}"))) for one in ("institute", "plant"))


@dataclass
class Sealed:
    """A log of the plant's readings, and what is needed to publish from it."""

    plant: Plant
    ledger: Ledger
    folder: Path
    witnessed: bool = True
    laboratory: bool = False
    now_s: int = START // 1000
    seq: int = 0
    prev: bytes = GENESIS
    end_ms: int = START
    lab_seq: int = 0
    lab_prev: bytes = GENESIS
    lab_end_ms: int = 0
    log: Log = field(init=False)

    def __post_init__(self) -> None:
        self.log = Log.open(self.folder / "log", signer=signer("log"), clock=lambda: self.now_s * 1000)
        roles = {"gateway": GATEWAY, "log": signer("log"), "preparer": PREPARER, "approver": APPROVER}
        lines = [KeyLine(role, key(one), 0) for role, one in roles.items()]
        lines += [KeyLine("laboratory", key(LABORATORY), 0)] if self.laboratory else []
        text = KeyringText.make(self.plant.site.id, version=1, prev=bytes(32), registrars=REGISTRARS, lines=lines)
        self.log.add_note(seal(text, signer("registrar-institute"), signer("registrar-plant")))
        files = described(self.plant)
        said = plant_note.plant_note(self.plant.site.id, point_map=files.point_map, plant_file=files.plant_file,
                                     from_ms=START, before=None)  # fmt: skip
        self.pointmap = files.point_map_digest
        self.log.add_note(
            note.sign(said.body(), PREPARER, APPROVER), files={"map": files.point_map, "plant": files.plant_file}
        )

    def anchor(self) -> bytes:
        witnesses = [Witness("institute", key(WITNESS))] if self.witnessed else []
        return format_anchor(
            logs=[key(signer("log"))], witnesses=witnesses, quorum=len(witnesses), registrars=REGISTRARS
        )

    def seal_hours(self, table: pa.Table, hours: int, *, witness_every: int = 1) -> None:
        """Seal the readings of the next hours, an hour a batch; the witness looks after each `witness_every`-th."""
        rows = table.to_pylist()
        counters = {point.id for point in self.plant.points if point.kind == "counter"}
        by_hour: dict[int, list[bytes]] = {}
        for row in rows:
            value = format_value(row["value"], is_counter=row["point"] in counters)
            line = f"{row['point']} {row['time']} {value} {row['quality']}\n".encode()
            by_hour.setdefault(row["time"] // HOUR * HOUR, []).append(line)
        for number in range(hours):
            self.batch(*by_hour.get(self.end_ms, []))
            if (number + 1) % witness_every == 0:
                self.settle(0)

    def batch(self, *lines: bytes, kind: str = "regular", reason: str | None = "an hour", sealed_ms: int = 0) -> int:
        """One batch; regular ones span the next hour, others their lines."""
        payload = b"".join(sorted(lines))
        times = [int(line.split(b" ")[1]) for line in lines]
        regular = kind == "regular"
        low, high = (self.end_ms, self.end_ms + HOUR) if regular else (min(times), max(times) + 1)
        self.end_ms = high if regular else self.end_ms
        header = Batch(
            gateway=key(GATEWAY).name,
            kind=kind,
            seq=self.seq,
            prev=self.prev,
            from_ms=low,
            to_ms=high,
            sealed_ms=sealed_ms or self.end_ms + 1000,
            points=len(lines),
            root=payload_root(payload),
            pointmap=self.pointmap,
            clock="ntp 2ms",
            reason=reason,
        )
        signed = note.sign(format_batch(header), GATEWAY)
        self.seq, self.prev = self.seq + 1, leaf_hash(signed)
        self.now_s = max(self.now_s, self.end_ms // 1000 + 10)
        return self.log.add_batch(signed, payload)

    def settle(self, _size: int) -> bytes:
        """A checkpoint of everything, cosigned where there is a witness."""
        published = self.log.checkpoint()
        if not self.witnessed:
            return published
        body, _ = note.split(published)
        cosigned = published + note.cosign(body, WITNESS, time_s=self.now_s)
        self.log.add_cosigned(cosigned, witnesses=[key(WITNESS)])
        return cosigned

    def office(self) -> Office:
        def append(signed: bytes, files: Mapping[str, bytes]) -> int:
            return self.log.add_note(signed, files=files)

        return Office(PREPARER, APPROVER, Anchor.parse(self.anchor()).policy, append, self.settle)

    def publish(self, question: Question, **options: object) -> Published:
        export = ledger_export.export(self.plant, self.ledger)
        return publish(self.log, export, office=self.office(), question=question, **options)  # type: ignore[arg-type]

    def laboratory_batch(self, *lines: bytes) -> int:
        """One batch of the laboratory."""
        payload = b"".join(sorted(lines))
        sealed_ms = self.end_ms + 2000 + self.lab_seq
        header = Batch(
            gateway=key(LABORATORY).name,
            kind="laboratory",
            seq=self.lab_seq,
            prev=self.lab_prev,
            from_ms=self.lab_end_ms or sealed_ms,
            to_ms=sealed_ms,
            sealed_ms=sealed_ms,
            points=len(lines),
            root=payload_root(payload),
            pointmap=self.pointmap,
            clock="ntp 2ms",
        )
        signed = note.sign(format_batch(header), LABORATORY)
        self.lab_seq, self.lab_prev, self.lab_end_ms = self.lab_seq + 1, leaf_hash(signed), sealed_ms
        return self.log.add_batch(signed, payload)

    def forge(self, published: Published, statement_: Statement, *, files: Mapping[str, bytes] | None = None,
              inputs: bytes | None = None) -> Published:  # fmt: skip
        """What the two people can do who hold the keys: sign another statement in the place of one."""
        other = replace(statement_, supersedes=encode64(self.log.leaf_hash(published.index)), reason="a mistake")
        signed = note.sign(statement.format_statement(other), PREPARER, APPROVER)
        index = self.log.add_note(signed, files=files)
        return Published(index, other, signed, published.inputs if inputs is None else inputs)

    def members(self, published: Published) -> dict[str, bytes]:
        order = Order(published.index, self.settle(0), self.anchor(), published.inputs)
        return dict(members(self.log, order))

    def bundle(self, published: Published, target: Path) -> Path:
        write_bundle(target, self.members(published).items(), signer=PREPARER)
        return target


def asked(
    from_h: int, to_h: int, *, boundary: Boundary = Boundary.CLINKER, rule_set: RuleSetId = RuleSetId.CETS_AG_02_01
) -> Question:
    """A question about hours after START."""
    return Question(Period(START + from_h * HOUR, START + to_h * HOUR, f"{from_h} to {to_h}"), boundary, rule_set)
