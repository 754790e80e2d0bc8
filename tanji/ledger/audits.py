"""How the database audits of a plant stand, told from the audit trail (R35): when, what was found, what is left.

A difference stays one until a later audit of the same time finds it gone; so a clean night does not hide what an older
day still has. Comparing is done by the jobs, which write down here what they found.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tanji.ledger.audit_trail import TrailEntry, TrailKind, append, entries
from tanji.ledger.ledger import Ledger

LOOKED_BACK = 1000
"""Rows of the trail that are looked at: more than two years of nights."""
PATIENCE_MS = 26 * 3_600_000
"""Longest pause between two audits: a night and some."""
RECENT, OLDER = "recent", "older"
"""Which turn of a night an audit was, in its facts."""
MOST_ASKED = 20
"""Questions that are looked at; whoever asks waits for the answer."""
ANSWERS = (TrailKind.AUDIT, TrailKind.AUDIT_FAILED, TrailKind.REPAIR)
KINDS = (TrailKind.AUDIT, TrailKind.AUDIT_FAILED)


@dataclass(frozen=True, slots=True)
class AuditState:
    """How things stand.

    at_ms : when an audit last came to a result [UTC ms]; None: never. rows : readings that the last one of recent days,
    or on demand, compared. start_ms, end_ms : its period [UTC ms). differences : rows that differ and were not found
    repaired since, in all audits. failed : why the newest attempt came to no result; empty if it did.
    """

    at_ms: int | None
    start_ms: int
    end_ms: int
    rows: int
    differences: int
    failed: str


def record_audit(ledger: Ledger, facts: Mapping[str, Any], *, actor: str, at_ms: int) -> int:
    """Write down the result of an audit: at least start_ms, end_ms, rows, differences and tallies; its number."""
    return append(ledger, TrailKind.AUDIT, actor=actor, at_ms=at_ms, facts=facts)


def record_failure(
    ledger: Ledger, reason: str, *, actor: str, at_ms: int, facts: Mapping[str, Any] | None = None
) -> int:
    """Write down that an audit came to no result; its number."""
    return append(ledger, TrailKind.AUDIT_FAILED, actor=actor, at_ms=at_ms, facts={"reason": reason, **(facts or {})})


def ask(ledger: Ledger, what: str, *, by: str, at_ms: int, facts: Mapping[str, Any]) -> int:
    """Ask the process that has the store open for an audit (`run`) or a `repair`; the number of the question."""
    return append(ledger, TrailKind.ASKED, actor=by, at_ms=at_ms, facts={"what": what, **facts})


def unanswered(ledger: Ledger, *, since_ms: int) -> TrailEntry | None:
    """The oldest question since a time [UTC ms] that has no answer yet."""
    asked = entries(ledger, kinds=(TrailKind.ASKED,), limit=MOST_ASKED)
    waiting = [row for row in asked if row.at_ms >= since_ms and answer_to(ledger, row.id) is None]
    return waiting[-1] if waiting else None


def answer_to(ledger: Ledger, question: int) -> TrailEntry | None:
    """The row that answers a question; None while there is none."""
    rows = entries(ledger, kinds=ANSWERS, after_id=question)
    return next((row for row in rows if row.facts.get("asked") == question), None)


def audit_state(ledger: Ledger) -> AuditState:
    """How the audits stand."""
    rows = entries(ledger, kinds=KINDS, limit=LOOKED_BACK)
    failed = str(rows[0].facts["reason"]) if rows and rows[0].kind is TrailKind.AUDIT_FAILED else ""
    audits = [row for row in rows if row.kind is TrailKind.AUDIT]
    if not audits:
        return AuditState(None, 0, 0, 0, 0, failed)
    newest = audits[0]
    left, seen = 0, list[tuple[int, int]]()
    for row in audits:
        left += sum(tally["rows"] for tally in row.facts["tallies"] if not _looked_at(tally, seen))
        seen.append((row.facts["start_ms"], row.facts["end_ms"]))
    shown = next((row for row in audits if row.facts.get("turn") != OLDER), newest)
    return AuditState(newest.at_ms, *_period(shown), shown.facts["rows"], left, failed)


def _looked_at(tally: Mapping[str, Any], periods: list[tuple[int, int]]) -> bool:
    """Whether a later audit looked at the whole time of these differences."""
    return any(start <= tally["first_ms"] and tally["last_ms"] < end for start, end in periods)


def _period(row: TrailEntry) -> tuple[int, int]:
    return row.facts["start_ms"], row.facts["end_ms"]
