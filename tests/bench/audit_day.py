"""audit_day: a plant-day of 5.2 M readings (60 points at 1 Hz, 1,440 batches) audited offline by the verifier.

Budget of DESIGN section 6: under 6 s on 2 cores. `value` is the wall time of the command `tanji verify batches LOG
--anchor FILE`, start of the process included: keyring, plant note, every batch's signature, chain and times, every
payload's lines and root, the log's root, the log's signature and the witness's cosignature under the anchor's policy.
The peer is the least that any such audit has to do: leaf and node hashes of the same lines, on as many cores.
Beside it, the store against the same evidence as `tanji audit` compares them, on the embedded store and in one process:
signature and root of every batch, columns, which value stands, reading and comparing the store. CPU seconds include
those of the command's processes. Exits 1 where a verdict is not ok, a reading is missing, or the true copy differs.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from measure import report
from sealed_day import ANCHOR, MINUTES, POINTS, SealedDay, audited, copied, seal_day

from calc_jobs.audit import Audit
from tanji.trust.payload import split_lines
from tanji.trust.tree import root_of_lines

PROCESSES = 2
"""Cores of the budget."""


def main(minutes: int = MINUTES, points: int = POINTS) -> None:
    """Print the result line."""
    with tempfile.TemporaryDirectory() as scratch:
        day = seal_day(Path(scratch) / "log", minutes=minutes, points=points)
        seconds, cpu_s = timed_audit(day)
        least = hashing_alone(day)
        with copied(day, Path(scratch)) as audit:
            compared_s = timed_comparison(day, audit)
    report(
        "audit_day",
        value=seconds,
        unit="s",
        peer="leaf and node hashes of the same lines alone, one core, divided by the cores",
        peer_value=least / PROCESSES,
        ratio=least / PROCESSES / seconds,
        cpu_s=round(cpu_s, 2),
        store_audit_s=round(compared_s, 2),
        readings=day.readings,
        batches=day.batches,
        processes=PROCESSES,
        cores=os.cpu_count(),
    )


def timed_audit(day: SealedDay) -> tuple[float, float]:
    """Wall and CPU time of the offline audit [s]; SystemExit where anything is not in order."""
    anchor = day.folder.with_name("anchor")
    anchor.write_bytes(ANCHOR)
    begun, begun_cpu = time.perf_counter(), cpu_seconds()
    done = verify(day.folder, anchor)
    seconds, cpu_s = time.perf_counter() - begun, cpu_seconds() - begun_cpu
    if done.returncode:
        raise SystemExit(f"audit_day: {done.stdout}{done.stderr}")
    facts = json.loads(done.stdout)["facts"]
    if facts["readings"] != day.readings or not facts["witness_times"]:
        raise SystemExit(f"audit_day: expected {day.readings} witnessed readings, got {facts}")
    return seconds, cpu_s


def verify(log: Path, anchor: Path) -> subprocess.CompletedProcess[str]:
    """The command that is timed."""
    words = ("verify", "batches", str(log), "--anchor", str(anchor), "--processes", str(PROCESSES), "--json")
    return subprocess.run([sys.executable, "-m", "tanji.cli.main", *words], capture_output=True, text=True, check=False)


def timed_comparison(day: SealedDay, audit: Audit) -> float:
    """Wall time of comparing the store with the evidence [s]; SystemExit where they differ."""
    begun = time.perf_counter()
    audited(day, audit)
    return time.perf_counter() - begun


def hashing_alone(day: SealedDay) -> float:
    """Time of the hashes over all lines, without reading and splitting files [s]."""
    total = 0.0
    for path in sorted((day.folder / "payload").iterdir()):
        lines = split_lines(path.read_bytes())
        begun = time.perf_counter()
        root_of_lines(lines)
        total += time.perf_counter() - begun
    return total


def cpu_seconds() -> float:
    """CPU time of this process and of those it has waited for [s]."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


if __name__ == "__main__":
    main()
