"""The demo plant and summaries of seeded rows (`tests/seed.py`), whose sums are known by hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from tanji.plant.load import load
from tanji.plant.model import Plant
from tanji.report.model import Summary
from tanji.report.summary import summary_of

START_MS = 1_792_339_200_000  # 2026-10-18 16:00 UTC, midnight in Shanghai
HOUR_MS = 3_600_000
HOURS = 72

Make = Callable[..., Summary]


@pytest.fixture(scope="session")
def plant() -> Plant:
    return load(Path(__file__).parents[2] / "provisioning" / "plants" / "demo.yaml")


@pytest.fixture
def make(plant: Plant, seed: ModuleType) -> Make:
    """A summary of seeded rows of the plant, or of another one; keyword arguments go to `seed.tables`."""

    def summary(*, start_ms: int = START_MS, hours: int = HOURS, of: Plant = plant, **options: object) -> Summary:
        tables = seed.tables(of, start_ms=start_ms, hours=hours, **options)
        three = (tables[name] for name in ("emission", "activity", "flag"))
        end_ms = start_ms + hours * HOUR_MS
        return summary_of(*three, of, intensity=tables["intensity"], start_ms=start_ms, end_ms=end_ms)

    return summary
