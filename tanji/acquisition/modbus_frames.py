"""Modbus questions and answers as bytes: behind a TCP header, or between a unit id and a checksum.

Modbus Application Protocol V1.1b3 section 6 (functions 1 to 4), Modbus Messaging on TCP/IP V1.0b section 3.1.3 (the
header) and Modbus over Serial Line V1.02 section 2.5.1 (the RTU frame; its checksum is pymodbus'). An answer is taken
only if unit id, function and length are those of the question: on TCP the transaction number pairs the two, on a serial
line nothing else does, so whatever else arrives there is skipped.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final, Protocol

from pymodbus.framer import FramerRTU

from tanji.acquisition.registers import BIT_TABLES, Table
from tanji.errors import FrameError, RefusedError

FUNCTIONS: Final[dict[Table, int]] = {"coil": 1, "discrete": 2, "holding": 3, "input": 4}

MOST_UNREAD: Final = 1024
"""Bytes that may wait to be understood; more than four longest answers is noise."""

EXCEPTION: Final = 0x80
HEADER: Final = struct.Struct(">HHHB")
QUESTION: Final = struct.Struct(">BHH")


@dataclass(frozen=True, slots=True)
class Question:
    """One request: which registers (or coils) of which unit id."""

    unit_id: int
    table: Table
    address: int
    count: int

    @property
    def function(self) -> int:
        """The function code."""
        return FUNCTIONS[self.table]

    @property
    def size(self) -> int:
        """Bytes of data in its answer."""
        return -(-self.count // 8) if self.table in BIT_TABLES else 2 * self.count

    @property
    def pdu(self) -> bytes:
        """What is asked, without address and checksum."""
        return QUESTION.pack(self.function, self.address, self.count)


class Framing(Protocol):
    """How questions and answers are wrapped on one kind of line."""

    paired: bool
    """Whether an answer names its question, so that a late one cannot be taken for another."""

    def wrap(self, question: Question, number: int) -> bytes:
        """The frame that asks; `number` is the transaction's."""

    def unwrap(self, received: bytearray, question: Question, number: int) -> bytes | None:
        """The data of the answer, None until it is complete. What belongs to no answer is taken out of `received`.

        Errors: RefusedError for an exception answer, FrameError for an answer that cannot be one.
        """


class TcpFraming:
    """The header of Modbus TCP: transaction number, protocol 0, length, unit id."""

    paired = True

    def wrap(self, question: Question, number: int) -> bytes:
        """The frame that asks."""
        return HEADER.pack(number, 0, 6, question.unit_id) + question.pdu

    def unwrap(self, received: bytearray, question: Question, number: int) -> bytes | None:
        """The data of the answer; answers to earlier questions are dropped."""
        while len(received) >= HEADER.size:
            transaction, protocol, length, unit = HEADER.unpack_from(received)
            if protocol != 0 or not 3 <= length <= 254:
                raise FrameError(f"expected a Modbus TCP header, got {bytes(received[:7]).hex(' ')}", broken=True)
            if len(received) < 6 + length:
                return None
            pdu = bytes(received[HEADER.size : 6 + length])
            del received[: 6 + length]
            if transaction != number:
                continue  # late: its question has been given up
            if unit != question.unit_id:
                raise FrameError(f"expected unit {question.unit_id}, got {unit}")
            return data_of(pdu, question)
        return None


class RtuFraming:
    """Unit id in front, checksum behind; where a frame ends is known from the question."""

    paired = False

    def wrap(self, question: Question, number: int) -> bytes:
        """The frame that asks."""
        return with_checksum(bytes((question.unit_id,)) + question.pdu)

    def unwrap(self, received: bytearray, question: Question, number: int) -> bytes | None:
        """The data of the answer, wherever it begins: noise before it is common on a serial line."""
        unit, function, whole = question.unit_id, question.function, 5 + question.size
        for start in range(len(received) - 4):
            if received[start] != unit or received[start + 1] & ~EXCEPTION != function:
                continue
            refused = bool(received[start + 1] & EXCEPTION)
            if not refused and received[start + 2] != question.size:
                continue
            frame = bytes(received[start : start + (5 if refused else whole)])
            if len(frame) < whole and not refused:
                continue
            if frame == with_checksum(frame[:-2]):
                del received[: start + len(frame)]
                return data_of(frame[1:-2], question)
            if start == 0 and not refused:
                raise FrameError("expected a right checksum, got a damaged answer", damaged=True)
        if len(received) > MOST_UNREAD:
            raise FrameError("expected an answer, got noise", damaged=True)
        return None


def data_of(pdu: bytes, question: Question) -> bytes:
    """The data bytes of an answer without address and checksum."""
    function = question.function
    if pdu[0] == function | EXCEPTION and len(pdu) == 2:
        raise RefusedError(pdu[1])
    if pdu[0] != function:
        raise FrameError(f"expected function {function}, got {pdu[0]}")
    if len(pdu) != 2 + pdu[1]:
        raise FrameError(f"expected {pdu[1]} bytes as the answer says, got {len(pdu) - 2}")
    if pdu[1] != question.size:
        if question.table in BIT_TABLES:
            raise FrameError(f"expected {8 * question.size} bits, got {8 * pdu[1]}")
        raise FrameError(f"expected {question.count} registers, got {pdu[1] // 2}")
    return pdu[2:]


def with_checksum(frame: bytes) -> bytes:
    """The frame with its CRC-16 behind, the low byte first."""
    return frame + FramerRTU.compute_CRC(frame).to_bytes(2, "big")
