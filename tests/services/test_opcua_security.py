"""How the OPC UA poller is let in: certificates on both sides, users; and what it says when it is not (R21, R23).

Refused connections cost no reading silently: every cycle has its flagged row, and the log says what to do.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tanji.acquisition.flags import Flag
from tanji.acquisition.opcua_pki import Pki
from tanji.plant.model import Plant
from tanji.plant.names import opcua_application_uri

from .opcua_rig import free_port, now_ms, plant_of, polling, served, server_certificate, stopped, until

PASSWORD = "kiln-4711-secret"
GOOD, GONE = (7.5, 0), (None, int(Flag.COMM))


@pytest.fixture
def pki(tmp_path: Path) -> Pki:
    found = Pki(tmp_path / "pki")
    found.make(
        application_uri=opcua_application_uri("hx01"), hosts=["localhost"], days=30, now_ms=now_ms(), replace=False
    )
    return found


def house(tmp_path: Path, pki: Pki, *, days: int = 365) -> Path:
    """The server's folder: its certificate, and ours among the clients it trusts."""
    folder = tmp_path / "server"
    (folder / "clients").mkdir(parents=True)
    server_certificate(folder, days=days)
    (folder / "clients" / "tanji.der").write_bytes(pki.certificate.read_bytes())
    return folder


def secured(port: int, pki: Pki, **device: object) -> Plant:
    return plant_of(port, [{"id": "a.x"}], pki=pki.folder, security="basic256sha256", **device)


def outcome(plant: Plant, wanted: dict[str, object], *, expected: tuple[float | None, int]) -> None:
    """Serve, poll, and wait for the row that is expected."""

    async def scenario() -> None:
        with served(**wanted) as server:
            await server.ready()
            with polling(plant) as (_, collected, running):
                assert await until(lambda: collected.has("a.x", *expected)), collected.rows
                await stopped(running)
            if expected == GONE:
                assert {row[1:] for row in collected.rows["a.x"]} == {GONE}, "nothing else comes"

    asyncio.run(scenario())


def test_a_trusted_server_is_read_signed_and_encrypted(tmp_path: Path, pki: Pki) -> None:
    folder, port = house(tmp_path, pki), free_port()
    pki.trust((folder / "server.der").read_bytes())
    outcome(secured(port, pki), {"port": port, "values": {"a.x": 7.5}, "folder": str(folder)}, expected=GOOD)


def test_an_untrusted_server_is_told_kept_for_a_look_and_flagged_and_read_once_trusted(
    tmp_path: Path, pki: Pki, caplog: pytest.LogCaptureFixture
) -> None:
    folder, port = house(tmp_path, pki), free_port()

    async def scenario() -> None:
        with served(port=port, values={"a.x": 7.5}, folder=str(folder)) as server:
            await server.ready()
            with polling(secured(port, pki)) as (_, collected, running):
                assert await until(lambda: bool(pki.rejected()) and collected.has("a.x", *GONE))
                assert not collected.has("a.x", *GOOD)
                (shown,) = pki.rejected()
                assert shown.path is not None
                pki.trust(shown.path.read_bytes())
                assert await until(lambda: collected.has("a.x", *GOOD))
                await stopped(running)

    asyncio.run(scenario())
    shown = pki.trusted()[0].fingerprint[:16]
    (told,) = [record.message for record in caplog.records if "expected a trusted certificate" in record.message]
    assert told.startswith("dcs: ") and f"tanji keys opcua trust {shown}" in told
    assert not pki.rejected()


def test_an_expired_server_certificate_is_refused_although_it_is_trusted(
    tmp_path: Path, pki: Pki, caplog: pytest.LogCaptureFixture
) -> None:
    folder, port = house(tmp_path, pki, days=-30), free_port()
    pki.trust((folder / "server.der").read_bytes())
    outcome(secured(port, pki), {"port": port, "values": {"a.x": 7.5}, "folder": str(folder)}, expected=GONE)
    assert any("expected the server's certificate in force, got one for" in each.message for each in caplog.records)


def test_a_server_that_does_not_trust_us_is_named_as_the_one_to_change(
    tmp_path: Path, pki: Pki, caplog: pytest.LogCaptureFixture
) -> None:
    folder, port = house(tmp_path, pki), free_port()
    (folder / "clients" / "tanji.der").write_bytes((folder / "server.der").read_bytes())  # it trusts somebody else
    pki.trust((folder / "server.der").read_bytes())
    outcome(secured(port, pki), {"port": port, "values": {"a.x": 7.5}, "folder": str(folder)}, expected=GONE)
    assert any("the server refuses our certificate" in each.message for each in caplog.records), caplog.text


def test_a_server_without_encryption_is_not_read_where_the_plant_file_asks_for_it(
    pki: Pki, caplog: pytest.LogCaptureFixture
) -> None:
    port = free_port()
    outcome(secured(port, pki), {"port": port, "values": {"a.x": 7.5}}, expected=GONE)
    assert any("no endpoint that is secured" in each.message for each in caplog.records)


def test_without_a_certificate_of_ours_the_log_says_how_to_make_one(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    port = free_port()
    outcome(secured(port, Pki(tmp_path / "none")), {"port": port, "values": {"a.x": 7.5}}, expected=GONE)
    assert any("tanji keys opcua new" in each.message for each in caplog.records)


@pytest.mark.parametrize(("password", "expected"), [(PASSWORD, GOOD), ("kiln-4711-wrong", GONE)])
def test_a_user_is_named_by_password_and_the_password_stands_in_no_log(
    tmp_path: Path, pki: Pki, caplog: pytest.LogCaptureFixture, password: str, expected: tuple[float | None, int]
) -> None:
    folder, port = house(tmp_path, pki), free_port()
    pki.trust((folder / "server.der").read_bytes())
    (tmp_path / "password").write_text(f"{password}\n", encoding="utf-8")
    plant = secured(port, pki, user="tanji", password_file=str(tmp_path / "password"))
    caplog.set_level("DEBUG")
    wanted = {"port": port, "values": {"a.x": 7.5}, "folder": str(folder), "users": {"tanji": PASSWORD}}
    outcome(plant, wanted, expected=expected)
    assert password not in caplog.text
    if expected == GONE:
        assert any("the server refuses the user or its password" in each.message for each in caplog.records)


def test_a_user_is_named_by_certificate(tmp_path: Path, pki: Pki) -> None:
    folder, port, user = house(tmp_path, pki), free_port(), Pki(tmp_path / "user")
    pki.trust((folder / "server.der").read_bytes())
    user.make(application_uri="urn:user", hosts=["localhost"], days=30, now_ms=now_ms(), replace=False)
    der = user.certificate.read_bytes()
    plant = secured(port, pki, user_certificate=str(user.certificate), user_key=str(user.key))
    wanted = {"port": port, "values": {"a.x": 7.5}, "folder": str(folder), "user_certificate": der}
    outcome(plant, wanted, expected=GOOD)


def test_a_missing_password_file_is_named_and_not_its_content(
    tmp_path: Path, pki: Pki, caplog: pytest.LogCaptureFixture
) -> None:
    folder, port = house(tmp_path, pki), free_port()
    pki.trust((folder / "server.der").read_bytes())
    plant = secured(port, pki, user="tanji", password_file=str(tmp_path / "absent"))
    outcome(plant, {"port": port, "values": {"a.x": 7.5}, "folder": str(folder)}, expected=GONE)
    assert any("absent: expected a file with the user's password" in each.message for each in caplog.records)
