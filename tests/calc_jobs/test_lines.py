"""Plants of several lines: hours add up to the month, lines and what they share to the enterprise (standard.md 2.1, 7).

By hand, method B: coal E = FC x NCV x 0.02618 x 0.99 x 44/12, clinker Q x 0.535, carbide slag - m x 0.48.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calc_jobs import explanation
from tanji.domain import rulesets
from tanji.domain.items import Boundary, Item, RuleSetId
from tanji.ledger.entries import Entry
from tanji.ledger.factor_editions import library_in_force
from tanji.plant.load import parse
from tanji.plant.model import Plant

START, HOUR = 1_772_323_200_000, 3_600_000  # 2026-03-01 00:00 UTC, 08:00 in Asia/Shanghai
HOURS = 4
LINES = ("a", "b")
MONTH_H = 31 * 24 - 8
"""Hours from START to the end of the plant-local month."""

SITE = """
tanji: 1
site: {id: hx, name: {zh: 厂, en: plant}, region: national}
lines:
LINES
devices: [{id: d, name: {zh: 网关, en: gateway}, protocol: modbus_tcp, host: 127.0.0.1, period_s: 60}]
meters: [{id: scale, name: {zh: 秤, en: scale}, kind: belt_scale, device: d, accuracy_class: "0.5"}]
points:
  - {id: power, name: {zh: 电, en: power}, meter: scale, kind: rate, unit: MW, modbus: {address: 90}}
POINTS
streams:
  - {id: diesel, name: {zh: 油, en: diesel}, kind: fossil_fuel, boundaries: [enterprise], fuel: diesel, ledger: true}
  - {id: power, name: {zh: 电, en: power}, kind: electricity_purchased, boundaries: [enterprise], points: [power]}
