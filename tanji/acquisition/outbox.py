"""The way from a poller to the sealer: nothing acknowledged is sent twice, nothing unacknowledged is forgotten early.

Bodies wait in memory until the sealer has answered 2xx, for ten minutes at most (a poller has no disk of its own; the
sealer's spool is the durable part). A body that was tried once is resent byte for byte, because a store answers a
changed repeat differently from an equal one. What has to be dropped leaves one failed read per point behind, flagged
GAP and COMM, so that the hole is on record. A body that is refused for good (400, 413, 422) is halved until only the
line that is meant is let go, and logged. Ages are measured by a clock that is never set; while the wall clock is under
suspicion, readings are flagged before they are queued.
"""

from __future__ import annotations

import asyncio
import contextlib
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
_QUALITY = re.compile(rb"^(reading,[^ \n]+ (?:[^ \n]*,)?quality=)(\d+)i", re.MULTILINE)

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Body:
    since_ms: int  # by the monotonic clock
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


def utc_ms() -> int:
    """UTC now [ms]."""
    return time.time_ns() // 1_000_000


def monotonic_ms() -> int:
    """A clock that is never set [ms]."""
    return time.monotonic_ns() // 1_000_000


def never() -> int:
    """No flags: the clock is not watched."""
    return 0


def flagged(lines: bytes, word: int) -> bytes:
    """Lines of readings with the bits of `word` set in their quality."""
    return _QUALITY.sub(lambda match: b"%b%di" % (match[1], int(match[2]) | word), lines)


