"""telegraf.conf: golden cases, the names the pollers use, and nothing Telegraf would look up elsewhere (R23, R27)."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from tanji.errors import UsageError
from tanji.plant.load import load
from tanji.plant.model import Point
from tanji.plant.names import reading_series
from tanji.plant.telegraf import refuse_variables, render
from tanji.plant.telegraf_opcua import opcua_point

CASES = sorted((Path(__file__).parent / "testcases").iterdir())
SEALER = "http://sealer:8186"


def rendered(case: Path) -> dict[str, Any]:
    return tomllib.loads(render(load(case / "plant.yaml"), sealer_url=SEALER))


def series(configuration: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Series key of every reading -> the field or node it comes from, as Telegraf would build it."""
    found: dict[str, dict[str, Any]] = {}
    for device in configuration["inputs"].get("modbus", ()):
        assert set(device["tagexclude"]) == {"name", "slave_id"} and device["exclude_register_type_tag"] is True
        for metric in device["metric"]:
            (field,) = metric["fields"]
            tags = ",".join(f"{name}={metric['tags'][name]}" for name in sorted(metric["tags"]))
            found[f"{metric['measurement']},{tags}"] = field | {"slave_id": metric["slave_id"]}
            assert field["name"] == "value"
    listeners = configuration["inputs"].get("opcua_listener", ())
    for device in [*configuration["inputs"].get("opcua", ()), *listeners]:
        fields = ["value", "Quality"] if device in listeners else ["value"]
        assert device["tagexclude"] == ["id"] and device["fieldinclude"] == fields
        for node in device["nodes"]:
            tags = ",".join(f"{name}={node['default_tags'][name]}" for name in sorted(node["default_tags"]))
            found[f"{device['name']},{tags}"] = node
            assert node["name"] == "value"
    return found


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_golden_case_renders_as_committed(case: Path) -> None:
    expected = (case / "telegraf.conf").read_text(encoding="utf-8")
    assert render(load(case / "plant.yaml"), sealer_url=SEALER) == expected


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_readings_carry_the_series_names_of_the_pollers(case: Path) -> None:
    plant = load(case / "plant.yaml")
    wanted = {reading_series(plant.site.id, point.id) for point in plant.points if point.via == "telegraf"}
    assert series(rendered(case)).keys() == wanted


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_only_way_out_for_readings_is_the_sealer(case: Path) -> None:
    configuration = rendered(case)
    readings, health = configuration["outputs"]["influxdb_v2"]
    assert all(each["urls"] == [SEALER] and each["content_encoding"] == "gzip" for each in (readings, health))
    assert readings["namepass"] == ["reading"] == health["namedrop"], "a buffer each, or metrics displace readings"
    assert configuration["agent"]["precision"] == "1ms" and configuration["agent"]["omit_hostname"] is True
    assert configuration["agent"]["skip_processors_after_aggregators"] is True
    assert "global_tags" not in configuration


def test_a_word_in_the_plant_file_moves_a_point() -> None:
    plant = load(CASES[0] / "plant.yaml")
    moved = plant.model_copy(
        update={
            "points": tuple(
                point.model_copy(update={"via": "telegraf" if point.id == "kiln1.feed" else "poller"})
                for point in plant.points
            )
        }
    )
    found = series(tomllib.loads(render(moved)))
    assert list(found) == ["reading,plant=hx01,point=kiln1.feed"]


def test_counters_stay_unscaled_and_everything_else_is_scaled_once() -> None:
    configuration = rendered(next(case for case in CASES if case.name == "modbus"))
    found = {key.rpartition("=")[2]: field for key, field in series(configuration).items()}
    assert "scale" not in found["kiln1.coal.total"]
    assert found["kiln1.coal.mass_flow"]["scale"] == 0.01
    assert found["kiln1.coal.temperature"]["scale"] == 0.1
    (scaling,) = configuration["processors"]["scale"]
    # The scale is applied by the input, so the processor adds the offset only: 0.1 x raw - 40.
    assert scaling["tagpass"] == {"point": ["kiln1.coal.temperature"]}
    assert (scaling["scaling"][0]["factor"], scaling["scaling"][0]["offset"]) == (1.0, -40.0)


def test_opcua_scales_in_a_processor_and_leaves_counters_alone() -> None:
    configuration = rendered(next(case for case in CASES if case.name == "opcua"))
    (scaling,) = configuration["processors"]["scale"]
    assert scaling["tagpass"] == {"point": ["line1.flue.temperature"]}
    assert (scaling["scaling"][0]["factor"], scaling["scaling"][0]["offset"]) == (0.5, -10.0)


def test_every_value_leaves_as_a_float() -> None:
    for case in CASES:
        converter = rendered(case)["processors"]["converter"][0]
        assert converter["fields"] == {"float": ["value"]} and converter["namepass"] == ["reading"]


