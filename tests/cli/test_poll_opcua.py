"""`tanji poll --once --explain` of an OPC UA server: what an engineer sees at the control system (R9, R54).

Codes are those of OPC 10000-6 annex A: 0x80340000 BadNodeIdUnknown, 0x80310000 BadNoCommunication, 0x808C0000
BadSensorFailure, 0x40900000 UncertainLastUsableValue.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from services.opcua_poller.explain import ReadServer
from tanji.acquisition.opcua_pki import Pki
from tanji.cli import poll_explain, poll_opcua
from tanji.plant.model import Plant
from tanji.plant.names import opcua_application_uri
from tanji.report.words import Words

from ..services.opcua_rig import Served, free_port, now_ms, plant_of, served, server_certificate

NOON = 1_793_160_000_123
"""2026-10-28 04:00:00.123 UTC, 12:00:00.123 on the clocks of Shanghai; GNU date says 1793160000 s."""


def ran(plant: Plant, **how: Any) -> int:
    asked = {"once": True, "explain": True, "device": None, "language": "en", "json": False, "plant": "p.yaml"} | how
    return poll_explain.run(argparse.Namespace(**asked), plant)


@contextmanager
def serving(*rows: tuple[str, float | None, int, int | None], **wanted: Any) -> Iterator[Served]:
    """A server that is up and holds these rows."""

    async def begin(server: Served) -> None:
        await server.ready()
        if rows:
            await server.write(*rows)

    with served(**wanted) as server:
        asyncio.run(begin(server))
        yield server


@pytest.fixture
def pki(tmp_path: Path) -> Pki:
    found = Pki(tmp_path / "pki")
    uri = opcua_application_uri("hx01")
    found.make(application_uri=uri, hosts=["localhost"], days=30, now_ms=now_ms(), replace=False)
    return found


def house(tmp_path: Path, pki: Pki) -> Path:
    """The server's folder: its certificate, and ours among the clients it trusts."""
    folder = tmp_path / "server"
    (folder / "clients").mkdir(parents=True)
    server_certificate(folder, days=365)
    (folder / "clients" / "tanji.der").write_bytes(pki.certificate.read_bytes())
    return folder


def secured(port: int, pki: Pki, **device: object) -> Plant:
    return plant_of(port, [{"id": "a.x"}], pki=pki.folder, security="basic256sha256", **device)


VALUES = {"a.rate": 0.0, "a.count": 0.0, "a.last": 0.0, "a.sensor": 0.0, "a.line": 0.0, "a.text": "on"}
ROWS = [
    ("a.rate", 662.5, 0, NOON),
    ("a.count", 1234567.0, 0, NOON),
    ("a.last", 7.5, 0x40900000, NOON),
    ("a.sensor", None, 0x808C0000, NOON),
    ("a.line", None, 0x80310000, None),
]


def mixed(port: int) -> Plant:
    """662.5 x 0.5 is 331.25; 1,234,567 counts of 0.1 t are 123,456.7 t."""
    more: dict[str, dict[str, object]] = {
        "a.rate": {"scale": 0.5, "limits": {"low": 0, "high": 20}, "name": {"zh": "喂煤量", "en": "Coal feed"}},
        "a.count": {"kind": "counter", "unit": "t", "scale": 0.1, "rollover": 4294967296},
    }
    points = [{"id": key} | more.get(key, {}) for key in (*VALUES, "a.absent")]
    return plant_of(port, [*points[:-1], points[-1] | {"via": "telegraf"}])


def test_every_node_is_shown_as_it_came_and_why_it_is_flagged(capsys: pytest.CaptureFixture[str]) -> None:
    port = free_port()
    with serving(*ROWS, port=port, values=VALUES):
        assert ran(mixed(port)) == 1
        shown = capsys.readouterr().out
        assert ran(mixed(port), language="zh") == 1
        chinese = capsys.readouterr().out
        assert ran(mixed(port), json=True) == 1
        data = json.loads(capsys.readouterr().out)
    for said in (
        "session: security none, user anonymous; connecting took ",
        "Coal feed  331.25 t/h\n      ns=2;s=a.rate\n      raw Double 662.5  status Good 0x00000000\n"
        "      source time 2026-10-28 12:00:00.123+08:00  server time 2026-10-28 12:00:00.123+08:00\n"
        "      outside its limits 0-20: the quality rules will flag it RANGE",
        "1234567 counts",
        "kept as the register count, 123456.7 t",
        "7.5 t/h  [STALE]",
        "status UncertainLastUsableValue 0x40900000",
        "the server has a reservation about the value (UncertainLastUsableValue)",
        "-  [FAULT]\n      ns=2;s=a.sensor\n      raw nothing  status BadSensorFailure 0x808C0000",
        "the server says the value is bad (BadSensorFailure): look at the point in the control system",
        "status BadNoCommunication 0x80310000",
        "the server has lost the instrument behind it",
        "the node's value is no number (String): look at the node id",
        "status BadNodeIdUnknown 0x80340000",
        "the server has no node ns=2;s=a.absent: look at the node id and its namespace index ns",
        "3 points read, 4 not",
    ):
        assert said in shown, (said, shown)
    assert "喂煤量  331.25 t/h" in chinese and "服务器没有节点 ns=2;s=a.absent" in chinese and "源时间" in chinese
    (device,) = data["devices"]
    points = {point["id"]: point for point in device["points"]}
    assert (data["good"], data["bad"], device["refused"]) == (3, 4, None)
    assert {key: points["a.rate"][key] for key in ("node", "data_type", "raw", "status", "status_code", "value")} == {
        "node": "ns=2;s=a.rate", "data_type": "Double", "raw": 662.5, "status": "Good", "status_code": "0x00000000",
        "value": 331.25,
    }  # fmt: skip
    assert (points["a.rate"]["source_ms"], points["a.rate"]["server_ms"]) == (NOON, NOON)
    assert (points["a.line"]["flags"], points["a.line"]["source_ms"], points["a.line"]["raw"]) == (["COMM"], None, None)
    assert (points["a.absent"]["status_code"], points["a.absent"]["flags"]) == ("0x80340000", ["FAULT"])


