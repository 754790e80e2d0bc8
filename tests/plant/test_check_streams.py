"""Streams: kinds, units that add up, fuels, methods and stacks (standard.md sections 2 to 6 and 11)."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from tanji.domain import units
from tanji.domain.items import Method, StreamKind
from tanji.errors import Finding
from tanji.plant.check_factors import LABORATORY, METHODS, NEEDS
from tanji.plant.check_units import AMOUNT_OF, FLUE_GAS_DIMENSIONS, SUITABLE

ROOT = Path(__file__).parents[2]
Found = Callable[..., tuple[Finding, ...]]
GRID = "    boundaries: [enterprise]\n    points: [grid.energy]\n"
STACK_POINTS = {
    "co2": ("concentration", "%"), "velocity": ("condition", "m/s"), "temperature": ("condition", "degC"),
    "pressure": ("condition", "kPa"), "humidity": ("condition", "%"), "oxygen": ("concentration", "%"),
}  # fmt: skip


def _keys(findings: tuple[Finding, ...]) -> list[str]:
    return [finding.key for finding in findings]


def _coal(found: Found, *lines: str, unit: str = "t/h", fuel: str = "bituminous_coal") -> tuple[Finding, ...]:
    more = "".join(f"    {line}\n" for line in lines)
    return found(("unit: t/h", f"unit: {unit}"), ("    fuel: bituminous_coal\n", f"    fuel: {fuel}\n{more}"))


def _stack(found: Found, **changed: tuple[str, str]) -> tuple[Finding, ...]:
    rows = "".join(
        f"  - {{id: stack.{key}, name: {{zh: 烟气, en: Stack}}, meter: dcs, kind: {kind}, unit: '{unit}', "
        f"modbus: {{address: {100 + number}}}}}\n"
        for number, (key, (kind, unit)) in enumerate((STACK_POINTS | changed).items())
    )
    named = ", ".join(f"{key}: stack.{key}" for key in STACK_POINTS)
    stream = (
        "streams:\n  - {id: kiln1.stack, name: {zh: 烟囱, en: Stack}, kind: flue_gas, line: line1, boundaries: [], "
        f"method: flue_gas_direct, flue_gas: {{{named}, area_m2: 12.5}}}}\n"
    )
    return found(("streams:\n", rows + stream))


def test_a_stack_of_the_right_points_is_fine(found: Found) -> None:
    assert _stack(found) == ()


def test_a_point_of_the_stack_measures_what_its_key_says(found: Found) -> None:
    findings = _stack(found, co2=("condition", "%"), velocity=("condition", "kPa"), oxygen=("concentration", "mg/Nm3"))
    assert _keys(findings) == [f"streams[kiln1.stack].flue_gas.{key}" for key in ("co2", "velocity", "oxygen")]


def test_oil_may_be_metered_by_volume_and_gas_only_so(found: Found) -> None:
    assert _coal(found, fuel="diesel") == ()
    assert _coal(found, fuel="diesel", unit="L/h") == ()
    assert _coal(found, fuel="natural_gas", unit="Nm3/h") == ()
    assert _keys(_coal(found, fuel="natural_gas")) == ["streams[kiln1.coal].points[#1]"]
    assert _keys(_coal(found, unit="m3/h")) == ["streams[kiln1.coal].points[#1]"]
    assert _keys(_coal(found, unit="m3/h", fuel="fuel_oil")) == ["streams[kiln1.coal].points[#1]"], "no density known"


def test_points_of_a_stream_are_summed_so_they_measure_the_same(found: Found) -> None:
    second = (
        "streams:\n",
        "  - {id: oil, name: {zh: 油, en: Oil}, meter: dcs, kind: rate, unit: L/h, modbus: {address: 9}}\nstreams:\n",
    )
    findings = found(
        second, ("fuel: bituminous_coal", "fuel: diesel"), ("[kiln1.coal.mass_flow]", "[kiln1.coal.mass_flow, oil]")
    )
    assert _keys(findings) == ["streams[kiln1.coal].points[#2]"]
    assert 'like "kiln1.coal.mass_flow", since they are summed' in findings[0].expected


def test_power_and_energy_both_make_electricity(found: Found) -> None:
    assert (
        found(
            ("unit: kWh", "unit: kW"),
            ("kind: counter\n    unit: kW", "kind: rate\n    unit: kW"),
            ("    rollover: 100000000\n", ""),
        )
        == ()
    )


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ([("kind: electricity_purchased", "kind: alternative_fuel")], "fuel"),
        ([(GRID, GRID + "    fuel: diesel\n")], "fuel"),
        ([(GRID, GRID + "    method: heat_content\n")], "method"),
        ([(GRID, GRID + "    laboratory: [moisture]\n")], "laboratory[#1]"),
        ([("boundaries: [enterprise]", "boundaries: []")], "boundaries"),
        ([("boundaries: [enterprise]", "boundaries: [enterprise, enterprise]")], "boundaries"),
        ([(GRID, GRID + "    running: grid.energy\n")], "running"),
        ([(GRID, GRID + "    subtract: [grid.energy]\n")], "subtract[#1]"),
        ([(GRID, "    boundaries: [enterprise]\n    subtract: [grid.energy]\n")], "points"),
    ],
)
def test_what_a_kind_of_stream_cannot_have(found: Found, changes: list[tuple[str, str]], key: str) -> None:
    assert f"streams[grid].{key}" in _keys(found(*changes))


def test_a_method_needs_its_factors_or_the_laboratory(found: Found) -> None:
    assert _keys(_coal(found, "method: measured_carbon")) == ["streams[kiln1.coal].laboratory"]
    assert _coal(found, "method: measured_carbon", "laboratory: [carbon_as_received]") == ()
    assert _coal(found, "method: heat_content") == ()


def test_waste_known_by_its_energy_shares_needs_the_method_of_energy_shares(found: Found) -> None:
    kind = ("    kind: fossil_fuel\n", "    kind: alternative_fuel\n")
    (finding,) = found(kind, ("fuel: bituminous_coal", "fuel: domestic_waste"))
    assert finding.got == "none, with method non_biomass_carbon, which is the default"
    method = "fuel: domestic_waste\n    method: non_biomass_energy"
    assert found(kind, ("fuel: bituminous_coal", method)) == ()


def test_a_substitute_material_takes_its_deduction_from_the_library(found: Found) -> None:
    kind = ("    kind: fossil_fuel\n", "    kind: substitute_material\n")
    assert found(kind, ("fuel: bituminous_coal", "fuel: carbide_slag")) == ()
    assert _keys(found(kind)) == ["streams[kiln1.coal].fuel"]


def test_laboratory_parameters_are_those_of_the_ledger() -> None:
    ledger = tomllib.loads((ROOT / "tanji/ledger/parameters.toml").read_text(encoding="utf-8"))["parameters"]
    assert {name for names in LABORATORY.values() for name in names} == set(ledger) - {"amount"}


def test_the_tables_speak_only_of_what_exists() -> None:
    dimensions = {conversion.dimension for conversion in units.CONVERSIONS.values()}
    named = {name for names in SUITABLE.values() for name in names} | set(AMOUNT_OF) | set(AMOUNT_OF.values())
    assert named | {dimension for _, dimension, _ in FLUE_GAS_DIMENSIONS.values()} <= dimensions
    assert all(
        units.conversion(example).dimension == dimension for _, dimension, example in FLUE_GAS_DIMENSIONS.values()
    )
    elsewhere = {Method.GRID_FACTOR, Method.HEAT_FACTOR, Method.WASTE_CARBON, Method.PARTLY_CALCINED_DUST}
    elsewhere.add(Method.MONTH_FLOOR)
    assert {method for methods in METHODS.values() for method in methods} | elsewhere == set(Method)
    assert set(NEEDS) == {*METHODS[StreamKind.FOSSIL_FUEL], *METHODS[StreamKind.ALTERNATIVE_FUEL]}


@pytest.mark.parametrize("kind", ["kiln_dust", "bypass_dust"])
def test_dust_belongs_to_a_line_whose_clinker_gives_its_oxides(found: Found, kind: str) -> None:
    """F4 and F9 take the oxides of the clinker; dust of no line would have no figure at all."""
    dust = f"streams:\n  - {{id: dust, name: {{zh: 灰, en: Dust}}, kind: {kind}, ledger: true, boundaries: [enterprise]"
    (finding,) = found(("streams:\n", f"{dust}}}\n"))
    assert finding.key == "streams[dust].line" and "line1" in finding.expected and finding.got == "nothing"
    assert found(("streams:\n", f"{dust}, line: line1}}\n")) == ()
