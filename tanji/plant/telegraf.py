"""Render `telegraf.conf` from the plant model: the points marked `via: telegraf`, on their way to the sealer.

The readings leave Telegraf under the very series names the pollers use (`tanji.plant.names`), scaled as declared,
counters unscaled, so that one word in the plant file moves a point. The templates are in the folder `telegraf`; the
options follow Telegraf 1.39 (platform.md section 3). How the machine is goes along, and ends unsealed in the plant's
health bucket.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files

from jinja2 import Environment, FunctionLoader, StrictUndefined

from tanji.errors import UsageError
from tanji.plant import names, telegraf_modbus, telegraf_opcua
from tanji.plant.model import ModbusLine, OpcuaDevice, Plant, Point, Register, Services
from tanji.plant.telegraf_secrets import Secrets

BUFFER_S = 600
"""How long Telegraf keeps readings while the sealer is away [s]; the pollers keep as long."""

_SECRET = re.compile(r'  (password|token) = "@\{files\d+:\w+\}"')
"""The only lines that refer to a secret; Telegraf refuses to start where its file is missing."""

SMALLEST_BUFFER = 10_000
"""Telegraf's own default, and twice a batch."""


@dataclass(frozen=True, slots=True)
class ModbusPoint:
    """One register as `inputs.modbus` wants it; `field` is an inline table's content."""

    id: str
    unit_id: int
    order: str | None
    field: str


@dataclass(frozen=True, slots=True)
class Scaling:
    """value x factor + offset for the listed points, done by a processor."""

    factor: float
    offset: float
    points: tuple[str, ...]


def render(plant: Plant, *, sealer_url: str | None = None) -> str:
    """The whole `telegraf.conf` of a plant.

    sealer_url : str | None  Where the sealer listens; the plant file's own address by default.

    Errors: UsageError where a name holds a dollar sign, which Telegraf would take for a variable.
    """
    points = [point for point in plant.points if point.via == "telegraf"]
    services, secrets = plant.services, Secrets()
    environment = Environment(
        loader=FunctionLoader(template), undefined=StrictUndefined, keep_trailing_newline=True, autoescape=False
    )
    environment.filters |= {"toml": toml, "number": number}
    text = environment.get_template("telegraf.conf.j2").render(
        plant=plant.site.id,
        interval=seconds(min((plant.period_s(point) for point in points), default=1.0)),
        buffer_limit=max(SMALLEST_BUFFER, round(sum(BUFFER_S / plant.period_s(point) for point in points))),
        modbus=list(modbus_devices(plant, points)),
        opcua=list(opcua_devices(plant, points, secrets)),
        scalings=scalings(points),
        sealer=sealer_url or services.sealer_url,
        sealer_token=sealer_token(services, secrets),
        sealer_certificate=services.sealer.tls_certificate,
        bucket=names.raw_bucket(plant.site.id),
        host_interval=None if services.host_metrics_s is None else seconds(services.host_metrics_s),
        health_bucket=names.health_bucket(plant.site.id),
        stores=secrets.stores,
    )
    return refuse_variables(text)


def sealer_token(services: Services, secrets: Secrets) -> str | None:
    """What stands for the sealer's token; None where it asks for none."""
    file = services.sealer.token_file
    return None if file is None else secrets.reference(file, key="services.sealer.token_file")


def template(name: str) -> str:
    """Text of a template of the folder `telegraf`, from the sources or from an installed wheel."""
    return files("telegraf").joinpath(name).read_text(encoding="utf-8")


def by_device(plant: Plant, points: list[Point]) -> Iterator[tuple[str, float, list[Point]]]:
    """Device id, period [s] and points of every input plugin: one for each, or a slow device delays the others."""
    groups: dict[tuple[str, float], list[Point]] = defaultdict(list)
    for point in points:
        groups[plant.meters_by_id[point.meter].device, plant.period_s(point)].append(point)
    for (device, period_s), members in groups.items():
        yield device, period_s, members


