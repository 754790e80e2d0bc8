"""What `inputs.modbus` of Telegraf 1.39 has to be told of a Modbus line: where it is, its framing, its workarounds.

Telegraf knows limits for a whole line only, so the narrowest of the meters on it hold. It has no forbidden registers
and no forced boundaries: then it reads no gaps, or one value a request.
"""

from __future__ import annotations

from tanji.plant.model import ModbusDevice, ModbusLine, ModbusSerialDevice, Plant, RequestLimits

PARITIES = {"none": "N", "even": "E", "odd": "O"}


def connection(device: ModbusLine) -> list[str]:
    """The TOML lines of the connection."""
    if isinstance(device, ModbusSerialDevice):
        return [
            f'controller = "file://{device.serial_port}"',
            f"baud_rate = {device.baud}",
            "data_bits = 8",
            f'parity = "{PARITIES[device.parity]}"',
            f"stop_bits = {device.stop_bits}",
            'transmission_mode = "RTU"',
        ]
    assert isinstance(device, ModbusDevice)
    lines = [f'controller = "tcp://{device.host}:{device.port}"']
    return [*lines, 'transmission_mode = "RTUoverTCP"'] if device.protocol == "modbus_rtu_tcp" else lines


def limits(plant: Plant, device: ModbusLine) -> list[RequestLimits]:
    """The limits of a line and of the meters on it."""
    own = [meter.requests for meter in plant.meters if meter.device == device.id and meter.requests is not None]
    return [device, *own]


def max_gap(plant: Plant, device: ModbusLine) -> int:
    """Unused registers a request may go over."""
    return min(0 if each.forbidden else each.max_gap for each in limits(plant, device))


def workarounds(plant: Plant, device: ModbusLine) -> list[str]:
    """The TOML lines of `[inputs.modbus.workarounds]`; none where the device needs none."""
    rules, found = limits(plant, device), []
    if (most := min(each.max_registers for each in rules)) < 125:
        found.append(f"max_word_registers_per_request = {most}")
    if any(each.one_point_per_request or each.split_at for each in rules):
        found.append("one_request_per_field = true")
    if device.pause_ms:
        found.append(f'pause_between_requests = "{device.pause_ms}ms"')
    if device.connect_pause_ms:
        found.append(f'pause_after_connect = "{device.connect_pause_ms}ms"')
    if device.disconnect_after_cycle:
        found.append("close_connection_after_gather = true")
    return found
