"""Dashboards: the JSON is what the builder makes, keeps the rules, every query answers (R8, R40, platform.md 5.3)."""

from __future__ import annotations

import importlib.util
import json
import re
from itertools import combinations
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import urllib3

from tanji.plant.load import load
from tanji.store.influx import InfluxStore

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "dashboards" / "json").glob("*.json"))
OVERVIEW = ROOT / "dashboards" / "json" / "emission_overview.zh.json"
NAMES = sorted({path.name.split(".")[0] for path in FILES})
BALANCE_VALUE = "0.9"
START_MS = 1_792_339_200_000  # 2026-10-18 16:00 UTC, midnight in Shanghai
HOURS = 72
BANNED = {
    r"\b(difference|derivative|non_negative_derivative|cumulative_sum|moving_average)\(\s*(mean|last|sum|max|min)\(": (
        "a transformation wrapped round an aggregate answers nothing on openGemini"
    ),
    r"\bSHOW SERIES\b|\bSLIMIT\b|\bSOFFSET\b|\bINTO\b|\bHOLT_WINTERS": "not on every supported server",
    r"\bFROM\s+[^\"(\s]": "a measurement without quotes may be a keyword",
    r"\$interval\b|\$__interval_ms\b": "use $__interval",
}


@pytest.fixture(scope="module")
def builder() -> ModuleType:
    specification = importlib.util.spec_from_file_location("dashboards_build", ROOT / "dashboards" / "build.py")
    assert specification is not None and specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def seeded(influx_url: str, seed: ModuleType) -> str:
    """Address of an influxd that holds three days of the demo plant."""
    plant = load(ROOT / "provisioning" / "plants" / "demo.yaml")
    store = InfluxStore(influx_url)
    store.ensure_bucket("demo_derived")
    for measurement, rows in seed.tables(plant, start_ms=START_MS, hours=HOURS).items():
        store.write("demo_derived", measurement, rows)
    store.close()
    return influx_url


