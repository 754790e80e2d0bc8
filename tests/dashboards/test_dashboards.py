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


def test_the_two_languages_differ_in_words_only() -> None:
    zh, en = (board(ROOT / "dashboards" / "json" / f"emission_overview.{language}.json") for language in ("zh", "en"))
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
        for target in panel["targets"]:
            wanted = values | {"interval": panel.get("interval", "1h")}
            series = ask(seeded, expanded(target["query"], **wanted))
            assert any(row[-1] is not None for part in series for row in part["values"]), panel["title"]


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
    content = board(FILES[0])
    panel = content["panels"][0 if boundary == "clinker" else 1]
    query = expanded(panel["targets"][0]["query"], interval="1h", ruleset=ruleset, clinker_streams="x")
    assert ask(seeded, query)[0]["values"][0][1] == pytest.approx(hourly * HOURS, rel=1e-9)


def test_days_are_the_plants_local_ones(seeded: str) -> None:
    panel = next(panel for panel in board(FILES[0])["panels"] if panel.get("interval") == "1d")
    query = expanded(panel["targets"][0]["query"], interval="1d", ruleset="", clinker_streams="x")
    for series in ask(seeded, query):
        assert [row[0] for row in series["values"]] == [START_MS + day * 86_400_000 for day in range(3)]
