"""A process that has imported everything and is forked for each sealer, so that a hundred kills fit into the suite.

It is started once, by spawn, and has no threads of its own when it forks.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from services.sealer.__main__ import serve
from tanji.plant.model import Plant

LIMIT_S = 20.0


class Warmed:
    """Starts sealers by fork; `start` returns process id and address, `reap` waits for one that was killed."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def start(self, folder: Path) -> tuple[int, tuple[str, int]]:
        """A sealer on `folder` that listens."""
        self._connection.send(str(folder))
        assert self._connection.poll(LIMIT_S), "the sealer did not start"
        answer = self._connection.recv()
        assert answer is not None, "the sealer ended at once"
        return answer  # type: ignore[no-any-return]

    def kill(self, process: int) -> None:
        """SIGKILL, and wait until it is gone."""
        os.kill(process, signal.SIGKILL)
        self._connection.send(process)
        assert self._connection.poll(LIMIT_S)
        self._connection.recv()


@contextmanager
def warmed(plant: Plant) -> Iterator[Warmed]:
    """The process, for sealers of this plant."""
    context = multiprocessing.get_context("spawn")
    mine, theirs = context.Pipe()
    process = context.Process(target=_template, args=(plant, theirs), daemon=True)
    process.start()
    theirs.close()
    try:
        yield Warmed(mine)
    finally:
        mine.close()
        process.join(LIMIT_S)
        process.kill()
        process.close()


def _template(plant: Plant, connection: Connection) -> None:
    while True:
        try:
            order = connection.recv()
        except EOFError:
            return
        if isinstance(order, int):
            os.waitpid(order, 0)
            connection.send(order)
        else:
            connection.send(_forked(plant, Path(order)))


def _forked(plant: Plant, folder: Path) -> tuple[int, tuple[str, int]] | None:
    reader, writer = os.pipe()
    process = os.fork()
    if process == 0:
        try:
            serve(plant, folder, host="127.0.0.1", port=0, wait=signal.pause, announce=lambda at: _tell(writer, at))
        finally:
            os._exit(1)
    os.close(writer)
    told = os.read(reader, 100).decode()
    os.close(reader)
    host, _, port = told.rpartition(":")
    return (process, (host, int(port))) if told else None


def _tell(writer: int, address: Any) -> None:
    os.write(writer, "{}:{}".format(*address).encode())
    os.close(writer)
