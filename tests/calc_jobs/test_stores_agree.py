"""Same readings on InfluxDB 1.6.7 and on DuckDB: equal figures (issue 3, "what it must show")."""

from __future__ import annotations

from pathlib import Path

import pytest

from tanji.plant.model import Plant
from tanji.store.influx import InfluxStore


@pytest.fixture
def pair(rig, plant: Plant, influx_url: str, tmp_path: Path):
    remote = type(rig)(
        plant.model_copy(update={"site": plant.site.model_copy(update={"id": "hx"})}), tmp_path / "remote"
    )
    remote.store.close()
    remote.store = InfluxStore(influx_url)
    for bucket in ("hx_raw", "hx_derived"):
        remote.store.ensure_bucket(bucket)
    yield rig, remote
    remote.close()


def test_both_stores_give_the_same_figures_first_and_after_late_data(pair) -> None:
    for each in pair:
        each.normal(4, without=("coal",))
        each.put("coal", [20.013, 19.987] * 70 + [None] * 60 + [20.01, 900.0] * 20)
        each.enter(23.4, from_h=0, to_h=2, basis="as_received")
        each.run(after_h=4)
        each.put("coal", [20.5, 20.6] * 30, at_min=140)
        assert each.run().emission_rows > 0
        assert each.run(after_h=6).hours == 0
    for measurement in ("activity", "emission", "emission_history", "flag", "intensity"):
        ours, theirs = (dict(map(split, each.rows(measurement))) for each in pair)
        assert ours.keys() == theirs.keys() and ours
        for key, numbers in ours.items():
            assert numbers == pytest.approx(theirs[key], rel=1e-9, nan_ok=True), key


def split(row: dict) -> tuple[tuple, list[float]]:
    """Texts and time of a row, which must be the same, and its numbers, which must be equal."""
    numbers = {name: value for name, value in row.items() if not isinstance(value, str) and name != "time"}
    rest = tuple(sorted((name, str(value)) for name, value in row.items() if name not in numbers))
    return rest, [float("nan") if value is None else float(value) for value in numbers.values()]
