"""The `tanji` command as people run it: as a process, with its exit codes and what it says (DESIGN section 5)."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tanji.cli.main import VERBS
from tanji.plant.names import raw_bucket
from tanji.store.embedded import EmbeddedStore

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "provisioning" / "plants" / "demo.yaml"
LIMIT_S = 60.0


def tanji(*words: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run one command to its end."""
    command = [sys.executable, "-m", "tanji", *map(str, words)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=LIMIT_S)


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answer(url: str) -> str:
    """Body of a page that must answer 200."""
    with urllib.request.urlopen(url, timeout=LIMIT_S) as response:
        assert response.status == 200
        return str(response.read().decode())


@pytest.fixture
def plant_file(tmp_path: Path) -> Path:
    """The demo plant with every address on a free port of this machine."""
    text = DEMO.read_text(encoding="utf-8")
    text = re.sub(r"(?<=port: )\d{4,5}", lambda _: str(free_port()), text)
    text = re.sub(r"opc\.tcp://127\.0\.0\.1:\d+", lambda _: f"opc.tcp://127.0.0.1:{free_port()}", text)
    file = tmp_path / "plant.yaml"
    file.write_text(text, encoding="utf-8")
    return file


@pytest.fixture
def simulator(plant_file: Path) -> Iterator[None]:
    """The plant's devices, answering."""
    command = [sys.executable, "-m", "services.simulator", "serve", f"--plant={plant_file}"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert json.loads(process.stdout.readline())["ready"]
    yield
    process.terminate()
    process.wait(LIMIT_S)
    process.stdout.close()


def test_run_reads_the_plant_shows_its_pages_and_leaves_everything_in_the_store(
    plant_file: Path, simulator: None, tmp_path: Path
) -> None:
    """R54: one box, no server. After SIGTERM every acknowledged reading is in the store."""
    data = tmp_path / "data"
    command = [sys.executable, "-m", "tanji", "run", f"--plant={plant_file}", f"--data={data}", "--port=0", "--json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stderr is not None
    try:
        where: dict[str, Any] = json.loads(process.stdout.readline())
        second = tanji("run", "--plant", plant_file, "--data", data, cwd=tmp_path)
        assert second.returncode == 2 and "in use by another tanji process" in second.stderr
        end = time.monotonic() + LIMIT_S
        while json.loads(answer(f"{where['sealer']}/healthz"))["counters"]["forwarded"] < 500:
            assert time.monotonic() < end, answer(f"{where['sealer']}/healthz")
            time.sleep(0.2)
        assert "熟料" in answer(where["pages"])
        answer(f"{where['pages']}healthz")
        asked = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(LIMIT_S) == 0
        assert time.monotonic() - asked < 20
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        process.stderr.close()
    store = EmbeddedStore(data / "tsdb.duckdb")
    try:
        assert store.count(raw_bucket("demo"), "reading") >= 500
    finally:
        store.close()


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_explains_itself_with_an_example(verb: str, tmp_path: Path) -> None:
    done = tanji(verb, "--help", cwd=tmp_path)
    assert done.returncode == 0
    assert f"tanji {verb}" in done.stdout and "example" in done.stdout


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("run", "--plant", "nowhere.yaml"), "nowhere.yaml"),
        (("seal", "--plant", "."), "."),
        (("bench", "nothing"), "no benchmark 'nothing'"),
        (("demo", "--days", "0"), "--days"),
        (("nonsense",), "nonsense"),
        (("run",), "--plant"),
    ],
)
def test_a_misuse_is_a_line_and_exit_code_2(words: tuple[str, ...], says: str, tmp_path: Path) -> None:
    done = tanji(*words, cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_jobs_once_on_an_empty_plant_say_that_there_is_nothing_to_compute(plant_file: Path, tmp_path: Path) -> None:
    done = tanji("jobs", "--plant", plant_file, "--data", tmp_path / "data", "--once", cwd=tmp_path)
    assert done.returncode == 0
    told = [line.split(" alarm ")[1].split()[0] for line in done.stderr.splitlines()]
    assert set(told) == {"KEYS_MISSING", "POINTMAP_UNAPPROVED"}, "the plant file asks for sealing, and there is no key"
    assert "nothing to compute" in done.stdout


def test_a_refused_laboratory_row_is_named_with_its_line_and_exit_code_1(plant_file: Path, tmp_path: Path) -> None:
    sheet = tmp_path / "results.csv"
    columns = "sample_id,stream,parameter,value,unit,basis,valid_from,valid_to,laboratory,method"
    good = "S1,line1.kiln_coal,net_calorific_value,23.2,GJ/t,as_received,2026-10-01,2026-10-01,lab,GB/T 213"
    bad = "S2,line1.kiln_coal,net_calorific_value,much,GJ/t,as_received,2026-10-02,2026-10-02,lab,GB/T 213"
    sheet.write_text("\n".join([columns, good, bad]) + "\n", encoding="utf-8")
    words = ("ledger", "import", sheet, "--plant", plant_file, "--data", tmp_path / "data")
    done = tanji(*words, cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr == "results.csv:3: value: expected a number, got much\n"
    assert "1 new" in done.stdout
    again = tanji(*words, cwd=tmp_path)
    assert "0 new, 1 known" in again.stdout
