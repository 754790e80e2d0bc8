"""Drafts between two people: whole or not there, never lost, found by name, kept after they were decided (R33)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tanji.errors import TrustError, UsageError
from tanji.trust import note
from tanji.trust.approval_draft import PLANT, STATEMENT
from tanji.trust.waiting_room import WaitingRoom

from .world_keys import Keys

KEYS = Keys()
ONE = note.sign(b"tanji/statement/v1\n{}\n", KEYS.prepare)
TWO = note.sign(b"tanji/plant/v1\nplant demo\n", KEYS.prepare)


@pytest.fixture
def room(tmp_path: Path) -> WaitingRoom:
    return WaitingRoom(tmp_path)


def test_a_draft_is_found_again_with_its_files(room: WaitingRoom, tmp_path: Path) -> None:
    kept = room.put(ONE, {"ledger.json": b"{}\n"}, now_ms=12, size=34)
    assert kept.folder == tmp_path / "waiting" / kept.name
    for text in (kept.name, kept.name[:14], str(kept.folder)):
        found = WaitingRoom(tmp_path).find(text)
        assert (found.draft, found.files, found.prepared_ms, found.size) == (ONE, {"ledger.json": b"{}\n"}, 12, 34)
        assert (found.kind, found.body) == (STATEMENT, b"tanji/statement/v1\n{}\n")


def test_the_same_draft_again_changes_nothing(room: WaitingRoom) -> None:
    first = room.put(ONE, {"a": b"1"}, now_ms=1, size=1)
    assert room.put(ONE, {"a": b"2"}, now_ms=2, size=2) == first
    assert room.names() == (first.name,)


def test_the_oldest_comes_first_and_what_cannot_be_read_does_not_come(room: WaitingRoom) -> None:
    new, old = room.put(ONE, {}, now_ms=2, size=0), room.put(TWO, {}, now_ms=1, size=0)
    broken = room.folder / "plant-0123456789ab"
    broken.mkdir()
    assert [each.name for each in room.readable()] == [old.name, new.name]
    assert old.kind == PLANT and len(room.names()) == 3
    with pytest.raises(TrustError, match="no file"):
        room.find(broken.name)


@pytest.mark.parametrize("text", ["", "x", "statement-ffffffffffff", "../etc", "statement-ffffffffffff/.."])
def test_a_name_that_there_is_not_is_said_with_those_there_are(room: WaitingRoom, text: str) -> None:
    kept = room.put(ONE, {}, now_ms=1, size=1)
    with pytest.raises(UsageError, match=kept.name):
        room.find(text)


def test_a_beginning_of_two_names_is_neither(room: WaitingRoom) -> None:
    room.put(ONE, {}, now_ms=1, size=1)
    room.put(note.sign(b"tanji/statement/v1\n{1}\n", KEYS.prepare), {}, now_ms=1, size=1)
    with pytest.raises(UsageError):
        room.find("statement")


@pytest.mark.parametrize("remark", [b"", b"1 2", b"1\n", b"01 2\n", b"-1 2\n", b"1 2\n\n", b"99999999999999999 1\n"])
def test_a_remark_that_is_none_is_named(room: WaitingRoom, remark: bytes) -> None:
    kept = room.put(ONE, {}, now_ms=1, size=1)
    (kept.folder / "prepared").write_bytes(remark)
    with pytest.raises(TrustError, match="prepared"):
        room.find(kept.name)


def test_what_was_decided_is_kept_with_its_outcome_and_waits_no_more(room: WaitingRoom) -> None:
    one, two = room.put(ONE, {"a": b"1"}, now_ms=1, size=1), room.put(TWO, {}, now_ms=1, size=1)
    away = room.approve(one, index=7)
    assert (away / "outcome").read_text() == "approved 7\n" and (away / "a").read_bytes() == b"1"
    put_aside = room.reject(two.folder, reason="not\nthat one", now_ms=99)
    assert (put_aside / "outcome").read_text() == "rejected 99 not that one\n"
    assert room.names() == ()
    with pytest.raises(UsageError, match="rejected 99 not that one"):
        room.find(two.name)


def test_a_draft_that_is_rejected_twice_is_kept_twice(room: WaitingRoom) -> None:
    for number in (1, 2):
        room.reject(room.put(ONE, {}, now_ms=number, size=1).folder, reason="no", now_ms=number)
    assert len(list((room.folder / "rejected").iterdir())) == 2


def test_two_who_approve_at_the_same_time_put_it_away_once(room: WaitingRoom) -> None:
    kept = room.put(ONE, {}, now_ms=1, size=1)
    assert room.approve(kept, index=7) == room.approve(kept, index=7)
    assert room.outcome(kept.name) == "approved 7" and room.outcome("statement") is None


def test_half_a_draft_is_none_and_the_next_one_takes_its_place(room: WaitingRoom) -> None:
    kept = room.put(ONE, {"a": b"1"}, now_ms=1, size=1)
    kept.folder.rename(kept.folder.with_name(f"{kept.name}.part"))
    assert room.names() == ()
    assert room.put(ONE, {"a": b"2"}, now_ms=2, size=1).files == {"a": b"2"}


def test_what_was_decided_by_a_process_that_died_is_moved_by_the_next(room: WaitingRoom) -> None:
    kept = room.put(ONE, {}, now_ms=1, size=1)
    (kept.folder / "outcome").write_text("approved 7\n")
    assert room.names() == ()
    room.tidy()
    assert (room.folder / "approved" / kept.name / "draft").read_bytes() == ONE


def test_a_draft_that_was_rejected_by_a_process_that_died_waits_when_it_is_prepared_again(room: WaitingRoom) -> None:
    kept = room.put(ONE, {}, now_ms=1, size=1)
    (kept.folder / "outcome").write_text("rejected 2 no\n")
    assert room.put(ONE, {}, now_ms=3, size=1).prepared_ms == 3
    assert room.names() == (kept.name,)


def test_what_no_two_people_sign_does_not_wait(room: WaitingRoom) -> None:
    with pytest.raises(TrustError) as error:
        room.put(note.sign(b"tanji/keys/v1\n", KEYS.institute), {}, now_ms=1, size=1)
    assert error.value.rule == "header-type"
