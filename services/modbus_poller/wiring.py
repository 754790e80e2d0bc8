"""From the plant file to what one Modbus line needs: its address, its points, its limits, its serial numbers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from services.modbus_poller.identity import SerialNumber
from services.modbus_poller.line import TcpAddress
from services.modbus_poller.request import PolledPoint
from services.modbus_poller.serial_port import SerialAddress
from tanji.acquisition.blocks import Forbidden, PlanLimits
from tanji.acquisition.modbus_frames import Question
from tanji.acquisition.registers import RegisterLayout
from tanji.plant.model import ModbusLine, ModbusSerialDevice, Plant, Point, Register, SerialRegister


def address_of(device: ModbusLine, addresses: Mapping[str, tuple[str, int]]) -> TcpAddress | SerialAddress:
    """Where a device answers; `addresses` has host and port of those that are not where the plant file says."""
    if isinstance(device, ModbusSerialDevice):
        if device.id not in addresses:
            return SerialAddress(device.serial_port, device.baud, device.parity, device.stop_bits)
        host, port = addresses[device.id]
        return TcpAddress(host, port, rtu=True)
    host, port = addresses.get(device.id, (device.host, device.port))
    return TcpAddress(host, port, rtu=device.protocol == "modbus_rtu_tcp")


def layout_of(register: Register, *, unit_id: int) -> RegisterLayout:
    """The codec's description of a register of the plant file."""
    return RegisterLayout(
        table=register.table,
        address=register.address,
        type=register.type,
        order=register.order,
        bit=register.bit,
        unit_id=unit_id,
        mask=register.mask,
        invalid=register.invalid,
    )


def polled_points(plant: Plant) -> list[tuple[ModbusLine, list[PolledPoint]]]:
    """What the poller reads of each Modbus device that it reads anything of."""
    points: dict[str, list[PolledPoint]] = defaultdict(list)
    for point in plant.points:
        if point.via == "poller" and point.modbus is not None:
            points[plant.device_of(point).id].append(_polled(plant, point, point.modbus))
    return [
        (device, points[device.id])
        for device in plant.devices
        if isinstance(device, ModbusLine) and points.get(device.id)
    ]


def _polled(plant: Plant, point: Point, register: Register) -> PolledPoint:
    counter = point.kind == "counter"  # stored as the unscaled register count
    return PolledPoint(
        id=point.id,
        layout=layout_of(register, unit_id=plant.meters_by_id[point.meter].unit_id),
        period_ms=max(1, round(plant.period_s(point) * 1000)),
        scale=1.0 if counter else point.scale,
        offset=0.0 if counter else point.offset,
    )


def limits_of(plant: Plant, device: ModbusLine) -> dict[int, PlanLimits]:
    """The limits of each unit id: the line's, made narrower by those of the meters that answer under it."""
    limits: dict[int, PlanLimits] = {}
    for meter in plant.meters:
        if meter.device != device.id:
            continue
        rules = [device, *([meter.requests] if meter.requests is not None else [])]
        known = limits.get(meter.unit_id, PlanLimits(max_gap=device.max_gap))
        limits[meter.unit_id] = PlanLimits(
            max_registers=min(known.max_registers, *(rule.max_registers for rule in rules)),
            max_gap=min(known.max_gap, *(rule.max_gap for rule in rules)),
            splits=known.splits + tuple((place.table, place.address) for rule in rules for place in rule.split_at),
            forbidden=known.forbidden
            + tuple(Forbidden(span.table, span.first, span.last) for rule in rules for span in rule.forbidden),
            alone=known.alone or any(rule.one_point_per_request for rule in rules),
        )
    return limits


def serials_of(plant: Plant, device: ModbusLine) -> list[SerialNumber]:
    """Where the meters on a device keep their serial numbers."""
    return [
        _serial(meter.id, meter.unit_id, meter.serial_register, meter.serial)
        for meter in plant.meters
        if meter.device == device.id and meter.serial_register is not None
    ]


def _serial(meter: str, unit_id: int, register: SerialRegister, expected: str) -> SerialNumber:
    swapped = register.order in ("BADC", "DCBA")
    if register.type == "string":
        question = Question(unit_id, register.table, register.address, register.words)
        return SerialNumber(meter, question, swapped=swapped, expected=expected)
    layout = RegisterLayout(register.table, register.address, register.type, register.order, unit_id=unit_id)
    question = Question(unit_id, register.table, register.address, layout.width)
    return SerialNumber(meter, question, layout, expected=expected)
