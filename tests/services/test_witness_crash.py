"""Crashes of the witness: killed or without power, it never says two things about one size and never goes back (R35).

The log that asks is dishonest and shows two histories in turn. What counts is what was answered, all of it together,
over a hundred deaths.
"""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest

from services.witness.app import Refusal, Witness, create_witness
from tanji.trust import durable
from tanji.trust.checkpoint import parse
from tanji.trust.note import open_note
from tanji.trust.tree import Tree

from ..trust.fsync_shim import PowerCuts
from ..trust.killed import Tell, killed_after
from ..trust.log_rig import LOG, NOON, ORIGIN, WITNESS, key
from .test_witness import head, request, tree

KILLS = 100
MOST_TOLD = 6
LONGEST_S = 0.004
LARGEST = 4000


def ready(folder: Path) -> Witness:
    """The witness, as it starts."""
    return create_witness(folder, WITNESS, {ORIGIN: LOG.vkey()}, clock=lambda: NOON)


def asked(witness: Witness, log: Tree, size: int) -> int | None:
    """Ask for `size` from wherever the witness stands; the size it answered a cosignature for, None if it refused."""
    for _ in range(2):
        known = size_known(witness)
        proof = log.consistency(known, size) if 0 < known < size else []
        try:
            lines = witness.add_checkpoint(request(known, proof, head(log, size)))
        except Refusal as refusal:
            if refusal.status.startswith("422") or known > size:
                return None
            continue
        opened = open_note(head(log, size) + lines, [key(LOG), key(WITNESS)])
        return parse(opened.body).size
    return None


def size_known(witness: Witness) -> int:
    """What the witness says it saw last, asked as a log asks."""
    try:
        witness.add_checkpoint(request(LARGEST, [bytes(32)], head(tree(size=1), LARGEST, root=bytes(32))))
    except Refusal as refusal:
        return int(refusal.body) if refusal.status.startswith("409") else LARGEST
    raise AssertionError("a forged proof was taken")


def test_a_hundred_kills_while_witnessing(tmp_path: Path) -> None:
    rng = random.Random(5)
    histories = [tree(size=LARGEST), tree(size=LARGEST, fork_at=37)]
    answered: dict[int, set[int]] = {}
    newest = total = 0
    for _ in range(KILLS):

        def ask(tell: Tell, seed: int = rng.randrange(1 << 30)) -> None:
            witness, steps = ready(tmp_path), random.Random(seed)
            size = size_known(witness)
            while True:
                which, wanted = steps.randrange(2), min(LARGEST - 1, max(1, size + steps.randrange(3)))
                if asked(witness, histories[which], wanted) is not None:
                    size = wanted
                    tell(2 * size + which)

        for told in killed_after(rng.randrange(MOST_TOLD), rng.uniform(0, LONGEST_S), ask):
            size, which = divmod(told, 2)
            answered.setdefault(size, set()).add(which)
            assert size >= newest  # never back behind what somebody was told
            newest, total = size, total + 1
        assert size_known(ready(tmp_path)) >= newest
    assert total > KILLS and newest > 50  # it was the middle of witnessing, beyond the fork
    for size, shown in answered.items():
        assert len({histories[which].root(size) for which in shown}) == 1, size
    beyond = set().union(*(shown for size, shown in answered.items() if size > 37))
    assert len(beyond) == 1  # one of the two histories, over all restarts


def grown(folder: Path, shim: PowerCuts) -> None:
    """Twenty cosignatures, each of them told to somebody."""
    witness, log = ready(folder), tree()
    for size in range(1, 20):
        assert asked(witness, log, size) == size
        shim.acknowledge(size)


@pytest.mark.parametrize("lucky", [False, True])
def test_without_power_at_every_fsync_it_knows_what_it_told(tmp_path: Path, lucky: bool) -> None:
    rng, root = random.Random(6), tmp_path / "witness"
    root.mkdir()
    with PowerCuts(root, lucky=lucky) as shim:
        grown(root, shim)
    assert len(shim.cuts) >= 39
    for cut in shim.cuts:
        after = cut.build_lucky(tmp_path / "after", rng) if lucky else cut.build(tmp_path / "after")
        witness, told = ready(after), max(cut.acknowledged, default=0)
        assert told <= size_known(witness) <= told + 1
        if told > 3:
            assert asked(witness, tree(fork_at=2), told + 1) is None
        assert asked(witness, tree(), 19) == 19
        shutil.rmtree(after)


def test_this_test_sees_a_forgotten_fsync(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "witness"
    root.mkdir()
    with PowerCuts(root) as shim, monkeypatch.context() as patched:
        patched.setattr(durable, "sync_folder", lambda folder: None)
        grown(root, shim)
    told = [max(cut.acknowledged, default=0) for cut in shim.cuts]
    known = [size_known(ready(cut.build(tmp_path / f"after{cut.number}"))) for cut in shim.cuts]
    assert any(size < least for size, least in zip(known, told, strict=True))
