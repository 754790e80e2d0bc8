"""Sealer and log as two processes: the keyring is signed at night, and nobody has to start anything again (R33)."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import urllib3

from tanji.cli.keys_setup import set_up
from tanji.plant.load import parse
from tanji.trust.key_folder import KeyFolder
from tanji.trust.log_client import LogClient
from tanji.trust.log_reader import LogReader
from tanji.trust.payload import parse_payload
from tanji.trust.signer import SigningKeyFile

MINIMAL = (Path(__file__).parents[1] / "plant" / "golden" / "good" / "minimal.yaml").read_text(encoding="utf-8")
GATEWAY = "p1.example/gw1"
PATIENCE_S = 60.0


def plant_file(path: Path, **trust: str) -> Path:
    """A plant that seals; `trust` is the rest of that section."""
    section = json.dumps({"origin": "p1.example"} | trust)
    path.write_text(MINIMAL.replace("streams:\n", f"trust: {section}\nstreams:\n", 1), encoding="utf-8")
    return path


@contextmanager
def process(*words: str | Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """A process and the address it announces; it ends cleanly."""
    command = [sys.executable, "-m", *map(str, words), "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as started:
        assert started.stderr is not None
        try:
            line = next(line for line in started.stderr if "http://" in line)
            yield "http://" + line.split("http://")[1].split("/")[0].strip(), started
        finally:
            started.send_signal(signal.SIGTERM)
            started.stderr.read()
            assert started.wait(PATIENCE_S) == 0


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)


def test_readings_that_waited_for_a_keyring_are_sealed_by_the_process_that_took_them(tmp_path: Path) -> None:
    own, plain = tmp_path / "sealer", plant_file(tmp_path / "log.yaml")
    trust = parse(plain.read_text(encoding="utf-8")).trust
    assert trust is not None
    set_up(trust, plant_id="p1", data_dir=own)
    keys, keyring = KeyFolder(trust.keys_dir(own)), own / "keys" / "keyring-1.note"
    note = keyring.read_bytes()
    keyring.unlink()
    (tmp_path / "log" / "keys").mkdir(parents=True)
    SigningKeyFile(tmp_path / "log" / "keys" / "log.key").write(keys.key_file("log").read())
    (tmp_path / "log" / "keys" / "anchor").write_bytes(keys.anchor_file.read_bytes())

    with process("services.log", "--plant", plain, "--data", tmp_path / "log") as (log_url, _):
        plant = plant_file(tmp_path / "plant.yaml", log_url=log_url)
        with process("tanji", "seal", "--plant", plant, "--data", own) as (url, _):

            def seal_state() -> str:
                return str(json.loads(urllib3.request("GET", f"{url}/healthz").data)["seal"]["state"])

            body = f"reading,plant=p1,point=kiln1.coal.mass_flow value=12.5,quality=0i {time.time_ns() // 1_000_000}"
            assert urllib3.request("POST", f"{url}/write?precision=ms", body=body.encode()).status == 204
            assert seal_state() == "held"
            keyring.write_bytes(note)
            wait_until(lambda: seal_state() == "ok")
        with closing(LogClient(log_url)) as client:  # the clean stop has sealed what waited
            end = client.chain_end(GATEWAY)
            assert end is not None
    log = LogReader(tmp_path / "log" / "log")
    lines = [line for index in log.indexes("tanji/batch/v1") for line in parse_payload(log.payload(index))]
    assert [line.value for line in lines] == [12.5]
