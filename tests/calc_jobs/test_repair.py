"""Repair: the copy is restored from the evidence, and the hours it touches are computed again (R35, R36)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
import urllib3

from calc_jobs.audit import Audit
from calc_jobs.repair import Repair, merged
from calc_jobs.sealed_log import SealedLog
from calc_jobs.sealed_readings import standing
from calc_jobs.touched import REPAIR
from tanji.errors import StoreUnavailable
from tanji.ledger.audit_trail import TrailKind, entries
from tanji.ledger.audits import audit_state
from tanji.plant.load import parse
from tanji.store.influx import InfluxStore

from .conftest import COUNTS_PER_MINUTE, NORMAL, PLANT, START, Rig
from .sealed_plant import MINUTE, SealedPlant

HOUR = 3_600_000
HOURS = 4
END = START + HOURS * HOUR


class Sealed:
    """A rig whose readings were sealed before they were stored: four hours of steady operation."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.bucket = f"{rig.plant.site.id}_raw"
        self.evidence = SealedPlant()
        for minute in range(HOURS * 60):
            at = START + minute * MINUTE
            lines = [f"{point} {at} {value!r} 0" for point, value in NORMAL.items() if point != "coal"]
            lines += [f"coal {at} {20.0 + 0.01 * (-1) ** minute!r} 0"]
            lines += [f"{point} {at} {step * minute:.0f} 0" for point, step in COUNTS_PER_MINUTE.items()]
            self.evidence.minute(lines)
        for _ in range(3):
            self.evidence.minute()
        payloads = [self.evidence.payloads[index] for index in sorted(self.evidence.payloads)]
        rig.store.write(self.bucket, "reading", standing(payloads, plant_id=rig.plant.site.id))
        rig.arrive([START + hour * HOUR for hour in range(HOURS)])
        rig.enter(25.0, from_h=0, to_h=HOURS)
        self.first = rig.run(after_h=HOURS)
        self.audit = Audit(rig.plant, store=rig.store, log=SealedLog(self.evidence), clock=lambda: rig.now_ms)

    def repair(self) -> Repair:
        rig = self.rig
        return Repair(
            rig.plant, store=rig.store, ledger=rig.ledger, audit=self.audit, jobs=rig.jobs(), clock=lambda: rig.now_ms
        )

    def raw(self) -> list[dict]:
        return self.rig.store.read(self.bucket, "reading").to_pylist()


@pytest.fixture(params=["embedded", "influx1"])
def sealed(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Sealed]:
    rig = Rig(parse(PLANT), tmp_path)
    if request.param == "influx1":
        url = request.getfixturevalue("influx_url")
        rig.store.close()
        rig.store = emptied(url)  # type: ignore[assignment]
        yield Sealed(rig)
        emptied(url).close()
    else:
        yield Sealed(rig)
    rig.close()


def emptied(url: str) -> InfluxStore:
    """The server, with nothing in the buckets of the plant `hx`."""
    store = InfluxStore(url)
    for bucket in ("hx_raw", "hx_derived"):
        dropped = urllib3.request("POST", f"{url}/query", fields={"q": f'DROP DATABASE "{bucket}"'}, retries=False)
        assert dropped.status == 200
        store.ensure_bucket(bucket)
    return store


def coal(sealed: Sealed) -> list[tuple[float, int]]:
    rows = sealed.rig.rows(stream="coal", ruleset="cets_ag_02_01", boundary="enterprise")
    return [(row["co2_t"], row["revision"]) for row in rows]


def test_every_kind_of_difference_is_repaired_and_the_touched_hours_are_computed_again(sealed: Sealed) -> None:
    rig = sealed.rig
    before, raw = coal(sealed), sealed.raw()
    rig.put("coal", [10.0] * 30, at_min=75, arrive=False)  # half an hour at half the rate, in hour 1
    rig.put("coal", [99.0], at_min=170, word=8, arrive=False)
    rig.put("never.there", [1.0], at_min=10, arrive=False)
    where = {"plant": ["hx"], "point": ["co2"]}
    rig.store.delete("hx_raw", "reading", start_ms=START, end_ms=START + 10 * MINUTE, where=where)
    rig.jobs().recompute(START, END)  # what was altered has reached the figures
    assert coal(sealed)[1][0] < before[1][0]

    report = sealed.repair().run(START, END, by="Li", reason="altered by hand")

    assert report.found.counts() == {"changed": 31, "quality": 0, "missing": 10, "added": 1}
    assert (report.written, report.deleted, report.left.differences) == (41, 1, 0)
    assert sealed.raw() == raw
    assert [value for value, _ in coal(sealed)] == [value for value, _ in before]
    history = rig.rows("emission_history", stream="coal", ruleset="cets_ag_02_01", boundary="enterprise")
    assert {row["hour"] for row in history if row["reason"] == REPAIR} == {1.0, 2.0}


