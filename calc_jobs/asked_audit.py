"""Audits and repairs that `tanji audit` asks for while this process has the store open (R35).

The embedded store has one owner process (DESIGN section 4). The command writes its question into the audit trail, the
owner answers there; a question nobody answered for a while is left alone, since whoever asked has gone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from calc_jobs.audit import Audit
from calc_jobs.repair import Repair
from tanji.errors import EvidenceMissing, TanjiError
from tanji.ledger import Ledger
from tanji.ledger.audit_trail import TrailEntry, TrailKind, append
from tanji.ledger.audits import record_audit, record_failure, unanswered

RUN, REPAIR = "run", "repair"
PATIENCE_MS = 15 * 60_000
"""How long a question waits for its answer; the command that asks waits no longer [ms]."""


def answer(ledger: Ledger, *, audit: Audit, repair: Repair, clock: Callable[[], int]) -> bool:
    """Answer the oldest question there is; whether there was one."""
    question = unanswered(ledger, since_ms=clock() - PATIENCE_MS)
    if question is None:
        return False
    try:
        _answer(question, ledger, audit=audit, repair=repair, clock=clock)
    except TanjiError as error:
        facts = {"asked": question.id, "undecided": isinstance(error, EvidenceMissing)}
        record_failure(ledger, str(error), actor=question.actor, at_ms=clock(), facts=facts)
    return True


def _answer(question: TrailEntry, ledger: Ledger, *, audit: Audit, repair: Repair, clock: Callable[[], int]) -> None:
    asked: dict[str, Any] = dict(question.facts)
    period = asked["start_ms"], asked["end_ms"]
    if asked["what"] == RUN:
        facts = audit.run(*period).facts() | {"asked": question.id}
        record_audit(ledger, facts, actor=question.actor, at_ms=clock())
    else:
        report = repair.run(*period, by=question.actor, reason=asked.get("reason", ""))
        facts = {"state": "answered", "asked": question.id, "report": report.facts()}
        append(ledger, TrailKind.REPAIR, actor=question.actor, at_ms=clock(), facts=facts)
