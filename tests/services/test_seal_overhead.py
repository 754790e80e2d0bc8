"""The benchmark of sealing is one of the whole work: it fails with one reading altered, missing or added (issue 6)."""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from tanji.errors import TrustError
from tanji.plant.point_map import point_map
from tanji.trust.batch import Batch, format_batch
from tanji.trust.note import sign
from tanji.trust.payload import payload_root

from .seal_rig import LogDouble, header, key, sealing
from .sealer_rig import FEED, NOON, line, plant

BENCH = Path(__file__).parents[1] / "bench"


@pytest.fixture
def benchmark(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.setattr(sys, "path", [str(BENCH), *sys.path])
    specification = importlib.util.spec_from_file_location("seal_overhead", BENCH / "seal_overhead.py")
    assert specification is not None and specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def sealed(folder: Path) -> tuple[list[tuple[bytes, bytes]], set[bytes]]:
    """Batches of a sealer, and the lines they are to hold."""
    log = LogDouble()
    with sealing(folder, log=log) as sealer:
        sealer.accept(line(FEED, NOON, 331.25), line(FEED, NOON + 1, 331.5))
        assert sealer.sealer.seal_now(20)
    return log.entries, {each.text() for each in log.lines()}


def again(entry: tuple[bytes, bytes], payload: bytes) -> tuple[bytes, bytes]:
    """The batch with another payload, signed anew with the gateway's own key."""
    batch: Batch = replace(header(entry[0]), points=payload.count(b"\n"), root=payload_root(payload))
    return sign(format_batch(batch), key()), payload


def test_what_was_sealed_passes(tmp_path: Path, benchmark: ModuleType) -> None:
    entries, lines = sealed(tmp_path)
    assert len(lines) == 2
    benchmark.check(entries, vkey=key().vkey(), map_file=point_map(plant()), expected=lines)


def test_one_altered_reading_fails_it(tmp_path: Path, benchmark: ModuleType) -> None:
    entries, lines = sealed(tmp_path)
    note, payload = entries[0]
    altered = payload.replace(b"331.5", b"321.5")
    for wrong, reason in (
        ([(note, altered)], "payload-root"),
        ([(note, payload.splitlines(keepends=True)[0])], "payload-count"),
        ([(note.replace(b"points 2", b"points 3"), payload)], "note-signature"),
    ):
        with pytest.raises(TrustError, match=reason):
            benchmark.check(wrong, vkey=key().vkey(), map_file=point_map(plant()), expected=lines)
    for signed in (altered, payload.splitlines(keepends=True)[0]):  # even under the gateway's own signature
        with pytest.raises(SystemExit, match="expected 2 readings"):
            benchmark.check([again(entries[0], signed)], vkey=key().vkey(), map_file=point_map(plant()), expected=lines)


def test_the_lines_to_be_sealed_are_those_of_the_bodies(benchmark: ModuleType) -> None:
    ingest = benchmark._beside("sealer_ingest")
    lines = benchmark.expected_lines(ingest, 1)
    assert len(lines) == ingest.LINES
    assert all(text.startswith(b"line1.device") and text.endswith(b" 0\n") for text in lines)
