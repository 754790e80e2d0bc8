"""Telegrams of HJ 212-2017, and of HJ/T 212-2005 where it differs: bytes in, fields out, and back.

A telegram is `##`, four digits of length, the data segment, four hexadecimal digits of CRC, CR LF (HJ 212-2017 6.3).
The data segment is `QN=..;ST=..;CN=..;PW=..;MN=..;Flag=..;PNUM=..;PNO=..;CP=&&..&&`; the data area between the two `&&`
is groups parted by `;`, each of items `name=value` parted by `,`. Reading is strict about the form and keeps the order
and the spelling of everything, so that a telegram is written again byte for byte. The CRC is the standard's own
(annex A): not that of Modbus, although the polynomial is the same. Finding telegrams in a stream is
`tanji.acquisition.hj212_stream`, what their data mean is `tanji.acquisition.hj212_data`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from tanji.acquisition.hj212_crc import crc16
from tanji.errors import TelegramError

START: Final = b"##"
END: Final = b"\r\n"
LONGEST: Final = 9999
"""Bytes of a data segment: what four digits can say. The standard allows 1,024; devices in the field send more."""

OVERHEAD: Final = 12
"""Bytes of a telegram around its data segment: start, length, CRC, end."""

ANSWER_WANTED, HAS_PARTS, EDITION_SHIFT = 1, 2, 2
"""Flag, HJ 212-2017 table 3: bit 0 asks for an answer (A), bit 1 says that PNUM and PNO follow (D), the rest (V5..V0)
is the edition: 0 for 2005, 1 for 2017, higher ones for what came after."""

Pair = tuple[str, str]
Group = tuple[Pair, ...]

FORMS: Final[dict[str, tuple[str, str]]] = {
    "QN": (r"\d{17}", "17 digits, YYYYMMDDhhmmsszzz"),
    "ST": (r"[0-9A-Za-z]{2}", "two letters or digits"),
    "CN": (r"\d{4}", "four digits"),
    "PW": (r"[^;,=&\s]{0,32}", "at most 32 characters without ; , = & or blanks"),
    "MN": (r"[0-9A-Za-z_-]{1,32}", "1 to 32 letters, digits, _ or -"),
    "Flag": (r"(25[0-5]|2[0-4]\d|[01]?\d?\d)", "a whole number from 0 to 255"),
    "PNUM": (r"(?!0+$)\d{1,4}", "a whole number from 1 to 9999"),
    "PNO": (r"(?!0+$)\d{1,4}", "a whole number from 1 to 9999"),
}
"""Header fields of a data segment, their form, and the form in words (HJ 212-2017 table 2)."""

REQUIRED: Final = ("ST", "CN", "PW", "MN")
_FORMS: Final = {name: re.compile(form, re.ASCII) for name, (form, _) in FORMS.items()}
_SHOWN: Final = 40
_TAIL: Final = re.compile(rb"[0-9A-Fa-f]{4}\r\n")


@dataclass(frozen=True)
class Telegram:
    """One telegram: header fields in the order they came, and the groups of the data area."""

    header: Group
    groups: tuple[Group, ...] = ()

    @cached_property
    def fields(self) -> dict[str, str]:
        """Header fields by name; `Flag` under this spelling however it was written."""
        return {_canonical(name): value for name, value in self.header}

    @property
    def qn(self) -> str:
        """Request number, the moment it was made: `YYYYMMDDhhmmsszzz`; empty where there is none (2005)."""
        return self.fields.get("QN", "")

    @property
    def st(self) -> str:
        """System, HJ 212-2017 table 5: 31 air pollution source, 32 water, 91 the talk between the two ends."""
        return self.fields["ST"]

    @property
    def cn(self) -> str:
        """Command, HJ 212-2017 table 9: 2011 present values, 2051 minutes, 2061 hours, 2031 days, 9014 answer."""
        return self.fields["CN"]

    @property
    def pw(self) -> str:
        """The station's password."""
        return self.fields["PW"]

    @property
    def mn(self) -> str:
        """The station's number."""
        return self.fields["MN"]

    @property
    def flag(self) -> int:
        """The flag byte; 0 where there is none (2005)."""
        return int(self.fields.get("Flag", "0"))

    @property
    def answer_wanted(self) -> bool:
        """Whether the sender waits for an answer, and will send again without one."""
        return bool(self.flag & ANSWER_WANTED)

    @property
    def edition(self) -> int:
        """Edition of the standard: 0 for HJ/T 212-2005, 1 for HJ 212-2017, higher for a later one."""
        return self.flag >> EDITION_SHIFT

    @property
    def part(self) -> tuple[int, int]:
        """Number of this part from 1, and how many there are; (1, 1) for a whole telegram."""
        if "PNUM" not in self.fields:
            return 1, 1
        return int(self.fields["PNO"]), int(self.fields["PNUM"])

    def __repr__(self) -> str:
        """For logs: never the password."""
        return f"Telegram(QN={self.qn}, ST={self.st}, CN={self.cn}, MN={self.mn}, {len(self.groups)} groups)"


def parse(telegram: bytes) -> Telegram:
    """Read one whole telegram, from `##` to CR LF. Raises TelegramError with the position of the first fault."""
    if not telegram.startswith(START):
        raise TelegramError(0, expected="##", got=shown(telegram[:2]))
    length = segment_length(telegram)
    if len(telegram) != length + OVERHEAD:
        expected = f"{length + OVERHEAD} bytes, since the data segment has {length}"
        raise TelegramError(min(len(telegram), length + OVERHEAD), expected=expected, got=f"{len(telegram)}")
    check_end(telegram, length=length)
    return parse_segment(telegram[6 : 6 + length], offset=6)


