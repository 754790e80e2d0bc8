"""One look at an OPC UA server for the engineer at the cabinet: what came back of every node, and what becomes of it.

The same identity, nodes and judgement as the poller's; nothing is sent on and nothing is subscribed to. Beyond what the
poller asks for, the server's own time is read, so that a source that stands still can be told from a server that does.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from time import perf_counter
from typing import Any, Final

from asyncua import Client, ua
from asyncua.ua.status_codes import get_name_and_doc

from services.opcua_poller.batch import Batch, batches
from services.opcua_poller.connection import CONNECT_S
from services.opcua_poller.poller import polled_nodes
from services.opcua_poller.security import EXPLAINED, Identity, told
from services.opcua_poller.server import TIMEOUT_SHARE
from services.opcua_poller.values import moment_ms, reading_of, status_of
from tanji.acquisition.flags import Flag
from tanji.acquisition.opcua_pki import Pki
from tanji.errors import CertificateError
from tanji.plant.model import OpcuaDevice, Plant
from tanji.plant.names import opcua_application_uri

CODE: Final = 0xFFFF0000
"""The part of a status code that its name stands for; the rest is flag bits (OPC 10000-4 7.39)."""

PATIENCE_S: Final = 10.0
"""How long one request may take here [s]: an engineer wants to see what a slow server says, and how slow it is."""


class Refused(StrEnum):
    """Why a server was not read, by what is to be done about it."""

    UNREACHABLE = "unreachable"
    UNTRUSTED = "untrusted"  # its certificate, by us
    IDENTITY = "identity"  # a certificate or a password file of ours, or a certificate that is out of force
    USER = "user"
    UNTRUSTED_THERE = "untrusted_there"  # our certificate, by the server
    ENDPOINT = "endpoint"  # none that is secured as the plant file says
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a server was not read. said : in English. fingerprint : of the certificate that is not trusted, or empty."""

    kind: Refused
    said: str
    fingerprint: str = ""


@dataclass(frozen=True, slots=True)
class ReadNode:
    """A point's node. raw : what came. status : 32 bits. Times in UTC ms. stored : the reading. None : not there."""

    id: str
    node: str
    data_type: str | None
    raw: object
    status: int | None
    source_ms: int | None
    server_ms: int | None
    stored: float | None
    flag: Flag

    @property
    def status_name(self) -> str | None:
        """Name of the status code, e.g. BadNodeIdUnknown."""
        return None if self.status is None else get_name_and_doc(self.status & CODE)[0]


@dataclass(frozen=True, slots=True)
class ReadServer:
    """One look at a server. refusal : why not all nodes were read. took_ms : for connecting, and for reading.

    most_ms : how long the poller would have waited for the reading.
    """

    device: str
    endpoint: str
    refusal: Refusal | None
    took_ms: tuple[float, float]
    most_ms: float
    nodes: tuple[ReadNode, ...]


async def read_once(plant: Plant, device: OpcuaDevice, *, clock: Callable[[], int]) -> ReadServer:
    """Read every node of a server once, points of every `via` included. clock : UTC now [ms]."""
    logging.getLogger("asyncua").setLevel(logging.CRITICAL)  # what it says of a refusal is said here in a line
    same = plant.model_copy(update={"points": tuple(p.model_copy(update={"via": "poller"}) for p in plant.points)})
    asked = batches(polled_nodes(same).get(device.id, []), plant_id=plant.site.id)
    client = Client(device.endpoint, timeout=max(PATIENCE_S, device.timeout_s))
    uri, pki = opcua_application_uri(plant.site.id), Pki(Path(plant.services.opcua.pki))
    identity = Identity(device, pki=pki, application_uri=uri, clock=clock)
    answers: list[list[ua.DataValue] | None] = []
    refusal: Refusal | None = None
    began, connected = perf_counter(), None
    try:
        await asyncio.wait_for(_connect(client, identity), max(CONNECT_S, device.timeout_s))
        connected = perf_counter()
        for batch in asked:
            answers.append(await asyncio.wait_for(_read(client, batch), max(PATIENCE_S, device.timeout_s)))
    except Exception as error:  # whatever it was, it is what the engineer has to see
        refusal = refusal_of(error)
    finally:
        ended = perf_counter()
        with suppress(Exception):  # it is being thrown away; how it objects does not matter
            await asyncio.wait_for(client.disconnect(), 2.0)
    connected = ended if connected is None else connected
    took = ((connected - began) * 1000, (ended - connected) * 1000)
    answers += [None] * (len(asked) - len(answers))
    nodes = tuple(node for batch, answer in zip(asked, answers, strict=True) for node in _shown(batch, answer))
    return ReadServer(device.id, device.endpoint, refusal, took, _most_ms(device, asked), nodes)


def _most_ms(device: OpcuaDevice, asked: Sequence[Batch]) -> float:
    """As `services.opcua_poller.server` has it [ms]."""
    if device.read == "subscription" or not asked:
        return device.timeout_s * 1000
    return min(device.timeout_s * 1000, TIMEOUT_SHARE * min(batch.period_ms for batch in asked))


def refusal_of(error: Exception) -> Refusal:
    """A failed connection or read, by what is to be done about it."""
    kind = Refused.OTHER
    if isinstance(error, CertificateError):
        kind = Refused.UNTRUSTED if error.fingerprint else Refused.IDENTITY
        return Refusal(kind, str(error), error.fingerprint)
    if isinstance(error, ua.UaStatusCodeError):
        said = EXPLAINED.get(error.code, "")
        if "user" in said:
            kind = Refused.USER
        elif "our certificate" in said:
            kind = Refused.UNTRUSTED_THERE
        return Refusal(kind, told(error) if said else type(error).__name__)
    if isinstance(error, ua.UaError) and "No matching endpoints" in str(error):
        return Refusal(Refused.ENDPOINT, told(error))
    if isinstance(error, OSError | TimeoutError):
        return Refusal(Refused.UNREACHABLE, str(error) or type(error).__name__)
    return Refusal(kind, repr(error))


async def _connect(client: Client, identity: Identity) -> None:
    await identity.show(client)
    await client.connect()


async def _read(client: Client, batch: Batch) -> list[ua.DataValue]:
    wanted = [ua.ReadValueId(NodeId=node_id, AttributeId=ua.AttributeIds.Value) for node_id in batch.node_ids]
    both = ua.TimestampsToReturn.Both
    answer: list[ua.DataValue] = await client.uaclient.read(
        ua.ReadParameters(TimestampsToReturn=both, NodesToRead=wanted)
    )
    if len(answer) != len(wanted):
        raise ua.UaError(f"answered {len(answer)} of {len(wanted)} nodes")
    return answer


def _shown(batch: Batch, answer: list[ua.DataValue] | None) -> list[ReadNode]:
    if answer is None:
        return [ReadNode(node.id, node.node, None, None, None, None, None, None, Flag.COMM) for node in batch.nodes]
    shown = []
    for node, data in zip(batch.nodes, answer, strict=True):
        value, flag = reading_of(data, scale=node.scale, offset=node.offset)
        kind, raw = _came(data)
        times = moment_ms(data.SourceTimestamp), moment_ms(data.ServerTimestamp)
        shown.append(ReadNode(node.id, node.node, kind, raw, status_of(data), *times, value, flag))
    return shown


def _came(data: ua.DataValue) -> tuple[str | None, Any]:
    """Data type by name, and the value."""
    if data.Value is None or data.Value.VariantType in (None, ua.VariantType.Null):
        return None, None
    kind = data.Value.VariantType
    return f"{getattr(kind, 'name', kind)}{'[]' if data.Value.is_array else ''}", data.Value.Value