def modbus_devices(plant: Plant, points: list[Point]) -> Iterator[dict[str, object]]:
    """What `modbus.conf.j2` needs for each input."""
    for device_id, period_s, members in by_device(plant, points):
        device = plant.devices_by_id[device_id]
        if isinstance(device, ModbusLine):
            yield {
                "id": device.id,
                "name": one_line(f"{device.name.zh} ({device.name.en})"),
                "interval": seconds(period_s),
                "timeout": seconds(device.timeout_s),
                "connection": telegraf_modbus.connection(device),
                "max_gap": telegraf_modbus.max_gap(plant, device),
                "workarounds": telegraf_modbus.workarounds(plant, device),
                "points": [modbus_point(plant, point, point.modbus) for point in members if point.modbus],
            }


def modbus_point(plant: Plant, point: Point, register: Register) -> ModbusPoint:
    """One register: scaled by Telegraf unless it is a counter, and a float whatever it was."""
    parts = [f'register = "{register.table}"', f"address = {register.address}", 'name = "value"']
    analogue = register.table in ("holding", "input")
    if analogue and register.type == "bool":
        parts += ['type = "BIT"', f"bit = {register.bit or 0}"]
    elif analogue:
        parts += [f'type = "{register.type.upper()}"', 'output = "FLOAT64"']
        if point.kind != "counter" and point.scale != 1.0:
            parts.append(f"scale = {number(point.scale)}")
    return ModbusPoint(
        id=point.id,
        unit_id=plant.meters_by_id[point.meter].unit_id,
        order=register.order if analogue and register.order != "ABCD" else None,
        field=", ".join(parts),
    )


def opcua_devices(plant: Plant, points: list[Point], secrets: Secrets) -> Iterator[dict[str, object]]:
    """What `opcua.conf.j2` needs for each input."""
    for device_id, period_s, members in by_device(plant, points):
        device = plant.devices_by_id[device_id]
        if isinstance(device, OpcuaDevice):
            name = one_line(f"{device.name.zh} ({device.name.en})")
            for entry in telegraf_opcua.inputs(plant, device, members, period_s=period_s, secrets=secrets):
                times = {key: seconds(float(str(entry.pop(f"{key}_s")))) for key in ("interval", "timeout")}
                yield entry | times | {"name": name}


def scalings(points: list[Point]) -> list[Scaling]:
    """What the inputs cannot do: an offset for Modbus, scale and offset for OPC UA. Counters stay as they are."""
    groups: dict[tuple[float, float], list[str]] = defaultdict(list)
    for point in points:
        # Telegraf scales registers itself, but neither single bits nor OPC UA nodes.
        scaled_by_input = point.modbus is not None and point.modbus.type != "bool"
        factor, offset = (1.0 if scaled_by_input else point.scale), point.offset
        if point.kind != "counter" and (factor, offset) != (1.0, 0.0):
            groups[factor, offset].append(point.id)
    return [Scaling(factor, offset, tuple(members)) for (factor, offset), members in groups.items()]


def refuse_variables(text: str) -> str:
    """The text, unless Telegraf would look for an environment variable or a secret in it."""
    for line_number, line in enumerate(text.splitlines(), start=1):
        if "$" in line or ("@{" in line and not _SECRET.fullmatch(line)):
            raise UsageError(f"telegraf.conf:{line_number}: expected no variable, got {line.strip()}")
    return text


def seconds(value: float) -> str:
    """A duration as Telegraf writes it; whole milliseconds."""
    milliseconds = round(value * 1000)
    return f"{milliseconds // 1000}s" if milliseconds % 1000 == 0 else f"{milliseconds}ms"


def number(value: float) -> str:
    """A TOML float: always with a point or an exponent, exact to the last digit."""
    return repr(float(value))


def one_line(text: str) -> str:
    """A name for a comment; a line break in it would end the comment."""
    return " ".join(text.split())


def toml(text: str) -> str:
    """A TOML basic string; JSON's escapes are a subset of TOML's."""
    return json.dumps(text, ensure_ascii=False)
