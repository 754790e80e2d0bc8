"""Admission: known points are sealed, everything else is kept with its reason (DESIGN section 2; R39, R52)."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.sealer.admission import Admission
from tanji.acquisition.line_protocol import parse
from tanji.plant.names import health_bucket

from .sealer_rig import COAL, FEED, NOON, PLANT_ID, line, plant, rig, wait_until


def test_readings_of_known_points_keep_their_order_beside_refused_ones() -> None:
    body = line("no.such", NOON, 9.0) + line(COAL, NOON, 2.0, 8) + line(FEED, NOON, None, 1024) + line(COAL, NOON + 1)
    admitted = Admission(plant()).judge(parse(body.encode(), precision="ms", arrival_ms=0))
    columns = admitted.readings
    assert [columns.points[number] for number in columns.point] == [COAL, FEED, COAL]
    assert columns.time.tolist() == [NOON, NOON, NOON + 1]
    assert columns.value.tolist() == [2.0, 0.0, 1.0] and columns.present.tolist() == [True, False, True]
    assert columns.quality.tolist() == [8, 1024, 0]
    assert [parked.reason for parked in admitted.parked] == ["unknown point: no.such is not in the plant file"]


def test_what_cannot_be_sealed_is_parked_with_reason_line_and_arrival(tmp_path: Path) -> None:
    lines = [
        line("no.such.point", NOON, 1.5),
        f"reading,plant=other,point={FEED} value=2,quality=0i {NOON}\n",
        line(FEED, NOON, '"high"'),
        line(FEED, NOON, "true"),
        f"reading,plant={PLANT_ID},point={FEED},line=1 value=3 {NOON}\n",
        line(FEED, NOON, 4.0),
    ]
    with rig(tmp_path, clock_ms=NOON + 5) as sealer:
        sealer.accept(*lines)
        assert sealer.stored() == [(FEED, NOON, 4.0, 0)]
        parked = sealer.parked()
        assert sealer.sealer.counters()["parked"] == 5 and sealer.sealer.counters()["accepted"] == 1
    assert {entry["arrival_ms"] for entry in parked} == {NOON + 5}
    by_line = {entry["line"]: (entry["number"], entry["reason"]) for entry in parked}
    assert by_line[lines[2].strip()][0] == 3 and "finite number" in by_line[lines[2].strip()][1]
    assert by_line[lines[3].strip()][0] == 4
    assert by_line[lines[4].strip()][0] == 5 and "tags plant and point" in by_line[lines[4].strip()][1]
    assert by_line[lines[0].strip()][1].startswith("unknown point: no.such.point")
    assert by_line[f"reading,plant=other,point={FEED} value=2.0,quality=0i {NOON}"][1] == (
        "wrong plant: expected hx01, got other"
    )
    assert [path.name for path in (tmp_path / "parked").iterdir()] == ["2026-03-01.jsonl"]


def test_an_integer_is_a_number(tmp_path: Path) -> None:
    with rig(tmp_path) as sealer:
        sealer.accept(line(FEED, NOON, "4294967295i"))
        assert sealer.stored() == [(FEED, NOON, 4294967295.0, 0)]


def test_other_measurements_go_unsealed_to_the_health_bucket(tmp_path: Path) -> None:
    cpu = f'cpu,cpu=cpu0,host=edge\\ 1 usage_idle=98.5,Cores=4i,ok=true,model="N100, 4 cores" {NOON}\n'
    with rig(tmp_path) as sealer:
        sealer.accept(cpu, f'log,host=a text="only text" {NOON}\n', line(FEED, NOON))
        sealer.sealer.stop()
        rows = sealer.store.inner.read(health_bucket(PLANT_ID), "health").to_pylist()
        assert rows == [
            {"time": NOON, "plant": PLANT_ID, "part": "cpu,cpu=cpu0,host=edge 1"}
            | {"cores": 4.0, "ok": 1.0, "usage_idle": 98.5}
        ]
        assert sealer.stored() == [(FEED, NOON, 1.0, 0)]
        counters = sealer.sealer.counters()
        assert (counters["health_written"], counters["health_dropped"], counters["acknowledged"]) == (1, 1, 1)


def test_a_body_of_host_metrics_alone_is_acknowledged_without_a_segment(tmp_path: Path) -> None:
    with rig(tmp_path) as sealer:
        assert sealer.post(f"mem used=1 {NOON}\n")[0] == 204
        assert not list((tmp_path / "spool").glob("*.seg"))


@pytest.mark.parametrize(
    ("text", "part", "fields"),
    [
        (r"i\\ ,.T-=1 i#i=1.5e3 1000", "i ,.T-=1", {"i_i": 1500.0}),  # a backslash, then an escaped blank
        (r"\\ . #=t 1000", " .", {"x__": 1.0}),
        ('cpu,host=a\\ b usage=2i,note="x=1,y",Usage=3u 5', "cpu,host=a b", {"usage": 3.0}),
    ],
)
def test_an_odd_line_of_another_measurement_is_read_as_the_parser_reads_it(
    tmp_path: Path, text: str, part: str, fields: dict[str, float]
) -> None:
    with rig(tmp_path) as sealer:
        sealer.accept(text + "\n", line(FEED, NOON))
        sealer.accept(line(FEED, NOON + 1))  # it has not stopped the readings behind it
        wait_until(lambda: sealer.sealer.counters()["health_written"] == 1)
        (row,) = sealer.store.inner.read(health_bucket(PLANT_ID), "health").to_pylist()
        assert {name: row[name] for name in fields} == fields and row["part"] == part
        assert sealer.sealer.report()["status"] == "ok"
