"""`tanji publish`, `bundle`, `correct`: from a data directory to a zip that the verifier accepts, alone and beside the
process that owns the log.

The plant and its hours are those of tests/calc_jobs; 480 t of coal a day at 22 GJ/t.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from services.log.inbox import InboxReader
from tanji.cli.main import main
from tanji.ledger import Ledger
from tanji.plant.dump import dump
from tanji.plant.load import parse
from tanji.trust.key_folder import KeyFolder, part_of
from tanji.trust.note_inbox import NoteInbox
from tanji.trust.policy import Anchor
from tanji.trust.verify_bundle import verify_bundle

from ..calc_jobs.conftest import PLANT, Rig
from ..calc_jobs.publish_rig import APPROVER, GATEWAY, HOUR, PREPARER, START, TRUST, Sealed, signer

DAY = "2026-03-02"  # in Shanghai: from 16:00 UTC of the first, hours 16 to 40


@dataclass
class Site:
    """A data directory with sixty hours sealed, and its plant file."""

    sealed: Sealed
    data: Path
    plant_file: Path

    def run(self, *words: str) -> int:
        return main([words[0], *words[1:], "--plant", str(self.plant_file), "--data", str(self.data)])


def site(folder: Path, *, witnessed: bool) -> Site:
    plant = parse(PLANT.replace("streams:", f"{TRUST.strip()}\nstreams:", 1))
    rig = Rig(plant, folder / "rig")
    rig.normal(60)
    rig.enter(22.0, from_h=0, to_h=60)
    data = folder / "data"
    data.mkdir()
    sealed = Sealed(plant, Ledger(data / "ledger.sqlite"), data, witnessed=witnessed)
    sealed.ledger.enter(rig.ledger.entries(), recorded_at_ms=START)
    sealed.seal_hours(rig.store.read("hx_raw", "reading"), 60)
    rig.close()
    sealed.ledger.close()
    keys = KeyFolder(data / "keys")
    keys.make()
    for one in (PREPARER, APPROVER, GATEWAY, signer("log")):
        keys.key_file(part_of(one.vkey())).write(one)
    keys.anchor_file.write_bytes(sealed.anchor())
    plant_file = folder / "plant.yaml"
    plant_file.write_text(dump(plant), encoding="utf-8")
    return Site(sealed, data, plant_file)


@pytest.fixture
def alone(tmp_path: Path) -> Site:
    """Nobody else has the log open, and there is no witness."""
    made = site(tmp_path, witnessed=False)
    made.sealed.log.checkpoint()
    made.sealed.log.close()
    return made


@pytest.fixture
def beside(tmp_path: Path) -> Iterator[Site]:
    """Another process owns the log and shows it to a witness."""
    made = site(tmp_path, witnessed=True)
    reader = InboxReader(NoteInbox(made.data / "inbox"), made.sealed.log, witness=lambda: made.sealed.settle(0))
    reader.start()
    yield made
    reader.stop()
    made.sealed.log.close()


def test_a_day_is_published_bundled_and_verified(alone: Site, tmp_path: Path, capsys) -> None:
    assert alone.run("publish", "--day", DAY, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["status"], told["witnessed"], told["proved"]) == ("provisional", False, True)
    folder = Path(told["folder"])
    assert sorted(path.name for path in folder.iterdir()) == ["inputs.lines", "statement.note", "statement.tlog-proof"]
    target = tmp_path / "bundle.zip"
    assert alone.run("bundle", str(target), "--day", DAY, "--json") == 0
    assert json.loads(capsys.readouterr().out)["total_co2_t"] == told["total_co2_t"]
    report = verify_bundle(target, anchor=Anchor.parse(alone.sealed.anchor()))
    assert (report.integrity.failure, report.completeness.failure) == (None, None)
    assert main(["verify", "recompute", str(target), "--anchor", str(alone.data / "keys" / "anchor")]) == 0
    assert capsys.readouterr().err == ""


def test_the_text_says_what_was_published_and_that_nobody_witnessed_it(alone: Site, tmp_path: Path, capsys) -> None:
    assert alone.run("publish", "--day", DAY) == 0
    said = capsys.readouterr().out
    assert "provisional" in said and "no independent witness" in said and "无独立见证" in said
    assert alone.run("bundle", str(tmp_path / "b.zip")) == 0
    assert "无独立见证" in capsys.readouterr().out


def test_a_second_statement_needs_supersedes_and_a_reason(alone: Site, capsys) -> None:
    assert alone.run("publish", "--day", DAY) == 0
    assert alone.run("publish", "--day", DAY) == 2
    assert "--supersedes" in capsys.readouterr().err
    assert alone.run("publish", "--day", DAY, "--supersedes", "newest", "--reason", "a certificate was late") == 0


def test_a_period_that_is_not_sealed_yet_cannot_be_decided(alone: Site, capsys) -> None:
    assert alone.run("publish", "--month", "2026-03") == 3
    assert "complete-time" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        ("--day", "2026-3-2"),
        ("--month", "2026-13"),
        ("--from", "2026-03-02T00:00"),
        ("--from", "2026-03-02T00:30", "--to", "2026-03-02T03:00"),
        ("--from", "2026-03-02T03:00", "--to", "2026-03-02T01:00"),
        ("--day", DAY, "--supersedes", "abc", "--reason", "x"),
        ("--day", DAY, "--supersedes", "newest", "--reason", "x"),
    ],
)
def test_what_cannot_be_meant_is_a_usage_error(alone: Site, words: tuple[str, ...], capsys) -> None:
    assert alone.run("publish", *words) == 2
    assert "expected" in capsys.readouterr().err or words[-3] == "newest"


def test_a_statement_that_there_is_not_cannot_be_bundled(alone: Site, tmp_path: Path, capsys) -> None:
    assert alone.run("bundle", str(tmp_path / "b.zip")) == 2
    assert "tanji publish" in capsys.readouterr().err
    assert not (tmp_path / "b.zip").exists()


def test_inputs_that_were_not_kept_are_computed_again(alone: Site, tmp_path: Path, capsys) -> None:
    assert alone.run("publish", "--from", "2026-03-02T08:00", "--to", "2026-03-02T12:00", "--json") == 0
    folder = Path(json.loads(capsys.readouterr().out)["folder"])
    assert alone.run("bundle", str(tmp_path / "one.zip")) == 0
    (folder / "inputs.lines").unlink()
    assert alone.run("bundle", str(tmp_path / "two.zip")) == 0
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()


def test_a_note_is_handed_to_the_process_that_owns_the_log(beside: Site, tmp_path: Path, capsys) -> None:
    assert beside.run("publish", "--day", DAY, "--json", "--wait", "30") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["witnessed"] and told["proved"] and beside.sealed.log.size == told["index"] + 1
    assert beside.run("bundle", str(tmp_path / "bundle.zip")) == 0
    report = verify_bundle(tmp_path / "bundle.zip", anchor=Anchor.parse(beside.sealed.anchor()))
    assert (report.integrity.failure, report.completeness.failure) == (None, None)


def test_a_correction_changes_the_next_statement(alone: Site, tmp_path: Path, capsys) -> None:
    assert alone.run("publish", "--day", DAY, "--json") == 0
    before = json.loads(capsys.readouterr().out)["total_co2_t"]
    record = tmp_path / "record.pdf"
    record.write_bytes(b"calibration record")
    at = str(START + 20 * HOUR)
    more = ("--reason", "digits swapped", "--evidence", str(record), "--json")
    assert alone.run("correct", "coal", at, "26.5", *more) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["by"] == f"coal {at} 26.5 0" and told["line"].startswith(f"coal {at} 20.01 ")
    again = ("--supersedes", "newest", "--reason", "correction")
    assert alone.run("publish", "--day", DAY, *again, "--json") == 0
    assert float(json.loads(capsys.readouterr().out)["total_co2_t"]) > float(before)
    assert alone.run("correct", "coal", str(START + 20 * HOUR + 1), "26.5", *more) == 2
    assert alone.run("correct", "coal", at, "twenty", *more) == 2


def test_nothing_secret_is_printed(alone: Site, capsys) -> None:
    assert alone.run("publish", "--day", DAY) == 0
    said = capsys.readouterr()
    for part in ("prepare", "approve", "log", "gw1"):
        secret = (alone.data / "keys" / f"{part}.key").read_text().strip().split("+", 4)[4]
        assert secret not in said.out + said.err
