"""What the tests of sealing share: a gateway's key, a log in memory that accepts by the rules, and a reader of batches.

The log keeps to docs/trust-format.md sections 4 and 6 as they are written there, with its own few lines of code for the
chain; signatures and payload grammar are those of `tanji.trust`, which have tests of their own.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from services.sealer import sealing as sealing_module
from tanji.errors import TrustError
from tanji.plant.model import Plant
from tanji.plant.point_map import point_map
from tanji.trust.batch import Batch, ChainEnd, leaf
from tanji.trust.batch_payload import check_payload
from tanji.trust.batch_signer import OneKey
from tanji.trust.keys import VerifierKey
from tanji.trust.note import open_leaf
from tanji.trust.payload import parse_payload
from tanji.trust.payload_line import PayloadLine
from tanji.trust.plant_note import read_point_map
from tanji.trust.signer import Ed25519Signer

from .sealer_rig import NOON, POINTS, Rig, plant, rig, wait_until

GATEWAY = "plant.example/gw-kiln1"
MINUTE = 60_000


def key(seed: int = 1, name: str = GATEWAY) -> Ed25519Signer:
    """A key that every test run has again."""
    return Ed25519Signer(name, bytes([seed]) * 32, 1)


class LogDouble:
    """A `BatchLog` in memory. `down`: it does not answer."""

    def __init__(self, *, keys: tuple[Ed25519Signer, ...] = (key(),), maps: tuple[bytes, ...] = ()) -> None:
        self.keys = [VerifierKey.parse(each.vkey()) for each in keys]
        self.kinds = {
            sha256(each).digest(): {name: mapped.kind for name, mapped in read_point_map(each).items()} for each in maps
        }
        self.entries: list[tuple[bytes, bytes]] = []
        self.down = threading.Event()
        self.tries = 0

    def add_batch(self, note: bytes, payload: bytes) -> int:
        self._check()
        self.tries += 1
        known = [entry[0] for entry in self.entries]
        if note in known:
            return known.index(note)
        for number, public in enumerate(self.keys):
            try:
                batch = Batch.parse(open_leaf(note, [public]))
                break
            except TrustError:
                if number == len(self.keys) - 1:
                    raise
        batch.check_times()
        check_payload(batch, payload, kinds=self.kinds.get(batch.pointmap))
        last = self.chain_end(batch.gateway)
        if batch.seq != (0 if last is None else last.seq + 1):
            raise TrustError("batch-sequence", expected="the next number", got=str(batch.seq))
        if batch.prev != (bytes(32) if last is None else last.leaf):
            raise TrustError("batch-prev", expected="the last leaf", got=batch.prev.hex())
        if batch.kind == "regular" and last is not None and batch.from_ms != last.to_ms:
            raise TrustError("batch-hole", expected=str(last.to_ms), got=str(batch.from_ms))
        self.entries.append((note, payload))
        return len(self.entries) - 1

    def chain_end(self, gateway: str) -> ChainEnd | None:
        self._check()
        batches = [(note, header(note)) for note, _ in self.entries if header(note).gateway == gateway]
        if not batches:
            return None
        to_ms = max(batch.to_ms for _, batch in batches if batch.kind == "regular")
        return ChainEnd(batches[-1][1].seq, leaf(batches[-1][0]), to_ms, batches[-1][0])

    def batches(self) -> list[Batch]:
        return [header(note) for note, _ in self.entries]

    def lines(self, *kinds: str) -> list[PayloadLine]:
        """Every sealed line in the order of the log."""
        wanted = kinds or ("regular", "late", "config")
        return [line for note, data in self.entries if header(note).kind in wanted for line in parse_payload(data)]

    def _check(self) -> None:
        if self.down.is_set():
            raise ConnectionRefusedError("connection refused")


def header(note: bytes) -> Batch:
    return Batch.parse(note.rpartition(b"\n\n")[0] + b"\n")


def standing(lines: list[PayloadLine]) -> dict[tuple[str, int], tuple[float | None, int]]:
    """What counts of sealed lines: a value without DUPLICATE, or else the first failed read. Checks that it is one."""
    found: dict[tuple[str, int], tuple[float | None, int]] = {}
    for line in lines:
        if line.is_duplicate:
            assert (line.point, line.time_ms) in found or line in lines, "a duplicate of nothing"
            continue
        before = found.get((line.point, line.time_ms))
        assert before is None or before[0] is None, f"two standing values: {before} and {line}"
        if before is None or line.value is not None:
            found[line.point, line.time_ms] = (None if line.value is None else float(line.value), line.quality)
    return found


@contextmanager
def sealing(
    folder: Path,
    *,
    log: LogDouble | None = None,
    points: tuple[str, ...] = POINTS,
    made: Plant | None = None,
    seed: int = 1,
    **options: Any,
) -> Iterator[Rig]:
    """A rig that seals; `log` is where batches go. Cuts are made by `seal_now` and by the clock of the test."""
    made = made or plant(points)
    folder.mkdir(exist_ok=True)
    signer = options.pop("signer", key(seed))
    options.setdefault("keys", None if signer is None else OneKey(signer))
    options.setdefault("point_map", point_map(made))
    with rig(folder, made=made, to_log=log, **options) as running:
        yield running


def files(folder: Path) -> dict[str, bytes]:
    """Every note and payload of a seal folder."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for name in ("notes", "payload")
        for path in sorted((folder / "seal" / name).glob("*"))
        if not path.name.endswith(".tmp")
    }


def codes(sealer: Rig) -> set[str]:
    """Alarms that are set."""
    return {alarm["code"] for alarm in sealer.sealer.report()["alarms"]}


def check_chain(batches: list[Batch], notes: list[bytes]) -> None:
    """Numbers and leaves follow each other, and regular batches leave no time out."""
    regular = [batch for batch in batches if batch.kind == "regular"]
    assert [batch.seq for batch in batches] == list(range(len(batches)))
    assert [batch.prev for batch in batches] == [bytes(32), *(leaf(note) for note in notes[:-1])]
    assert [batch.from_ms for batch in regular[1:]] == [batch.to_ms for batch in regular[:-1]]
    assert all(batch.from_ms < batch.to_ms for batch in regular)


class Hands:
    """A sealer whose clock and cuts are in the hands of the test: its thread looks only when told."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sealing_module, "LOOK_S", 1000.0)
        self.now = NOON

    def clock(self) -> int:
        return self.now

    def at(self, sealer: Rig, offset_ms: int) -> bool:
        """Set the clock to a time after noon and look; whether there was a cut."""
        self.now = NOON + offset_ms
        assert sealer.sealer.sealing is not None
        return sealer.sealer.sealing.step()


def waited(log: LogDouble, count: int) -> None:
    """Wait until the log has so many batches, and no more."""
    wait_until(lambda: len(log.entries) >= count)
    assert len(log.entries) == count
