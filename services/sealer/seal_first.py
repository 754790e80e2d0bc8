"""The first sealed value of a point and time stands (trust.md 2.3, 2.8): what of a cut is sealed, and with which flags.

A reading newer than everything sealed of its point is new; that is the usual case and costs a sort. Any other, and
those of one point and time in one cut, are held against what was sealed before and against each other in their order
of arrival: an identical repeat is dropped, a value fills a failed read, everything else is sealed with DUPLICATE. The
forwarder follows the same rule towards the store (`services.sealer.first_value`), so both keep the same value.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from services.sealer.rows import Rows
from services.sealer.seal_history import History, Lines
from services.sealer.seal_lines import FAILED, Points, value_texts
from tanji.trust.payload_line import DUPLICATE


@dataclass(frozen=True, slots=True)
class Sealed:
    """Rows to be sealed, sorted by point and time; how many were repeats, and how many came second."""

    rows: Rows
    repeated: int
    duplicate: int


class FirstSealed:
    """Knows for every point the newest time that was sealed of it, or at least one that is not older."""

    def __init__(self, points: Points, history: History) -> None:
        self._points, self._history = points, history
        self._newest = np.full(len(points.names), history.latest_ms)

    def decide(self, rows: Rows, *, unknown_before_ms: int = 0) -> Sealed:
        """What of `rows`, in their order of arrival, is sealed.

        unknown_before_ms : what was sealed of older times cannot be known here, so such a reading only stands beside
        one that is known [UTC ms]. A second first value would make the whole chain contradict itself.
        """
        rows = rows.take(np.lexsort((rows.time, rows.point)))
        same = (rows.point[1:] == rows.point[:-1]) & (rows.time[1:] == rows.time[:-1])
        special = (rows.time <= self._newest[rows.point]) | (rows.time < unknown_before_ms)
        special[1:] |= same
        special[:-1] |= same
        index = np.flatnonzero(special)
        if not len(index):
            return Sealed(rows, 0, 0)
        kept, words = self._judge(rows.take(index), unknown_before_ms)
        keep = np.ones(len(rows), bool)
        keep[index] = kept
        quality = rows.quality.copy()
        quality[index] = words
        found = Rows(rows.point, rows.time, rows.value, rows.present, quality).take(keep)
        return Sealed(found, int(len(index) - kept.sum()), int((words[kept] & DUPLICATE != 0).sum()))

    def sealed(self, rows: Rows) -> None:
        """These rows are sealed now."""
        np.maximum.at(self._newest, rows.point, rows.time)

    def _judge(self, rows: Rows, unknown_before_ms: int) -> tuple[np.ndarray, np.ndarray]:
        """Which of rows that may not be new are sealed, and with which flag word."""
        names = [name.encode("ascii") for name in self._points.names]
        keys = [
            b"%b %d " % (names[point], time)
            for point, time in zip(rows.point.tolist(), rows.time.tolist(), strict=True)
        ]
        known = self._history.find(keys, rows.time)
        kept = np.zeros(len(rows), bool)
        words = rows.quality.copy()
        texts = value_texts(rows, self._points).to_pylist()
        unknown = (rows.time < unknown_before_ms).tolist()
        for place, (key, text, word) in enumerate(zip(keys, texts, words.tolist(), strict=True)):
            found = _add(known, key, text, word, is_unknown=unknown[place])
            if found is not None:
                kept[place], words[place] = True, found
        return kept, words


def _add(known: Lines, key: bytes, text: str, word: int, *, is_unknown: bool) -> int | None:
    """The flag word with which a reading is sealed beside what is known of its point and time; None for a repeat."""
    others = known.setdefault(key, [])
    if _line(text, word) in others:
        return None
    if is_unknown or (others and (text == FAILED or any(_stands(line) for line in others))):
        word |= DUPLICATE
        if _line(text, word) in others:
            return None
    others.append(_line(text, word))
    return word


def _stands(line: bytes) -> bool:
    """Whether a sealed line has a value and no DUPLICATE."""
    value, _, word = line.partition(b" ")
    return value != FAILED.encode() and not int(word) & DUPLICATE


def _line(text: str, word: int) -> bytes:
    return f"{text} {word}\n".encode("ascii")
