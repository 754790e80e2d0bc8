"""Registers, nodes and counters: overlaps in every form, and what is none."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tanji.errors import Finding

Found = Callable[..., tuple[Finding, ...]]
REGISTER = "    modbus: {address: 0, type: float32}\n"


def _point(number: int, register: str, *, meter: str = "coal_scale", kind: str = "rate", unit: str = "t/h") -> str:
    return (
        f"  - {{id: extra.p{number}, name: {{zh: 点, en: Point}}, meter: {meter}, kind: {kind}, unit: {unit}, "
        f"modbus: {{{register}}}}}\n"
    )


def _keys(findings: tuple[Finding, ...]) -> list[str]:
    return [finding.key for finding in findings]


@pytest.mark.parametrize(
    ("registers", "wrong"),
    [
        (["address: 2, type: uint16"], []),
        (["address: 1, type: uint16"], [1]),
        (["address: 0, type: uint16, table: input"], []),
        (["address: 10, type: uint64", "address: 13", "address: 14"], [2]),
        (["address: 13", "address: 10, type: uint64"], [2]),
        (["address: 10, type: uint64", "address: 11", "address: 12"], [2, 3]),
        (["address: 5, type: bool, bit: 0", "address: 5, type: bool, bit: 15"], []),
        (["address: 5, type: bool, bit: 7", "address: 5, type: bool, bit: 7"], [2]),
        (["address: 5, type: bool, bit: 7", "address: 5"], [2]),
        (["address: 5, type: uint32", "address: 6, type: bool, bit: 7"], [2]),
    ],
)
def test_points_over_the_same_registers_are_found(found: Found, registers: list[str], wrong: list[int]) -> None:
    rows = "".join(_point(number, register) for number, register in enumerate(registers, start=1))
    assert _keys(found(("streams:\n", f"{rows}streams:\n"))) == [f"points[extra.p{n}].modbus.address" for n in wrong]


def test_other_unit_ids_behind_the_gateway_have_registers_of_their_own(found: Found) -> None:
    assert found(("streams:\n", _point(1, "address: 0", meter="dcs") + "streams:\n")) == ()


def test_two_meters_with_one_unit_id_share_their_registers(found: Found) -> None:
    assert _keys(found(("unit_id: 3", "unit_id: 2"))) == ["points[kiln1.clinker.mass].modbus.address"]


def test_two_points_over_one_node_are_found(found: Found) -> None:
    findings = found(
        (
            "    protocol: modbus_tcp\n    host: 192.168.1.10\n",
            "    protocol: opcua\n    endpoint: opc.tcp://dcs:4840\n",
        ),
        ("modbus: {table: coil, address: 0, type: bool}", "opcua: ns=2;s=A"),
        (REGISTER, "    opcua: ns=2;s=B\n"),
        ("modbus: {address: 0, type: uint32}", "opcua: ns=2;s=A"),
        ("modbus: {address: 0, type: uint32}", "opcua: nsu=urn:plant;i=7"),
    )
    assert _keys(findings) == ["points[kiln1.clinker.mass].opcua"]


@pytest.mark.parametrize("node", ["Kiln1.CO2", "ns=2;Kiln1", "ns=x;s=a", "i=a", "s=", "g=1234"])
def test_node_ids_that_are_none(found: Found, node: str) -> None:
    findings = found(
        (
            "    protocol: modbus_tcp\n    host: 192.168.1.10\n",
            "    protocol: opcua\n    endpoint: opc.tcp://dcs:4840\n",
        ),
        ("modbus: {table: coil, address: 0, type: bool}", f"opcua: {node}"),
        (REGISTER, "    opcua: ns=2;s=B\n"),
        ("modbus: {address: 0, type: uint32}", "opcua: ns=2;s=C"),
        ("modbus: {address: 0, type: uint32}", "opcua: i=85"),
    )
    assert _keys(findings) == ["points[kiln1.running].opcua"]


@pytest.mark.parametrize(
    ("type", "most"),
    [("uint16", 2**16), ("int16", 2**15), ("uint32", 2**32), ("int32", 2**31), ("float32", 2**24), ("uint64", 2**53)],
)
def test_a_counter_cannot_count_beyond_its_register(found: Found, type: str, most: int) -> None:
    def findings(rollover: int) -> tuple[Finding, ...]:
        register = f"rollover: {rollover}\n    modbus: {{address: 0, type: {type}}}"
        return found(("rollover: 4294967296\n    modbus: {address: 0, type: uint32}", register))

    assert findings(most) == ()
    assert _keys(findings(most + 1)) == ["points[kiln1.clinker.mass].rollover"]


def test_a_counter_cannot_count_down(found: Found) -> None:
    assert _keys(found(("scale: 0.1", "scale: -0.1"))) == ["points[kiln1.clinker.mass].scale"]


def test_a_rate_of_electricity_may_run_backwards(found: Found) -> None:
    assert found(("unit: t/h", "unit: t/h\n    scale: -1")) == ()


def test_a_bit_of_a_coil_is_none(found: Found) -> None:
    assert _keys(found(("type: bool}", "type: bool, bit: 1}"))) == ["points[kiln1.running].modbus.bit"]
