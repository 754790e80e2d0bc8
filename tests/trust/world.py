"""A small world of evidence, made with the public functions.

Keys from fixed seeds, keyrings, plant notes, two gateways, a laboratory, batches of every kind, a correction, a log
with a witness, two statements, and the bundle of the second. Every text and payload can be altered on its way to being
signed (`tamper`), so that what follows is chained, logged and signed anew by the rightful keys: what a plant could do
that owns all its machines. Whatever needs no key is altered in the finished members. It is one hour from 2026-03-01
00:00 UTC on; most batches are half an hour long to keep it small.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from tanji.trust import checkpoint, note, proof
from tanji.trust.batch import GENESIS, Batch, format_batch
from tanji.trust.bundle import Member, format_members
from tanji.trust.bundle_writer import write_bundle
from tanji.trust.canonical import encode64, json_line
from tanji.trust.checkpoint import Checkpoint
from tanji.trust.compact_range import prefix_hashes
from tanji.trust.correction import Correction, format_correction
from tanji.trust.keyring_text import KeyLine, KeyringText
from tanji.trust.payload import payload_root
from tanji.trust.plant_note import plant_note
from tanji.trust.proof import TlogProof
from tanji.trust.registrar import Registrar
from tanji.trust.signer import Ed25519Signer
from tanji.trust.tree import Tree, root_of_lines

from .world_files import CHANGED_FILE, CHANGED_MAP, EVIDENCE, EXPLAIN, LEDGER, PLANT_FILE, POINT_MAP, RESULT
from .world_keys import Keys, key_lines, signer

T0 = 1_772_323_200_000
MINUTE = 60_000
HOUR = 60 * MINUTE
ORIGIN = "demo.example/log"
SUBJECT = {"boundary": "clinker", "rule_set": "cets_2024"}

Tamper = Callable[[bytes], bytes]
"""Alters a text before it is signed, or a payload before it is counted."""


@dataclass
class World:
    """Entries as they are logged; `build` makes the standard history, `members` and `write` what is handed over.

    tamper : by target: texts before they are signed (`keyring1`, `plant1`, `gw1:0`, `lab:1`, `statement1`,
        `correction`, `head`, `manifest`), signed entries before they are logged (`signed gw1:0`, `signed head`), and
        what has no signature of its own (`payload gw1:0`, `policy`, `pointmap2`, `plantfile2`).
    preparer : whose key signs what a preparer signs; `prepare_next` after the end of the first.
    """

    keys: Keys = field(default_factory=Keys)
    tamper: Mapping[str, Tamper] = field(default_factory=dict)
    leave_out: frozenset[str] = frozenset()
    witnessed: bool = True
    preparer: str = "prepare"
    notes: list[bytes] = field(default_factory=list)
    labels: dict[str, int] = field(default_factory=dict)
    payloads: dict[int, bytes] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    tree: Tree = field(default_factory=Tree)
    kept: list[tuple[int, int, bytes]] = field(default_factory=list)
    point_map: bytes = POINT_MAP
    plant_file: bytes = PLANT_FILE
    inputs: bytes = b"kiln1.coal.mass_flow 1772323200000 20.5 0\nkiln1.feed.total 1772323200000 300.0 0\n"
    _ends: dict[str, Batch] = field(default_factory=dict)
    _keyrings: list[KeyringText] = field(default_factory=list)
    _plants: list[Any] = field(default_factory=list)

    def altered(self, target: str, data: bytes) -> bytes:
        """What is signed in the place of `data`."""
        return self.tamper.get(target, lambda same: same)(data)

    def log(self, label: str, entry: bytes) -> int:
        """Append an entry; its index."""
        entry = self.altered(f"signed {label}", entry)
        self.notes.append(entry)
        self.labels[label] = self.tree.append(entry)
        return self.labels[label]

    def keyring(self, lines: Sequence[KeyLine]) -> None:
        """Log the next keyring note."""
        registrars = [Registrar("institute", self.keys.key("institute")), Registrar("plant", self.keys.key("reg"))]
        version = len(self._keyrings) + 1
        prev = self.tree.levels[0][self.labels[f"keyring{version - 1}"]] if version > 1 else GENESIS
        text = KeyringText.make("demo", version=version, prev=prev, registrars=registrars, lines=lines)
        self._keyrings.append(text)
        body = self.altered(f"keyring{version}", text.body)
        self.log(f"keyring{version}", note.sign(body, self.keys.institute, self.keys.reg))

    def plant(self, *, from_ms: int) -> None:
        """Log the next plant note, over the files in force."""
        version = len(self._plants) + 1
        before = self._plants[-1] if self._plants else None
        leaf = self.tree.levels[0][self.labels[f"plant{version - 1}"]] if before else GENESIS
        self.point_map = self.altered(f"pointmap{version}", self.point_map)
        self.plant_file = self.altered(f"plantfile{version}", self.plant_file)
        made = plant_note(
            "demo", point_map=self.point_map, plant_file=self.plant_file, from_ms=from_ms, before=before, leaf=leaf
        )
        self._plants.append(made)
        for data in (self.point_map, self.plant_file):
            self.files[sha256(data).hexdigest()] = data
        self.log(f"plant{version}", self.approved(f"plant{version}", made.body()))

    def approved(self, target: str, body: bytes) -> bytes:
        """A note of preparer and approver."""
        return note.sign(self.altered(target, body), self._signer(self.preparer), self.keys.approve)

    def batch(
        self,
        gateway: str,
        kind: str,
        lines: Sequence[str],
        *,
        from_ms: int,
        to_ms: int,
        reason: str | None = None,
        key: str | None = None,
    ) -> None:
        """Seal and log a batch of a gateway's or the laboratory's chain. key : where it is not the one of its name."""
        name = f"demo.example/{gateway}"
        last = self._ends.get(gateway)
        seq = 0 if last is None else last.seq + 1
        target = f"{gateway}:{seq}"
        if target in self.leave_out:
            return
        payload = "".join(f"{line}\n" for line in sorted(lines)).encode()
        payload = self.altered(f"payload {target}", payload)
        batch = Batch(
            gateway=name,
            kind=kind,
            seq=seq,
            prev=GENESIS if last is None else self.tree.levels[0][self.labels[f"{gateway}:{seq - 1}"]],
            from_ms=from_ms,
            to_ms=to_ms,
            sealed_ms=to_ms if kind == "laboratory" else to_ms + 1204,
            points=payload.count(b"\n"),
            root=payload_root(payload) if payload.endswith(b"\n") or not payload else sha256(b"torn").digest(),
            pointmap=sha256(self.point_map).digest(),
            clock="ntp 2ms",
            reason=reason,
        )
        self._ends[gateway] = batch
        index = self.log(target, note.sign(self.altered(target, format_batch(batch)), self._signer(key or gateway)))
        if payload:
            self.payloads[index] = payload

    def _signer(self, part: str) -> Ed25519Signer:
        if part.endswith("_next"):  # another key under the same name, as after the loss of the first
            return signer(f"demo.example/{part.removesuffix('_next')}", world=f"{self.keys.world} next")
        return getattr(self.keys, part)  # type: ignore[no-any-return]

    def checkpoint(self, *, time_s: int, target: str = "checkpoint") -> bytes:
        """Sign the present head, have it cosigned and keep it."""
        body = checkpoint.format(Checkpoint(ORIGIN, self.tree.size, self.tree.root()))
        body = self.altered(target, body)
        signed = note.sign(body, self.keys.log)
        if self.witnessed:
            signed += note.cosign(body, self.keys.witness, time_s=time_s)
            self.kept.append((self.tree.size, time_s, signed))
        return signed

    def statement(self, number: int, *, status: str, supersedes: str | None, reason: str, **changed: Any) -> None:
        """Log a statement on the hour from T0, computed from the log as it is."""
        said = self.said(status=status, supersedes=supersedes, reason=reason) | changed
        body = b"tanji/statement/v1\n" + json_line(said) + b"\n"
        self.log(f"statement{number}", self.approved(f"statement{number}", body))

    def said(self, *, status: str, supersedes: str | None, reason: str) -> dict[str, Any]:
        """What a statement says of the log as it is."""
        return {
            "plant": "demo",
            "period": {"from_ms": T0, "to_ms": T0 + HOUR, "name": "2026-03-01T08"},
            **SUBJECT,
            "results": [RESULT],
            "total_co2_t": RESULT["co2_t"],
            "total_u_rel": "0.020000",
            "inputs": self._seen(),
            "method": {"name": "tanji", "version": "0.1.0", "commit": "unknown", "sha256": "00" * 32},
            "rules": {"id": "cets_2024", "sha256": sha256(b"rules\n").hexdigest()},
            "factors": {"sha256": sha256(b"factors\n").hexdigest()},
            "plant_file": {
                "sha256": sha256(self.plant_file).hexdigest(),
                "point_map": sha256(self.point_map).hexdigest(),
            },
            "ledger": {
                "sha256": sha256(LEDGER).hexdigest(),
                "certificates": [{"meter": "belt1", "number": "2026-001", "due": "2027-01-01"}],
            },
            "quality": {
                "captured": "1.000000",
                "substituted_hours": 0,
                "missing_hours": 0,
                "anomalies_open": 0,
                "late_share": "0.000000",
            },
            "status": status,
            "supersedes": supersedes,
            "reason": reason,
            "witnessed": self.witnessed,
        }

    def _seen(self) -> dict[str, Any]:
        """The log and the lines that the figures rest on."""
        lines = [line + b"\n" for line in self.inputs.split(b"\n")[:-1]]
        ranges = [
            {"gateway": f"demo.example/{name}", "first_seq": 0, "last_seq": last.seq}
            for name, last in sorted(self._ends.items())
        ]
        return {
            "origin": ORIGIN,
            "size": self.tree.size,
            "root": encode64(self.tree.root()),
            "from_ms": T0 - HOUR,
            "to_ms": T0 + 2 * HOUR,
            "gateways": ranges,
            "manifest": {"count": len(lines), "root": encode64(root_of_lines(lines))},
        }

    def correction(self, target: str, line: str, by: str) -> None:
        """Log a correction of a line of a batch."""
        index = self.labels[target]
        said = Correction(
            plant="demo",
            index=index,
            batch=self.tree.levels[0][index],
            line=line,
            by=by,
            reason="belt zero was off by two",
            evidence=sha256(EVIDENCE).digest(),
        )
        self.files[sha256(EVIDENCE).hexdigest()] = EVIDENCE
        self.log("correction", self.approved("correction", format_correction(said)))

    def leaf_text(self, label: str) -> str:
        """Leaf hash of an entry as texts name it."""
        return encode64(self.tree.levels[0][self.labels[label]])

    def anchor(self, keyring: str = "") -> bytes:
        """Policy and registrars, as a verifier got them from the institute. keyring : `<version> <index>` it names."""
        lines = [f"log {self.keys.log.vkey()}"]
        if self.witnessed:
            lines += [f"witness w1 {self.keys.witness.vkey()}", "group institute any w1", "quorum institute"]
        else:
            lines += ["quorum none"]
        lines += [f"registrar institute {self.keys.institute.vkey()}", f"registrar plant {self.keys.reg.vkey()}"]
        lines += [f"keyring {keyring}"] if keyring else []
        return "".join(f"{line}\n" for line in lines).encode()

    def proof_of(self, label: str, head: bytes) -> bytes:
        """The proof of an entry under the head."""
        index = self.labels[label]
        return proof.format(TlogProof(index, tuple(self.tree.inclusion(index)), head))

    def members(self, *, statement: str = "statement2", first: int | None = None) -> dict[str, bytes]:
        """Every member but the list, with the bundle beginning at log index `first`."""
        start = self.labels["plant1"] + 1 if first is None else first
        head = self.altered("signed head", self.checkpoint(time_s=T0 // 1000 + 4 * 3600, target="head"))
        found = {
            "policy": self.altered("policy", self.anchor()),
            "statement.note": self.notes[self.labels[statement]],
            "statement.tlog-proof": self.proof_of(statement, head),
            "log/prefix": "".join(
                f"{line}\n" for line in (start, *map(encode64, prefix_hashes(self.tree, start)))
            ).encode(),
            "inputs.lines": self.inputs,
            "ledger.json": LEDGER,
            "factors.toml": b"factors\n",
            "rulesets.toml": b"rules\n",
            "plant.yaml": self.plant_file,
            "pointmap": self.point_map,
            "explain.html": EXPLAIN,
        }
        for label, index in self.labels.items():
            folder = label.rstrip("0123456789")
            if folder in ("keyring", "plant"):
                found[f"{folder}/{index:012d}.note"] = self.notes[index]
                found[f"{folder}/{index:012d}.tlog-proof"] = self.proof_of(label, head)
            if index >= start:
                found[f"notes/{index:012d}.note"] = self.notes[index]
        for index, payload in self.payloads.items():
            if index >= start:
                found[f"payload/{index:012d}.lines"] = payload
        for size, time_s, signed in self.kept:
            if size >= start:
                found[f"checkpoints/{size:012d}-{time_s}.note"] = signed
        own = {sha256(found["plant.yaml"]).hexdigest(), sha256(found["pointmap"]).hexdigest()}
        return found | {f"files/{digest}": data for digest, data in self.files.items() if digest not in own}

    def write(self, path: Path, members: Mapping[str, bytes]) -> Path:
        """The bundle of these members, with their list signed by the preparer."""
        write_bundle(path, sorted(members.items()), signer=self._signer(self.preparer))
        return path

    def listed(self, members: Mapping[str, bytes]) -> dict[str, bytes]:
        """The members with their signed list, for zips that are written by other means."""
        entries = [Member(sha256(data).hexdigest(), len(data), path) for path, data in members.items()]
        body = self.altered("manifest", format_members(entries))
        return {**members, "MANIFEST.note": note.sign(body, self._signer(self.preparer))}


def readings(minute: int, *, count: int = 3) -> list[str]:
    """Lines of the first gateway from so many minutes after T0 on, one every 20 s."""
    found = []
    for step in range(count):
        time = T0 + minute * MINUTE + step * 20_000
        found += [f"kiln1.coal.mass_flow {time} {20.5 + step / 8!r} 0", f"kiln1.feed.total {time} {1000 + step} 0"]
    return found


def build(
    *,
    tamper: Mapping[str, Tamper] | None = None,
    world: str = "one",
    witnessed: bool = True,
    leave_out: frozenset[str] = frozenset(),
) -> World:
    """An hour with a late and a config batch, samples, a rotation, a changed plant file, a correction, two statements.

    The first statement is provisional, the second one final and supersedes it.
    """
    made = World(keys=Keys(world), tamper=tamper or {}, witnessed=witnessed, leave_out=leave_out)
    made.keyring(key_lines(made.keys, rotated=False))
    made.plant(from_ms=T0 - HOUR)
    _first_half(made)
    _second_half(made)
    return made


def _first_half(made: World) -> None:
    behind = "sealing was behind"
    made.batch("gw1", "regular", readings(-2), from_ms=T0 - 2 * MINUTE, to_ms=T0)
    made.batch("gw2", "regular", [], from_ms=T0 - 2 * MINUTE, to_ms=T0)
    taken = [f"sample S-1 {T0 + 5 * MINUTE}", f"sample S-2 {T0 + 25 * MINUTE}", f"sample old {T0 - 5 * MINUTE}"]
    made.batch("lab", "laboratory", taken[2:], from_ms=T0, to_ms=T0)
    made.batch("gw1", "regular", readings(0), from_ms=T0, to_ms=T0 + 2 * MINUTE)
    made.batch("gw2", "regular", [f"mill1.power {T0 + 5000} 4.0 0"], from_ms=T0, to_ms=T0 + 10 * MINUTE, reason=behind)
    made.checkpoint(time_s=T0 // 1000 + 600)
    zero = T0 + MINUTE
    made.batch("gw1", "config", [f"kiln1.belt.zero {zero} 0.25 0"], from_ms=zero, to_ms=zero + 1)
    half = T0 + 30 * MINUTE
    made.batch("gw1", "regular", readings(10), from_ms=T0 + 2 * MINUTE, to_ms=half, reason=behind)
    made.batch("gw2", "regular", [], from_ms=T0 + 10 * MINUTE, to_ms=half, reason=behind)
    made.batch("lab", "laboratory", taken[:2], from_ms=T0, to_ms=half)


def _second_half(made: World) -> None:
    behind, half, end = "sealing was behind", T0 + 30 * MINUTE, T0 + HOUR
    made.point_map, made.plant_file = CHANGED_MAP, CHANGED_FILE
    made.plant(from_ms=half)
    refused = [f"kiln1.coal.mass_flow {T0} 19.0 4", f"kiln1.coal.mass_flow {T0 + MINUTE} - 1"]
    filled = [f"kiln1.coal.mass_flow {T0 + MINUTE} 20.75 0"]
    made.batch("gw1", "late", [*refused, *filled], from_ms=T0, to_ms=T0 + MINUTE + 1, reason="logger upload")
    made.batch("gw1", "regular", readings(40), from_ms=half, to_ms=end, reason=behind)
    made.batch("gw2", "regular", [], from_ms=half, to_ms=end, reason=behind)
    made.keyring(key_lines(made.keys, rotated=True))
    made.batch("gw1", "regular", readings(61), from_ms=end, to_ms=end + 2 * MINUTE)
    made.batch("gw2", "regular", [], from_ms=end, to_ms=end + 2 * MINUTE, key="gw2_next")
    result = "result S-1 kiln1_coal.net_calorific_value"
    results = [
        f"{result} {T0} {end} 22.5 as_received",
        f"withdrawn S-2 kiln1_coal.net_calorific_value {end}",
    ]
    made.batch("lab", "laboratory", results, from_ms=half, to_ms=end + MINUTE)
    made.checkpoint(time_s=T0 // 1000 + 3 * 3600)
    made.statement(1, status="provisional", supersedes=None, reason="")
    line = f"kiln1.coal.mass_flow {T0 + 20_000} 20.625 0"
    made.correction("gw1:1", line, line.replace("20.625", "20.125"))
    made.checkpoint(time_s=T0 // 1000 + 3 * 3600 + 300)
    made.statement(2, status="final", supersedes=made.leaf_text("statement1"), reason="corrected belt zero")


def loads(body: bytes) -> Any:
    """The JSON of a statement's body."""
    return json.loads(body.split(b"\n")[1])
