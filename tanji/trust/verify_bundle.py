"""A whole bundle: integrity, completeness and recomputation, in the order of docs/trust-format.md 11.

The anchor comes from whoever verifies; without one the evidence vouches for itself, and every report begins with that.
Integrity stops at the first rule that fails. Recomputation needs the calculation and is handed in by the command; this
module needs PyNaCl and the standard library alone (R34, R35, R47).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from tanji.errors import EvidenceMissing, TrustError
from tanji.trust import bundle
from tanji.trust.bundle import Member
from tanji.trust.policy import Anchor
from tanji.trust.verify_complete import check_complete, pending
from tanji.trust.verify_entries import StatementEntry, newest_on
from tanji.trust.verify_evidence import Evidence, processes_for, read_evidence, read_keys
from tanji.trust.verify_facts import (
    changed_settings,
    disputed,
    disputed_notes,
    expired_certificates,
    longest_unwitnessed,
    overlapping,
    own_factors,
    revised_results,
    silent_settings,
    unannounced_samples,
    unsealed_values,
)
from tanji.trust.verify_log import judge_head, read_entries, read_proof
from tanji.trust.verify_plant import tell_changes, unregistered_meters
from tanji.trust.verify_report import Corrected, Facts, Report, State, StatementFacts, Verdict
from tanji.trust.verify_signers import open_list
from tanji.trust.verify_sm2 import Sm2Asked, judged
from tanji.trust.verify_source import Place, located
from tanji.trust.verify_statement import check_content, check_place, superseded

SELF_REGISTERED = "the registrar in the institute's place is the plant's own / 代替计量院的登记人为企业自设"
UNWITNESSED = "the anchor asks for no witness: nobody outside saw this log / 信任锚不要求见证，日志无外部见证"
OWN_CLOCK = "the statement counts lateness by the plant's own clocks / 声明的迟到比例按企业自身时钟计算"
UNINSTALLED = "the calculation is not installed here / 此处未安装计算程序"

Recompute = Callable[[Path], None]
"""Recomputes the figures of a bundle whose evidence is sound and whole; TrustError where they differ."""


def verify_bundle(
    path: Path,
    *,
    anchor: Anchor | None,
    recompute: Recompute | None = None,
    processes: int | None = None,
    sm2: Sm2Asked | None = None,
) -> Report:
    """Judge a bundle.

    anchor : the verifier's own; None takes the one in the bundle. recompute : None leaves that question unasked.
    processes : None takes as many as there are processors, up to four. sm2 : None asks for no such signature.
    """
    subject, independent = str(path), anchor is not None
    try:
        evidence, entry, trusted, ledger = _integrity(Place(path), anchor, processes=processes_for(processes))
    except EvidenceMissing as error:
        missing = Verdict.failed(error)
        return Report(subject, independent, Verdict.undecided(error), missing, Verdict.unasked("completeness"))
    except TrustError as error:
        return Report(
            subject, independent, Verdict.failed(error), Verdict.unasked("integrity"), Verdict.unasked("integrity")
        )
    beside = judged(sm2, evidence.log.note(entry.index))
    if beside.state is not State.OK:
        return Report(subject, independent, beside, Verdict.unasked("integrity"), Verdict.unasked("integrity"))
    facts = replace(_facts(evidence, entry, trusted, ledger), sm2=None if sm2 is None else True)
    completeness = _completeness(evidence, entry)
    recomputed = recomputation(path, recompute) if completeness.state is State.OK else Verdict.unasked("completeness")
    return Report(subject, independent, Verdict.ok(), completeness, recomputed, facts)


def recomputation(path: Path, recompute: Recompute | None) -> Verdict:
    """What comes of computing the figures again."""
    if recompute is None:
        return Verdict.skipped(UNINSTALLED)
    try:
        recompute(path)
    except EvidenceMissing as error:
        return Verdict.undecided(error)
    except TrustError as error:
        return Verdict.failed(error)
    return Verdict.ok()


def _integrity(
    place: Place, anchor: Anchor | None, *, processes: int
) -> tuple[Evidence, StatementEntry, Anchor, bytes]:
    """Everything that is there, verified, with the ledger; TrustError names the first rule that fails."""
    with place.open() as source:
        bundle.check_required(source.paths)
        members = {path: Member.of(path, source.read(path)) for path in source.paths}
        with located(bundle.POLICY):
            enclosed = Anchor.parse(source.read(bundle.POLICY))
        trusted = enclosed if anchor is None else anchor
        proof = read_proof(source, bundle.STATEMENT_PROOF)
        with located(bundle.STATEMENT_PROOF):
            head = judge_head(proof.checkpoint, trusted.policy)
        keys = read_keys(source, trusted, head, with_proofs=True)
        with located(bundle.MANIFEST):
            listed = open_list(source.read(bundle.MANIFEST), keys.newest)
        bundle.check_members(listed, members)
        log = read_entries(source, head)
        check_place(source, proof, head, log)
        evidence = read_evidence(
            place, source, trusted, head=head, keys=keys, log=log, statement=proof.index, processes=processes
        )
        entry = next(each for each in evidence.entries.statements if each.index == proof.index)
        check_content(source, entry, head, log, evidence.plants)
        return evidence, entry, trusted, source.read(bundle.LEDGER)


def _completeness(evidence: Evidence, entry: StatementEntry) -> Verdict:
    try:
        check_complete(
            evidence.entries,
            entry,
            evidence.keys.in_force(entry.said.inputs.size),
            there=evidence.paths,
            laboratory=evidence.laboratory,
        )
    except TrustError as error:
        return Verdict.failed(error)
    return Verdict.ok()


def _facts(evidence: Evidence, entry: StatementEntry, trusted: Anchor, ledger: bytes) -> Facts:
    points = evidence.plants.maps.get(bytes.fromhex(entry.said.plant_file.point_map), {})
    remarks = [SELF_REGISTERED] if trusted.is_self_registered else []
    remarks += [] if trusted.policy.is_witnessed else [UNWITNESSED]
    remarks += [OWN_CLOCK] if trusted.policy.is_witnessed and not entry.said.witnessed else []
    keyring, plant_file = evidence.versions
    laboratory, period, batches = evidence.laboratory, entry.said.period, evidence.entries.batches
    return Facts(
        size=evidence.head.size,
        keyring=keyring,
        named_keyring=evidence.named_keyring,
        plant_file=plant_file,
        batches=len(batches),
        readings=sum(each.lines for each in evidence.payloads if not each.laboratory),
        in_period=sum(each.in_period for each in evidence.payloads),
        late=sum(each.late for each in evidence.payloads) if evidence.times else None,
        early=sum(each.early for each in evidence.payloads) if evidence.times else None,
        unwitnessed_ms=longest_unwitnessed(evidence.times, period) if evidence.times else None,
        uncounted=sum(each.in_period for each in evidence.payloads if each.index >= entry.said.inputs.size),
        statement=_said(evidence, entry),
        changes=tuple(tell_changes(evidence.plants)),
        corrections=tuple(
            Corrected(each.index, each.said.line, each.said.by, each.said.reason)
            for each in evidence.entries.corrections
        ),
        stops=evidence.stops,
        settings=tuple(changed_settings(evidence.registers)),
        silent_settings=tuple(silent_settings(evidence.registers, points, period)),
        disputed=tuple(disputed(batches, evidence.keys)),
        disputed_notes=tuple(disputed_notes(evidence.approved, evidence.keys)),
        overlaps=tuple(overlapping(evidence.entries.statements, entry)),
        revised_results=tuple(revised_results(laboratory)),
        unannounced=tuple(unannounced_samples(laboratory, batches, evidence.seen)),
        unsealed_values=tuple(unsealed_values(ledger, laboratory, entry.said.inputs)),
        own_factors=tuple(own_factors(ledger)),
        witness_times=tuple(sorted(set(evidence.times), key=lambda each: (each.size, each.time_s, each.witness))),
        pending_samples=tuple(sorted(pending(laboratory))),
        unregistered_meters=unregistered_meters(points),
        gateways=tuple(sorted({each.batch.gateway for each in batches})),
        remarks=tuple(remarks),
    )


def _said(evidence: Evidence, entry: StatementEntry) -> StatementFacts:
    said, statements = entry.said, evidence.entries.statements
    return StatementFacts(
        index=entry.index,
        plant=said.plant,
        period=said.period.name,
        from_ms=said.period.from_ms,
        to_ms=said.period.to_ms,
        boundary=said.boundary,
        rule_set=said.rule_set,
        total_co2_t=said.total_co2_t,
        status=said.status,
        reason=said.reason,
        superseded=superseded(statements, entry),
        newest_index=newest_on(statements, entry).index,
        late_share=said.quality.late_share,
        captured=said.quality.captured,
        substituted_hours=said.quality.substituted_hours,
        missing_hours=said.quality.missing_hours,
        anomalies_open=said.quality.anomalies_open,
        size=said.inputs.size,
        expired=tuple(expired_certificates(said)),
    )
