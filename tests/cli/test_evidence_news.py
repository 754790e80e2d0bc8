"""Keys, keyrings and approvals that come while a process runs are taken up by it, without a restart (R33-R36)."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from services.log.app import create_log_app
from services.sealer.server import Server
from tanji.cli.box import Box
from tanji.cli.evidence import open_evidence
from tanji.cli.evidence_news import News, take_up
from tanji.cli.keys_setup import set_up
from tanji.cli.plant_notes import PlantNotes
from tanji.ledger.samples import Sample, register
from tanji.plant.model import Plant
from tanji.plant.point_map import described
from tanji.trust import keyring_text, plant_note
from tanji.trust.batch import Batch
from tanji.trust.key_folder import KeyFolder
from tanji.trust.keyring import Keyring
from tanji.trust.keyring_draft import Draft
from tanji.trust.keyring_text import KeyringText
from tanji.trust.keys import ED25519, VerifierKey
from tanji.trust.log import Log
from tanji.trust.log_client import LogClient
from tanji.trust.note import split
from tanji.trust.payload import parse_payload
from tanji.trust.signer import Ed25519Signer, SigningKeyFile

from .test_box import PLANT, post
from .test_evidence import T0, plant

GATEWAY = "p1.example/gw1"
NEXT = Ed25519Signer(GATEWAY, bytes([77] * 32), ED25519)
"""The key that goes on."""


class Place:
    """A data directory with keys, and what people bring into its folder of keys while a process runs."""

    def __init__(self, folder: Path) -> None:
        self.data, self.away = folder / "data", folder / "away"
        self.away.mkdir()
        assert PLANT.trust is not None
        set_up(PLANT.trust, plant_id="p1", data_dir=self.data)
        self.keys = KeyFolder(PLANT.trust.keys_dir(self.data))

    def take(self, name: str) -> None:
        """A file is not there at first."""
        (self.keys.folder / name).rename(self.away / name)

    def bring(self, *names: str) -> None:
        """It comes."""
        for name in names:
            shutil.copy2(self.away / name, self.keys.folder / name)

    def approve(self, of: Plant) -> list[str]:
        """The next plant note for a plant file, made where both keys are; the names of its three files."""
        for name in ("prepare.key", "approve.key"):
            if not (self.away / name).exists():
                shutil.copy2(self.keys.folder / name, self.away / name)
        for file in self.keys.folder.glob("plant-*"):
            shutil.copy2(file, self.away / file.name)
        preparer, approver = (SigningKeyFile(self.away / f"{part}.key").read() for part in ("prepare", "approve"))
        notes = PlantNotes(self.away)
        made = notes.approve("p1", described(of), preparer=preparer, approver=approver, from_ms=T0)
        return [f"plant-{made.said.version}.{kind}" for kind in ("pointmap", "plantfile", "note")]

    def rotate(self, *, until: int) -> bytes:
        """The keyring by which the gateway goes on under `NEXT` after a number, signed by the plant's registrars."""
        current = self.keys.keyring()
        assert current is not None
        old = next(line for line in current.lines if line.key.name == GATEWAY)
        lines = [line for line in current.lines if line != old]
        lines += [
            replace(old, until=until),
            replace(old, key=VerifierKey.parse(NEXT.vkey()), first=until + 1),
        ]
        text = KeyringText.make("p1", version=2, prev=current.leaf, registrars=current.registrars, lines=lines)
        draft = Draft(text, current.registrars)
        for file in sorted(self.keys.folder.glob("registrar-*.key")):
            draft = draft.signed(SigningKeyFile(file).read())
        return draft.complete()

    def write_next_key(self) -> None:
        """The new private key, beside the old one and under any name."""
        SigningKeyFile(self.keys.folder / "gw1-2027.key").write(NEXT)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@contextmanager
def running(of: Plant, place: Place) -> Iterator[Box]:
    """A box whose look for news is in the hands of the test."""
    box = Box(of, data_dir=place.data, clock=lambda: T0 + 30_000)
    try:
        yield box
    finally:
        box.close()


def batches(log: Log) -> list[tuple[Batch, str, bytes]]:
    """Every regular batch of the gateway: what it says, the id of the key that signed it, its lines."""
    found = []
    for index in log.indexes("tanji/batch/v1"):
        body, signatures = split(log.entry(index))
        batch = Batch.parse(body)
        if batch.kind == "regular":
            found.append((batch, signatures[0].key_id.hex(), log.payload(index)))
    return found


def values(log: Log) -> list[float | None]:
    return [line.value for _, _, lines in batches(log) for line in parse_payload(lines)]


def codes(box: Box) -> set[str]:
    return {str(alarm.code) for alarm in box.sealer.alarms.active()}


def look(box: Box) -> None:
    """As its thread does: what was new at one look and is the same at the next is taken up."""
    for _ in range(2):
        box.sealing.look()


def log_of(box: Box) -> Log:
    assert box.evidence is not None and box.evidence.log is not None
    return box.evidence.log


