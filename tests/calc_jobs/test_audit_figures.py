"""What tests/bench/audit_day.py and verify_year.py time, in short: it fails when anything is altered (R35)."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pyarrow as pa
import pytest

from tanji.errors import TrustError

BENCH = Path(__file__).parents[1] / "bench"
NAMES = ("measure", "sealed_day", "published_year", "audit_day", "verify_year")


@pytest.fixture(scope="module")
def bench() -> Iterator[dict[str, ModuleType]]:
    """The benchmarks, which import each other by bare names."""
    sys.path.insert(0, str(BENCH))
    try:
        yield {name: importlib.import_module(name) for name in NAMES}
    finally:
        sys.path.remove(str(BENCH))
        for name in NAMES:
            sys.modules.pop(name, None)


@pytest.fixture
def day(bench: dict[str, ModuleType], tmp_path: Path) -> object:
    """Five sealed minutes of three points."""
    return bench["sealed_day"].seal_day(tmp_path / "log", minutes=5, points=3)


def payload(day: object, number: int) -> Path:
    return sorted((day.folder / "payload").iterdir())[number]  # type: ignore[attr-defined]


def test_the_audit_of_a_day_passes_and_counts_every_reading(bench: dict[str, ModuleType], day: object) -> None:
    seconds, cpu_s = bench["audit_day"].timed_audit(day)
    assert seconds > 0 and cpu_s > 0


def test_the_audit_of_a_day_fails_with_one_reading_altered(bench: dict[str, ModuleType], day: object) -> None:
    path = payload(day, 3)
    lines = path.read_bytes()
    path.write_bytes(lines.replace(b"meter01.mass_flow 1772323407000 3", b"meter01.mass_flow 1772323407000 2", 1))
    assert path.read_bytes() != lines
    with pytest.raises(SystemExit, match="payload-root"):
        bench["audit_day"].timed_audit(day)
    path.write_bytes(lines)
    bench["audit_day"].timed_audit(day)


def test_the_audit_of_a_day_fails_without_the_witness(bench: dict[str, ModuleType], day: object) -> None:
    for path in (day.folder / "checkpoints").iterdir():  # type: ignore[attr-defined]
        path.unlink()
    with pytest.raises(SystemExit, match="quorum"):
        bench["audit_day"].timed_audit(day)


def test_the_comparison_of_a_day_fails_with_one_stored_reading_altered(
    bench: dict[str, ModuleType], day: object, tmp_path: Path
) -> None:
    sealed_day = bench["sealed_day"]
    with sealed_day.copied(day, tmp_path) as audit:
        assert bench["audit_day"].timed_comparison(day, audit) > 0
        row = {"time": sealed_day.START + 61_000, "plant": "demo", "point": "kiln1.meter01.mass_flow", "value": 1.0}
        audit._store.write("demo_raw", "reading", pa.Table.from_pylist([row]))
        with pytest.raises(SystemExit, match="'changed': 1"):
            bench["audit_day"].timed_comparison(day, audit)


@pytest.fixture
def year(bench: dict[str, ModuleType], tmp_path: Path) -> object:
    """Statements of six days."""
    return bench["published_year"].publish_year(tmp_path / "statements", days=6, batches=11)


def test_the_statements_of_a_year_verify(bench: dict[str, ModuleType], year: object) -> None:
    bench["published_year"].verify(year)


def test_a_year_fails_with_one_statement_altered(bench: dict[str, ModuleType], year: object) -> None:
    path = year.folder / "003.note"  # type: ignore[attr-defined]
    entry = path.read_bytes()
    assert entry.count(b'"co2_t":"3900.750000"') == 1
    path.write_bytes(entry.replace(b'"co2_t":"3900.750000"', b'"co2_t":"3783.750000"'))  # 3 % less
    with pytest.raises(TrustError):
        bench["published_year"].verify(year)


@pytest.mark.parametrize("who", ["demo.example/approve", "metrology.example/w1", "demo.example/log"])
def test_a_year_fails_with_one_signature_missing(bench: dict[str, ModuleType], year: object, who: str) -> None:
    for ending in ("note", "tlog-proof"):
        path = year.folder / f"002.{ending}"  # type: ignore[attr-defined]
        lines = path.read_bytes().split(b"\n")
        path.write_bytes(b"\n".join(line for line in lines if not line.startswith(f"— {who} ".encode())))
    with pytest.raises(TrustError):
        bench["published_year"].verify(year)


def test_a_year_fails_with_a_day_left_out(bench: dict[str, ModuleType], year: object) -> None:
    for ending in ("note", "tlog-proof"):
        (year.folder / f"004.{ending}").unlink()  # type: ignore[attr-defined]
    with pytest.raises(SystemExit, match="expected a witnessed statement"):
        bench["published_year"].verify(year)
