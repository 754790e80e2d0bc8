"""The exact reader of line protocol: one line after the other, the whole grammar.

InfluxDB's line-protocol reference: `measurement[,tag=value...] field=value[,field=value...] [time]`; comma, equals
sign and blank are escaped by a backslash in names and tag values, strings are in double quotes and may hold newlines,
a line that begins with # is a comment. `tanji.acquisition.line_columns` does plain bodies faster; where the two could
differ, this one is right.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import pyarrow as pa

from tanji.acquisition.flags import HIGHEST_WORD
from tanji.acquisition.parsed_lines import LATEST_MS, MILLISECOND, SCHEMA, OtherLine, ParkedLine, Parsed
from tanji.acquisition.registers import LARGEST_EXACT
from tanji.errors import LineProtocolError

# Quantifiers are possessive (++, *+): a line that does not fit fails at once and is never read in a second way.
_LINE: Final = re.compile(
    rb"""[ \t]*+(?:
        (?:\#[^\n]*+|\r?)                                              # comment or nothing
      | (?P<series>(?:[^ \r\n\\]++|\\[,= ]?)++)[ ]++
        (?P<fields>(?:[^ \r\n"\\]++|\\[,= "\\]?|"(?:[^"\\]++|\\.)*+")++)
        (?:[ ]++(?P<time>-?[0-9]++))?[ ]*+\r?
    )(?:\n|\Z)""",
    re.VERBOSE | re.DOTALL,
)
_PART: Final = re.compile(rb"(?:[^,\\]++|\\[,= ]?)++")
_NAME: Final = rb"(?P<name>(?:[^,= \\]++|\\[,= ]?)++)="
_TAG: Final = re.compile(_NAME + rb"(?P<value>(?:[^,= \\]++|\\[,= ]?)++)", re.DOTALL)
_FIELD: Final = re.compile(_NAME + rb'(?P<value>"(?:[^"\\]++|\\.)*+"|[^,"]++)(?:,(?!\Z)|\Z)', re.DOTALL)
_FLOAT: Final = re.compile(rb"-?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_INTEGER: Final = re.compile(rb"-?[0-9]+i|[0-9]+u")
_WORD: Final = re.compile(rb"[0-9]{1,10}[iu]")
_TEXT_OR_BOOLEAN: Final = re.compile(rb'".*"|[tTfF]|[tT]rue|TRUE|[fF]alse|FALSE', re.DOTALL)


class _Parked(Exception):
    """The line is line protocol but must be parked; the message is the reason."""


@dataclass(slots=True)
class _Columns:
    plant: list[str] = field(default_factory=list)
    point: list[str] = field(default_factory=list)
    time: list[int] = field(default_factory=list)
    value: list[float | None] = field(default_factory=list)
    quality: list[int] = field(default_factory=list)

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


def read(body: bytes, *, precision: str, arrival_ms: int) -> Parsed:
    """The readings, other lines and parked lines of a body. Raises LineProtocolError, naming line and reason."""
    columns, others, parked = _Columns(), [], []
    known: dict[bytes, _Series] = {}
    for number, line, match in _lines(body):
        key, fields = match["series"], match["fields"]
        series = known.get(key)
        if series is None:
            series = known[key] = _series(key, number)
        pairs = _fields(fields, number)
        try:
            time_ms = arrival_ms if match["time"] is None else _milliseconds(match["time"], precision)
            if series.is_reading:
                value, word = _reading(series, pairs)
                columns.plant.append(series.plant)
                columns.point.append(series.point)
                columns.time.append(time_ms)
                columns.value.append(value)
                columns.quality.append(word)
            else:
                _check_others(pairs)
                others.append(OtherLine(number, b"%b %b %d" % (key, fields, time_ms)))
        except _Parked as reason:
            parked.append(ParkedLine(number, line, str(reason)))
    return Parsed(columns.table(), tuple(others), tuple(parked))


def take_apart(line: OtherLine) -> tuple[bytes, list[tuple[bytes, bytes]], int]:
    """Series key, fields and time [ms] of a line this module has read."""
    ((_, _, match),) = _lines(line.line)
    return match["series"], _fields(match["fields"], line.number), int(match["time"])


def _lines(body: bytes) -> Iterator[tuple[int, bytes, re.Match[bytes]]]:
    """Number, bytes and match of every line that is neither blank nor a comment."""
    position, number = 0, 1
    while position < len(body):
        match = _LINE.match(body, position)
        if match is None:
            shown = body[position : position + 80].split(b"\n")[0].decode("utf-8", "replace")
            raise LineProtocolError(f"line {number}: expected measurement, tags, fields and a time, got {shown!r}")
        text = match[0]
        if match["series"] is not None:
            yield number, text.rstrip(b"\r\n"), match
        position, number = match.end(), number + text.count(b"\n")


def _series(key: bytes, number: int) -> _Series:
    measurement, *tags = _parts(key, number)
    pairs = []
    for tag in tags:
        match = _TAG.fullmatch(tag)
        if match is None:
            raise LineProtocolError(f"line {number}: expected a tag name=value, got {_shown(tag)}")
        pairs.append((_unescaped(match["name"]), _unescaped(match["value"])))
    if _unescaped(measurement) != b"reading":
        return _Series(False)
    if sorted(name for name, _ in pairs) != [b"plant", b"point"]:
        return _Series(True, fault=f"expected tags plant and point, got {_shown(key)}")
    named = dict(pairs)
    try:
        return _Series(True, named[b"plant"].decode(), named[b"point"].decode())
    except UnicodeDecodeError:
        return _Series(True, fault="expected tags in UTF-8")


def _parts(key: bytes, number: int) -> list[bytes]:
    """Measurement and tags, split at commas that are not escaped."""
    parts = _PART.findall(key) if b"\\" in key else key.split(b",")
    if not all(parts) or len(b",".join(parts)) != len(key):
        raise LineProtocolError(f"line {number}: expected measurement and tags, got {_shown(key)}")
    return parts


def _fields(section: bytes, number: int) -> list[tuple[bytes, bytes]]:
    pairs, position = [], 0
    while position < len(section):
        match = _FIELD.match(section, position)
        if match is None:
            raise LineProtocolError(f"line {number}: expected fields name=value, got {_shown(section[position:])}")
        pairs.append((_unescaped(match["name"]), match["value"]))
        position = match.end()
    return pairs


def _reading(series: _Series, pairs: list[tuple[bytes, bytes]]) -> tuple[float | None, int]:
    """Value (None for a failed read) and flag word."""
    if series.fault:
        raise _Parked(series.fault)
    named = dict(pairs)
    if len(named) != len(pairs) or not named.keys() <= {b"value", b"quality"}:
        raise _Parked(f"expected fields value and quality, got {', '.join(_shown(name) for name, _ in pairs)}")
    word = named.get(b"quality", b"0i")
    if not _WORD.fullmatch(word) or int(word[:-1]) > HIGHEST_WORD:
        raise _Parked(f"expected quality to be a 32-bit flag word, got {_shown(word)}")
    return _number(named.get(b"value")), int(word[:-1])


def _number(text: bytes | None) -> float | None:
    if text is None:
        return None
    if _INTEGER.fullmatch(text):
        if abs(int(text[:-1])) > LARGEST_EXACT:
            raise _Parked(f"expected value to be exact in a float64, got {_shown(text)}")
        return float(int(text[:-1]))
    if not _FLOAT.fullmatch(text) or not math.isfinite(float(text)):
        raise _Parked(f"expected value to be a finite number, got {_shown(text)}")
    return float(text)


def _check_others(pairs: list[tuple[bytes, bytes]]) -> None:
    """A store answers 400 to a field that is no value, and the lines beside it would suffer."""
    for name, text in pairs:
        plain = _INTEGER.fullmatch(text) or _TEXT_OR_BOOLEAN.fullmatch(text)
        if not plain and not (_FLOAT.fullmatch(text) and math.isfinite(float(text))):
            raise _Parked(f"expected {_shown(name)} to be a number, string or boolean, got {_shown(text)}")


def _milliseconds(text: bytes, precision: str) -> int:
    factor, divisor = MILLISECOND[precision]
    # Nobody's clock has more than 20 digits; a longer text would only cost time to convert.
    time_ms = int(text) * factor // divisor if len(text) <= 20 else LATEST_MS + 1
    if not -LATEST_MS <= time_ms <= LATEST_MS:
        raise _Parked(f"expected a time that a store can hold, got {_shown(text)} {precision}")
    return time_ms


def _unescaped(text: bytes) -> bytes:
    return re.sub(rb"\\([,= ])", rb"\1", text) if b"\\" in text else text


def _shown(text: bytes) -> str:
    return repr(text[:80].decode("utf-8", "replace"))
