"""A line with a coal scale, a calciner scale, a clinker counter, a stack and a meter, on the embedded store.

`Rig` plays the sealer: it writes readings and the `arrival` rows that go with them, at a clock the test moves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from calc_jobs.jobs import Jobs
from tanji.ledger import Ledger
from tanji.ledger.entries import Entry
from tanji.plant.load import parse
from tanji.plant.model import Plant
from tanji.store.embedded import EmbeddedStore

MINUTE, HOUR = 60_000, 3_600_000
START = 1_772_323_200_000  # 2026-03-01 00:00 UTC

PLANT = """
tanji: 1
site: {id: hx, name: {zh: 厂, en: plant}, region: national}
lines:
  - {id: l1, name: {zh: 线, en: line}, capacity_t_per_day: 5000,
     kiln: {id: k1, name: {zh: 窑, en: kiln}, running: k1.running}}
devices: [{id: d, name: {zh: 网关, en: gateway}, protocol: modbus_tcp, host: 127.0.0.1, period_s: 60}]
meters:
  - {id: scale, name: {zh: 秤, en: scale}, kind: belt_scale, device: d, accuracy_class: "0.5"}
  - {id: stack, name: {zh: 烟, en: stack}, kind: gas_analyser, device: d, accuracy_class: "2.0"}
points:
  - {id: k1.running, name: {zh: 运行, en: running}, meter: scale, kind: state, unit: "1", modbus: {address: 0}}
  - {id: coal, name: {zh: 煤, en: coal}, meter: scale, kind: rate, unit: t/h, modbus: {address: 1},
     limits: {low: 0, high: 50, rate_per_s: 1, stuck_s: 1800}}
  - {id: clinker, name: {zh: 熟料, en: clinker}, meter: scale, kind: counter, unit: t, scale: 0.1,
     modbus: {address: 20, type: uint32}, rollover: 100000, rated_per_h: 320}
  - {id: power, name: {zh: 电, en: power}, meter: scale, kind: counter, unit: kWh, modbus: {address: 30, type: uint32},
     rollover: 10000000, rated_per_h: 40000}
  - {id: co2, name: {zh: 碳, en: co2}, meter: stack, kind: concentration, unit: "%", modbus: {address: 4}}
  - {id: speed, name: {zh: 流速, en: speed}, meter: stack, kind: condition, unit: m/s, modbus: {address: 5}}
  - {id: heat, name: {zh: 温, en: heat}, meter: stack, kind: condition, unit: degC, modbus: {address: 6}}
  - {id: press, name: {zh: 压, en: press}, meter: stack, kind: condition, unit: kPa, modbus: {address: 7}}
  - {id: moist, name: {zh: 湿, en: moist}, meter: stack, kind: condition, unit: "%", modbus: {address: 8}}
streams:
  - {id: coal, name: {zh: 煤, en: coal}, kind: fossil_fuel, line: l1, boundaries: [clinker, enterprise],
     fuel: bituminous_coal, points: [coal], laboratory: [net_calorific_value]}
  - {id: diesel, name: {zh: 油, en: diesel}, kind: fossil_fuel, boundaries: [enterprise], fuel: diesel, ledger: true}
  - {id: clinker, name: {zh: 熟料, en: clinker}, kind: clinker, line: l1, boundaries: [clinker, enterprise],
     points: [clinker]}
  - {id: power, name: {zh: 电, en: power}, kind: electricity_purchased, boundaries: [enterprise], points: [power]}
  - {id: stack, name: {zh: 烟, en: stack}, kind: flue_gas, line: l1, boundaries: [clinker],
     flue_gas: {co2: co2, velocity: speed, temperature: heat, pressure: press, humidity: moist, area_m2: 12}}
