"""Two people and two places for their keys: one prepares, the other looks and signs (R33; reference/trust.md 2.1).

The site is that of test_publish.py, whose approver's key is carried away to a folder of its own.
"""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pytest

from services.log.inbox import InboxReader
from tanji.cli.main import main
from tanji.errors import TrustError
from tanji.trust.log import Log
from tanji.trust.log_reader import LogReader
from tanji.trust.note import sign, split
from tanji.trust.note_inbox import NoteInbox

from ..calc_jobs.publish_rig import APPROVER, HOUR, PREPARER, START, signer
from .test_publish import DAY, Site, site


@dataclass
class TwoPeople:
    """The preparer's machine, and the memory stick with the approver's key."""

    site: Site
    stick: Path

    @property
    def waiting(self) -> Path:
        return self.site.data / "waiting"

    def run(self, *words: str) -> int:
        return self.site.run(*words)

    def approve(self, *words: str) -> int:
        return self.run("approve", *words, "--signer", str(self.stick), "--yes", "--json")

    def draft(self) -> str:
        """The name of the only draft that waits."""
        (folder,) = [path for path in self.waiting.iterdir() if (path / "draft").is_file()]
        return folder.name

    def log(self) -> LogReader:
        return LogReader(self.site.data / "log")


def apart(made: Site, folder: Path) -> TwoPeople:
    stick = folder / "stick" / "approve.key"
    stick.parent.mkdir(mode=0o700)
    (made.data / "keys" / "approve.key").rename(stick)
    return TwoPeople(made, stick)


@pytest.fixture
def two(tmp_path: Path) -> TwoPeople:
    made = site(tmp_path, witnessed=False)
    made.sealed.log.checkpoint()
    made.sealed.log.close()
    return apart(made, tmp_path)


def said(capsys: pytest.CaptureFixture[str]) -> dict:
    return json.loads(capsys.readouterr().out.splitlines()[-1])


