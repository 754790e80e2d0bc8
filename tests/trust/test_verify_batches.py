"""Batches of a log folder and of an unpacked bundle (R33, R35)."""

from __future__ import annotations

import zipfile
from pathlib import Path

from tanji.trust.policy import Anchor
from tanji.trust.verify_batches import verify_batches
from tanji.trust.verify_report import State

from . import mutants
from .test_log_world import replayed
from .world import World, build


def log_folder(made: World, folder: Path) -> Path:
    """The folder of a log with this history, every checkpoint cosigned."""
    log = replayed(made, folder)
    log.checkpoint()
    made.checkpoint(time_s=1_772_400_000)
    for _, _, note in made.kept:
        log.add_cosigned(note, witnesses=[made.keys.key("witness")])
    log.close()
    return folder


def test_the_folder_of_a_log_is_verified_up_to_its_newest_cosigned_checkpoint(tmp_path: Path) -> None:
    made = build()
    report = verify_batches(log_folder(made, tmp_path / "log"), anchor=Anchor.parse(made.anchor()))
    assert (report.integrity.state, report.completeness.state, report.exit_code) == (State.OK, State.OK, 0)
    assert (report.facts.batches, report.facts.readings, report.facts.size) == (15, 35, 22)
    assert report.facts.pending_samples == ("old",)


def test_a_log_has_no_anchor_of_its_own(tmp_path: Path) -> None:
    report = verify_batches(log_folder(build(), tmp_path / "log"), anchor=None)
    assert report.integrity.state is State.UNDECIDED and report.completeness.state is State.FAILED


def test_one_byte_of_a_payload_beside_the_log(tmp_path: Path) -> None:
    made = build()
    folder = log_folder(made, tmp_path / "log")
    payload = folder / "payload" / f"{made.labels['gw1:1']:012d}.lines"
    payload.write_bytes(payload.read_bytes().replace(b" 20.5 ", b" 20.4 "))
    report = verify_batches(folder, anchor=Anchor.parse(made.anchor()))
    assert report.integrity.failure is not None and report.integrity.failure.rule == "payload-root"
    payload.unlink()
    report = verify_batches(folder, anchor=Anchor.parse(made.anchor()))
    assert report.integrity.state is State.OK
    assert report.completeness.failure is not None and report.completeness.failure.rule == "payload-missing"


def test_an_unpacked_bundle_is_verified_like_a_log(tmp_path: Path) -> None:
    path = mutants.write_zip(tmp_path / "bundle.zip", mutants.sound())
    with zipfile.ZipFile(path) as archive:
        archive.extractall(tmp_path / "unpacked")
    report = verify_batches(tmp_path / "unpacked", anchor=None)
    assert report.exit_code == 0 and not report.independent
    note = tmp_path / "unpacked" / "notes" / "000000000005.note"
    note.write_bytes(note.read_bytes().replace(b"ntp 2ms", b"ntp 3ms"))
    report = verify_batches(tmp_path / "unpacked", anchor=None)
    assert report.integrity.failure is not None and report.integrity.failure.rule == "checkpoint-root"
    note.unlink()
    report = verify_batches(tmp_path / "unpacked", anchor=None)
    assert report.integrity.state is State.UNDECIDED
