"""What the data area of an HJ 212 telegram says: factors with their values, marks and times.

Both editions are read: `a05001-Rtd=12.1,a05001-Flag=N` (2017, codes of HJ 524) and `02-Rtd=..,02-Flag=N` (2005).
A factor's items may stand in one group or in several. Its mark becomes the flag word (`tanji.acquisition.flags`); a
value that is no number is a failed read, never a zero. Which point a factor belongs to is the receiver's business.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import Final

from tanji.acquisition.flags import NONE, Flag, from_hj212
from tanji.acquisition.hj212 import Group
from tanji.errors import CodecError, TelegramError

PERIODS: Final = {"2011": "", "2051": "minute", "2061": "hour", "2031": "day"}
"""Commands that carry measured values, and what the values are over (HJ 212-2017 table 9)."""

FIELDS: Final = {
    "Rtd": "rtd", "ZsRtd": "zs_rtd", "Avg": "avg", "Min": "min", "Max": "max", "Cou": "cou", "ZsAvg": "zs_avg",
    "ZsMin": "zs_min", "ZsMax": "zs_max",
}  # fmt: skip
"""Items of a factor that are values (HJ 212-2017 table 8). Zs is converted to the reference oxygen (折算)."""

_PRESENT: Final = ("Rtd", "ZsRtd")
_NUMBER: Final = re.compile(r"[-+]?(\d{1,300}(\.\d*)?|\.\d+)([eE][-+]?\d{1,3})?", re.ASCII)
_LONGEST_CODE: Final = 20
_TIME: Final = re.compile(r"20\d{12}(\d{3})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Factor:
    """One factor of a telegram: its code and its items by name."""

    code: str
    items: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The code for a log, where nothing from outside may break a line."""
        return self.code if self.code.isalnum() and len(self.code) <= _LONGEST_CODE else repr(self.code[:_LONGEST_CODE])

    @property
    def marked(self) -> bool:
        """Whether the station says what its values are worth."""
        return "Flag" in self.items

    @property
    def has_value(self) -> bool:
        """Whether there is anything measured."""
        return not self.items.keys().isdisjoint(FIELDS)


@dataclass(frozen=True, slots=True)
class Measured:
    """One value of one factor: kind `rtd`, `minute_avg`, ...; value None for a failed read; time in UTC ms."""

    code: str
    kind: str
    value: float | None
    quality: int
    time_ms: int


@dataclass(frozen=True, slots=True)
class Report:
    """What a data telegram says, and what in it was odd."""

    time_ms: int
    measured: tuple[Measured, ...]
    remarks: tuple[str, ...] = ()


def kind_of(command: str, item: str) -> str | None:
    """Kind of a value by its command and its item, e.g. `minute_avg` for 2051 and Avg; None if it is no value."""
    period, name = PERIODS.get(command), FIELDS.get(item)
    if period is None or name is None or (item in _PRESENT) != (period == ""):
        return None
    return f"{period}_{name}" if period else name


KINDS: Final = tuple(kind for cn in PERIODS for item in FIELDS if (kind := kind_of(cn, item)) is not None)
"""Every kind of value a station can send."""


def factors(groups: Sequence[Group]) -> tuple[Factor, ...]:
    """The factors of a data area in the order they begin; the same code with an item again is another factor."""
    found: list[Factor] = []
    latest: dict[str, Factor] = {}
    for group in groups:
        for name, value in group:
            code, dash, item = name.rpartition("-")
            if not dash or not code:
                continue
            factor = latest.get(code)
            if factor is None or item in factor.items:
                factor = latest[code] = Factor(code, {})
                found.append(factor)
            factor.items[item] = value
    return tuple(found)


def plain(groups: Sequence[Group]) -> dict[str, str]:
    """Items of a data area that belong to no factor: DataTime, RestartTime, PolId, QnRtn ..."""
    return {name: value for group in groups for name, value in group if "-" not in name}


def moment(text: str, *, zone: tzinfo) -> int:
    """UTC ms of `YYYYMMDDhhmmss`, with or without ms, on the clocks of `zone`. Raises TelegramError."""
    try:
        if not _TIME.fullmatch(text):
            raise ValueError
        local = datetime.strptime(text[:14], "%Y%m%d%H%M%S").replace(tzinfo=zone)
    except ValueError:
        expected = "a time YYYYMMDDhhmmss from 2000 to 2099"
        raise TelegramError(0, expected=expected, got=repr(text[:20])) from None
    return round(local.timestamp()) * 1000 + int(text[14:] or 0)


def local_text(time_ms: int, *, zone: tzinfo, ms: bool = False) -> str:
    """The inverse of `moment`; with `ms`, all 17 digits, as in QN."""
    at = datetime.fromtimestamp(time_ms // 1000, tz=zone)  # whole seconds, or floats would round milliseconds away
    return at.strftime("%Y%m%d%H%M%S") + (f"{time_ms % 1000:03d}" if ms else "")


def report(
    groups: Sequence[Group], *, command: str, edition: int, zone: tzinfo, data_time: str = "", whole: bool = True
) -> Report:
    """Read the data area of a telegram that carries measured values.

    data_time : for parts that have none of their own. whole : False if parts are missing, so that a factor without a
    mark may have lost it. Raises TelegramError if DataTime is no time.
    """
    time_ms = moment(plain(groups).get("DataTime", data_time), zone=zone)
    measured: list[Measured] = []
    remarks: list[str] = []
    for factor in factors(groups):
        word = _mark(factor, edition=edition, remarks=remarks)
        if not whole and not factor.marked:
            word |= Flag.COMM
        at_ms = _sampled(factor, time_ms=time_ms, zone=zone, remarks=remarks)
        for item, text in factor.items.items():
            kind = kind_of(command, item)
            if kind is None:
                continue
            value = _number(text)
            if value is None and word == NONE:
                remarks.append(f"{factor.name}-{item}: expected a number, got {text[:20]!r}")
            failed = Flag.FAULT if value is None and word == NONE else NONE
            measured.append(Measured(factor.code, kind, value, int(word | failed), at_ms))
    return Report(time_ms, tuple(measured), tuple(remarks))


def _mark(factor: Factor, *, edition: int, remarks: list[str]) -> Flag:
    """The flag word of a factor; a mark nobody knows makes the value unusable, since only N is good."""
    letter = factor.items.get("Flag", "")
    if not letter:
        return NONE
    try:
        return from_hj212(letter, edition=2005 if edition == 0 else 2017)
    except CodecError as error:
        remarks.append(f"{factor.name}-Flag: {error}")
        return Flag.FAULT


def _sampled(factor: Factor, *, time_ms: int, zone: tzinfo, remarks: list[str]) -> int:
    """When a factor was measured: its SampleTime where an analyser takes longer than a telegram, else DataTime."""
    text = factor.items.get("SampleTime", "")
    if not text:
        return time_ms
    try:
        return moment(text, zone=zone)
    except TelegramError as error:
        remarks.append(f"{factor.name}-SampleTime: expected {error.expected}, got {error.got}")
        return time_ms


def _number(text: str) -> float | None:
    if not _NUMBER.fullmatch(text):
        return None
    value = float(text)
    return value if abs(value) < 1e308 else None
