"""Alarms: active for as long as it is so, each with its page in both languages (R39, R46)."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tanji.health.alarms import AlarmCode, Alarms

ROOT = Path(__file__).parents[2]
PAGES = {
    "alarms.md": ("**Means.**", "**Look.**", "**Do.**"),
    "alarms.zh.md": ("**含义。**", "**查看。**", "**处理。**"),
}


def test_an_alarm_lasts_until_it_is_cleared_and_keeps_its_beginning() -> None:
    now = [1000]
    alarms = Alarms(clock=lambda: now[0])
    alarms.set(AlarmCode.STORE_AWAY, "connection refused")
    now[0] = 2000
    alarms.set(AlarmCode.STORE_AWAY, "timed out")
    (alarm,) = alarms.active()
    assert (alarm.since_ms, alarm.text, alarm.severity) == (1000, "timed out", "warning")
    alarms.clear(AlarmCode.STORE_AWAY)
    assert alarms.active() == ()


def test_what_happened_once_is_active_for_its_while() -> None:
    now = [1000]
    alarms = Alarms(clock=lambda: now[0])
    alarms.set(AlarmCode.LINES_PARKED, "3 lines", for_ms=500)
    now[0] = 1499
    assert alarms.active()
    now[0] = 1500
    assert not alarms.active()


def test_alarms_of_two_devices_are_two_and_the_oldest_comes_first() -> None:
    now = [1000]
    alarms = Alarms(clock=lambda: now[0])
    alarms.update(AlarmCode.DEVICE_SILENT, "no value", subject="scale")
    now[0] = 900  # the clock was set back
    alarms.update(AlarmCode.DEVICE_SILENT, "no value", subject="meter")
    assert [alarm.subject for alarm in alarms.active()] == ["meter", "scale"]
    alarms.update(AlarmCode.DEVICE_SILENT, None, subject="scale")
    assert [alarm.as_json()["subject"] for alarm in alarms.active()] == ["meter"]


@pytest.mark.parametrize("name", PAGES)
def test_every_alarm_has_its_page_in_both_languages_and_no_page_is_of_an_alarm_that_is_gone(name: str) -> None:
    text = (ROOT / "docs" / name).read_text(encoding="utf-8")
    pages = re.findall(r"^## ([A-Z_]+)\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert [code for code, _ in pages] == [code.value for code in AlarmCode]
    for code, page in pages:
        assert [part for part in PAGES[name] if part not in page] == [], code


def test_every_alarm_is_raised_somewhere() -> None:
    raised: set[str] = set()
    for folder in ("services", "tanji"):
        for path in (ROOT / folder).rglob("*.py"):
            if path.name != "alarms.py":
                names = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
                raised |= {
                    n.attr for n in names if isinstance(n, ast.Attribute) and ast.unparse(n.value) == "AlarmCode"
                }
    assert raised == {code.value for code in AlarmCode}
