"""The batches of a log or an unpacked bundle: chains, sequences, times, payload roots, without any statement.

What an auditor asks of a gateway, and what the nightly audit asks of the evidence before it compares the store with it.
The procedure is that of a bundle from the keyrings to the payloads (docs/trust-format.md 11, steps 4 and 6 to 10).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tanji.errors import EvidenceMissing, TrustError
from tanji.trust import bundle
from tanji.trust.log_reader import LogReader
from tanji.trust.policy import Anchor
from tanji.trust.verify_complete import pending
from tanji.trust.verify_entries import BatchEntry
from tanji.trust.verify_evidence import Evidence, processes_for, read_evidence, read_keys
from tanji.trust.verify_facts import changed_settings, disputed, disputed_notes, revised_results, unannounced_samples
from tanji.trust.verify_log import Head, judge_head, read_entries, read_proof
from tanji.trust.verify_plant import tell_changes, unregistered_meters
from tanji.trust.verify_report import Facts, Report, Verdict
from tanji.trust.verify_source import Place, located

NO_STATEMENT = "batches carry no figures / 批次不含计算结果"


def verify_batches(path: Path, *, anchor: Anchor | None, processes: int | None = None) -> Report:
    """Judge every batch of an unpacked bundle, or of the folder of a log up to its newest sufficient checkpoint.

    anchor : the verifier's own; None takes the one of the bundle, and a log has none.
    """
    subject, independent, unasked = str(path), anchor is not None, Verdict.skipped(NO_STATEMENT)
    try:
        evidence = read_batches(path, anchor=anchor, processes=processes)
    except EvidenceMissing as error:
        return Report(subject, independent, Verdict.undecided(error), Verdict.failed(error), unasked)
    except TrustError as error:
        return Report(subject, independent, Verdict.failed(error), Verdict.unasked("integrity"), unasked)
    lacking = next(_lacking(evidence), None)
    complete = Verdict.ok() if lacking is None else Verdict.failed(lacking)
    return Report(subject, independent, Verdict.ok(), complete, unasked, _facts(evidence))


def read_batches(path: Path, *, anchor: Anchor | None, processes: int | None = None) -> Evidence:
    """The verified evidence itself; TrustError at the first rule that fails."""
    place = Place(path)
    trusted = _anchor(place) if anchor is None else anchor
    head = head_of(place, trusted)
    place = Place(path, head.size)
    with place.open() as source:
        keys = read_keys(source, trusted, head, with_proofs=False)
        log = read_entries(source, head)
        return read_evidence(
            place, source, trusted, head=head, keys=keys, log=log, statement=None, processes=processes_for(processes)
        )


def _anchor(place: Place) -> Anchor:
    with place.open() as source, located(bundle.POLICY):
        if bundle.POLICY not in source.paths:
            raise EvidenceMissing("policy-form", expected="a trust anchor (--anchor)", got="none")
        return Anchor.parse(source.read(bundle.POLICY))


def head_of(place: Place, anchor: Anchor) -> Head:
    """The head of a bundle is in its statement's proof; a log has its newest checkpoint that the policy accepts."""
    if place.is_log:
        reader = LogReader(place.path)
        cosigned = reader.latest_cosigned() if anchor.policy.is_witnessed else None
        with located("checkpoint"):
            return judge_head(reader.checkpoint() if cosigned is None else cosigned, anchor.policy)
    with place.open() as source:
        proof = read_proof(source, bundle.STATEMENT_PROOF)
        with located(bundle.STATEMENT_PROOF):
            return judge_head(proof.checkpoint, anchor.policy)


def _lacking(evidence: Evidence) -> Iterator[TrustError]:
    yield from evidence.entries.gaps
    yield from evidence.entries.holes
    for each in evidence.entries.batches:
        if each.batch.points and each.payload not in evidence.paths:
            yield _absent(each)


def _absent(each: BatchEntry) -> TrustError:
    expected = f"{each.batch.points} lines of {each.batch.gateway} seq {each.batch.seq}"
    return TrustError("payload-missing", where=each.payload, expected=expected, got="none")


def _facts(evidence: Evidence) -> Facts:
    newest = evidence.plants.newest(evidence.head.size)
    points = {} if newest is None else evidence.plants.maps.get(newest.point_map, {})
    keyring, plant_file = evidence.versions
    return Facts(
        size=evidence.head.size,
        keyring=keyring,
        named_keyring=evidence.named_keyring,
        plant_file=plant_file,
        batches=len(evidence.entries.batches),
        readings=sum(each.lines for each in evidence.payloads if not each.laboratory),
        changes=tuple(tell_changes(evidence.plants)),
        stops=evidence.stops,
        disputed=tuple(disputed(evidence.entries.batches, evidence.keys)),
        disputed_notes=tuple(disputed_notes(evidence.approved, evidence.keys)),
        settings=tuple(changed_settings(evidence.registers)),
        revised_results=tuple(revised_results(evidence.laboratory)),
        unannounced=tuple(unannounced_samples(evidence.laboratory, evidence.entries.batches, evidence.seen)),
        witness_times=tuple(sorted(set(evidence.times), key=lambda each: (each.size, each.time_s, each.witness))),
        pending_samples=tuple(sorted(pending(evidence.laboratory))),
        unregistered_meters=unregistered_meters(points),
        gateways=tuple(sorted({each.batch.gateway for each in evidence.entries.batches})),
    )
