"""A whole plant in one process with its chain of evidence: sealed, logged, witnessed; and without keys (R33-R36)."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import urllib3

from services.log.app import create_log_app
from services.sealer.server import Server
from services.witness.app import create_witness
from tanji.cli.box import Box
from tanji.cli.keys_setup import set_up
from tanji.health.alarms import AlarmCode
from tanji.ledger.samples import Sample, register
from tanji.plant.load import parse
from tanji.plant.model import Plant, WitnessSettings
from tanji.trust.anchor_text import Witness
from tanji.trust.batch import Batch
from tanji.trust.key_folder import KeyFolder
from tanji.trust.keys import COSIGNATURE, VerifierKey
from tanji.trust.log import Log
from tanji.trust.note import split
from tanji.trust.payload import parse_payload
from tanji.trust.signer import Ed25519Signer

MINIMAL = (Path(__file__).parents[1] / "plant" / "golden" / "good" / "minimal.yaml").read_text(encoding="utf-8")
PLANT = parse(MINIMAL.replace("streams:\n", "trust: {origin: p1.example}\nstreams:\n", 1))
WITNESS = Ed25519Signer("institute.example/w1", bytes([9] * 32), COSIGNATURE)
T0 = 1_772_323_200_000


@contextmanager
def witnessed(plant: Plant, folder: Path) -> Iterator[Plant]:
    """The plant with keys in `folder`/data and a witness on loopback."""
    trust = plant.trust
    assert trust is not None
    key = VerifierKey.parse(WITNESS.vkey())
    set_up(trust, plant_id=plant.site.id, data_dir=folder / "data", witnesses=[Witness("institute", key)])
    log = KeyFolder(trust.keys_dir(folder / "data")).key_file("log").read().vkey()
    app = create_witness(folder / "seen", WITNESS, {trust.key_name("log"): log}, clock=lambda: T0)
    server = Server(app, host="127.0.0.1", port=0, max_body=1 << 20)
    server.start()
    settings = WitnessSettings(
        name=key.name, organisation="institute", vkey=key.text, url=f"http://127.0.0.1:{server.address[1]}"
    )
    try:
        yield plant.model_copy(update={"trust": trust.model_copy(update={"witnesses": (settings,)})})
    finally:
        server.stop()


@contextmanager
def opened(plant: Plant, folder: Path) -> Iterator[Box]:
    box = Box(plant, data_dir=folder / "data", clock=lambda: T0 + 30_000)
    try:
        yield box
    finally:
        box.close()


def post(box: Box, *values: float) -> None:
    url = box.start_sealer(host="127.0.0.1", port=0)
    line = "reading,plant=p1,point=kiln1.coal.mass_flow value={},quality=0i {}"
    body = "\n".join(line.format(value, T0 + 1000 * second) for second, value in enumerate(values))
    assert urllib3.request("POST", f"{url}/write?precision=ms", body=body.encode()).status == 204


def batches(box: Box, kind: str) -> list[tuple[Batch, bytes]]:
    assert box.evidence is not None and box.evidence.log is not None
    log = box.evidence.log
    found = [(Batch.parse(split(log.entry(i))[0]), log.payload(i)) for i in log.indexes("tanji/batch/v1")]
    return [(batch, payload) for batch, payload in found if batch.kind == kind]


def test_readings_and_samples_are_sealed_logged_and_witnessed(tmp_path: Path) -> None:
    with witnessed(PLANT, tmp_path) as plant, opened(plant, tmp_path) as box:
        assert box.evidence is not None and box.evidence.faults == []
        post(box, 12.5, 12.625)
        assert box.sealer.seal_now(20)
        ((batch, payload),) = [each for each in batches(box, "regular") if each[0].points]
        assert [line.value for line in parse_payload(payload)] == [12.5, 12.625]
        assert batch.pointmap == box.evidence.files.point_map_digest
        register(box.ledger, [Sample("KC-1", "kiln1.coal", T0)], recorded_at_ms=T0)
        box.jobs.run_once()
        ((_, payload),) = batches(box, "laboratory")
        assert payload == f"sample KC-1 {T0}\n".encode()
        assert box.sealing.keeper is not None and box.sealing.keeper.witness() is not None
        state = box.sealing.state(box.sealer)
        assert state.reason is None and state.entries == state.witnessed_entries
        assert state.witnesses == ("institute.example/w1",) and state.witnessed_ms == T0 // 1000 * 1000


def test_without_a_key_readings_are_kept_an_alarm_is_raised_and_later_they_are_sealed(tmp_path: Path) -> None:
    with witnessed(PLANT, tmp_path) as plant:
        key = tmp_path / "data" / "keys" / "gw1.key"
        key.rename(tmp_path / "gw1.key")
        with opened(plant, tmp_path) as box:
            post(box, 12.5)
            assert box.sealer.drain(20), "acquisition and store go on"
            assert AlarmCode.KEYS_MISSING in {alarm.code for alarm in box.sealer.alarms.active()}
            assert "gw1.key" in str(box.sealing.state(box.sealer).reason)
            assert batches(box, "regular") == []
        (tmp_path / "gw1.key").rename(key)
        with opened(plant, tmp_path) as box:
            assert box.sealer.seal_now(20)
            assert [line.value for _, data in batches(box, "regular") for line in parse_payload(data)] == [12.5]
            assert box.sealing.state(box.sealer).reason is None


def test_a_box_that_was_restored_with_its_log_takes_readings_and_signs_nothing_once_the_witness_has_spoken(
    tmp_path: Path,
) -> None:
    with witnessed(PLANT, tmp_path) as plant:
        with opened(plant, tmp_path) as box:
            post(box, 12.5)
            assert box.sealer.seal_now(20)
        shutil.copytree(tmp_path / "data", tmp_path / "image")
        with opened(plant, tmp_path) as box:
            post(box, 13.5)
            assert box.sealer.seal_now(20)
            assert box.sealing.keeper is not None and box.sealing.keeper.witness() is not None
        shutil.rmtree(tmp_path / "data")
        (tmp_path / "image").rename(tmp_path / "data")
        with opened(plant, tmp_path) as box:
            assert box.sealing.keeper is not None and box.sealing.keeper.witness() is None
            post(box, 14.5)
            assert not box.sealer.seal_now(1) and box.sealer.drain(20)
            assert "contradicts the log" in str(box.sealing.state(box.sealer).reason)
            assert box.laboratory is not None and "contradicts" in str(box.laboratory.seal(even_nothing=True).fault)
            assert [line.value for _, data in batches(box, "regular") for line in parse_payload(data)] == [12.5]


def test_an_unapproved_point_map_is_told_on_healthz_and_seals_nothing(tmp_path: Path) -> None:
    with witnessed(PLANT, tmp_path) as plant:
        (tmp_path / "data" / "keys" / "approve.key").unlink()
        with opened(plant, tmp_path) as box:
            report = box.sealer.report()
            assert "POINTMAP_UNAPPROVED" in {alarm["code"] for alarm in report["alarms"]}
            assert report["seal"]["state"] == "held" and "pointmap-approved" in report["seal"]["reason"]
            assert box.laboratory is not None and "pointmap-approved" in str(box.laboratory.seal().fault)


def test_a_log_service_that_comes_later_gets_the_notes_before_the_batches(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    assert PLANT.trust is not None
    set_up(PLANT.trust, plant_id="p1", data_dir=tmp_path / "data")
    trust = PLANT.trust.model_copy(update={"log_url": f"http://127.0.0.1:{port}"})
    with opened(PLANT.model_copy(update={"trust": trust}), tmp_path) as box:
        assert box.evidence is not None and box.evidence.log is None and box.evidence.faults == []
        post(box, 12.5)
        assert not box.sealer.seal_now(0.5), "the log is away"
        folder = KeyFolder(trust.keys_dir(tmp_path / "data"))
        kept = Log.open(
            tmp_path / "elsewhere", signer=folder.key_file("log").read(), clock=lambda: T0, anchor=folder.anchor()
        )
        server = Server(create_log_app(kept), host="127.0.0.1", port=port, max_body=1 << 20)
        server.start()
        try:
            assert box.sealer.seal_now(40)
            types = [kept.entry(index).split(b"\n")[0] for index in range(3)]
            assert types == [b"tanji/keys/v1", b"tanji/plant/v1", b"tanji/batch/v1"]
        finally:
            server.stop()
            kept.close()


def test_a_plant_without_the_section_runs_as_ever(tmp_path: Path) -> None:
    with opened(parse(MINIMAL), tmp_path) as box:
        assert box.evidence is None and box.laboratory is None
        assert box.sealing.state(box.sealer).reason is not None
        assert not (tmp_path / "data" / "log").exists()


@pytest.mark.parametrize("part", ["gw1", "lab", "log"])
def test_no_private_key_is_in_what_the_process_tells(
    tmp_path: Path, part: str, caplog: pytest.LogCaptureFixture
) -> None:
    with witnessed(PLANT, tmp_path) as plant:
        secret = (tmp_path / "data" / "keys" / f"{part}.key").read_text(encoding="ascii").strip().split("+", 4)[4]
        with opened(plant, tmp_path) as box:
            assert secret not in f"{box.sealer.report()} {box.evidence!r} {box.sealer.metrics.text()} {caplog.text}"
