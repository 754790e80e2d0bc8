"""Readings out of the CSV files of loggers: a column for each point, or a row for each value.

Nothing is guessed that would give a plausible wrong number: a decimal comma, words for missing values and a zone other
than the plant's are declared. An empty cell is no reading, never a zero. Every row that cannot be taken is told with
its line and column; the others are good.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import Final

from tanji.acquisition.flags import HIGHEST_WORD
from tanji.acquisition.logger_time import EARLIEST_MS, Read, TimeFault, reader
from tanji.errors import Finding

LARGEST_COUNT: Final = 2**53
DELIMITERS: Final = ("\t", ";", ",")
_DECIMAL: Final = {
    ".": re.compile(r"[-+]?(\d{1,300}(\.\d*)?|\.\d+)([eE][-+]?\d{1,3})?", re.ASCII),
    ",": re.compile(r"[-+]?(\d{1,300}(,\d*)?|,\d+)([eE][-+]?\d{1,3})?", re.ASCII),
}
_SHOWN: Final = 40


@dataclass(frozen=True, slots=True)
class Target:
    """The point a value belongs to, as line protocol names it."""

    series: str
    counter: bool = False


@dataclass(frozen=True, slots=True)
class CsvLayout:
    """How a file is to be read. `columns` maps a column, or with `point` a name in that column, to its point."""

    columns: Mapping[str, Target]
    zone: tzinfo
    time: str = "time"
    time_format: str = ""
    delimiter: str = ""
    decimal: str = "."
    missing: frozenset[str] = frozenset()
    point: str = ""
    value: str = ""
    quality: str = ""


@dataclass(slots=True)
class Tally:
    """What was seen so far."""

    rows: int = 0
    readings: int = 0
    empty: int = 0
    findings: int = 0


@dataclass(slots=True)
class CsvFile:
    """One file being read."""

    layout: CsvLayout
    file: str
    now_ms: int
    tally: Tally = field(default_factory=Tally)
    _read_time: Read = field(init=False)

    def __post_init__(self) -> None:
        self._read_time = reader(time_format=self.layout.time_format, zone=self.layout.zone)

    def read(self, text: Iterable[str]) -> Iterator[str | Finding]:
        """Lines of line protocol in ms, one for each reading, and a finding for everything that is none."""
        for found in self._read(text):
            if isinstance(found, Finding):
                self.tally.findings += 1
            else:
                self.tally.readings += 1
            yield found

    def _read(self, text: Iterable[str]) -> Iterator[str | Finding]:
        lines = iter(text)
        first = next(lines, "")
        delimiter = self.layout.delimiter or max(DELIMITERS, key=first.count)
        cells = csv.reader(_with_first(first, lines), delimiter=delimiter, strict=True)
        header: list[str] | None = None
        while True:
            line = cells.line_num + 1
            try:
                row = next(cells, None)
            except csv.Error as error:
                yield Finding(self.file, line, "row", "a CSV row", str(error))
                return
            if row is None:
                break
            if not any(map(str.strip, row)):
                continue
            if header is None:
                header = [cell.strip() for cell in row]
                faults = list(self._check_header(header, line))
                yield from faults
                if faults:
                    return
                places = _Places(self.layout, header)
                values = _by_row if self.layout.point else _by_column
                continue
            self.tally.rows += 1
            if len(row) != len(header):
                yield Finding(self.file, line, "row", f"{len(header)} fields", f"{len(row)}")
                continue
            yield from values(self, line, places, row)
        if header is None:
            yield Finding(self.file, 1, "header", "the names of the columns", "an empty file")

    def _check_header(self, header: list[str], line: int) -> Iterator[Finding]:
        layout = self.layout
        wanted = [layout.time, *((layout.point, layout.value) if layout.point else layout.columns)]
        wanted += [layout.quality] if layout.quality else []
        for name in dict.fromkeys(wanted):
            count = header.count(name)
            if count != 1:
                got = f"{count} of them" if count else ", ".join(header)[:200]
                yield Finding(self.file, line, f"column {name}", "this column once in the first row", got)

    def time_of(self, line: int, text: str) -> int | Finding:
        """A row's time [UTC ms], or why it has none."""
        try:
            time_ms = self._read_time(text.strip())
        except TimeFault as fault:
            return self.finding(line, self.layout.time, fault.expected, text)
        if not EARLIEST_MS <= time_ms <= self.now_ms:
            return self.finding(line, self.layout.time, "a time from 2000 on that is not in the future", text)
        return time_ms

    def number(self, line: int, column: str, text: str, target: Target) -> float | Finding | None:
        """A cell's number; None for an empty one."""
        text = text.strip()
        if not text or text in self.layout.missing:
            self.tally.empty += 1
            return None
        decimal = self.layout.decimal
        if not _DECIMAL[decimal].fullmatch(text):
            return self.finding(line, column, f"a number with {decimal} as decimal sign", text)
        value = float(text.replace(",", "."))
        if abs(value) > 1e308:
            return self.finding(line, column, "a finite number", text)
        if target.counter and not (value.is_integer() and 0 <= value <= LARGEST_COUNT):
            return self.finding(line, column, "a whole number, the unscaled count of the counter", text)
        return value

    def finding(self, line: int, column: str, expected: str, got: str) -> Finding:
        """One fault of a row."""
        text = got.strip()
        return Finding(self.file, line, column, expected, f'"{text[:_SHOWN]}"' if text else "nothing")


