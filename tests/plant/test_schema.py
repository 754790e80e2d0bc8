"""The JSON Schema editors complete from, and the starter file that refers to it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from tanji.plant.load import load, parse
from tanji.plant.schema import FILE, schema_text, starter_text
from tanji.plant.wording import schema
from tanji.plant.yaml_lines import parse as parse_yaml

ROOT = Path(__file__).parents[2]


def test_the_committed_schema_is_up_to_date() -> None:
    committed = (ROOT / "provisioning" / "plants" / FILE).read_text(encoding="utf-8")
    assert committed == schema_text(), f"run: tanji plant schema > provisioning/plants/{FILE}"


def test_the_schema_is_a_schema_and_takes_the_good_files(minimal: str) -> None:
    validator = jsonschema.Draft202012Validator(json.loads(schema_text()))
    validator.check_schema(validator.schema)
    for text in (minimal, starter_text()):
        validator.validate(parse_yaml(text, file="plant.yaml").data)


@pytest.mark.parametrize(
    ("old", "new"), [("unit: t/h", "units: t/h"), ("kind: rate", "kind: rat"), ("unit_id: 2", "unit_id: 300")]
)
def test_the_schema_refuses_what_the_model_refuses(minimal: str, old: str, new: str) -> None:
    data: Any = parse_yaml(minimal.replace(old, new), file="plant.yaml").data
    assert not jsonschema.Draft202012Validator(json.loads(schema_text())).is_valid(data)


def test_the_starter_file_passes_unchanged_and_names_its_schema_first() -> None:
    assert parse(starter_text()).site.id == "plant1"
    assert starter_text().splitlines()[0] == f"# yaml-language-server: $schema={FILE}"


def test_the_starter_file_is_double_commented_in_sentences() -> None:
    lines = [line.strip() for line in starter_text().splitlines()[1:]]
    for before, line, after in zip(lines, lines[1:], [*lines[2:], ""], strict=False):
        if line.startswith("## ") and not after.startswith("## "):
            assert line.endswith("."), line
        if line.startswith("# "):
            key = line[2:].strip().partition(":")[0]
            assert key.replace("_", "").isalnum(), f"{before} / {line}"


def test_the_starter_file_shows_every_optional_key_of_what_it_uses() -> None:
    used = ("Site", "Kiln", "Line", "ModbusDevice", "Meter", "Point", "Register", "Limits", "Stream", "QualityPlan",
            "CrossCheckPlan", "Services", "Plant")  # fmt: skip
    shown = starter_text()
    rare = {"stuck_tolerance", "bit", "mask", "invalid", "flue_gas"}
    for name in used:
        definition = schema() if name == "Plant" else schema()["$defs"][name]
        lacking = [key for key in definition["properties"] if f"{key}:" not in shown and key not in rare]
        assert not lacking, f"{name}: {lacking}"


def test_commented_defaults_are_the_defaults() -> None:
    """Blocks of the top level that are shown commented out change nothing when they are taken in."""
    head, _, tail = starter_text().partition("## Rule sets that are computed")
    uncommented = "\n".join(line.removeprefix("# ") for line in tail.splitlines()[1:] if not line.startswith("## "))
    assert set(yaml.safe_load(uncommented)) == {
        *("rulesets", "compliance", "quality", "cross_check", "targets", "cement_electricity", "services")
    }
    assert parse(f"{head}\n{uncommented}\n") == parse(starter_text())


def test_the_sample_plant_loads() -> None:
    assert load(ROOT / "provisioning" / "plants" / "demo.yaml").points
