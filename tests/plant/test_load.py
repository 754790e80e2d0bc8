"""Loading: every fault at once, none that is not there, nothing but PlantError, and the way back through `dump`."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from tanji.errors import Finding, PlantError
from tanji.plant.digest import digest
from tanji.plant.dump import dump
from tanji.plant.load import load, parse
from tanji.plant.model import Plant

MINIMAL = yaml.safe_load((Path(__file__).parent / "golden" / "good" / "minimal.yaml").read_text(encoding="utf-8"))
Found = Callable[..., tuple[Finding, ...]]


def test_every_fault_is_told_at_once_in_reading_order(found: Found) -> None:
    findings = found(
        ("    name: {zh: 网关, en: Gateway}", "    name: {zh: 网关}"),  # model: missing key
        ("unit_id: 2", "unit_id: 2\n    unit_id: 2"),  # YAML: duplicate key
        ("kind: rate", "kind: rat"),  # model: wrong word
        ("rollover: 100000000", "scale: 2"),  # cross check: counter without rollover
        ("points: [grid.energy]", "points: [grid.enery]"),  # cross check: reference
    )
    assert [finding.key for finding in findings] == [
        "devices[gateway].name.en",
        "meters[coal_scale].unit_id",
        "points[kiln1.coal.mass_flow].kind",
        "points[grid.energy].rollover",
        "streams[grid].points[#1]",
    ]
    assert [finding.line for finding in findings] == sorted(finding.line for finding in findings)


def test_a_wrong_entry_is_not_told_again_where_it_is_referred_to(found: Found) -> None:
    findings = found(("unit_id: 4", "unit_id: -4"), ("protocol: modbus_tcp", "protocol: modbus"))
    assert [finding.key for finding in findings] == ["devices[gateway].protocol", "meters[grid_meter].unit_id"]


def test_a_file_that_is_not_there_is_told_by_its_name(tmp_path: Path) -> None:
    with pytest.raises(PlantError) as caught:
        load(tmp_path / "nowhere.yaml")
    assert str(caught.value).endswith(
        "nowhere.yaml:1: the file: expected a plant file that can be read, got no such file or directory"
    )


def test_numbers_are_finite(found: Found) -> None:
    for number in (".nan", ".inf", "-.inf", "1e400"):
        (finding,) = found(("2500", number))
        assert (finding.expected, finding.got) == ("a number above 0", number)


def test_a_loaded_plant_is_frozen(minimal: str) -> None:
    plant = parse(minimal)
    with pytest.raises(ValueError, match="frozen"):
        plant.site.id = "other"


texts = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=20)
numbers = st.floats(min_value=-1e12, max_value=1e12, allow_nan=False)
kinds = st.sampled_from([("rate", "t/h"), ("state", "1"), ("concentration", "ppm"), ("condition", "kPa")])


@st.composite
def points(draw: st.DrawFn, position: int) -> dict[str, Any]:
    kind, unit = draw(kinds)
    low = draw(st.none() | numbers)
    return {
        "id": f"extra.p{position}",
        "name": {"zh": draw(texts), "en": draw(texts)},
        "meter": draw(st.sampled_from(["dcs", "coal_scale", "grid_meter"])),
        "kind": kind,
        "unit": unit,
        "via": draw(st.sampled_from(["poller", "telegraf"])),
        "scale": draw(numbers.filter(bool)),
        "offset": draw(numbers),
        "period_s": draw(st.none() | st.floats(min_value=0.1, max_value=3600)),
        "limits": {"low": low, "high": None if low is None else low + 1 + abs(low)},
        "modbus": {
            "address": 100 + 4 * position,
            "type": draw(st.sampled_from(["int16", "uint32", "float32", "uint64", "float64"])),
            "order": draw(st.sampled_from(["ABCD", "CDAB", "BADC", "DCBA"])),
        },
    }


@st.composite
def plants(draw: st.DrawFn) -> Plant:
    data = copy.deepcopy(MINIMAL)
    data["site"] |= {"name": {"zh": draw(texts), "en": draw(texts)}, "legal_name": draw(texts)}
    data["site"]["altitude_m"] = draw(numbers)
    data["meters"][0]["serial"] = draw(
        st.sampled_from(["007", "1e5", "yes", "0x1F", "0o7", "~", "2026-01-31", "12:30", "<<"])
    )
    data["points"] += [draw(points(position)) for position in range(draw(st.integers(0, 4)))]
    if draw(st.booleans()):
        data["services"] = {"store": {"kind": "influx", "url": "http://127.0.0.1:8086", "org": draw(texts)}}
    return Plant.model_validate(data)


@settings(max_examples=60, deadline=None)
@given(plants())
def test_a_plant_survives_dump_and_load(plant: Plant) -> None:
    again = parse(dump(plant))
    assert again == plant
    assert digest(again) == digest(plant)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts | st.sampled_from(["line1", "grid.energy", "1"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(texts | st.sampled_from(["id", "zh"]), inner, max_size=3)
    ),
    max_leaves=6,
)


def _paths(data: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    steps = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    return [path] + [inner for step, value in steps for inner in _paths(value, (*path, step))]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(_paths(MINIMAL)[1:]), anything), min_size=1, max_size=3))
def test_whatever_stands_in_the_file_the_answer_is_a_plant_or_findings(
    changes: list[tuple[tuple[Any, ...], Any]],
) -> None:
    data = copy.deepcopy(MINIMAL)
    for path, value in changes:
        place = data
        try:
            for step in path[:-1]:
                place = place[step]
            place[path[-1]] = value
        except (KeyError, IndexError, TypeError):
            continue  # an earlier change took the place away
    text = yaml.safe_dump(data, allow_unicode=True)
    try:
        parse(text)
    except PlantError as error:
        assert all(
            1 <= finding.line <= text.count("\n") + 1 and finding.expected and finding.got for finding in error.findings
        )
