"""The audit trail: what was examined, found, repaired and approved, one row each, only ever appended (R35, R36).

A row says when, who or what did it, the kind of event, and its facts. SQLite refuses to change or delete one; behind
another database that is a matter of the account's rights. It keeps honest software honest: the evidence is the log.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import select

from tanji.ledger.ledger import Ledger
from tanji.ledger.tables import TrailRow


class TrailKind(StrEnum):
    """Kinds of rows; never renamed, since old rows keep theirs."""

    AUDIT = "audit"
    AUDIT_FAILED = "audit_failed"
    AUDIT_MISSED = "audit_missed"
    REPAIR = "repair"
    ASKED = "asked"


@dataclass(frozen=True, slots=True)
class TrailEntry:
    """A row of the trail; `facts` hold JSON values only."""

    id: int
    at_ms: int
    actor: str
    kind: TrailKind
    facts: Mapping[str, Any]


def append(ledger: Ledger, kind: TrailKind, *, actor: str, at_ms: int, facts: Mapping[str, Any]) -> int:
    """Add a row, on disk when this returns; its number."""
    text = json.dumps(facts, ensure_ascii=False, sort_keys=True, allow_nan=False)
    with ledger.session() as session, session.begin():
        row = TrailRow(at_ms=at_ms, actor=actor, kind=kind.value, facts=text)
        session.add(row)
        session.flush()
        return row.id


def entries(
    ledger: Ledger, *, kinds: tuple[TrailKind, ...] = (), after_id: int = 0, limit: int = 100
) -> tuple[TrailEntry, ...]:
    """The newest rows after a number, of these kinds where any are named, the newest first."""
    query = select(TrailRow).where(TrailRow.id > after_id).order_by(TrailRow.id.desc()).limit(limit)
    if kinds:
        query = query.where(TrailRow.kind.in_([kind.value for kind in kinds]))
    with ledger.session() as session:
        return tuple(
            TrailEntry(row.id, row.at_ms, row.actor, TrailKind(row.kind), json.loads(row.facts))
            for row in session.scalars(query)
        )
