"""CPU per reading with and without sealing: the same bodies through the same sealer and embedded store, twice.

Bodies, HTTP, fsync and read-back are those of `sealer_ingest`. With sealing every reading is sorted, written as
payload, hashed into a Merkle tree, signed for and handed to a log, and the cost of checking it all is told beside it.
`value` is what sealing adds to a reading [CPU-microseconds]; the peer is what a reading costs without. Runs alternate,
and the best of each counts. After each run the store is counted; under seal must be every reading with its own bytes,
so one reading that is missing, doubled or altered fails the benchmark, and so does sealing that costs more than
`MOST_US` a reading.
"""

from __future__ import annotations

import importlib.util
import sys
import tempfile
import time
from pathlib import Path
from types import ModuleType

from measure import report

from tanji.plant.point_map import point_map
from tanji.trust.batch import Batch
from tanji.trust.batch_payload import check_payload
from tanji.trust.keys import VerifierKey
from tanji.trust.note import open_leaf
from tanji.trust.payload import forget_roots
from tanji.trust.plant_note import read_point_map

BODIES = 200
ROUNDS = 3
MOST_US = 3.0
"""With 570,000 readings a CPU-second without sealing, 250,000 leave 2.2 microseconds for it; machines differ."""


def _beside(name: str) -> ModuleType:
    specification = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert specification is not None and specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def expected_lines(ingest: ModuleType, count: int) -> set[bytes]:
    """Every line that is to be under seal, made from the bodies by splitting text: the value is as a meter gave it."""
    lines = set()
    for body in ingest.bodies(count):
        for line in body.splitlines():
            series, fields, time_ms = line.split(b" ")
            value, quality = fields.split(b",")
            text = repr(float(value.removeprefix(b"value="))).encode()
            point = series.rpartition(b"point=")[2]
            lines.add(b"%b %b %b %b\n" % (point, time_ms, text, quality.removeprefix(b"quality=").removesuffix(b"i")))
    return lines


def check(batches: list[tuple[bytes, bytes]], *, vkey: str, map_file: bytes, expected: set[bytes]) -> float:
    """Signatures, roots, grammar, points, and every line once as it was sent; the CPU time of the first four [s]."""
    cpu = time.process_time()
    kinds = {name: mapped.kind for name, mapped in read_point_map(map_file).items()}
    sealed: list[bytes] = []
    for note, payload in batches:
        batch = Batch.parse(open_leaf(note, [VerifierKey.parse(vkey)]))
        check_payload(batch, payload, kinds=kinds)
        sealed += payload.splitlines(keepends=True)
    spent = time.process_time() - cpu
    if len(sealed) != len(expected) or set(sealed) != expected:
        raise SystemExit(f"expected {len(expected)} readings under seal as they were sent, got {len(sealed)}")
    return spent


def main() -> int:
    """Measure, print, and say whether it was good enough."""
    ingest = _beside("sealer_ingest")
    readings = BODIES * ingest.LINES
    cost: dict[bool, list[float]] = {True: [], False: []}
    for _ in range(ROUNDS):
        for is_sealed in (False, True):
            log = ingest.KeepingBatches()
            forget_roots()  # the rounds seal the same bytes
            with tempfile.TemporaryDirectory() as folder:
                cpu, _, stored, _ = ingest.sealer_cpu_s(Path(folder), BODIES, is_sealed=is_sealed, log=log)
            if stored != readings:
                raise SystemExit(f"expected {readings} readings stored, got {stored}")
            cost[is_sealed].append(cpu / readings * 1e6)
    forget_roots()
    checking = check(
        log.batches,
        vkey=ingest.SIGNER.vkey(),
        map_file=point_map(ingest.plant()),
        expected=expected_lines(ingest, BODIES),
    )
    without, sealed = min(cost[False]), min(cost[True])
    report(
        "seal_overhead",
        value=round(sealed - without, 2),
        unit="CPU-us/reading",
        peer="the same without sealing",
        peer_value=round(without, 2),
        ratio=round(sealed / without, 2),
        with_sealing=round(sealed, 2),
        readings_per_cpu_s=round(1e6 / sealed),
        checking_us=round(checking / readings * 1e6, 2),
        readings=readings,
        batches=len(log.batches),
    )
    return 0 if sealed - without <= MOST_US else 1


if __name__ == "__main__":
    sys.exit(main())
