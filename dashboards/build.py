"""Build the dashboards: queries and panels in, Grafana's classic JSON out, in Chinese and English.

Run `python dashboards/build.py` after changing a file of `queries/` or `panels/`; the JSON is committed, and a test
asserts that it is what this builds. Which items a total counts comes from the rule sets, names from the one table of
words; nothing is typed twice. InfluxQL stays inside what every supported server speaks (platform.md 1.5).
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from dashboards.query_text import expanded, levels
from tanji.domain.items import Boundary, Item, Method, RuleSetId
from tanji.report.words import LANGUAGES, Words

HERE = Path(__file__).parent
SOURCE = {"type": "influxdb", "uid": "${datasource}"}
SCHEMA_VERSION = 41
"""Classic dashboards of Grafana 12; 13 loads them too."""

ZONE = "Asia/Shanghai"
"""Accounting days are local; every plant of the norm is in this zone."""

SINGLE_COLOUR = [["text", 0]]

BARS = {"drawStyle": "bars", "fillOpacity": 70, "lineWidth": 0, "showPoints": "never", "stacking": {"mode": "normal"}}
LINES = {"drawStyle": "line", "fillOpacity": 0, "lineWidth": 2, "showPoints": "auto", "spanNulls": False}
MANY = {"hide": 2, "multi": True, "includeAll": True, "current": {"text": ["All"], "value": ["$__all"]}}
"""A variable nobody has to see: all streams of a kind."""


def main() -> None:
    """Write every dashboard in every language."""
    for name, content in built():
        (HERE / "json" / name).write_text(content, encoding="utf-8")


def built() -> Iterable[tuple[str, str]]:
    """File name and content of every dashboard."""
    for source in sorted((HERE / "panels").glob("*.toml")):
        description = tomllib.loads(source.read_text(encoding="utf-8"))
        for language in LANGUAGES:
            board = dashboard(description, Words(language))
            yield f"{source.stem}.{language}.json", json.dumps(board, ensure_ascii=False, indent=2) + "\n"


def dashboard(description: dict[str, Any], words: Words) -> dict[str, Any]:
    """One dashboard in one language."""
    language = words.language
    return {
        "uid": f"{description['uid']}-{language}",
        "title": description["title"][language],
        "description": description["description"][language],
        "tags": [*description["tags"], language],
        "schemaVersion": SCHEMA_VERSION,
        "timezone": "browser",
        "editable": False,
        "graphTooltip": 1,
        "refresh": description["refresh"],
        "time": {"from": description["from"], "to": "now"},
        "links": [other_language(description["uid"], words)],
        "annotations": {"list": []},
        "templating": {"list": [*variables(words), *(textbox(entry, words) for entry in description.get("asked", ()))]},
        "panels": [panel(entry, words, number) for number, entry in enumerate(description["panel"], start=1)],
    }


def other_language(uid: str, words: Words) -> dict[str, Any]:
    """The link to the same dashboard in the other language."""
    link = {"type": "link", "title": words("page.other_language"), "url": f"/d/{uid}-{words.other}"}
    return link | {"keepTime": True, "includeVars": True, "tags": []}


def variables(words: Words) -> list[dict[str, Any]]:
    """Data source, plant, rule set; hidden: the clinker and stack streams and the time zone."""
    options = [{"text": words(f"ruleset_long.{name}"), "value": str(name)} for name in RuleSetId]
    compliance = next(option for option in options if option["value"] == RuleSetId.CETS_AG_02_01)
    label = words.choose("数据源", "Data source")
    source = {"name": "datasource", "label": label, "type": "datasource", "query": "influxdb", "regex": "/-derived$/"}
    return [
        source | {"hide": 0},
        queried("plant", words.choose("工厂", "Plant"), "plants"),
        {
            "name": "ruleset",
            "label": words.choose("方法", "Rule set"),
            "type": "custom",
            "query": ",".join(f"{option['text'].replace(',', ' ')} : {option['value']}" for option in options),
            "options": options,
            "current": compliance,
            "hide": 0,
        },
        queried("clinker_stream", "", "clinker_streams") | MANY,
        queried("stack_stream", "", "stack_streams") | MANY,
        {"name": "zone", "type": "constant", "query": ZONE, "current": {"text": ZONE, "value": ZONE}, "hide": 2},
    ]


def textbox(entry: dict[str, Any], words: Words) -> dict[str, Any]:
    """A number the reader types in: it is published somewhere, and no default can stand for it."""
    value = {"text": entry["value"], "value": entry["value"]}
    shape = {"name": entry["name"], "type": "textbox", "query": entry["value"], "current": value, "hide": 0}
    return shape | {"label": entry["label"][words.language]}


def queried(name: str, label: str, file: str) -> dict[str, Any]:
    """A variable whose values the data source knows."""
    query = expanded({"file": file})
    return {
        "name": name,
        "label": label,
        "type": "query",
        "datasource": SOURCE,
        "query": query,
        "definition": query,
        "refresh": 1,
        "sort": 1,
        "hide": 0,
    }


def panel(entry: dict[str, Any], words: Words, number: int) -> dict[str, Any]:
    """One panel; `number` is its id inside the dashboard."""
    x, y, width, height = entry["grid"]
    result = {
        "id": number,
        "type": entry["type"],
        "title": entry["title"][words.language],
        "description": entry["description"][words.language],
        "datasource": SOURCE,
        "gridPos": {"x": x, "y": y, "w": width, "h": height},
        "targets": [target(query, entry, letter) for query, letter in zip(entry["queries"], "ABCD", strict=False)],
        "fieldConfig": {"defaults": defaults(entry), "overrides": list(overrides(entry, words))},
        "options": options(entry),
    }
    if "interval" in entry:
        result["interval"] = entry["interval"]
    if "ratio" in entry:
        result["transformations"] = ratio(*entry["ratio"])
    return result


def target(query: dict[str, Any], entry: dict[str, Any], letter: str) -> dict[str, Any]:
    """One raw InfluxQL query."""
    result = {
        "refId": letter,
        "datasource": SOURCE,
        "rawQuery": True,
        "query": expanded(query),
        "resultFormat": "table" if entry["type"] == "table" or "ratio" in entry else "time_series",
    }
    return result | ({"alias": query["alias"]} if "alias" in query else {})


def defaults(entry: dict[str, Any]) -> dict[str, Any]:
    """Unit, thresholds and drawing of a panel's fields."""
    steps = [
        {"color": colour, "value": None if place == 0 else value}
        for place, (colour, value) in enumerate(
            levels(entry["levels"]) if "levels" in entry else entry.get("thresholds", SINGLE_COLOUR)
        )
    ]
    result: dict[str, Any] = {
        "unit": entry["unit"],
        "decimals": entry["decimals"],
        "noValue": "–",
        "thresholds": {"mode": "absolute", "steps": steps},
    }
    if "range" in entry:
        result["min"], result["max"] = entry["range"]
    if entry["type"] == "timeseries":
        shape: dict[str, Any] = BARS if entry.get("stacked") else LINES
        marked = "levels" in entry or "thresholds" in entry
        result["custom"] = shape | ({"thresholdsStyle": {"mode": "dashed"}} if marked else {})
    return result


