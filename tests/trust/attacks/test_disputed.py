"""What preparer and approver signed after the end of a key: it counts, and every report tells it (R33, R47).

The standard log has its second plant note at index 11, its statements at 19 and 21, a correction at 20; each test logs
a third keyring behind them, which ends the preparer's key earlier.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tanji.cli.verify_text import as_json, text
from tanji.trust.keyring import NO_NOTE, Keyring
from tanji.trust.keyring_text import KeyringText
from tanji.trust.policy import Anchor
from tanji.trust.verify_batches import verify_batches
from tanji.trust.verify_report import Report
from tanji.trust.verify_told import Disputed, DisputedNote

from .. import mutants
from ..world import World, build
from ..world_keys import key_lines
from ..world_revoked import ended
from .judging import is_sound, judge, judge_world

PREPARER = "demo.example/prepare"
LINE = "kiln1.coal.mass_flow 1772323220000 20.625 0"
STATEMENT = "2026-03-01T08 clinker cets_2024: 51.250000 tCO2"
ALL = {
    11: DisputedNote(11, "plant", "plant note 2", PREPARER, 0),
    19: DisputedNote(19, "statement", STATEMENT, PREPARER, 0),
    20: DisputedNote(20, "correction", f"{LINE} -> {LINE.replace('20.625', '20.125')}", PREPARER, 0),
    21: DisputedNote(21, "statement", STATEMENT, PREPARER, 0),
}


def ended_at(until: int, part: str = "prepare") -> World:
    """The standard world and one keyring more."""
    made = build()
    made.keyring(ended(key_lines(made.keys, rotated=True), made.keys, part, until))
    made.preparer = "prepare_next" if part == "prepare" else "prepare"
    return made


def told(report: Report) -> list[tuple[int, int]]:
    """Index of what is in dispute, and where the key ended."""
    return [(each.index, each.until) for each in report.facts.disputed_notes]


@pytest.mark.parametrize(
    ("until", "indexes"),
    [(1, [11, 19, 20, 21]), (11, [19, 20, 21]), (18, [19, 20, 21]), (20, [21]), (21, []), (40, [])],
)
def test_statements_corrections_and_plant_notes_behind_the_end_of_a_key_are_told(
    until: int, indexes: list[int], tmp_path: Path
) -> None:
    """No verdict: else a plant would throw away what it published by reporting a theft."""
    report = judge_world(ended_at(until), tmp_path)
    assert is_sound(report)
    assert told(report) == [(index, until) for index in indexes]
    for each in report.facts.disputed_notes:
        known = ALL[each.index]
        assert (each.kind, each.said, each.key) == (known.kind, known.said, known.key)
    assert report.facts.disputed == ()
    assert ("IN DISPUTE" in text(report)) == (21 in indexes)


def test_the_words_and_the_json_name_note_key_and_end(tmp_path: Path) -> None:
    report = judge_world(ended_at(20), tmp_path)
    words = text(report)
    assert f"statement {STATEMENT} (log index 21): {PREPARER} ended at 止于 20" in words
    assert "存疑的声明、更正、配置文件" in words
    (row,) = as_json(report)["facts"]["disputed_notes"]
    assert row == {"index": 21, "kind": "statement", "said": STATEMENT, "key": PREPARER, "until": 20}


def test_one_ended_key_of_the_two_is_enough(tmp_path: Path) -> None:
    report = judge_world(ended_at(20, "approve"), tmp_path)
    assert is_sound(report)
    assert [(each.index, each.key) for each in report.facts.disputed_notes] == [(21, "demo.example/approve")]


def test_nothing_is_in_dispute_where_no_key_was_ended(tmp_path: Path) -> None:
    report = judge_world(mutants.standard(), tmp_path)
    assert told(report) == [] and "in dispute" not in text(report)


def test_a_plant_note_before_the_bundle_begins_is_told_too(tmp_path: Path) -> None:
    """Every plant note is in the bundle, wherever its entries begin."""
    made = build()
    made.keyring(ended(key_lines(made.keys, rotated=True), made.keys, "prepare", 0))
    made.preparer = "prepare_next"
    report = judge(made.listed(made.members()), tmp_path)
    assert is_sound(report)
    assert told(report)[0] == (1, 0)


def test_a_log_or_an_unpacked_bundle_is_told_the_same(tmp_path: Path) -> None:
    made = ended_at(18)
    for path, data in made.listed(made.members()).items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(data)
    report = verify_batches(tmp_path, anchor=Anchor.parse(made.anchor()), processes=1)
    assert report.exit_code == 0
    assert told(report) == [(19, 18), (20, 18), (21, 18)]


def test_a_key_that_goes_on_in_a_second_line_is_not_in_dispute(tmp_path: Path) -> None:
    """gw1's key ends at 3 and is in force again from 5 on: batch 4 alone was sealed without it."""
    made = build()
    lines = ended(key_lines(made.keys, rotated=True), made.keys, "gw1", 3)
    (open_line,) = (line for line in lines if line.key.name == "demo.example/gw1" and line.until is None)
    made.keyring([line for line in lines if line is not open_line])
    first = next(line for line in lines if line.key.name == "demo.example/gw1")
    again = replace(first, first=5, until=None)
    made.keyring([*(line for line in lines if line is not open_line), again])
    (found,) = judge_world(made, tmp_path).facts.disputed
    assert isinstance(found, Disputed) and (found.first_seq, found.last_seq, found.batches) == (4, 4, 1)


def test_a_keyring_says_where_a_key_ended_before_a_number() -> None:
    """In force from 2 to 3 and from 5 to 6."""
    world = mutants.standard()
    registrars = Anchor.parse(world.anchor()).registrars
    (line,) = (line for line in key_lines(world.keys, rotated=False) if line.key.name == "demo.example/gw1")
    lines = [replace(line, first=2, until=3), replace(line, first=5, until=6)]
    text = KeyringText.make("demo", version=1, prev=NO_NOTE, registrars=registrars, lines=lines)
    keyring = Keyring(text, b"")
    assert [keyring.ended(line.key, number) for number in range(1, 9)] == [None, None, None, 3, None, None, 6, 6]
    assert keyring.ended(world.keys.key("gw2"), 1) is None, "it has no line"
