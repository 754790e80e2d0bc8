"""What an answer of a Modbus device is worth: the words that were asked for, or why there are none.

Exception codes: Modbus Application Protocol V1.1b3 section 7; functions and lengths of answers: section 6. pymodbus
pairs answers with requests by transaction and unit alone, so function and length are checked here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from tanji.acquisition.blocks import Block
from tanji.acquisition.flags import Flag
from tanji.acquisition.registers import BIT_TABLES, Table

FUNCTIONS: Final[dict[Table, int]] = {"coil": 1, "discrete": 2, "holding": 3, "input": 4}
# Busy, or a gateway that cannot reach the unit: nothing is known about the meter. All other refusals are its fault.
COMMUNICATION_CODES: Final = frozenset({0x05, 0x06, 0x0A, 0x0B})
SILENCE_CODES: Final = frozenset({0x0A, 0x0B})


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why there are no words: the flag for the points, what it says about the peer, and what is told of it."""

    flag: Flag
    said: str = ""
    silent: bool = False
    disconnected: bool = False
    code: int = 0


def words_of(block: Block, answer: Any) -> Sequence[int] | Refusal:
    """The words (or bits) of pymodbus' answer to a request for this block."""
    if answer.isError():
        code = answer.exception_code
        flag = Flag.COMM if code in COMMUNICATION_CODES else Flag.FAULT
        return Refusal(flag, f"refuses with code {code}", silent=code in SILENCE_CODES, code=code)
    function = FUNCTIONS[block.table]
    if answer.function_code != function:
        return _wrong(f"function {function}", answer.function_code)
    if block.table in BIT_TABLES:
        bits = -(-block.count // 8) * 8  # whole bytes come
        if len(answer.bits) != bits:
            return _wrong(f"{bits} bits", len(answer.bits))
        return answer.bits[: block.count]
    if len(answer.registers) != block.count:
        return _wrong(f"{block.count} registers", len(answer.registers))
    return answer.registers


def _wrong(expected: str, got: int) -> Refusal:
    return Refusal(Flag.FAULT, f"gives a wrong answer: expected {expected}, got {got}")