def test_an_approval_that_comes_is_sealed_under_with_the_next_cut(place: Place) -> None:
    place.take("approve.key")
    with running(PLANT, place) as box:
        post(box, 12.5)
        assert box.sealer.drain(20) and not box.sealer.seal_now(1)
        assert "POINTMAP_UNAPPROVED" in codes(box) and batches(log_of(box)) == []
        shutil.copy2(place.keys.folder / "prepare.key", place.away)
        place.bring(*place.approve(PLANT))
        look(box)
        assert "POINTMAP_UNAPPROVED" not in codes(box)
        assert box.sealer.seal_now(20)
        ((batch, _, lines),) = batches(log_of(box))
        assert [line.value for line in parse_payload(lines)] == [12.5]
        assert batch.from_ms == T0, "the time while it was held back is in it"
        assert box.sealing.state(box.sealer).reason is None


def test_a_keyring_that_comes_registers_gateway_and_laboratory(place: Place) -> None:
    place.take("keyring-1.note")
    with running(PLANT, place) as box:
        post(box, 12.5)
        register(box.ledger, [Sample("KC-1", "kiln1.coal", T0)], recorded_at_ms=T0)
        box.jobs.run_once()
        assert not box.sealer.seal_now(1)
        assert "KEY_UNREGISTERED" in codes(box)
        assert "no keyring" in str(box.sealing.state(box.sealer).reason)
        place.bring("keyring-1.note")
        look(box)
        assert box.sealer.seal_now(20) and values(log_of(box)) == [12.5]
        assert box.laboratory is not None and box.laboratory.seal().fault is None
        box.health.look()
        assert "KEY_UNREGISTERED" not in codes(box) and "LABORATORY_UNSEALED" not in codes(box)


def test_a_gateway_goes_on_under_its_next_key_by_itself(place: Place) -> None:
    with running(PLANT, place) as box:
        post(box, 12.5)
        assert box.sealer.seal_now(20)
        place.write_next_key()
        (place.keys.folder / "keyring-2.note").write_bytes(place.rotate(until=1))
        look(box)
        for _ in range(3):
            assert box.sealer.seal_now(20)
        old, new = place.keys.key_file("gw1").read().vkey().split("+")[1], NEXT.vkey().split("+")[1]
        assert [(batch.seq, key) for batch, key, _ in batches(log_of(box))] == [(0, old), (1, old), (2, new), (3, new)]
        assert codes(box) & {"KEY_UNREGISTERED", "KEYS_MISSING", "LOG_REFUSES", "SEAL_FORBIDDEN"} == set()
    with running(PLANT, place) as box:
        assert box.sealer.seal_now(20), "and after a start"
        assert log_of(box).refused.count == 0


def test_a_key_that_ends_without_a_next_one_signs_to_its_last_number_and_says_what_to_do(place: Place) -> None:
    with running(PLANT, place) as box:
        assert box.sealer.seal_now(20)
        (place.keys.folder / "keyring-2.note").write_bytes(place.rotate(until=1))
        look(box)
        assert "KEY_UNREGISTERED" in codes(box), "told before the last number too"
        assert box.sealer.seal_now(20)
        post(box, 12.5)
        assert not box.sealer.seal_now(1) and [batch.seq for batch, _, _ in batches(log_of(box))] == [0, 1]
        report = box.sealer.report()["seal"]
        assert report["state"] == "held" and NEXT.vkey().split("+")[1] in report["reason"]
        box.sealer._watch.look()
        (told,) = [alarm for alarm in box.sealer.alarms.active() if alarm.subject == GATEWAY]
        assert str(told.code) == "KEY_UNREGISTERED" and "tanji keys register" in told.text
        place.write_next_key()
        look(box)
        assert box.sealer.seal_now(20) and values(log_of(box)) == [12.5]
        box.sealer._watch.look()
        assert "KEY_UNREGISTERED" not in codes(box)


def test_a_plant_note_for_another_plant_file_waits_for_the_restart(place: Place) -> None:
    changed = plant(("scale: 0.1", "scale: 0.097"))
    with running(PLANT, place) as box:
        assert box.sealer.seal_now(20)
        place.bring(*place.approve(changed))
        look(box)
        assert box.sealer.seal_now(20), "the map that is sealed under stays approved"
        assert len(log_of(box).indexes(plant_note.TYPE)) == 1
        assert "POINTMAP_UNAPPROVED" not in codes(box)
    with running(changed, place) as box:
        assert box.sealer.seal_now(20)
        assert len(log_of(box).indexes(plant_note.TYPE)) == 2
        last, _, _ = batches(log_of(box))[-1]
        assert last.pointmap == described(changed).point_map_digest


def test_a_plant_note_that_reached_the_log_another_way_ends_sealing_under_the_older_map(place: Place) -> None:
    with running(PLANT, place) as box:
        assert box.sealer.seal_now(20)
        names = place.approve(plant(("scale: 0.1", "scale: 0.097")))
        point_map, plant_file, note = ((place.away / name).read_bytes() for name in names)
        log_of(box).add_note(note, files={"pointmap": point_map, "plantfile": plant_file})
        look(box)
        assert not box.sealer.seal_now(1)
        assert "POINTMAP_UNAPPROVED" in codes(box)
        assert "version 2, for another point map" in str(box.sealing.state(box.sealer).reason)


