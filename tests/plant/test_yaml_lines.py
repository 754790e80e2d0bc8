"""YAML with lines: the core schema of YAML 1.2.2 section 10.3, anchors, and everything that is no YAML."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from tanji.errors import PlantError
from tanji.plant.yaml_lines import parse, read


def test_every_key_and_item_knows_its_line() -> None:
    document = parse("a:\n  b: 1\n\n  c:\n    - x\n    -\n      d: 2\n", file="f.yaml")
    assert document.data == {"a": {"b": 1, "c": ["x", {"d": 2}]}}
    lines = {path: place.line for path, place in document.places.items()}
    assert lines[("a",)] == 1
    assert lines[("a", "b")] == 2
    assert lines[("a", "c")] == 4
    assert lines[("a", "c", 0)] == 5
    assert lines[("a", "c", 1, "d")] == 7
    assert document.place(("a", "c", 1, "missing")).line == 7, "the block it is missing from"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        # YAML 1.2.2 section 10.3.2, the table of the core schema
        ("null", None), ("~", None), ("", None), ("true", True), ("FALSE", False), ("0o7", 7), ("0x3A", 58),
        ("-19", -19), ("0.", 0.0), ("-0.0", -0.0), (".5", 0.5), ("+12e03", 12000.0), ("-2E+05", -200000.0),
        # what YAML 1.1 made of these is why it was given up
        ("yes", "yes"), ("on", "on"), ("NO", "NO"),
        ("12:30", "12:30"), ("2026-01-31", "2026-01-31"), ("1_000", "1_000"),
    ],
)  # fmt: skip
def test_plain_scalars_follow_the_core_schema(text: str, value: object) -> None:
    data = parse(f"key: {text}\n", file="f.yaml").data["key"]
    assert data == value
    assert type(data) is type(value)


def test_quoted_scalars_are_text() -> None:
    assert parse('["1", \'true\', "<<"]', file="f.yaml").data == ["1", "true", "<<"]


def test_anchors_and_merge_keys_work_and_own_keys_win() -> None:
    text = "a: &base {x: 1, y: 2}\nb: &more {y: 3, z: 4}\nc:\n  x: 9\n  <<: [*base, *more]\nd: *base\n"
    data = parse(text, file="f.yaml").data
    assert data["c"] == {"x": 9, "y": 2, "z": 4}
    assert data["d"] == {"x": 1, "y": 2}


def test_a_merged_key_has_the_line_where_it_was_written() -> None:
    document = parse("a: &base\n  x: 1\nb:\n  <<: *base\n", file="f.yaml")
    assert document.place(("b", "x")).line == 2


def test_duplicate_keys_are_found_with_both_lines_and_the_first_counts() -> None:
    document = parse("a: 1\nb: 2\na: 3\n", file="f.yaml")
    assert document.data == {"a": 1, "b": 2}
    assert [str(finding) for finding in document.findings] == [
        'f.yaml:3: a: expected each key once, got the key "a" again, already in line 1'
    ]


@pytest.mark.parametrize(
    ("text", "line", "expected"),
    [
        ("a: 1\n\tb: 2\n", 2, "blanks before a key"),
        ("b: 0\na: [1, 2\nc: 3\n", 2, "a comma, or a closing bracket"),
        ("a: b: c\n", 1, "one key a line, and text with a colon in it in quotes"),
        ("a: 1\nb：2\n", 2, "a key, a colon and a blank"),
        ("a: *b\n", 1, "an alias whose anchor (&name) comes before it"),
        ("a: 1\n---\nb: 2\n", 2, "one document a file"),
        ("a: \x07\n", 1, "readable characters only"),
        ('a: "\\ud800"\n', 1, "readable characters only"),
        ("a: @b\n", 1, "text that begins with a mark like @ or % in quotes"),
        ("a: !!python/name:os.system ''\n", 1, "plain values"),
        ("? [a]\n: 1\n", 1, "a plain word as key"),
        ("a: &a [*a]\n", 1, "an alias to another block"),
        ("a: &a\n  <<: *a\n", 1, "an alias to a block of keys after <<"),
        ('a: "b\nc: 1\n', 1, "a closing quote"),
    ],
)
def test_what_is_no_yaml_is_told_with_its_line(text: str, line: int, expected: str) -> None:
    with pytest.raises(PlantError) as caught:
        parse(text, file="f.yaml")
    (finding,) = caught.value.findings
    assert (finding.line, finding.expected) == (line, expected)


def test_nested_aliases_cannot_fill_the_memory() -> None:
    names = "abcdefghijklmnop"
    text = "a: &a [1, 1, 1, 1, 1, 1, 1, 1]\n"
    text += "".join(f"{new}: &{new} [{', '.join(['*' + old] * 8)}]\n" for old, new in pairwise(names))
    with pytest.raises(PlantError, match="at most 1000000 values"):
        parse(text, file="f.yaml")


def test_a_byte_order_mark_and_windows_line_ends_are_fine(tmp_path: Path) -> None:
    path = tmp_path / "f.yaml"
    path.write_bytes("\ufeffa: 1\r\nb: 中文\r\n".encode())
    document = read(path)
    assert document.data == {"a": 1, "b": "中文"}
    assert document.place(("b",)).line == 2
