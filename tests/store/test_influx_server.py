"""Servers told apart by the headers of /ping (platform.md 1.2, 1.3, 1.9)."""

from __future__ import annotations

import pytest

from tanji.errors import StoreUnavailable, UnsupportedServer
from tanji.store.influx import InfluxStore
from tanji.store.influx_server import ServerKind, recognise

from .loopback import Answer, serve


@pytest.mark.parametrize(
    ("headers", "kind", "has_api_v2_write"),
    [
        ({"X-Influxdb-Version": "1.6.7~rc0"}, ServerKind.INFLUXDB_1, False),
        ({"X-Influxdb-Version": "1.8.10"}, ServerKind.INFLUXDB_1, True),
        ({"x-influxdb-version": "v1.12.4"}, ServerKind.INFLUXDB_1, True),
        ({"X-Influxdb-Version": "v2.9.1"}, ServerKind.INFLUXDB_2, True),
        ({"X-Geminidb-Version": "v1.5.2"}, ServerKind.OPENGEMINI, False),
    ],
)
def test_supported_servers_are_recognised(headers: dict[str, str], kind: ServerKind, has_api_v2_write: bool) -> None:
    server = recognise(headers)
    assert server.kind is kind
    assert server.has_api_v2_write is has_api_v2_write
    assert server.sentinel_shows_errors is (kind is not ServerKind.OPENGEMINI)
    assert server.creates_databases_by_query is (kind is not ServerKind.INFLUXDB_2)


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({"X-Influxdb-Version": "3.11.2"}, "does not say which of two versions"),
        ({"X-Influxdb-Version": "0.9.6"}, "got version '0.9.6'"),
        ({"X-Influxdb-Version": "nightly"}, "got version 'nightly'"),
        ({"Server": "nginx"}, "names neither"),
    ],
)
def test_any_other_server_is_refused_with_the_reason(headers: dict[str, str], reason: str) -> None:
    with serve(lambda _: Answer(204, headers=headers)) as url, pytest.raises(UnsupportedServer, match=reason):
        InfluxStore(url).server()


def test_influxdb_3_is_refused_even_where_ping_asks_for_a_token() -> None:
    with serve(lambda _: Answer(401, headers={"X-Influxdb-Version": "3.11.2"})) as url:
        with pytest.raises(UnsupportedServer, match="InfluxDB 3 limits"):
            InfluxStore(url).ensure_bucket("hx01_raw")


def test_the_real_server_is_recognised(influx_url: str) -> None:
    server = InfluxStore(influx_url).server()
    assert server.kind is ServerKind.INFLUXDB_1
    assert server.version.startswith("1.6.7")


def test_a_server_that_is_down_is_no_unsupported_server() -> None:
    with serve(lambda _: Answer(503)) as url:
        with pytest.raises(StoreUnavailable, match="HTTP 503"):
            InfluxStore(url).server()
    with pytest.raises(StoreUnavailable, match="expected an answer"):
        InfluxStore(url).server()
