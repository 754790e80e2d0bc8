"""A small plant whose streams take laboratory values and manual entries."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from tanji.domain.factors import Factor
from tanji.domain.items import RuleSetId
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

OWN = Factor(
    id="own.carbon_per_energy.bituminous_coal.2026",
    quantity="carbon_per_energy",
    applies_to="bituminous_coal",
    rulesets=(RuleSetId.GBT32151_8, RuleSetId.CETS_AG_02_01),
    value=0.0255,
    unit="tC/GJ",
    document="supplier's yearly analysis",
    edition="2026",
    clause="sheet 3",
    valid_from=date(2026, 1, 1),
    valid_to=date(2026, 12, 31),
    confidence="T",
    own=True,
)
"""A factor of the plant's own, its value made up."""


@pytest.fixture(scope="session")
def plant() -> Plant:
    return parse(PLANT)


@pytest.fixture
def ledger(tmp_path: Path):
    found = Ledger(tmp_path / "ledger.sqlite")
    yield found
    found.close()
