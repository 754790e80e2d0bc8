"""What a statement says, computed from a log up to one size, before anybody has signed it (R33, R36; trust.md 2.5).

One function for who prepares a statement, for who approves it and computes it again, and for nothing else: equal
evidence, ledger and words give equal bytes. Signing, logging and what may be replaced are `publish`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from calc_jobs import approval, ledger_export
from calc_jobs.lateness import Lateness
from calc_jobs.recomputation import Question, recompute
from calc_jobs.recomputed_figures import Recomputed
from calc_jobs.sealed_laboratory import check_ledger
from calc_jobs.sealed_period import PeriodLog, SealedPeriod
from tanji.errors import UsageError
from tanji.plant.trust_model import TrustSettings
from tanji.trust import statement
from tanji.trust.canonical import encode64
from tanji.trust.checkpoint import Checkpoint
from tanji.trust.policy import Policy
from tanji.trust.statement import (
    CertificateUsed,
    FactorsUsed,
    Inputs,
    LedgerUsed,
    Quality,
    RulesUsed,
    Statement,
    fixed,
)

EVER = (0, 2**63)
"""The whole of time [UTC ms]: what was sealed long ago may hold for today."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be stated: the question, and what its answer replaces and why."""

    question: Question
    supersedes: bytes | None
    reason: str


@dataclass(frozen=True, slots=True)
class Prepared:
    """A statement nobody has signed: its text, the files its note names, the lines that were fed to the formulas."""

    statement: Statement
    body: bytes
    files: Mapping[str, bytes]
    inputs: bytes


def computed(
    log: PeriodLog, ledger: bytes, *, head: Checkpoint, policy: Policy, asked: Asked, insists: bool
) -> Prepared:
    """The statement as of a checkpoint. insists : refuse without a reason what needs one."""
    prepared = SealedPeriod.of(log, head.size, asked.question)
    sealed = prepared.laboratory(whole=True)
    if sealed is not None:
        check_ledger(ledger_export.entries(ledger), sealed, window=EVER)
    found = recompute(prepared.plant, prepared.evidence, ledger, question=asked.question)
    late = prepared.lateness(policy)
    if insists:
        _check_reason(found, late, settings=prepared.settings, reason=asked.reason)
    said = _statement(prepared, found, late, ledger, head=head, asked=asked, witnessed=policy.is_witnessed)
    files = {"ledger.json": ledger, "factors.toml": approval.factors_toml(), "rulesets.toml": approval.rulesets_toml()}
    return Prepared(said, statement.format_statement(said), files, found.inputs)


def _check_reason(found: Recomputed, late: Lateness, *, settings: TrustSettings, reason: str) -> None:
    """Refuse to publish without a word what somebody has to have approved."""
    if reason.strip():
        return
    limit = settings.late_share_limit
    if late.share > limit:
        raise UsageError(
            f"{float(late.share):.2%} of the readings were first witnessed more than two hours after their time, the "
            f"plant allows {limit:.2%}: --reason has to say why they are accepted"
        )
    if late.beyond_window:
        days = f"{settings.late_window_d:g} days"
        raise UsageError(f"{late.beyond_window} readings were sealed later than {days}: --reason has to say why")
    if found.missing_hours:
        raise UsageError(f"{found.missing_hours} hours of a stream have no value: --reason has to say why")


def _statement(
    prepared: SealedPeriod,
    found: Recomputed,
    late: Lateness,
    ledger: bytes,
    *,
    head: Checkpoint,
    asked: Asked,
    witnessed: bool,
) -> Statement:
    question, supersedes = asked.question, asked.supersedes
    rules, factors = (hashlib.sha256(data).hexdigest() for data in (approval.rulesets_toml(), approval.factors_toml()))
    certificates = tuple(CertificateUsed(*one) for one in ledger_export.certificates(prepared.plant))
    chains = prepared.chains.ranges(prepared.keyring, found.window)
    root = encode64(head.root)
    inputs = Inputs(head.origin, head.size, root, *found.window, gateways=chains, manifest=found.manifest)
    return Statement(
        plant=prepared.plant.site.id,
        period=question.period,
        boundary=question.boundary.value,
        rule_set=question.rule_set.value,
        results=found.results,
        total_co2_t=found.total_co2_t,
        total_u_rel=found.total_u_rel,
        inputs=inputs,
        method=approval.method(),
        rules=RulesUsed(question.rule_set.value, rules),
        factors=FactorsUsed(factors),
        plant_file=prepared.files,
        ledger=LedgerUsed(hashlib.sha256(ledger).hexdigest(), certificates),
        quality=Quality(
            found.captured, found.substituted_hours, found.missing_hours, found.anomalies_open, fixed(late.share)
        ),
        status=prepared.status(),
        supersedes=None if supersedes is None else encode64(supersedes),
        reason=asked.reason.strip(),
        witnessed=witnessed,
    )