def test_a_certificate_that_is_not_trusted_is_named_with_the_command_and_read_once_it_is(
    tmp_path: Path, pki: Pki, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, port = house(tmp_path, pki), free_port()
    with serving(port=port, values={"a.x": 7.5}, folder=str(folder)):
        assert ran(secured(port, pki)) == 1
        (rejected,) = pki.rejected()
        short = rejected.fingerprint[:16]
        shown = capsys.readouterr().out
        assert f"the server's certificate is not trusted, fingerprint {short}: compare" in shown
        assert f"tanji keys opcua trust {short} --plant p.yaml\n" in shown and "a.x" in shown and "[COMM]" in shown
        assert ran(secured(port, pki), json=True) == 1
        assert json.loads(capsys.readouterr().out)["devices"][0]["fingerprint"] == short
        assert rejected.path is not None
        pki.trust(rejected.path.read_bytes())
        assert ran(secured(port, pki), language="zh") == 0
        assert "会话：安全 basic256sha256，用户 匿名" in capsys.readouterr().out


def test_a_wrong_password_is_said_in_a_line_and_stands_in_none(
    tmp_path: Path, pki: Pki, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, port = house(tmp_path, pki), free_port()
    pki.trust((folder / "server.der").read_bytes())
    password = tmp_path / "password"
    password.write_text("kiln-4711-wrong\n", encoding="utf-8")
    plant = secured(port, pki, user="tanji", password_file=str(password))
    with serving(port=port, values={"a.x": 7.5}, folder=str(folder), users={"tanji": "kiln-4711"}):
        assert ran(plant) == 1
        shown = capsys.readouterr().out
        assert shown.count("the server refuses the user: look at user and password_file") == 1
        password.unlink()
        assert ran(plant) == 1
        assert "a certificate or the password file cannot be used" in capsys.readouterr().out
    assert "kiln-4711" not in shown


def test_a_server_that_does_not_trust_us_is_said_to_be_the_one_to_change(
    tmp_path: Path, pki: Pki, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, port = house(tmp_path, pki), free_port()
    pki.trust((folder / "server.der").read_bytes())
    (folder / "clients" / "tanji.der").write_bytes((folder / "server.der").read_bytes())  # it trusts somebody else
    with serving(port=port, values={"a.x": 7.5}, folder=str(folder)):
        assert ran(secured(port, pki)) == 1
    assert "the server does not trust our certificate: trust own/tanji.der there" in capsys.readouterr().out


def test_a_server_without_encryption_and_one_that_is_gone_are_said_so(
    pki: Pki, capsys: pytest.CaptureFixture[str]
) -> None:
    port = free_port()
    with serving(port=port, values={"a.x": 7.5}):
        assert ran(secured(port, pki)) == 1
        assert "the server offers no endpoint secured as the plant file says" in capsys.readouterr().out
    assert ran(secured(port, pki)) == 1
    shown = capsys.readouterr().out
    assert shown.count("cannot be reached: look at address, cable, power and port") == 1
    assert "a.x" in shown and "[COMM]" in shown and "0 points read, 1 not" in shown


def test_a_server_that_is_slower_than_polling_waits_is_said_so() -> None:
    """Polled every 0.5 s a read may take 0.8 x 500 ms = 400 ms."""
    plant = plant_of(free_port(), [{"id": "a.x"}])
    shown = poll_opcua.Shown(plant, Words("en"), file=Path("p.yaml"))
    for read_ms, slow in ((399.0, False), (401.0, True)):
        read = ReadServer("dcs", "opc.tcp://dcs", None, (5.0, read_ms), 400.0, ())
        assert (
            "slower than polling waits (400 ms, then COMM)" in "\n".join(shown.as_text(read, explain=False))
        ) is slow
