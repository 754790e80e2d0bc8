"""The point map: what every point id means, as the file whose digest each sealed batch names (R33, R36).

One line a point, sorted by id: `<point_id> <kind> <meter> <json>`; the JSON has sorted keys, no blanks, and text only,
so that no two programs spell a number in two ways. It ties an id to the register that is read, to scale and unit, and
to the meter with its serial number and certificate: without it a payload line is a number without a meaning. It is
made from the plant model alone; that two people approved it is said by `tanji.trust.plant_note`.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from tanji.plant.digest import canonical
from tanji.plant.model import Certificate, Hj212Device, ModbusDevice, ModbusSerialDevice, OpcuaDevice, Plant, Point


@dataclass(frozen=True, slots=True)
class Described:
    """Both files that a plant note names: the point map, and the plant file as canonical JSON of the model."""

    point_map: bytes
    plant_file: bytes

    @property
    def lines(self) -> int:
        """Lines of the point map."""
        return self.point_map.count(b"\n")

    @property
    def point_map_digest(self) -> bytes:
        """SHA-256, as batch notes have it."""
        return hashlib.sha256(self.point_map).digest()

    @property
    def plant_file_digest(self) -> bytes:
        """SHA-256 of the canonical JSON: what `tanji plant check` prints as the plant's digest."""
        return hashlib.sha256(self.plant_file).digest()


def described(plant: Plant) -> Described:
    """Point map and plant file of a plant."""
    return Described(point_map(plant), canonical(plant))


def point_map(plant: Plant) -> bytes:
    """The point map of a plant, lines sorted bytewise."""
    return b"".join(sorted(_line(plant, point) for point in plant.points))


def _line(plant: Plant, point: Point) -> bytes:
    meter = plant.meters_by_id[point.meter]
    told = {
        "unit": point.unit,
        "scale": _number(point.scale),
        "offset": _number(point.offset),
        "rollover": "" if point.rollover is None else str(point.rollover),
        "period_s": _number(plant.period_s(point)),
        "via": point.via,
        "device": meter.device,
        "at": _device_address(plant, point),
        "address": _point_address(plant, point),
        "meter_kind": meter.kind,
        "meter_model": meter.model,
        "meter_serial": meter.serial,
        "accuracy_class": meter.accuracy_class or "",
        **_certificate(meter.certificate),
    }
    known = {key: value for key, value in told.items() if value}
    text = json.dumps(known, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return f"{point.id} {point.kind} {point.meter} {text}\n".encode()


def _certificate(certificate: Certificate | None) -> dict[str, str]:
    if certificate is None:
        return {}
    expanded = certificate.expanded_uncertainty
    return {
        "certificate": certificate.number,
        "certificate_due": certificate.due,
        "certificate_issuer": certificate.issuer,
        "certificate_uncertainty": "" if expanded is None else _number(expanded),
        "certificate_k": "" if expanded is None else _number(certificate.coverage_factor),
    }


def _device_address(plant: Plant, point: Point) -> str:
    device = plant.device_of(point)
    if isinstance(device, ModbusSerialDevice):
        return f"{device.protocol} {device.serial_port}"
    if isinstance(device, OpcuaDevice):
        return f"{device.protocol} {device.endpoint}"
    if isinstance(device, Hj212Device):
        return f"{device.protocol} {device.mn}"
    assert isinstance(device, ModbusDevice)
    return f"{device.protocol} {device.host}:{device.port}"


def _point_address(plant: Plant, point: Point) -> str:
    if point.opcua is not None:
        return point.opcua
    if point.hj212 is not None:
        return f"{point.hj212.code} {point.hj212.kind}"
    register = point.modbus
    if register is None:
        return ""
    parts = [f"unit {plant.meters_by_id[point.meter].unit_id}", f"{register.table} {register.address}", register.type]
    parts += [register.order] if register.order != "ABCD" else []
    parts += [] if register.bit is None else [f"bit {register.bit}"]
    parts += [] if register.mask is None else [f"mask {register.mask:#x}"]
    return " ".join(parts)


def _number(value: float) -> str:
    """The shortest text that reads back as the same number; whole numbers without a point."""
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)
