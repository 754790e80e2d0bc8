"""The way from a poller to the sealer: nothing acknowledged is sent twice, nothing unacknowledged is forgotten early.

Bodies wait in memory until the sealer has answered 2xx, for ten minutes at most (a poller has no disk of its own; the
sealer's spool is the durable part). A body that was tried once is resent byte for byte, because a store answers a
changed repeat differently from an equal one. What has to be dropped leaves one failed read per point behind, flagged
GAP and COMM, so that the hole is on record. 400 means the sealer can make nothing of the body: it is logged and let go.
"""

from __future__ import annotations

import asyncio
import logging
import random
import re
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import urllib3

from tanji.acquisition.backoff import Backoff
from tanji.acquisition.flags import Flag

KEEP_MS: Final = 600_000
"""How long an unacknowledged body is kept [ms]."""

KEEP_BYTES: Final = 128 * 1024 * 1024
"""And how much of them: ten minutes of 2,000 points a second."""

LARGEST_BODY: Final = 1024 * 1024
"""Waiting bodies are joined up to this size, so that one fsync of the sealer serves many devices."""

GATHER_S: Final = 0.05
"""How long the first body waits for those of the same moment."""

REJECTED: Final = frozenset({400, 413, 422})
"""Answers that will not change when the same bytes come again."""

_SERIES = re.compile(rb"^(reading,[^ \n]+) ", re.MULTILINE)

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Body:
    since_ms: int
    lines: bytes
    tried: bool = False


def utc_ms() -> int:
    """UTC now [ms]."""
    return time.time_ns() // 1_000_000


class Outbox:
    """Sends bodies in order from a thread of its own; `send` only queues. A context manager, or start and close."""

    def __init__(
        self,
        url: str,
        *,
        clock: Callable[[], int] = utc_ms,
        rng: random.Random | None = None,
        keep_ms: int = KEEP_MS,
        keep_bytes: int = KEEP_BYTES,
        first_wait_s: float = 0.2,
        most_wait_s: float = 10.0,
        timeout_s: float = 10.0,
    ) -> None:
        """url : the sealer, e.g. http://127.0.0.1:8186. clock : UTC now [ms]."""
        self._url = url.rstrip("/") + "/write?precision=ms"
        self._clock, self._keep_ms, self._keep_bytes = clock, keep_ms, keep_bytes
        self._backoff = Backoff(first_s=first_wait_s, most_s=most_wait_s, rng=rng or random.Random())
        self._http = urllib3.PoolManager(retries=False, timeout=timeout_s)
        self._queue: deque[_Body] = deque()
        self._gaps: dict[bytes, int] = {}
        self._change = threading.Condition()
        self._closing = False
        self._thread: threading.Thread | None = None
        self._bytes = 0
        self._counts = {"acknowledged": 0, "rejected": 0, "dropped": 0, "retried": 0}

    def __enter__(self) -> Outbox:
        """Start."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Close without waiting."""
        self.close()

    def start(self) -> None:
        """Begin to send."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="outbox", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Stop sending; what still waits is lost, so flush first."""
        with self._change:
            self._closing = True
            self._change.notify_all()
        if self._thread is not None:
            self._thread.join()
        self._http.clear()

    def put(self, lines: bytes) -> None:
        """Queue whole lines of line protocol, times in ms."""
        with self._change:
            self._queue.append(_Body(self._clock(), lines))
            self._bytes += len(lines)
            self._change.notify_all()

    async def send(self, lines: bytes) -> None:
        """Queue lines; a poller's sink. Returns at once: the sealer's slowness is no device's affair."""
        if lines:
            self.put(lines)

    async def flush(self, timeout_s: float) -> bool:
        """Wait until everything queued was answered; False if that took longer."""
        return await asyncio.to_thread(self._empty_within, timeout_s)

    def counters(self) -> dict[str, int]:
        """Bodies acknowledged, rejected and dropped, tries repeated, and what waits (bodies, bytes)."""
        with self._change:
            return {**self._counts, "waiting": len(self._queue), "waiting_bytes": self._bytes}

    def _empty_within(self, timeout_s: float) -> bool:
        with self._change:
            return self._change.wait_for(lambda: not self._queue and not self._gaps, timeout_s)

    def _run(self) -> None:
        while True:
            body = self._next()
            if body is None:
                return
            status = self._post(body.lines)
            done = status is not None and (200 <= status < 300 or status in REJECTED)
            with self._change:
                if done:
                    self._remove(body, rejected=status in REJECTED)
                    continue
                self._counts["retried"] += 1
                wait_s = self._backoff.failed()
                self._change.wait_for(lambda: self._closing, wait_s)

    def _next(self) -> _Body | None:
        """The body to try now: the oldest, joined with its successors if none was tried yet."""
        with self._change:
            self._change.wait_for(lambda: self._closing or self._queue or self._gaps)
            if not self._closing and self._queue and not self._queue[0].tried:
                self._change.wait_for(lambda: self._closing or self._bytes > LARGEST_BODY, GATHER_S)
            if self._closing:
                return None
            self._drop_old()
            if not self._queue or not self._queue[0].tried:
                self._join()
            body = self._queue[0]
            body.tried = True
            return body

    def _join(self) -> None:
        """Make one body of the records of gaps and as many waiting ones as one request should carry."""
        joined = [b"%b quality=%di %d\n" % (key, Flag.GAP | Flag.COMM, at) for key, at in self._gaps.items()]
        since = self._queue[0].since_ms if self._queue else self._clock()
        size = sum(map(len, joined))
        self._bytes += size
        self._gaps.clear()
        while self._queue and (not joined or size + len(self._queue[0].lines) <= LARGEST_BODY):
            lines = self._queue.popleft().lines
            joined.append(lines if lines.endswith(b"\n") else lines + b"\n")
            size += len(lines)
        self._queue.appendleft(_Body(since, b"".join(joined)))
        self._bytes = sum(len(body.lines) for body in self._queue)

    def _drop_old(self) -> None:
        now = self._clock()
        while self._queue and (now - self._queue[0].since_ms > self._keep_ms or self._bytes > self._keep_bytes):
            body = self._queue.popleft()
            self._bytes -= len(body.lines)
            self._counts["dropped"] += 1
            # Readings lie on whole periods, hence on even ms: an odd one can be no reading's time.
            self._gaps.update(dict.fromkeys(_SERIES.findall(body.lines), now | 1))
            log.error("dropped %d bytes the sealer did not take for %d s", len(body.lines), self._keep_ms // 1000)

    def _remove(self, body: _Body, *, rejected: bool) -> None:
        self._queue.popleft()
        self._bytes -= len(body.lines)
        self._counts["rejected" if rejected else "acknowledged"] += 1
        self._backoff.succeeded()
        self._change.notify_all()

    def _post(self, lines: bytes) -> int | None:
        """The sealer's answer, or None if there was none."""
        headers = {"Content-Type": "text/plain; charset=utf-8"}
        try:
            answer = self._http.request("POST", self._url, body=lines, headers=headers)
        except Exception as error:  # nobody else would send, and what waits would grow without end
            log.warning("the sealer does not answer: %s", error)
            return None
        if not 200 <= answer.status < 300:
            log.warning("the sealer answered %d: %s", answer.status, answer.data[:200].decode("utf-8", "replace"))
        return int(answer.status)
