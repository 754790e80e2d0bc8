"""What became of a question: the data that was asked for, or why there is none and what to do about it.

Exception codes: Modbus Application Protocol V1.1b3 section 7. A code says something about the meter (FAULT), or only
that it could not be reached just now (COMM); some are worth another try, and two mean that the request was too wide.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tanji.acquisition.flags import Flag
from tanji.errors import AcquisitionError, FrameError, LineLost, RefusedError, Silence

ILLEGAL_FUNCTION, ILLEGAL_ADDRESS, ILLEGAL_VALUE, DEVICE_FAILURE = 1, 2, 3, 4
ACKNOWLEDGE, BUSY, GATEWAY_PATH, GATEWAY_TARGET = 5, 6, 10, 11

# Busy, or a gateway that cannot reach the unit: nothing is known about the meter. All other refusals are its fault.
COMMUNICATION_CODES: Final = frozenset({ACKNOWLEDGE, BUSY, GATEWAY_PATH, GATEWAY_TARGET})
SILENCE_CODES: Final = frozenset({GATEWAY_PATH, GATEWAY_TARGET})
LATER_CODES: Final = frozenset({ACKNOWLEDGE, BUSY})
TOO_WIDE_CODES: Final = frozenset({ILLEGAL_ADDRESS, ILLEGAL_VALUE})


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why there is no data.

    flag : for the points. said : what is told of it. silent : the unit was not reached. disconnected : the line was
    closed. again : another try may succeed, at once; later : when the others have had their turn. too_wide : a part of
    what was asked may be answered.
    """

    flag: Flag
    said: str = ""
    silent: bool = False
    disconnected: bool = False
    again: bool = False
    later: bool = False
    too_wide: bool = False
    code: int | None = None


def refusal_of(error: Exception) -> Refusal:
    """What an error of `Line.ask` means for the points that were asked for."""
    if isinstance(error, RefusedError):
        code = error.code
        return Refusal(
            Flag.COMM if code in COMMUNICATION_CODES else Flag.FAULT,
            str(error),
            silent=code in SILENCE_CODES,
            later=code in LATER_CODES,
            too_wide=code in TOO_WIDE_CODES,
            code=code,
        )
    if isinstance(error, Silence):
        return Refusal(Flag.COMM, str(error), silent=True, later=True)
    if isinstance(error, LineLost):
        return Refusal(Flag.COMM, str(error), disconnected=True, again=True)
    if isinstance(error, FrameError):
        hurt = error.damaged or error.broken
        said = f"gives a wrong answer: {error}"
        return Refusal(Flag.COMM if hurt else Flag.FAULT, said, disconnected=error.broken, again=hurt)
    assert not isinstance(error, AcquisitionError)
    return Refusal(Flag.FAULT, f"cannot be read: {error!r}")
