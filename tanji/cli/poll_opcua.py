"""What `tanji poll --once [--explain]` shows of an OPC UA server: every node as it came, and why a point is flagged.

The words are those of `tanji poll` (Chinese or English); the look itself is `services.opcua_poller.explain`.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from services.opcua_poller.explain import ReadNode, ReadServer, Refused, read_once
from tanji.acquisition.flags import Flag, names
from tanji.cli.clock import now_ms
from tanji.plant.model import OpcuaDevice, Plant, Point
from tanji.report.words import Words

UNKNOWN_NODE = ("BadNodeIdUnknown", "BadNodeIdInvalid")
NOT_ALLOWED = ("BadUserAccessDenied", "BadNotReadable")
BAD = 2
"""Severity of a status code, its top two bits."""

NUMBER_TYPES = ("SByte", "Byte", "Int16", "UInt16", "Int32", "UInt32", "Int64", "UInt64")


def look(plant: Plant, device: OpcuaDevice) -> ReadServer:
    """Read a server once."""
    return asyncio.run(read_once(plant, device, clock=now_ms))


@dataclass(frozen=True, slots=True)
class Shown:
    """How servers are shown to one reader. file : the plant file, for the command that trusts a certificate."""

    plant: Plant
    words: Words
    file: Path

    def as_text(self, read: ReadServer, *, explain: bool) -> Iterator[str]:
        """The lines for a terminal."""
        device, words = self._device(read), self.words
        yield f"{read.device}  {read.endpoint}  {words.choose(device.name.zh, device.name.en)}"
        if explain:
            connect, reading = (f"{took:.1f}" for took in read.took_ms)
            user = self._user(device)
            yield f"  {words('poll.session', security=device.security, user=user, connect=connect, read=reading)}"
        if read.refusal is not None:
            yield f"  {self.refused(read)}"
        elif read.took_ms[1] > read.most_ms:
            yield f"  {words('poll.opcua_slow', limit=f'{read.most_ms:.0f}')}"
        if not read.nodes:
            yield f"  {words('poll.no_points')}"
        for node in read.nodes:
            yield from self._node_lines(node, explain=explain)

    def as_data(self, read: ReadServer) -> dict[str, Any]:
        """The same for a program. Times in UTC ms."""
        return {
            "device": read.device,
            "address": read.endpoint,
            "refused": None if read.refusal is None else self.refused(read),
            "fingerprint": None if read.refusal is None else read.refusal.fingerprint or None,
            "connect_ms": round(read.took_ms[0], 3),
            "took_ms": round(read.took_ms[1], 3),
            "points": [self._node_data(node) for node in read.nodes],
        }

    def refused(self, read: ReadServer) -> str:
        """Why a server was not read, and what to do; what was said stands behind it in English."""
        refusal, words = read.refusal, self.words
        assert refusal is not None
        if refusal.kind is Refused.UNTRUSTED:
            return words("poll.opcua_untrusted", fingerprint=refusal.fingerprint, file=self.file)
        key = "unreachable" if refusal.kind is Refused.UNREACHABLE else f"opcua_{refusal.kind}"
        return f"{words(f'poll.{key}')} ({refusal.said})"

    def notes(self, read: ReadNode) -> Iterator[str]:
        """What there is to say of a node that was read: why it is flagged, its count's amount, its limits."""
        point = self.plant.points_by_id[read.id]
        if read.status is None:
            return
        if read.flag or read.stored is None:
            yield self._reason(read)
        if read.stored is not None:
            yield from of_value(point, read.stored, self.words)

    def _reason(self, read: ReadNode) -> str:
        words, name = self.words, read.status_name
        assert read.status is not None
        if name in UNKNOWN_NODE:
            return words("poll.opcua_unknown_node", node=read.node)
        if name in NOT_ALLOWED:
            return words("poll.opcua_unreadable")
        if read.status >> 30 >= BAD:
            return words("poll.opcua_behind") if read.flag & Flag.COMM else words("poll.opcua_bad", status=name)
        if read.stored is None:
            large = read.data_type in NUMBER_TYPES
            kind = read.data_type or words("poll.nothing")
            return words("poll.opcua_too_large") if large else words("poll.opcua_no_number", type=kind)
        return words("poll.opcua_uncertain", status=name)

    def _node_lines(self, read: ReadNode, *, explain: bool) -> Iterator[str]:
        point, words = self.plant.points_by_id[read.id], self.words
        shown = f"  {read.id:<40} {words.choose(point.name.zh, point.name.en)}  "
        unit = words("poll.counts") if point.kind == "counter" else point.unit
        shown += "-" if read.stored is None else f"{number(read.stored)} {unit}"
        if read.flag:
            shown += f"  [{' '.join(names(read.flag))}]"
        yield shown
        if explain:
            yield f"      {read.node}"
        if explain and read.status is not None:
            came = words("poll.nothing") if read.data_type is None else f"{read.data_type} {plain(read.raw)}"
            yield f"      {words('poll.raw')} {came}  {words('poll.status')} {read.status_name} 0x{read.status:08X}"
            source, server = self._moment(read.source_ms), self._moment(read.server_ms)
            yield f"      {words('poll.source_time')} {source}  {words('poll.server_time')} {server}"
        yield from (f"      {note}" for note in self.notes(read))

    def _node_data(self, read: ReadNode) -> dict[str, Any]:
        point = self.plant.points_by_id[read.id]
        return {
            "id": read.id,
            "node": read.node,
            "data_type": read.data_type,
            "raw": plain(read.raw),
            "status": read.status_name,
            "status_code": None if read.status is None else f"0x{read.status:08X}",
            "source_ms": read.source_ms,
            "server_ms": read.server_ms,
            "value": read.stored,
            "unit": "counts" if point.kind == "counter" else point.unit,
            "quality": int(read.flag),
            "flags": list(names(read.flag)),
            "notes": list(self.notes(read)),
        }

    def _device(self, read: ReadServer) -> OpcuaDevice:
        device = self.plant.devices_by_id[read.device]
        assert isinstance(device, OpcuaDevice)
        return device

    def _user(self, device: OpcuaDevice) -> str:
        if device.user is not None:
            return device.user
        return self.words("poll.anonymous" if device.user_certificate is None else "poll.by_certificate")

    def _moment(self, time_ms: int | None) -> str:
        """On the plant's clocks, with the distance from UTC."""
        if time_ms is None:
            return self.words("poll.nothing")
        whole = datetime.fromtimestamp(time_ms // 1000, ZoneInfo(self.plant.site.timezone))
        return whole.replace(microsecond=time_ms % 1000 * 1000).isoformat(sep=" ", timespec="milliseconds")


def of_value(point: Point, stored: float, words: Words) -> Iterator[str]:
    """What a count amounts to, and whether the limits of the plant file hold."""
    value = stored
    if point.kind == "counter":
        value = stored * point.scale + point.offset
        yield words("poll.counted", amount=f"{value:.12g}", unit=point.unit)
    low, high = point.limits.low, point.limits.high
    if (low is not None and value < low) or (high is not None and value > high):
        shown = ["" if limit is None else f"{limit:g}" for limit in (low, high)]
        yield words("poll.outside", low=shown[0], high=shown[1])


def number(value: float) -> str:
    """A number as short as it can be read back."""
    return str(int(value)) if float(value).is_integer() and abs(value) < 1e15 else repr(float(value))


def plain(raw: object) -> object:
    """What came, as JSON can say it: numbers, states and short texts; everything else as text."""
    if raw is None or isinstance(raw, bool | int):
        return raw
    if isinstance(raw, float):
        return raw if math.isfinite(raw) else str(raw)
    return str(raw)[:80]
