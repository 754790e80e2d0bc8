"""A real Grafana with our provisioning files and a seeded InfluxDB 1.6.7: what a manager opens is there and answers.

TANJI_GRAFANA names it as HOME:PROGRAM, the folder with `conf` and `public`, and the server. What only the browser does,
filling in the variables of a dashboard, is done here; time filter and interval are left to Grafana's own back end.
"""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import urllib3

from tanji.plant.load import load
from tanji.store.influx import InfluxStore

pytestmark = pytest.mark.outside

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "dashboards" / "json").glob("*.json"))
START_MS = 1_792_339_200_000  # 2026-10-18 16:00 UTC, midnight in Shanghai
HOURS = 72
START_S = 90.0
USER = "admin:of-this-test"
OVERVIEW = ROOT / "dashboards" / "json" / "emission_overview.zh.json"
BALANCE_VALUE = "0.9"


@pytest.fixture(scope="module")
def influx(influx_url: str, seed: ModuleType) -> str:
    """Address of an influxd that holds three days of the demo plant."""
    store = InfluxStore(influx_url)
    for bucket in ("demo_derived", "demo_raw"):
        store.ensure_bucket(bucket)
    plant = load(ROOT / "provisioning" / "plants" / "demo.yaml")
    for measurement, rows in seed.tables(plant, start_ms=START_MS, hours=HOURS).items():
        store.write("demo_derived", measurement, rows)
    store.close()
    return influx_url


def provisioned(folder: Path, *, influx: str) -> Path:
    """Our provisioning files with this machine's addresses instead of the containers'; nothing else is changed."""
    copy = folder / "provisioning"
    shutil.copytree(ROOT / "provisioning" / "grafana", copy)
    (folder / "influx_token").write_text("a-token-that-1.6-does-not-ask-for")
    for path, here in {
        "datasources/influx.yaml": {
            "http://influxdb:8086": influx,
            "/run/tanji/influx_token": str(folder / "influx_token"),
        },
        "dashboards/provider.yaml": {"/var/lib/grafana/dashboards": str(ROOT / "dashboards" / "json")},
    }.items():
        text = (copy / path).read_text(encoding="utf-8")
        for theirs, ours in here.items():
            assert theirs in text, f"{path} no longer names {theirs}"
            text = text.replace(theirs, ours)
        (copy / path).write_text(text, encoding="utf-8")
    return copy


