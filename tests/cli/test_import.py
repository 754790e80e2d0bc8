"""`tanji import`: files into a plant through a real sealer, running or started for it; repeats change nothing."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from services.sealer import create_sealer
from tanji.cli.main import main
from tanji.plant.load import load
from tanji.plant.names import raw_bucket
from tanji.store.embedded import EmbeddedStore

STARTER = "plant1"
COAL, CLINKER = "kiln1.coal.mass_flow", "kiln1.clinker.total"
T0 = 1_772_323_200_000
"""2026-03-01T00:00:00Z, 08:00 in Shanghai."""

LAYOUT = """
imports:
  - id: shift_log
    time: 时间
    delimiter: ";"
    decimal: ","
    missing: [停机]
    columns: {喂煤量: kiln1.coal.mass_flow, 熟料累计: kiln1.clinker.total}
"""


@pytest.fixture
def plant(tmp_path: Path) -> Path:
    """The starter plant with a layout of a logger; its sealer's port is one where nobody listens."""
    path = tmp_path / "plant.yaml"
    assert main(["plant", "init", str(path)]) == 0
    path.write_text(path.read_text("utf-8") + LAYOUT + "services: {sealer_port: 1}\n", encoding="utf-8")
    return path


def run(capsys: pytest.CaptureFixture[str], *words: str | Path) -> tuple[int, dict[str, Any]]:
    """Exit code and JSON of an import."""
    code = main(["import", "--json", *map(str, words)])
    return code, json.loads(capsys.readouterr().out)


def stored(data_dir: Path) -> list[tuple[str, int, float | None, int]]:
    store = EmbeddedStore(data_dir / "tsdb.duckdb")
    try:
        rows = store.read(raw_bucket(STARTER), "reading").to_pylist()
        return sorted((row["point"], row["time"], row["value"], row["quality"]) for row in rows)
    finally:
        store.close()


@contextmanager
def sealer(plant: Path, data_dir: Path) -> Iterator[str]:
    """A sealer that runs for the plant."""
    store = EmbeddedStore(data_dir / "tsdb.duckdb")
    running = create_sealer(load(plant), data_dir=data_dir, store=store, clock=lambda: T0)
    try:
        host, port = running.start("127.0.0.1", 0)
        yield f"http://{host}:{port}"
        assert running.drain(20)
    finally:
        running.stop()
        store.close()


