"""Templates of instruments: each has a golden case, from the plant file to the point table, the requests, the values.

`answers.txt` holds registers and what they mean, made with `struct` or by hand from the number, not by the codecs; the
plan was read and judged before it became `plan.txt` (R9, R21).
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from services.modbus_poller import wiring
from services.modbus_poller.request import Request, prepare
from tanji.cli.main import main
from tanji.errors import PlantError
from tanji.plant.check_units import CONVERSIONS, SUITABLE
from tanji.plant.digest import digest
from tanji.plant.dump import dump
from tanji.plant.load import load, parse
from tanji.plant.model import MeterKind, ModbusLine, Plant
from tanji.plant.templates import Template, library

GOLDEN = Path(__file__).parent / "devices"
CASES = sorted(GOLDEN.iterdir())
LINE = re.compile(r"(\w+) (\d+) = ([0-9a-f ]+) -> (\S+) = (\S+)")


def requests_of(plant: Plant) -> tuple[Request, ...]:
    """The requests to the device of the golden plant."""
    device = plant.devices_by_id["d"]
    assert isinstance(device, ModbusLine)
    points = next(points for each, points in wiring.polled_points(plant) if each.id == "d")
    return prepare(points, plant_id="p1", limits=wiring.limits_of(plant, device))


def test_there_are_enough_kinds_of_instrument_and_each_has_a_golden_case() -> None:
    assert len(library()) >= 10
    assert [case.name for case in CASES] == sorted(library())
    kinds = {kind for template in library().values() for kind in template.kinds}
    assert {"belt_scale", "rotor_scale", "electricity_meter", "flow_meter", "gas_analyser", "temperature"} <= kinds
    assert sum(not template.generic for template in library().values()) >= 6


@pytest.mark.parametrize("template", library().values(), ids=lambda template: template.id)
def test_a_template_is_sound(template: Template) -> None:
    assert template.generic == template.id.startswith("generic_")
    assert template.document and template.kinds
    for key, quantity in template.quantities.items():
        assert CONVERSIONS[quantity.unit].dimension in SUITABLE[quantity.kind], key
        assert (quantity.rollover is not None) == (quantity.kind == "counter"), key


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_point_table_is_as_committed(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plant", "points", str(case / "plant.yaml")]) == 0
    printed = capsys.readouterr().out
    committed = (case / "points.csv").read_text(encoding="utf-8")
    used = [{k: v for k, v in row.items() if v} for row in csv.DictReader(io.StringIO(printed))]
    assert used == [{k: v for k, v in row.items() if v} for row in csv.DictReader(io.StringIO(committed))]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_requests_are_as_committed(case: Path) -> None:
    plan = [
        f"{request.block.table} {request.block.address} to {request.block.address + request.block.count - 1}: "
        + ", ".join(point.removeprefix("x.") for point in request.block.points)
        for request in requests_of(load(case / "plant.yaml"))
    ]
    assert plan == (case / "plan.txt").read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_registers_become_the_committed_values(case: Path) -> None:
    memory: dict[tuple[str, int], bytes] = {}
    expected = {}
    for line in (case / "answers.txt").read_text(encoding="utf-8").splitlines():
        match = LINE.fullmatch(line)
        assert match is not None, line
        table, address, words, point, value = match.groups()
        for offset, word in enumerate(words.split()):
            memory[table, int(address) + offset] = bytes.fromhex(word.zfill(4))
        expected[point] = float(value)
    got = {}
    for request in requests_of(load(case / "plant.yaml")):
        block = request.block
        held = [memory.get((block.table, block.address + place), b"\0\0") for place in range(block.count)]
        if block.table in ("coil", "discrete"):
            body = sum((word[1] & 1) << place for place, word in enumerate(held)).to_bytes(block.size, "little")
        else:
            body = b"".join(held)
        got |= dict(zip(block.points, request.readings(body), strict=True))
    assert got == pytest.approx(expected, rel=1e-9)


def test_points_written_out_are_the_same_plant(capsys: pytest.CaptureFixture[str]) -> None:
    plant = load(GOLDEN / "eastron_sdm630" / "plant.yaml")
    assert parse(dump(plant)) == plant
    assert digest(parse(dump(plant))) == digest(plant)
    assert {point.quantity for point in plant.points} == {None}


def test_what_the_plant_file_says_wins_over_the_template() -> None:
    text = (GOLDEN / "acrel_adl3000" / "plant.yaml").read_text(encoding="utf-8")
    # Behind transformers of 100 : 1 the count of 0.01 kWh is one of 1 kWh.
    own = "quantity: imported_energy, scale: 1.0, name: {zh: 电量, en: Energy}"
    point = parse(text.replace("quantity: imported_energy", own)).points_by_id["x.imported_energy"]
    assert (point.scale, point.name.en, point.unit, point.kind) == (1.0, "Energy", "kWh", "counter")
    meter = parse(text.replace("unit_id: 5", "unit_id: 5, requests: {max_registers: 20}")).meters_by_id["m"]
    assert meter.requests is not None and meter.requests.max_registers == 20


def test_a_meter_behind_a_gateway_has_a_template_and_limits_of_its_own() -> None:
    text = (GOLDEN / "eastron_sdm630" / "plant.yaml").read_text(encoding="utf-8")
    text = text.replace("host: 192.0.2.1, template: eastron_sdm630}", "host: 192.0.2.1}")
    text = text.replace("unit_id: 5}", "unit_id: 5, template: eastron_sdm630}")
    plant = parse(text)
    device = plant.devices_by_id["d"]
    assert isinstance(device, ModbusLine) and device.max_registers == 125
    limits = wiring.limits_of(plant, device)[5]
    assert (limits.max_registers, limits.max_gap) == (80, 16)
    (serial,) = wiring.serials_of(plant, device)
    assert (serial.question.address, serial.question.count) == (64512, 2)


Found = Callable[..., tuple[str, ...]]


def told(text: str) -> list[str]:
    with pytest.raises(PlantError) as caught:
        parse(text)
    return [finding.key for finding in caught.value.findings]


def test_what_is_wrong_with_a_template_is_told_once_and_where() -> None:
    text = (GOLDEN / "generic_belt_scale" / "plant.yaml").read_text(encoding="utf-8")
    assert told(text.replace("quantity: flow", "quantity: flw")) == ["points[x.flow].quantity"]
    assert told(text.replace("template: generic_belt_scale", "template: belt")) == ["devices[d].template"]
    assert told(text.replace("kind: belt_scale", "kind: gas_analyser")) == ["devices[d].template"]
    assert told(text.replace("quantity: flow", "quantity: flow, modbus: {address: 9}")) == ["points[x.flow].modbus"]
    assert told(text.replace("quantity: speed", "quantity: flow")) == ["points[x.speed].modbus.address"]
    assert told(text.replace(", template: generic_belt_scale", "")) == [
        f"points[x.{name}].quantity" for name in ("flow", "speed", "total", "running", "fault", "mode")
    ]


def test_every_kind_of_meter_is_one_of_the_model() -> None:
    for template in library().values():
        assert set(template.kinds) <= set(MeterKind.__args__)  # type: ignore[attr-defined]


def test_the_page_on_modbus_lists_every_template() -> None:
    page = (Path(__file__).parents[2] / "docs" / "modbus.md").read_text(encoding="utf-8")
    for template in library().values():
        assert f"| `{template.id}` | {template.name.zh} | {template.name.en} |" in page
