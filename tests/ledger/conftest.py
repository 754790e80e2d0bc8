"""A small plant whose streams take laboratory values and manual entries."""

from __future__ import annotations

from pathlib import Path

import pytest

from tanji.ledger import Ledger
from tanji.plant.load import parse
from tanji.plant.model import Plant

PLANT = """
tanji: 1
site: {id: hx, name: {zh: 厂, en: plant}}
lines:
  - {id: l1, name: {zh: 线, en: line}, capacity_t_per_day: 5000,
     kiln: {id: k1, name: {zh: 窑, en: kiln}, running: k1.running}}
devices: [{id: d, name: {zh: 网关, en: gateway}, protocol: modbus_tcp, host: 127.0.0.1}]
meters:
  - {id: m, name: {zh: 秤, en: scale}, kind: belt_scale, device: d, accuracy_class: "0.5"}
points:
  - {id: k1.running, name: {zh: 运行, en: running}, meter: m, kind: state, unit: "1", modbus: {address: 0}}
  - {id: coal.flow, name: {zh: 煤, en: coal}, meter: m, kind: rate, unit: t/h, modbus: {address: 1}}
streams:
  - {id: coal, name: {zh: 煤, en: coal}, kind: fossil_fuel, line: l1, boundaries: [clinker, enterprise],
     fuel: bituminous_coal, points: [coal.flow], laboratory: [net_calorific_value, carbon_as_received]}
  - {id: diesel, name: {zh: 油, en: diesel}, kind: fossil_fuel, boundaries: [enterprise], fuel: diesel, ledger: true}
"""


@pytest.fixture(scope="session")
def plant() -> Plant:
    return parse(PLANT)


@pytest.fixture
def ledger(tmp_path: Path):
    found = Ledger(tmp_path / "ledger.sqlite")
    yield found
    found.close()
