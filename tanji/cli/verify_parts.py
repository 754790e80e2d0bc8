"""`tanji verify statement|point|disclose|log`: one statement, one reading, two heads of a log (R34, R47).

Each is a single question, so that only integrity gets a verdict. Keys of signers come from keyring notes, which the
registrars of the anchor signed; without them the question cannot be decided.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from tanji.cli.verify_given import anchor_of, enclosed_anchor, show, sm2_of
from tanji.cli.verify_keyrings import by_keyring, keys_at
from tanji.errors import EvidenceMissing, TrustError
from tanji.trust import proof as proofs
from tanji.trust.bundle import POLICY, STATEMENT_PROOF
from tanji.trust.canonical import encode64
from tanji.trust.log_reader import LogReader, read_head
from tanji.trust.payload import split_lines
from tanji.trust.point_proof import format_point, parse_point, prove_point, verify_point
from tanji.trust.policy import Anchor, Verified
from tanji.trust.proof import TlogProof
from tanji.trust.sm2 import SUFFIX
from tanji.trust.tree import leaf_hash
from tanji.trust.utc import utc
from tanji.trust.verify_entries import BatchEntry, StatementEntry
from tanji.trust.verify_facts import disputed, disputed_notes
from tanji.trust.verify_log import judge_head, read_entries, read_proof, verify_growth
from tanji.trust.verify_report import Facts, Report, Verdict, WitnessTime
from tanji.trust.verify_signers import KeyHistory, open_signed
from tanji.trust.verify_source import Place, indexed, located
from tanji.trust.verify_statement import verify_statement

NOT_ASKED = "one piece of evidence alone / 仅单件证据"


def statement(arguments: argparse.Namespace) -> int:
    """Signatures of a statement, its place in the log, the witnesses; an SM2 signature if that is asked for."""
    note, proof = arguments.statement.read_bytes(), arguments.proof.read_bytes()
    places = _places(arguments, arguments.statement)
    asked = sm2_of(arguments, beside=arguments.statement.with_suffix(SUFFIX))

    def check(anchor: Anchor) -> Facts:
        found, keys = _keys(proof, places, anchor)
        index = found.index
        said, verified = by_keyring(keys, lambda one: verify_statement(note, proof, anchor, one), index=index)
        if asked is not None:
            asked.check(note)
        _, signers = open_signed(note, keys.in_force(index), index)
        entry = StatementEntry(index, leaf_hash(note), said, signers)
        seen = _seen(verified, f"{said.plant} {said.period.name} {said.boundary} {said.rule_set}: "
                     f"{said.total_co2_t} tCO2 ({said.status})")  # fmt: skip
        told = tuple(disputed_notes([entry], keys))
        return replace(_with_keys(seen, keys, anchor), sm2=None if asked is None else True, disputed_notes=told)

    return _judge(arguments, check, str(arguments.statement), places)


def point(arguments: argparse.Namespace) -> int:
    """One reading: in a batch that its gateway signed, in a witnessed log."""
    data, line = arguments.proof.read_bytes(), f"{arguments.line}\n".encode()
    places = _places(arguments, arguments.proof)

    def check(anchor: Anchor) -> Facts:
        found, keys = _keys(parse_point(data).tlog_proof, places, anchor)
        index = found.index
        batch, verified = by_keyring(keys, lambda one: verify_point(line, data, anchor, one), index=index)
        seen = _seen(verified, f"{batch.gateway} seq {batch.seq}, {batch.kind}, sealed at {utc(batch.sealed_ms)}")
        told = tuple(disputed([BatchEntry(index, batch)], keys))
        return replace(_with_keys(seen, keys, anchor), disputed=told)

    return _judge(arguments, check, arguments.line, places)


def _keys(proof: bytes, places: list[Path], anchor: Anchor) -> tuple[TlogProof, KeyHistory]:
    """A proof, and the keyrings that a log as large as its checkpoint asks for."""
    with located("proof"):
        found = proofs.parse(proof)
        size = anchor.policy.check(found.checkpoint).checkpoint.size
    return found, keys_at(places, anchor, size=size)


def _with_keys(facts: Facts, keys: KeyHistory, anchor: Anchor) -> Facts:
    return replace(facts, keyring=keys.newest.version, named_keyring=anchor.keyring)


def disclose(arguments: argparse.Namespace) -> int:
    """Write the proof of one reading of a bundle; 1 if no payload of the bundle has it."""
    line = f"{arguments.line}\n".encode()
    with Place(arguments.bundle).open() as source:
        anchor = Anchor.parse(source.read(POLICY))
        head = judge_head(read_proof(source, STATEMENT_PROOF).checkpoint, anchor.policy)
        entries = read_entries(source, head)
        for index, path in indexed(source.paths, "payload", ".lines"):
            payload = source.read(path)
            if line in split_lines(payload):
                logged = proofs.format(TlogProof(index, tuple(entries.inclusion(index)), head.note))
                note = source.read(f"notes/{index:012d}.note")
                proof = prove_point(line, payload=payload, note=note, tlog_proof=logged)
                arguments.proof.write_bytes(format_point(proof))
                print(f"{arguments.proof}: line {proof.line} of entry {index}, {len(proof.path)} hashes")
                return 0
    print(f"{arguments.bundle}: no payload has the line {arguments.line}")
    return 1


def log(arguments: argparse.Namespace) -> int:
    """Whether the log of a kept checkpoint is the beginning of that of a later one."""
    folder: Path = arguments.proof

    def check(anchor: Anchor) -> Facts:
        old, new = _checkpoint(arguments.old), _checkpoint(arguments.new)
        proof = _growth(folder, old, new) if folder.is_dir() else folder.read_bytes()
        before, after = verify_growth(old, new, proof, anchor.policy)
        return Facts(size=after.size, remarks=(f"{after.origin}: size {before.size} -> {after.size}",))

    return _judge(arguments, check, f"{arguments.old} -> {arguments.new}", [])


def _checkpoint(path: Path) -> bytes:
    """A checkpoint, or that of the proof of a statement."""
    data = path.read_bytes()
    return proofs.parse(data).checkpoint if data.startswith(proofs.FIRST_LINE.encode()) else data


def _growth(folder: Path, old: bytes, new: bytes) -> bytes:
    """The consistency proof between two checkpoints out of the folder of a log."""
    low, high = read_head(old).size, read_head(new).size
    log = LogReader(folder)
    if log.size < high:
        expected = f"the folder of a log with at least {high} entries"
        raise EvidenceMissing("proof-length", where=str(folder), expected=expected, got=f"{log.size} entries")
    hashes = log.consistency(low, high) if 0 < low <= high else []
    return "".join(f"{encode64(each)}\n" for each in hashes).encode()


def _judge(arguments: argparse.Namespace, check: Callable[[Anchor], Facts], subject: str, places: list[Path]) -> int:
    own, unasked = anchor_of(arguments), Verdict.skipped(NOT_ASKED)
    facts = Facts()
    try:
        anchor = enclosed_anchor(*places) if own is None else own
        if anchor is None:
            raise EvidenceMissing("policy-form", where="anchor", expected="a trust anchor (--anchor)", got="none")
        facts, verdict = check(anchor), Verdict.ok()
    except EvidenceMissing as error:
        verdict = Verdict.undecided(error)
    except TrustError as error:
        verdict = Verdict.failed(error)
    return show(arguments, Report(subject, own is not None, verdict, unasked, unasked, facts))


def _places(arguments: argparse.Namespace, beside: Path) -> list[Path]:
    """Where keyring notes may lie."""
    named = [] if arguments.keyring is None else [arguments.keyring]
    return [*named, beside.parent, *([] if arguments.anchor is None else [arguments.anchor.parent])]


def _seen(verified: Verified, remark: str) -> Facts:
    times = [WitnessTime(verified.checkpoint.size, name, time_s) for name, time_s in verified.times.items()]
    return Facts(size=verified.checkpoint.size, witness_times=tuple(times), remarks=(remark,))
