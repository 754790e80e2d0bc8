"""A thread with an event loop of its own that runs until told to stop: how pollers and receiver live in a process."""

from __future__ import annotations

import asyncio
import logging
import threading
from abc import ABC, abstractmethod
from typing import Final

from tanji.cli.waiting import wait_for_end

LOG = logging.getLogger(__name__)
FLUSH_TIMEOUT_S: Final = 5.0
"""How long a stop waits for the last readings to be acknowledged [s]."""
STOP_TIMEOUT_S: Final = 30.0
"""How long a stop waits for the thread [s]."""


class LoopThread(ABC):
    """Runs `work` in a thread; why it ended by itself, if it did, stands in `failure`."""

    def __init__(self, name: str) -> None:
        self.failure: BaseException | None = None
        self.begun = threading.Event()
        self._logged = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    @abstractmethod
    async def work(self, stop: asyncio.Event) -> None:
        """What the thread does until `stop` is set; sets `begun` once what could be wrong at the start was right."""

    def begin(self) -> None:
        """Start, and wait until the work has begun. Raises what kept it from beginning."""
        self._loop = asyncio.new_event_loop()  # here, so that one that never begins has none to close
        self._thread.start()
        self.begun.wait()
        if self.failure is not None and not self._logged:
            self._thread.join()
            raise self.failure

    def stop(self) -> None:
        """Finish what is under way, hand over what was read, and return."""
        if self._loop is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(timeout=STOP_TIMEOUT_S)

    def wait(self) -> None:
        """Block until the thread ends."""
        wait_for_end(self._thread)

    def _run(self) -> None:
        assert self._loop is not None
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self.work(self._stop))
        except BaseException as error:  # the thread's owner decides; it must not vanish with the thread
            self.failure = error
            self._logged = self.begun.is_set()  # before that, `begin` raises it
            if self._logged:
                LOG.exception("%s stopped", self._thread.name)
        finally:
            self._loop.close()
            self.begun.set()
