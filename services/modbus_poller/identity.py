"""Serial numbers of instruments, read once: evidence of which device the readings came from, never a reading.

They are asked for when a cycle has time left, one at a time. A number that is not the one of the plant file is told
once: the meter was exchanged, or a cable is on the wrong terminal.
"""

from __future__ import annotations

import logging
import struct
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from services.modbus_poller.line import Line
from tanji.acquisition.modbus_frames import Question
from tanji.acquisition.register_text import text_of
from tanji.acquisition.registers import RegisterLayout, decode
from tanji.errors import AcquisitionError, CodecError, LineLost

MOST_TRIES: Final = 3
"""A register that was refused, unreadable or not answered for this often is not there."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SerialNumber:
    """Where a meter keeps its serial number. layout : a number; None: `question` is text, two characters a register.

    expected : what the plant file says it is; empty: nothing.
    """

    meter: str
    question: Question
    layout: RegisterLayout | None = None
    swapped: bool = False
    expected: str = ""

    def text(self, data: bytes) -> str:
        """The serial number in an answer. Errors: CodecError."""
        words = struct.unpack(f">{self.question.count}H", data)
        if self.layout is None:
            return text_of(words, swapped=self.swapped)
        number = decode(words, self.layout)
        if not number.is_integer():
            raise CodecError(f"expected a whole serial number, got {number}")
        return str(int(number))


class Identities:
    """The serial numbers of one line's instruments."""

    def __init__(self, serials: Sequence[SerialNumber], *, name: str) -> None:
        """name : of the device, for messages."""
        self._waiting = [(serial, MOST_TRIES) for serial in serials]
        self._known: dict[str, str] = {}
        self._name = name

    def known(self) -> dict[str, str]:
        """By meter id, as far as they have been read."""
        return dict(self._known)

    async def read_one(self, line: Line, *, within_s: float, silent: Collection[int] = ()) -> None:
        """Ask for the next one that is not known yet, if there is any; not of units that are silent anyway."""
        place = next((i for i, (each, _) in enumerate(self._waiting) if each.question.unit_id not in silent), None)
        if place is None:
            return
        serial, tries = self._waiting.pop(place)
        try:
            data = await line.ask(serial.question, within_s=within_s)
            self._note(serial, serial.text(data))
        except LineLost:
            self._waiting.append((serial, tries))
        except AcquisitionError as error:
            if tries > 1:
                self._waiting.append((serial, tries - 1))
            else:
                log.warning("%s: serial number of %s cannot be read: %s", self._name, serial.meter, error)

    def _note(self, serial: SerialNumber, text: str) -> None:
        self._known[serial.meter] = text
        log.info("%s: %s has serial number %s", self._name, serial.meter, text)
        if serial.expected and serial.expected != text:
            log.warning("%s: %s has serial number %s, expected %s", self._name, serial.meter, text, serial.expected)
