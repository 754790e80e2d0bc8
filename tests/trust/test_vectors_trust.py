"""The golden files under tests/vectors/trust: each bad one fails, with a message of its own (reference/trust.md 5)."""

from __future__ import annotations

from pathlib import Path

from . import vectors
from .vectors import EXPECTED, FOLDER


def expected() -> dict[str, str]:
    """The message of every bad file."""
    lines = (FOLDER / EXPECTED).read_text(encoding="utf-8").split("\n")[:-1]
    return dict(line.split(": ", 1) for line in lines)


def test_every_good_file_is_taken() -> None:
    for folder, kind in vectors.kinds().items():
        kind.judge((FOLDER / folder / f"good.{kind.ending}").read_bytes())


def test_every_bad_file_fails_with_its_message() -> None:
    for path, said in expected().items():
        kind = vectors.kinds()[path.partition("/")[0]]
        assert vectors.message(kind, (FOLDER / path).read_bytes()) == said, path


def test_no_two_files_of_a_kind_fail_with_the_same_words() -> None:
    messages = [(path.partition("/")[0], said) for path, said in expected().items()]
    assert len(messages) > 90
    assert sorted(each for each in set(messages) if messages.count(each) > 1) == []


def test_the_files_are_those_that_are_made_from_the_fixed_keys(tmp_path: Path) -> None:
    vectors.write(tmp_path)
    made = {path.relative_to(tmp_path).as_posix(): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    kept = {path.relative_to(FOLDER).as_posix(): path.read_bytes() for path in FOLDER.rglob("*") if path.is_file()}
    assert made == kept
