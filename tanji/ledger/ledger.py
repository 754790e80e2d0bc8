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

from tanji.ledger import tables
from tanji.ledger.entries import Entry
from tanji.ledger.rows import entry_of, identity, replaced, row_of, says_the_same
from tanji.ledger.tables import EntryRow, RunRow

BUSY_TIMEOUT_MS = 10_000
"""The pages and the jobs share the file; a writer waits this long for the other."""
Result = tuple[str, str, str]
"""Sample, stream and parameter."""
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
        tables.create(self._engine)

    def session(self) -> Session:
        """A session on the ledger's tables, for the modules beside this one."""
        return Session(self._engine)

    def close(self) -> None:
        """Let go of the file."""
        self._engine.dispose()

    def enter(self, entries: Sequence[Entry], *, recorded_at_ms: int) -> EntryOutcome:
        """Enter values in one transaction; what is in force already is left alone.

        A sample has one result of a parameter at a time: another value, or another period that overlaps the one in
        force, supersedes it, so that a correction may also shorten or move what a result holds for.
        """
        added = repeated = superseded = 0
        with Session(self._engine) as session, session.begin():
            current = _by_result(session, {entry.sample_id for entry in entries})
            for entry in entries:
                rows = current.setdefault(entry.identity[:3], [])
                old = replaced(rows, entry)
                known = next((row for row in old if identity(row) == entry.identity), None)
                if (not old and entry.withdrawn) or (known is not None and says_the_same(known, entry)):
                    repeated += 1
                    continue
                row = row_of(entry, recorded_at_ms)
                session.add(row)
                added += 1
                if old:
                    session.flush()  # the old rows must name their successor
                for before in old:
                    before.superseded_by = row.id
                    rows.remove(before)
                    superseded += 1
                rows.append(row)
        return EntryOutcome(added, repeated, superseded)

    def withdraw(
        self, sample_id: str, *, by: str, reason: str, recorded_at_ms: int, parameter: str | None = None
    ) -> tuple[Entry, ...]:
        """Take back the values of a sample that are in force, all or those of one parameter; what was taken back."""
        with Session(self._engine) as session:
            query = select(EntryRow).where(EntryRow.sample_id == sample_id, EntryRow.superseded_by.is_(None))
            rows = session.scalars(query.where(EntryRow.withdrawn == 0).order_by(EntryRow.id))
            found = tuple(entry_of(row) for row in rows if parameter in (None, row.parameter))
        gone = [replace(entry, withdrawn=True, entered_by=by, reason=reason, source="withdrawal") for entry in found]
        self.enter(gone, recorded_at_ms=recorded_at_ms)
        return found

    def in_force(self, entries: Iterable[Entry]) -> dict[tuple[str, str, str, int, int], Entry]:
        """What the ledger holds now under the identities of these values; nothing for those it does not know."""
        with Session(self._engine) as session:
            rows = _by_result(session, {entry.sample_id for entry in entries})
            known = [row for result in rows.values() for row in result if not row.withdrawn]
            return {identity(row): entry_of(row) for row in known}

    def replaced(self, entries: Sequence[Entry]) -> tuple[Entry | None, ...]:
        """For each of these values the newest in force that entering it would supersede; None where there is none."""
        with Session(self._engine) as session:
            current = _by_result(session, {entry.sample_id for entry in entries})
            found = [replaced(current.get(entry.identity[:3], []), entry) for entry in entries]
            values = [[row for row in rows if not row.withdrawn] for rows in found]
            return tuple(entry_of(max(rows, key=lambda row: row.id)) if rows else None for rows in values)

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
            query = query.where(EntryRow.superseded_by.is_(None), EntryRow.withdrawn == 0)
        with Session(self._engine) as session:
            return tuple(entry_of(row) for row in session.scalars(query))

    def changes(self, *, after_id: int) -> tuple[Change, ...]:
        """Periods that changed since the change `after_id`, oldest first: of new values, and of those they replaced."""
        changed = select(EntryRow).where(EntryRow.id > after_id)
        gone = select(EntryRow).where(EntryRow.superseded_by > after_id)
        with Session(self._engine) as session:
            found = [_change(row, row.id) for row in session.scalars(changed)]
            found += [_change(row, row.superseded_by or 0) for row in session.scalars(gone)]
        return tuple(dict.fromkeys(sorted(found, key=lambda change: (change.id, change.valid_from_ms))))

    def recorded(self, *, after_id: int, until_id: int) -> tuple[Entry, ...]:
        """Everything entered after the change `after_id` up to `until_id`, in this order, withdrawals included."""
        query = select(EntryRow).where(EntryRow.id > after_id, EntryRow.id <= until_id).order_by(EntryRow.id)
        with Session(self._engine) as session:
            return tuple(entry_of(row) for row in session.scalars(query))

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
                if not moved.rowcount:  # type: ignore[attr-defined]  # of an update it has one
                    session.add(RunRow(job=job, watermark=watermark, run=run, advanced_at_ms=at_ms))
        return run


def _prepare_sqlite(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    cursor.execute("pragma journal_mode=wal")
    cursor.execute("pragma synchronous=full")
    cursor.execute("pragma foreign_keys=on")
    cursor.execute(f"pragma busy_timeout={BUSY_TIMEOUT_MS}")
    cursor.close()


def _by_result(session: Session, samples: set[str]) -> dict[Result, list[EntryRow]]:
    """Entries of these samples that nothing superseded, by sample, stream and parameter."""
    found: dict[Result, list[EntryRow]] = {}
    for part in _batched(sorted(samples), QUERY_SAMPLES):
        query = select(EntryRow).where(EntryRow.sample_id.in_(part), EntryRow.superseded_by.is_(None))
        for row in session.scalars(query.order_by(EntryRow.id)):
            found.setdefault((row.sample_id, row.stream, row.parameter), []).append(row)
    return found


def _change(row: EntryRow, number: int) -> Change:
    return Change(number, row.stream, row.parameter, row.valid_from_ms, row.valid_to_ms)


def _batched(values: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    """Pieces of a sequence."""
    for begin in range(0, len(values), size):
        yield values[begin : begin + size]
