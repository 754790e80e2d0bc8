"""Which server answers, told by the headers of `/ping` (platform.md 1.2 and 1.9).

InfluxDB 1.x and 2.x and openGemini take line protocol and InfluxQL as Tanji speaks them. InfluxDB 3 is refused with
the reason: it caps a query's range and does not overwrite deterministically (platform.md 1.3). Nothing is found out by
trying a path and swallowing the error.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from tanji.errors import UnsupportedServer

VERSION_HEADER = "X-Influxdb-Version"
OPENGEMINI_HEADER = "X-Geminidb-Version"
WHY_NOT_3 = (
    "InfluxDB 3 limits a query to some 72 hours of files and does not say which of two versions of a row it keeps; "
    "use InfluxDB 2.x, 1.x or openGemini"
)


class ServerKind(StrEnum):
    """A family of servers that behave alike."""

    INFLUXDB_1 = "influxdb 1.x"
    INFLUXDB_2 = "influxdb 2.x"
    OPENGEMINI = "openGemini"


@dataclass(frozen=True, slots=True)
class Server:
    """The server behind an address."""

    kind: ServerKind
    version: str
    has_api_v2_write: bool

    @property
    def sentinel_shows_errors(self) -> bool:
        """Whether a failed statement keeps the next one from running: not on openGemini (platform.md 1.9)."""
        return self.kind is not ServerKind.OPENGEMINI

    @property
    def limits_every_series(self) -> bool:
        """Whether LIMIT counts the rows of each series: openGemini 1.5.2 counts those of all together [measured]."""
        return self.kind is not ServerKind.OPENGEMINI

    @property
    def keeps_every_value(self) -> bool:
        """Whether all texts and integers come back: openGemini 1.5.2 takes a line feed in a text for the end of the
        line, and rounds integers beyond 2^53 [measured]."""
        return self.kind is not ServerKind.OPENGEMINI

    @property
    def creates_databases_by_query(self) -> bool:
        """Whether `CREATE DATABASE` works: everywhere but on 2.x."""
        return self.kind is not ServerKind.INFLUXDB_2


def recognise(headers: Mapping[str, str]) -> Server:
    """The server that sent these headers; `UnsupportedServer` with the reason if Tanji cannot rely on it."""
    named = {name.lower(): value for name, value in headers.items()}
    gemini = named.get(OPENGEMINI_HEADER.lower())
    if gemini is not None:
        # It takes /api/v2/write too, but /write is what all its versions have.
        return Server(ServerKind.OPENGEMINI, gemini, has_api_v2_write=False)
    version = named.get(VERSION_HEADER.lower())
    if version is None:
        raise UnsupportedServer(
            f"expected InfluxDB 1.x, 2.x or openGemini, got a server whose /ping names neither {VERSION_HEADER} "
            f"nor {OPENGEMINI_HEADER}"
        )
    number = re.match(r"v?(\d+)\.(\d+)", version)
    major, minor = (int(number[1]), int(number[2])) if number else (0, 0)
    if major == 1:
        return Server(ServerKind.INFLUXDB_1, version, has_api_v2_write=minor >= 8)
    if major == 2:
        return Server(ServerKind.INFLUXDB_2, version, has_api_v2_write=True)
    reason = f": {WHY_NOT_3}" if major == 3 else ""
    raise UnsupportedServer(f"expected InfluxDB 1.x, 2.x or openGemini, got version {version!r}{reason}")
