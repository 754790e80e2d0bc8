"""The ledger itself: enter values, read those in force, see what changed, and keep the run register.

SQLite runs in WAL mode with synchronous=FULL: what `enter` and `advance` return from is on disk (platform.md section
7). Reading files, and checking what may be entered, is in `laboratory_csv`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, event, func, select, update
from sqlalchemy.orm import Session

from tanji.ledger.entries import Entry
from tanji.ledger.tables import Base, EntryRow, RunRow

BUSY_TIMEOUT_MS = 10_000
"""The pages and the jobs share the file; a writer waits this long for the other."""
QUERY_SAMPLES = 500
"""Sample numbers in one query; SQLite takes a limited number of parameters."""


@dataclass(frozen=True, slots=True)
class EntryOutcome:
    """What became of a batch: rows added, rows known already, rows that corrected an older one."""

    added: int
    repeated: int
    superseded: int


@dataclass(frozen=True, slots=True)
class Change:
    """A period [UTC ms] of a stream's parameter whose value changed; `id` grows with every change."""

    id: int
    stream: str
    parameter: str
    valid_from_ms: int
    valid_to_ms: int


class Ledger:
    """Laboratory results, manual entries and watermarks of a plant, in a file or behind any SQLAlchemy URL."""

    def __init__(self, path_or_url: Path | str) -> None:
        """path_or_url : a SQLite file, made when it is missing, or a database URL (`postgresql+psycopg://...`)."""
        text = str(path_or_url)
        if "://" not in text:
            Path(text).parent.mkdir(parents=True, exist_ok=True)
            text = f"sqlite:///{text}"
        self._engine = create_engine(text)
        if self._engine.dialect.name == "sqlite":
            event.listen(self._engine, "connect", _prepare_sqlite)
        Base.metadata.create_all(self._engine)

    def close(self) -> None:
        """Let go of the file."""
        self._engine.dispose()

    def enter(self, entries: Sequence[Entry], *, recorded_at_ms: int) -> EntryOutcome:
        """Enter values in one transaction; what is in force already is left alone, a different value supersedes it."""
        added = repeated = superseded = 0
        with Session(self._engine) as session, session.begin():
            current = _in_force(session, {entry.sample_id for entry in entries})
            for entry in entries:
                old = current.get(entry.identity)
                if old is not None and _says_the_same(old, entry):
                    repeated += 1
                    continue
                row = _row(entry, recorded_at_ms)
                session.add(row)
                added += 1
                if old is not None:
                    session.flush()  # the old row must name its successor
                    old.superseded_by = row.id
                    superseded += 1
                current[entry.identity] = row
        return EntryOutcome(added, repeated, superseded)

    def entries(
        self,
        *,
        start_ms: int | None = None,
        end_ms: int | None = None,
        streams: Iterable[str] | None = None,
        parameter: str | None = None,
        superseded: bool = False,
    ) -> tuple[Entry, ...]:
        """Values that hold anywhere in [start_ms, end_ms) [UTC ms], oldest first; with `superseded` also old ones."""
        query = select(EntryRow).order_by(EntryRow.valid_from_ms, EntryRow.id)
        if start_ms is not None:
            query = query.where(EntryRow.valid_to_ms > start_ms)
        if end_ms is not None:
            query = query.where(EntryRow.valid_from_ms < end_ms)
        if streams is not None:
            query = query.where(EntryRow.stream.in_(tuple(streams)))
        if parameter is not None:
            query = query.where(EntryRow.parameter == parameter)
        if not superseded:
            query = query.where(EntryRow.superseded_by.is_(None))
        with Session(self._engine) as session:
            return tuple(_entry(row) for row in session.scalars(query))

    def changes(self, *, after_id: int) -> tuple[Change, ...]:
        """Periods that changed since the change `after_id`, oldest first."""
        query = select(EntryRow).where(EntryRow.id > after_id).order_by(EntryRow.id)
        with Session(self._engine) as session:
            return tuple(
                Change(row.id, row.stream, row.parameter, row.valid_from_ms, row.valid_to_ms)
                for row in session.scalars(query)
            )

    def last_change(self) -> int:
        """Id of the newest change, 0 in an empty ledger."""
        with Session(self._engine) as session:
            return session.scalar(select(func.max(EntryRow.id))) or 0

    def watermarks(self) -> dict[str, int]:
        """How far each job has come."""
        with Session(self._engine) as session:
            return {row.job: row.watermark for row in session.scalars(select(RunRow))}

    def run_number(self) -> int:
        """Number of the last run that advanced a watermark, 0 before the first."""
        with Session(self._engine) as session:
            return session.scalar(select(func.max(RunRow.run))) or 0

    def advance(self, watermarks: Mapping[str, int], *, at_ms: int) -> int:
        """Set watermarks in one transaction; returns the number of this run."""
        with Session(self._engine) as session, session.begin():
            run = (session.scalar(select(func.max(RunRow.run))) or 0) + 1
            for job, watermark in watermarks.items():
                moved = session.execute(
                    update(RunRow).where(RunRow.job == job).values(watermark=watermark, run=run, advanced_at_ms=at_ms)
                )
                if not moved.rowcount:  # type: ignore[attr-defined]
                    session.add(RunRow(job=job, watermark=watermark, run=run, advanced_at_ms=at_ms))
        return run


def _prepare_sqlite(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    cursor.execute("pragma journal_mode=wal")
    cursor.execute("pragma synchronous=full")
    cursor.execute("pragma foreign_keys=on")
    cursor.execute(f"pragma busy_timeout={BUSY_TIMEOUT_MS}")
    cursor.close()


def _in_force(session: Session, samples: set[str]) -> dict[tuple[str, str, str, int, int], EntryRow]:
    """Entries in force of these samples, under what makes an entry the same."""
    found: dict[tuple[str, str, str, int, int], EntryRow] = {}
    for part in _batched(sorted(samples), QUERY_SAMPLES):
        query = select(EntryRow).where(EntryRow.sample_id.in_(part), EntryRow.superseded_by.is_(None))
        for row in session.scalars(query):
            found[row.sample_id, row.stream, row.parameter, row.valid_from_ms, row.valid_to_ms] = row
    return found


def _batched(values: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    """Pieces of a sequence."""
    for begin in range(0, len(values), size):
        yield values[begin : begin + size]


def _says_the_same(row: EntryRow, entry: Entry) -> bool:
    return (row.value, row.unit, row.basis) == (entry.value, entry.unit, entry.basis)


def _row(entry: Entry, recorded_at_ms: int) -> EntryRow:
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
    )


def _entry(row: EntryRow) -> Entry:
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
    )