"""

NORMAL = {"k1.running": 1.0, "coal": 20.0, "co2": 20.0, "speed": 12.0, "heat": 91.0, "press": 101.325, "moist": 10.0}
"""Steady operation; the stack gives 137.46857 t/h (the worked example of `tanji.domain.cems.co2_mass_rate`)."""
COUNTS_PER_MINUTE = {"clinker": 35.0, "power": 200.0}
"""3.5 t and 200 kWh a minute: 210 t and 12 MWh an hour."""


class Rig:
    """Store, ledger and clock of one plant."""

    def __init__(self, plant: Plant, folder: Path) -> None:
        self.plant = plant
        self.folder = folder
        folder.mkdir(exist_ok=True)
        self.now_ms = START
        self.store = EmbeddedStore(folder / "tsdb.duckdb")
        self.ledger = Ledger(folder / "ledger.sqlite")
        self._arrivals = 0

    def close(self) -> None:
        self.ledger.close()
        self.store.close()

    def jobs(self, **options: object) -> Jobs:
        return Jobs(self.plant, store=self.store, ledger=self.ledger, clock=lambda: self.now_ms, **options)  # type: ignore[arg-type]

    def run(self, *, after_h: int | None = None):
        if after_h is not None:
            self.now_ms = START + after_h * HOUR + MINUTE
        return self.jobs().run_once()

    def put(
        self,
        point: str,
        values: Sequence[float | None],
        *,
        at_min: int = 0,
        word: int = 0,
        arrive: bool = True,
    ) -> None:
        """One reading a minute from minute `at_min` after START; None is a failed read."""
        times = START + MINUTE * (at_min + np.arange(len(values), dtype=np.int64))
        rows = pa.table(
            {
                "time": times,
                "plant": ["hx"] * len(values),
                "point": [point] * len(values),
                "value": pa.array(values, pa.float64()),
                "quality": pa.array([word] * len(values), pa.int64()),
            }
        )
        self.store.write("hx_raw", "reading", rows)
        if arrive:
            self.arrive(sorted(set((times // HOUR * HOUR).tolist())))

    def arrive(self, hours: Sequence[int]) -> None:
        """`arrival` rows as the sealer writes them."""
        rows = len(hours)
        first = START - 1_000_000 + self._arrivals
        self._arrivals += rows
        table = {"time": np.arange(first, first + rows), "plant": ["hx"] * rows, "hour_ms": list(hours)}
        self.store.write("hx_raw", "arrival", pa.table(table | {"count": [60] * rows}))

    def normal(self, hours: int, *, from_h: int = 0, without: Sequence[str] = (), **steady: float) -> None:
        """Steady operation of every point."""
        count, first = hours * 60, from_h * 60
        for point, value in (NORMAL | steady).items():
            if point not in without:
                # a scale is never perfectly still: alternate by 0.01 so that nothing is stuck, the mean unchanged
                swing = 0.01 if point == "coal" else 0.0
                self.put(point, [value + swing * (-1) ** minute for minute in range(count)], at_min=first)
        for point, step in COUNTS_PER_MINUTE.items():
            if point not in without:
                self.put(
                    point, [step * minute for minute in range(first, first + count + 1)], at_min=first, arrive=False
                )

    def enter(self, value: float, *, from_h: int, to_h: int, stream: str = "coal", sample: str = "S", **more) -> None:
        parameter = more.pop("parameter", "amount" if stream == "diesel" else "net_calorific_value")
        unit = more.pop("unit", "t" if stream == "diesel" else "GJ/t")
        entry = Entry(sample, stream, parameter, value, unit, START + from_h * HOUR, START + to_h * HOUR, **more)
        self.ledger.enter([entry], recorded_at_ms=self.now_ms)

    def rows(self, measurement: str = "emission", **where: str) -> list[dict]:
        found = self.store.read("hx_derived", measurement, where={tag: [value] for tag, value in where.items()})
        rows = found.to_pylist()
        for row in rows:
            row["hour"] = (row["time"] - START) / HOUR
        return sorted(rows, key=lambda row: row["time"])

    def co2(self, stream: str = "coal", *, ruleset: str = "cets_ag_02_01", boundary: str = "enterprise") -> list:
        return [row["co2_t"] for row in self.rows(stream=stream, ruleset=ruleset, boundary=boundary)]

    def everything(self) -> dict[str, list]:
        """All derived rows, to compare before and after."""
        names = ("flag", "activity", "emission", "emission_history", "intensity")
        return {name: self.store.read("hx_derived", name).to_pylist() for name in names}


@pytest.fixture(scope="session")
def plant() -> Plant:
    return parse(PLANT)


@pytest.fixture(scope="session")
def rig_class() -> type[Rig]:
    """For a rig per example of a property, and for other plants."""
    return Rig


@pytest.fixture
def rig(plant: Plant, tmp_path: Path) -> Iterator[Rig]:
    found = Rig(plant, tmp_path)
    yield found
    found.close()


@pytest.fixture
def rig_of(tmp_path: Path) -> Iterator[Callable[..., Rig]]:
    """Makes rigs of the plant with each (old, new) of its file replaced once."""
    made: list[Rig] = []

    def make(*changes: tuple[str, str]) -> Rig:
        text = PLANT
        for old, new in changes:
            assert old in text, old
            text = text.replace(old, new, 1)
        made.append(Rig(parse(text), tmp_path / f"rig{len(made)}"))
        return made[-1]

    yield make
    for each in made:
        each.close()
