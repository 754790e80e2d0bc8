"""Opening the chain of evidence: what is missing becomes a fault that names file and expected, never an error (R33)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tanji.cli.evidence import open_evidence
from tanji.cli.evidence_parts import Evidence
from tanji.cli.keys_setup import set_up
from tanji.errors import InstanceLocked
from tanji.health.alarms import AlarmCode
from tanji.plant.load import parse
from tanji.plant.model import Plant
from tanji.trust.note import split
from tanji.trust.plant_note import TYPE, PlantNote

MINIMAL = (Path(__file__).parents[1] / "plant" / "golden" / "good" / "minimal.yaml").read_text(encoding="utf-8")
TRUST = "trust: {origin: p1.example}\nstreams:\n"
T0 = 1_772_323_200_000


def plant(*changes: tuple[str, str]) -> Plant:
    text = MINIMAL.replace("streams:\n", TRUST, 1)
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    return parse(text)


class Opener:
    """Opens the evidence of a plant in one data directory, one at a time, and closes what is left."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._open: Evidence | None = None

    def set_up(self) -> None:
        trust = plant().trust
        assert trust is not None
        set_up(trust, plant_id="p1", data_dir=self.folder)

    def __call__(self, of: Plant | None = None) -> Evidence:
        self.close()
        self._open = open_evidence(of or plant(), self.folder, clock=lambda: T0)
        assert self._open is not None
        return self._open

    def close(self) -> None:
        if self._open is not None:
            self._open.close()
            self._open = None


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Opener]:
    found = Opener(tmp_path)
    yield found
    found.close()


def codes(found: Evidence) -> set[AlarmCode]:
    return {fault.code for fault in found.faults}


def logged(found: Evidence) -> list[PlantNote]:
    assert found.log is not None
    return [PlantNote.parse(split(found.log.entry(index))[0]) for index in found.log.indexes(TYPE)]


def test_a_plant_without_the_section_has_no_evidence(tmp_path: Path) -> None:
    assert open_evidence(parse(MINIMAL), tmp_path, clock=lambda: T0) is None


def test_with_every_key_there_everything_is_sealed_and_the_point_map_approved(opened: Opener) -> None:
    opened.set_up()
    found = opened()
    assert found.faults == []
    assert found.gateway.may_sign(0) and found.laboratory.may_sign(0)
    assert found.log is not None and found.log.keyring is not None
    (note,) = logged(found)
    assert (note.version, note.point_map) == (1, found.files.point_map_digest)
    assert found.log.file(note.plant_file.hex()) == found.files.plant_file


def test_opening_again_adds_nothing(opened: Opener) -> None:
    opened.set_up()
    size = opened().log.size  # type: ignore[union-attr]
    again = opened()
    assert again.log is not None and again.log.size == size == 2


def test_without_any_key_the_faults_name_the_files_and_nothing_is_sealed(opened: Opener) -> None:
    found = opened()
    assert not found.gateway.may_sign(0) and found.log is None
    assert codes(found) == {AlarmCode.KEYS_MISSING, AlarmCode.POINTMAP_UNAPPROVED}
    text = "\n".join(fault.text for fault in found.faults)
    for name in ("anchor", "gw1.key", "lab.key", "log.key"):
        assert str(opened.folder / "keys" / name) in text


@pytest.mark.parametrize("part", ["gw1", "lab"])
def test_a_missing_key_leaves_the_others_at_work(opened: Opener, part: str) -> None:
    opened.set_up()
    (opened.folder / "keys" / f"{part}.key").unlink()
    found = opened()
    assert codes(found) == {AlarmCode.KEYS_MISSING}
    assert found.gateway.may_sign(0) == (part == "lab")
    assert found.laboratory.may_sign(0) == (part == "gw1")


def test_a_key_that_others_may_read_is_not_used(opened: Opener) -> None:
    opened.set_up()
    (opened.folder / "keys" / "gw1.key").chmod(0o644)
    found = opened()
    assert not found.gateway.may_sign(0)
    assert "chmod 600" in found.faults[0].text


def test_a_key_that_is_not_in_the_keyring_signs_nothing(opened: Opener, tmp_path: Path) -> None:
    opened.set_up()
    other = tmp_path / "other"
    trust = plant().trust
    assert trust is not None
    set_up(trust, plant_id="p1", data_dir=other)
    key = opened.folder / "keys" / "gw1.key"
    key.unlink()
    (other / "keys" / "gw1.key").rename(key)
    found = opened()
    assert codes(found) == {AlarmCode.KEY_UNREGISTERED} and not found.gateway.may_sign(0)


def test_another_plants_key_under_the_right_file_name_is_told(opened: Opener, tmp_path: Path) -> None:
    opened.set_up()
    wrong = tmp_path / "wrong"
    trust = plant(("origin: p1.example", "origin: p2.example")).trust
    assert trust is not None
    set_up(trust, plant_id="p1", data_dir=wrong)
    key = opened.folder / "keys" / "gw1.key"
    key.unlink()
    (wrong / "keys" / "gw1.key").rename(key)
    assert "expected the key p1.example/gw1, got p2.example/gw1" in opened().faults[0].text


def test_a_changed_scale_is_approved_anew_where_both_keys_are(opened: Opener) -> None:
    opened.set_up()
    opened()
    found = opened(plant(("scale: 0.1", "scale: 0.097")))
    assert found.faults == []
    first, second = logged(found)
    assert (first.version, second.version) == (1, 2) and first.point_map != second.point_map


def test_a_changed_scale_without_an_approver_is_sealed_by_nobody(opened: Opener) -> None:
    opened.set_up()
    opened()
    (opened.folder / "keys" / "approve.key").unlink()
    found = opened(plant(("scale: 0.1", "scale: 0.097")))
    assert codes(found) == {AlarmCode.POINTMAP_UNAPPROVED}
    assert not found.gateway.may_sign(0) and not found.laboratory.may_sign(0)
    assert "version 1, for another point map" in found.faults[0].text
    assert opened(plant()).faults == [], "the former file is still approved"


def test_a_folder_of_keys_that_was_made_anew_gets_the_plant_notes_of_the_log(opened: Opener) -> None:
    opened.set_up()
    opened()
    for kind in ("note", "pointmap", "plantfile"):
        (opened.folder / "keys" / f"plant-1.{kind}").unlink()
    found = opened(plant(("scale: 0.1", "scale: 0.097")))
    assert found.faults == [] and [note.version for note in logged(found)] == [1, 2]


def test_a_keyring_that_is_still_a_draft_registers_nobody(opened: Opener) -> None:
    opened.set_up()
    keyring = opened.folder / "keys" / "keyring-1.note"
    keyring.rename(keyring.with_suffix(".draft"))
    found = opened()
    assert not found.gateway.may_sign(0)
    assert AlarmCode.KEY_UNREGISTERED in codes(found)


def test_the_log_of_another_process_is_left_alone(opened: Opener) -> None:
    opened.set_up()
    opened()
    with pytest.raises(InstanceLocked):
        open_evidence(plant(), opened.folder, clock=lambda: T0)


def test_a_log_that_is_away_is_no_fault_of_the_keys(opened: Opener) -> None:
    opened.set_up()
    opened.close()
    away = plant(("origin: p1.example", 'origin: p1.example, log_url: "http://127.0.0.1:9"'))
    found = opened(away)
    assert found.log is None and found.batch_log is not None
    assert found.faults == [] and found.gateway.may_sign(0)
