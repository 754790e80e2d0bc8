"""`tanji keys anchor`: the anchor names the newest keyring that the log shows, and no other (R33, R35)."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tanji.cli.main import main
from tanji.trust.policy import Anchor
from tanji.trust.policy_file import NamedKeyring

from ..trust import mutants
from ..trust.world import World, build
from ..trust.world_revoked import REVOKING, handed_over, revoked


@pytest.fixture
def institute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the institute keeps the anchor and what it has signed: two keyrings of the standard world."""
    monkeypatch.chdir(tmp_path)
    kept(tmp_path / "keys", mutants.standard())
    mutants.write_zip(tmp_path / "bundle.zip", mutants.sound())
    return tmp_path / "keys"


def kept(folder: Path, world: World, *, versions: int = 2) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "anchor").write_bytes(world.anchor())
    for version in range(1, versions + 1):
        (folder / f"keyring-{version}.note").write_bytes(world.notes[world.labels[f"keyring{version}"]])


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Any:
    def call(*words: str) -> tuple[int, str]:
        capsys.readouterr()
        code = main(["keys", *words, "--keys", "keys"])
        said = capsys.readouterr()
        return code, said.out + said.err

    return call


def named() -> NamedKeyring | None:
    return Anchor.parse(Path("keys/anchor").read_bytes()).keyring


def test_a_bundle_shows_where_the_newest_keyring_is(institute: Path, say: Any) -> None:
    before = (institute / "anchor").read_bytes()
    code, text = say("anchor", "bundle.zip")
    assert code == 0 and "keyring 2" in text and "信任锚" in text
    assert named() == NamedKeyring(2, 15)
    assert (institute / "anchor").read_bytes() == before + b"keyring 2 15\n"
    code, text = say("anchor", "bundle.zip", "--json")
    assert code == 0 and json.loads(text) == {"anchor": "keys/anchor", "version": 2, "index": 15}
    assert (institute / "anchor").read_bytes() == before + b"keyring 2 15\n", "once"
    code, text = say("list")
    assert "keyring 2, in the log by index 15" in text
    assert json.loads(say("list", "--json")[1])["anchor_names"] == {"version": 2, "index": 15}


def test_an_unpacked_bundle_shows_it_too(institute: Path, say: Any) -> None:
    with zipfile.ZipFile("bundle.zip") as archive:
        archive.extractall("unpacked")
    assert say("anchor", "unpacked")[0] == 0
    assert named() == NamedKeyring(2, 15)


def test_a_bundle_that_hides_what_was_signed_writes_nothing(institute: Path, say: Any) -> None:
    world = revoked(obeys=False)
    kept(institute, world)
    mutants.write_zip(Path("hiding.zip"), handed_over(world, hides=True))
    code, text = say("anchor", "hiding.zip")
    assert code == 1 and "complete-keyring" in text and "keyring 2, which is signed" in text
    assert named() is None
    mutants.write_zip(Path("shown.zip"), handed_over(world, hides=False))
    assert say("anchor", "shown.zip")[0] == 0
    assert named() == NamedKeyring(2, REVOKING)


def test_another_note_of_the_same_version_writes_nothing(institute: Path, say: Any) -> None:
    kept(institute, revoked(obeys=True))
    code, text = say("anchor", "bundle.zip")
    assert code == 1 and "keyring-version" in text and named() is None


def test_what_the_anchor_does_not_vouch_for_writes_nothing(institute: Path, say: Any) -> None:
    """An invented plant, and a log that nobody witnessed."""
    for world in (build(world="another"), build(witnessed=False)):
        mutants.write_zip(Path("other.zip"), world.listed(world.members()))
        assert say("anchor", "other.zip")[0] == 1
    mutants.write_zip(Path("torn.zip"), {**mutants.sound(), "keyring/000000000015.tlog-proof": b"none"})
    assert say("anchor", "torn.zip")[0] == 1
    assert say("anchor", "nothing.zip")[0] == 2
    assert named() is None


def test_a_keyring_that_the_plant_does_not_log_has_to_be_there_by_an_index(institute: Path, say: Any) -> None:
    assert say("anchor", "--by", "400")[0] == 0
    assert named() == NamedKeyring(2, 400)
    assert say("anchor", "bundle.zip")[0] == 0
    assert named() == NamedKeyring(2, 15), "where it is, once somebody has seen it"


def test_a_keyring_that_came_later_than_the_anchor_says_is_forgiven_by_an_index_and_not_by_evidence(
    institute: Path, say: Any
) -> None:
    (institute / "anchor").write_bytes(mutants.standard().anchor("2 14"))
    code, text = say("anchor", "bundle.zip")
    assert code == 3 and "complete-keyring" in text and "up to log index 14" in text
    assert named() == NamedKeyring(2, 14)
    assert say("anchor", "--by", "15")[0] == 0 and say("anchor", "bundle.zip")[0] == 0
    assert named() == NamedKeyring(2, 15)


def test_the_keyrings_named_before_stay_named(institute: Path, say: Any) -> None:
    (institute / "anchor").write_bytes(mutants.standard().anchor("1 3"))
    assert say("anchor", "bundle.zip")[0] == 0
    assert Anchor.parse((institute / "anchor").read_bytes()).keyrings == (NamedKeyring(1, 3), NamedKeyring(2, 15))


def test_nobody_goes_back_to_an_older_one(institute: Path, say: Any) -> None:
    (institute / "anchor").write_bytes(mutants.standard().anchor("3 22"))
    code, text = say("anchor", "bundle.zip")
    assert code == 2 and "keyring 3 or later" in text
    assert named() == NamedKeyring(3, 22)


@pytest.mark.parametrize("words", [(), ("bundle.zip", "--by", "1"), ("--by", "-1")])
def test_misuse_is_said_and_changes_nothing(words: tuple[str, ...], institute: Path, say: Any) -> None:
    assert say("anchor", *words)[0] == 2
    assert named() is None


def test_without_a_keyring_in_the_folder_the_evidence_alone_counts(institute: Path, say: Any) -> None:
    for note in institute.glob("keyring-*.note"):
        note.unlink()
    assert say("anchor", "--by", "5")[0] == 2
    assert say("anchor", "bundle.zip")[0] == 0
    assert named() == NamedKeyring(2, 15)
