"""Entries as rows of the ledger's table and back, and which rows a new entry takes the place of."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from tanji.ledger.entries import Entry
from tanji.ledger.tables import EntryRow


def replaced(rows: Iterable[EntryRow], entry: Entry) -> list[EntryRow]:
    """Which of a result's rows an entry takes the place of; a withdrawal only that of its very period."""
    same = [row for row in rows if identity(row) == entry.identity]
    if entry.withdrawn:
        return same
    over = [row for row in rows if row.valid_from_ms < entry.valid_to_ms and entry.valid_from_ms < row.valid_to_ms]
    return [row for row in over if row in same or not row.withdrawn]


def identity(row: EntryRow) -> tuple[str, str, str, int, int]:
    """What makes two rows the same value, entered again or corrected."""
    return row.sample_id, row.stream, row.parameter, row.valid_from_ms, row.valid_to_ms


def says_the_same(row: EntryRow, entry: Entry) -> bool:
    """Whether entering the value again would change nothing."""
    if row.withdrawn or entry.withdrawn:
        return bool(row.withdrawn) and entry.withdrawn
    return (row.value, row.unit, row.basis) == (entry.value, entry.unit, entry.basis)


_TEXTS = ("period", "place", "raw", "formula", "entered_by", "reason")


def row_of(entry: Entry, recorded_at_ms: int) -> EntryRow:
    """The row a value is entered as."""
    return EntryRow(
        sample_id=entry.sample_id,
        stream=entry.stream,
        parameter=entry.parameter,
        value=entry.value,
        unit=entry.unit,
        basis=entry.basis,
        valid_from_ms=entry.valid_from_ms,
        valid_to_ms=entry.valid_to_ms,
        laboratory=entry.laboratory,
        method=entry.method,
        recorded_at_ms=recorded_at_ms,
        entered_value=entry.value if entry.entered_value is None else entry.entered_value,
        entered_unit=entry.entered_unit or entry.unit,
        source=entry.source,
        withdrawn=int(entry.withdrawn),
        **{name: getattr(entry, name) for name in _TEXTS},
    )


def entry_of(row: EntryRow) -> Entry:
    """The value a row holds."""
    entry = Entry(row.sample_id, row.stream, row.parameter, row.value, row.unit, row.valid_from_ms, row.valid_to_ms)
    return replace(
        entry,
        basis=row.basis,
        laboratory=row.laboratory,
        method=row.method,
        entered_value=row.entered_value,
        entered_unit=row.entered_unit,
        source=row.source,
        recorded_at_ms=row.recorded_at_ms,
        id=row.id,
        superseded_by=row.superseded_by,
        withdrawn=bool(row.withdrawn),
        **{name: getattr(row, name) for name in _TEXTS},
    )
