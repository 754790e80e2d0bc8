"""When the database was last compared with what was sealed, and what that found, in sentences (R35)."""

from __future__ import annotations

from typing import Any

from tanji.ledger import Ledger
from tanji.ledger.audits import PATIENCE_MS, audit_state
from tanji.plant.model import Plant
from tanji.report import numbers
from tanji.report.words import Words


def sentences(plant: Plant, ledger: Ledger | None, words: Words, *, now_ms: int) -> tuple[str, ...]:
    """What to say of the audits; nothing where nothing is sealed."""
    if plant.trust is None or ledger is None:
        return ()
    state, zone = audit_state(ledger), plant.site.timezone
    failed = (words("audit.failed", reason=state.failed),) if state.failed else ()
    if state.at_ms is None:
        return (words("audit.never"), *failed)
    time = numbers.local_time(state.at_ms, zone)
    if state.differences:
        result = words("audit.differs", time=time, count=numbers.count(state.differences))
    else:
        start, end = (numbers.local_time(at, zone) for at in (state.start_ms, state.end_ms))
        result = words("audit.clean", time=time, rows=numbers.count(state.rows), start=start, end=end)
    overdue = (words("audit.overdue"),) if now_ms - state.at_ms > PATIENCE_MS else ()
    return (result, *overdue, *failed)


def facts(plant: Plant, ledger: Ledger | None) -> dict[str, Any] | None:
    """The same for machines; None where nothing is sealed."""
    if plant.trust is None or ledger is None:
        return None
    state = audit_state(ledger)
    return {"at_ms": state.at_ms, "rows": state.rows, "differences": state.differences, "failed": state.failed or None}
