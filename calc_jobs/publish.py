"""An emission statement: computed from the sealed payload, signed by two, logged, proved (R33, R36; trust.md 2.5).

The order is the one a stranger can check: a checkpoint that witnesses have seen; the figures from the log up to it and
nothing else; both signatures; the statement into the log; a checkpoint over it; then the proof. A statement is
provisional until the late window has passed, all gateways have sealed beyond it and every sample has its result. A
second one about the same period, boundary and rule set has to name the one it replaces, and say why; so does one with
hours without value, or with more late readings than the plant allows: the approver's signature stands under the reason.
Where preparer and approver are two people, `prepare` is what the first signs, `recomputed` what the second gets.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from calc_jobs import proofs
from calc_jobs.recomputation import Question
from calc_jobs.sealed_period import PeriodLog
from calc_jobs.stating import Asked, Prepared, computed
from tanji.domain.items import Boundary, RuleSetId
from tanji.errors import UsageError
from tanji.trust import note, statement
from tanji.trust.canonical import decode64, encode64
from tanji.trust.checkpoint import Checkpoint
from tanji.trust.leaves import STATEMENT
from tanji.trust.policy import Policy
from tanji.trust.signer import Signer
from tanji.trust.statement import Statement


class StatementLog(PeriodLog, Protocol):
    """A log that proves its entries too; `tanji.trust.log.Log` or its reader."""

    def root(self, size: int | None = None) -> bytes:
        """Root of the first `size` entries."""
        ...

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
    said = prepare(log, ledger, policy=office.policy, settle=office.settle, question=question, supersedes=supersedes,
                   reason=reason)  # fmt: skip
    signed = note.sign(said.body, office.preparer, office.approver)
    return Published(office.append(signed, said.files), said.statement, signed, said.inputs)


def prepare(
    log: StatementLog,
    ledger: bytes,
    *,
    policy: Policy,
    settle: Settle,
    question: Question,
    supersedes: bytes | None = None,
    reason: str = "",
) -> Prepared:
    """Compute what there is to be signed, from the newest checkpoint; arguments as of `publish`."""
    _check_supersedes(log, question, supersedes)
    head = proofs.head_of(settle(NEWEST))
    asked = Asked(question, supersedes, reason)
    return computed(log, ledger, head=head, policy=policy, asked=asked, insists=True)


def recomputed(
    log: StatementLog, ledger: bytes, *, said: Statement, size: int, origin: str, policy: Policy
) -> Prepared:
    """The statement that the first `size` entries and a ledger give to the question and the words of `said`.

    size : that of `said` for what has to be the same to the byte, which is then refused as `prepare` would have; the
    present one for what would be said now. origin : of the log.
    """
    question = Question(said.period, Boundary(said.boundary), RuleSetId(said.rule_set))
    supersedes = None if said.supersedes is None else decode64(said.supersedes, rule="statement-supersedes")
    head = Checkpoint(origin, size, log.root(size))
    asked = Asked(question, supersedes, said.reason)
    return computed(log, ledger, head=head, policy=policy, asked=asked, insists=size == said.inputs.size)


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
