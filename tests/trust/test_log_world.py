"""A whole history handed to a log entry by entry: taken as it is, refused where one note of it is wrong (R33, R35)."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path

import pytest

from tanji.errors import TrustError
from tanji.trust.log import Log
from tanji.trust.log_reader import LogReader
from tanji.trust.policy import Anchor

from . import world
from .world import World

BATCH = b"tanji/batch/v1\n"


def replayed(made: World, folder: Path) -> Log:
    """A log with every entry of the history, each at the index it has there."""
    log = Log.open(folder, signer=made.keys.log, clock=lambda: world.T0, anchor=Anchor.parse(made.anchor()))
    for index, entry in enumerate(made.notes):
        if entry.startswith(BATCH):
            assert log.add_batch(entry, made.payloads.get(index, b"")) == index
        else:
            named = {name: data for name, data in made.files.items() if b64encode(bytes.fromhex(name)) in entry}
            assert log.add_note(entry, files=named) == index
    return log


def test_a_whole_history_is_taken_and_reopens(tmp_path: Path) -> None:
    made = world.build()
    log = replayed(made, tmp_path)
    assert log.root() == made.tree.root()
    log.checkpoint()
    for _, _, note in made.kept:
        log.add_cosigned(note, witnesses=[made.keys.key("witness")])
    log.close()
    again = Log.open(tmp_path, signer=made.keys.log, clock=lambda: world.T0, anchor=Anchor.parse(made.anchor()))
    reader = LogReader(tmp_path)
    for view in (again, reader):
        assert list(view.entries(0, view.size)) == made.notes
        assert view.keyring is not None and view.keyring.version == 2
        assert view.indexes("tanji/statement/v1") == (made.labels["statement1"], made.labels["statement2"])
        assert [(kept.size, kept.time_s) for kept in view.checkpoints()] == [entry[:2] for entry in made.kept]
    assert {name: data for name in made.files if (data := reader.file(name))} == made.files


def test_the_first_keyring_is_that_of_the_anchor(tmp_path: Path) -> None:
    made, other = world.build(), world.build(world="other")
    log = Log.open(tmp_path, signer=made.keys.log, clock=lambda: world.T0, anchor=Anchor.parse(made.anchor()))
    with pytest.raises(TrustError, match="keyring-anchor"):
        log.add_note(other.notes[0])


@pytest.mark.parametrize(
    ("target", "old", "new", "rule"),
    [
        ("statement2", b'"supersedes":"', b'"supersedes":"A', "statement-field"),
        ("statement2", b'"size":', b'"size":9', "statement-inputs"),
        ("statement2", b'"clinker"', b'"enterprise"', "statement-supersedes"),
        ("statement2", b'"status":"final"', b'"status":"perhaps"', "statement-field"),
        ("statement1", b'"root":"', b'"root":"' + b"A" * 43 + b'=","was":"', "statement-field"),
        ("correction", b"20.625", b"20.5", "correction-target"),
        ("plant2", b"version 2", b"version 3", "plant-version"),
        ("keyring2", b"version 2", b"version 3", "keyring-version"),
        ("gw1:2", b"seq 2", b"seq 3", "batch-sequence"),
        ("lab:1", b"tanji/batch/v1", b"tanji/batch/v2", "header-type"),
    ],
)
def test_one_wrong_note_signed_by_the_right_keys_is_refused_by_its_rule(
    tmp_path: Path, target: str, old: bytes, new: bytes, rule: str
) -> None:
    made = world.build(tamper={target: lambda text: text.replace(old, new, 1)})
    with pytest.raises(TrustError) as caught:
        replayed(made, tmp_path)
    assert caught.value.rule == rule, caught.value


def test_a_statement_over_another_root_than_the_log_had_is_refused(tmp_path: Path) -> None:
    def other(text: bytes) -> bytes:
        at = text.index(b'"root":"', text.index(b'"origin"')) + 8
        return text[:at] + b"A" * 43 + b"=" + text[at + 44 :]

    with pytest.raises(TrustError, match="statement-root"):
        replayed(world.build(tamper={"statement1": other}), tmp_path)