def board(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def test_the_committed_json_is_what_the_builder_makes(builder: ModuleType) -> None:
    made = dict(builder.built())
    assert {path.name for path in FILES} == made.keys()
    for path in FILES:
        assert path.read_text(encoding="utf-8") == made[path.name], f"{path.name}: run python dashboards/build.py"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_dashboard_keeps_the_rules(path: Path) -> None:
    content = board(path)
    assert "id" not in content and content["uid"] and len(content["uid"]) <= 40
    assert content["description"] and content["editable"] is False
    names = {variable["name"] for variable in content["templating"]["list"]}
    assert {"datasource", "plant", "ruleset"} <= names
    for panel in content["panels"]:
        assert panel["title"] and panel["description"], panel["id"]
        assert panel["fieldConfig"]["defaults"]["unit"] and panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
        for target in panel["targets"]:
            assert target["rawQuery"] is True
            assert target["datasource"] == panel["datasource"] == {"type": "influxdb", "uid": "${datasource}"}
            assert "$timeFilter" in target["query"]
            used = set(re.findall(r"\$\{?(\w+)\}?", target["query"])) - {"timeFilter", "__interval"}
            assert used <= names
            assert "{" not in target["query"], "a placeholder of our own is left"
            for pattern, reason in BANNED.items():
                assert not re.search(pattern, target["query"]), reason
    uids = [board(other)["uid"] for other in FILES]
    assert len(set(uids)) == len(uids)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_panels_do_not_overlap_and_stay_on_the_grid(path: Path) -> None:
    places = [panel["gridPos"] for panel in board(path)["panels"]]
    for place in places:
        assert 0 <= place["x"] and place["x"] + place["w"] <= 24
    for one, other in combinations(places, 2):
        apart_across = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        apart_down = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert apart_across or apart_down, (one, other)


@pytest.mark.parametrize("name", NAMES)
def test_the_two_languages_differ_in_words_only(name: str) -> None:
    zh, en = (board(ROOT / "dashboards" / "json" / f"{name}.{language}.json") for language in ("zh", "en"))
    queries = [[target["query"] for panel in content["panels"] for target in panel["targets"]] for content in (zh, en)]
    assert queries[0] == queries[1]
    assert all(re.search(r"[\u4e00-\u9fff]", panel["title"]) for panel in zh["panels"])
    assert not any(re.search(r"[\u4e00-\u9fff]", panel["title"] + panel["description"]) for panel in en["panels"])


def expanded(query: str, *, interval: str, ruleset: str, clinker_streams: str) -> str:
    """A target as Grafana sends it."""
    window = f"time >= {START_MS}ms and time <= {START_MS + HOURS * 3_600_000}ms"
    for name, value in {
        "timeFilter": window,
        "__interval": interval,
        "plant": "demo",
        "ruleset": ruleset,
        "clinker_stream": clinker_streams,
        "zone": "Asia/Shanghai",
        "balance": BALANCE_VALUE,
        "stack_stream": "(line1\\.flue_gas)",
    }.items():
        query = re.sub(rf"\$\{{?{name}\b\}}?", lambda _, value=value: value, query)
    assert "$" not in query.replace("$/", ""), query
    return query


def ask(url: str, query: str) -> list[dict[str, Any]]:
    """Series of an answer; an error in any of its forms fails the test."""
    answer = urllib3.request("POST", f"{url}/query", fields={"db": "demo_derived", "epoch": "ms", "q": query})
    assert answer.status == 200, answer.data
    (result,) = json.loads(answer.data)["results"]
    assert "error" not in result, (query, result)
    series: list[dict[str, Any]] = result.get("series", [])
    return series


@pytest.mark.parametrize("ruleset", ["gbt32151_8", "cets_ag_02_01"])
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_query_answers_on_a_real_server(seeded: str, path: Path, ruleset: str) -> None:
    content = board(path)
    values = {"interval": "1h", "ruleset": ruleset, "clinker_streams": "(line1\\.clinker)"}
    for variable in content["templating"]["list"]:
        if variable["type"] == "query":
            assert ask(seeded, expanded(variable["query"], **values)), variable["name"]
    for panel in content["panels"]:
        wanted = values | {"interval": panel.get("interval", "1h")}
        answers = [ask(seeded, expanded(target["query"], **wanted)) for target in panel["targets"]]
        # A position lies within the limits, at the one or at the other: one of three queries answers, by design.
        enough = any if "$balance" in panel["targets"][0]["query"] else all
        told = (any(row[-1] is not None for part in series for row in part["values"]) for series in answers)
        assert enough(told), panel["title"]


@pytest.mark.parametrize(
    ("ruleset", "boundary", "hourly"),
    [
        # Sums by hand of the means in tests/seed.py: fuels 26 + 42 + 0.05, then the rule set's process items.
        ("gbt32151_8", "clinker", 68.05 + 6 + 3 + 112 + 1.5),
        ("cets_ag_02_01", "clinker", 68.05 + 111),
        ("gbt32151_8", "enterprise", 68.05 + 6 + 3 + 112 + 1.5 + 0.04 + 7),
        ("cets_ag_02_01", "enterprise", 68.05 + 111 + 0.04 + 7),
    ],
)
def test_a_total_counts_what_its_rule_set_counts(seeded: str, ruleset: str, boundary: str, hourly: float) -> None:
    content = board(OVERVIEW)
    panel = content["panels"][0 if boundary == "clinker" else 1]
    query = expanded(panel["targets"][0]["query"], interval="1h", ruleset=ruleset, clinker_streams="x")
    assert ask(seeded, query)[0]["values"][0][1] == pytest.approx(hourly * HOURS, rel=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_days_are_the_plants_local_ones(seeded: str, name: str) -> None:
    content = board(ROOT / "dashboards" / "json" / f"{name}.zh.json")
    for panel in (panel for panel in content["panels"] if panel.get("interval") == "1d"):
        for target in panel["targets"]:
            query = expanded(target["query"], interval="1d", ruleset="cets_ag_02_01", clinker_streams="x")
            for series in ask(seeded, query):
                days = [START_MS + day * 86_400_000 for day in range(3)]
                assert {row[0] for row in series["values"]} <= set(days), panel["title"]


def first_value(url: str, name: str, title: str, *, ruleset: str = "cets_ag_02_01", target: int = 0) -> float:
    """The first value a panel shows over the three days."""
    content = board(ROOT / "dashboards" / "json" / f"{name}.en.json")
    panel = next(panel for panel in content["panels"] if panel["title"] == title)
    wanted = {"interval": panel.get("interval", "1h"), "ruleset": ruleset, "clinker_streams": "x"}
    value = ask(url, expanded(panel["targets"][target]["query"], **wanted))[0]["values"][0][1]
    assert isinstance(value, int | float)
    return float(value)


@pytest.mark.parametrize(
    ("name", "title", "ruleset", "by_hand"),
    [
        # Means of tests/seed.py: 68.05 + 111 t and 208 t of clinker; method A 190.55 t.
        ("intensity", "Emission per clinker", "cets_ag_02_01", 179.05 / 208),
        ("intensity", "Emission per clinker", "gbt32151_8", 190.55 / 208),
        ("intensity", "Emission per cement", "cets_ag_02_01", 186.09 / 277),
        ("intensity", "Net coal per clinker", "gbt32151_8", 92.0),
        ("intensity", "Alternative-fuel share of heat", "cets_ag_02_01", 80 / 640),
        ("intensity", "Emission per clinker by day", "", 179.05 / 208),
        ("intensity", "Net coal per clinker by day", "", 92.0),
        ("intensity", "Emission per clinker by hour", "cets_ag_02_01", 179.05 / 208),
        # Stack 197 t/h against 195.05 t/h of the same scope.
        ("flue_gas", "Difference by day", "", 197 / 195.05 - 1),
        ("flue_gas", "Difference by hour or step", "", 197 / 195.05 - 1),
        ("flue_gas", "Captured share of the flue gas by day", "", 0.99),
        # The first hour of the three days rests on substituted data; there the swing is 1: 1 hour of 24.
        ("data_quality", "Substituted share by day", "", 1 / 24),
        # 0.860817 against 0.9: 0.15 x 0.0435363 = 0.00653045; x 12891.6 t = 84.188 t surplus.
        ("allowance_position", "Position", "", 12_891.6 * 0.15 * (0.9 - 179.05 / 208) / 0.9),
        ("allowance_position", "Intensity I", "", 179.05 / 208),
        ("allowance_position", "Emission E", "", 12_891.6),
    ],
)
def test_a_panel_shows_the_number_of_a_hand_calculation(
    seeded: str, name: str, title: str, ruleset: str, by_hand: float
) -> None:
    assert first_value(seeded, name, title, ruleset=ruleset) == pytest.approx(by_hand, rel=1e-9)


@pytest.mark.parametrize(("balance", "answering", "rate"), [("1.2", 1, 0.03), ("0.6", 2, -0.03), ("0", None, None)])
def test_the_position_is_limited_and_none_without_a_balance_value(
    seeded: str, balance: str, answering: int | None, rate: float | None
) -> None:
    content = board(ROOT / "dashboards" / "json" / "allowance_position.en.json")
    found = {}
    for number, target in enumerate(content["panels"][0]["targets"]):
        query = target["query"].replace("$balance", balance)
        for series in ask(seeded, expanded(query, interval="1h", ruleset="", clinker_streams="x")):
            found[number] = series["values"][0][1]
    assert found == ({} if answering is None else {answering: pytest.approx(rate * 12_891.6)})


def test_levels_are_those_of_the_benchmark_file() -> None:
    content = board(ROOT / "dashboards" / "json" / "intensity.en.json")
    panel = next(panel for panel in content["panels"] if panel["title"] == "Net coal per clinker")
    steps = panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
    assert [step["value"] for step in steps] == [None, 94.0, 100.0, 109.0]  # standard.md 14.1
