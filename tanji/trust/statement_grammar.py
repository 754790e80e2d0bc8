"""The grammar of a statement's JSON: every key exactly once, every value in one spelling (reference/trust.md 2.5).

Reported quantities are text with fixed decimals, so that no float formatting is ever in dispute; digests of files are
hexadecimal, hashes of the log's tree base64. What the values have to do with the rest of the evidence is the
verifier's (`tanji.trust.verify`); what they mean is `tanji.trust.statement`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from tanji.errors import TrustError
from tanji.trust.canonical import HASH_BYTES, LARGEST_JSON, decode64

Check = Callable[[Any], bool]
"""Whether a value is in its one spelling."""
Shape = Check | Mapping[str, Any] | list[Any] | tuple[str, Any]
"""A leaf, the fields of an object, a list of one shape, or ("null", shape)."""

DECIMALS = 6
"""Of every reported quantity: a gram of CO2."""
LONGEST_TEXT = 2000
"""Of a reason; a statement is one entry of the log, which takes 60 kB."""
FIELD = "statement-field"

_NUMBER = re.compile(rf"-?(0|[1-9][0-9]{{0,17}})\.[0-9]{{{DECIMALS}}}")
_ZERO = re.compile(r"-0\.0+")
_HEX = re.compile(r"[0-9a-f]{64}")
_WORD = re.compile(r"[a-z0-9_]{1,64}")
_DOTTED = re.compile(r"(?=.{1,96}\Z)[a-z0-9_]+(?:\.[a-z0-9_]+)*")
_LINE_NAME = re.compile(r"[!-~]{1,200}")


def number(value: Any) -> bool:
    """Text with six decimals, no exponent, no plus, no negative zero."""
    return isinstance(value, str) and bool(_NUMBER.fullmatch(value)) and not _ZERO.fullmatch(value)


def share(value: Any) -> bool:
    """Text with six decimals, from 0 to 1."""
    return number(value) and 0 <= float(value) <= 1


def positive(value: Any) -> bool:
    """Text with six decimals, not negative."""
    return number(value) and not value.startswith("-")


def integer(value: Any) -> bool:
    """A whole number of at most 2^53 - 1, not negative; true is none."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LARGEST_JSON


def boolean(value: Any) -> bool:
    """true or false."""
    return isinstance(value, bool)


def text(value: Any) -> bool:
    """Any text without control characters, empty too."""
    return isinstance(value, str) and len(value) <= LONGEST_TEXT and not any(_is_control(one) for one in value)


def word(value: Any) -> bool:
    """An identifier of the plant file or of the rule sets."""
    return isinstance(value, str) and bool(_WORD.fullmatch(value))


def dotted(value: Any) -> bool:
    """An identifier in parts, written as a point."""
    return isinstance(value, str) and bool(_DOTTED.fullmatch(value))


def name(value: Any) -> bool:
    """A key's name, an origin, a unit, a version: printable ASCII without blanks."""
    return isinstance(value, str) and bool(_LINE_NAME.fullmatch(value))


def digest(value: Any) -> bool:
    """SHA-256 of a file, 64 lower-case hexadecimal digits."""
    return isinstance(value, str) and bool(_HEX.fullmatch(value))


def tree_hash(value: Any) -> bool:
    """A hash of 32 bytes in base64 that encodes to itself."""
    if not isinstance(value, str):
        return False
    try:
        decode64(value, rule=FIELD, length=HASH_BYTES)
    except TrustError:
        return False
    return True


def one_of(*words: str) -> Check:
    """One of a few words."""
    return lambda value: isinstance(value, str) and value in words


def optional(shape: Shape) -> Shape:
    """The shape, or null."""
    return ("null", shape)


def check(value: Any, shape: Shape, *, where: str) -> None:
    """Raise statement-field, naming the place, unless a value has exactly this shape."""
    if isinstance(shape, Mapping):
        _object(value, shape, where=where)
    elif isinstance(shape, list):
        if not isinstance(value, list):
            raise TrustError(FIELD, where=where, expected="a list", got=_shown(value))
        for place, item in enumerate(value):
            check(item, shape[0], where=f"{where}[{place}]")
    elif isinstance(shape, tuple):
        if value is not None:
            check(value, shape[1], where=where)
    elif not shape(value):
        raise TrustError(FIELD, where=where, expected=_expected(shape), got=_shown(value))


def _object(value: Any, shape: Mapping[str, Any], *, where: str) -> None:
    if not isinstance(value, dict):
        raise TrustError(FIELD, where=where, expected=f"keys {', '.join(sorted(shape))}", got=_shown(value))
    for key in sorted(shape.keys() ^ value.keys()):
        expected, got = (f"the key {key}", "none") if key in shape else ("no such key", key)
        raise TrustError(FIELD, where=where, expected=expected, got=got)
    for key, inner in shape.items():
        check(value[key], inner, where=f"{where}.{key}".removeprefix("."))


def _expected(leaf: Check) -> str:
    said = (leaf.__doc__ or "one of the words of docs/trust-format.md").strip()
    return said.partition("\n")[0].rstrip(".")


def _shown(value: Any) -> str:
    return repr(value)[:100]


def _is_control(character: str) -> bool:
    return ord(character) < 32 or 0x7F <= ord(character) < 0xA0 or character in "\u2028\u2029"
