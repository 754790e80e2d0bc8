"""A keyring that the plant does not show, with a key it ended still in use: the anchor names the newest (R33, R35)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tanji.cli.verify_text import text
from tanji.trust.policy import Anchor
from tanji.trust.verify_batches import verify_batches
from tanji.trust.verify_report import Report, State

from .. import mutants
from ..world_revoked import REVOKING, handed_over, revoked
from .judging import is_sound, judge, rule

NAMED = f"2 {REVOKING}"
"""The institute ended the preparer's key by keyring 2, the second entry of the log."""


def unshown(report: Report) -> bool:
    """Whether the keyrings cannot be the newest: which keys were in force then, nobody can say."""
    assert report.completeness.failure == report.integrity.failure
    undecided = report.integrity.state is State.UNDECIDED and report.exit_code == 1
    return undecided and rule(report.completeness) == "complete-keyring"


def test_a_bundle_that_begins_after_the_keyring_it_hides(tmp_path: Path) -> None:
    """Everything in it is by a key that was ended before; without the line of the anchor nothing shows it."""
    world = revoked(obeys=False)
    members = handed_over(world, hides=True)
    assert is_sound(judge(members, tmp_path, anchor=world.anchor())), "what the line is there for"
    report = judge(members, tmp_path, anchor=world.anchor(NAMED))
    assert unshown(report)
    assert "complete-keyring" in text(report) and "keyring 2" in text(report)


def test_a_keyring_that_is_named_later_does_not_let_the_one_before_be_hidden(tmp_path: Path) -> None:
    """The bundle ends before the third keyring, and is long enough for the second, which ended the key."""
    world = revoked(obeys=False)
    members = handed_over(world, hides=True)
    assert unshown(judge(members, tmp_path, anchor=world.anchor(f"{NAMED}\nkeyring 3 5000")))
    obeys = handed_over(revoked(obeys=True), hides=False)
    report = judge(obeys, tmp_path, anchor=world.anchor(f"{NAMED}\nkeyring 3 5000"))
    assert is_sound(report) and "ends before" in text(report)


def test_shown_it_says_that_the_key_was_ended(tmp_path: Path) -> None:
    world = revoked(obeys=False)
    report = judge(handed_over(world, hides=False), tmp_path, anchor=world.anchor(NAMED))
    assert rule(report.integrity) == "note-unknown-key"


def test_who_obeys_holds_with_and_without_the_line(tmp_path: Path) -> None:
    world = revoked(obeys=True)
    members = handed_over(world, hides=False)
    for keyring in ("", NAMED, "1 0", "1 5", "2 2", "2 400", "3 400"):
        assert is_sound(judge(members, tmp_path, anchor=world.anchor(keyring))), keyring


def test_a_keyring_that_was_logged_later_than_the_institute_says_does_not_count(tmp_path: Path) -> None:
    """A log that puts it off, or a fork that moves it behind what it would have ended."""
    world = revoked(obeys=True)
    assert unshown(judge(handed_over(world, hides=False), tmp_path, anchor=world.anchor("2 0")))


def test_evidence_from_before_the_keyring_holds_and_says_that_it_ends_there(tmp_path: Path) -> None:
    """The standard bundle has 22 entries: a keyring logged as number 22 is not asked of it, one as number 21 is."""
    world = mutants.standard()
    report = judge(mutants.sound(), tmp_path, anchor=world.anchor("3 22"))
    assert is_sound(report)
    assert "ends before" in text(report)
    assert unshown(judge(mutants.sound(), tmp_path, anchor=world.anchor("3 21")))


@pytest.mark.parametrize(
    ("keyring", "words"),
    [
        ("", "the anchor names no keyring"),
        ("2 15", "the anchor names keyring 2"),
        ("3 22", "the anchor names keyring 3"),
    ],
)
def test_every_report_says_what_the_anchor_says(keyring: str, words: str, tmp_path: Path) -> None:
    world = mutants.standard()
    assert world.labels["keyring2"] == 15
    assert words in text(judge(mutants.sound(), tmp_path, anchor=world.anchor(keyring)))


def test_an_unpacked_bundle_is_asked_the_same(tmp_path: Path) -> None:
    world = revoked(obeys=False)
    for path, data in handed_over(world, hides=True).items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(data)
    assert verify_batches(tmp_path, anchor=Anchor.parse(world.anchor()), processes=1).exit_code == 0
    assert unshown(verify_batches(tmp_path, anchor=Anchor.parse(world.anchor(NAMED)), processes=1))
