"""What Telegraf's OPC UA listener says of quality: the text of a status code beside the value.

While a node is bad, Telegraf 1.39 sends one line with the last good value, the status in the field `Quality` and the
timestamp of that last good reading (platform.md section 3). Taken as it stands it would repeat an old value, and in a
database overwrite a good row. So only `StatusGood (0x0)` is a reading; any other status is a flag from its arrival on.
"""

from __future__ import annotations

import re
from typing import Final

from tanji.acquisition.flags import Flag, from_opcua

FIELD: Final = b"Quality"
"""The field's name; our own flag word is `quality`."""

GOOD: Final = 0

_CODE: Final = re.compile(r"\(0x([0-9A-Fa-f]{1,8})\)\s*\Z")


def status_of(text: object) -> int | None:
    """The status code that ends a text like `The operation succeeded. StatusGood (0x0)`; None if there is none."""
    match = _CODE.search(text) if isinstance(text, str) else None
    return None if match is None else int(match[1], 16)


def reading(
    status: int, value: float | None, word: int, *, time_ms: int, arrival_ms: int
) -> tuple[float | None, int, int]:
    """Value, flag word and time [UTC ms] of a line with this status.

    Telegraf keeps the value of before for every status but Good, also for one that is good with a remark: hence STALE
    where the status itself says nothing.
    """
    if status == GOOD:
        return (value, word, time_ms) if value is not None else (None, word | Flag.FAULT, arrival_ms)
    return None, word | (from_opcua(status) or Flag.STALE), arrival_ms
