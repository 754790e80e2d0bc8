"""A plant file under the signatures of two people, each with a key of their own (R33, R34)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tanji.cli.approve_plant import PlantDesk
from tanji.cli.main import main
from tanji.trust.key_folder import KeyFolder
from tanji.trust.note import split
from tanji.trust.signer import SigningKeyFile
from tanji.trust.verify_signers import open_approved

MINIMAL = (Path(__file__).parents[1] / "plant" / "golden" / "good" / "minimal.yaml").read_text(encoding="utf-8")


class Plant:
    """A plant whose approver made a key elsewhere before everything was set up."""

    def __init__(self, folder: Path) -> None:
        self.file, self.data, self.stick = folder / "plant.yaml", folder / "data", folder / "stick" / "li.key"
        text = MINIMAL.replace("streams:\n", "trust: {origin: p1.example}\nstreams:\n", 1)
        self.file.write_text(text, encoding="utf-8")
        self.stick.parent.mkdir()
        assert main(["keys", "new", "p1.example/approve", "--out", str(self.stick)]) == 0
        self.vkey = SigningKeyFile(self.stick).read().vkey()

    def run(self, *words: str) -> int:
        return main([*words, "--data", str(self.data)])

    def set_up(self, *more: str) -> int:
        return self.run("keys", "setup", "--plant", str(self.file), "--approver", self.vkey, *more)

    def prepare(self, *more: str) -> int:
        return self.run("plant", "approve", str(self.file), *more)

    def approve(self, *more: str) -> int:
        return self.run("approve", *more, "--plant", str(self.file), "--signer", str(self.stick), "--yes")

    def change(self, old: str, new: str) -> None:
        text = self.file.read_text(encoding="utf-8")
        assert old in text
        self.file.write_text(text.replace(old, new), encoding="utf-8")

    def drafts(self) -> list[str]:
        return sorted(path.name for path in (self.data / "waiting").iterdir() if (path / "draft").is_file())


@pytest.fixture
def plant(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Plant:
    made = Plant(tmp_path)
    assert made.set_up() == 0
    capsys.readouterr()
    return made


def test_set_up_makes_no_private_key_for_an_approver_who_has_one(tmp_path: Path, capsys) -> None:
    made = Plant(tmp_path)
    assert made.set_up("--json") == 0
    files = [Path(name).name for name in json.loads(capsys.readouterr().out.splitlines()[-1])["private_keys"]]
    assert "prepare.key" in files and "approve.key" not in files
    keyring = KeyFolder(made.data / "keys").keyring()
    assert keyring is not None and [key.text for key in keyring.keys_for("approver", 0)] == [made.vkey]


def test_set_up_refuses_an_approver_whose_key_lies_here_too(tmp_path: Path, capsys) -> None:
    made = Plant(tmp_path)
    (made.data / "keys").mkdir(parents=True)
    (made.data / "keys" / "approve.key").write_bytes(made.stick.read_bytes())
    assert made.set_up() == 2
    assert "approve.key" in capsys.readouterr().err


def test_a_key_that_is_to_prepare_and_to_approve_is_refused_at_the_set_up(tmp_path: Path, capsys) -> None:
    made = Plant(tmp_path)
    (made.data / "keys").mkdir(parents=True, mode=0o700)
    (made.data / "keys" / "prepare.key").write_bytes(made.stick.read_bytes())
    (made.data / "keys" / "prepare.key").chmod(0o600)
    assert made.set_up() == 2
    assert "key-twice" in capsys.readouterr().err


def test_one_prepares_and_the_other_approves(plant: Plant, capsys: pytest.CaptureFixture[str]) -> None:
    assert plant.prepare() == 3
    assert "tanji approve plant-" in capsys.readouterr().out
    assert not (plant.data / "keys" / "plant-1.note").exists()
    (name,) = plant.drafts()
    assert plant.approve(name) == 0
    assert "首份" in capsys.readouterr().out
    keyring = KeyFolder(plant.data / "keys").keyring()
    assert open_approved((plant.data / "keys" / "plant-1.note").read_bytes(), keyring, 0)
    assert plant.prepare("--dry-run") == 0 and plant.drafts() == []
    assert plant.prepare() == 0  # nothing to do
    assert plant.approve(name) == 0
    assert f"{name}: approved 1" in capsys.readouterr().out


def test_every_change_is_shown_to_the_approver_old_value_and_new(
    plant: Plant, capsys: pytest.CaptureFixture[str]
) -> None:
    assert plant.prepare() == 3 and plant.approve("plant") == 0
    plant.change("scale: 0.1", "scale: 0.097")
    assert plant.prepare() == 3
    capsys.readouterr()
    assert plant.approve("plant") == 0
    out = capsys.readouterr().out
    assert (
        "points.kiln1.clinker.mass.scale: 0.1 -> 0.097" in out
        and "1 changes" in out
        and "version 版本         2" in out
    )


@pytest.mark.parametrize("file", ["plantfile", "pointmap"])
def test_a_change_is_not_hidden_behind_another_file_of_the_version_in_force(
    plant: Plant, file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The preparer's machine holds what the change is shown against: with the new file in its place, none is seen."""
    assert plant.prepare() == 3 and plant.approve("plant") == 0
    plant.change("scale: 0.1", "scale: 0.097")
    assert plant.prepare() == 3
    (name,) = plant.drafts()
    kept = plant.data / "keys" / f"plant-1.{file}"
    kept.write_bytes((plant.data / "waiting" / name / file).read_bytes())
    capsys.readouterr()
    assert plant.approve(name) == 1
    assert f"{file}: plant-file" in capsys.readouterr().err
    kept.unlink()
    assert plant.approve(name) == 3
    assert "首份" not in capsys.readouterr().out
    assert not (plant.data / "keys" / "plant-2.note").exists() and plant.drafts() == [name]


