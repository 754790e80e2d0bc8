"""Waiting for the signal that ends a process, without ever missing it."""

from __future__ import annotations

import threading
from typing import Final

LOOK_S: Final = 1.0
"""A signal that comes in the moment before a lock blocks is handled only after the lock: so none blocks longer [s]."""


def wait_until(stop: threading.Event) -> None:
    """Block until `stop` is set, as a signal handler does."""
    while not stop.wait(LOOK_S):
        pass


def wait_for_end(thread: threading.Thread) -> None:
    """Block until `thread` ends, as a signal handler may make it."""
    while thread.is_alive():
        thread.join(LOOK_S)
