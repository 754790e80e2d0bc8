"""The quick way through a payload that is in order: a plant-day of 5.2 million lines has to be checked in seconds.

Lines are sorted by point, so a payload is a few dozen runs of one point each, and one regular expression a kind goes
over a whole run at once, passing over what sorted lines must have in common. Whatever it does not take, an unusual but
good spelling included, is left to `tanji.trust.batch`, line by line and with the words for it: this module never
refuses, it only says that it is sure.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from functools import lru_cache, partial
from math import isfinite
from operator import ne
from typing import NamedTuple

from tanji.trust.plant_note import COUNTER

TIME_BYTES = 13
"""Digits of a time [ms] from 2001 to 2286, which order as text; others take the slow way."""

_TIME = re.compile(rb"[1-9][0-9]{12}")
_QUALITY = rb"(?:0|[1-9][0-9]{0,8})"
_COUNT = rb"(?:(?:0|[1-9][0-9]{0,14}) |- )"
_SHORT = (
    rb"(?:-?[1-9][0-9]{0,8}+\.[0-9]{1,6}+ (?<![^.]0 )|-?[1-9][0-9]{0,3}+\.[0-9]{1,11}+(?<=[1-9]) "
    rb"|-?0\.0{0,3}[1-9](?:[0-9]{0,10}[1-9])? |0\.0 |- %b)"
)
"""Decimals of at most 15 digits without zeros at the end are the shortest text of their float: IEEE 754 double keeps
15 digits apart, and Python writes numbers from 1e-4 to 1e16 without an exponent."""
_FLOAT = _SHORT % b""
_WITH_LONG = _SHORT % rb"|[-+.0-9e]{16,24} "
_LONG = re.compile(r" ([-+.0-9e]{16,24}) ")
"""Longer ones, of 32-bit registers for instance, are read and written again to see whether that gives the same text."""


class Span(NamedTuple):
    """Lines of one point in one payload: first and last time [ms] and how many."""

    point: str
    first_ms: int
    last_ms: int
    lines: int


def quick_spans(data: bytes, lines: Sequence[bytes], kinds: Mapping[str, str]) -> list[Span] | None:
    """The runs of a payload if every line is surely in order and every (point, time) stands once; else None.

    lines : of `data`. kinds : of every point of the point map.
    """
    if sorted(lines) != lines:  # which costs least where they are
        return None
    spans, at, number = [], 0, 0
    while number < len(lines):
        point = lines[number].partition(b" ")[0]
        kind = kinds.get(point.decode("ascii", "replace"))
        past = bisect_left(lines, point + b"!", number)  # the character after the blank
        run = lines[number:past]
        end = at + sum(map(len, run))
        span = None if kind is None else _span(data, run, point, at, end, is_counter=kind == COUNTER)
        if span is None:
            return None
        spans.append(span)
        at, number = end, past
    return spans


def _span(data: bytes, run: Sequence[bytes], point: bytes, at: int, end: int, *, is_counter: bool) -> Span | None:
    """The run of a point, sorted and at [at, end) of the payload, if it is surely in order and no time is there twice.

    What first and last line have in common, every line between them begins with.
    """
    head = len(point) + 1
    first, last = (line[head : head + TIME_BYTES] for line in (run[0], run[-1]))
    same = _in_common(first, last)
    if same is None:
        return None
    form = partial(_run, head + same, TIME_BYTES - same)
    found = _matched(form(_COUNT if is_counter else _FLOAT), data, at, end)
    if found < end and not is_counter:
        found = _with_long(form(_WITH_LONG), data, found, end)
    return Span(point.decode("ascii"), int(first), int(last), len(run)) if found == end else None


@lru_cache(maxsize=64)
def _in_common(first: bytes, last: bytes) -> int | None:
    """How many digits of two times are the same before the first that is not; None if they are no such times."""
    if not (_TIME.fullmatch(first) and _TIME.fullmatch(last)):
        return None
    return next((place for place, differs in enumerate(map(ne, first, last)) if differs), TIME_BYTES)


def _with_long(form: re.Pattern[bytes], data: bytes, at: int, end: int) -> int:
    """Where the lines that are in order, of long values also, end; `at` if one of them is not."""
    longest = _matched(form, data, at, end)
    floats = _LONG.findall(data[at:longest].decode("ascii"))
    try:
        numbers = [*map(float, floats)]
    except ValueError:
        return at
    return longest if all(map(isfinite, numbers)) and [*map(repr, numbers)] == floats else at


def _matched(form: re.Pattern[bytes], data: bytes, at: int, end: int) -> int:
    run = form.match(data, at, end)
    return at if run is None else run.end()


@lru_cache(maxsize=4096)
def _run(same: int, digits: int, value: bytes) -> re.Pattern[bytes]:
    """Lines whose first `same` bytes are known, no two neighbours with the same `digits` of their times after them."""
    return re.compile(rb"(?:(?s:.{%d})([0-9]{%d} )%b%b\n(?!(?s:.{%d})\1))*+" % (same, digits, value, _QUALITY, same))
