"""Something that is looked at every so often: a thread that begins, does its step again and again, and ends at once.

A step that fails is logged and done again at the next turn: what a watch is there for must not end with one fault.
What to look at, and how a fault becomes an alarm, is the step's business.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

log = logging.getLogger(__name__)


class Periodic:
    """Does `step` every `period_s` seconds from `start` to `stop`."""

    def __init__(
        self, step: Callable[[], object], *, period_s: float, name: str, fault: str, at_once: bool = False
    ) -> None:
        """name : of the thread. fault : logged when a step fails. at_once : the first step waits for nothing."""
        self._step, self._period_s, self._fault, self._at_once = step, period_s, fault, at_once
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin; once."""
        self._thread.start()

    def stop(self, *, within_s: float | None = None) -> None:
        """End after the step in hand, and wait for it, at most `within_s`; None: however long. May be called again."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join(within_s)

    def _run(self) -> None:
        if self._at_once:
            self._turn()
        while not self._stopping.wait(self._period_s):
            self._turn()

    def _turn(self) -> None:
        try:
            self._step()
        except Exception:
            log.exception("%s: %s", self._thread.name, self._fault)
