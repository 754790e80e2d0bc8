"""Line protocol for a fixed set of points, asked for together again and again.

One template per set: all that is the same in every cycle is written once. For whole tables of readings use
`tanji.acquisition.line_format`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from tanji.acquisition.line_format import series

_TIME = "@"  # in no series key that line_format writes for a valid id, and in no number
_WORD = "#"


class ReadingLines:
    """Turns the values of a set of points into lines of measurement `reading`, times in ms."""

    __slots__ = ("_failed", "_good", "_keys")

    def __init__(self, points: Sequence[str], *, plant_id: str) -> None:
        """points : ids, in the order of the values to come."""
        self._keys = tuple(series(plant_id, point) for point in points)
        self._good = "".join(f"{key} value=%r,quality=0i {_TIME}\n" for key in self._keys)
        self._failed = "".join(f"{key} quality={_WORD}i {_TIME}\n" for key in self._keys)

    def good(self, values: Sequence[float], *, time_ms: int) -> str:
        """Lines of readings without remark. Values are finite."""
        return self._good.replace(_TIME, str(time_ms)) % tuple(values)

    def failed(self, word: int, *, time_ms: int) -> str:
        """Lines of failed reads: the same flag word for all points, no value."""
        return self._failed.replace(_TIME, str(time_ms)).replace(_WORD, str(int(word)))

    def one(self, place: int, value: float | None, word: int, *, time_ms: int) -> str:
        """The line of one point, by its place in the set; a value that is None or not finite is a failed read."""
        if value is None or not math.isfinite(value):
            return f"{self._keys[place]} quality={int(word)}i {time_ms}\n"
        return f"{self._keys[place]} value={value!r},quality={int(word)}i {time_ms}\n"

    def mixed(self, values: Sequence[float | None], words: Sequence[int], *, time_ms: int) -> str:
        """Lines of readings with their own flag words; None, or a value that is not finite, is a failed read."""
        return "".join(
            f"{key} quality={int(word)}i {time_ms}\n"
            if value is None or not math.isfinite(value)
            else f"{key} value={value!r},quality={int(word)}i {time_ms}\n"
            for key, value, word in zip(self._keys, values, words, strict=True)
        )
