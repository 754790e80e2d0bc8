"""The lines that a batch seals, one a reading or a laboratory event (trust.md 2.3; R33, R34, R36).

    <point_id> <unix_ms> <value> <quality>
    sample <sample_id> <taken_ms>
    result <sample_id> <stream.parameter> <from_ms> <to_ms> <value> <basis>
    withdrawn <sample_id> <stream.parameter> <at_ms>

The last three are of laboratories. A line is ASCII with single spaces and ends with a line feed; every content has one
spelling. A failed read has the value `-`. Which of two values of one point and time stands is said by the flag
DUPLICATE: the first one carries none. What many lines together have to be is `tanji.trust.payload`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, unquote

from tanji.errors import TrustError
from tanji.trust.canonical import POINT_ID, parse_value, whole

DUPLICATE: Final = 1 << 2
"""The flag of a reading that came after another one of its point and time, and changes nothing (quality.md 2)."""

HIGHEST_WORD: Final = 2**32 - 1
"""The flag word has 32 bits."""

RULE: Final = "payload-form"

READING: Final = rb"[a-z0-9_.]{1,96} (?:0|[1-9][0-9]{0,18}) (?:-|[0-9.e+-]{1,32}) (?:0|[1-9][0-9]{0,9})\n"

_LINE: Final = re.compile(READING)

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
            raise malformed("a sample, a result or a withdrawal", line)
        if form == "sample":
            return cls(form, unquote(words[0]), _ms(words[1]))
        if not POINT_ID.fullmatch(words[1]):
            raise malformed("<stream>.<parameter>", line)
        if form == "withdrawn":
            return cls(form, unquote(words[0]), _ms(words[2]), words[1])
        if parse_value(words[4], is_counter=False, where=words[0]) is None:
            raise malformed("a result with a value", line)
        return cls(form, unquote(words[0]), _ms(words[2]), words[1], _ms(words[3]), words[4], unquote(words[5]))


def parse_line(line: bytes) -> PayloadLine:
    """The reading behind a line of the grammar; the value may be of either spelling."""
    if not _LINE.fullmatch(line):
        raise malformed("<point_id> <unix_ms> <value> <quality>", line)
    point, time, value, quality = line[:-1].decode("ascii").split(" ")
    if not POINT_ID.fullmatch(point):
        raise malformed("a point id", line)
    parse_value(value, where=point)
    return PayloadLine(point, _ms(time), value, whole(quality, rule=RULE, where=point, most=HIGHEST_WORD))


def _quoted(text: str) -> str:
    return quote(text, safe="_.:-").replace("~", "%7E")  # which `quote` leaves alone whatever it is told


def _ms(text: str) -> int:
    return whole(text, rule=RULE)


def malformed(expected: str, line: bytes) -> TrustError:
    """The error for a line that is not of the grammar."""
    return TrustError(RULE, expected=expected, got=shown(line))


def shown(line: bytes) -> str:
    """A line as a message can hold it."""
    return line.rstrip(b"\n").decode("utf-8", "replace")