def test_columns_named_as_points_need_no_mapping_and_a_repeat_changes_nothing(
    plant: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, data = tmp_path / "log.csv", tmp_path / "data"
    file.write_text(f"time,{COAL},{CLINKER}\n2026-03-01 08:00,12.5,100\n2026-03-01 08:01,,101\n", encoding="utf-8")
    expected = [(CLINKER, T0, 100.0, 0), (CLINKER, T0 + 60_000, 101.0, 0), (COAL, T0, 12.5, 0)]
    for _ in range(2):
        code, result = run(capsys, file, "--plant", plant, "--data", data)
        assert (code, result["readings"], result["refused"]) == (0, 3, 0)
        assert stored(data) == expected


def test_a_layout_of_the_plant_file_reads_a_chinese_logger_in_gbk(
    plant: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, data = tmp_path / "班报.csv", tmp_path / "data"
    text = "时间;喂煤量;熟料累计\n2026年3月1日 8:00;12,5;100\n2026/3/1 8:01;停机;101\n"
    for body in (text.encode("gbk"), text.encode("utf-8"), text.encode("utf-8-sig"), text.encode("utf-16")):
        file.write_bytes(body)
        code, result = run(capsys, file, "--plant", plant, "--as", "shift_log", "--data", data)
        assert (code, result["readings"], result["files"][0]["empty"]) == (0, 3, 1)
    assert stored(data) == [(CLINKER, T0, 100.0, 0), (CLINKER, T0 + 60_000, 101.0, 0), (COAL, T0, 12.5, 0)]


def test_options_say_what_a_file_does_not(plant: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "log.txt"
    file.write_text("t\tname\tnumber\n01.03.2026 00:00\tfeed\t1,5\n01.03.2026 00:00\tother\t2\n", encoding="utf-8")
    words = ("--time", "t", "--time-format", "%d.%m.%Y %H:%M", "--zone", "UTC", "--decimal", ",", "--point-column",
             "name", "--value-column", "number", "--map", f"feed={COAL}")  # fmt: skip
    code, result = run(capsys, file, "--plant", plant, *words, "--data", tmp_path / "data")
    assert (code, result["readings"], result["refused"]) == (1, 1, 1)
    assert result["files"][0]["findings"][0] == {
        "file": "log.txt",
        "line": 3,
        "key": "name",
        "expected": "a point of the plant file or a name that is mapped to one",
        "got": '"other"',
    }
    assert stored(tmp_path / "data") == [(COAL, T0, 1.5, 0)]


def test_a_dry_run_needs_no_sealer_and_sends_nothing(
    plant: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "log.csv"
    file.write_text(f"time,{COAL}\n2026-03-01 08:00,12.5\n2026-03-01 08:01,x\n", encoding="utf-8")
    code, result = run(capsys, file, "--plant", plant, "--dry-run")
    assert (code, result["dry_run"], result["readings"], result["refused"]) == (1, True, 1, 1)
    assert main(["import", str(file), "--plant", str(plant), "--dry-run"]) == 1
    told = capsys.readouterr().err
    assert "log.csv:3: kiln1.coal.mass_flow: expected a number with . as decimal sign, got" in told
    assert "1 readings would be imported" in told


def test_a_sealer_that_runs_is_used_and_its_data_directory_is_left_alone(
    plant: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, file = tmp_path / "data", tmp_path / "backup.lp.gz"
    lines = b"".join(
        b"reading,plant=plant1,point=kiln1.coal.mass_flow value=%d,quality=0i %d\n" % (n, (T0 + n * 1000) * 1_000_000)
        for n in range(20_000)
    )
    file.write_bytes(gzip.compress(lines + b"reading,plant=plant1,point=nobody value=1 1772323200000000000\n"))
    data.mkdir()
    with sealer(plant, data) as url:
        code, result = run(capsys, file, "--plant", plant, "--sealer", url)
    assert (code, result["readings"], result["refused"]) == (1, 20_000, 1)
    assert result["files"][0]["findings"][0]["line"] == 20_001
    found = stored(data)
    assert len(found) == 20_000 and found[17] == (COAL, T0 + 17_000, 17.0, 0)


def test_the_first_value_stands_and_another_one_is_parked(
    plant: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, data = tmp_path / "log.csv", tmp_path / "data"
    for value in (1, 2):
        file.write_text(f"time,{COAL}\n2026-03-01 08:00,{value}\n", encoding="utf-8")
        code, result = run(capsys, file, "--plant", plant, "--data", data)
        assert (code, result["conflicting"]) == (0, value - 1)
    assert stored(data) == [(COAL, T0, 1.0, 0)]


def test_series_of_another_database_are_mapped(plant: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "telegraf.line"
    file.write_text("modbus,slave=1,host=x flow=2.5 1772323200000\ncpu,host=x idle=1 1772323200000\n", encoding="utf-8")
    mapped = ("--map", f"modbus,host=x,slave=1 flow={COAL}", "--precision", "ms", "--data", tmp_path / "data")
    code, result = run(capsys, file, "--plant", plant, *mapped)
    assert (code, result["readings"]) == (0, 1)
    assert stored(tmp_path / "data") == [(COAL, T0, 2.5, 0)]


def test_a_gzip_file_that_was_cut_off_is_told_and_what_was_whole_is_in(
    plant: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "log.csv.gz"
    rows = "".join(f"2026-03-01 {8 + n // 60:02d}:{n % 60:02d},{n}\n" for n in range(600))
    file.write_bytes(gzip.compress(f"time,{COAL}\n{rows}".encode(), mtime=0)[:-9])
    code, result = run(capsys, file, "--plant", plant, "--dry-run")
    assert code == 1
    assert [finding["key"] for finding in result["files"][0]["findings"]] == ["file"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--as", "shift"), "--as: expected a layout of the plant file, shift_log (did you mean shift_log?), got "),
        (("--map", "喂煤量"), "--map: expected COLUMN=POINT, got 喂煤量"),
        (("--map", "喂煤量=kiln1.coal"), "--map: expected a point of the plant file"),
        (("--value-column", "v"), "--point-column and --value-column: expected both"),
        (("--zone", "Asia/Wuhan", "--map", f"a={COAL}"), "--zone: expected a time zone like Asia/Shanghai"),
        ((), "expected columns named as points, or --map COLUMN=POINT, got a, b"),
    ],
)
def test_what_is_asked_for_and_does_not_exist_is_an_error_of_usage(
    plant: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], message: str
) -> None:
    file = tmp_path / "log.csv"
    file.write_text("a,b\n1,2\n", encoding="utf-8")
    assert main(["import", str(file), "--plant", str(plant), "--dry-run", *words]) == 2
    assert message in capsys.readouterr().err


def test_without_a_sealer_and_without_a_data_directory_nothing_is_done(
    plant: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "log.csv"
    file.write_text(f"time,{COAL}\n2026-03-01 08:00,1\n", encoding="utf-8")
    assert main(["import", str(file), "--plant", str(plant)]) == 2
    assert "expected a sealer that runs (tanji run, tanji seal), or --data DIR" in capsys.readouterr().err
    assert main(["import", str(tmp_path / "no.csv"), "--plant", str(plant)]) == 2
    assert "no such file" in capsys.readouterr().err
    (tmp_path / "log.xyz").write_text("")
    assert main(["import", str(tmp_path / "log.xyz"), "--plant", str(plant), "--dry-run"]) == 2
    assert "or --format" in capsys.readouterr().err