class Outbox:
    """Sends bodies in order from a thread of its own; `send` only queues. A context manager, or start and close."""

    def __init__(
        self,
        url: str,
        *,
        clock: Callable[[], int] = utc_ms,
        monotonic: Callable[[], int] = monotonic_ms,
        suspect: Callable[[], int] = never,
        rng: random.Random | None = None,
        token: str | None = None,
        certificate: str | None = None,
        keep_ms: int = KEEP_MS,
        keep_bytes: int = KEEP_BYTES,
        first_wait_s: float = 0.2,
        most_wait_s: float = 10.0,
        timeout_s: float = 10.0,
    ) -> None:
        """url : the sealer, e.g. http://127.0.0.1:8186. clock : UTC now [ms]. monotonic : a clock never set [ms].

        suspect : the flags of readings taken now because of the clock. token : what the sealer asks to be shown.
        certificate : PEM file that an https sealer is known by.
        """
        self._url = url.rstrip("/") + "/write?precision=ms"
        self._clock, self._monotonic, self._suspect = clock, monotonic, suspect
        self._keep_ms, self._keep_bytes = keep_ms, keep_bytes
        self._headers = {"Content-Type": "text/plain; charset=utf-8"}
        if token:
            self._headers["Authorization"] = f"Token {token}"
        self._backoff = Backoff(first_s=first_wait_s, most_s=most_wait_s, rng=rng or random.Random())
        self._http = urllib3.PoolManager(retries=False, timeout=timeout_s, ca_certs=certificate)
        self._last_success_ms: int | None = None
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

    def put(self, lines: bytes, *, told: Callable[[bool], None] | None = None) -> None:
        """Queue whole lines of line protocol, times in ms; `told` is called from the sending thread, see `deliver`."""
        if word := self._suspect():
            lines = flagged(lines, word)
        with self._change:
            self._queue.append(_Body(self._monotonic(), lines, told=(told,) if told else (), kept_elsewhere=bool(told)))
            self._bytes += len(lines)
            self._change.notify_all()

    async def send(self, lines: bytes) -> None:
        """Queue lines; a poller's sink. Returns at once: the sealer's slowness is no device's affair."""
        if lines:
            self.put(lines)

    async def deliver(self, lines: bytes) -> bool:
        """Queue lines and wait until the sealer has them on disk: True. False if they were rejected or dropped.

        For senders that keep and repeat what was not acknowledged: no gap is recorded for what is dropped.
        """
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[bool] = loop.create_future()

        def settle(kept: bool) -> None:
            if not answer.done():
                answer.set_result(kept)

        def told(kept: bool) -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(settle, kept)

        self.put(lines, told=told)
        return await answer

    async def flush(self, timeout_s: float) -> bool:
        """Wait until everything queued was answered; False if that took longer."""
        return await asyncio.to_thread(self._empty_within, timeout_s)

    def counters(self) -> dict[str, int]:
        """Bodies acknowledged, rejected and dropped, tries repeated, and what waits (bodies, bytes)."""
        with self._change:
            return {**self._counts, "waiting": len(self._queue), "waiting_bytes": self._bytes}

    def numbers(self) -> dict[str, float | int | None]:
        """The same for the metrics of a process, with the age of what waits longest and of the last success [s]."""
        now = self._monotonic()
        with self._change:
            oldest = (now - self._queue[0].since_ms) / 1000 if self._queue else 0.0
            success = None if self._last_success_ms is None else (now - self._last_success_ms) / 1000
            sums = {f"{name}_total": count for name, count in self._counts.items()}
            waits = {"waiting": len(self._queue), "waiting_bytes": self._bytes}
            return {**sums, **waits, "oldest_age_s": oldest, "last_success_age_s": success}

    def _empty_within(self, timeout_s: float) -> bool:
        with self._change:
            return self._change.wait_for(lambda: not self._queue and not self._gaps, timeout_s)

    def _run(self) -> None:
        while True:
            body = self._next()
            if body is None:
                return
            status = self._post(body.lines)
            with self._change:
                if status in REJECTED:
                    self._reject(body)
                    continue
                if status is not None and 200 <= status < 300:
                    self._remove(body, rejected=False)
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
        since = self._queue[0].since_ms if self._queue else self._monotonic()
        size = sum(map(len, joined))
        self._bytes += size
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
        self._queue.appendleft(_Body(since, b"".join(joined), told=tuple(told), kept_elsewhere=kept_elsewhere))
        self._bytes = sum(len(body.lines) for body in self._queue)

    def _drop_old(self) -> None:
        now, utc = self._monotonic(), self._clock()
        while self._queue and (now - self._queue[0].since_ms > self._keep_ms or self._bytes > self._keep_bytes):
            body = self._queue.popleft()
            self._bytes -= len(body.lines)
            self._counts["dropped"] += 1
            for told in body.told:
                told(False)
            # Readings lie on whole periods, hence on even ms: an odd one can be no reading's time.
            gaps = [] if body.kept_elsewhere else _SERIES.findall(body.lines)
            self._gaps.update(dict.fromkeys(gaps, utc | 1))
            log.error("dropped %d bytes the sealer did not take for %d s", len(body.lines), self._keep_ms // 1000)

    def _reject(self, body: _Body) -> None:
        """Halve a body of several lines, so that the others still get through; let a single line go."""
        lines = body.lines.splitlines(keepends=True)
        if len(lines) < 2:
            log.error("let go of a line the sealer refuses: %r", body.lines[:500])
            self._remove(body, rejected=True)
            return
        both = _Both(body.told)
        self._queue.popleft()
        for half in (lines[len(lines) // 2 :], lines[: len(lines) // 2]):
            whole = b"".join(half)
            self._queue.appendleft(_Body(body.since_ms, whole, True, (both.half,), body.kept_elsewhere))

    def _remove(self, body: _Body, *, rejected: bool) -> None:
        self._queue.popleft()
        if not rejected:
            self._last_success_ms = self._monotonic()
        self._bytes -= len(body.lines)
        for told in body.told:
            told(not rejected)
        self._counts["rejected" if rejected else "acknowledged"] += 1
        self._backoff.succeeded()
        self._change.notify_all()

    def _post(self, lines: bytes) -> int | None:
        """The sealer's answer, or None if there was none."""
        try:
            answer = self._http.request("POST", self._url, body=lines, headers=self._headers)
        except Exception as error:  # nobody else would send, and what waits would grow without end
            log.warning("the sealer does not answer: %s", error)
            return None
        if not 200 <= answer.status < 300:
            log.warning("the sealer answered %d: %s", answer.status, answer.data[:200].decode("utf-8", "replace"))
        return int(answer.status)
