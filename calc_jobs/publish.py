"""An emission statement: computed from the sealed payload, signed by two, logged, proved (R33, R36; trust.md 2.5).

The order is the one a stranger can check: a checkpoint that witnesses have seen; the figures from the log up to it and
nothing else; both signatures; the statement into the log; a checkpoint over it; then the proof. A statement is
provisional until the late window has passed, all gateways have sealed beyond it and every sample has its result. A
second one about the same period, boundary and rule set has to name the one it replaces, and say why; so does one with
hours without value, or with more late readings than the plant allows: the approver's signature stands under the reason.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from calc_jobs import approval, ledger_export, proofs
from calc_jobs.lateness import Lateness
from calc_jobs.recomputation import Question, recompute
from calc_jobs.recomputed_figures import Recomputed
from calc_jobs.sealed_laboratory import check_ledger
from calc_jobs.sealed_period import PeriodLog, SealedPeriod
from tanji.errors import UsageError
from tanji.plant.trust_model import TrustSettings
from tanji.trust import note, statement
from tanji.trust.canonical import encode64
from tanji.trust.leaves import STATEMENT
from tanji.trust.policy import Policy
from tanji.trust.signer import Signer
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


class StatementLog(PeriodLog, Protocol):
    """A log that proves its entries too; `tanji.trust.log.Log` or its reader."""

    def leaf_hash(self, index: int) -> bytes:
        """Hash of an entry."""
        ...

    def inclusion(self, index: int, size: int | None = None) -> list[bytes]:
        """Proof that an entry is among the first `size`."""
        ...


Append = Callable[[bytes, Mapping[str, bytes]], int]
"""Adds a note with the files it names to the log; its index."""
Settle = Callable[[int], bytes]
"""A checkpoint over at least so many entries, cosigned as the policy asks; EvidenceMissing quorum where none comes."""
NEWEST = 0
"""Size for the newest checkpoint there is, whatever it covers."""


@dataclass(frozen=True, slots=True)
class Office:
    """Who publishes: preparer and approver, the anchor's policy, and the ways to the log."""

    preparer: Signer
    approver: Signer
    policy: Policy
    append: Append
    settle: Settle


@dataclass(frozen=True, slots=True)
class Published:
    """A statement in the log, and the lines that were fed to the formulas; what proves it is `prove`."""

    index: int
    statement: Statement
    note: bytes
    inputs: bytes


def publish(
    log: StatementLog,
    ledger: bytes,
    *,
    office: Office,
    question: Question,
    supersedes: bytes | None = None,
    reason: str = "",
) -> Published:
    """Compute, sign and log a statement.

    ledger : export of the ledger as of now. supersedes : leaf hash of the statement it replaces; None for a first one.
    reason : why it replaces one, or why late readings or hours without value are accepted.
    """
    _check_supersedes(log, question, supersedes)
    head = proofs.head_of(office.settle(NEWEST))
    prepared = SealedPeriod.of(log, head.size, question)
    sealed = prepared.laboratory(whole=True)
    if sealed is not None:
        check_ledger(ledger_export.entries(ledger), sealed, window=EVER)
    found = recompute(prepared.plant, prepared.evidence, ledger, question=question)
    late = prepared.lateness(office.policy)
    _check_reason(found, late, settings=prepared.settings, reason=reason)
    said = _statement(prepared, found, late, ledger, origin=head.origin, root=head.root, question=question,
                      supersedes=supersedes, reason=reason, witnessed=office.policy.is_witnessed)  # fmt: skip
    signed = note.sign(statement.format_statement(said), office.preparer, office.approver)
    files = {"ledger.json": ledger, "factors.toml": approval.factors_toml(), "rulesets.toml": approval.rulesets_toml()}
    index = office.append(signed, files)
    return Published(index, said, signed, found.inputs)


def prove(log: StatementLog, index: int, *, settle: Settle) -> bytes:
    """The `.tlog-proof` of a statement, once a checkpoint over it is there."""
    return proofs.proof_of(log, index, settle(index + 1))


def statements(log: StatementLog) -> list[tuple[int, Statement]]:
    """Every statement of the log with its index, oldest first; the log verified them before it took them."""
    return [(index, statement.parse(note.split(log.entry(index))[0])) for index in log.indexes(STATEMENT)]


def _check_supersedes(log: StatementLog, question: Question, supersedes: bytes | None) -> None:
    """Refuse a second statement that does not name the newest one on its subject, before anything is computed."""
    subject = (question.period.from_ms, question.period.to_ms, question.boundary.value, question.rule_set.value)
    same = [index for index, said in statements(log) if said.subject == subject]
    newest = log.leaf_hash(same[-1]) if same else None
    if supersedes == newest:
        return
    if newest is None:
        raise UsageError(f"--supersedes: {question.period.name} has no statement yet that could be replaced")
    raise UsageError(
        f"{question.period.name} has a statement for this boundary and rule set already (entry {same[-1]}); "
        f"to replace it: --supersedes {encode64(newest)} --reason TEXT"
    )


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
    origin: str,
    root: bytes,
    question: Question,
    supersedes: bytes | None,
    reason: str,
    witnessed: bool,
) -> Statement:
    rules, factors = (hashlib.sha256(data).hexdigest() for data in (approval.rulesets_toml(), approval.factors_toml()))
    certificates = tuple(CertificateUsed(*one) for one in ledger_export.certificates(prepared.plant))
    chains = prepared.chains.ranges(prepared.keyring, found.window)
    return Statement(
        plant=prepared.plant.site.id,
        period=question.period,
        boundary=question.boundary.value,
        rule_set=question.rule_set.value,
        results=found.results,
        total_co2_t=found.total_co2_t,
        total_u_rel=found.total_u_rel,
        inputs=Inputs(origin, prepared.size, encode64(root), *found.window, gateways=chains, manifest=found.manifest),
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
        reason=reason.strip(),
        witnessed=witnessed,
    )
