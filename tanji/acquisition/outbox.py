"""The way from a poller to the sealer: nothing acknowledged is sent twice, nothing unacknowledged is forgotten early.

Bodies wait in memory until the sealer has answered 2xx, for ten minutes at most (a poller has no disk of its own; the
sealer's spool is the durable part): how they are joined, resent and dropped is `waiting_bodies`. A body that is refused
for good (400, 413, 422) is halved until only the line that is meant is let go, and logged. Ages are measured by a clock
that is never set; while the wall clock is under suspicion, readings are flagged before they are queued.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import re
import threading
import time
from collections.abc import Callable
from typing import Final

import urllib3

from tanji.acquisition.backoff import Backoff
from tanji.acquisition.waiting_bodies import LARGEST_BODY, Body, WaitingBodies

KEEP_MS: Final = 600_000
"""How long an unacknowledged body is kept [ms]."""

KEEP_BYTES: Final = 128 * 1024 * 1024
"""And how much of them: ten minutes of 2,000 points a second."""

GATHER_S: Final = 0.05
"""How long the first body waits for those of the same moment."""

REJECTED: Final = frozenset({400, 413, 422})
"""Answers that will not change when the same bytes come again."""

_QUALITY = re.compile(rb"^(reading,[^ \n]+ (?:[^ \n]*,)?quality=)(\d+)i", re.MULTILINE)

log = logging.getLogger(__name__)


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
        self._waiting = WaitingBodies(keep_ms=keep_ms, keep_bytes=keep_bytes)
        self._headers = {"Content-Type": "text/plain; charset=utf-8"}
        if token:
            self._headers["Authorization"] = f"Token {token}"
        self._backoff = Backoff(first_s=first_wait_s, most_s=most_wait_s, rng=rng or random.Random())
        self._http = urllib3.PoolManager(retries=False, timeout=timeout_s, ca_certs=certificate)
        self._last_success_ms: int | None = None
        self._change = threading.Condition()
        self._closing = False
        self._thread: threading.Thread | None = None
        self._counts = {"acknowledged": 0, "rejected": 0, "retried": 0}

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
            body = Body(self._monotonic(), lines, told=(told,) if told else (), kept_elsewhere=bool(told))
            self._waiting.add(body)
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
            return {**self._sums(), "waiting": len(self._waiting), "waiting_bytes": self._waiting.size}

    def numbers(self) -> dict[str, float | int | None]:
        """The same for the metrics of a process, with the age of what waits longest and of the last success [s]."""
        now = self._monotonic()
        with self._change:
            first = self._waiting.first
            oldest = 0.0 if first is None else (now - first.since_ms) / 1000
            success = None if self._last_success_ms is None else (now - self._last_success_ms) / 1000
            sums = {f"{name}_total": count for name, count in self._sums().items()}
            waits = {"waiting": len(self._waiting), "waiting_bytes": self._waiting.size}
            return {**sums, **waits, "oldest_age_s": oldest, "last_success_age_s": success}

    def _sums(self) -> dict[str, int]:
        return {**self._counts, "dropped": self._waiting.dropped}

    def _empty_within(self, timeout_s: float) -> bool:
        with self._change:
            return self._change.wait_for(lambda: not self._waiting, timeout_s)

    def _run(self) -> None:
        while True:
            body = self._next()
            if body is None:
                return
            status = self._post(body.lines)
            with self._change:
                if status in REJECTED:
                    if not self._waiting.halve(body):
                        log.error("let go of a line the sealer refuses: %r", body.lines[:500])
                        self._answered(body, kept=False)
                    continue
                if status is not None and 200 <= status < 300:
                    self._answered(body, kept=True)
                    continue
                self._counts["retried"] += 1
                wait_s = self._backoff.failed()
                self._change.wait_for(lambda: self._closing, wait_s)

    def _next(self) -> Body | None:
        """The body to try now; None once nothing is to be sent any more."""
        with self._change:
            self._change.wait_for(lambda: self._closing or self._waiting)
            first = self._waiting.first
            if not self._closing and first is not None and not first.tried:
                self._change.wait_for(lambda: self._closing or self._waiting.size > LARGEST_BODY, GATHER_S)
            if self._closing:
                return None
            return self._waiting.next(now_ms=self._monotonic(), utc_ms=self._clock())

    def _answered(self, body: Body, *, kept: bool) -> None:
        self._waiting.remove(body, kept=kept)
        if kept:
            self._last_success_ms = self._monotonic()
        self._counts["acknowledged" if kept else "rejected"] += 1
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
