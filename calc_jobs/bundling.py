"""The members of a bundle: everything a stranger needs to check one statement (reference/trust.md 2.6, R34, R36).

From the first note a chain contributes to the newest checkpoint nothing of the log is left out; payloads go along where
they can hold a reading of the statement's window, and all of laboratories. All proofs are under one head. Which form
each member has is docs/trust-format.md section 8; the zip is `tanji.trust.bundle_writer`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from calc_jobs import explain, proofs
from calc_jobs.explain import Explained
from calc_jobs.publish import StatementLog
from calc_jobs.sealed_chains import Chains
from tanji.errors import EvidenceMissing, TrustError
from tanji.trust import bundle, correction, keyring_text, note, plant_note, statement
from tanji.trust.canonical import encode64
from tanji.trust.correction import Correction
from tanji.trust.leaves import STATEMENT
from tanji.trust.log_checkpoints import Kept
from tanji.trust.plant_note import PlantNote
from tanji.trust.policy import Anchor
from tanji.trust.statement import Statement
from tanji.trust.tree import root_of_lines


class BundleLog(StatementLog, Protocol):
    """The log a bundle is made from; `tanji.trust.log_reader.LogReader`."""

    def prefix_hashes(self, size: int) -> tuple[bytes, ...]: ...
    def has_file(self, digest: str) -> bool: ...
    def checkpoints(self) -> Sequence[Kept]: ...


@dataclass(frozen=True, slots=True)
class Order:
    """What to bundle. index : of the statement. head : checkpoint note over it. anchor : the publisher's file.

    inputs : the lines fed to the formulas, as published.
    """

    index: int
    head: bytes
    anchor: bytes
    inputs: bytes


def members(log: BundleLog, order: Order) -> Iterator[tuple[str, bytes]]:
    """Path and bytes of every member but the signed list, one after the other."""
    size = proofs.head_of(order.head).size
    signed = log.entry(order.index)
    said = statement.parse(note.split(signed)[0])
    if order.index >= size:
        got = f"{size} entries"
        raise EvidenceMissing("checkpoint-size", where="head", expected=f"entry {order.index} covered", got=got)
    _check_inputs(order.inputs, said)
    chains = Chains(log, size=size)
    first = chains.first_index(said.inputs.gateways)
    yield bundle.STATEMENT, signed
    yield bundle.STATEMENT_PROOF, proofs.proof_of(log, order.index, order.head)
    yield bundle.POLICY, order.anchor
    yield (
        bundle.PREFIX,
        b"".join([b"%d\n" % first, *(f"{encode64(each)}\n".encode() for each in log.prefix_hashes(first))]),
    )
    for folder, type_line in (("keyring", keyring_text.TYPE), ("plant", plant_note.TYPE)):
        for index in _below(log.indexes(type_line), size):
            yield f"{folder}/{index:012d}.note", log.entry(index)
            yield f"{folder}/{index:012d}.tlog-proof", proofs.proof_of(log, index, order.head)
    for index, entry in enumerate(log.entries(first, size), start=first):
        yield f"notes/{index:012d}.note", entry
    for index in chains.payloads((said.inputs.from_ms, said.inputs.to_ms), first=first):
        if index >= first:
            yield f"payload/{index:012d}.lines", log.payload(index)
    for kept in log.checkpoints():
        if first <= kept.size <= size:
            yield f"checkpoints/{kept.path.name}", kept.note()
    yield from _files(log, said, size=size)
    yield bundle.INPUTS, order.inputs
    yield bundle.EXPLAIN, explain.page(_explained(log, order, said, chains, first=first, size=size))


def find(log: BundleLog, index: int) -> Statement:
    """The statement at an index; TrustError if something else is there."""
    if index not in log.indexes(STATEMENT):
        known = ", ".join(map(str, log.indexes(STATEMENT))) or "none"
        raise TrustError(
            "statement-form", where=f"entry {index}", expected=f"a statement ({known})", got="another note"
        )
    return statement.parse(note.split(log.entry(index))[0])


def _files(log: BundleLog, said: Statement, *, size: int) -> Iterator[tuple[str, bytes]]:
    """The five files the statement names, older maps and plant files, and what corrections rest on."""
    named = {
        said.ledger.sha256: bundle.LEDGER,
        said.factors.sha256: bundle.FACTORS,
        said.rules.sha256: bundle.RULESETS,
        said.plant_file.sha256: bundle.PLANT,
        said.plant_file.point_map: bundle.POINT_MAP,
    }
    for digest, path in named.items():
        yield path, log.file(digest)
    wanted = [digest.hex() for one in _plant_notes(log, size) for digest in (one.point_map, one.plant_file)]
    wanted += [one.evidence.hex() for one in _corrections(log, size)]
    for digest in sorted({*wanted} - named.keys()):
        if log.has_file(digest):
            yield f"files/{digest}", log.file(digest)


def _explained(log: BundleLog, order: Order, said: Statement, chains: Chains, *, first: int, size: int) -> Explained:
    anchor = Anchor.parse(order.anchor)
    newer = [index for index in _below(log.indexes(STATEMENT), size)
             if index > order.index and find(log, index).subject == said.subject]  # fmt: skip
    used = [link for link in chains.links if link.index >= first]
    return Explained(
        statement=said,
        index=order.index,
        leaf=encode64(log.leaf_hash(order.index)),
        signers=tuple(one.name for one in note.split(log.entry(order.index))[1]),
        size=size,
        batches=len(used),
        readings=sum(link.points for link in used if link.overlaps((said.period.from_ms, said.period.to_ms))),
        late_batches=sum(link.kind == "late" for link in used),
        corrections=tuple(one for one in _corrections(log, size)),
        plant_versions=len(_plant_notes(log, size)),
        superseded_by=newer[-1] if newer else None,
        witnesses=tuple(sorted(_witnesses(anchor, order.head))),
        self_registered=anchor.is_self_registered,
        inputs=order.inputs,
        plant_file=log.file(said.plant_file.sha256),
    )


def _witnesses(anchor: Anchor, head: bytes) -> Iterable[tuple[str, int]]:
    """Witnesses of the head that count, with their time [s]."""
    return anchor.policy.check(head).times.items()


def _check_inputs(inputs: bytes, said: Statement) -> None:
    lines = [line + b"\n" for line in inputs.split(b"\n")[:-1]]
    root = encode64(root_of_lines(lines))
    if (len(lines), root) != (said.inputs.manifest.count, said.inputs.manifest.root):
        raise TrustError("statement-manifest", where="inputs.lines", expected=said.inputs.manifest.root, got=root)


def _plant_notes(log: BundleLog, size: int) -> list[PlantNote]:
    return [PlantNote.parse(note.split(log.entry(index))[0]) for index in _below(log.indexes(plant_note.TYPE), size)]


def _corrections(log: BundleLog, size: int) -> list[Correction]:
    known = _below(log.indexes(correction.TYPE_LINE), size)
    return [correction.parse(note.split(log.entry(index))[0]) for index in known]


def _below(indexes: Iterable[int], size: int) -> list[int]:
    return [index for index in indexes if index < size]
