"""The section `trust`, and points of kind `parameter`: names, periods, and who leaves them alone."""

from __future__ import annotations

from pathlib import Path

from tanji.plant.load import load, parse
from tanji.plant.model import TrustSettings
from tanji.plant.schema import starter_text

ROOT = Path(__file__).parents[2]
SPAN = (
    "  - {id: kiln1.coal.span, name: {zh: 量程, en: Span}, meter: coal_scale, kind: parameter, unit: t/h,\n"
    "     modbus: {address: 20, type: float32}}\nstreams:\n"
)


def test_every_key_begins_with_the_origin_and_is_a_file_of_its_last_part() -> None:
    trust = TrustSettings(origin="plant1.example", gateway="gw-kiln1")
    assert trust.gateway_key == "plant1.example/gw-kiln1"
    assert trust.key_name("registrar-plant") == "plant1.example/registrar-plant"
    assert trust.key_file(Path("/data"), trust.gateway) == Path("/data/keys/gw-kiln1.key")
    assert trust.anchor_file(Path("/data")) == Path("/data/keys/anchor")


def test_a_plant_without_the_section_seals_nothing(minimal: str) -> None:
    assert parse(minimal).trust is None


def test_a_parameter_is_read_once_an_hour_and_is_no_metered_point(minimal: str) -> None:
    plant = parse(minimal.replace("streams:\n", SPAN, 1))
    span = plant.points_by_id["kiln1.coal.span"]
    assert plant.period_s(span) == 3600
    assert span not in plant.metered_points
    assert len(plant.metered_points) == len(plant.points) - 1


def test_a_device_is_not_silent_for_ten_hours_because_it_has_parameters(minimal: str) -> None:
    plant = parse(minimal.replace("streams:\n", SPAN, 1))
    assert plant.slowest_periods_s == {"gateway": 1.0}


def test_the_demonstration_reads_parameters_of_scales_meters_and_the_stack() -> None:
    plant = load(ROOT / "provisioning" / "plants" / "demo.yaml")
    assert plant.trust is not None and plant.trust.witnesses == ()
    kinds = {plant.meters_by_id[point.meter].kind for point in plant.points if point.kind == "parameter"}
    assert kinds >= {"belt_scale", "rotor_scale", "electricity_meter", "flow_meter", "gas_analyser"}


def test_the_trust_section_of_the_starter_file_is_the_default_when_taken_in() -> None:
    text = starter_text()
    begin, end = text.index("# trust:\n"), text.index("## Rule sets that are computed")
    block = "\n".join(line.removeprefix("# ") for line in text[begin:end].split("\n") if not line.startswith("## "))
    plain = parse(text)
    taken = parse(text[:begin] + block + text[end:])
    assert taken.trust == TrustSettings(origin="plant1.example", quorum=0)
    assert taken.model_copy(update={"trust": None}) == plain
