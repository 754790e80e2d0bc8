"""Payload lines: what a batch seals, one line a reading or a laboratory event (trust.md 2.3; R33, R34, R36).

    <point_id> <unix_ms> <value> <quality>
    sample <sample_id> <taken_ms>
    result <sample_id> <stream.parameter> <from_ms> <to_ms> <value> <basis>
    withdrawn <sample_id> <stream.parameter> <at_ms>

The last three are of laboratories. Lines are ASCII, single spaces, sorted bytewise, unique, each ended by a line feed;
every content has one spelling. A failed read has the value `-`. Whoever verifies hashes the bytes first and looks at
them afterwards. Which of two values of one point and time stands is said by the flag DUPLICATE: the first one carries
none. The header over the lines is `batch`; making them from readings is the sealer's and the laboratory's business.
"""

from __future__ import annotations

import operator
import re
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice, pairwise
from typing import Final
from urllib.parse import quote, unquote

from tanji.errors import TrustError
from tanji.trust.canonical import LARGEST_WHOLE, POINT_ID, parse_value, whole
from tanji.trust.plant_note import COUNTER, PARAMETER
from tanji.trust.tree import root_of_lines

DUPLICATE: Final = 1 << 2
"""The flag of a reading that came after another one of its point and time, and changes nothing (quality.md 2)."""

HIGHEST_WORD: Final = 2**32 - 1
"""The flag word has 32 bits."""

RULE: Final = "payload-form"

_ONE: Final = rb"[a-z0-9_.]{1,96} (?:0|[1-9][0-9]{0,18}) (?:-|[0-9.e+-]{1,32}) (?:0|[1-9][0-9]{0,9})\n"
_LINES: Final = re.compile(rb"(?:" + _ONE + rb")*+")
_LINE: Final = re.compile(_ONE)

_NAME: Final = re.compile(r"[A-Za-z0-9_.:%-]{1,200}", re.ASCII)
"""Names of samples and bases as they stand in a line; every other character is percent-encoded."""

_WORDS: Final = {"sample": 2, "result": 6, "withdrawn": 3}
"""Words after the form of a laboratory's line."""


@dataclass(frozen=True, slots=True)
class PayloadLine:
    """One sealed reading. time_ms : UTC [ms]. value_text : `-` for a failed read. quality : flag word."""

    point: str
    time_ms: int
    value_text: str
    quality: int

    @property
    def value(self) -> float | int | None:
        """The number; None for a failed read."""
        return None if self.value_text == "-" else parse_value(self.value_text)

    @property
    def is_duplicate(self) -> bool:
        """Whether another reading of this point and time stands."""
        return bool(self.quality & DUPLICATE)

    def text(self) -> bytes:
        """The line, line feed included."""
        return f"{self.point} {self.time_ms} {self.value_text} {self.quality}\n".encode("ascii")


@dataclass(frozen=True, slots=True)
class LaboratoryLine:
    """One event of a laboratory: a sample was taken, its result became known, or a result was withdrawn.

    form : `sample`, `result` or `withdrawn`. at_ms : when it was taken or withdrawn; of a result the first moment it
    is valid for, `to_ms` the first one after it [UTC ms]. quantity : `<stream>.<parameter>`. value : as of a float.
    """

    form: str
    sample: str
    at_ms: int
    quantity: str = ""
    to_ms: int = 0
    value: str = ""
    basis: str = ""

    def text(self) -> bytes:
        """The line, line feed included."""
        words = [self.form, _quoted(self.sample)]
        if self.form == "sample":
            words.append(str(self.at_ms))
        elif self.form == "result":
            words += [self.quantity, str(self.at_ms), str(self.to_ms), self.value, _quoted(self.basis)]
        else:
            words += [self.quantity, str(self.at_ms)]
        return (" ".join(words) + "\n").encode("ascii")

    @classmethod
    def parse(cls, line: bytes) -> LaboratoryLine:
        """The event behind a line of the grammar."""
        text = line.decode("ascii", "replace").removesuffix("\n")
        form, *words = text.split(" ")
        if len(words) != _WORDS.get(form) or not all(map(_NAME.fullmatch, (words[0], words[-1]))):
            raise _malformed("a sample, a result or a withdrawal", line)
        if form == "sample":
            return cls(form, unquote(words[0]), _ms(words[1]))
        if not POINT_ID.fullmatch(words[1]):
            raise _malformed("<stream>.<parameter>", line)
        if form == "withdrawn":
            return cls(form, unquote(words[0]), _ms(words[2]), words[1])
        if parse_value(words[4], is_counter=False, where=words[0]) is None:
            raise _malformed("a result with a value", line)
        return cls(form, unquote(words[0]), _ms(words[2]), words[1], _ms(words[3]), words[4], unquote(words[5]))


def parse_line(line: bytes) -> PayloadLine:
    """The reading behind a line of the grammar; the value may be of either spelling."""
    if not _LINE.fullmatch(line):
        raise _malformed("<point_id> <unix_ms> <value> <quality>", line)
    point, time, value, quality = line[:-1].decode("ascii").split(" ")
    if not POINT_ID.fullmatch(point):
        raise _malformed("a point id", line)
    parse_value(value, where=point)
    return PayloadLine(point, _ms(time), value, whole(quality, rule=RULE, where=point, most=HIGHEST_WORD))


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
        raise TrustError(RULE, expected="a line feed at the end", got=_shown(data[-40:]))
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
                raise TrustError("payload-order", expected=f"a line after {_shown(before)}", got=_shown(after))


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
                    raise _malformed("a point id", point.encode())
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
    raise _malformed("<point_id> <unix_ms> <value> <quality>", data)


def _quoted(text: str) -> str:
    return quote(text, safe="_.:-").replace("~", "%7E")  # which `quote` leaves alone whatever it is told


def _ms(text: str) -> int:
    return whole(text, rule=RULE)


def _malformed(expected: str, line: bytes) -> TrustError:
    return TrustError(RULE, expected=expected, got=_shown(line))


def _shown(line: bytes) -> str:
    return line.rstrip(b"\n").decode("utf-8", "replace")
