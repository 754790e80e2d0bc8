"""Words for what the model expects: everything in the schema has some."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tanji.plant.wording import PATTERN_WORDS, describe, locate, one_of, schema, shown


def _nodes(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _nodes(inner)


def test_every_pattern_of_the_model_has_words_and_no_words_are_left_over() -> None:
    patterns = {node["pattern"] for node in _nodes(schema()) if isinstance(node.get("pattern"), str)}
    assert patterns == set(PATTERN_WORDS)


def test_every_key_of_the_model_can_be_described() -> None:
    for name, definition in schema()["$defs"].items():
        for key, node in definition.get("properties", {}).items():
            if "anyOf" not in node and "$ref" not in node:
                assert describe(node) != "a value", f"{name}.{key}"


def test_a_location_loses_the_branches_of_unions() -> None:
    path, node = locate(("devices", 0, "modbus_tcp", "port"))
    assert path == ("devices", 0, "port")
    assert describe(node) == "a whole number from 1 to 65535"
    assert locate(("services", "store", "influx", "url"))[0] == ("services", "store", "url")


def test_a_list_of_names_comes_with_the_nearest() -> None:
    assert one_of("b1", ["b", "b12"]) == "one of b, b12 (did you mean b12?)"
    assert one_of("x", ["only"]) == "only"
    assert one_of("x", []) == "but none is declared"
    assert one_of("zz", [f"a{number}" for number in range(30)]).endswith("a23 and 6 more")


def test_wrong_values_are_shown_short() -> None:
    assert shown("x" * 100) == f'"{"x" * 60}..."'
    assert shown(True) == "true"
    assert shown({"a": 1}) == "a block of keys"
    assert shown([]) == "an empty list"
    assert "full-width colon" in shown("unit：t/h", wanted="object")