@pytest.fixture(scope="module")
def grafana(influx: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a Grafana that has read our provisioning files."""
    home, _, program = os.environ.get("TANJI_GRAFANA", "").partition(":")
    if not program:
        pytest.skip("TANJI_GRAFANA names no HOME:PROGRAM")
    folder = tmp_path_factory.mktemp("grafana")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings = {
        "TANJI_PLANT": "demo",
        "GF_PATHS_DATA": folder / "data",
        "GF_PATHS_LOGS": folder / "logs",
        "GF_PATHS_PLUGINS": folder / "plugins",
        "GF_PATHS_PROVISIONING": provisioned(folder, influx=influx),
        "GF_SERVER_HTTP_ADDR": "127.0.0.1",
        "GF_SERVER_HTTP_PORT": port,
        "GF_SECURITY_ADMIN_PASSWORD": USER.partition(":")[2],
        "GF_ANALYTICS_REPORTING_ENABLED": "false",
        "GF_ANALYTICS_CHECK_FOR_UPDATES": "false",
        "GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES": "false",
    }
    environment = os.environ | {name: str(value) for name, value in settings.items()}
    with (folder / "grafana.log").open("wb") as log:
        process = subprocess.Popen([program, "-homepath", home], env=environment, stdout=log, stderr=log, cwd=folder)
    try:
        url = f"http://127.0.0.1:{port}"
        wait(url, process, folder / "grafana.log")
        yield url
    finally:
        process.terminate()
        process.wait(timeout=30)


def wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Return once the database is migrated and the dashboards are read."""
    end = time.monotonic() + START_S
    while time.monotonic() < end and process.poll() is None:
        try:
            if ask(url, "/api/health")["database"] == "ok" and len(ask(url, "/api/search?type=dash-db")) >= len(FILES):
                return
        except (urllib3.exceptions.HTTPError, AssertionError):
            pass
        time.sleep(0.3)
    raise AssertionError(f"Grafana did not come up:\n{log.read_text()[-3000:]}")


def ask(url: str, path: str, body: dict[str, Any] | None = None) -> Any:
    """The JSON that Grafana answers."""
    headers = {"Authorization": f"Basic {base64.b64encode(USER.encode()).decode()}"}
    given = {} if body is None else {"json": body}
    answer = urllib3.request("GET" if body is None else "POST", url + path, headers=headers, retries=False, **given)
    assert answer.status == 200, (path, answer.status, answer.data[:2000])
    return json.loads(answer.data)


def filled(query: str, *, ruleset: str) -> str:
    """The variables of a dashboard as the browser fills them in."""
    values = {"plant": "demo", "ruleset": ruleset, "clinker_stream": "(line1\\.clinker)", "zone": "Asia/Shanghai"}
    values |= {"balance": BALANCE_VALUE, "stack_stream": "(line1\\.flue_gas)"}
    for name, value in values.items():
        query = re.sub(rf"\$\{{?{name}\b\}}?", lambda _, value=value: value, query)
    return query


def test_both_data_sources_are_there_and_reach_the_database(grafana: str, influx: str) -> None:
    sources = {source["uid"]: source for source in ask(grafana, "/api/datasources")}
    assert sources.keys() == {"demo-derived", "demo-raw"}
    assert sources["demo-derived"]["isDefault"]
    for uid, source in sources.items():
        assert (source["type"], source["url"], source["readOnly"]) == ("influxdb", influx, True)
        assert source["jsonData"]["dbName"] == uid.replace("-", "_")
        query = {"refId": "A", "datasource": {"type": "influxdb", "uid": uid}, "rawQuery": True}
        body = {"queries": [query | {"query": "SHOW DATABASES", "resultFormat": "table"}], "from": "0", "to": "1"}
        frames = ask(grafana, "/api/ds/query", body)["results"]["A"]["frames"]
        assert "demo_derived" in json.dumps(frames)


def test_every_dashboard_is_in_our_folder_and_read_only(grafana: str) -> None:
    found = {entry["uid"]: entry for entry in ask(grafana, "/api/search?type=dash-db")}
    assert len(found) == len(FILES)
    for path in FILES:
        board = json.loads(path.read_text(encoding="utf-8"))
        assert found[board["uid"]]["title"] == board["title"]
        assert found[board["uid"]]["folderUid"] == "tanji-metering"
        loaded = ask(grafana, f"/api/dashboards/uid/{board['uid']}")
        assert loaded["meta"]["provisioned"] and not loaded["dashboard"]["editable"]
        assert [panel["title"] for panel in loaded["dashboard"]["panels"]] == [p["title"] for p in board["panels"]]


@pytest.mark.parametrize("ruleset", ["gbt32151_8", "cets_ag_02_01"])
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_panel_answers_through_grafana(grafana: str, path: Path, ruleset: str) -> None:
    for panel in json.loads(path.read_text(encoding="utf-8"))["panels"]:
        queries = [
            target
            | {
                "query": filled(target["query"], ruleset=ruleset),
                "datasource": {"type": "influxdb", "uid": "demo-derived"},
                "intervalMs": 86_400_000 if panel.get("interval") == "1d" else 3_600_000,
                "maxDataPoints": 1000,
            }
            for target in panel["targets"]
        ]
        body = {"queries": queries, "from": str(START_MS), "to": str(START_MS + HOURS * 3_600_000)}
        results = ask(grafana, "/api/ds/query", body)["results"]
        told = []
        for query in queries:
            result = results[query["refId"]]
            assert "error" not in result, (panel["title"], result)
            values = [values for frame in result["frames"] for values in frame["data"]["values"]]
            told.append(any(value is not None for column in values for value in column))
        # A position lies within the limits, at the one or at the other: one of three queries answers, by design.
        assert any(told) if "$balance" in panel["targets"][0]["query"] else all(told), panel["title"]


def test_a_total_through_grafana_is_the_sum_by_hand(grafana: str) -> None:
    panel = json.loads(OVERVIEW.read_text(encoding="utf-8"))["panels"][0]
    query = panel["targets"][0] | {
        "query": filled(panel["targets"][0]["query"], ruleset="cets_ag_02_01"),
        "datasource": {"type": "influxdb", "uid": "demo-derived"},
        "intervalMs": 3_600_000,
    }
    body = {"queries": [query], "from": str(START_MS), "to": str(START_MS + HOURS * 3_600_000)}
    (frame,) = ask(grafana, "/api/ds/query", body)["results"]["A"]["frames"]
    assert frame["data"]["values"][-1] == [pytest.approx((68.05 + 111) * HOURS, rel=1e-9)]  # means of tests/seed.py
