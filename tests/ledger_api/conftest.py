"""A month of the demo plant behind the pages, served on a free port."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from flask import Flask

from ledger_api import create_app
from ledger_api.server import PagesServer, serve
from tanji.plant.load import load
from tanji.plant.model import Plant
from tanji.store.embedded import EmbeddedStore

START_MS = 1_789_833_600_000  # 2026-09-19 16:00 UTC, midnight in Shanghai
HOUR_MS = 3_600_000
HOURS = 31 * 24


@pytest.fixture(scope="session")
def plant() -> Plant:
    return load(Path(__file__).parents[2] / "provisioning" / "plants" / "demo.yaml")


@pytest.fixture(scope="session")
def store(plant: Plant, seed: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedStore]:
    """31 days; the raw meal lacks three hours, the kiln stood for sixteen."""
    opened = EmbeddedStore(tmp_path_factory.mktemp("pages") / "tsdb.duckdb")
    missing = {"line1.raw_meal": range(10, 13)}
    tables = seed.tables(plant, start_ms=START_MS, hours=HOURS, missing=missing, stopped=range(400, 416))
    for measurement, rows in tables.items():
        opened.write("demo_derived", measurement, rows)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def app(plant: Plant, store: EmbeddedStore) -> Flask:
    """The pages twenty minutes after the month ended."""
    return create_app(plant, store=store, clock=lambda: START_MS + HOURS * HOUR_MS + 20 * 60_000)


@pytest.fixture(scope="session")
def pages(app: Flask) -> Iterator[PagesServer]:
    server = serve(app, host="127.0.0.1", port=0)
    yield server
    server.stop()