def overrides(entry: dict[str, Any], words: Words) -> Iterable[dict[str, Any]]:
    """Names people read: of series, and of the values in a table's columns."""
    for name in NAMED.get(entry.get("names", ""), ()):
        text = words(f"{entry['names']}.{name}")
        yield {"matcher": {"id": "byName", "options": name}, "properties": [{"id": "displayName", "value": text}]}
    for column in entry.get("columns", ()):
        texts = {name: {"text": words(f"{column}.{name}"), "index": i} for i, name in enumerate(NAMED[column])}
        mapping = {"id": "mappings", "value": [{"type": "value", "options": texts}]}
        title = {"id": "displayName", "value": words(f"column.{column}")}
        yield {"matcher": {"id": "byName", "options": column}, "properties": [title, mapping]}
    if entry["type"] == "table":
        if not entry.get("times"):
            hidden = {"id": "custom.hidden", "value": True}
            yield {"matcher": {"id": "byName", "options": "Time"}, "properties": [hidden]}
        for field, word in (("co2_t", "page.tonnes"), ("stream", "page.stream"), ("rule", "page.rule")):
            yield {
                "matcher": {"id": "byName", "options": field},
                "properties": [{"id": "displayName", "value": words(word)}],
            }
        share = [{"id": "displayName", "value": words("page.substituted")}, {"id": "unit", "value": "percentunit"}]
        yield {"matcher": {"id": "byName", "options": "substituted"}, "properties": share}


NAMED: dict[str, tuple[str, ...]] = {
    "boundary": tuple(Boundary),
    "item": tuple(Item),
    "method": tuple(Method),
    "ruleset": tuple(RuleSetId),
    "page": ("measured", "calculated"),
}
"""Values a series or a column may have, by section of the table of words."""


def options(entry: dict[str, Any]) -> dict[str, Any]:
    """What a kind of panel needs."""
    reduce = {"calcs": ["lastNotNull"], "fields": "", "values": False}
    match entry["type"]:
        case "stat":
            return {"reduceOptions": reduce, "colorMode": "value", "graphMode": "none", "textMode": "value"}
        case "bargauge":
            return {"reduceOptions": reduce, "orientation": "horizontal", "displayMode": "basic"}
        case "timeseries":
            legend = {"displayMode": "list", "placement": "bottom", "showLegend": True}
            return {"legend": legend, "tooltip": {"mode": "multi", "sort": "desc"}}
        case _:
            return {"showHeader": True, "cellHeight": "sm"}


def ratio(above: str, below: str) -> list[dict[str, Any]]:
    """Transformations that divide one query's number by another's."""
    binary = {"left": above, "operator": "/", "right": below}
    return [
        {"id": "merge", "options": {}},
        {"id": "calculateField", "options": {"mode": "binary", "binary": binary, "replaceFields": True}},
    ]


if __name__ == "__main__":
    main()
