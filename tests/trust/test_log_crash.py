"""Crashes of the log: killed at any moment, or without power at any fsync, it reopens whole and nothing is lost (R35).

SIGKILL is `killed`, the power cut `fsync_shim`: what had not been synchronised is gone, or, with luck, there in part.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tanji.errors import TanjiError
from tanji.trust import durable
from tanji.trust.log import Log
from tanji.trust.log_reader import LogReader
from tanji.trust.note import cosign, open_note, split
from tanji.trust.tree import Tree, leaf_hash, verify_consistency

from .fsync_shim import Cut, PowerCuts
from .killed import Tell, killed_after
from .log_rig import KEYRING, LOG, NOON, WITNESS, Chain, key, opened

KILLS = 100
MOST_TOLD = 6
LONGEST_S = 0.004
Batches = list[tuple[bytes, bytes]]


def minutes(count: int, *, empty: int = 0) -> Batches:
    """Batches of one gateway; the first ones without lines."""
    chain = Chain()
    return [chain.next() if number < empty else chain.minute(lines=3) for number in range(count)]


def check(folder: Path, made: Batches, *, acknowledged: int, published: int = 0) -> int:
    """The log reopens with at least what was acknowledged, in order and byte for byte; its size."""
    log = Log.open(folder, signer=LOG, clock=lambda: NOON)
    assert log.size >= acknowledged and log.published >= published
    size = log.size
    entries = [KEYRING, *(note for note, _ in made)][:size]
    for index in [0, *range(max(1, size - 60), size)][:size]:
        assert log.entry(index) == entries[index]
        assert index == 0 or log.payload(index) == made[index - 1][1]
    assert log.root() == Tree([leaf_hash(entry) for entry in entries]).root()
    log.close()
    check_published(folder, entries, published)
    return size


def check_published(folder: Path, entries: list[bytes], published: int) -> None:
    """A reader finds everything that the checkpoint covers."""
    reader = LogReader(folder)
    assert published <= reader.size <= len(entries)
    assert list(reader.entries(0, reader.size)) == entries[: reader.size]
    if reader.size:
        open_note(reader.checkpoint(), [key(LOG)])


def test_a_hundred_kills_while_appending(tmp_path: Path) -> None:
    rng, made = random.Random(1), minutes(6000)
    opened(tmp_path).close()
    size, told = 1, 0
    for _ in range(KILLS):

        def append(tell: Tell, start: int = size) -> None:
            log = Log.open(tmp_path, signer=LOG, clock=lambda: NOON)
            for at in range(start - 1, len(made)):
                tell(log.add_batch(*made[at]) + 1)

        acknowledged = killed_after(rng.randrange(MOST_TOLD), rng.uniform(0, LONGEST_S), append)
        told += len(acknowledged)
        size = check(tmp_path, made, acknowledged=max(acknowledged, default=size))
    assert told > KILLS  # it was the middle of appending


def test_a_hundred_kills_while_publishing(tmp_path: Path) -> None:
    rng, made = random.Random(2), minutes(6000, empty=6000)
    opened(tmp_path).close()
    size, told = 1, 0
    roots = [(1, leaf_hash(KEYRING))]
    for _ in range(KILLS):

        def publish(tell: Tell, start: int = size) -> None:
            log = Log.open(tmp_path, signer=LOG, clock=lambda: NOON)
            for at in range(start - 1, len(made), 7):
                log.add_batches(made[at : at + 7])
                log.checkpoint()
                tell(log.published)

        published = killed_after(rng.randrange(MOST_TOLD), rng.uniform(0, LONGEST_S), publish)
        told += len(published)
        newest = max(published, default=0)
        size = check(tmp_path, made, acknowledged=newest, published=newest)
        reader = LogReader(tmp_path)
        old, root = roots[-1]
        if reader.size:
            verify_consistency(old, reader.size, reader.consistency(old), root, reader.root())
            roots.append((reader.size, reader.root()))
    assert told > KILLS


def workload(folder: Path, made: Batches, shim: PowerCuts) -> None:
    """Appending one by one and in groups, publishing, keeping cosigned checkpoints, across the end of a tile."""
    log = Log.open(folder, signer=LOG, clock=lambda: NOON)
    at = log.size - 1
    for group in (1, 1, 3, 1, 4, 1, 1, 2):
        log.add_batches(made[at : at + group])
        at += group
        shim.acknowledge(("entries", log.size))
        if group != 3:
            head = log.checkpoint()
            shim.acknowledge(("published", log.published))
            log.add_cosigned(head + cosign(split(head)[0], WITNESS, time_s=at), witnesses=[key(WITNESS)])
            shim.acknowledge(("cosigned", log.published))
    log.close()


def cut_workload(folder: Path, made: Batches, *, lucky: bool = False) -> list[Cut]:
    """Every power cut of the workload on a log that is five entries short of a full tile."""
    root = folder / "log"
    root.mkdir()
    log = opened(root)
    log.add_batches(made[:250])
    log.checkpoint()
    log.close()
    with PowerCuts(root, lucky=lucky) as shim:
        workload(root, made, shim)
    assert log.size == 251 and len(shim.cuts) > 100
    return shim.cuts


def check_cut(folder: Path, cut: Cut, made: Batches) -> None:
    """What survived a cut is a log with everything that was acknowledged before it."""
    told = {"entries": 251, "published": 251, "cosigned": 0} | dict(cut.acknowledged)
    check(folder, made, acknowledged=told["entries"], published=told["published"])
    newest = max((kept.size for kept in LogReader(folder).checkpoints()), default=0)
    assert newest >= told["cosigned"]


def test_without_power_at_every_fsync(tmp_path: Path) -> None:
    made = minutes(264, empty=250)
    for cut in cut_workload(tmp_path, made):
        check_cut(cut.build(tmp_path / "after"), cut, made)
        shutil.rmtree(tmp_path / "after")


def test_without_power_at_every_fsync_on_a_disk_that_had_written_some_of_it(tmp_path: Path) -> None:
    rng, made = random.Random(3), minutes(264, empty=250)
    for cut in cut_workload(tmp_path, made, lucky=True):
        for _ in range(2):
            check_cut(cut.build_lucky(tmp_path / "after", rng), cut, made)
            shutil.rmtree(tmp_path / "after")


def test_after_a_power_cut_the_log_goes_on(tmp_path: Path) -> None:
    rng, made = random.Random(4), minutes(300, empty=250)
    cuts = cut_workload(tmp_path, made, lucky=True)
    for cut in rng.sample(cuts, 12):
        folder = cut.build_lucky(tmp_path / "after", rng)
        log = Log.open(folder, signer=LOG, clock=lambda: NOON)
        assert log.add_batches(made) == list(range(1, 301))
        log.checkpoint()
        log.close()
        assert check(folder, made, acknowledged=301, published=301) == 301
        shutil.rmtree(folder)


def nothing(*_: object, **__: object) -> None:
    """An fsync that is forgotten."""


def unsynchronised(path: Path, data: bytes) -> None:
    """A file written without fsync."""
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("name", "forgotten"), [("sync_folder", nothing), ("_write", unsynchronised), ("sync_data", nothing)]
)
def test_these_tests_see_a_forgotten_fsync(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, forgotten: Callable[..., None]
) -> None:
    made = minutes(264, empty=250)
    with monkeypatch.context() as patched:
        if name == "sync_data":  # the journal took it as a default
            patched.setattr("os.fdatasync", nothing)
        patched.setattr(durable, name, forgotten)
        root = tmp_path / "log"
        root.mkdir()
        log = opened(root)
        log.add_batches(made[:250])
        log.checkpoint()
        log.close()
        with PowerCuts(root) as shim:
            if name == "sync_data":
                patched.setattr("os.fdatasync", nothing)
            workload(root, made, shim)
    with pytest.raises((AssertionError, TanjiError)):
        for cut in shim.cuts:
            check_cut(cut.build(tmp_path / f"after{cut.number}"), cut, made)
