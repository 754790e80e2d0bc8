"""One spelling for everything that is signed: whole numbers, base64, values of readings, one line of JSON.

Base64 after RFC 4648 section 4, JSON after RFC 8785 without floats (a figure is a string with fixed decimals). Every
reader refuses a second spelling of the same content, because that would be a second leaf for it. Which fields a text
has is the business of its own module.
"""

from __future__ import annotations

import binascii
import json
import math
import re
from collections.abc import Sequence
from typing import Any

from tanji.errors import TrustError

LONGEST_POINT_ID = 96
"""Longest point id (DESIGN section 3) [characters]."""

POINT_ID = re.compile(rf"(?=.{{1,{LONGEST_POINT_ID}}}\Z)[a-z0-9_]+(?:\.[a-z0-9_]+)*", re.ASCII)
"""To be used with `fullmatch`."""

WHOLE = re.compile(r"0|[1-9][0-9]*", re.ASCII)
"""A whole number without sign and leading zeros; to be used with `fullmatch`."""

LARGEST_WHOLE = 2**63 - 1
"""Times, sizes and sequence numbers fit a signed 64-bit integer in every language."""

LARGEST_COUNTER = 2**53
"""Above it a counter is no longer exact as the float64 it is stored as."""

LARGEST_JSON = 2**53 - 1
"""RFC 8785 writes numbers as ECMAScript does; beyond this they are not exact."""

HASH_BYTES = 32


def encode64(data: bytes) -> str:
    """Standard base64 with padding, without line breaks."""
    return binascii.b2a_base64(data, newline=False).decode("ascii")


def decode64(text: str | bytes, *, rule: str, where: str = "", length: int | None = None) -> bytes:
    """The bytes behind `text`, refused unless they encode to exactly this text again.

    length : how many bytes there have to be. None: any number.
    """
    given = text.encode("utf-8", "replace") if isinstance(text, str) else text
    try:
        data = binascii.a2b_base64(given)
    except binascii.Error:
        data = None
    if data is None or binascii.b2a_base64(data, newline=False) != given:
        raise TrustError(rule, where=where, expected="canonical base64", got=given.decode("utf-8", "replace"))
    if length is not None and len(data) != length:
        raise TrustError(rule, where=where, expected=f"base64 of {length} bytes", got=f"{len(data)} bytes")
    return data


def whole(text: str, *, rule: str, where: str = "", most: int = LARGEST_WHOLE) -> int:
    """A whole number in its only spelling, at most `most`."""
    if len(text) <= len(str(most)) and WHOLE.fullmatch(text) and int(text) <= most:
        return int(text)
    raise TrustError(rule, where=where, expected=f"a whole number up to {most}", got=text)


def format_value(value: float | int | None, *, is_counter: bool) -> str:
    """The value of a payload line: `-` for a failed read, digits for a counter, the shortest float otherwise."""
    if value is None:
        return "-"
    if is_counter:
        if not 0 <= value <= LARGEST_COUNTER or value != int(value):
            raise TrustError("payload-form", expected=f"a counter from 0 to {LARGEST_COUNTER}", got=repr(value))
        return str(int(value))
    if not math.isfinite(value):
        raise TrustError("payload-form", expected="a finite value", got=repr(value))
    return repr(float(value))


def parse_value(text: str, *, is_counter: bool | None = None, where: str = "") -> float | int | None:
    """What `format_value` wrote, and nothing else.

    is_counter : what the point map says of the point. None: either spelling is taken.
    """
    if text == "-":
        return None
    if is_counter is not False and WHOLE.fullmatch(text):
        return whole(text, rule="payload-form", where=where, most=LARGEST_COUNTER)
    if not is_counter:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if math.isfinite(value) and repr(value) == text:
            return value
    expected = {True: "a counter", False: "a float in its shortest form", None: "a value"}[is_counter]
    raise TrustError("payload-form", where=where, expected=f"{expected} or -", got=text)


def json_line(value: Any, *, rule: str = "statement-form") -> bytes:
    """`value` as RFC 8785 JSON without a line end; floats and keys that are not ASCII are refused."""
    _check(value, rule=rule, where="")
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise TrustError(rule, expected="text that UTF-8 can hold", got="half of a surrogate pair") from error


def read_json_line(data: bytes, *, rule: str = "statement-form", where: str = "") -> Any:
    """The value behind `data`, refused unless it is written exactly as `json_line` writes it."""
    try:
        value = json.loads(
            data.decode("utf-8"),
            object_pairs_hook=lambda pairs: _unique(pairs, rule=rule, where=where),
            parse_int=lambda text: _integer(text, rule=rule, where=where),
            parse_float=lambda text: _no_number(text, rule=rule, where=where),
            parse_constant=lambda text: _no_number(text, rule=rule, where=where),
        )
        again = json_line(value, rule=rule)
    except (ValueError, RecursionError) as error:
        raise TrustError(rule, where=where, expected="one line of JSON", got=_shown(data)) from error
    if again != data:
        raise TrustError(rule, where=where, expected=f"canonical JSON: {_shown(again)}", got=_shown(data))
    return value


def _check(value: Any, *, rule: str, where: str) -> None:
    if value is None or isinstance(value, bool | str):
        return
    if isinstance(value, int):
        if abs(value) > LARGEST_JSON:
            raise TrustError(rule, where=where, expected=f"an integer within +-{LARGEST_JSON}", got=str(value)[:40])
    elif isinstance(value, dict):
        for key, each in value.items():
            if not (isinstance(key, str) and key.isascii()):
                raise TrustError(rule, where=where, expected="keys in ASCII", got=repr(key))
            _check(each, rule=rule, where=f"{where}.{key}" if where else key)
    elif isinstance(value, list | tuple):
        for number, each in enumerate(value):
            _check(each, rule=rule, where=f"{where}[{number}]")
    else:
        expected = "text, an integer, true, false, null, a list or an object"
        raise TrustError(rule, where=where, expected=expected, got=type(value).__name__)


def _unique(pairs: Sequence[tuple[str, Any]], *, rule: str, where: str) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        twice = next(key for key, _ in pairs if [name for name, _ in pairs].count(key) > 1)
        raise TrustError(rule, where=where, expected="every key once", got=f"{twice} twice")
    return found


def _integer(text: str, *, rule: str, where: str) -> int:
    if len(text) > len(str(-LARGEST_JSON)):
        raise TrustError(rule, where=where, expected=f"an integer within +-{LARGEST_JSON}", got=text)
    return int(text)


def _no_number(text: str, *, rule: str, where: str) -> None:
    raise TrustError(rule, where=where, expected="figures as strings, no floats", got=text)


def _shown(data: bytes) -> str:
    return data[:200].decode("utf-8", "replace")
