"""dashboard_year: the slowest query of every dashboard over a year, on a real influxd 1.6.7 (budget: < 200 ms).

A year of hourly rows of the demo plant is written through the adapter; then each target of each panel is asked as
Grafana asks it, REPEATS times, and its best wall time counts, because the machine may be busy with something else.
Exits 1 where influxd is missing, a query fails, or the slowest takes longer than the budget.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import urllib3
from measure import report

sys.path.append(str(Path(__file__).parents[1]))
import influxd
import seed

from tanji.plant.load import load
from tanji.store.influx import InfluxStore

ROOT = Path(__file__).parents[2]
START_MS, HOURS = 1_767_196_800_000, 8760  # 2025-12-31 16:00 UTC, the turn of the year in Shanghai
INTERVAL = "12h"  # what Grafana makes of a year on a panel about 800 pixels wide
REPEATS = 3
BUDGET_MS = 200.0


def main() -> int:
    """Write the year, ask everything, print the slowest."""
    program = influxd.installed()
    if program is None:
        print("dashboard_year: influxd is missing: apt-get install influxdb", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as folder, influxd.running(program, Path(folder)) as url:
        fill(url)
        taken = {name: asked(url, query) for name, query in queries()}
    slowest = max(taken, key=lambda name: taken[name])
    report("dashboard_year", value=round(taken[slowest], 1), unit="ms", query=slowest, queries=len(taken))
    return int(taken[slowest] > BUDGET_MS)


def fill(url: str) -> None:
    """A year of the demo plant's derived rows."""
    plant = load(ROOT / "provisioning" / "plants" / "demo.yaml")
    store = InfluxStore(url)
    store.ensure_bucket("demo_derived")
    for measurement, rows in seed.tables(plant, start_ms=START_MS, hours=HOURS).items():
        store.write("demo_derived", measurement, rows)
    store.close()


def queries() -> Iterator[tuple[str, str]]:
    """Every target of every Chinese dashboard, the English ones ask the same, as Grafana sends it."""
    window = f"time >= {START_MS}ms and time <= {START_MS + HOURS * 3_600_000}ms"
    values = {"timeFilter": window, "__interval": INTERVAL, "plant": "demo", "ruleset": "cets_ag_02_01"}
    values |= {"clinker_stream": r"(line1\.clinker)", "zone": "Asia/Shanghai", "balance": "0.9"}
    values["stack_stream"] = r"(line1\.flue_gas)"
    for path in sorted((ROOT / "dashboards" / "json").glob("*.zh.json")):
        for panel in json.loads(path.read_text(encoding="utf-8"))["panels"]:
            for target in panel["targets"]:
                query = target["query"]
                for name, value in values.items():
                    query = re.sub(rf"\$\{{?{name}\b\}}?", lambda _, value=value: value, query)
                yield f"{path.name.split('.')[0]}: {panel['title']} {target['refId']}", query


def asked(url: str, query: str) -> float:
    """Best wall time of a query [ms]; an error in its answer ends the run."""
    best = float("inf")
    for _ in range(REPEATS):
        begun = time.perf_counter()
        answer = urllib3.request("POST", f"{url}/query", fields={"db": "demo_derived", "epoch": "ms", "q": query})
        best = min(best, (time.perf_counter() - begun) * 1000)
        (result,) = json.loads(answer.data)["results"]
        if "error" in result:
            raise SystemExit(f"dashboard_year: {result['error']}: {query}")
    return best


if __name__ == "__main__":
    sys.exit(main())
