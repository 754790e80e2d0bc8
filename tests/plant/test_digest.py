"""The digest says whether two files describe the same plant, and nothing about how they are written."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from random import Random
from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from tanji.plant.digest import canonical, digest
from tanji.plant.load import load, parse

MINIMAL = (Path(__file__).parent / "golden" / "good" / "minimal.yaml").read_text(encoding="utf-8")
HEADER = "id,name_zh,name_en,meter,kind,unit,address,type,rollover\n"


def _shuffled(value: Any, random: Random) -> Any:
    if isinstance(value, dict):
        return {key: _shuffled(value[key], random) for key in random.sample(list(value), len(value))}
    if isinstance(value, list):
        items = [_shuffled(item, random) for item in value]
        return random.sample(items, len(items)) if all(isinstance(item, dict) for item in items) else items
    return value


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32))
def test_the_order_of_keys_and_entries_makes_no_difference(seed: int) -> None:
    shuffled = yaml.safe_dump(_shuffled(yaml.safe_load(MINIMAL), Random(seed)), sort_keys=False, allow_unicode=True)
    assert digest(parse(shuffled)) == digest(parse(MINIMAL))


def test_comments_and_written_out_defaults_make_no_difference() -> None:
    text = "# another comment\n" + MINIMAL.replace("    host: 192.168.1.10", "    host: 192.168.1.10\n    port: 502")
    assert digest(parse(text)) == digest(parse(MINIMAL))


def test_equal_numbers_make_no_difference_however_they_are_spelled() -> None:
    digests = {
        digest(parse(MINIMAL.replace("unit: t/h", f"unit: t/h\n    offset: {zero}"))) for zero in ("0", "-0.0", "0e3")
    }
    assert digests == {digest(parse(MINIMAL))}


def test_every_changed_value_makes_a_difference() -> None:
    changes = [("2500", "2501"), ("0.1", "0.2"), ("煤秤", "煤粉秤"), ("unit_id: 4", "unit_id: 5"), ("float32", "int32")]
    digests = {digest(parse(MINIMAL.replace(old, new, 1))) for old, new in changes}
    assert len(digests | {digest(parse(MINIMAL))}) == len(changes) + 1


def test_points_of_a_table_count_like_points_of_the_file(tmp_path: Path) -> None:
    start, end = MINIMAL.index("  - id: grid.energy"), MINIMAL.index("streams:")
    (tmp_path / "plant.yaml").write_text(MINIMAL[:start] + "point_table: p.csv\n" + MINIMAL[end:], encoding="utf-8")
    row = "grid.energy,购入电量,Purchased electricity,grid_meter,counter,kWh,0,uint32,100000000\n"
    (tmp_path / "p.csv").write_text(HEADER + row, encoding="utf-8")
    assert digest(load(tmp_path / "plant.yaml")) == digest(parse(MINIMAL))


def test_it_is_the_sha256_of_sorted_json_without_blanks() -> None:
    body = canonical(parse(MINIMAL))
    assert body == json.dumps(json.loads(body), sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()
    assert digest(parse(MINIMAL)) == hashlib.sha256(body).hexdigest()
    assert "熟料秤".encode() in body
