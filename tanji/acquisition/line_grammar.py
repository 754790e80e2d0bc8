"""The grammar of line protocol: which bytes are lines, and what their parts are.

Follows InfluxData's own grammar (influxdata/line-protocol, line-protocol.ebnf) to the letter: a backslash escapes
comma, blank and (in keys) the equals sign and is itself otherwise; controls and DEL stand in strings alone; a string
may hold newlines; tokens are UTF-8; integers fit in 64 bits, floats are finite decimals, a time fits in 64 bits of
nanoseconds; a tag key comes once. What a line means to Tanji is `tanji.acquisition.line_scanner`.

A line whose parts cannot be told apart is no line protocol: LineProtocolError, naming the line. One whose parts stand
where they should, but one of which is no value, raises LineFault when that part is asked for.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from tanji.acquisition.parsed_lines import NANOSECOND
from tanji.errors import LineProtocolError

# Quantifiers are possessive (++, *+): a line that does not fit fails at once and is never read in a second way.
_MEASUREMENT: Final = rb"(?!\#)(?:[^\x00-\x20\x7f,\\]++|\\[, ]?)++"
_KEY: Final = rb"(?:[^\x00-\x20\x7f,=\\]++|\\[,= ]?)++"
_STRING: Final = rb'"(?:[^"\\]++|\\.)*+"'
_FIELDS: Final = rb"%b=(?:%b|[^\x20\r\n,\"][^\x20\r\n,]*+)" % (_KEY, _STRING)
_LINE: Final = re.compile(
    rb"[ ]*+(?:"
    rb"(?:\#(?:[^\x00-\x1f\x7f]++|\t)*+)?+"  # comment or nothing
    rb"|(?P<series>%b(?:,%b=%b)*+)[ ]++(?P<fields>%b(?:,%b)*+)(?:[ ]++(?P<time>[-0-9]++))?+[ ]*+"
    rb")(?:\r?\n|\r?\Z)" % (_MEASUREMENT, _KEY, _KEY, _FIELDS, _FIELDS),
    re.DOTALL,
)
_PART: Final = re.compile(rb"(?:[^,\\]++|\\[,= ]?)++")
_TAG: Final = re.compile(rb"(?P<name>%b)=(?P<value>%b)" % (_KEY, _KEY))
_FIELD: Final = re.compile(rb"(?P<name>%b)=(?P<value>%b|[^,\"][^,]*+)" % (_KEY, _STRING), re.DOTALL)
_FLOAT: Final = re.compile(rb"-?(?:[0-9]++(?:\.[0-9]*+)?+|\.[0-9]++)(?:[eE][+-]?[0-9]++)?+")
_INTEGER: Final = re.compile(rb"(-?[0-9]++)i|([0-9]++)u")
_TIME: Final = re.compile(rb"-?[0-9]++")
_BOOLEAN: Final = {
    **dict.fromkeys((b"t", b"T", b"true", b"True", b"TRUE"), True),
    **dict.fromkeys((b"f", b"F", b"false", b"False", b"FALSE"), False),
}
_ESCAPES: Final = {b"n": b"\n", b"r": b"\r", b"t": b"\t"}
_INT64, _UINT64 = 1 << 63, 1 << 64
_MOST_DIGITS: Final = 400
"""No number in 64 bits, and none that a float keeps apart, needs more; int() of a million digits takes minutes."""


class LineFault(Exception):
    """A part of a line is no value; the message is what was expected and got."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line taken apart as far as its bytes tell; `number` is its place in the body, from 1."""

    number: int
    text: bytes
    series: bytes
    fields: bytes
    time: bytes | None


def lines(body: bytes) -> Iterator[Line]:
    """Every line that is neither blank nor a comment. Raises LineProtocolError at the first that is no line."""
    position, number = 0, 1
    while position < len(body):
        match = _LINE.match(body, position)
        if match is None:
            shown = body[position : position + 80].split(b"\n")[0].decode("utf-8", "replace")
            raise LineProtocolError(f"line {number}: expected measurement, tags, fields and a time, got {shown!r}")
        text = match[0]
        if match["series"] is not None:
            yield Line(number, text.rstrip(b"\r\n"), match["series"], match["fields"], match["time"])
        position, number = match.end(), number + text.count(b"\n")


def series_of(key: bytes) -> tuple[bytes, list[tuple[bytes, bytes]]]:
    """Measurement and tags of a series key, without escapes. LineFault: a tag twice, or no UTF-8."""
    _check_utf8(key)
    measurement, *tags = _PART.findall(key)
    pairs = [_TAG.fullmatch(tag) for tag in tags]
    named = [(_unescaped(pair["name"]), _unescaped(pair["value"])) for pair in pairs if pair is not None]
    if len({name for name, _ in named}) < len(tags):
        raise LineFault(f"expected every tag once, got {shown(key)}")
    return re.sub(rb"\\([, ])", rb"\1", measurement), named


def fields_of(section: bytes) -> list[tuple[bytes, bytes]]:
    """Names, without escapes, and values as they stand. LineFault: no UTF-8."""
    _check_utf8(section)
    return [(_unescaped(match["name"]), match["value"]) for match in _FIELD.finditer(section)]


def value_of(text: bytes) -> float | int | bool | str:
    """A field's value. LineFault: it is none that line protocol has."""
    if text.startswith(b'"'):
        plain = re.sub(rb'\\([\\"nrt])', lambda found: _ESCAPES.get(found[1], found[1]), text[1:-1])
        return plain.decode()
    truth = _BOOLEAN.get(text)
    if truth is not None:
        return truth
    if len(text) <= _MOST_DIGITS:
        match = _INTEGER.fullmatch(text)
        if match is not None:
            number = int(match[1] or match[2])
            if (-_INT64 <= number < _INT64) if match[1] else number < _UINT64:
                return number
            raise LineFault(f"expected an integer of 64 bits, got {shown(text)}")
    if _FLOAT.fullmatch(text) and math.isfinite(value := float(text)):
        return value
    raise LineFault(f"expected a finite number, string or boolean, got {shown(text)}")


def nanoseconds(text: bytes, precision: str) -> int:
    """A time in ns since 1970. LineFault: it is no integer, or does not fit in 64 bits."""
    if _TIME.fullmatch(text) and len(text) <= _MOST_DIGITS:
        time_ns = int(text) * NANOSECOND[precision]
        if -_INT64 <= time_ns < _INT64:
            return time_ns
    raise LineFault(f"expected a time that fits in 64 bits of nanoseconds, got {shown(text)} {precision}")


def shown(text: bytes) -> str:
    """Bytes for an error message."""
    return repr(text[:80].decode("utf-8", "replace"))


def _unescaped(text: bytes) -> bytes:
    return re.sub(rb"\\([,= ])", rb"\1", text) if b"\\" in text else text


def _check_utf8(text: bytes) -> None:
    try:
        text.decode()
    except UnicodeDecodeError:
        raise LineFault(f"expected names and strings in UTF-8, got {shown(text)}") from None
