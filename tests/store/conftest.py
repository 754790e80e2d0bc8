"""The stores the contract is held against: DuckDB, the real InfluxDB 1.6.7, and servers named from outside."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from tanji.store.embedded import EmbeddedStore
from tanji.store.influx import InfluxStore

OPENGEMINI_VISIBLE_S = 2.5  # freshly written rows are not seen for some two seconds (platform.md 1.9)
OUTSIDE = {"influx2": "TANJI_INFLUX2_URL", "opengemini": "TANJI_OPENGEMINI_URL"}
_numbers = itertools.count()


class PatientStore(InfluxStore):
    """An openGemini whose writes are waited for."""

    def write(self, bucket: str, measurement: str, rows: pa.Table) -> None:
        super().write(bucket, measurement, rows)
        time.sleep(OPENGEMINI_VISIBLE_S)


AnyStore = EmbeddedStore | InfluxStore


@pytest.fixture(
    params=["embedded", "influx1", *(pytest.param(name, marks=pytest.mark.outside) for name in OUTSIDE)],
)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[AnyStore]:
    """An open store of every kind."""
    opened: AnyStore
    if request.param == "embedded":
        opened = EmbeddedStore(tmp_path / "tsdb.duckdb")
    elif request.param == "influx1":
        opened = InfluxStore(request.getfixturevalue("influx_url"))
    else:
        url = os.environ.get(OUTSIDE[request.param])
        if not url:
            pytest.skip(f"{OUTSIDE[request.param]} names no server")
        kind = PatientStore if request.param == "opengemini" else InfluxStore
        prefix = OUTSIDE[request.param].removesuffix("_URL")
        token, org = os.environ.get(f"{prefix}_TOKEN"), os.environ.get(f"{prefix}_ORG", "plant")
        opened = kind(url, token=token, org=org)
    yield opened
    opened.close()


@pytest.fixture
def new_bucket() -> Callable[[AnyStore], str]:
    """Makes a bucket no other test uses."""

    def make(store: AnyStore) -> str:
        name = f"t{os.getpid()}_{next(_numbers)}_raw"
        if isinstance(store, InfluxStore):
            store.ensure_bucket(name)
        return name

    return make


@pytest.fixture
def bucket(store: AnyStore, new_bucket: Callable[[AnyStore], str]) -> str:
    """A bucket of this test's own."""
    return new_bucket(store)