STREAMS
"""
LINE = """  - {id: X, name: {zh: 线, en: line}, capacity_t_per_day: 5000,
     kiln: {id: kX, name: {zh: 窑, en: kiln}, running: X.running}}"""
POINT = """  - {id: X.running, name: {zh: 运行, en: running}, meter: scale, kind: state, unit: "1",
     modbus: {address: 1N}}
  - {id: X.coal, name: {zh: 煤, en: coal}, meter: scale, kind: rate, unit: t/h, modbus: {address: 2N}}
  - {id: X.clinker, name: {zh: 熟料, en: clinker}, meter: scale, kind: rate, unit: t/h, modbus: {address: 3N}}"""
STREAM = """  - {id: X.coal, name: {zh: 煤, en: coal}, kind: fossil_fuel, line: X, boundaries: [clinker, enterprise],
     fuel: bituminous_coal, points: [X.coal]}
  - {id: X.clinker, name: {zh: 熟料, en: clinker}, kind: clinker, line: X, boundaries: [clinker, enterprise],
     points: [X.clinker]}
  - {id: X.slag, name: {zh: 渣, en: slag}, kind: substitute_material, line: X, boundaries: [clinker, enterprise],
     fuel: carbide_slag, ledger: true}"""


@pytest.fixture(scope="session")
def two_lines() -> Plant:
    """Two lines with coal, clinker and carbide slag; diesel and power belong to the site."""
    text = SITE
    for name, part in (("LINES", LINE), ("POINTS", POINT), ("STREAMS", STREAM)):
        text = text.replace(
            name, "\n".join(part.replace("X", line).replace("N", str(number)) for number, line in enumerate(LINES)), 1
        )
    return parse(text)


RATES = st.floats(0, 400, allow_subnormal=False)
LINE_RATES = st.tuples(*(st.lists(RATES, min_size=HOURS, max_size=HOURS) for _ in range(2)), RATES)
"""Of one line: coal and clinker by hour [t/h], slag of the whole period [t]."""


def filled(rig, lines: Iterable[tuple[list[float], list[float], float]], *, power: float, diesel: float, at_h: int = 0):
    """Steady readings within each hour, manual entries over the whole period; then a run."""
    end_ms = START + (at_h + HOURS) * HOUR
    entries = [Entry("d", "diesel", "amount", diesel, "t", START + at_h * HOUR, end_ms)]
    for line, (coal, clinker, slag) in zip(LINES, lines, strict=True):
        rig.put(f"{line}.running", [1.0] * 60 * HOURS, at_min=at_h * 60)
        rig.put(f"{line}.coal", np.repeat(coal, 60).tolist(), at_min=at_h * 60)
        rig.put(f"{line}.clinker", np.repeat(clinker, 60).tolist(), at_min=at_h * 60)
        entries.append(Entry(f"s{line}", f"{line}.slag", "amount", slag, "t", START + at_h * HOUR, end_ms))
    rig.put("power", [power] * 60 * HOURS, at_min=at_h * 60)
    rig.ledger.enter(entries, recorded_at_ms=rig.now_ms)
    rig.run(after_h=at_h + HOURS)


def tonnes(rows: Iterable[dict], **tags: str) -> float:
    return math.fsum(row["co2_t"] for row in rows if all(row[tag] == value for tag, value in tags.items()))


@settings(max_examples=15, deadline=None, derandomize=True)
@given(lines=st.tuples(LINE_RATES, LINE_RATES), power=RATES, diesel=RATES)
def test_hours_add_up_to_the_period_and_lines_to_the_enterprise(rig_class, two_lines, lines, power, diesel) -> None:
    with tempfile.TemporaryDirectory() as folder:
        rig = rig_class(two_lines, Path(folder) / "rig")
        try:
            filled(rig, lines, power=power, diesel=diesel)
            rows = rig.rows()
        finally:
            rig.close()
    for identity in RuleSetId:
        own = [row for row in rows if row["ruleset"] == identity.value]
        counted = rulesets.load()[identity].counted(Boundary.CLINKER)
        of_lines = 0.0
        for line, (coal, clinker, slag) in zip(LINES, lines, strict=True):
            in_clinker = math.fsum(tonnes(own, boundary="clinker", line=line, item=item.value) for item in counted)
            in_enterprise = math.fsum(
                tonnes(own, boundary="enterprise", line=line, item=item.value) for item in counted
            )
            assert in_clinker == pytest.approx(in_enterprise, rel=1e-9, abs=1e-9)
            of_lines += in_clinker
            if identity is RuleSetId.CETS_AG_02_01:
                fuel = math.fsum(coal) * 23.076 * 0.02618 * 0.99 * 44 / 12  # NCV of appendix A, nothing is measured
                assert tonnes(own, boundary="clinker", line=line, item="fossil_fuel") == pytest.approx(
                    fuel, rel=1e-9, abs=1e-9
                )
                process = math.fsum(clinker) * 0.535 - slag * 0.48
                assert tonnes(own, boundary="clinker", line=line, item="process_clinker") == pytest.approx(
                    process, rel=1e-9, abs=1e-9
                )
        shared = tonnes(own, boundary="enterprise", line="site")
        by_hand = diesel * 42.652 * 0.0202 * 0.98 * 44 / 12 + power * HOURS * 0.5306
        assert shared == pytest.approx(by_hand, rel=1e-9, abs=1e-9)
        whole = tonnes(own, boundary="enterprise")
        assert whole == pytest.approx(of_lines + shared, rel=1e-9, abs=1e-9)
        assert not [row for row in own if row["boundary"] == "clinker" and row["line"] == "site"]


@pytest.fixture
def month_end(rig_class, two_lines, tmp_path):
    """The last hours of March: line a's slag takes off 10 x 4 x 0.535 - 60 x 0.48 = -7.4 t, line b's nothing."""
    rig = rig_class(two_lines, tmp_path / "month")
    lines = [([1.0] * HOURS, [10.0] * HOURS, 60.0), ([1.0] * HOURS, [10.0] * HOURS, 0.0)]
    filled(rig, lines, power=1.0, diesel=1.0, at_h=MONTH_H - HOURS)
    yield rig
    rig.close()


def test_a_month_below_zero_is_floored_by_line_as_a_row_of_its_own(month_end) -> None:
    floors = month_end.rows(method="month_floor")
    assert {(row["line"], row["stream"], row["boundary"], row["ruleset"], row["hour"]) for row in floors} == {
        ("a", "a.clinker", boundary, "cets_ag_02_01", MONTH_H - 1.0) for boundary in ("clinker", "enterprise")
    }
    # by hand: 10 x 4 x 0.535 = 21.4 t of clinker, 60 x 0.48 = 28.8 t taken off
    assert [row["co2_t"] for row in floors] == pytest.approx([7.4, 7.4], rel=1e-9)
    assert all(row["warnings"] == 1 and row["revision"] == 1 for row in floors)


def test_hours_stay_unfloored_and_the_month_of_the_line_comes_to_zero(month_end) -> None:
    rows = month_end.rows(item=Item.PROCESS_CLINKER.value, boundary="clinker")
    hours = [row for row in rows if row["method"] != "month_floor" and row["line"] == "a"]
    for hour in range(HOURS):
        own = [row["co2_t"] for row in hours if row["hour"] == MONTH_H - HOURS + hour]
        assert sum(own) == pytest.approx(10 * 0.535 - 15 * 0.48, rel=1e-9)
    assert tonnes(rows, line="a") == pytest.approx(0.0, abs=1e-9)
    assert tonnes(rows, line="b") == pytest.approx(21.4, rel=1e-9)


def test_the_floor_is_revised_with_its_month_and_goes_with_its_cause(month_end) -> None:
    entry = Entry("sa", "a.slag", "amount", 50.0, "t", START + (MONTH_H - HOURS) * HOUR, START + MONTH_H * HOUR)
    month_end.ledger.enter([entry], recorded_at_ms=month_end.now_ms)
    month_end.run()
    floors = month_end.rows(method="month_floor", boundary="clinker")
    assert [row["co2_t"] for row in floors] == pytest.approx([50 * 0.48 - 21.4], rel=1e-9)
    told = month_end.rows("emission_history", method="month_floor", boundary="clinker")
    assert [row["reason"] for row in sorted(told, key=lambda row: row["revision"])] == ["first", "laboratory"]
    less = Entry("sa", "a.slag", "amount", 10.0, "t", entry.valid_from_ms, entry.valid_to_ms)
    month_end.ledger.enter([less], recorded_at_ms=month_end.now_ms)
    month_end.run()
    assert [row["co2_t"] for row in month_end.rows(method="month_floor", boundary="clinker")] == [0.0]


def test_a_month_that_goes_on_has_no_floor(rig_class, two_lines, tmp_path) -> None:
    rig = rig_class(two_lines, tmp_path / "early")
    filled(rig, [([1.0] * HOURS, [10.0] * HOURS, 60.0)] * 2, power=1.0, diesel=1.0)
    assert rig.rows() and not rig.rows(method="month_floor")
    rig.close()


def test_a_month_with_an_hour_without_value_is_not_floored(rig_class, two_lines, tmp_path) -> None:
    rig = rig_class(two_lines, tmp_path / "lacking")
    at_h, end_ms = MONTH_H - HOURS, START + MONTH_H * HOUR
    rig.put("a.running", [1.0] * 60 * HOURS, at_min=at_h * 60)
    rig.put("a.clinker", [None] * 60 * HOURS, at_min=at_h * 60)
    slag = Entry("s", "a.slag", "amount", 60.0, "t", start := START + at_h * HOUR, end_ms)
    rig.ledger.enter([slag], recorded_at_ms=start)
    rig.run(after_h=MONTH_H)
    clinker = rig.rows(stream="a.clinker", boundary="clinker", ruleset="cets_ag_02_01")
    assert [row["co2_t"] for row in clinker] == [None] * HOURS
    rig.close()


def test_the_floor_is_explained_by_its_month(month_end) -> None:
    last_ms = START + (MONTH_H - 1) * HOUR
    where = {"method": "month_floor", "boundary": "clinker"}
    rows = explanation.find(month_end.plant, month_end.store, hour_ms=last_ms, where=where)
    library = library_in_force(month_end.ledger)
    (found,) = explanation.explain(month_end.plant, month_end.store, month_end.ledger, library, rows=rows)
    assert found.agrees and found.steps[0].formula == "FLOOR" and not found.points
    assert found.verdict == "counted" and [version.reason for version in found.revisions] == ["first"]
