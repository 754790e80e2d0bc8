"""An OPC UA server in a process of its own that does what it is told over a pipe: secured, with users and history.

A server in the test's process would hold up the poller's event loop; and one in a process can be stopped, killed and
frozen like a machine.
"""

from __future__ import annotations

import asyncio
import datetime
import multiprocessing
import os
import signal
import socket
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from asyncua import Server, ua
from asyncua.crypto.cert_gen import (
    dump_private_key_as_pem,
    generate_private_key,
    generate_self_signed_app_certificate,
)
from asyncua.crypto.permission_rules import User, UserRole
from asyncua.crypto.truststore import TrustStore
from asyncua.crypto.validator import CertificateValidator, CertificateValidatorOptions
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from services.opcua_poller.poller import OpcuaPoller
from tanji.acquisition.line_protocol import parse
from tanji.plant.model import Line, Meter, OpcuaDevice, OpcuaSettings, Plant, Point, Services, Site

NAME = {"zh": "测", "en": "test"}
KILN = {"id": "kiln1", "name": NAME, "running": "kiln1.running"}
URI = "urn:test:opcua:server"
READY_S = 60.0

# The first use of Arrow in a process takes long enough to cost a cycle; no poller uses it, only the sink of the tests.
parse(b"reading,plant=p,point=a value=1,quality=0i 1\n", precision="ms", arrival_ms=0)


@dataclass(frozen=True, slots=True)
class Wanted:
    """The server a test asks for."""

    port: int
    values: dict[str, Any]
    folder: str | None = None
    days: int = 365
    users: dict[str, str] = field(default_factory=dict)
    user_certificate: bytes | None = None
    history: bool = False


class Users:
    """Lets in by password or by certificate; nobody else where there are users."""

    def __init__(self, wanted: Wanted) -> None:
        self.wanted = wanted

    def get_user(
        self, iserver: Any, username: Any = None, password: Any = None, certificate: Any = None
    ) -> User | None:
        if self.wanted.users and username is not None:
            known = self.wanted.users.get(username) == (password.decode() if isinstance(password, bytes) else password)
            return User(role=UserRole.User) if known else None
        if self.wanted.user_certificate is not None:
            return User(role=UserRole.User) if certificate == self.wanted.user_certificate else None
        return None if self.wanted.users else User(role=UserRole.User)


def server_certificate(folder: Path, *, days: int) -> tuple[Path, Path]:
    """A key and certificate of a server, in force for `days` from now; it ended long ago if that is negative."""
    key = generate_private_key()
    names: list[x509.GeneralName] = [x509.UniformResourceIdentifier(URI), x509.DNSName("localhost")]
    uses = [ExtendedKeyUsageOID.SERVER_AUTH]
    made = generate_self_signed_app_certificate(key, "Sim", {}, names, uses, days=max(days, 1))
    if days < 0:
        now = datetime.datetime.now(datetime.UTC)
        builder = x509.CertificateBuilder(made.issuer, made.subject, made.public_key(), made.serial_number)
        builder = builder.not_valid_before(now + datetime.timedelta(days=days))
        builder = builder.not_valid_after(now - datetime.timedelta(days=1))
        for extension in made.extensions:
            builder = builder.add_extension(extension.value, extension.critical)
        made = builder.sign(key, made.signature_hash_algorithm)
    paths = folder / "server.pem", folder / "server.der"
    paths[0].write_bytes(dump_private_key_as_pem(key))
    paths[1].write_bytes(made.public_bytes(Encoding.DER))
    return paths


async def _started(wanted: Wanted) -> tuple[Server, dict[str, Any]]:
    server = Server(user_manager=Users(wanted))
    await server.init()
    server.set_endpoint(f"opc.tcp://127.0.0.1:{wanted.port}/plant")
    if wanted.folder is None:
        server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
    else:
        folder = Path(wanted.folder)
        key, certificate = folder / "server.pem", folder / "server.der"
        await server.set_application_uri(URI)
        await server.load_certificate(str(certificate))
        await server.load_private_key(str(key))
        server.set_security_policy([ua.SecurityPolicyType.Basic256Sha256_SignAndEncrypt])
        trust = TrustStore([folder / "clients"], [])
        await trust.load()
        options = CertificateValidatorOptions.TRUSTED_VALIDATION | CertificateValidatorOptions.PEER_CLIENT
        server.set_certificate_validator(CertificateValidator(options, trust))
        server.set_identity_tokens(
            [ua.UserNameIdentityToken, ua.X509IdentityToken]
            if wanted.users or wanted.user_certificate
            else [ua.AnonymousIdentityToken]
        )
    index = await server.register_namespace("urn:plant")
    nodes = {}
    for name, value in wanted.values.items():
        nodes[name] = await server.nodes.objects.add_variable(ua.NodeId(name, index), name, value)
    await server.start()
    if wanted.history:
        for node in nodes.values():
            await server.historize_node_data_change(node, period=None, count=0)
    return server, nodes


def data_value(value: float | None, status: int, source_ms: int | None) -> ua.DataValue:
    moment = None if source_ms is None else datetime.datetime.fromtimestamp(source_ms / 1000, datetime.UTC)
    variant = None if value is None else ua.Variant(float(value), ua.VariantType.Double)
    return ua.DataValue(variant, StatusCode=ua.StatusCode(status), SourceTimestamp=moment, ServerTimestamp=moment)


