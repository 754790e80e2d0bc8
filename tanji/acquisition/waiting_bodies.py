"""Bodies of line protocol that wait to be taken: in order, joined, halved where refused, and not for ever.

A body that was tried once is resent byte for byte, because a store answers a changed repeat differently from an equal
one. What has to be dropped leaves one failed read per point behind, flagged GAP and COMM, so that the hole is on
record. Nothing here waits, sends or locks: that is `tanji.acquisition.outbox`.
"""

from __future__ import annotations

import logging
import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from tanji.acquisition.flags import Flag

LARGEST_BODY: Final = 1024 * 1024
"""Waiting bodies are joined up to this size, so that one fsync of the sealer serves many devices."""

_SERIES = re.compile(rb"^(reading,[^ \n]+) ", re.MULTILINE)

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Body:
    """Whole lines, and since when they wait [ms of a clock that is never set]."""

    since_ms: int
    lines: bytes
    tried: bool = False
    told: tuple[Callable[[bool], None], ...] = ()
    """Whom to tell whether the sealer has kept it."""
    kept_elsewhere: bool = False
    """Whether the sender has it still, so that dropping it leaves no gap."""


class _Both:
    """Tells the senders of a halved body once both halves have been answered."""

    def __init__(self, told: tuple[Callable[[bool], None], ...]) -> None:
        self._told, self._left, self._kept = told, 2, True

    def half(self, kept: bool) -> None:
        """One half was kept, or not."""
        self._left -= 1
        self._kept = self._kept and kept
        if not self._left:
            for told in self._told:
                told(self._kept)


class WaitingBodies:
    """A queue of bodies, and the gaps of those that were dropped.

    keep_ms, keep_bytes : how long and how much is kept. size : bytes that wait. dropped : bodies dropped so far.
    """

    def __init__(self, *, keep_ms: int, keep_bytes: int) -> None:
        self._keep_ms, self._keep_bytes = keep_ms, keep_bytes
        self._queue: deque[Body] = deque()
        self._gaps: dict[bytes, int] = {}
        self.size = 0
        self.dropped = 0

    def __len__(self) -> int:
        """How many bodies wait."""
        return len(self._queue)

    def __bool__(self) -> bool:
        """Whether there is anything to send, the record of a gap included."""
        return bool(self._queue or self._gaps)

    @property
    def first(self) -> Body | None:
        """The one that waits longest."""
        return self._queue[0] if self._queue else None

    def add(self, body: Body) -> None:
        """Queue one more."""
        self._queue.append(body)
        self.size += len(body.lines)

    def next(self, *, now_ms: int, utc_ms: int) -> Body:
        """The body to try now: the oldest, joined with its successors if none was tried yet.

        now_ms : by the clock that `since_ms` is of. utc_ms : UTC now, the time of gaps.
        """
        self._drop_old(now_ms, utc_ms)
        if not self._queue or not self._queue[0].tried:
            self._join(now_ms)
        body = self._queue[0]
        body.tried = True
        return body

    def halve(self, body: Body) -> bool:
        """Put the halves of the first body in its place, so that what is good in it gets through; False: one line."""
        lines = body.lines.splitlines(keepends=True)
        if len(lines) < 2:
            return False
        both = _Both(body.told)
        self._queue.popleft()
        for half in (lines[len(lines) // 2 :], lines[: len(lines) // 2]):
            whole = b"".join(half)
            self._queue.appendleft(Body(body.since_ms, whole, True, (both.half,), body.kept_elsewhere))
        return True

    def remove(self, body: Body, *, kept: bool) -> None:
        """Take the first body off and tell its senders."""
        self._queue.popleft()
        self.size -= len(body.lines)
        for told in body.told:
            told(kept)

    def _join(self, now_ms: int) -> None:
        """Make one body of the records of gaps and as many waiting ones as one request should carry."""
        joined = [b"%b quality=%di %d\n" % (key, Flag.GAP | Flag.COMM, at) for key, at in self._gaps.items()]
        since = self._queue[0].since_ms if self._queue else now_ms
        size = sum(map(len, joined))
        self._gaps.clear()
        told: list[Callable[[bool], None]] = []
        kept_elsewhere = not joined
        while self._queue and (not joined or size + len(self._queue[0].lines) <= LARGEST_BODY):
            body = self._queue.popleft()
            told += body.told
            kept_elsewhere &= body.kept_elsewhere
            lines = body.lines
            joined.append(lines if lines.endswith(b"\n") else lines + b"\n")
            size += len(lines)
        self._queue.appendleft(Body(since, b"".join(joined), told=tuple(told), kept_elsewhere=kept_elsewhere))
        self.size = sum(len(body.lines) for body in self._queue)

    def _drop_old(self, now_ms: int, utc_ms: int) -> None:
        while self._queue and (now_ms - self._queue[0].since_ms > self._keep_ms or self.size > self._keep_bytes):
            body = self._queue[0]
            self.remove(body, kept=False)
            self.dropped += 1
            # Readings lie on whole periods, hence on even ms: an odd one can be no reading's time.
            gaps = [] if body.kept_elsewhere else _SERIES.findall(body.lines)
            self._gaps.update(dict.fromkeys(gaps, utc_ms | 1))
            log.error("dropped %d bytes the sealer did not take for %d s", len(body.lines), self._keep_ms // 1000)
