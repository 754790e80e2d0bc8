"""The files of the small world: point map and plant file before and after a change, ledger, evidence, one result."""

from __future__ import annotations

from typing import Any

from tanji.trust.canonical import json_line

POINT_MAP = (
    b'kiln1.belt.zero parameter belt1 {"unit":"1"}\n'
    b'kiln1.coal.mass_flow rate belt1 {"certificate":"2026-001","scale":"0.1","unit":"t/h"}\n'
    b'kiln1.feed.total counter weigher1 {"scale":"1","unit":"t"}\n'
    b'mill1.power rate meter1 {"unit":"MW"}\n'
)
PLANT_FILE = json_line({"id": "demo", "limits": {"coal": "40"}})
CHANGED_MAP = POINT_MAP.replace(b'"scale":"0.1"', b'"scale":"0.097"')
CHANGED_FILE = json_line({"id": "demo", "limits": {"coal": "45"}})
LEDGER = json_line({"entries": []})
EVIDENCE = b"calibration record of the belt weigher, 2026-03-01"
EXPLAIN = "<!doctype html><title>how to check / 如何核对</title>\n".encode()

RESULT: dict[str, Any] = {
    "line": "kiln1",
    "stream": "coal",
    "item": "fuel",
    "method": "tier3",
    "activity": "20.500000",
    "activity_unit": "t",
    "factor": "2.500000",
    "factor_unit": "tCO2/t",
    "co2_t": "51.250000",
    "u_rel": "0.020000",
    "substituted": "0.000000",
}