def test_a_statement_is_prepared_by_one_approved_by_the_other_and_verified_by_a_third(
    two: TwoPeople, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = two.log().size
    assert two.run("publish", "--day", DAY, "--json") == 3
    told = said(capsys)
    assert (told["draft"], told["published"]) == (two.draft(), False)
    assert two.log().size == before
    assert two.approve(two.draft()) == 0
    told = said(capsys)
    assert (told["index"], told["proved"]) == (before, True)
    assert [signature.name for signature in split(two.log().entry(before))[1]] == [
        "hx.example/prepare",
        "hx.example/approve",
    ]
    files = {path.name for path in Path(told["folder"]).iterdir()}
    assert files == {"inputs.lines", "statement.note", "statement.tlog-proof"}
    assert [path.name for path in (two.waiting / "approved").iterdir()] and not two.run("approve")
    assert "nothing waits" in capsys.readouterr().out
    target = tmp_path / "bundle.zip"
    assert two.run("bundle", str(target), "--day", DAY) == 0
    anchor = str(two.site.data / "keys" / "anchor")
    assert main(["verify", "bundle", str(target), "--anchor", anchor]) == 0
    assert main(["verify", "recompute", str(target), "--anchor", anchor]) == 0


def test_the_statement_of_two_people_is_that_of_one_folder_to_the_byte(
    two: TwoPeople, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "other").mkdir()
    one = site(tmp_path / "other", witnessed=False)
    one.sealed.log.checkpoint()
    one.sealed.log.close()
    assert one.run("publish", "--day", DAY, "--json") == 0
    alone = Path(said(capsys)["folder"]) / "statement.note"
    assert two.run("publish", "--day", DAY) == 3
    capsys.readouterr()
    assert two.approve(two.draft()) == 0
    assert (Path(said(capsys)["folder"]) / "statement.note").read_bytes() == alone.read_bytes()


def test_what_will_be_signed_is_shown_in_both_languages_and_asked_for_on_a_terminal(
    two: TwoPeople, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert two.run("publish", "--day", DAY) == 3
    told = capsys.readouterr()
    assert "tanji approve statement-" in told.out and "等待批准" in told.out
    assert "approve.key: no such key here" in told.err
    words = ("approve", two.draft(), "--signer", str(two.stick))

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr("sys.stdin", Terminal("no\n"))
    assert two.run(*words) == 1
    shown = capsys.readouterr()
    for text in ("3699.", "排放量", "total", "480.000000 t", "hx.example/prepare+", "hx.example/approve+", "yes"):
        assert text in shown.out, text
    assert "nothing was signed" in shown.err and two.draft()
    assert "\N{REPLACEMENT CHARACTER}" not in shown.out
    monkeypatch.setattr("sys.stdin", Terminal("yes\n"))
    assert two.run(*words) == 0
    assert "entry 62 of hx.example/log" in capsys.readouterr().out  # keyring, plant note, sixty hours


def test_without_a_terminal_and_without_yes_nothing_is_signed(
    two: TwoPeople, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert two.run("publish", "--day", DAY, "--prepare-only") == 0
    monkeypatch.setattr("sys.stdin", io.StringIO("yes\n"))
    assert two.run("approve", two.draft(), "--signer", str(two.stick)) == 2
    assert "--yes" in capsys.readouterr().err
    assert two.draft()


def test_with_both_keys_in_one_folder_a_draft_is_left_only_on_demand(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = site(tmp_path, witnessed=False)
    made.sealed.log.checkpoint()
    made.sealed.log.close()
    assert made.run("publish", "--day", DAY, "--prepare-only", "--json") == 0
    name = said(capsys)["draft"]
    assert made.run("approve", name[:12], "--yes", "--json") == 0  # the folder's own approve.key
    assert said(capsys)["proved"]


def test_drafts_are_listed_with_what_they_are_about_and_can_be_put_aside(
    two: TwoPeople, capsys: pytest.CaptureFixture[str]
) -> None:
    assert two.run("publish", "--day", DAY) == 3
    capsys.readouterr()
    assert two.run("approve", "--json") == 0
    (row,) = said(capsys)["waiting"]
    assert row["kind"] == "statement" and row["subject"].startswith(f"{DAY} clinker cets_ag_02_01: 3699.")
    assert row["preparer"].startswith("hx.example/prepare+")
    assert two.run("approve", "--list") == 0
    assert "排放声明" in capsys.readouterr().out
    assert two.run("approve", row["draft"], "--reject", "the coal of\nthe 2nd is missing") == 0
    (kept,) = (two.waiting / "rejected").iterdir()
    assert (kept / "draft").is_file()
    assert (kept / "outcome").read_text().endswith(" the coal of the 2nd is missing\n")
    assert two.approve(row["draft"]) == 2
    assert "the coal of the 2nd" in capsys.readouterr().err
    assert two.run("approve", "--reject", "x") == 2


def test_a_correction_is_approved_with_its_evidence_at_hand(
    two: TwoPeople, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record = tmp_path / "record.pdf"
    record.write_bytes(b"calibration record")
    at = str(START + 20 * HOUR)
    more = ("--reason", "digits swapped", "--evidence", str(record))
    assert two.run("correct", "coal", at, "26.5", *more) == 3
    capsys.readouterr()
    assert two.run("approve", two.draft(), "--signer", str(two.stick), "--yes") == 0
    out = capsys.readouterr().out
    for text in (f"coal {at} 20.01 ", f"coal {at} 26.5 0", "20.01 -> 26.5", "digits swapped", "evidence 凭据"):
        assert text in out, text
    log = two.log()
    assert log.entry(log.size - 1).startswith(b"tanji/correction/v1\n")
    assert log.file(sha256(b"calibration record").hexdigest()) == b"calibration record"


def test_beside_the_process_that_owns_the_log_the_note_is_handed_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = site(tmp_path, witnessed=True)
    two = apart(made, tmp_path)
    (made.data / "keys" / "log.key").rename(tmp_path / "log.key")  # an approver's machine has not the log's key
    reader = InboxReader(NoteInbox(made.data / "inbox"), made.sealed.log, witness=lambda: made.sealed.settle(0))
    reader.start()
    try:
        assert two.run("publish", "--day", DAY, "--wait", "30") == 3
        capsys.readouterr()
        assert two.run("approve", two.draft(), "--signer", str(two.stick), "--yes", "--json", "--wait", "30") == 0
        told = said(capsys)
        assert told["witnessed"] and told["proved"] and made.sealed.log.size == told["index"] + 1
    finally:
        reader.stop()
        made.sealed.log.close()


def test_a_draft_is_no_entry_of_any_log(two: TwoPeople) -> None:
    assert two.run("publish", "--day", DAY) == 3
    draft = (two.waiting / two.draft() / "draft").read_bytes()
    log = Log.open(two.site.data / "log", signer=signer("log"), clock=lambda: START)
    try:
        with pytest.raises(TrustError) as error:
            log.add_note(draft)
        assert error.value.rule == "note-signers"
        with pytest.raises(TrustError) as error:
            log.add_note(sign(split(draft)[0], APPROVER, PREPARER))  # the two lines in the other order
        assert error.value.rule == "note-signers"
    finally:
        log.close()
