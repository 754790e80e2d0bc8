"""A source end in one thread, for tests that end it at any moment: a spool, its sealing, and no HTTP, store or log."""

from __future__ import annotations

import itertools
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import numpy as np

from services.sealer.frame import Columns
from services.sealer.parked import Parked
from services.sealer.sealing import Sealing
from services.sealer.spool import Spool
from tanji.health.clock import KernelClock
from tanji.plant.point_map import point_map
from tanji.trust.batch_signer import OneKey
from tanji.trust.payload import parse_payload

from .seal_rig import MINUTE, key
from .sealer_rig import COAL, FEED, NOON, plant

ROWS = 3
"""Readings of a body: two new ones, and a second value for a time that has one."""

MAP = point_map(plant())


class Signing:
    """A key that tells of every text before it signs it: somebody may have seen the signature."""

    def __init__(self, told: Callable[[bytes], None]) -> None:
        self._told, self._key = told, key()

    def vkey(self) -> str:
        return self._key.vkey()

    def sign(self, message: bytes) -> bytes:
        self._told(message)
        return self._key.sign(message)


def body(number: int) -> Columns:
    """Readings of which each has a value of its own; every fourth body is late, every fifth has a failed read."""
    at = NOON + number * MINUTE - (10 * MINUTE if number % 4 == 3 else 0)
    return Columns(
        (FEED, COAL),
        np.array([0, 1, 0], np.uint16),
        np.array([at, at, at]),
        np.array([number + 0.25, number + 0.5, number + 0.75]),
        np.array([number % 5 != 0, True, True]),
        np.zeros(ROWS, np.uint32),
    )


class Source:
    """One start of the source end. told : what is signed, before it is."""

    def __init__(self, folder: Path, *, clock: Callable[[], int], told: Callable[[bytes], None]) -> None:
        self.folder, self._clock = folder, clock
        self.spool = Spool(folder / "spool", parked=Parked(folder / "parked"), retain_ms=0, is_sealed=True)
        self.sealing = Sealing(
            folder / "seal",
            spool=self.spool,
            keys=OneKey(Signing(told)),
            point_map=MAP,
            clock=clock,
            kernel=lambda: KernelClock(True, 0.002),
        )

    def accept(self, number: int) -> None:
        """Spool a body; on return it is acknowledged."""
        self.spool.append(body(number), arrival_ms=self._clock())

    def store(self) -> None:
        """The store has everything that is on disk."""
        frames, end = self.spool.read(self.spool.forwarded, max_rows=1 << 30)
        if frames:
            self.spool.save_forwarded(end, now_ms=self._clock())

    def notes(self) -> dict[int, bytes]:
        """Texts of all notes by their numbers."""
        found = {}
        for seq in itertools.count():
            note = self.sealing._chain.folder.note(seq)
            if note is None:
                return found
            found[seq] = note.rpartition(b"\n\n")[0] + b"\n"
        raise AssertionError

    def sealed_values(self) -> set[float | None]:
        """Every value under seal."""
        lines = [line for seq in self.notes() for line in parse_payload(self.sealing._chain.folder.batch(seq)[1])]
        assert len({line.text() for line in lines}) == len(lines), "a line sealed twice"
        return {line.value for line in lines}

    def close(self) -> None:
        self.sealing._chain.close()
        self.spool.close()


def values_of(number: int) -> set[float]:
    """The values of a body that are there; the failed read of every fifth has none."""
    columns = body(number)
    return set(columns.value[columns.present].tolist())


def run(
    folder: Path, *, first: int, bodies: int, told: Callable[[bytes], None], acknowledged: Callable[[int], Any]
) -> None:
    """Accept a body a minute from number `first` on, have each stored at once and every third one sealed."""
    now = [NOON + first * MINUTE]
    source = Source(folder, clock=lambda: now[0], told=told)
    source.sealing.seal_waiting()  # what an end before left
    source.store()
    for number in range(first, first + bodies):
        now[0] = NOON + number * MINUTE
        source.accept(number)
        acknowledged(number)
        source.store()
        if number % 3 == 2:
            source.sealing.seal_waiting()
    source.close()


@contextmanager
def killed_at(line: int, files: tuple[str, ...]) -> Iterator[None]:
    """SIGKILL of this process just before the n-th line that runs in one of these files."""
    left = [line]
    known: dict[CodeType, bool] = {}

    def ours(code: CodeType) -> bool:
        if code not in known:
            known[code] = code.co_filename.endswith(files)
        return known[code]

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        if event == "line":
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)
        return trace

    sys.settrace(lambda frame, event, argument: trace if ours(frame.f_code) else None)
    try:
        yield
    finally:
        sys.settrace(None)
        counted.append(line - left[0])


counted: list[int] = []
"""Lines that ran under `killed_at` without reaching the one to be killed at."""
