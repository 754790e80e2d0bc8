"""What somebody may try between the two signatures, and what dies between two steps: nothing wrong is signed, nothing
right is lost (R33; reference/trust.md 2.1, 2.9).

Each case names the exit code: 1 the draft is refused, 2 the command is; the log has the same size after both.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tanji.cli import approve_log, publish
from tanji.ledger import Ledger
from tanji.trust import durable, note, statement
from tanji.trust.approval_draft import Draft
from tanji.trust.correction import Correction, format_correction
from tanji.trust.keys import ED25519
from tanji.trust.log import Log
from tanji.trust.signer import Ed25519Signer, SigningKeyFile
from tanji.trust.statement import Statement
from tanji.trust.waiting_room import WaitingRoom

from ..calc_jobs.publish_rig import APPROVER, HOUR, PREPARER, START, signer
from .test_approve import TwoPeople, apart, said
from .test_approve import two as two
from .test_publish import DAY, site


@pytest.fixture
def prepared(two: TwoPeople, capsys: pytest.CaptureFixture[str]) -> TwoPeople:
    """A statement waits."""
    assert two.run("publish", "--day", DAY) == 3
    capsys.readouterr()
    return two


def opened(two: TwoPeople) -> Log:
    return Log.open(two.site.data / "log", signer=signer("log"), clock=lambda: START)


def refused(two: TwoPeople, capsys: pytest.CaptureFixture[str], *texts: str, name: str | None = None) -> None:
    """Nothing is signed, the draft stays, and the message says why."""
    size, name = two.log().size, name or two.draft()
    assert two.approve(name) == 1
    message = capsys.readouterr().err
    assert "not signed" in message
    for text in texts:
        assert text in message, message
    assert two.log().size == size and (two.waiting / name / "draft").is_file()


def forged(two: TwoPeople, change: Callable[[Statement], Statement]) -> str:
    """What a preparer can do alone: sign another statement than was computed; the name of the draft."""
    kept = two.waiting / two.draft()
    body = statement.format_statement(change(statement.parse(note.split((kept / "draft").read_bytes())[0])))
    files = {"ledger.json": (kept / "ledger.json").read_bytes()}
    made = WaitingRoom(two.site.data).put(Draft.prepare(body, PREPARER).data, files, now_ms=START, size=62)
    return made.name


@pytest.mark.parametrize("place", [30, 400, -30], ids=["in the header", "in a figure", "in the signature"])
def test_a_draft_with_one_byte_changed_is_refused(
    prepared: TwoPeople, place: int, capsys: pytest.CaptureFixture[str]
) -> None:
    file = prepared.waiting / prepared.draft() / "draft"
    data = bytearray(file.read_bytes())
    data[place] ^= 1
    file.write_bytes(data)
    refused(prepared, capsys)


def test_a_ledger_beside_the_draft_with_one_byte_changed_is_refused(
    prepared: TwoPeople, capsys: pytest.CaptureFixture[str]
) -> None:
    file = prepared.waiting / prepared.draft() / "ledger.json"
    file.write_bytes(file.read_bytes().replace(b'"value":"22.0"', b'"value":"21.0"', 1))
    refused(prepared, capsys, "ledger.sha256:", "不符")
    file.unlink()
    refused(prepared, capsys, "ledger.json", "no file")


def test_a_preparer_who_takes_three_percent_off_is_told_which_figure_differs(
    prepared: TwoPeople, capsys: pytest.CaptureFixture[str]
) -> None:
    def less(said: Statement) -> Statement:
        rows = tuple(
            replace(one, co2_t=statement.fixed(float(one.co2_t) * 0.97)) if one.stream == "coal" else one
            for one in said.results
        )
        return replace(said, results=rows, total_co2_t=statement.total(rows))

    refused(prepared, capsys, "total_co2_t:", "fossil_fuel", "draft -> computed here", name=forged(prepared, less))


def test_a_preparer_who_leaves_out_late_readings_by_a_smaller_log_is_refused(
    two: TwoPeople, capsys: pytest.CaptureFixture[str]
) -> None:
    """The draft is true for its size; a correction in the log behind it is what it leaves out."""
    assert two.run("publish", "--day", DAY) == 3
    log = opened(two)
    two.site.sealed.log = log
    line = f"coal {START + 20 * HOUR} 20.01 0"
    index = next(at for at in range(log.size) if line.encode() in _payload(log, at))
    body = format_correction(
        Correction("hx", index, log.leaf_hash(index), line, f"coal {START + 20 * HOUR} 26.5 0", "why", bytes(32))
    )
    log.add_note(note.sign(body, PREPARER, APPROVER))
    log.checkpoint()
    log.close()
    capsys.readouterr()
    refused(two, capsys, "out of date", "total_co2_t:", "--reject")


def _payload(log: Log, index: int) -> bytes:
    return log.payload(index) if log.entry(index).startswith(b"tanji/batch/") else b""


def test_a_ledger_that_says_something_else_by_now_makes_a_draft_out_of_date(
    prepared: TwoPeople, capsys: pytest.CaptureFixture[str]
) -> None:
    """The preparer's export would stand in a signed statement though nobody has these entries any more."""
    ledger = Ledger(prepared.site.data / "ledger.sqlite")
    entries = [replace(one, value=23.0, id=0) for one in ledger.entries() if one.parameter != "amount"]
    ledger.enter(entries, recorded_at_ms=START + 1)
    ledger.close()
    refused(prepared, capsys, "out of date", "total_co2_t:")


