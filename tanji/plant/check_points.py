"""Checks of points: where they lie in their devices, and what their numbers can be.

Two points over one register are the commonest slip of a copied row and give plausible, wrong tonnes; so does a
counter whose rollover is not told. Register rules are those of the codecs in `tanji.acquisition.registers`; units are
`tanji.plant.check_units`.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from tanji.errors import Finding
from tanji.plant import check_units
from tanji.plant.document import KeyPath
from tanji.plant.model import ModbusLine, OpcuaDevice, Point, Register
from tanji.plant.wiring import Wiring

WORDS = {
    "int32": 2, "uint32": 2, "float32": 2, "bcd32": 2,
    "int64": 4, "uint64": 4, "float64": 4, "bcd64": 4,
}  # fmt: skip
"""Registers a value takes; every other type takes one."""

BIT_TABLES = ("coil", "discrete")

LARGEST_EXACT = 2**53
"""A reading is a float64, so larger counts are not exact (DESIGN section 3)."""

CAPACITY = {
    "bool": 2,
    "int16": 2**15,
    "uint16": 2**16,
    "int32": 2**31,
    "uint32": 2**32,
    "int64": LARGEST_EXACT,
    "uint64": LARGEST_EXACT,
    "float16": 2**11,
    "float32": 2**24,
    "float64": LARGEST_EXACT,
    "bcd16": 10**4,
    "bcd32": 10**8,
    "bcd64": LARGEST_EXACT,
}
"""Counts a register type can tell apart; a counter wraps there or before."""

_NODE_ID = re.compile(r"^(ns=\d{1,5};|nsu=[^;]+;)?(i=\d+|s=.+|g=[0-9a-fA-F-]{36}|b=.+)$", re.DOTALL)
"""OPC 10000-6 section 5.3.1.10, the text form of a NodeId."""


def check(wiring: Wiring) -> Iterator[Finding]:
    """Every fault of the points."""
    for position, point in wiring.points.items():
        path = ("points", position)
        yield from wiring.unknown((*path, "meter"), "meters", point.meter)
        yield from _address(wiring, path, point)
        yield from _numbers(wiring, path, point)
        yield from _counter(wiring, path, point)
        yield from check_units.suits(wiring, (*path, "unit"), point)
    yield from _register_overlaps(wiring)
    yield from _node_repeats(wiring)


def state(wiring: Wiring, path: KeyPath, id: str) -> Iterator[Finding]:
    """What says whether something runs is a point, of kind state."""
    yield from wiring.unknown(path, "points", id)
    point = wiring.point(id)
    if point is not None and point.kind != "state":
        yield wiring.finding(path, "a point of kind state", f'"{id}", of kind {point.kind}')


def _address(wiring: Wiring, path: KeyPath, point: Point) -> Iterator[Finding]:
    device = wiring.device_of(point)
    if point.modbus is not None and point.opcua is not None:
        yield wiring.finding((*path, "opcua"), "either modbus or opcua", "both")
    elif isinstance(device, ModbusLine) and point.modbus is None and point.quantity is None:
        expected = f"a modbus register, since meter {point.meter} is on the {device.protocol} device {device.id}"
        yield wiring.finding((*path, "modbus"), expected, "nothing" if point.opcua is None else "only an opcua node")
    elif isinstance(device, OpcuaDevice) and point.opcua is None:
        expected = f"an opcua node, since meter {point.meter} is on the opcua device {device.id}"
        got = "nothing" if point.modbus is None else "only a modbus register"
        yield wiring.finding((*path, "opcua"), expected, got)
    if point.modbus is not None:
        yield from _register(wiring, path, point.modbus)
    if point.opcua is not None and not _NODE_ID.match(point.opcua):
        yield wiring.finding((*path, "opcua"), "a node id like ns=2;s=Kiln1.CO2 or ns=2;i=1001", f'"{point.opcua}"')


def _register(wiring: Wiring, path: KeyPath, register: Register) -> Iterator[Finding]:
    if register.table in BIT_TABLES:
        if register.type != "bool":
            got = f"{register.type}" if "type" in register.model_fields_set else "nothing, which means uint16"
            yield wiring.finding((*path, "modbus", "type"), f"bool, since the table is {register.table}", got)
        for key in ("bit", "mask"):
            if (part := getattr(register, key)) is not None:
                got = f"{key} {part} in table {register.table}"
                yield wiring.finding((*path, "modbus", key), f"a {key} of a holding or input register only", got)
        return
    last = 65536 - _words(register)
    if register.address > last:
        expected = f"an address of at most {last}, since {register.type} takes {_words(register)} registers"
        yield wiring.finding((*path, "modbus", "address"), expected, str(register.address))
    if register.bit is not None and _words(register) > 1:
        expected = "a bit only with type bool, uint16 or int16"
        yield wiring.finding((*path, "modbus", "bit"), expected, f"bit {register.bit} of a {register.type}")
    if register.mask is not None:
        yield from _mask(wiring, (*path, "modbus", "mask"), register, register.mask)


def _mask(wiring: Wiring, path: KeyPath, register: Register, mask: int) -> Iterator[Finding]:
    if register.bit is not None:
        yield wiring.finding(path, "either bit or mask", "both")
    elif register.type not in ("uint16", "uint32"):
        yield wiring.finding(path, "a mask only with type uint16 or uint32", f"mask {mask:#x} of a {register.type}")
    elif mask >= 1 << 16 * _words(register):
        yield wiring.finding(path, f"bits of a {register.type}", f"{mask:#x}")


def _words(register: Register) -> int:
    return 1 if register.table in BIT_TABLES else WORDS.get(register.type, 1)


def _numbers(wiring: Wiring, path: KeyPath, point: Point) -> Iterator[Finding]:
    if point.scale == 0:
        yield wiring.finding((*path, "scale"), "a scale other than 0, which would make every reading the same", "0")
    low, high = point.limits.low, point.limits.high
    if low is not None and high is not None and low >= high:
        yield wiring.finding((*path, "limits", "low"), f"a low limit below the high limit, {high:g}", f"{low:g}")


def _counter(wiring: Wiring, path: KeyPath, point: Point) -> Iterator[Finding]:
    if point.kind != "counter":
        for key in ("rollover", "rated_per_h"):
            if getattr(point, key) is not None:
                expected = f"no {key}, since the kind is {point.kind} and not counter"
                yield wiring.finding((*path, key), expected, f"{getattr(point, key):.16g}")
        return
    if point.scale < 0:
        yield wiring.finding((*path, "scale"), "a scale above 0, since a counter counts up", f"{point.scale:g}")
    if point.rollover is None:
        expected = "the count at which the counter starts again from 0, like 100000000 or 4294967296"
        yield wiring.finding((*path, "rollover"), expected, "nothing")
    elif point.modbus is not None and point.rollover > CAPACITY[point.modbus.type]:
        expected = f"at most {CAPACITY[point.modbus.type]}, the most a {point.modbus.type} register can tell apart"
        yield wiring.finding((*path, "rollover"), expected, str(point.rollover))


def _register_overlaps(wiring: Wiring) -> Iterator[Finding]:
    """Points over the same registers of one unit id; several bits of one word are no overlap."""
    tables: dict[tuple[str, int, str], list[tuple[int, int, Register]]] = defaultdict(list)
    for position, point in wiring.points.items():
        meter, register = wiring.meter(point.meter), point.modbus
        if meter is not None and register is not None:
            key = (meter.device, meter.unit_id, register.table)
            tables[key].append((register.address, position, register))
    for (device, unit_id, table), entries in tables.items():
        entries.sort(key=lambda entry: entry[:2])
        for earlier, later in _overlaps(entries):
            here, there = max(earlier[1], later[1]), min(earlier[1], later[1])
            register = wiring.points[here].modbus
            assert register is not None
            first, last = register.address, register.address + _words(register) - 1
            span = f"{table} {first}" if first == last else f"{table} {first} to {last}"
            other = wiring.points[there].id
            where = wiring.document.where(("points", there, "modbus", "address"))
            expected = f"registers of its own on {device} unit {unit_id}"
            got = f"{span}, which {other} also reads ({where})"
            yield wiring.finding(("points", here, "modbus", "address"), expected, got)


Entry = tuple[int, int, Register]


def _overlaps(entries: list[Entry]) -> Iterator[tuple[Entry, Entry]]:
    """Each entry that begins before another one ends, with that other; entries are sorted by address."""
    open_entries: list[Entry] = []
    for entry in entries:
        open_entries = [other for other in open_entries if entry[0] < other[0] + _words(other[2])]
        twin = next((other for other in open_entries if not _apart(entry, other)), None)
        if twin is not None:
            yield twin, entry
        open_entries.append(entry)


def _apart(entry: Entry, other: Entry) -> bool:
    """Whether two points over one word take different bits of it."""
    one, two = _bits(entry[2]), _bits(other[2])
    same = entry[0] == other[0] and _words(entry[2]) == _words(other[2])
    return same and one is not None and two is not None and not one & two


def _bits(register: Register) -> int | None:
    """The bits of a word that a point takes; None: all of them."""
    return register.mask if register.bit is None else 1 << register.bit


def _node_repeats(wiring: Wiring) -> Iterator[Finding]:
    seen: dict[tuple[str, str], int] = {}
    for position, point in wiring.points.items():
        meter = wiring.meter(point.meter)
        if meter is None or point.opcua is None:
            continue
        first = seen.setdefault((meter.device, point.opcua), position)
        if first != position:
            where = wiring.document.where(("points", first, "opcua"))
            got = f'"{point.opcua}", which {wiring.points[first].id} also reads ({where})'
            yield wiring.finding(("points", position, "opcua"), f"a node of its own on {meter.device}", got)
