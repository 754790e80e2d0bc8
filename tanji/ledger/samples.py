"""Samples: numbers that are registered when a sample is taken, before anybody knows its result (R35, R36).

A laboratory that may choose afterwards which samples there were, chooses the results. So the number enters the ledger
at the sampling point and is sealed at once; the result follows under the same number; a number without a result stays
in the list for ever. A registration is never changed: the same again is a repeat, anything else a fault. Results and
withdrawals are entries (`laboratory_csv`); sealing is `calc_jobs.laboratory_seal`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tanji.errors import Finding, LedgerError
from tanji.ledger.ledger import QUERY_SAMPLES, Ledger
from tanji.ledger.sheets import Refused, header_of, read_rows
from tanji.ledger.tables import EntryRow, SampleRow
from tanji.plant.model import Plant

COLUMNS = ("sample_id", "stream", "taken_at", "taken_by")
"""Columns of a sheet of samples; `taken_at` tells it from a sheet of results."""

LONGEST_ID = 96
AHEAD_MS = 300_000
"""A clock on somebody's desk may be this far ahead [ms]; further in the future no sample can have been taken."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A registered sample: its number, the stream it is of, when and by whom it was taken [UTC ms].

    `number` counts registrations, 0 before it is registered.
    """

    sample_id: str
    stream: str
    taken_ms: int
    taken_by: str = ""
    recorded_at_ms: int = 0
    number: int = 0


@dataclass(frozen=True, slots=True)
class SamplesResult:
    """What a sheet brought: new numbers, numbers known already, refused fields."""

    file: str
    rows: int
    added: int
    repeated: int
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Registered:
    """What became of a batch: how many were new, how many known as they are, and those whose number is another's."""

    added: int
    repeated: int
    taken: tuple[Sample, ...]


def register(ledger: Ledger, wanted: Sequence[Sample], *, recorded_at_ms: int) -> Registered:
    """Register samples in one transaction; a number that stands for another sample already is left as it is."""
    added, repeated, taken = 0, 0, []
    with ledger.session() as session, session.begin():
        known = {row.sample_id: row for row in _rows(session, [sample.sample_id for sample in wanted])}
        for sample in wanted:
            row = known.get(sample.sample_id)
            if row is None:
                row = SampleRow(
                    sample_id=sample.sample_id,
                    stream=sample.stream,
                    taken_ms=sample.taken_ms,
                    taken_by=sample.taken_by,
                    recorded_at_ms=recorded_at_ms,
                )
                session.add(row)
                known[sample.sample_id] = row
                added += 1
            elif (row.stream, row.taken_ms) == (sample.stream, sample.taken_ms):
                repeated += 1
            else:
                taken.append(sample)
    return Registered(added, repeated, tuple(taken))


def samples(ledger: Ledger, *, after: int = 0, until: int | None = None) -> tuple[Sample, ...]:
    """Registered samples after the registration `after`, oldest first. until : up to this registration."""
    query = select(SampleRow).where(SampleRow.number > after).order_by(SampleRow.number)
    if until is not None:
        query = query.where(SampleRow.number <= until)
    with ledger.session() as session:
        return tuple(_sample(row) for row in session.scalars(query))


def last_sample(ledger: Ledger) -> int:
    """Number of the newest registration, 0 before the first."""
    with ledger.session() as session:
        return session.scalar(select(func.max(SampleRow.number))) or 0


def without_result(ledger: Ledger, *, taken_before_ms: int | None = None) -> tuple[Sample, ...]:
    """Samples of which no result is in force: not analysed yet, lost, or withdrawn; oldest first."""
    told = select(EntryRow.sample_id).where(EntryRow.superseded_by.is_(None), EntryRow.withdrawn == 0)
    query = select(SampleRow).where(SampleRow.sample_id.not_in(told)).order_by(SampleRow.taken_ms, SampleRow.number)
    if taken_before_ms is not None:
        query = query.where(SampleRow.taken_ms < taken_before_ms)
    with ledger.session() as session:
        return tuple(_sample(row) for row in session.scalars(query))


def is_sheet_of_samples(path: Path) -> bool:
    """Whether a file registers samples and holds no results: its first row has `taken_at` and no `parameter`."""
    names = header_of(path.read_bytes(), file=path.name)
    return "taken_at" in names and "parameter" not in names


def import_samples(path: Path, *, ledger: Ledger, plant: Plant, now_ms: int) -> SamplesResult:
    """Register the good rows of a sheet and report the others."""
    findings: list[Finding] = []
    lines: dict[Sample, int] = {}
    rows = 0
    try:
        for line, row in read_rows(path.read_bytes(), file=path.name, columns=COLUMNS):
            rows += 1
            try:
                lines.setdefault(sample_of(row, plant=plant, now_ms=now_ms), line)
            except Refused as error:
                findings.append(Finding(path.name, line, error.field, error.expected, error.got))
    except LedgerError as error:
        findings += error.findings
    outcome = register(ledger, list(lines), recorded_at_ms=now_ms)
    findings += [
        Finding(path.name, lines[sample], "sample_id", "a number that no other sample has", sample.sample_id)
        for sample in outcome.taken
    ]
    return SamplesResult(path.name, rows, outcome.added, outcome.repeated, tuple(findings))


def sample_of(row: dict[str, str], *, plant: Plant, now_ms: int) -> Sample:
    """The sample a row stands for; Refused with the field, what was expected and what was got."""
    if "_" in row:
        got, _, expected = row["_"].partition(", expected ")
        raise Refused("row", expected, got)
    name = row["sample_id"]
    if not name or len(name) > LONGEST_ID or not name.isprintable():
        raise Refused("sample_id", f"a number of 1 to {LONGEST_ID} characters", name or "nothing")
    stream = plant.streams_by_id.get(row["stream"])
    if stream is None or not stream.laboratory:
        known = ", ".join(entry.id for entry in plant.streams if entry.laboratory)
        raise Refused("stream", f"a source stream with laboratory values: {known}", row["stream"] or "nothing")
    if not row["taken_by"]:
        raise Refused("taken_by", "who took the sample", "nothing")
    return Sample(name, stream.id, _taken(row["taken_at"], plant.site.timezone, now_ms=now_ms), row["taken_by"])


def _taken(text: str, timezone: str, *, now_ms: int) -> int:
    try:
        moment = datetime.fromisoformat(text.replace("/", "-"))
    except ValueError:
        raise Refused("taken_at", "an ISO 8601 time, e.g. 2026-10-01T08:00", text or "nothing") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=ZoneInfo(timezone))
    taken_ms = round(moment.timestamp() * 1000)
    if not 0 <= taken_ms <= now_ms + AHEAD_MS:
        raise Refused("taken_at", "a time that is not in the future", text)
    return taken_ms


def _rows(session: Session, names: Iterable[str]) -> Iterator[SampleRow]:
    listed = sorted(set(names))
    for begin in range(0, len(listed), QUERY_SAMPLES):
        part = listed[begin : begin + QUERY_SAMPLES]
        yield from session.scalars(select(SampleRow).where(SampleRow.sample_id.in_(part)))


def _sample(row: SampleRow) -> Sample:
    return Sample(row.sample_id, row.stream, row.taken_ms, row.taken_by, row.recorded_at_ms, row.number)
