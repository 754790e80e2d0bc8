"""Notes that another command hands to the owner of a log: verified like any other, and witnessed at once."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pytest

from services.log.inbox import InboxReader
from tanji.errors import TrustError
from tanji.trust import note
from tanji.trust.note_inbox import NoteInbox
from tanji.trust.plant_note import plant_note

from ..trust.log_rig import APPROVER, NOON, PLANT_FILE, POINT_MAP, PREPARER, opened


def approved() -> bytes:
    said = plant_note("demo", point_map=POINT_MAP, plant_file=PLANT_FILE, from_ms=NOON, before=None)
    return note.sign(said.body(), PREPARER, APPROVER)


def test_a_good_note_is_taken_with_its_files_and_witnessed_at_once(tmp_path: Path) -> None:
    log, inbox, witnessed = opened(tmp_path / "log"), NoteInbox(tmp_path / "inbox"), []
    name = inbox.submit(approved(), files={"map": POINT_MAP, "plant": PLANT_FILE})
    reader = InboxReader(inbox, log, witness=lambda: witnessed.append(log.size))
    assert reader.take() == 1
    assert inbox.result(name) == 1 and witnessed == [2]
    assert log.file(sha256(POINT_MAP).hexdigest()) == POINT_MAP
    log.close()


def test_a_note_that_nobody_signed_properly_is_refused_and_told_so(tmp_path: Path) -> None:
    log, inbox, witnessed = opened(tmp_path / "log"), NoteInbox(tmp_path / "inbox"), []
    name = inbox.submit(note.sign(b"tanji/correction/v1\nplant demo\n", PREPARER, APPROVER), files={})
    reader = InboxReader(inbox, log, witness=lambda: witnessed.append(log.size))
    assert reader.take() == 0
    assert log.size == 1 and witnessed == []
    with pytest.raises(TrustError):
        inbox.result(name)
    log.close()


def test_what_lies_there_at_the_end_is_taken_too(tmp_path: Path) -> None:
    log, inbox = opened(tmp_path / "log"), NoteInbox(tmp_path / "inbox")
    reader = InboxReader(inbox, log, witness=log.checkpoint)
    reader.start()
    name = inbox.submit(approved(), files={"map": POINT_MAP, "plant": PLANT_FILE})
    reader.stop()
    assert inbox.result(name) == 1 and log.published == 2
    log.close()
