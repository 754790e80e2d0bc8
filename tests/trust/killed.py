"""A child of the running test that works until it is killed: SIGKILL at a random moment, as the machine would do it.

Forked from the test process, which has everything imported already, so that hundreds of kills take seconds. What the
child says is what somebody was told before the kill; its progress sets the moment, so that a busy machine changes
nothing in what is tested.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable

Tell = Callable[[int], None]


def killed_after(count: int, seconds: float, work: Callable[[Tell], None]) -> list[int]:
    """Run `work` in a child and kill it so long after it has told so many numbers; all the numbers it told."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(reader)
            os.write(writer, bytes(8))  # it lives
            work(lambda number: _tell(writer, number))
        finally:
            os._exit(1)
    os.close(writer)
    with os.fdopen(reader, "rb") as told:
        data = told.read(8 + 8 * count)[8:]
        time.sleep(seconds)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        data += told.read()
    return [int.from_bytes(data[at : at + 8], "big") for at in range(0, len(data), 8)]


def _tell(writer: int, number: int) -> None:
    os.write(writer, number.to_bytes(8, "big"))  # one write of eight bytes arrives whole or not at all
