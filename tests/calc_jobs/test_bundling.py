"""A bundle holds all that a stranger needs, in the same bytes for the same log, and passes the verifier (R34, R36)."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

import pytest

from tanji.errors import TrustError
from tanji.trust import bundle
from tanji.trust.bundle_reader import BundleReader
from tanji.trust.policy import Anchor
from tanji.trust.statement import parse
from tanji.trust.verify_bundle import verify_bundle

from ..referee import referee
from .publish_rig import HOUR, PREPARER, START, TRUST, Sealed, asked

DAY = asked(4, 28)


@pytest.fixture
def made(rig_of, tmp_path: Path):
    rig = rig_of(("streams:", f"{TRUST.strip()}\nstreams:"))
    rig.normal(32)
    rig.enter(22.0, from_h=0, to_h=64)
    sealed = Sealed(rig.plant, rig.ledger, tmp_path)
    sealed.seal_hours(rig.store.read("hx_raw", "reading"), 32)
    yield sealed
    sealed.log.close()


def test_a_bundle_of_a_published_statement_passes_the_verifier(made, tmp_path: Path) -> None:
    path = made.bundle(made.publish(DAY), tmp_path / "bundle.zip")
    report = verify_bundle(path, anchor=Anchor.parse(made.anchor()))
    assert report.independent
    assert (report.integrity.failure, report.completeness.failure) == (None, None)
    assert referee.verify(path.read_bytes(), referee.anchor(made.anchor())) == ("", "")


def test_the_members_are_those_of_the_format_and_no_others(made) -> None:
    published = made.publish(DAY)
    members = made.members(published)
    for path in members:
        bundle.check_path(path)
    bundle.check_required([bundle.MANIFEST, *members])
    assert members["statement.note"] == published.note
    digests = {path: hashlib.sha256(members[path]).hexdigest() for path in (bundle.PLANT, bundle.POINT_MAP)}
    said = parse(published.note.rpartition(b"\n\n")[0] + b"\n")
    assert digests == {bundle.PLANT: said.plant_file.sha256, bundle.POINT_MAP: said.plant_file.point_map}
    # entry 4 is batch 2, the first that can hold a line of hour 3; the statement is entry 34
    assert members["log/prefix"].startswith(b"4\n")
    assert [path for path in members if path.startswith("notes/")] == [f"notes/{i:012d}.note" for i in range(4, 35)]
    assert len([path for path in members if path.startswith("payload/")]) == 28  # batches 2 to 29


def test_equal_members_make_equal_files(made, tmp_path: Path) -> None:
    published = made.publish(DAY)
    one, two = (made.bundle(published, tmp_path / name) for name in ("one.zip", "two.zip"))
    assert one.read_bytes() == two.read_bytes()
    with zipfile.ZipFile(one) as archive:
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_a_replaced_statement_says_so_in_its_bundle(made, tmp_path: Path) -> None:
    first = made.publish(DAY)
    made.publish(DAY, supersedes=made.log.leaf_hash(first.index), reason="the certificate was late")
    members = made.members(first)
    assert "第 35 条" in members["explain.html"].decode() and "entry 35 of the log" in members["explain.html"].decode()
    report = verify_bundle(made.bundle(first, tmp_path / "old.zip"), anchor=Anchor.parse(made.anchor()))
    assert report.integrity.failure is None
    assert report.completeness.failure is not None and report.completeness.failure.rule == "complete-newest"


def test_lines_that_were_not_fed_to_the_formulas_are_refused(made) -> None:
    published = made.publish(DAY)
    from dataclasses import replace

    with pytest.raises(TrustError) as error:
        made.members(replace(published, inputs=published.inputs + b"x 1 1.0 0\n"))
    assert error.value.rule == "statement-manifest"


def test_a_bundle_without_witness_says_so_first_in_both_languages(rig_of, tmp_path: Path) -> None:
    rig = rig_of(("streams:", f"{TRUST.strip()}\nstreams:"))
    rig.normal(32)
    rig.enter(22.0, from_h=0, to_h=64)
    sealed = Sealed(rig.plant, rig.ledger, tmp_path, witnessed=False)
    sealed.seal_hours(rig.store.read("hx_raw", "reading"), 32)
    page = sealed.members(sealed.publish(DAY))["explain.html"].decode()
    chinese, english = page.split('<main id="en"')
    for text, first, lateness in (
        (chinese, "无独立见证", "两小时后才封存的读数份额（无见证方，以网关时间计）"),
        (english, "No independent witness", "Readings sealed more than two hours after their time (no witness"),
    ):
        assert 0 < text.index(first) < text.index('<p class="big">'), "before the figure"
        assert lateness in text
    sealed.log.close()


def test_a_reader_takes_what_the_writer_wrote(made, tmp_path: Path) -> None:
    published = made.publish(DAY)
    path = made.bundle(published, tmp_path / "bundle.zip")
    with BundleReader(path) as reader:
        assert reader.read("statement.note") == published.note
    assert PREPARER.vkey() and START % HOUR == 0