def test_the_reason_for_hours_without_value_is_shown_to_the_approver(
    two: TwoPeople, capsys: pytest.CaptureFixture[str]
) -> None:
    """The first reading is of 08:00 in Shanghai on 1 March: of the two hours before, somebody has to say why."""
    words = ("--from", "2026-03-01T06:00", "--to", "2026-03-01T14:00")
    assert two.run("publish", *words) == 2
    assert two.run("publish", *words, "--reason", "sealing began at 08:00") == 3
    capsys.readouterr()
    assert two.run("approve", two.draft(), "--signer", str(two.stick), "--yes") == 0
    assert "sealing began at 08:00" in capsys.readouterr().out


def test_a_newer_statement_on_the_subject_makes_a_draft_out_of_date(
    prepared: TwoPeople, capsys: pytest.CaptureFixture[str]
) -> None:
    name = prepared.draft()
    (prepared.site.data / "keys" / "approve.key").write_bytes(prepared.stick.read_bytes())
    (prepared.site.data / "keys" / "approve.key").chmod(0o600)
    file = prepared.waiting / name / "draft"
    body = note.split(file.read_bytes())[0]
    other = statement.format_statement(replace(statement.parse(body), reason="in a hurry"))
    log = opened(prepared)
    log.add_note(note.sign(other, PREPARER, APPROVER))
    log.checkpoint()
    log.close()
    refused(prepared, capsys, "out of date", "supersedes", "entry 62", "--reject")


