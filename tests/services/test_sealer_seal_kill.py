"""SIGKILL and power cuts of the source end: no number used twice, nothing acknowledged lost (trust.md 2.2 and 8, 14).

A kill comes just before any line of the modules that spool, cut or sign, chosen at random and told when the test fails.
SIGKILL keeps the page cache, so the same runs go through a shim that forgets what was not made durable.
"""

from __future__ import annotations

import multiprocessing
import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tanji.trust.batch import Batch

from ..trust.fsync_shim import PowerCuts
from .seal_crash import Source, counted, killed_at, run, values_of
from .sealer_rig import NOON

KILLS = 100
BODIES = 4
LIMIT_S = 60.0
LATER = NOON + 100_000 * 60_000

SPOOLING = ("sealer/spool.py", "sealer/segments.py", "sealer/frame.py", "sealer/recovery.py", "trust/durable.py")
CUTTING = (
    *("sealer/sealing.py", "sealer/gateway_chain.py", "sealer/cutter.py", "sealer/seal_files.py"),
    *("sealer/seal_index.py", "sealer/seal_lines.py", "sealer/seal_first.py", "sealer/seal_history.py"),
    "trust/durable.py",
)
SIGNING = ("trust/note.py", "trust/signer.py", "trust/batch.py", "trust/tree.py", "services/seal_crash.py")


class Told:
    """What a process said before it was killed: texts it was about to sign, bodies it had acknowledged."""

    def __init__(self) -> None:
        self.signed: dict[int, set[bytes]] = {}
        self.acknowledged: set[int] = set()

    def hear(self, data: bytes) -> int | None:
        """Take what one process said; how many lines ran, if it was not killed."""
        lines = None
        for word, _, rest in (message.partition(b" ") for message in data.split(b"\0")[:-1]):
            if word == b"signed":
                self.signed.setdefault(Batch.parse(rest).seq, set()).add(rest)
            elif word == b"acknowledged":
                self.acknowledged.add(int(rest))
            else:
                lines = int(rest)
        return lines

    def check(self, source: Source) -> None:
        """Every number has one text, and every acknowledged reading is under seal."""
        assert all(len(texts) == 1 for texts in self.signed.values())
        notes = source.notes()
        assert {seq: {notes[seq]} for seq in self.signed} == self.signed
        expected = {value for number in self.acknowledged for value in values_of(number)}
        assert expected <= source.sealed_values()


@contextmanager
def forking() -> Iterator[Connection]:
    """A process that has imported everything and forks a run for each order."""
    context = multiprocessing.get_context("spawn")
    mine, theirs = context.Pipe()
    process = context.Process(target=_fork_all, args=(theirs,), daemon=True)
    process.start()
    theirs.close()
    try:
        yield mine
    finally:
        mine.close()
        process.join(LIMIT_S)
        process.kill()
        process.close()


def _fork_all(connection: Connection) -> None:
    with TemporaryDirectory() as folder:  # what is imported or made at the first use is done before the forks
        run(Path(folder), first=0, bodies=BODIES, told=lambda text: None, acknowledged=lambda number: None)
    os.fsync = os.fdatasync = lambda descriptor: None  # SIGKILL keeps the page cache; the shim below looks at these
    while True:
        try:
            folder, first, line, files = connection.recv()
        except EOFError:
            return
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            _run(Path(folder), first, line, files, writer)
        os.close(writer)
        with os.fdopen(reader, "rb") as pipe:
            said = pipe.read()
        os.waitpid(child, 0)
        connection.send(said)


def _run(folder: Path, first: int, line: int, files: tuple[str, ...], writer: int) -> None:
    try:
        with killed_at(line, files):
            run(
                folder,
                first=first,
                bodies=BODIES,
                told=lambda text: _say(writer, b"signed " + text),
                acknowledged=lambda number: _say(writer, b"acknowledged %d" % number),
            )
        _say(writer, b"lines %d" % counted[-1])
    finally:
        os._exit(0)


def _say(writer: int, message: bytes) -> None:
    os.write(writer, message + b"\0")


@pytest.mark.parametrize("files", [SPOOLING, CUTTING, SIGNING], ids=["spooling", "cutting", "signing"])
def test_a_hundred_kills_use_no_number_twice_and_lose_nothing(tmp_path: Path, files: tuple[str, ...]) -> None:
    seed = random.SystemRandom().randrange(1 << 32)
    print("seed", seed)
    rng, told, kills = random.Random(seed), Told(), 0
    with forking() as template:

        def start(line: int) -> int | None:
            template.send((str(tmp_path), (max(told.acknowledged, default=-1) + 1) // 12 * 12 + 12, line, files))
            assert template.poll(LIMIT_S)
            return told.hear(template.recv())

        lines = start(1 << 60) or 0
        assert lines > 100
        for _ in range(4 * KILLS):
            kills += start(rng.randint(1, 3 * lines)) is None  # a run after a kill has more to do, and some end whole
            if kills == KILLS:
                break
    assert kills == KILLS
    source = Source(tmp_path, clock=lambda: LATER, told=lambda text: None)
    source.sealing.seal_waiting()
    told.check(source)
    source.close()
    assert len(told.acknowledged) > KILLS // 4 and len(told.signed) > KILLS // 4


def test_a_power_cut_at_any_synchronisation_uses_no_number_twice_and_loses_nothing(tmp_path: Path) -> None:
    root = tmp_path / "data"
    root.mkdir()
    rng = random.Random(20260301)
    with PowerCuts(root, lucky=True) as shim:
        for first in (0, 12):
            run(
                root,
                first=first,
                bodies=9,
                told=lambda text: shim.acknowledge(("signed", text)),
                acknowledged=lambda number: shim.acknowledge(("acknowledged", number)),
            )
    assert len(shim.cuts) > 100
    for cut in shim.cuts:
        for number, make in enumerate((cut.build, lambda folder, cut=cut: cut.build_lucky(folder, rng))):
            folder = make(tmp_path / f"{cut.number}-{number}")
            told = Told()
            for word, what in cut.acknowledged:
                told.hear(b"%b %b\0" % (word.encode(), what if isinstance(what, bytes) else b"%d" % what))
            source = Source(folder, clock=lambda: LATER, told=lambda text, told=told: told.hear(b"signed %b\0" % text))
            source.sealing.seal_waiting()
            told.check(source)
            source.close()
