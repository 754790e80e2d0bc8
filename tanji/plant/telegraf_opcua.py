"""What `inputs.opcua` and `inputs.opcua_listener` of Telegraf 1.39 have to be told of an OPC UA server.

A server with `read: subscription` gets a listener, and the poll beside it that confirms quiet values, as in our own
poller. The listener says of each value its `Quality`, which the sealer sorts; the poll sends nothing while a node is
bad. Telegraf encrypts, but does not judge whose certificate a server shows.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from tanji.errors import UsageError
from tanji.plant.model import OpcuaDevice, Plant, Point
from tanji.plant.telegraf_secrets import Secrets


@dataclass(frozen=True, slots=True)
class OpcuaPoint:
    """One node; `deadband` in its own unit, 0 where every change is told."""

    id: str
    namespace: str
    identifier_type: str
    identifier: str
    deadband: float


def inputs(
    plant: Plant, device: OpcuaDevice, points: Sequence[Point], *, period_s: float, secrets: Secrets
) -> list[dict[str, object]]:
    """What `opcua.conf.j2` needs for the inputs of one device and period."""
    if device.user_certificate is not None:
        raise UsageError(f"{device.id}.user_certificate: expected a user by name, or via: poller for its points")
    common: dict[str, object] = {
        "endpoint": device.endpoint,
        "security": security(plant, device, secrets),
        "points": [opcua_point(point, point.opcua) for point in points if point.opcua],
        "source_times": device.times == "source",
        "timeout_s": device.timeout_s,
    }
    if device.read == "poll":
        return [common | {"plugin": "opcua", "interval_s": period_s}]
    return [
        common | {"plugin": "opcua_listener", "interval_s": period_s, "source_times": True},
        common | {"plugin": "opcua", "interval_s": device.audit_s, "source_times": False},
    ]


def security(plant: Plant, device: OpcuaDevice, secrets: Secrets) -> list[str]:
    """The TOML lines that say how to be let in."""
    if device.security == "none":
        return [
            'security_policy = "None"',
            'security_mode = "None"',
            'auth_method = "Anonymous"',
            "## Without these Telegraf looks for a certificate in /etc/telegraf at every connection.",
            'certificate = ""',
            'private_key = ""',
        ]
    own = PurePosixPath(plant.services.opcua.pki) / "own"
    lines = [
        'security_policy = "Basic256Sha256"',
        'security_mode = "SignAndEncrypt"',
        f"certificate = {json.dumps(str(own / 'tanji.crt'), ensure_ascii=False)}",
        f"private_key = {json.dumps(str(own / 'tanji.pem'), ensure_ascii=False)}",
    ]
    if device.user is None or device.password_file is None:
        return [*lines, 'auth_method = "Anonymous"']
    password = secrets.reference(device.password_file, key=f"{device.id}.password_file")
    return [
        *lines,
        'auth_method = "UserName"',
        f"username = {json.dumps(device.user, ensure_ascii=False)}",
        f'password = "{password}"',
    ]


def opcua_point(point: Point, node_id: str) -> OpcuaPoint:
    """Split `ns=2;s=Kiln1.CO2`; a node id without `ns=` is in namespace 0 (OPC 10000-6, 5.3.1.10)."""
    namespace, rest = "0", node_id
    if node_id.startswith("ns="):
        namespace, _, rest = node_id.removeprefix("ns=").partition(";")
    kind, separator, identifier = rest.partition("=")
    if not separator or kind not in ("i", "s", "g", "b") or not namespace.isdecimal():
        raise UsageError(f"{point.id}: expected an OPC UA node id such as ns=2;s=Kiln1.CO2, got {node_id}")
    deadband = 0.0 if point.deadband is None else point.deadband / abs(point.scale)
    return OpcuaPoint(point.id, namespace, kind, identifier, deadband)
