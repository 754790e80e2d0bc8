"""What a statement says against the evidence beside it, and a statement on its own (docs/trust-format.md 11 and 12).

Steps 7 and 11: the statement is in the log, saw the log at the size it names, was computed from the lines in the
bundle, and names the files that are there. On its own, with a proof and a keyring, signatures, inclusion and
witnesses are checked in half a millisecond. Whether the figures follow is recomputation.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

from tanji.errors import TrustError
from tanji.trust import bundle
from tanji.trust import proof as proofs
from tanji.trust import statement as statements
from tanji.trust.canonical import encode64
from tanji.trust.keyring import Keyring
from tanji.trust.note import split
from tanji.trust.payload import split_lines
from tanji.trust.policy import Anchor, Verified
from tanji.trust.proof import TlogProof
from tanji.trust.statement import Statement
from tanji.trust.tree import root_of_lines
from tanji.trust.verify_entries import STATEMENT, StatementEntry
from tanji.trust.verify_log import Head, LogPart, check_included
from tanji.trust.verify_plant import PlantHistory
from tanji.trust.verify_signers import open_approved
from tanji.trust.verify_source import Source, located


def check_place(source: Source, proof: TlogProof, head: Head, log: LogPart) -> None:
    """Raise unless the statement is an entry of the log of the head, among those that are there."""
    note = source.read(bundle.STATEMENT)
    with located(bundle.STATEMENT_PROOF):
        check_included(proof, note, head.checkpoint)
        if not log.first <= proof.index < log.size:
            expected = f"an entry from {log.first} to {log.size - 1}"
            raise TrustError("statement-inputs", expected=expected, got=str(proof.index))
    with located(bundle.STATEMENT):
        _check_type(note)


def check_content(source: Source, entry: StatementEntry, head: Head, log: LogPart, plants: PlantHistory) -> None:
    """Raise unless inputs, manifest and digests are those of the evidence."""
    with located(bundle.STATEMENT):
        _check_inputs(entry, head, log)
    _check_manifest(source.read(bundle.INPUTS), entry.said)
    _check_digests(source, entry.said, plants)


def verify_statement(note: bytes, proof: bytes, anchor: Anchor, keyring: Keyring) -> tuple[Statement, Verified]:
    """A statement by itself: signed by two, in the log, witnessed. keyring : in force at its place in the log."""
    with located("proof"):
        found = proofs.parse(proof)
        verified = anchor.policy.check(found.checkpoint)
        check_included(found, note, verified.checkpoint)
    with located("statement"):
        _check_type(note)
        return statements.parse(open_approved(note, keyring, found.index)), verified


def _check_type(note: bytes) -> None:
    body, _ = split(note)
    first = body[: body.find(b"\n")].decode("utf-8")
    if first != STATEMENT:
        raise TrustError("header-type", expected=STATEMENT, got=first)


def _check_inputs(entry: StatementEntry, head: Head, log: LogPart) -> None:
    inputs = entry.said.inputs
    if inputs.origin != head.checkpoint.origin:
        raise TrustError("statement-inputs", where="origin", expected=head.checkpoint.origin, got=inputs.origin)
    if not log.first <= inputs.size <= entry.index:
        expected = f"a size from {log.first} to {entry.index}"
        raise TrustError("statement-inputs", where="size", expected=expected, got=str(inputs.size))
    root = encode64(log.root(inputs.size))
    if root != inputs.root:
        raise TrustError("statement-root", where=f"size {inputs.size}", expected=root, got=inputs.root)


def _check_manifest(data: bytes, said: Statement) -> None:
    manifest, where = said.inputs.manifest, bundle.INPUTS
    if data and not data.endswith(b"\n"):
        raise TrustError("statement-manifest", where=where, expected="lines that end in a line feed", got="none")
    lines = split_lines(data)
    if len(lines) != manifest.count:
        raise TrustError("statement-manifest", where=where, expected=f"{manifest.count} lines", got=str(len(lines)))
    root = encode64(root_of_lines(lines))
    if root != manifest.root:
        raise TrustError("statement-manifest", where=where, expected=manifest.root, got=root)


def _check_digests(source: Source, said: Statement, plants: PlantHistory) -> None:
    named = (
        (bundle.RULESETS, said.rules.sha256),
        (bundle.FACTORS, said.factors.sha256),
        (bundle.PLANT, said.plant_file.sha256),
        (bundle.POINT_MAP, said.plant_file.point_map),
        (bundle.LEDGER, said.ledger.sha256),
    )
    for path, digest in named:
        got = sha256(source.read(path)).hexdigest()
        if got != digest:
            raise TrustError("statement-digest", where=path, expected=digest, got=got)
    approved = plants.newest(said.inputs.size)
    files = None if approved is None else (approved.plant_file.hex(), approved.point_map.hex())
    if files != (said.plant_file.sha256, said.plant_file.point_map):
        expected = "plant file and point map of the newest plant note before the statement's size"
        got = "no plant note" if files is None else f"{files[0][:16]} and {files[1][:16]} there"
        raise TrustError("statement-digest", where="plant_file", expected=expected, got=got)


def superseded(entries: Sequence[StatementEntry], entry: StatementEntry) -> tuple[int, ...]:
    """Log indices of the earlier statements on the same subject."""
    return tuple(each.index for each in entries if each.said.subject == entry.said.subject and each.index < entry.index)
