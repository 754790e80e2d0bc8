"""Checks across entries that the golden files do not show, and faults that are none."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tanji.errors import Finding

Found = Callable[..., tuple[Finding, ...]]
DEVICE = "    host: 192.168.1.10\n"
SCALE = '    accuracy_class: "1.0"\n'


@pytest.mark.parametrize("host", ["localhost", "gw-1.plant.local", "plc_3", "10.0.0.1", "fe80::1", "a"])
def test_hosts_that_can_be_called(found: Found, host: str) -> None:
    assert found(("192.168.1.10", f'"{host}"')) == ()


@pytest.mark.parametrize(
    "host", ["", " ", "10.0.0", "10.0.0.256", "http://10.0.0.1", "gw 1", "-gw", "gw.", "10.0.0.1:502"]
)
def test_hosts_that_cannot_be_called(found: Found, host: str) -> None:
    assert [finding.key for finding in found(("192.168.1.10", f'"{host}"'))] == ["devices[gateway].host"]


@pytest.mark.parametrize(
    "endpoint", ["opc.tcp://", "opc.tcp://10.0.0.300:4840", "opc.tcp://dcs:99999", "opc.tcp://d cs"]
)
def test_endpoints_that_cannot_be_called(found: Found, endpoint: str) -> None:
    device = f'{DEVICE}  - id: dcs\n    name: {{zh: 中控, en: DCS}}\n    protocol: opcua\n    endpoint: "{endpoint}"\n'
    assert [finding.key for finding in found((DEVICE, device))] == ["devices[dcs].endpoint"]


def test_two_devices_on_different_ports_of_one_host_are_two(found: Found) -> None:
    other = "  - id: g2\n    name: {zh: 二, en: Two}\n    protocol: modbus_tcp\n    host: 192.168.1.10\n    port: 503\n"
    assert found((DEVICE, DEVICE + other)) == ()


def test_a_line_cannot_take_the_name_of_the_site(found: Found) -> None:
    findings = found(("id: line1", "id: site"), ("line: line1", "line: site"), ("line: line1", "line: site"))
    assert [finding.key for finding in findings] == ["lines[site].id"]


def test_a_kiln_is_named_once(found: Found) -> None:
    line = (
        "devices:\n",
        "  - {id: line2, name: {zh: 二, en: Two}, capacity_t_per_day: 1, "
        "kiln: {id: kiln1, name: {zh: 二, en: Two}, running: kiln1.running}}\ndevices:\n",
    )
    assert [finding.key for finding in found(line)] == ["lines[line2].kiln.id"]


def test_ranges_and_certificates_of_meters_make_sense(found: Found) -> None:
    wrong = (
        "    range: {low: 10, high: 10, unit: t/hr}\n"
        "    certificate: {number: A, issued: 2026-05-01, due: 2026-04-30}\n"
    )
    assert [finding.key.removeprefix("meters[clinker_scale].") for finding in found((SCALE, SCALE + wrong))] == [
        "range.low",
        "range.unit",
        "certificate.due",
    ]
    right = (
        "    range: {low: 0, high: 10, unit: t/h}\n    certificate: {number: A, issued: 2026-05-01, due: 2027-04-30}\n"
    )
    assert found((SCALE, SCALE + right)) == ()


def test_rule_sets_are_named_once_and_at_least_once(found: Found) -> None:
    for listed in ("[]", "[gbt32151_8, gbt32151_8]"):
        (finding,) = found(("streams:\n", f"rulesets: {listed}\nstreams:\n"))
        assert finding.key == "rulesets"


def test_a_warning_comes_before_a_diagnosis(found: Found) -> None:
    (finding,) = found(("streams:\n", "cross_check: {warn: 0.2}\nstreams:\n"))
    assert (finding.key, finding.got) == ("cross_check.warn", "0.2 above diagnose 0.15")


def test_two_parts_cannot_listen_on_one_port(found: Found) -> None:
    (finding,) = found(("streams:\n", "services: {pages_port: 8186}\nstreams:\n"))
    assert finding.key == "services.pages_port"
    assert found(("streams:\n", "services: {pages_port: 0, sealer_port: 0}\nstreams:\n")) == (), "0 is any free port"