def test_devices_and_periods_have_an_input_each() -> None:
    inputs = rendered(next(case for case in CASES if case.name == "modbus"))["inputs"]["modbus"]
    assert [entry["interval"] for entry in inputs] == ["1s", "10s"]
    assert {entry["controller"] for entry in inputs} == {"tcp://192.0.2.10:1502"}
    assert all(entry["workarounds"]["max_word_registers_per_request"] == 64 for entry in inputs)


@pytest.mark.parametrize(
    ("node", "parts"),
    [
        ("ns=2;s=Kiln1.CO2", ("2", "s", "Kiln1.CO2")),
        ("ns=3;i=1007", ("3", "i", "1007")),
        ("i=2258", ("0", "i", "2258")),
        ("ns=2;s=a=b;c", ("2", "s", "a=b;c")),
    ],
)
def test_node_ids_are_split(node: str, parts: tuple[str, str, str]) -> None:
    point = opcua_point(some_point("p"), node)
    assert (point.namespace, point.identifier_type, point.identifier) == parts


@pytest.mark.parametrize("node", ["Kiln1.CO2", "ns=x;s=a", "ns=2;t=a", "ns=2"])
def test_a_node_id_that_is_none_is_named(node: str) -> None:
    with pytest.raises(UsageError, match="expected an OPC UA node id"):
        opcua_point(some_point("kiln1.co2"), node)


def some_point(id: str) -> Point:
    return Point.model_validate(
        {"id": id, "name": {"zh": "点", "en": "point"}, "meter": "m", "kind": "rate", "unit": "t/h"}
    )


def test_a_secured_server_names_files_and_no_secret() -> None:
    configuration = rendered(next(case for case in CASES if case.name == "opcua_secured"))
    listener, poll = configuration["inputs"]["opcua_listener"][0], configuration["inputs"]["opcua"][0]
    for each in (listener, poll):
        assert (each["security_policy"], each["security_mode"]) == ("Basic256Sha256", "SignAndEncrypt")
        assert (each["username"], each["password"]) == ("tanji", "@{files1:dcs_password}")
        assert each["certificate"] == "/var/lib/tanji/pki/own/tanji.crt"
    stores = {store["id"]: store["path"] for store in configuration["secretstores"]["docker"]}
    assert stores == {"files1": "/run/opcua", "files2": "/run/secrets"}


def test_a_subscription_is_a_listener_with_its_quality_and_a_poll_beside_it() -> None:
    configuration = rendered(next(case for case in CASES if case.name == "opcua_secured"))
    listener, poll = configuration["inputs"]["opcua_listener"][0], configuration["inputs"]["opcua"][0]
    assert (listener["timestamp"], poll["timestamp"], poll["interval"]) == ("source", "gather", "30s")
    filters = [node["monitoring_params"]["data_change_filter"] for node in listener["nodes"]]
    assert all(each["trigger"] == "StatusValue" for each in filters), "the default tells no value, only its status"
    # 0.2 t/h at 0.5 t/h a count is 0.4 counts.
    assert [each.get("deadband_value") for each in filters] == [0.4, None]


@pytest.mark.parametrize(
    ("file", "expected"), [("secrets/dcs", "an absolute path"), ("/run/secrets/dcs-password", "letters, digits and _")]
)
def test_a_secret_that_telegraf_could_not_find_is_refused(file: str, expected: str) -> None:
    plant = load(next(case for case in CASES if case.name == "opcua_secured") / "plant.yaml")
    device = plant.devices[0].model_copy(update={"password_file": file})
    with pytest.raises(UsageError, match=expected):
        render(plant.model_copy(update={"devices": (device,)}))


def test_without_host_metrics_only_readings_and_telegraf_itself_are_left() -> None:
    plant = load(CASES[0] / "plant.yaml")
    silent = plant.model_copy(update={"services": plant.services.model_copy(update={"host_metrics_s": None})})
    assert set(tomllib.loads(render(silent))["inputs"]) == {"modbus", "internal"}
    assert {"cpu", "mem", "disk", "net", "system"} <= set(rendered(CASES[0])["inputs"])


@pytest.mark.parametrize("text", ['identifier = "Kiln${N}"', "a = '$HOME'", 'token = "@{docker:token}"'])
def test_a_variable_is_refused_since_an_unset_one_would_pass(text: str) -> None:
    with pytest.raises(UsageError, match=r"telegraf\.conf:2"):
        refuse_variables(f"\n{text}\n")


def test_a_name_with_a_line_break_cannot_add_configuration() -> None:
    plant = load(next(case for case in CASES if case.name == "opcua") / "plant.yaml")
    device = plant.devices[0]
    hostile = device.model_copy(update={"name": device.name.model_copy(update={"zh": "x\n[[outputs.file]]\n"})})
    configuration = tomllib.loads(render(plant.model_copy(update={"devices": (hostile,)})))
    assert "file" not in configuration["outputs"]
