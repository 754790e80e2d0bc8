"""The point map: one line a point, sorted, every number as text; what changes it and what does not (R33, R36)."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from tanji.plant.digest import digest
from tanji.plant.load import load, parse
from tanji.plant.model import Plant
from tanji.plant.point_map import described, point_map

ROOT = Path(__file__).parents[2]
COAL = (
    'kiln1.coal.mass_flow rate coal_scale {"accuracy_class":"0.5","address":"unit 2 holding 0 float32",'
    '"at":"modbus_tcp 192.168.1.10:502","device":"gateway","meter_kind":"rotor_scale","offset":"0","period_s":"1",'
    '"scale":"1","unit":"t/h","via":"poller"}'
)
"""Written by hand from tests/plant/golden/good/minimal.yaml."""


@pytest.fixture(scope="module")
def demo() -> Plant:
    return load(ROOT / "provisioning" / "plants" / "demo.yaml")


def test_a_line_says_what_the_id_means(minimal: str) -> None:
    lines = point_map(parse(minimal)).decode().split("\n")
    assert lines[-1] == ""
    assert COAL in lines


def test_there_is_a_line_for_every_point_sorted_bytewise(demo: Plant) -> None:
    text = point_map(demo)
    lines = text.split(b"\n")[:-1]
    assert lines == sorted(lines)
    assert [line.split(b" ")[0].decode() for line in lines] == sorted(point.id for point in demo.points)


def test_every_json_is_canonical_and_holds_text_only(demo: Plant) -> None:
    for line in point_map(demo).decode().split("\n")[:-1]:
        told = json.loads(line.split(" ", 3)[3])
        assert all(isinstance(value, str) and value for value in told.values())
        assert line.endswith(" " + json.dumps(told, ensure_ascii=False, sort_keys=True, separators=(",", ":")))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("scale: 0.1", "scale: 0.097"),
        ("address: 0, type: float32", "address: 2, type: float32"),
        ('accuracy_class: "1.0"', 'accuracy_class: "2.0"'),
        ("unit_id: 2", "unit_id: 9"),
        ("host: 192.168.1.10", "host: 192.168.1.11"),
        ("rollover: 100000000", "rollover: 10000000"),
    ],
)
def test_whatever_makes_a_reading_mean_something_else_changes_the_map(minimal: str, old: str, new: str) -> None:
    assert old in minimal
    assert point_map(parse(minimal)) != point_map(parse(minimal.replace(old, new, 1)))


def test_names_and_limits_are_in_the_plant_file_and_not_in_the_map(minimal: str) -> None:
    other = parse(minimal.replace("zh: 喂煤量", "zh: 煤", 1))
    assert point_map(other) == point_map(parse(minimal))
    assert described(other).plant_file != described(parse(minimal)).plant_file


def test_both_digests_are_those_of_the_files(demo: Plant) -> None:
    files = described(demo)
    assert files.plant_file_digest.hex() == digest(demo)
    assert files.point_map_digest == hashlib.sha256(files.point_map).digest()
    assert files.lines == len(demo.points)
