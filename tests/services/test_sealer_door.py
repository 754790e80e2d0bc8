"""Who may write, in every way InfluxDB 1.x and 2.x clients show a secret; and the same over TLS (R9)."""

from __future__ import annotations

import base64
import os
import subprocess
from pathlib import Path

import pytest
import urllib3

from services.sealer.door import Door
from tanji.acquisition.outbox import Outbox
from tanji.errors import UsageError

from .sealer_rig import FEED, NOON, line, rig, wait_until


def basic(pair: str) -> str:
    return "Basic " + base64.b64encode(pair.encode()).decode()


@pytest.mark.parametrize(
    ("secret", "header", "query", "admitted"),
    [
        ("s3cret", "Token s3cret", {}, True),
        ("s3cret", "token   s3cret ", {}, True),
        ("s3cret", "Bearer s3cret", {}, True),
        ("s3cret", basic("anybody:s3cret"), {}, True),
        ("s3cret", None, {"u": ["anybody"], "p": ["s3cret"]}, True),
        ("anna:pw", basic("anna:pw"), {}, True),
        ("anna:pw", "Token anna:pw", {}, True),
        ("anna:pw", None, {"u": ["anna"], "p": ["pw"]}, True),
        ("anna:pw", basic("otto:pw"), {}, False),
        ("anna:pw", None, {"p": ["pw"]}, False),
        ("s3cret", "Token s3cret2", {}, False),
        ("s3cret", "Token", {}, False),
        ("s3cret", "Basic !!!", {}, False),
        ("s3cret", "Digest s3cret", {}, False),
        ("s3cret", None, {}, False),
        ("s3cret", None, {"u": ["s3cret"]}, False),
    ],
)
def test_the_secret_is_taken_in_every_way_and_nothing_else_is(
    tmp_path: Path, secret: str, header: str | None, query: dict[str, list[str]], admitted: bool
) -> None:
    (tmp_path / "token").write_text(secret + "\n")
    assert Door(tmp_path / "token").admits(header, query) is admitted


def test_without_a_secret_everybody_may() -> None:
    assert Door(None).admits(None, {})


def test_a_secret_that_is_exchanged_is_taken_at_once_and_an_unreadable_one_leaves_the_old(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("old")
    door = Door(path)
    path.write_text("newer")
    os.utime(path, ns=(1, 1))
    assert door.admits("Token newer", {}) and not door.admits("Token old", {})
    path.write_text("")  # in the middle of being written
    assert door.admits("Token newer", {})
    path.unlink()
    assert door.admits("Token newer", {})


def test_a_file_that_is_missing_or_empty_is_told_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        Door(tmp_path / "no")
    (tmp_path / "empty").write_text("\n")
    with pytest.raises(UsageError, match="empty file"):
        Door(tmp_path / "empty")


def test_a_write_without_the_token_is_refused_and_keeps_nothing_and_health_needs_none(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("s3cret")
    with rig(tmp_path, settings={"token_file": str(tmp_path / "token")}) as sealer:
        for path in ("/write?precision=ms", "/api/v2/write?precision=ms"):
            status, answer = sealer.post(line(FEED, NOON), path)
            assert status == 401 and answer["code"] == "unauthorized"
        assert sealer.ask("POST", "/query?q=CREATE+DATABASE+x")[0] == 401
        for path in ("/ping", "/healthz", "/metrics"):
            assert sealer.ask("GET", path)[0] in (200, 204)
        assert sealer.post(line(FEED, NOON), "/write?precision=ms&u=telegraf&p=s3cret")[0] == 204
        assert sealer.post(line(FEED, NOON + 1), Authorization="Token s3cret")[0] == 204
        assert sealer.sealer.drain(20) and len(sealer.stored()) == 2
        wait_until(lambda: any(alarm["code"] == "TOKEN_REFUSED" for alarm in sealer.sealer.report()["alarms"]))


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """A certificate for 127.0.0.1 that signs itself, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    names = [str(folder / name) for name in ("sealer.pem", "sealer.key")]
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=sealer", "-addext", "subjectAltName=IP:127.0.0.1", "-out", names[0], "-keyout", names[1]],
        check=True, capture_output=True,
    )  # fmt: skip
    return names[0], names[1]


def test_over_tls_large_and_small_bodies_of_several_senders_arrive(
    tmp_path: Path, certificate: tuple[str, str]
) -> None:
    settings = {"tls_certificate": certificate[0], "tls_key": certificate[1]}
    with rig(tmp_path, settings=settings) as sealer:
        url = "https://{}:{}".format(*sealer.address)
        large = "".join(line(FEED, NOON + row, row) for row in range(40_000)).encode()
        assert len(large) > 2_000_000  # many TLS records, and a file on the server's side
        with urllib3.PoolManager(ca_certs=certificate[0], retries=False, timeout=20) as http:
            for body in (large, b"", line(FEED, NOON + 40_000).encode(), large[: len(large) // 2].rpartition(b"\n")[0]):
                assert http.request("POST", f"{url}/write?precision=ms", body=body).status == 204
        with Outbox(url, certificate=certificate[0]) as box:
            box.put(line(FEED, NOON + 40_001).encode())
            wait_until(lambda: box.counters()["acknowledged"] == 1)
        assert sealer.sealer.drain(20)
        assert len(sealer.stored()) == 40_002


def test_a_stranger_to_tls_costs_nobody_anything(tmp_path: Path, certificate: tuple[str, str]) -> None:
    with rig(tmp_path, settings={"tls_certificate": certificate[0], "tls_key": certificate[1]}) as sealer:
        with urllib3.PoolManager(retries=False, timeout=5) as http, pytest.raises(urllib3.exceptions.HTTPError):
            http.request("GET", "http://{}:{}/ping".format(*sealer.address))
        with urllib3.PoolManager(retries=False, timeout=5) as http, pytest.raises(urllib3.exceptions.SSLError):
            http.request("GET", "https://{}:{}/ping".format(*sealer.address))  # it does not know the certificate
        with urllib3.PoolManager(ca_certs=certificate[0], retries=False, timeout=5) as http:
            assert http.request("GET", "https://{}:{}/ping".format(*sealer.address)).status == 204


def test_a_certificate_that_is_none_is_told_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "x.pem").write_text("no certificate")
    settings = {"tls_certificate": str(tmp_path / "x.pem"), "tls_key": str(tmp_path / "x.pem")}
    with pytest.raises(UsageError, match="tls_certificate"), rig(tmp_path, settings=settings):
        pass
