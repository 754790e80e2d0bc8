"""`tanji audit`: compare and repair from the command line, on the embedded store and on InfluxDB 1.6.7 (R35)."""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from calc_jobs.jobs import Jobs
from calc_jobs.nightly_audit import NightlyAudit
from calc_jobs.schedule import Schedule
from calc_jobs.sealed_readings import standing
from tanji.cli.auditing import sealed_log
from tanji.cli.clock import now_ms
from tanji.cli.main import main
from tanji.cli.stores import open_ledger
from tanji.ledger.audit_trail import TrailKind, entries
from tanji.plant.load import load
from tanji.store.embedded import EmbeddedStore
from tanji.store.influx import InfluxStore
from tanji.store.port import Store

from ..calc_jobs.conftest import PLANT
from ..calc_jobs.sealed_plant import MINUTE, START, SealedPlant

_numbers = itertools.count()
MINUTES = 30


class Place:
    """A plant file and a data directory with ledger, log and store, and the command on them."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str], *, url: str | None) -> None:
        self.site = f"c{os.getpid()}_{next(_numbers)}"
        self.data = folder / "data"
        self.url = url
        self._capsys = capsys
        self.plant = folder / "plant.yaml"
        text = PLANT.replace("site: {id: hx,", f"site: {{id: {self.site},", 1)
        store = f"services: {{store: {{kind: influx, url: '{url}'}}}}\n" if url else ""
        self.plant.write_text(text + store, encoding="utf-8")
        open_ledger(self.data).close()
        evidence = SealedPlant()
        for minute in range(MINUTES):
            evidence.minute([f"coal {START + minute * MINUTE} {minute}.5 0", f"co2 {START + minute * MINUTE} 20.25 0"])
        for _ in range(3):
            evidence.minute()
        evidence.write_log(self.data / "log")
        self.put(standing([evidence.payload(index) for index in sorted(evidence.payloads)], plant_id=self.site))

    def store(self) -> Store:
        if self.url is None:
            return EmbeddedStore(self.data / "tsdb.duckdb")
        store = InfluxStore(self.url)
        for kind in ("raw", "derived"):
            store.ensure_bucket(f"{self.site}_{kind}")
        return store

    def put(self, rows: pa.Table) -> None:
        store = self.store()
        store.write(f"{self.site}_raw", "reading", rows)
        store.close()

    def alter(self, point: str, minute: int, value: float, quality: int = 0) -> None:
        row = {"time": START + minute * MINUTE, "plant": self.site, "point": point, "value": value, "quality": quality}
        self.put(pa.Table.from_pylist([row]))

    def run(self, *words: str) -> tuple[int, str, str]:
        wait = [] if "--wait" in words else ["--wait", "0"]
        code = main(["audit", *words, "--plant", str(self.plant), "--data", str(self.data), *wait])
        said = self._capsys.readouterr()
        return code, said.out, said.err

    def trail(self) -> list[tuple[TrailKind, str]]:
        ledger = open_ledger(self.data)
        found = [(row.kind, row.actor) for row in entries(ledger)]
        ledger.close()
        return found


@pytest.fixture(params=["embedded", "influx1"])
def place(request: pytest.FixtureRequest, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Place]:
    yield Place(tmp_path, capsys, url=request.getfixturevalue("influx_url") if request.param == "influx1" else None)


@pytest.fixture
def embedded(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Place:
    return Place(tmp_path, capsys, url=None)


def test_a_true_copy_is_0_and_says_what_was_not_compared(place: Place) -> None:
    code, out, err = place.run("run", "--all")
    first, last = out.splitlines()
    assert (code, err) == (0, "")
    assert first == (
        "60 sealed readings, 2026-03-01 07:58:00 to 2026-03-01 08:31:00, log of 34 entries: no difference"
    )  # 120 s before the first minute, to 120 s before the end of the last, Asia/Shanghai
    assert last.startswith("not compared: flags, activity, emissions and every other derived figure")
    assert place.trail() == [(TrailKind.AUDIT, "tanji audit")]


def test_differences_are_1_told_with_both_readings_and_repaired(place: Place) -> None:
    place.alter("coal", 3, 9.75)
    place.alter("co2", 5, 20.25, 8)
    place.alter("ghost", 7, 1.0)
    code, out, _ = place.run("run")
    assert code == 1
    assert out.splitlines()[0].endswith("log of 34 entries: 1 changed, 1 quality, 1 added")
    assert "changed  coal: 1 rows, 2026-03-01 08:03:00 to 2026-03-01 08:03:00" in out
    assert "  changed  coal 2026-03-01 08:03:00: sealed 3.5 0, stored 9.75 0\n" in out
    assert "  quality  co2 2026-03-01 08:05:00: sealed 20.25 0, stored 20.25 8\n" in out
    assert "  added    ghost 2026-03-01 08:07:00: sealed no row, stored 1.0 0\n" in out
    assert place.run("run", "--last")[:2] == (1, out)
    code, out, _ = place.run("repair", "--by", "Li", "--reason", "token was stolen")
    assert code == 0
    assert out.startswith("1 changed, 1 quality, 1 added; restored: 2 rows written, 1 deleted;")
    assert "no difference" in out
    assert place.run("run")[0] == 0
    assert (TrailKind.REPAIR, "Li") in place.trail()
    assert place.run("repair", "--by", "Li")[1].startswith("nothing to repair\n")


def test_a_machine_reads_the_same(place: Place) -> None:
    place.alter("coal", 3, 9.75)
    code, out, _ = place.run("run", "--json", "--from", "2026-03-01T08:00", "--to", "2026-03-01T08:05")
    facts: dict[str, Any] = json.loads(out)
    assert code == 1
    assert (facts["start_ms"], facts["end_ms"]) == (START, START + 5 * MINUTE)
    assert facts["counts"] == {"changed": 1, "quality": 0, "missing": 0, "added": 0}
    assert facts["listed"] == [
        {"point": "coal", "time_ms": START + 3 * MINUTE, "kind": "changed", "sealed": "3.5 0", "stored": "9.75 0"}
    ]
    mended = json.loads(place.run("repair", "--json", "--by", "Li")[1])
    assert (mended["written"], mended["left"]["differences"]) == (1, 0)


def test_a_period_of_which_nothing_can_be_judged_yet_says_so(embedded: Place) -> None:
    code, out, _ = embedded.run("run", "--from", "2026-03-01T09:00", "--to", "2026-03-01T10:00")
    assert code == 0
    assert out.startswith("nothing to compare: demo.example/gw1 has sealed until 2026-03-01 08:31:00")


def test_a_sealed_file_that_was_changed_is_1_and_names_the_rule(embedded: Place) -> None:
    payload = sorted((embedded.data / "log" / "payload").iterdir())[4]
    payload.write_bytes(payload.read_bytes().replace(b"20.25", b"20.75"))
    code, out, err = embedded.run("run")
    assert (code, out) == (1, "")
    assert "payload-root" in err
    assert embedded.trail() == [(TrailKind.AUDIT_FAILED, "tanji audit")]


def test_a_sealed_file_that_is_gone_is_3(embedded: Place) -> None:
    sorted((embedded.data / "log" / "payload").iterdir())[4].unlink()
    code, _, err = embedded.run("repair", "--by", "Li")
    assert code == 3 and "payload-missing" in err


def test_a_plant_that_has_sealed_nothing_is_3(embedded: Place, tmp_path: Path) -> None:
    code, _, err = embedded.run("run", "--log", str(tmp_path / "nothing"))
    assert code == 3 and "expected a batch of readings, got none" in err
    assert embedded.run("run", "--last")[0] == 3


def test_usage_errors_are_2(embedded: Place, tmp_path: Path) -> None:
    assert embedded.run("run", "--from", "2026-03-02", "--to", "2026-03-01")[0] == 2
    assert main(["audit", "run", "--plant", str(embedded.plant), "--data", str(tmp_path / "other")]) == 2
    with pytest.raises(SystemExit, match="2"):
        embedded.run("repair")
    with pytest.raises(SystemExit, match="2"):
        embedded.run("repair", "--by", " ")


@contextmanager
def running(place: Place) -> Iterator[None]:
    """The process that has the store open, as `tanji run` is one."""
    plant, store, ledger = load(place.plant), place.store(), open_ledger(place.data)
    nightly = NightlyAudit(plant, store=store, sealed=sealed_log(place.data), ledger=ledger, clock=now_ms, settle_s=0.0)
    with pytest.MonkeyPatch.context() as patch:  # both look as often as a test can wait
        patch.setattr("calc_jobs.schedule.ASKED_S", 0.1)
        patch.setattr("tanji.cli.audit.LOOK_S", 0.05)
        schedule = Schedule(Jobs(plant, store=store, ledger=ledger, clock=now_ms), audit=nightly)
        schedule.start()
        try:
            yield
        finally:
            assert schedule.stop()
            ledger.close()
            store.close()


def test_the_process_that_has_the_store_open_is_asked_and_answers(embedded: Place) -> None:
    embedded.alter("coal", 3, 9.75)
    with running(embedded):
        code, out, err = embedded.run("run", "--wait", "60")
        assert (code, "is asked to do it" in err) == (1, True)
        assert "  changed  coal 2026-03-01 08:03:00: sealed 3.5 0, stored 9.75 0\n" in out
        code, out, _ = embedded.run("repair", "--by", "Li", "--wait", "60")
        assert code == 0 and out.startswith("1 changed; restored: 1 rows written, 0 deleted;")
        assert embedded.run("run", "--wait", "60")[0] == 0
    assert embedded.run("run")[0] == 0
    assert [kind for kind, _ in embedded.trail()].count(TrailKind.ASKED) == 3


def test_an_answer_without_a_result_is_told_too(embedded: Place) -> None:
    path = sorted((embedded.data / "log" / "payload").iterdir())[4]
    whole = path.read_bytes()
    with running(embedded):
        path.write_bytes(whole.replace(b"20.25", b"20.75"))
        code, _, err = embedded.run("run", "--wait", "60")
        assert code == 1 and "payload-root" in err
        path.unlink()
        code, _, err = embedded.run("repair", "--by", "Li", "--wait", "60")
        assert code == 3 and "payload-missing" in err


def test_a_process_that_does_not_answer_is_3(embedded: Place) -> None:
    store = embedded.store()
    code, out, err = embedded.run("run")
    store.close()
    assert (code, out) == (3, "") and "got none" in err


def test_a_database_that_is_away_is_3(tmp_path: Path, capsys: pytest.CaptureFixture[str], embedded: Place) -> None:
    text = embedded.plant.read_text(encoding="utf-8")
    embedded.plant.write_text(text + "services: {store: {kind: influx, url: 'http://127.0.0.1:9'}}\n", encoding="utf-8")
    assert embedded.run("run")[0] == 3