def test_prepared_twice_the_same_draft_waits(plant: Plant) -> None:
    assert plant.prepare() == 3 and plant.prepare() == 3
    assert len(plant.drafts()) == 1


def test_a_draft_of_a_version_that_is_there_already_is_out_of_date(
    plant: Plant, capsys: pytest.CaptureFixture[str]
) -> None:
    assert plant.prepare() == 3
    (old,) = plant.drafts()
    plant.change("scale: 0.1", "scale: 0.097")
    assert plant.prepare() == 3
    (new,) = set(plant.drafts()) - {old}
    assert plant.approve(new) == 0
    capsys.readouterr()
    assert plant.approve(old) == 1
    message = capsys.readouterr().err
    assert "out of date" in message and "version: 1 -> 2" in message and "--reject" in message
    assert plant.drafts() == [old]


def test_a_plant_file_other_than_the_one_prepared_is_refused_with_what_differs(
    plant: Plant, capsys: pytest.CaptureFixture[str]
) -> None:
    assert plant.prepare() == 3
    plant.change("scale: 0.1", "scale: 0.097")
    capsys.readouterr()
    assert plant.approve("plant") == 1
    assert "points.kiln1.clinker.mass.scale: 0.1 -> 0.097" in capsys.readouterr().err
    assert not (plant.data / "keys" / "plant-1.note").exists()


@pytest.mark.parametrize("file", ["pointmap", "plantfile"])
def test_a_file_beside_the_draft_with_one_byte_changed_is_refused(
    plant: Plant, file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert plant.prepare() == 3
    beside = plant.data / "waiting" / plant.drafts()[0] / file
    beside.write_bytes(beside.read_bytes().replace(b"0.1", b"0.2", 1))
    capsys.readouterr()
    assert plant.approve("plant") == 1
    assert f"{file}: plant-file" in capsys.readouterr().err


def test_killed_after_the_note_and_before_the_draft_is_put_away_it_is_one_version(
    plant: Plant, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> int:
        raise KeyboardInterrupt

    assert plant.prepare() == 3
    (name,) = plant.drafts()
    with monkeypatch.context() as patch:
        patch.setattr(PlantDesk, "finish", killed)
        assert plant.approve(name) == 1
    signed = (plant.data / "keys" / "plant-1.note").read_bytes()
    assert [one.name for one in split(signed)[1]] == ["p1.example/prepare", "p1.example/approve"]
    capsys.readouterr()
    assert plant.approve(name) == 0
    assert "approved already" in capsys.readouterr().err
    assert (plant.data / "keys" / "plant-1.note").read_bytes() == signed
    assert not (plant.data / "keys" / "plant-2.note").exists() and plant.drafts() == []