@contextmanager
def log_elsewhere(place: Place, folder: Path) -> Iterator[tuple[Log, Plant]]:
    """The log as a service, and the plant whose processes send to it."""
    kept = Log.open(folder, signer=place.keys.key_file("log").read(), clock=lambda: T0, anchor=place.keys.anchor())
    server = Server(create_log_app(kept), host="127.0.0.1", port=0, max_body=1 << 20)
    server.start()
    assert PLANT.trust is not None
    trust = PLANT.trust.model_copy(update={"log_url": f"http://127.0.0.1:{server.address[1]}"})
    try:
        yield kept, PLANT.model_copy(update={"trust": trust})
    finally:
        server.stop()
        kept.close()


def test_a_keyring_that_another_process_took_to_the_log_ends_the_key_here(place: Place, tmp_path: Path) -> None:
    with log_elsewhere(place, tmp_path / "log") as (kept, remote), running(remote, place) as box:
        post(box, 12.5)
        assert box.sealer.seal_now(20)
        kept.add_note(place.rotate(until=1))
        assert box.evidence is not None and take_up(box.evidence)
        assert box.sealer.seal_now(20) and not box.sealer.seal_now(1)
        assert box.sealer.report()["seal"]["state"] == "held"
        place.write_next_key()
        take_up(box.evidence)
        assert box.sealer.seal_now(20)
        assert [batch.seq for batch, _, _ in batches(kept)] == [0, 1, 2] and kept.refused.count == 0


def test_a_process_without_the_gateway_waits_until_the_log_has_the_plant_note(place: Place, tmp_path: Path) -> None:
    with log_elsewhere(place, tmp_path / "log") as (kept, remote):
        jobs = open_evidence(remote, place.data, clock=lambda: T0, roles=("laboratory",))
        assert jobs is not None
        assert not jobs.laboratory.may_sign(0) and kept.indexes(plant_note.TYPE) == ()
        sealer = open_evidence(remote, place.data, clock=lambda: T0, roles=("gateway",))
        assert sealer is not None and sealer.gateway.may_sign(0)
        assert len(kept.indexes(plant_note.TYPE)) == 1
        take_up(jobs)
        assert jobs.laboratory.may_sign(0) and jobs.faults == []
        for each in (jobs, sealer):
            each.close()


def test_a_log_that_is_away_changes_nothing_that_was_known(place: Place, tmp_path: Path) -> None:
    with log_elsewhere(place, tmp_path / "log") as (kept, remote):
        found = open_evidence(remote, place.data, clock=lambda: T0)
        assert found is not None
        kept.add_note(place.rotate(until=1))
        assert take_up(found) and not found.gateway.may_sign(2)
    assert not take_up(found), "it is to be asked again"
    assert not found.gateway.may_sign(2) and found.gateway.may_sign(1)
    found.close()


def test_a_log_tells_its_keyrings_and_plant_notes_and_no_others(place: Place, tmp_path: Path) -> None:
    with log_elsewhere(place, tmp_path / "log") as (kept, remote):
        found = open_evidence(remote, place.data, clock=lambda: T0)
        assert found is not None and remote.trust is not None and remote.trust.log_url is not None
        client = LogClient(remote.trust.log_url)
        keyring, note = client.notes(keyring_text.TYPE), client.notes(plant_note.TYPE)
        assert [*keyring, *note] == [kept.entry(0), kept.entry(1)]
        assert Keyring.first(keyring[0], place.keys.anchor().registrars).version == 1
        with pytest.raises(Exception, match="answered 404: expected \\?type=tanji/keys/v1 or tanji/plant/v1"):
            client.notes("tanji/batch/v1")
        client.close()
        found.close()


def test_a_plant_note_that_cannot_be_used_ends_no_approval(place: Place) -> None:
    with running(PLANT, place) as box:
        (place.keys.folder / "plant-2.note").write_bytes(b"tanji/plant/v1\n")
        look(box)
        assert box.sealer.seal_now(20)
        (told,) = [alarm for alarm in box.sealer.alarms.active() if str(alarm.code) == "POINTMAP_UNAPPROVED"]
        assert "sealing goes on under the present one" in told.text


def test_what_changes_is_taken_up_once_it_has_come_to_rest(place: Place) -> None:
    now = [0.0]
    with running(PLANT, place) as box:
        assert box.evidence is not None
        news = News(box.evidence, monotonic=lambda: now[0])
        assert [news.look() for _ in range(4)] == [False, True, False, False]
        copied = place.keys.folder / "anything"
        for size in (1, 2):
            copied.write_bytes(b"x" * size)
            assert not news.look(), "it may still be being copied"
        assert news.look() and not news.look()