def _with_first(first: str, rest: Iterator[str]) -> Iterator[str]:
    yield first
    yield from rest


class _Places:
    """Where the columns of a file are."""

    __slots__ = ("point", "points", "quality", "time", "value")

    def __init__(self, layout: CsvLayout, header: list[str]) -> None:
        self.time = header.index(layout.time)
        self.points: tuple[tuple[int, str, Target], ...] = ()
        self.point = self.value = self.quality = -1
        if layout.point:
            self.point, self.value = header.index(layout.point), header.index(layout.value)
            self.quality = header.index(layout.quality) if layout.quality else -1
        else:
            self.points = tuple((header.index(name), name, target) for name, target in layout.columns.items())


def _by_column(file: CsvFile, line: int, places: _Places, row: list[str]) -> Iterator[str | Finding]:
    time_ms = file.time_of(line, row[places.time])
    if isinstance(time_ms, Finding):
        yield time_ms
        return
    for at, column, target in places.points:
        value = file.number(line, column, row[at], target)
        if isinstance(value, Finding):
            yield value
        elif value is not None:
            yield f"{target.series} value={value!r},quality=0i {time_ms}\n"


def _by_row(file: CsvFile, line: int, places: _Places, row: list[str]) -> Iterator[str | Finding]:
    layout = file.layout
    name = row[places.point].strip()
    target = layout.columns.get(name)
    if target is None:
        yield file.finding(line, layout.point, "a point of the plant file or a name that is mapped to one", name)
        return
    time_ms = file.time_of(line, row[places.time])
    word = _word(file, line, row[places.quality]) if layout.quality else 0
    value = file.number(line, layout.value, row[places.value], target)
    faults = [found for found in (time_ms, word, value) if isinstance(found, Finding)]
    yield from faults
    if not faults and (value is not None or word):  # no value and a remark is a failed read
        number = "" if value is None else f"value={value!r},"
        yield f"{target.series} {number}quality={word}i {time_ms}\n"


def _word(file: CsvFile, line: int, text: str) -> int | Finding:
    text = text.strip() or "0"
    if not re.fullmatch(r"\d{1,10}", text, re.ASCII) or int(text) > HIGHEST_WORD:
        return file.finding(line, file.layout.quality, f"a flag word, a whole number from 0 to {HIGHEST_WORD}", text)
    return int(text)