def _serve(wanted: Wanted, pipe: Connection) -> None:
    async def forever() -> None:
        server, nodes = await _started(wanted)
        pipe.send("ready")
        while True:
            while not pipe.poll():
                await asyncio.sleep(0.01)
            order = pipe.recv()
            if order[0] == "write":
                for name, value, status, source_ms in order[1]:
                    await server.write_attribute_value(nodes[name].nodeid, data_value(value, status, source_ms))
            elif order[0] == "mute":  # subscriptions live on, and tell nothing of what changes
                for subscription in server.iserver.subscription_service.subscriptions.values():
                    subscription.monitored_item_srv.isub.enqueue_datachange_event = _nothing
            pipe.send("done")

    async def _nothing(*_: Any) -> None:
        return None

    asyncio.run(forever())


class Served:
    """A server under a test's command."""

    def __init__(self, wanted: Wanted) -> None:
        self.wanted = wanted
        self.process: BaseProcess | None = None
        self.start()

    def start(self) -> None:
        context = multiprocessing.get_context("forkserver")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(self.wanted, theirs), daemon=True)
        self.process.start()

    async def ready(self) -> None:
        await self._answer()

    async def write(self, *rows: tuple[str, float | None, int, int | None]) -> None:
        """Point, value, status code, source timestamp [UTC ms]."""
        self.pipe.send(("write", rows))
        await self._answer()

    async def mute(self) -> None:
        self.pipe.send(("mute",))
        await self._answer()

    def freeze(self, *, on: bool) -> None:
        assert self.process is not None and self.process.pid is not None
        os.kill(self.process.pid, signal.SIGSTOP if on else signal.SIGCONT)

    def kill(self) -> None:
        assert self.process is not None
        if self.process.is_alive():
            self.freeze(on=False)
        self.process.kill()
        self.process.join(10)
        self.pipe.close()

    async def _answer(self) -> None:
        end = time.monotonic() + READY_S
        while not self.pipe.poll():
            assert time.monotonic() < end, "the server process says nothing"
            await asyncio.sleep(0.01)
        self.pipe.recv()


@contextmanager
def served(**wanted: Any) -> Iterator[Served]:
    """A server; gone at the end."""
    server = Served(Wanted(**wanted))
    try:
        yield server
    finally:
        server.kill()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def plant_of(port: int, points: list[dict[str, object]], *, pki: Path | None = None, **device: object) -> Plant:
    """A plant with one OPC UA server `dcs`; the node of point a.b is ns=2;s=a.b."""
    record = {"id": "dcs", "name": NAME, "protocol": "opcua", "endpoint": f"opc.tcp://127.0.0.1:{port}/plant",
              "period_s": 0.5} | device  # fmt: skip
    common = {"name": NAME, "kind": "rate", "unit": "t/h", "meter": "dcs"}
    return Plant(
        tanji=1,
        site=Site(id="hx01", name=NAME),
        lines=(Line.model_validate({"id": "line1", "name": NAME, "capacity_t_per_day": 5000, "kiln": KILN}),),
        devices=(OpcuaDevice.model_validate(record),),
        meters=(Meter.model_validate({"id": "dcs", "name": NAME, "kind": "control_system", "device": "dcs"}),),
        points=tuple(Point.model_validate(common | {"opcua": f"ns=2;s={each['id']}"} | each) for each in points),
        streams=(),
        services=Services(opcua=OpcuaSettings(pki=str(pki))) if pki else Services(),
    )


Row = tuple[int, float | None, int]


class Collected:
    """A sink that keeps rows by point: (time, value, quality), and refuses what the sealer would park."""

    def __init__(self) -> None:
        self.rows: dict[str, list[Row]] = defaultdict(list)

    async def __call__(self, lines: bytes) -> None:
        parsed = parse(lines, precision="ms", arrival_ms=0)
        assert not parsed.parked and not parsed.others
        for row in parsed.readings.to_pylist():
            self.rows[row["point"]].append((row["time"], row["value"], row["quality"]))

    def has(self, point: str, value: float | None, quality: int) -> bool:
        return any(row[1:] == (value, quality) for row in self.rows[point])

    def sealed(self, point: str) -> dict[int, tuple[float | None, int]]:
        """What the sealer keeps: the first row of a time stands; another one of the same time would be a conflict."""
        kept: dict[int, tuple[float | None, int]] = {}
        for time_ms, value, quality in self.rows[point]:
            assert kept.setdefault(time_ms, (value, quality)) == (value, quality), (point, time_ms)
        return kept


@contextmanager
def polling(plant: Plant) -> Iterator[tuple[OpcuaPoller, Collected, asyncio.Task[None]]]:
    """A poller that runs inside the block; call from a coroutine, and await `stopped` at its end."""
    collected = Collected()
    poller = OpcuaPoller(plant, sink=collected, clock=now_ms)
    stop = asyncio.Event()
    running = asyncio.get_running_loop().create_task(poller.run(stop))
    running.stop = stop  # type: ignore[attr-defined]
    try:
        yield poller, collected, running
    finally:
        stop.set()


async def stopped(running: asyncio.Task[None]) -> None:
    running.stop.set()  # type: ignore[attr-defined]
    await asyncio.wait_for(running, 30)


async def until(condition: Any, seconds: float = 60.0) -> bool:
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        await asyncio.sleep(0.05)
    return bool(condition())


def now_ms() -> int:
    return time.time_ns() // 1_000_000
