"""Log and witness as processes of their own: started, asked, stopped (R35)."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from hashlib import sha256
from pathlib import Path

import pytest

import services.log.__main__ as log_process
import services.witness.__main__ as witness_process
from tanji.trust.keys import COSIGNATURE, ED25519
from tanji.trust.log_client import LogClient
from tanji.trust.log_reader import LogReader
from tanji.trust.note import open_note
from tanji.trust.signer import SigningKeyFile

from ..trust.log_rig import KEYRING, LOG, ORIGIN, REGISTRARS, WITNESS, Chain, key, signer

STARTER = Path(__file__).parents[2] / "tanji" / "plant" / "starter.yaml"


@contextmanager
def running(*arguments: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """A process and the address it announces; stopped with SIGTERM, it ends with 0."""
    command = [sys.executable, "-m", *arguments, "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        try:
            line = next(line for line in process.stderr if "http://" in line)
            yield line.split()[-1], process
        finally:
            process.send_signal(signal.SIGTERM)
            process.stderr.read()
            assert process.wait(20) == 0


def ask(url: str) -> bytes:
    """The body of a GET."""
    with urllib.request.urlopen(url, timeout=10) as answer:
        return answer.read()  # type: ignore[no-any-return]


def plant_file(folder: Path, witness_url: str) -> Path:
    """A plant file whose log is ours, with one witness."""
    text = STARTER.read_text(encoding="utf-8")
    text = "\n".join(line for line in text.split("\n") if not line.startswith("trust:"))
    trust = {
        "origin": "demo.example",
        "witnesses": [{"name": "institute.example/w1", "vkey": WITNESS.vkey(), "url": witness_url}],
        "witness_s": 1,
    }
    path = folder / "plant.yaml"
    path.write_text(f"{text}\ntrust: {json.dumps(trust)}\n", encoding="utf-8")
    return path


def anchor() -> str:
    """The trust anchor of the rig."""
    registrars = "".join(f"registrar {each.organisation} {each.key.text}\n" for each in REGISTRARS)
    return f"log {LOG.vkey()}\nwitness w1 {WITNESS.vkey()}\nquorum w1\n{registrars}"


def test_a_log_takes_batches_is_witnessed_and_publishes_at_the_end(tmp_path: Path) -> None:
    SigningKeyFile(tmp_path / "w1.key").write(WITNESS)
    (tmp_path / "data" / "keys").mkdir(parents=True)
    SigningKeyFile(tmp_path / "data" / "keys" / "log.key").write(LOG)
    (tmp_path / "data" / "keys" / "anchor").write_text(anchor(), encoding="utf-8")
    chain = Chain()
    witness = ("services.witness", "--folder", str(tmp_path / "w1"), "--key", str(tmp_path / "w1.key"))
    with running(*witness, "--log", LOG.vkey()) as (witness_url, _):
        plant = plant_file(tmp_path, witness_url)
        with running("services.log", "--plant", str(plant), "--data", str(tmp_path / "data")) as (url, _):
            with closing(LogClient(url)) as client:
                client.add_note(KEYRING)
                assert client.add_batches([chain.minute() for _ in range(3)]) == [1, 2, 3]
            assert json.loads(ask(f"{url}/healthz"))["size"] == 4
            assert b"\ntanji_log_entries 4.0\n" in ask(f"{url}/metrics")
            seen = b""
            for _ in range(100):
                seen = LogReader(tmp_path / "data" / "log").latest_cosigned() or b""
                if seen.split(b"\n")[1:2] == [b"4"]:
                    break
                time.sleep(0.1)
        assert [each.name for each, _ in open_note(seen, [key(LOG), key(WITNESS)]).verified] == [
            ORIGIN,
            key(WITNESS).name,
        ]
        assert ask(f"{witness_url}/{sha256(ORIGIN.encode()).hexdigest()}/checkpoint").startswith(ORIGIN.encode())
    assert LogReader(tmp_path / "data" / "log").size == 4


def test_a_witness_wants_a_key_that_cosigns_and_logs_it_understands(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    SigningKeyFile(tmp_path / "note.key").write(signer("institute.example/w2", kind=ED25519))
    SigningKeyFile(tmp_path / "good.key").write(signer("institute.example/w3", kind=COSIGNATURE))
    for name, log, said in (
        ("note.key", LOG.vkey(), "expected a key of type 4"),
        ("good.key", "nonsense", "key-form"),
        ("none.key", LOG.vkey(), "no file"),
    ):
        arguments = ["--folder", str(tmp_path / "w"), "--key", str(tmp_path / name), "--log", log, "--port", "0"]
        assert witness_process.main(arguments) == 2
        assert said in capsys.readouterr().err


def test_a_log_wants_a_plant_with_keys(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = plant_file(tmp_path, "http://127.0.0.1:9")
    assert log_process.main(["--plant", str(path), "--data", str(tmp_path / "data"), "--port", "0"]) == 2
    assert "anchor" in capsys.readouterr().err
