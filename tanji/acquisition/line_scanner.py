"""The exact reader of line protocol: one line after the other, the whole grammar.

The grammar is `tanji.acquisition.line_grammar`; what is decided here is which lines are readings. A line of measurement
`reading` that is line protocol but no reading is parked with its reason. `tanji.acquisition.line_columns` does plain
bodies faster; where the two could differ, this one is right.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

import pyarrow as pa

from tanji.acquisition import line_grammar, telegraf_lines
from tanji.acquisition.flags import HIGHEST_WORD
from tanji.acquisition.line_grammar import LineFault, shown
from tanji.acquisition.parsed_lines import LATEST_MS, NANOSECONDS_PER_MS, SCHEMA, OtherLine, ParkedLine, Parsed
from tanji.acquisition.registers import LARGEST_EXACT
from tanji.errors import LineProtocolError

_WORD: Final = re.compile(rb"[0-9]{1,10}[iu]")


class _Parked(Exception):
    """The line is line protocol but no reading; the message is the reason."""


@dataclass(slots=True)
class _Columns:
    plant: list[str] = field(default_factory=list)
    point: list[str] = field(default_factory=list)
    time: list[int] = field(default_factory=list)
    value: list[float | None] = field(default_factory=list)
    quality: list[int] = field(default_factory=list)

    def add(self, series: _Series, value: float | None, word: int, *, time_ms: int) -> None:
        """One reading more."""
        self.plant.append(series.plant)
        self.point.append(series.point)
        self.time.append(time_ms)
        self.value.append(value)
        self.quality.append(word)

    def table(self) -> pa.Table:
        """The readings, with the schema of every parsed body."""
        columns = (self.plant, self.point, self.time, self.value, self.quality)
        plain = [pa.array(column, pa.string() if i < 2 else SCHEMA[i].type) for i, column in enumerate(columns)]
        return pa.Table.from_arrays([*(name.dictionary_encode() for name in plain[:2]), *plain[2:]], schema=SCHEMA)


@dataclass(frozen=True, slots=True)
class _Series:
    """A series key taken apart; `fault` says why it is no reading although the measurement is."""

    is_reading: bool
    plant: str = ""
    point: str = ""
    fault: str = ""


def read(body: bytes, *, precision: str, arrival_ms: int, park_faults: bool = False) -> Parsed:
    """The readings, other lines and parked lines of a body. Raises LineProtocolError, naming line and reason.

    park_faults : whether a line that holds something that is no value is parked too, instead of refusing the body.
    """
    columns, others, parked = _Columns(), [], []
    known: dict[bytes, _Series] = {}
    for line in line_grammar.lines(body):
        try:
            series = known.get(line.series)
            if series is None:
                series = known[line.series] = _series(line.series)
            pairs = line_grammar.fields_of(line.fields)
            values = [line_grammar.value_of(text) for _, text in pairs]
            time_ms = arrival_ms if line.time is None else _milliseconds(line.time, precision)
            if series.is_reading:
                value, word, status = _reading(series, pairs, values)
                if status is not None:
                    value, word, time_ms = telegraf_lines.reading(
                        status, value, word, time_ms=time_ms, arrival_ms=arrival_ms
                    )
                columns.add(series, value, word, time_ms=time_ms)
            else:
                others.append(OtherLine(line.number, b"%b %b %d" % (line.series, line.fields, time_ms)))
        except _Parked as reason:
            parked.append(ParkedLine(line.number, line.text, str(reason)))
        except LineFault as fault:
            if not park_faults:
                raise LineProtocolError(f"line {line.number}: {fault}") from fault
            parked.append(ParkedLine(line.number, line.text, str(fault)))
    return Parsed(columns.table(), tuple(others), tuple(parked))


def take_apart(line: OtherLine) -> tuple[bytes, list[tuple[bytes, float | int | bool | str]], int]:
    """Series key, fields and time [ms] of a line this module has read."""
    (apart,) = line_grammar.lines(line.line)
    pairs = line_grammar.fields_of(apart.fields)
    return apart.series, [(name, line_grammar.value_of(text)) for name, text in pairs], int(apart.time or b"0")


def _series(key: bytes) -> _Series:
    measurement, tags = line_grammar.series_of(key)
    if measurement != b"reading":
        return _Series(False)
    named = dict(tags)
    if named.keys() != {b"plant", b"point"}:
        return _Series(True, fault=f"expected tags plant and point, got {shown(key)}")
    return _Series(True, named[b"plant"].decode(), named[b"point"].decode())


def _reading(
    series: _Series, pairs: list[tuple[bytes, bytes]], values: list[float | int | bool | str]
) -> tuple[float | None, int, int | None]:
    """Value (None for a failed read), flag word, and the status code where Telegraf gives one."""
    if series.fault:
        raise _Parked(series.fault)
    named = dict(pairs)
    if len(named) != len(pairs) or not named.keys() <= {b"value", b"quality", telegraf_lines.FIELD}:
        raise _Parked(f"expected fields value and quality, got {', '.join(shown(name) for name, _ in pairs)}")
    word = named.get(b"quality", b"0i")
    if not _WORD.fullmatch(word) or int(word[:-1]) > HIGHEST_WORD:
        raise _Parked(f"expected quality to be a 32-bit flag word, got {shown(word)}")
    given = {name: value for (name, _), value in zip(pairs, values, strict=True)}
    status = telegraf_lines.status_of(given.get(telegraf_lines.FIELD))
    if telegraf_lines.FIELD in given and status is None:
        raise _Parked(f"expected Quality to end in a status code like (0x0), got {given[telegraf_lines.FIELD]!r:.80}")
    return _number(given.get(b"value")), int(word[:-1]), status


def _number(value: float | int | bool | str | None) -> float | None:
    if isinstance(value, bool | str):
        raise _Parked(f"expected value to be a finite number, got {value!r:.80}")
    if isinstance(value, int) and abs(value) > LARGEST_EXACT:
        raise _Parked(f"expected value to be exact in a float64, got {value}")
    return None if value is None else float(value)


def _milliseconds(text: bytes, precision: str) -> int:
    time_ms = line_grammar.nanoseconds(text, precision) // NANOSECONDS_PER_MS
    if not -LATEST_MS <= time_ms <= LATEST_MS:
        raise _Parked(f"expected a time that a store can hold, got {shown(text)} {precision}")
    return time_ms
