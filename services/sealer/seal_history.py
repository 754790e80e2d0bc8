"""What was sealed before, asked for by point and time: the payload files themselves, never the store (trust.md 2.8).

Of every batch only the ranges of its times and the digest of its file are kept in memory; a file is read when a reading
falls into one of them, and held against its digest.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import sha256

import numpy as np

from tanji.errors import TrustError
from tanji.trust.payload import split_lines

NEVER = -(1 << 62)
"""Before every time."""

GAP_MS = 600_000
"""Times further apart than this begin a new range, so that one wrong clock does not make a batch meet all others."""

MOST_RANGES = 16
FEW_KEYS = 16
DIGEST_BYTES = 32

Range = tuple[int, int]
Lines = dict[bytes, list[bytes]]
"""Sealed lines by `point time `, without that beginning."""


class History:
    """Ranges of times of all batches. open_payload : the payload of a sequence number, from disk."""

    def __init__(self, open_payload: Callable[[int], bytes]) -> None:
        self._open = open_payload
        self._first, self._last, self._place = array("q"), array("q"), array("q")
        self._seq, self._digests = array("q"), bytearray()  # by place
        self.latest_ms = NEVER

    def add(self, seq: int, ranges: Iterable[Range], *, digest: bytes) -> None:
        """A batch has been sealed; times of each range are included [UTC ms]. digest : SHA-256 of the payload file."""
        for first, last in ranges:
            self._first.append(first)
            self._last.append(last)
            self._place.append(len(self._seq))
            self.latest_ms = max(self.latest_ms, last)
        self._seq.append(seq)
        self._digests += digest

    def find(self, keys: Sequence[bytes], times: np.ndarray) -> Lines:
        """What was sealed of these keys, `point time `; `times` are theirs [UTC ms]. Keys without a line are absent."""
        found: Lines = {}
        if not len(self._first) or not len(keys):
            return found
        order = np.argsort(times, kind="stable")
        ordered = times[order]
        begin = np.searchsorted(ordered, np.array(self._first))
        end = np.searchsorted(ordered, np.array(self._last), side="right")
        for number in np.flatnonzero(end > begin).tolist():
            wanted = {keys[place] for place in order[begin[number] : end[number]].tolist()}
            for key, rest in _lines_of(self._payload(self._place[number]), wanted):
                found.setdefault(key, []).append(rest)
        return found

    def _payload(self, place: int) -> bytes:
        seq = self._seq[place]
        payload = self._open(seq)
        if sha256(payload).digest() != self._digests[place * DIGEST_BYTES : (place + 1) * DIGEST_BYTES]:
            where, expected = f"seal/payload of batch {seq}", "the lines that were sealed"
            raise TrustError("payload-root", where=where, expected=expected, got="others")
        return payload


def _lines_of(payload: bytes, keys: set[bytes]) -> Iterator[tuple[bytes, bytes]]:
    """The lines that begin with one of these keys, without it."""
    if len(keys) <= FEW_KEYS:  # a search of bytes beats cutting them into lines
        padded = b"\n" + payload
        for key in keys:
            at = padded.find(b"\n" + key)
            while at >= 0:
                end = padded.index(b"\n", at + 1)
                yield key, padded[at + 1 + len(key) : end + 1]
                at = end if padded.startswith(key, end + 1) else -1
        return
    lines = split_lines(payload)
    for key in keys:
        at = bisect_left(lines, key)
        while at < len(lines) and lines[at].startswith(key):
            yield key, lines[at][len(key) :]
            at += 1


def ranges_of(times: np.ndarray) -> tuple[Range, ...]:
    """Few ranges that hold all of these times [UTC ms]."""
    if not len(times):
        return ()
    ordered = np.sort(times)
    gaps = np.diff(ordered)
    widest = np.argsort(gaps, kind="stable")[::-1][: MOST_RANGES - 1]
    cuts = np.sort(widest[gaps[widest] > GAP_MS])
    firsts = ordered[np.concatenate(([0], cuts + 1))]
    lasts = ordered[np.concatenate((cuts, [len(ordered) - 1]))]
    return tuple(zip(firsts.tolist(), lasts.tolist(), strict=True))
