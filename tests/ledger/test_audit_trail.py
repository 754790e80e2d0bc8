"""The audit trail: rows are appended, read back newest first, and neither changed nor deleted (R35, R36)."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from tanji.ledger import Ledger
from tanji.ledger.audit_trail import TrailKind, append, entries


def test_rows_come_back_newest_first_with_their_facts(ledger: Ledger) -> None:
    first = append(ledger, TrailKind.AUDIT, actor="nightly", at_ms=5, facts={"differences": 0})
    second = append(ledger, TrailKind.REPAIR, actor="王工", at_ms=7, facts={"rows": 3, "why": "磁盘"})
    assert second > first
    found = entries(ledger)
    assert [(row.id, row.at_ms, row.actor, row.kind) for row in found] == [
        (second, 7, "王工", TrailKind.REPAIR),
        (first, 5, "nightly", TrailKind.AUDIT),
    ]
    assert found[0].facts == {"rows": 3, "why": "磁盘"}
    assert [row.id for row in entries(ledger, kinds=(TrailKind.AUDIT,))] == [first]
    assert [row.id for row in entries(ledger, limit=1)] == [second]


@pytest.mark.parametrize("statement", ["update audit_trail set actor = 'x'", "delete from audit_trail"])
def test_a_row_is_neither_changed_nor_deleted(ledger: Ledger, tmp_path: Path, statement: str) -> None:
    append(ledger, TrailKind.AUDIT, actor="nightly", at_ms=5, facts={})
    connection = sqlite3.connect(tmp_path / "ledger.sqlite")
    with pytest.raises(sqlite3.IntegrityError, match="only ever appended"):
        connection.execute(statement)
    connection.close()
    assert [row.actor for row in entries(ledger)] == ["nightly"]


def test_a_ledger_made_before_there_was_a_trail_gets_one(tmp_path: Path) -> None:
    path = tmp_path / "old.sqlite"
    Ledger(path).close()
    connection = sqlite3.connect(path)
    connection.execute("drop table audit_trail")
    connection.commit()
    connection.close()
    again = Ledger(path)
    append(again, TrailKind.AUDIT, actor="nightly", at_ms=5, facts={})
    again.close()
    connection = sqlite3.connect(path)
    with pytest.raises(sqlite3.IntegrityError):
        connection.execute("delete from audit_trail")
    connection.close()
