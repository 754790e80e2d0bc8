"""`tanji seal`, `poll`, `jobs`, `ledger`: the parts of the container set-up, each as a process."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import urllib3

from tanji.store.embedded import EmbeddedStore

from .conftest import SAMPLE, Call

STOP_S = 15.0
HEADER = "sample_id,stream,parameter,value,unit,basis,valid_from,valid_to,laboratory,method\n"
GOOD = "KC-1,line1.kiln_coal,net_calorific_value,23105,kJ/kg,as_received,2026-10-18,2026-10-18,厂化验室,GB/T 213\n"
BAD = "KC-2,line1.kiln_coal,net_calorific_value,many,kJ/kg,as_received,2026-10-19,2026-10-19,厂化验室,GB/T 213\n"
READINGS = b"reading,plant=demo,point=line1.kiln_coal.mass_flow value=11.5,quality=0i 1792339200000"


def stop(process: Any) -> None:
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=STOP_S) == 0


def test_the_sealer_alone_takes_readings_and_keeps_them(
    start: Callable[..., Any], tanji: Call, plant_file: Path, tmp_path: Path
) -> None:
    with start("seal", "--plant", plant_file, "--data", tmp_path / "data") as (process, said):
        assert said["plant"] == "demo"
        assert urllib3.request("POST", f"{said['sealer']}/write?precision=ms", body=READINGS).status == 204
        second = tanji("seal", "--plant", plant_file, "--data", tmp_path / "data")
        assert second.returncode == 2 and f"pid {process.pid}" in second.stderr
        stop(process)
    with start("seal", "--plant", plant_file, "--data", tmp_path / "data") as (
        process,
        _,
    ):  # what was left is forwarded
        stop(process)
    done = tanji("jobs", "--plant", plant_file, "--data", tmp_path / "data", "--once", "--json")
    assert done.returncode == 0 and json.loads(done.stdout)["hours"] >= 1
    store = EmbeddedStore(tmp_path / "data" / "tsdb.duckdb")
    assert store.count("demo_raw", "reading") == 1
    store.close()


def test_pollers_without_a_sealer_wait_and_stop_when_told(start: Callable[..., Any], plant_file: Path) -> None:
    with start("poll", "--plant", plant_file, "--sealer", "http://127.0.0.1:9") as (process, said):
        assert said == {"plant": "demo", "sealer": "http://127.0.0.1:9", "points": 138}
        stop(process)


def test_jobs_with_nothing_to_do_say_so(tanji: Call, plant_file: Path) -> None:
    done = tanji("jobs", "--plant", plant_file, "--once")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "nothing to compute: no closed hour has new data\n"


def test_jobs_name_the_rows_of_the_drop_folder_they_refused(tanji: Call, plant_file: Path, tmp_path: Path) -> None:
    drop = tmp_path / "data" / "drop"
    drop.mkdir(parents=True)
    (drop / "results.csv").write_text(HEADER + GOOD + BAD, encoding="utf-8")
    done = tanji("jobs", "--plant", plant_file, "--once")
    assert done.returncode == 1 and "1 new, 1 refused" in done.stdout
    assert "results.csv:3: value: expected" in done.stderr


def test_an_import_names_its_ledger_and_what_it_refused(tanji: Call, plant_file: Path, tmp_path: Path) -> None:
    (tmp_path / "results.csv").write_text(HEADER + GOOD, encoding="utf-8")
    words = ("ledger", "import", "results.csv", "--plant", plant_file, "--data", "data")
    first, again = tanji(*words), tanji(*words)
    assert (first.returncode, again.returncode) == (0, 0)
    assert first.stdout == "results.csv -> data/ledger.sqlite: 1 new, 0 known, 0 corrected, 0 refused\n"
    assert "0 new, 1 known" in again.stdout
    (tmp_path / "results.csv").write_text(HEADER + GOOD + BAD, encoding="utf-8")
    refused = tanji(*words, "--json")
    told = json.loads(refused.stdout)
    assert refused.returncode == 1 and told["repeated"] == 1 and told["findings"][0]["line"] == 3
    assert "results.csv:3: value: expected" in refused.stderr


def test_the_pages_alone_answer(start: Callable[..., Any], plant_file: Path, tmp_path: Path) -> None:
    with start("ledger", "serve", "--plant", plant_file, "--data", tmp_path / "data") as (process, said):
        assert urllib3.request("GET", f"{said['pages']}healthz").status == 200
        stop(process)


@pytest.mark.parametrize("words", [("jobs", "--once"), ("ledger", "serve")])
def test_the_embedded_store_has_one_owner(
    start: Callable[..., Any], tanji: Call, plant_file: Path, words: tuple[str, ...]
) -> None:
    with start("run", "--plant", plant_file, "--data", "data") as (process, _):
        done = tanji(*words, "--plant", plant_file, "--data", "data")
        assert done.returncode == 2 and "Traceback" not in done.stderr
        assert "tsdb.duckdb" in done.stderr
        stop(process)


def test_pollers_that_cannot_read_the_sealers_token_say_so_at_once(tanji: Call, tmp_path: Path) -> None:
    plant = tmp_path / "plant.yaml"
    text = SAMPLE.read_text(encoding="utf-8")
    sealer = "services:\n  sealer: {token_file: /no/where/token}\n"
    plant.write_text(text.replace("services:\n", sealer), encoding="utf-8")
    done = tanji("poll", "--plant", plant)
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert "services.sealer.token_file /no/where/token: cannot be read" in done.stderr
