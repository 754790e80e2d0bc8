"""`tanji receive`: what it needs before it listens, and that it stops when told."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tanji.cli import receive
from tanji.cli.main import main
from tanji.errors import UsageError

GOOD = Path(__file__).parents[1] / "plant" / "golden" / "good"


def plant_with_station(folder: Path, *, password: str | None = "123456") -> Path:
    """The golden plant with a station; its password file is beside it."""
    path = folder / "plant.yaml"
    text = (GOOD / "hj212.yaml").read_text("utf-8")
    path.write_text(text.replace("secrets/hj212_stack", str(folder / "password")), encoding="utf-8")
    if password is not None:
        (folder / "password").write_text(password)
    return path


def test_a_plant_without_a_station_has_nothing_to_receive(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["receive", "--plant", str(GOOD / "minimal.yaml")]) == 2
    assert "expected a device with protocol: hj212, got none" in capsys.readouterr().err


def test_a_password_file_that_is_not_there_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plant = plant_with_station(tmp_path, password=None)
    assert main(["receive", "--plant", str(plant), "--port", "0"]) == 2
    told = capsys.readouterr().err
    assert "devices[stack].password_file: expected a file with the password" in told and "no such file" in told


def test_an_address_of_no_sealer_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["receive", "--plant", str(plant_with_station(tmp_path)), "--sealer", "sealer:8186"]) == 2
    assert "--sealer: expected an address such as http://127.0.0.1:8186" in capsys.readouterr().err


def test_a_port_that_is_taken_is_said_with_how_to_change_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert main(["receive", "--plant", str(plant_with_station(tmp_path)), "--port", port]) == 2
    assert f"hj212: expected an address to listen on, got 127.0.0.1:{port}" in capsys.readouterr().err


def test_it_says_where_it_listens_and_stops_when_told(tmp_path: Path) -> None:
    plant = plant_with_station(tmp_path)
    words = ["receive", "--plant", str(plant), "--port", "0", "--json"]
    with subprocess.Popen([sys.executable, "-m", "tanji", *words], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        host, _, port = told["hj212"].partition(":")
        with socket.create_connection((host, int(port)), 5) as station:
            process.send_signal(signal.SIGTERM)
            assert station.recv(1) == b""
        assert process.wait(20) == 0
    assert told["plant"] == "p1" and told["sealer"] == "http://127.0.0.1:8186"


def test_a_sealer_with_a_certificate_is_spoken_to_by_https(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The address is the plant file's whole one, its scheme too."""
    seen: dict[str, object] = {}

    def refuse(plant: object, **settings: object) -> None:
        seen.update(settings)
        raise UsageError("no further")

    monkeypatch.setattr(receive, "ReceivingThread", refuse)
    path = plant_with_station(tmp_path)
    tls = "  sealer: {tls_certificate: sealer.pem, tls_key: sealer.key}\n"
    text = path.read_text("utf-8")
    path.write_text(f"{text}services:\n{tls}")
    assert main(["receive", "--plant", str(path), "--port", "0"]) == 2
    assert seen["sealer_url"] == "https://127.0.0.1:8186"
