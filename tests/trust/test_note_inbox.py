"""Handing a note to the process that owns the log, through a folder: whole or not at all, and answered once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tanji.errors import EvidenceMissing, TrustError
from tanji.trust.note_inbox import NoteInbox


def test_a_note_waits_until_it_is_answered(tmp_path: Path) -> None:
    inbox = NoteInbox(tmp_path / "inbox")
    name = inbox.submit(b"a note", files={"one": b"1", "the same": b"1", "two": b"2"})
    assert inbox.result(name) is None
    (waiting,) = NoteInbox(tmp_path / "inbox").waiting()
    assert (waiting.note, sorted(waiting.files.values())) == (b"a note", [b"1", b"2"])
    inbox.answer(waiting, "index 12")
    assert inbox.waiting() == []
    assert inbox.result(name) == 12
    assert inbox.result(name) is None  # taken away once it was read


def test_half_a_submission_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "inbox" / "abc.part").mkdir(parents=True)
    (tmp_path / "inbox" / "abc.part" / "note").write_bytes(b"half")
    (tmp_path / "inbox" / "def").mkdir()
    assert NoteInbox(tmp_path / "inbox").waiting() == []


@pytest.mark.parametrize(("answer", "kind"), [("refused because", TrustError), ("missing a file", EvidenceMissing)])
def test_a_refusal_is_told_to_who_handed_in(tmp_path: Path, answer: str, kind: type[Exception]) -> None:
    inbox = NoteInbox(tmp_path / "inbox")
    name = inbox.submit(b"a note", files={})
    inbox.answer(inbox.waiting()[0], answer)
    with pytest.raises(kind):
        inbox.result(name)
