"""The same plant on InfluxDB 1.6.7 and on the embedded store gives the same figures (DESIGN section 3, R22)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tanji.plant.load import load
from tanji.plant.names import derived_bucket, health_bucket, raw_bucket
from tanji.store.embedded import EmbeddedStore
from tanji.store.influx import InfluxStore

from .metered import DEMO, Metered, measure, scenario_of

DAYS = 2


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Metered:
    """Computed on DuckDB."""
    folder = tmp_path_factory.mktemp("embedded")
    store = EmbeddedStore(folder / "tsdb.duckdb")
    try:
        return measure(store, scenario_of(DAYS), folder=folder)
    finally:
        store.close()


def test_influxdb_and_duckdb_give_equal_figures(embedded: Metered, influx_url: str, tmp_path: Path) -> None:
    plant = load(DEMO)
    store = InfluxStore(influx_url)
    try:
        for bucket in (raw_bucket, derived_bucket, health_bucket):
            store.ensure_bucket(bucket(plant.site.id))
        on_influx = measure(store, scenario_of(DAYS), folder=tmp_path)
    finally:
        store.close()
    assert on_influx.computed.keys() == embedded.computed.keys()
    assert len(embedded.computed) > 20
    for key, value in embedded.computed.items():
        assert on_influx.computed[key] == pytest.approx(value, rel=1e-9), key
    assert on_influx.summary.clinker_t == pytest.approx(embedded.summary.clinker_t, rel=1e-9)
