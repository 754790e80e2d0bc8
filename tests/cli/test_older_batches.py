"""A plant note goes to the log after every batch under the map it ends, of each chain in the data directory (R33, R35).

The clock of these boxes stands at `T0` + 30 s and notes are in force from `T0` on, so a batch under a former map that
comes after the next note is never approved any more: the log here refuses to take it (trust-format 11, step 10).
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from services.log.app import create_log_app
from services.sealer.server import Server
from tanji.cli.box import Box
from tanji.errors import EvidenceMissing
from tanji.plant.model import Plant
from tanji.plant.point_map import described
from tanji.trust.batch import Batch
from tanji.trust.log import Log
from tanji.trust.note import split
from tanji.trust.plant_note import PlantNote

from ..services.sealer_rig import wait_until
from .test_box import post
from .test_evidence import T0, plant
from .test_evidence_news import Place, log_of, running

FORMER, NEXT = plant(), plant(("scale: 0.1", "scale: 0.097"))


class Elsewhere:
    """A log as a service that can be away."""

    def __init__(self, place: Place, folder: Path) -> None:
        signer = place.keys.key_file("log").read()
        self.log = Log.open(folder, signer=signer, clock=lambda: T0, anchor=place.keys.anchor())
        self._port, self._server = 0, None
        self.come()

    def come(self) -> None:
        self._server: Server | None = Server(
            create_log_app(self.log), host="127.0.0.1", port=self._port, max_body=1 << 20
        )
        self._server.start()
        self._port = self._server.address[1]

    def go(self) -> None:
        if self._server is not None:
            self._server.stop()
            self._server = None

    def of(self, each: Plant) -> Plant:
        """A plant whose processes send here."""
        assert each.trust is not None
        trust = each.trust.model_copy(update={"log_url": f"http://127.0.0.1:{self._port}"})
        return each.model_copy(update={"trust": trust})


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@pytest.fixture
def elsewhere(place: Place, tmp_path: Path) -> Iterator[Elsewhere]:
    found = Elsewhere(place, tmp_path / "elsewhere")
    yield found
    found.go()
    found.log.close()


def order(log: Log, *plants: Plant) -> list[str]:
    """What is in the log, in order: `note 1` for a plant note, `gw1 1` for a batch under the map of the first plant."""
    digests = {described(each).point_map_digest: str(number) for number, each in enumerate(plants, 1)}
    found = []
    for index in range(log.size):
        body = split(log.entry(index))[0]
        if body.startswith(b"tanji/plant/v1\n"):
            found.append(f"note {digests[PlantNote.parse(body).point_map]}")
        if body.startswith(b"tanji/batch/v1\n"):
            batch = Batch.parse(body)
            found.append(f"{batch.gateway.rpartition('/')[2]} {digests[batch.pointmap]}")
    assert log.refused.count == 0
    return found


@contextmanager
def crashing(of: Plant, place: Place) -> Iterator[Box]:
    """A box whose data directory is at last what it was at the end of the block: its clean stop never was."""
    with running(of, place) as box:
        yield box
        shutil.copytree(place.data, place.data.with_name("crashed"))
    shutil.rmtree(place.data)
    place.data.with_name("crashed").rename(place.data)


def test_two_changes_in_one_outage_each_come_before_the_first_batch_of_their_map(
    place: Place, elsewhere: Elsewhere
) -> None:
    with running(elsewhere.of(FORMER), place) as box:
        assert box.sealer.seal_now(20)
        elsewhere.go()
        assert not box.sealer.seal_now(0.5) and not box.sealer.seal_now(0.5)
    for each in (NEXT, FORMER):  # back to the first one, under a third note
        place.bring(*place.approve(elsewhere.of(each)))
        with running(elsewhere.of(each), place) as box:
            post(box, 12.5)
            assert not box.sealer.seal_now(0.5) and not box.sealer.seal_now(0.5)
    elsewhere.come()
    with running(elsewhere.of(FORMER), place) as box:
        assert box.sealer.seal_now(40)
    found = order(elsewhere.log, FORMER, NEXT)
    assert [each for each, before in zip(found, ["", *found], strict=False) if each != before] == [
        "note 1", "gw1 1", "note 2", "gw1 2", "note 1", "gw1 1",
    ]  # fmt: skip


def test_what_the_laboratory_sealed_under_the_former_map_goes_before_the_note(
    place: Place, elsewhere: Elsewhere
) -> None:
    with running(elsewhere.of(FORMER), place) as box:
        assert box.laboratory is not None
        assert box.laboratory.seal(even_nothing=True).fault is None and box.sealer.seal_now(20)
        elsewhere.go()
        for _ in range(2):
            assert box.laboratory.seal(even_nothing=True).waiting
    elsewhere.come()
    with running(elsewhere.of(NEXT), place) as box:
        assert box.laboratory is not None
        assert not box.sealer.seal_now(1), "the laboratory's batches go first"
        wait_until(lambda: "plant note 2 waits: batch 1 of p1.example/lab" in box.sealer.report()["seal"]["log"])
        assert box.laboratory.seal(even_nothing=True).waiting == 0
        assert box.sealer.seal_now(40)
    found = order(elsewhere.log, FORMER, NEXT)
    assert found[:5] == ["note 1", "lab 1", "gw1 1", "lab 1", "lab 1"] and "gw1 1" not in found[found.index("note 2") :]


def test_the_laboratory_does_not_bring_the_note_before_the_readings_of_a_crash(place: Place) -> None:
    with crashing(FORMER, place) as box:
        assert box.sealer.seal_now(20)
        post(box, 12.5)
        assert box.sealer.drain(20)
    with running(NEXT, place) as box:
        assert box.laboratory is not None and box.sealer.sealing is not None
        assert [each for each in order(log_of(box), FORMER, NEXT) if each == "note 2"] == []
        fault = box.laboratory.seal(even_nothing=True).fault
        assert fault is None or "plant note 2 waits: readings of p1.example/gw1" in fault
        assert box.sealer.seal_now(20) and box.laboratory.seal().waiting == 0
        found = order(log_of(box), FORMER, NEXT)
    at = found.index("note 2")
    assert found[:at] == ["note 1", "gw1 1", "gw1 1"] and set(found[at + 1 :]) == {"gw1 2", "lab 2"}


def test_a_batch_that_comes_after_the_note_waits_until_its_map_is_approved_again(
    place: Place, elsewhere: Elsewhere
) -> None:
    with running(elsewhere.of(FORMER), place) as box:
        assert box.sealer.seal_now(20)
        names = place.approve(elsewhere.of(NEXT))
        point_map, plant_file, note = ((place.away / name).read_bytes() for name in names)
        files = {"pointmap": point_map, "plantfile": plant_file}
        elsewhere.log.add_note(note, files=files)  # by another gateway's process
        post(box, 12.5)
        assert not box.sealer.seal_now(1), "signed before this process knew"
        wait_until(lambda: "pointmap-approved" in box.sealer.report()["seal"]["log"])
        place.bring(*names)
        place.bring(*place.approve(elsewhere.of(FORMER)))
        wait_until(lambda: box.sealer.seal_now(1))
    found = order(elsewhere.log, FORMER, NEXT)
    assert found[:4] == ["note 1", "gw1 1", "note 2", "note 1"] and set(found[4:]) == {"gw1 1"}


def test_a_log_takes_no_batch_under_a_map_that_its_notes_do_not_approve(place: Place, elsewhere: Elsewhere) -> None:
    with running(elsewhere.of(FORMER), place) as box:
        assert box.sealer.seal_now(20)
        elsewhere.go()
        assert not box.sealer.seal_now(0.5)
        names = place.approve(elsewhere.of(NEXT))
    point_map, plant_file, note = ((place.away / name).read_bytes() for name in names)
    elsewhere.log.add_note(note, files={"pointmap": point_map, "plantfile": plant_file})
    batch = max((place.data / "seal" / "notes").glob("*.note")).read_bytes()
    with pytest.raises(EvidenceMissing, match=r"pointmap-approved.*plant note 2"):
        elsewhere.log.add_batch(batch, b"")
    assert elsewhere.log.refused.count == 0, "it may come again"


def test_a_process_with_the_new_file_brings_both_notes_in_their_places(place: Place, elsewhere: Elsewhere) -> None:
    with running(elsewhere.of(FORMER), place) as box:
        assert box.sealer.seal_now(20)
        elsewhere.go()
        assert not box.sealer.seal_now(0.5)
        names = place.approve(elsewhere.of(NEXT))
    point_map, plant_file, note = ((place.away / name).read_bytes() for name in names)
    elsewhere.log.add_note(note, files={"pointmap": point_map, "plantfile": plant_file})  # by another gateway's process
    place.bring(*names)
    elsewhere.come()
    with running(elsewhere.of(NEXT), place) as box:
        assert not box.sealer.seal_now(1)
        wait_until(lambda: "pointmap-approved" in box.sealer.report()["seal"]["log"])
        place.bring(*place.approve(elsewhere.of(FORMER)), *place.approve(elsewhere.of(NEXT)))
        wait_until(lambda: box.sealer.seal_now(1))
    found = order(elsewhere.log, FORMER, NEXT)
    assert [each for each, before in zip(found, ["", *found], strict=False) if each != before] == [
        "note 1", "gw1 1", "note 2", "note 1", "gw1 1", "note 2", "gw1 2",
    ]  # fmt: skip


def test_a_new_log_gets_the_first_note_before_a_backlog_though_the_present_file_is_not_approved(
    place: Place, elsewhere: Elsewhere
) -> None:
    elsewhere.go()
    with running(elsewhere.of(FORMER), place) as box:
        assert not box.sealer.seal_now(0.5)
    place.take("approve.key")
    elsewhere.come()
    with running(elsewhere.of(NEXT), place) as box:
        assert box.sealer.sealing is not None and box.sealer.sealing.sender is not None
        assert box.sealer.sealing.sender.wait_for(box.sealer.sealing.chain.seq, timeout_s=20)
    found = order(elsewhere.log, FORMER, NEXT)
    assert found[0] == "note 1" and set(found[1:]) == {"gw1 1"}