@pytest.mark.parametrize("whose", ["preparer's", "another approver's of the same name", "gateway's", "nobody's"])
def test_a_key_that_is_not_the_approvers_is_refused_with_expected_and_got(
    prepared: TwoPeople, whose: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keys = {
        "preparer's": PREPARER,
        "another approver's of the same name": Ed25519Signer("hx.example/approve", bytes(32), ED25519),
        "gateway's": signer("gw1"),
    }
    file = tmp_path / "offered.key"
    if whose in keys:
        SigningKeyFile(file).write(keys[whose])
    words = ("approve", prepared.draft(), "--signer", str(file), "--yes")
    size = prepared.log().size
    assert prepared.run(*words) == 2
    message = capsys.readouterr().err
    assert "expected" in message and "got" in message
    assert whose not in keys or ("another person" if whose == "preparer's" else "hx.example/approve+") in message
    assert prepared.log().size == size and prepared.draft()


def test_a_draft_by_a_preparer_of_another_plant_is_refused(
    prepared: TwoPeople, capsys: pytest.CaptureFixture[str]
) -> None:
    body = note.split((prepared.waiting / prepared.draft() / "draft").read_bytes())[0]
    stranger = Ed25519Signer("other.example/prepare", bytes(range(32)), ED25519)
    made = WaitingRoom(prepared.site.data).put(Draft.prepare(body, stranger).data, {}, now_ms=START, size=1)
    refused(prepared, capsys, "note-unknown-key", "other.example/prepare", name=made.name)


def test_a_draft_about_another_plant_under_the_right_key_is_refused(
    prepared: TwoPeople, capsys: pytest.CaptureFixture[str]
) -> None:
    name = forged(prepared, lambda one: replace(one, plant="other"))
    refused(prepared, capsys, "plant: header-field: expected hx, got other", name=name)


def test_a_draft_that_already_has_two_signatures_is_no_draft(
    prepared: TwoPeople, capsys: pytest.CaptureFixture[str]
) -> None:
    body = note.split((prepared.waiting / prepared.draft() / "draft").read_bytes())[0]
    made = WaitingRoom(prepared.site.data).put(note.sign(body, PREPARER, PREPARER), {}, now_ms=START, size=1)
    refused(prepared, capsys, "note-signers", name=made.name)


def test_a_log_entry_of_no_kind_that_two_people_sign_is_not_signed(
    prepared: TwoPeople, capsys: pytest.CaptureFixture[str]
) -> None:
    """A keyring under the approver's signature would be worth nothing, and is not given."""
    file = prepared.waiting / prepared.draft() / "draft"
    file.write_bytes(note.sign(b"tanji/keys/v1\nplant hx\n", PREPARER))
    refused(prepared, capsys, "header-type")


@pytest.mark.parametrize("name", ["2026-03", "2026-03-01", "2026-03-01T00:00 – 2026-03-03T00:00", "March", "2026-3-2"])
def test_a_period_under_a_name_that_says_more_than_it_covers_is_refused(
    prepared: TwoPeople, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A month that lacks its last day lacks 3 % of the tonnes; every figure of it is right."""
    draft = forged(prepared, lambda one: replace(one, period=replace(one.period, name=name)))
    refused(prepared, capsys, "period.name", name, name=draft)


def test_another_sound_draft_under_the_name_of_one_that_was_looked_at_is_refused(
    prepared: TwoPeople, capsys: pytest.CaptureFixture[str]
) -> None:
    name = prepared.draft()
    other = forged(prepared, lambda one: replace(one, reason="another"))
    (prepared.waiting / name / "draft").write_bytes((prepared.waiting / other / "draft").read_bytes())
    refused(prepared, capsys, "the draft of this name", name=name)
    assert prepared.approve(other) == 0


def test_an_outcome_that_somebody_wrote_stops_nobody_and_cannot_steer_the_terminal(
    prepared: TwoPeople, capsys: pytest.CaptureFixture[str]
) -> None:
    name = prepared.draft()
    (prepared.waiting / name / "outcome").write_bytes(b"rejected 1 \x1b[2J\xff\n")
    assert prepared.approve(name) == 2
    message = capsys.readouterr().err
    assert "was decided" in message and "\x1b" not in message


def test_a_draft_that_another_process_moves_away_at_the_same_time_stops_nobody(
    prepared: TwoPeople, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: object) -> Any:
        raise FileNotFoundError

    (prepared.waiting / prepared.draft() / "outcome").write_bytes(b"rejected 1 why\n")
    monkeypatch.setattr("tanji.trust.waiting_room.os.rename", gone)
    WaitingRoom(prepared.site.data).tidy()


CORRECTED = ("--reason", "digits swapped", "--evidence")


@pytest.fixture
def correcting(two: TwoPeople, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> TwoPeople:
    """A correction waits."""
    (tmp_path / "record.pdf").write_bytes(b"calibration record")
    at = str(START + 20 * HOUR)
    assert two.run("correct", "coal", at, "26.5", *CORRECTED, str(tmp_path / "record.pdf")) == 3
    capsys.readouterr()
    return two


def test_texts_of_a_draft_cannot_steer_the_terminal(
    two: TwoPeople, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A reason may hold what turns a line round; a statement's may not (its grammar)."""
    (tmp_path / "record.pdf").write_bytes(b"calibration record")
    words = ("--reason", "late\u202e dekam\u2028x", "--evidence", str(tmp_path / "record.pdf"), "--json")
    assert two.run("correct", "coal", str(START + 20 * HOUR), "26.5", *words) == 3
    name = said(capsys)["draft"]
    assert two.run("approve", name, "--signer", str(two.stick), "--yes") == 0
    out = capsys.readouterr().out
    assert "\u202e" not in out and "\u2028" not in out and "dekam" in out


def test_another_evidence_file_than_the_signed_one_is_refused(
    correcting: TwoPeople, capsys: pytest.CaptureFixture[str]
) -> None:
    (correcting.waiting / correcting.draft() / "evidence").write_bytes(b"calibration recorD")
    refused(correcting, capsys, "correction-target", "evidence")


@pytest.mark.parametrize("change", [("20.01", "19.01"), ("index 2", "index 3")], ids=["line", "batch"])
def test_a_correction_of_a_line_that_does_not_stand_is_refused(
    correcting: TwoPeople, change: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    kept = correcting.waiting / correcting.draft()
    body = note.split((kept / "draft").read_bytes())[0].decode()
    assert change[0] in body
    files = {"evidence": (kept / "evidence").read_bytes()}
    other = Draft.prepare(body.replace(*change, 1).encode(), PREPARER)
    made = WaitingRoom(correcting.site.data).put(other.data, files, now_ms=START, size=62)
    refused(correcting, capsys, name=made.name)


def test_a_line_that_was_corrected_meanwhile_is_not_corrected_again_by_an_old_draft(
    correcting: TwoPeople, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = correcting.draft()
    at = str(START + 20 * HOUR)
    assert correcting.run("correct", "coal", at, "25.5", *CORRECTED, str(tmp_path / "record.pdf"), "--json") == 3
    assert correcting.approve(said(capsys)["draft"]) == 0
    capsys.readouterr()
    refused(correcting, capsys, "out of date", f"coal {at} 25.5 0", name=first)


class Killed(Exception):
    """The process ends here."""


def killed(*_: object, **__: object) -> Any:
    raise Killed


def entries(two: TwoPeople, type_line: bytes = b"tanji/statement/v1\n") -> int:
    log = opened(two)  # as after a crash: what was appended is there
    try:
        return sum(entry.startswith(type_line) for entry in log.entries(0, log.size))
    finally:
        log.checkpoint()
        log.close()


def test_killed_after_the_signature_and_before_the_log_the_same_command_finishes(
    prepared: TwoPeople, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    name = prepared.draft()
    with monkeypatch.context() as patch:
        patch.setattr(approve_log.LogDesk, "hand_in", killed)
        with pytest.raises(Killed):
            prepared.approve(name)
    assert entries(prepared) == 0 and prepared.draft() == name
    assert prepared.approve(name) == 0 and entries(prepared) == 1


@pytest.mark.parametrize("step", ["settled", "kept", "moved"])
def test_killed_after_the_log_and_before_the_draft_is_put_away_the_same_command_finishes(
    prepared: TwoPeople, step: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    name = prepared.draft()
    with monkeypatch.context() as patch:
        if step == "settled":
            patch.setattr(approve_log.LogDesk, "finish", killed)
        elif step == "kept":
            patch.setattr(publish, "prove", killed)
        else:
            patch.setattr(WaitingRoom, "_move", killed)
        with pytest.raises(Killed):
            prepared.approve(name)
    capsys.readouterr()
    assert entries(prepared) == 1
    code = prepared.approve(name)
    told = capsys.readouterr()
    if step == "moved":  # it was decided: the next command only tidies up
        assert code == 0 and json.loads(told.out) == {"draft": name, "outcome": "approved 62"}
    else:
        assert code == 0 and "approved already" in told.err
    folder = prepared.site.data / "statements" / f"{62:012d}"
    assert {path.name for path in folder.iterdir()} == {"inputs.lines", "statement.note", "statement.tlog-proof"}
    assert entries(prepared) == 1 and [path.name for path in (prepared.waiting / "approved").iterdir()] == [name]


def test_what_is_in_the_log_already_cannot_be_put_aside(
    prepared: TwoPeople, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    name = prepared.draft()
    with monkeypatch.context() as patch:
        patch.setattr(approve_log.LogDesk, "finish", killed)
        with pytest.raises(Killed):
            prepared.approve(name)
    assert prepared.run("approve", name, "--reject", "too late") == 1
    assert "approved already" in capsys.readouterr().err and prepared.draft() == name


def test_the_same_draft_approved_twice_is_one_entry(prepared: TwoPeople, capsys: pytest.CaptureFixture[str]) -> None:
    name = prepared.draft()
    kept = prepared.waiting / name
    files = {path.name: path.read_bytes() for path in kept.iterdir()}
    assert prepared.approve(name) == 0
    for file, data in files.items():  # somebody copies it back
        durable.replace_all({kept / file: data})
    assert prepared.approve(name) == 0
    assert "approved already" in capsys.readouterr().err
    assert entries(prepared) == 1


def test_a_draft_killed_while_it_is_written_is_not_there(
    two: TwoPeople, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("tanji.trust.waiting_room.os.rename", killed)
        with pytest.raises(Killed):
            two.run("publish", "--day", DAY)
    capsys.readouterr()
    assert two.run("approve", "--json") == 0
    assert said(capsys) == {"waiting": []}
    assert two.run("publish", "--day", DAY) == 3 and two.draft()
    assert two.approve(two.draft()) == 0


def test_a_statement_waits_on_until_its_proof_is_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The witness is away: the note is in the log, and nobody outside has seen it."""
    made = site(tmp_path, witnessed=True)
    made.sealed.log.close()
    two = apart(made, tmp_path)
    assert two.run("publish", "--day", DAY, "--wait", "1") == 3
    name = two.draft()
    capsys.readouterr()
    assert two.run("approve", name, "--signer", str(two.stick), "--yes", "--wait", "1") == 3
    assert "the same command again" in capsys.readouterr().err or two.draft() == name
    assert entries(two) == 1
    log = opened(two)
    made.sealed.log = log
    made.sealed.settle(0)
    log.close()
    assert two.run("approve", name, "--yes", "--json", "--wait", "1") == 0  # no key needed any more
    assert said(capsys)["proved"] and entries(two) == 1


def test_one_draft_that_cannot_be_read_does_not_hide_the_others(
    prepared: TwoPeople, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = prepared.waiting / "correction-0123456789ab"
    broken.mkdir()
    (broken / "draft").write_bytes(b"\x00")
    assert prepared.run("approve") == 0
    out = capsys.readouterr().out
    assert "cannot be read 无法读取" in out and "排放声明" in out
    assert prepared.run("approve", "correction", "--yes") == 1
    assert prepared.run("approve", "correction", "--reject", "damaged") == 0
    assert prepared.run("approve", "--json") == 0 and len(said(capsys)["waiting"]) == 1
