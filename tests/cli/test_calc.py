"""`tanji calc`: a period computed again, a figure explained, on either store, for a person and for a machine."""

from __future__ import annotations

import json
import os
import pty
import subprocess
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from services.simulator.history import history
from services.simulator.laboratory import laboratory_csv
from services.simulator.scenario import demo_scenario
from tanji.cli.main import main
from tanji.cli.stores import open_ledger
from tanji.ledger.laboratory_csv import import_file
from tanji.plant.load import load
from tanji.plant.model import Plant
from tanji.store.embedded import EmbeddedStore
from tanji.store.influx import InfluxStore
from tanji.store.port import Store

from .conftest import COMMAND, SAMPLE

START, HOUR, HOURS = 1_772_294_400_000, 3_600_000, 6  # 2026-03-01 00:00 in Asia/Shanghai
TIME = "2026-03-01T03:00"


def fill(plant: Plant, store: Store, folder: Path) -> None:
    """Six hours of the demo plant, as the sealer would have brought them in."""
    end_ms = START + HOURS * HOUR
    scenario = demo_scenario(start_ms=START, end_ms=end_ms)
    (folder / "laboratory.csv").write_text(laboratory_csv(scenario), encoding="utf-8")
    ledger = open_ledger(folder)
    import_file(folder / "laboratory.csv", ledger=ledger, plant=plant, now_ms=end_ms)
    ledger.close()
    for table in history(plant, scenario, START, end_ms):
        tag = pa.array([plant.site.id] * table.num_rows)
        store.write(f"{plant.site.id}_raw", "reading", table.append_column("plant", tag))
    hours = np.arange(START, end_ms, HOUR)
    arrival = {"time": hours, "plant": [plant.site.id] * HOURS, "hour_ms": hours, "count": [60] * HOURS}
    store.write(f"{plant.site.id}_raw", "arrival", pa.table(arrival))
    store.close()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Plant and data directory with six computed hours on the embedded store."""
    folder = tmp_path_factory.mktemp("calc")
    data = folder / "data"
    data.mkdir()
    fill(load(SAMPLE), EmbeddedStore(data / "tsdb.duckdb"), data)
    place = ["--plant", str(SAMPLE), "--data", str(data)]
    assert main(["jobs", "--once", *place]) == 0
    return place


def test_recomputing_what_did_not_change_makes_no_revision(
    place: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["calc", "recompute", *place, "--from", "2026-03-01", "--to", "2026-03-01T04:00", "--json"]) == 0
    out, err = capsys.readouterr()
    report = json.loads(out)
    assert (report["hours"], report["first_ms"], report["end_ms"]) == (4, START, START + 4 * HOUR)
    assert report["emission_rows"] == report["activity_rows"] == report["flags"] == 0
    assert err == ""  # no progress bar in a pipe


def test_the_plant_file_may_be_the_first_word_and_the_period_everything(
    place: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["calc", "recompute", place[1], *place[2:]]) == 0
    assert capsys.readouterr().out.startswith("6 h computed, 2026-02-28 16:00 to 2026-02-28 22:00 UTC")


def test_a_bar_is_shown_on_a_terminal_alone(place: list[str]) -> None:
    here, there = pty.openpty()
    command = [*COMMAND, "calc", "recompute", *place]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=there, timeout=120, check=True)
    os.close(there)
    shown = os.read(here, 65536).decode()
    os.close(here)
    assert "hours" in shown and "6/6" in shown and b"6/6" not in done.stdout


def test_a_figure_is_explained_down_to_readings(place: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    words = ["calc", "explain", TIME, "fossil_fuel", *place]
    narrow = ["--stream", "line1.calciner_coal", "--ruleset", "cets_ag_02_01", "--boundary", "clinker"]
    assert main([*words, *narrow]) == 0
    text = capsys.readouterr().out
    for said in (
        "fossil_fuel  Fossil fuel combustion  化石燃料燃烧",
        "2026-03-01 03:00, 1 h (2026-02-28 19:00 UTC)",
        "Clinker production 熟料生产边界: counted 计入",
        "E = FC × NCV × CC × OF × 44/12",
        "agrees with the stored figure 与存储值一致",
        "clause 条款: CETS-AG-02.01-V01-2024",
        "[C] unverified 未核实",
        "sample 样品 calciner-coal-20260301",
        "calciner_coal_scale calciner coal rotor scale 分解炉煤粉转子秤, class 0.5",
        "60 readings, 60 usable",
        "1  ",
        "first; substituted 0 %",
    ):
        assert said in text, said
    assert "figures; narrow with" not in text


def test_several_figures_are_all_shown_and_how_to_narrow_is_said(
    place: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["calc", "explain", place[1], TIME, "process_clinker", *place[2:]]) == 0
    text = capsys.readouterr().out
    assert text.count("process_clinker  Clinker process emission") == 2
    assert "2 figures; narrow with --stream, --boundary or --ruleset" in text


def test_a_machine_gets_the_same_as_json(place: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["calc", "explain", TIME, "net_electricity", "--json", *place]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {(one["tags"]["stream"], one["tags"]["ruleset"]) for one in found} >= {
        ("site.purchased_electricity", "gbt32151_8"),
        ("site.purchased_electricity", "cets_ag_02_01"),
    }
    for one in found:
        assert one["agrees"] and one["revisions"][0]["reason"] == "first" and one["steps"][0]["clause"]
        assert one["figure"]["inputs"] == one["revisions"][-1]["inputs"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["explain", TIME, "coal"], "ITEM: expected one of fossil_fuel, alternative_fuel"),
        (["explain", "2026-13-01", "fossil_fuel"], "TIME: expected a time such as 2026-03-01"),
        (
            ["explain", "2020-03-01T00:00", "fossil_fuel"],
            "expected an hour with figures, from 2026-03-01 00:00 +0800 to",
        ),
        (["explain", TIME, "net_heat"], "no figure of item net_heat at 2026-03-01 03:00 +0800; there are: alternative"),
        (["explain", TIME, "fossil_fuel", "--stream", "nothing"], "--stream: expected one of line1.kiln_coal"),
        (["explain", TIME, "fossil_fuel", "--boundary", "kiln"], "--boundary: expected one of clinker, enterprise"),
        (["explain", TIME, "fossil_fuel", "--ruleset", "eu"], "--ruleset: expected one of gbt32151_8, cets_ag_02_01"),
        (["explain", "fossil_fuel"], "expected PLANT TIME ITEM, got fossil_fuel"),
        (["recompute", "--from", "2026-03-02", "--to", "2026-03-01"], "expected a period, got none"),
        (["recompute", "--from", "2027-01-01"], "expected a period with computed hours, which are from 2026-03-01"),
        (["recompute", "other.yaml"], "expected PLANT, got other.yaml"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_mistake_is_one_line_and_exit_code_2(
    place: list[str], words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["calc", *words, *place]) == 2
    out, err = capsys.readouterr()
    assert out == "" and said in err and err.count("\n") == 1


def test_without_any_hour_it_is_said_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    open_ledger(tmp_path).close()
    assert main(["calc", "recompute", str(SAMPLE), "--data", str(tmp_path)]) == 2
    assert "none yet: run tanji jobs --once" in capsys.readouterr().err


def test_a_misspelt_data_directory_is_named_and_not_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["calc", "recompute", str(SAMPLE), "--data", str(tmp_path / "dta")]) == 2
    assert "--data: expected the data directory of the plant, got" in capsys.readouterr().err
    assert not (tmp_path / "dta").exists()


def test_a_server_store_answers_the_same(
    place: list[str], influx_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plant_file = tmp_path / "plant.yaml"
    text = (
        SAMPLE.read_text(encoding="utf-8").replace("id: demo,", "id: calc,", 1).replace("id: demo\n", "id: calc\n", 1)
    )
    plant_file.write_text(text.replace("store: {kind: embedded}", f"store: {{kind: influx, url: '{influx_url}'}}"))
    plant = load(plant_file)
    assert plant.site.id == "calc" and plant.services.store.kind == "influx"
    store = InfluxStore(influx_url)
    for bucket in ("calc_raw", "calc_derived"):
        store.ensure_bucket(bucket)
    fill(plant, store, tmp_path)
    theirs = ["--plant", str(plant_file), "--data", str(tmp_path)]
    assert main(["jobs", "--once", *theirs]) == 0
    capsys.readouterr()
    assert main(["calc", "recompute", *theirs, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["hours"] == HOURS and report["emission_rows"] == 0
    answers = []
    for where in (place, theirs):
        assert main(["calc", "explain", TIME, "flue_gas", "--json", *where]) == 0
        found = json.loads(capsys.readouterr().out)
        answers.append([{**one, "tags": {**one["tags"], "plant": ""}} for one in found])
    assert answers[0] == answers[1]