def segment_length(telegram: bytes) -> int:
    """Length of the data segment that a telegram's bytes 2 to 5 tell [byte]."""
    digits = telegram[2:6]
    if len(digits) != 4 or not digits.isdigit():
        raise TelegramError(2, expected="four digits, the length of the data segment", got=shown(digits))
    return int(digits)


def check_end(telegram: bytes, *, length: int) -> None:
    """What follows a data segment of that length is its CRC and CR LF; returns nothing or raises."""
    tail = telegram[6 + length : 12 + length]
    if not _TAIL.fullmatch(tail):
        raise TelegramError(6 + length, expected="four hexadecimal digits of CRC, CR and LF", got=shown(tail))
    crc = crc16(telegram[6 : 6 + length])
    if int(tail[:4], 16) != crc:
        raise TelegramError(6 + length, expected=f"the CRC {crc:04X}", got=tail[:4].decode())


def parse_segment(segment: bytes, *, offset: int = 0) -> Telegram:
    """Read a data segment; `offset` is where it stands in its telegram, for positions in messages."""
    text = segment.decode("utf-8", "surrogateescape")
    head, begin, rest = text.partition("CP=&&")
    if not begin:
        raise TelegramError(offset + len(segment), expected="CP=&& and the data area", got="the end")
    area, end, surplus = rest.rpartition("&&")
    if not end or surplus:
        surplus = surplus if end else ""
        position = offset + len(segment) - _size(surplus)
        raise TelegramError(position, expected="&& and the end of the data segment", got=shown(surplus))
    header = _header(head, offset=offset)
    return Telegram(header, _groups(area, offset=offset + _size(head) + 5))


def format_segment(telegram: Telegram) -> bytes:
    """The data segment of a telegram."""
    head = "".join(f"{name}={value};" for name, value in telegram.header)
    area = ";".join(",".join(f"{name}={value}" for name, value in group) for group in telegram.groups)
    return f"{head}CP=&&{area}&&".encode("utf-8", "surrogateescape")


def format_telegram(telegram: Telegram) -> bytes:
    """The telegram as it goes over the line. Raises TelegramError if it is longer than four digits can say."""
    segment = format_segment(telegram)
    if len(segment) > LONGEST:
        raise TelegramError(LONGEST, expected=f"at most {LONGEST} bytes; send it in parts", got=f"{len(segment)}")
    return b"##%04d%b%04X\r\n" % (len(segment), segment, crc16(segment))


def shown(data: bytes | str) -> str:
    """Bytes for a message, cut short; `the end` for none."""
    text = data if isinstance(data, str) else data.decode("utf-8", "backslashreplace")
    cut = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
    return repr(cut) if text else "the end"


def _header(head: str, *, offset: int) -> Group:
    if not head.endswith(";"):
        raise TelegramError(offset + _size(head), expected="; before CP", got=shown(head[-1:]))
    pairs: list[Pair] = []
    seen: dict[str, str] = {}
    position = offset
    for item in head[:-1].split(";"):
        name, equals, value = item.partition("=")
        key = _canonical(name)
        if not equals or key not in _FORMS:
            raise TelegramError(position, expected=f"one of {', '.join(FORMS)} and =", got=shown(item))
        if key in seen:
            raise TelegramError(position, expected=f"{key} once", got="it again")
        if not _FORMS[key].fullmatch(value):
            got = "something else" if key == "PW" else shown(value)
            raise TelegramError(position + _size(name) + 1, expected=f"{key}: {FORMS[key][1]}", got=got)
        seen[key] = value
        pairs.append((name, value))
        position += _size(item) + 1
    _check_together(seen, position=position)
    return tuple(pairs)


def _check_together(seen: dict[str, str], *, position: int) -> None:
    """Fields that need each other."""
    for name in REQUIRED:
        if name not in seen:
            raise TelegramError(position, expected=f"{name}= before CP", got="none")
    if ("PNUM" in seen) != ("PNO" in seen):
        raise TelegramError(position, expected="PNUM and PNO together", got="one of them")
    if "PNUM" in seen and int(seen["PNO"]) > int(seen["PNUM"]):
        expected = f"a PNO of at most PNUM, {int(seen['PNUM'])}"
        raise TelegramError(position, expected=expected, got=str(int(seen["PNO"])))
    if int(seen.get("Flag", "0")) & HAS_PARTS and "PNUM" not in seen:
        raise TelegramError(position, expected="PNUM and PNO, since Flag says that they follow", got="none")


def _groups(area: str, *, offset: int) -> tuple[Group, ...]:
    if not area:
        return ()
    groups: list[Group] = []
    position = offset
    for text in area.split(";"):
        pairs: list[Pair] = []
        for item in text.split(",") if text else ():
            name, equals, value = item.partition("=")
            if not equals or not name:
                raise TelegramError(position, expected="an item name=value", got=shown(item) if item else "nothing")
            pairs.append((name, value))
            position += _size(item) + 1
        position += 0 if pairs else 1
        groups.append(tuple(pairs))
    return tuple(groups)


def _canonical(name: str) -> str:
    return "Flag" if name.upper() == "FLAG" else name


def _size(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogateescape"))
