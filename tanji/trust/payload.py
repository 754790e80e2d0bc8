"""A payload: the lines of one batch, sorted bytewise, unique, under one root (trust.md 2.3; R33, R34, R36).

Whoever verifies hashes the bytes first and looks at them afterwards. The grammar of a line is `payload_line`, the
header over the lines `batch`, whether the two belong together `batch_payload`; making lines from readings is the
sealer's and the laboratory's business.
"""

from __future__ import annotations

import operator
import re
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from contextlib import suppress
from hashlib import sha256
from itertools import islice, pairwise
from typing import Final

from tanji.errors import TrustError
from tanji.trust.canonical import LARGEST_WHOLE, POINT_ID, parse_value, whole
from tanji.trust.payload_line import (
    HIGHEST_WORD,
    READING,
    RULE,
    LaboratoryLine,
    PayloadLine,
    malformed,
    parse_line,
    shown,
)
from tanji.trust.plant_note import COUNTER, PARAMETER
from tanji.trust.tree import root_of_lines

_LINES: Final = re.compile(rb"(?:" + READING + rb")*+")


def parse_payload(data: bytes) -> tuple[PayloadLine, ...]:
    """The readings of a payload that is not a laboratory's. Use `check_payload` to judge one."""
    return tuple(parse_line(line) for line in split_lines(data))


def parse_laboratory(data: bytes) -> tuple[LaboratoryLine, ...]:
    """The events of a laboratory's payload."""
    return tuple(LaboratoryLine.parse(line) for line in split_lines(data))


def split_lines(data: bytes) -> list[bytes]:
    """The lines of a payload, each with its line feed. No other byte ends a line."""
    if not data:
        return []
    if not data.endswith(b"\n"):
        raise TrustError(RULE, expected="a line feed at the end", got=shown(data[-40:]))
    if b"\r" not in data:
        return data.splitlines(keepends=True)  # of bytes this breaks at no other character
    return [line + b"\n" for line in data[:-1].split(b"\n")]


def payload_root(data: bytes, lines: Sequence[bytes] | None = None) -> bytes:
    """RFC 6962 root over the lines, line feeds included; SHA-256 of nothing for none.

    lines : those of `data`, if they are known. The last roots are remembered by the SHA-256 of all bytes, which costs a
    fortieth: where sealer and log are one process, both ask for that of the same payload.
    """
    digest = sha256(data).digest()
    root = _roots.get(digest)
    if root is None:
        root = root_of_lines(split_lines(data) if lines is None else lines)
        _roots[digest] = root
        while len(_roots) > MOST_ROOTS:
            with suppress(KeyError, RuntimeError, StopIteration):  # another thread may be at the same
                del _roots[next(iter(_roots))]
    return root


def forget_roots() -> None:
    """Compute every root anew from here on: for measuring what that costs."""
    _roots.clear()


_roots: dict[bytes, bytes] = {}
MOST_ROOTS: Final = 64
"""Roots that are remembered: a sealer's batches of the last hour."""


def check_lines(data: bytes, lines: Sequence[bytes], *, is_laboratory: bool) -> None:
    """Raise unless `data` has the grammar and the order of a payload. `lines` are those of `data`."""
    if is_laboratory:
        for line in lines:
            LaboratoryLine.parse(line)
    else:
        _check_readings(data, lines)
    if not all(map(operator.lt, lines, islice(lines, 1, None))):
        for before, after in pairwise(lines):
            if before >= after:
                raise TrustError("payload-order", expected=f"a line after {shown(before)}", got=shown(after))


def check_points(lines: Sequence[bytes], *, kinds: Mapping[str, str], in_config: bool) -> None:
    """Raise unless every line is of a point of the point map, in a batch of its kind, counters being whole.

    `lines` are checked by `check_lines`.
    """
    at = 0
    while at < len(lines):
        point = lines[at].partition(b" ")[0]
        end = bisect_left(lines, point + b"!", at)  # the character after the blank
        name = point.decode("ascii")
        kind = kinds.get(name)
        if kind is None or (kind == PARAMETER) != in_config:
            expected = "a point of the point map" if kind is None else f"kind {PARAMETER} in config batches alone"
            raise TrustError("payload-point", where=name, expected=expected, got=kind or "none of this id")
        for value in set(b"".join(lines[at:end]).split()[2::4]):
            if value != b"-" and value.isdigit() != (kind == COUNTER):
                parse_value(value.decode("ascii"), is_counter=kind == COUNTER, where=name)
        at = end


def times_of(data: bytes) -> tuple[int, int] | None:
    """Earliest and latest time of the lines of a payload [UTC ms], checked by `check_lines`; None if it is empty."""
    times = list(map(int, data.split()[1::4]))
    return (min(times), max(times)) if times else None


def _check_readings(data: bytes, lines: Sequence[bytes]) -> None:
    """One pass of an expression over all lines, then every distinct word once; the first fault is told."""
    if _LINES.fullmatch(data):
        words = data.decode("ascii").split()
        try:
            for point in set(words[::4]):
                if not POINT_ID.fullmatch(point):
                    raise malformed("a point id", point.encode())
            for value in set(words[2::4]):
                if value != "-" and (value.isdigit() or repr(float(value)) != value):
                    parse_value(value)
            for quality in set(words[3::4]):
                whole(quality, rule=RULE, most=HIGHEST_WORD)
            if max(map(int, words[1::4]), default=0) <= LARGEST_WHOLE:
                return
        except (ValueError, TrustError):
            pass  # which line it is, is worth a slow second look
    for line in lines:
        parse_line(line)
    raise malformed("<point_id> <unix_ms> <value> <quality>", data)
