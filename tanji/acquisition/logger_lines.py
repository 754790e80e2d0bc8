"""Readings out of files of InfluxDB line protocol: our own measurement as it is, others where they are mapped.

A file is read in pieces of whole lines. Pieces without a fault go through whole columns at a time; one with a fault is
halved until the line that is wrong is found, so that it is told with its number and the other lines are good. Every
line needs a time: the moment of the import would be a wrong one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from tanji.acquisition import line_grammar
from tanji.acquisition.line_format import format_readings
from tanji.acquisition.line_protocol import OtherLine, Parsed, parse
from tanji.acquisition.line_scanner import take_apart
from tanji.acquisition.logger_csv import LARGEST_COUNT, Tally, Target
from tanji.acquisition.logger_time import EARLIEST_MS
from tanji.errors import Finding, LineProtocolError

PIECE: Final = 1 << 20
"""Bytes read at once."""

NO_TIME: Final = -1
_LONGEST_SHOWN: Final = 60

_NO_DATA: Final = b"CREATE DATABASE "
"""How `influx_inspect export` begins; everything else that is no data stands in its comments."""

_LINE: Final = re.compile(rb"[^\n]*\n|[^\n]+")

Source = tuple[bytes, frozenset[tuple[bytes, bytes]], bytes]
"""Measurement, tags and field of a value in the file."""


def source(text: str) -> Source:
    """`modbus,slave=1 flow` as a source; tags in any order. Raises LineProtocolError."""
    series, blank, name = text.strip().rpartition(" ")
    try:
        if not blank or not name:
            raise ValueError
        (line,) = line_grammar.lines(f"{series} {name}=1".encode())
        ((only, _),) = line_grammar.fields_of(line.fields)
    except (ValueError, LineProtocolError):
        raise LineProtocolError(f'expected a series and a field, like "modbus,slave=1 flow", got "{text}"') from None
    return (*_series(line.series), only)


@dataclass(slots=True)
class LineFile:
    """One file being read."""

    file: str
    plant_id: str
    points: frozenset[str]
    now_ms: int
    precision: str = "ns"
    mapping: Mapping[Source, Target] = field(default_factory=dict)
    tally: Tally = field(default_factory=Tally)

    def read(self, pieces: Iterable[bytes]) -> Iterator[bytes | Finding]:
        """Bodies of line protocol in ms, and a finding for every line that is no reading of the plant."""
        number = 1
        for piece in whole_lines(pieces):
            for found in self._piece(piece, first=number):
                if isinstance(found, Finding):
                    self.tally.findings += 1
                else:
                    self.tally.readings += found.count(b"\n")
                yield found
            number += piece.count(b"\n")

    def _piece(self, piece: bytes, *, first: int) -> Iterator[bytes | Finding]:
        """A piece as a whole, or its halves where something in it is wrong, down to the line that is."""
        fault: Finding | None = None
        try:
            parsed = parse(piece, precision=self.precision, arrival_ms=NO_TIME)
            fault = self._fault(parsed.readings, number=first)
        except LineProtocolError as error:
            fault = self._finding(first, "line", "line protocol", str(error).partition(": ")[2])
        if fault is None:
            self.tally.rows += parsed.readings.num_rows + len(parsed.others) + len(parsed.parked)
            yield from self._parsed(parsed, first=first)
            return
        lines = _LINE.findall(piece)
        if len(lines) == 1:
            if not piece.startswith(_NO_DATA):
                self.tally.rows += 1
                yield fault
            return
        for begin, end in ((0, len(lines) // 2), (len(lines) // 2, len(lines))):
            yield from self._piece(b"".join(lines[begin:end]), first=first + begin)

    def _parsed(self, parsed: Parsed, *, first: int) -> Iterator[bytes | Finding]:
        """Readings that are sound, and the lines that are none."""
        if parsed.readings.num_rows:
            yield format_readings(parsed.readings, plant_id=self.plant_id)
        for line in parsed.parked:
            yield self._finding(first + line.number - 1, "line", "a reading", line.reason)
        mapped: list[str] = []
        for other in parsed.others:
            found = self._other(other, number=first + other.number - 1)
            if isinstance(found, Finding):
                yield found
            else:
                mapped.append(found)
        if text := "".join(mapped):
            yield text.encode()

    def _other(self, other: OtherLine, *, number: int) -> str | Finding:
        """Lines of the fields of another measurement that are mapped to points."""
        series, pairs, time_ms = take_apart(other)
        if not self.mapping:
            return self._finding(number, "measurement", "reading, or a series that is mapped", series.decode())
        lines: list[str] = []
        for name, value in pairs:
            target = self.mapping.get((*_series(series), name))
            if target is None:
                self.tally.empty += 1
                continue
            if isinstance(value, str):
                return self._finding(number, name.decode(), "a number", f'"{value}"')
            if not self._in_time(time_ms):
                return self._time_fault(number, time_ms)
            if target.counter and not (float(value).is_integer() and 0 <= value <= LARGEST_COUNT):
                expected = "a whole number, the unscaled count of the counter"
                return self._finding(number, name.decode(), expected, str(value))
            lines.append(f"{target.series} value={float(value)!r},quality=0i {time_ms}\n")
        return "".join(lines)

    def _fault(self, readings: pa.Table, *, number: int) -> Finding | None:
        """What keeps some reading from being taken; the first thing, since the search ends at a single line."""
        if readings.num_rows == 0:
            return None
        plants, points = (pc.unique(readings.column(name)).to_pylist() for name in ("plant", "point"))
        for plant in plants:
            if plant != self.plant_id:
                return self._finding(number, "plant", self.plant_id, plant)
        for point in points:
            if point not in self.points:
                return self._finding(number, "point", "a point of the plant file", point)
        times = pc.min_max(readings.column("time")).as_py()
        return next((self._time_fault(number, time) for time in times.values() if not self._in_time(time)), None)

    def _in_time(self, time_ms: int) -> bool:
        return EARLIEST_MS <= time_ms <= self.now_ms

    def _time_fault(self, number: int, time_ms: int) -> Finding:
        got = "none" if time_ms == NO_TIME else f"{time_ms} ms since 1970 (is the precision {self.precision} right?)"
        return self._finding(number, "time", "a time from 2000 on that is not in the future", got)

    def _finding(self, number: int, key: str, expected: str, got: str) -> Finding:
        cut = got if len(got) <= _LONGEST_SHOWN + 20 else f"{got[:_LONGEST_SHOWN]}..."
        return Finding(self.file, number, key, expected, cut)


def whole_lines(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes cut after line breaks."""
    rest = b""
    for piece in pieces:
        head, newline, tail = piece.rpartition(b"\n")
        if newline:
            yield rest + head + newline
            rest = tail
        else:
            rest += piece
    if rest:
        yield rest


@lru_cache(maxsize=4096)
def _series(key: bytes) -> tuple[bytes, frozenset[tuple[bytes, bytes]]]:
    measurement, tags = line_grammar.series_of(key)
    return measurement, frozenset(tags)