def test_a_value_where_a_failed_read_is_sealed_is_taken_back(sealed: Sealed) -> None:
    evidence, rig = sealed.evidence, sealed.rig
    evidence.late([f"k1.running {START + 30_000} - 1024"])
    rig.put("k1.running", [0.0], at_min=0, arrive=False)  # at the start of the minute
    row = {"time": START + 30_000, "plant": "hx", "point": "k1.running", "value": 1.0, "quality": 0}
    rig.store.write("hx_raw", "reading", pa.Table.from_pylist([row]))
    report = sealed.repair().run(START, END, by="Li")
    assert (report.written, report.deleted, report.left.differences) == (2, 1, 0)
    found = rig.store.read("hx_raw", "reading", start_ms=START + 30_000, end_ms=START + 30_001)
    assert [(each["value"], each["quality"]) for each in found.to_pylist()] == [(None, 1024)]


def test_what_was_done_is_in_the_trail_and_ends_the_difference(sealed: Sealed) -> None:
    rig = sealed.rig
    rig.put("coal", [10.0], at_min=75, arrive=False)
    sealed.repair().run(START, END, by="Li", reason="altered by hand")
    done, begun = entries(rig.ledger, kinds=(TrailKind.REPAIR,))
    assert (begun.actor, begun.facts["state"], begun.facts["reason"]) == ("Li", "begun", "altered by hand")
    assert begun.facts["hours"] == [[START + HOUR, START + 2 * HOUR]]
    assert (done.facts["state"], done.facts["begun"], done.facts["written"]) == ("done", [begun.id], 1)
    assert audit_state(rig.ledger).differences == 0
    assert sealed.repair().run(START, END, by="Li").hours == 0
    assert len(entries(rig.ledger, kinds=(TrailKind.REPAIR,))) == 2  # nothing to repair is no repair


def test_a_change_across_an_hour_touches_every_hour_to_the_next_reading(sealed: Sealed) -> None:
    rig = sealed.rig
    where = {"plant": ["hx"], "point": ["power"]}
    rig.store.delete("hx_raw", "reading", start_ms=START + 50 * MINUTE, end_ms=START + 130 * MINUTE, where=where)
    sealed.repair().run(START, END, by="Li")
    begun = entries(rig.ledger, kinds=(TrailKind.REPAIR,))[-1]
    assert begun.facts["hours"] == [[START, START + 3 * HOUR]]


def test_a_repair_that_was_broken_off_is_finished_by_the_next(sealed: Sealed, monkeypatch: pytest.MonkeyPatch) -> None:
    rig, before = sealed.rig, coal(sealed)
    rig.put("coal", [10.0] * 30, at_min=75, arrive=False)
    rig.jobs().recompute(START, END)
    broken = sealed.repair()

    def lost(*_: object, **__: object) -> None:
        raise StoreUnavailable("connection refused")

    with monkeypatch.context() as patch:
        patch.setattr(broken._jobs, "recompute", lost)
        with pytest.raises(StoreUnavailable):
            broken.run(START, END, by="Li")
    assert sealed.audit.run(START, END).differences == 0  # the copy is right, the figures are not yet
    assert coal(sealed)[1][0] < before[1][0]
    report = sealed.repair().run(START, END, by="Li")
    assert (report.written, report.hours) == (0, 1)
    assert [value for value, _ in coal(sealed)] == [value for value, _ in before]


def test_periods_that_touch_are_one() -> None:
    assert merged(iter([(5, 7), (0, 2), (2, 3), (6, 9)])) == [(0, 3), (5, 9)]
