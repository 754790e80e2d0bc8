"""The database audit: every way in which a store can differ from the sealed payload is found and named (R35).

Each case runs on the embedded store and on the real InfluxDB 1.6.7.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from calc_jobs.audit import Audit
from calc_jobs.comparison import Kind
from calc_jobs.findings import MOST_LISTED, AuditReport, Difference
from calc_jobs.sealed_log import SealedLog
from calc_jobs.sealed_readings import standing
from tanji.errors import EvidenceMissing, TrustError
from tanji.plant.load import parse
from tanji.plant.model import Plant
from tanji.store.embedded import EmbeddedStore
from tanji.store.influx import InfluxStore
from tanji.store.port import Store

from .conftest import PLANT
from .sealed_plant import GATEWAY, MINUTE, PREPARER, START, SealedPlant, signer

HOUR = 3_600_000
MINUTES = 10
END = START + MINUTES * MINUTE
_numbers = itertools.count()


@pytest.fixture(params=["embedded", "influx1"])
def copy(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Store, Plant]]:
    """A store with a raw bucket of its own, and the plant whose it is."""
    site = f"a{os.getpid()}_{next(_numbers)}"
    plant = parse(PLANT.replace("site: {id: hx,", f"site: {{id: {site},", 1))
    store: EmbeddedStore | InfluxStore
    if request.param == "embedded":
        store = EmbeddedStore(tmp_path / "tsdb.duckdb")
    else:
        store = InfluxStore(request.getfixturevalue("influx_url"))
        store.ensure_bucket(f"{site}_raw")
    yield store, plant
    store.close()


def reading(point: str, second: int, value: str = "1.5", quality: int = 0) -> str:
    return f"{point} {START + second * 1000} {value} {quality}"


def sealed_minutes(plant: SealedPlant, *, minutes: int = MINUTES) -> None:
    """Two points every ten seconds, a counter every minute; then three minutes more, so that all can be judged."""
    for minute in range(minutes):
        seconds = range(minute * 60, minute * 60 + 60, 10)
        lines = [reading(point, second, repr(second / 8)) for point in ("coal", "co2") for second in seconds]
        plant.minute([*lines, reading("clinker", minute * 60, str(2**53 - minute))])
    for _ in range(3):
        plant.minute()


class Copy:
    """The store as the sealer filled it, and what somebody did to it afterwards."""

    def __init__(self, store: Store, plant: Plant, evidence: SealedPlant) -> None:
        self.store, self.plant, self.evidence = store, plant, evidence
        self.bucket = f"{plant.site.id}_raw"
        self.log = SealedLog(evidence)
        self.audit = Audit(plant, store=store, log=self.log, clock=lambda: END)

    def fill(self) -> None:
        payloads = [self.evidence.payloads[index] for index in sorted(self.evidence.payloads)]
        self.store.write(self.bucket, "reading", standing(payloads, plant_id=self.plant.site.id))

    def put(self, point: str, second: int, value: float | None, quality: int = 0, *, plant: str | None = None) -> None:
        row = {"time": [START + second * 1000], "plant": [plant or self.plant.site.id], "point": [point]}
        self.store.write(
            self.bucket, "reading", pa.table(row | {"value": pa.array([value], pa.float64()), "quality": [quality]})
        )

    def drop(self, point: str, second: int) -> None:
        at = START + second * 1000
        where = {"plant": [self.plant.site.id], "point": [point]}
        self.store.delete(self.bucket, "reading", start_ms=at, end_ms=at + 1, where=where)

    def report(self, start_ms: int = START, end_ms: int = END) -> AuditReport:
        return self.audit.run(start_ms, end_ms)


@pytest.fixture
def kept(copy: tuple[Store, Plant]) -> Copy:
    found = Copy(*copy, SealedPlant())
    sealed_minutes(found.evidence)
    found.fill()
    return found


def test_a_true_copy_has_no_difference(kept: Copy) -> None:
    report = kept.report()
    assert (report.differences, report.rows, report.unsealed) == (0, MINUTES * 13, 0)
    assert (report.start_ms, report.end_ms, report.size) == (START, END, kept.evidence.size)
    assert report.counts() == {"changed": 0, "quality": 0, "missing": 0, "added": 0}
    assert "derived" in report.not_compared and "laboratory" in report.not_compared


def test_each_kind_of_difference_is_found_with_both_readings(kept: Copy) -> None:
    kept.put("coal", 10, 1.2500000000000002)  # one unit in the last place of 10 / 8
    kept.put("co2", 20, 2.5, 8)
    kept.drop("clinker", 60)
    kept.put("coal", 25, 7.0)
    report = kept.report()
    assert report.differences == 4
    assert report.listed == (
        Difference("coal", START + 10_000, Kind.CHANGED, "1.25 0", "1.2500000000000002 0"),
        Difference("co2", START + 20_000, Kind.QUALITY, "2.5 0", "2.5 8"),
        Difference("clinker", START + 60_000, Kind.MISSING, "9007199254740991.0 0", None),
        Difference("coal", START + 25_000, Kind.ADDED, None, "7.0 0"),
    )
    assert [(each.point, each.kind.value, each.rows, each.first_ms) for each in report.tallies] == [
        ("clinker", "missing", 1, START + 60_000),
        ("co2", "quality", 1, START + 20_000),
        ("coal", "added", 1, START + 25_000),
        ("coal", "changed", 1, START + 10_000),
    ]


def test_the_sign_of_zero_and_a_failed_read_are_differences(kept: Copy) -> None:
    kept.put("coal", 0, -0.0)
    kept.drop("co2", 0)
    kept.put("co2", 0, None, 1024)
    assert [(each.sealed, each.stored) for each in kept.report().listed] == [("0.0 0", "- 1024"), ("0.0 0", "-0.0 0")]


def test_a_row_without_quality_is_a_quality_difference(kept: Copy) -> None:
    kept.drop("coal", 10)
    row = {"time": [START + 10_000], "plant": [kept.plant.site.id], "point": ["coal"], "value": [1.25]}
    kept.store.write(kept.bucket, "reading", pa.table(row))
    assert [(each.kind, each.stored) for each in kept.report().listed] == [(Kind.QUALITY, "1.25 none")]


def test_rows_of_unknown_points_and_of_other_plants_are_added(kept: Copy) -> None:
    kept.put("never.sealed", 5, 1.0)
    kept.put("coal", 10, 1.25, plant="other")
    report = kept.report()
    assert {(each.point, each.kind) for each in report.listed} == {
        ("never.sealed", Kind.ADDED),
        ("other/coal", Kind.ADDED),
    }


def test_an_emptied_store_is_counted_in_full_and_listed_up_to_the_limit(kept: Copy) -> None:
    for point in ("coal", "co2", "clinker"):
        where = {"plant": [kept.plant.site.id], "point": [point]}
        kept.store.delete(kept.bucket, "reading", start_ms=START, end_ms=END, where=where)
    report = kept.report()
    assert report.counts() == {"changed": 0, "quality": 0, "missing": MINUTES * 13, "added": 0}
    assert len(report.listed) == MOST_LISTED < report.differences
    coal = next(each for each in report.tallies if each.point == "coal")
    assert (coal.rows, coal.first_ms, coal.last_ms) == (60, START, START + 590_000)


def test_differences_of_a_point_are_counted_over_all_parts(kept: Copy, monkeypatch: pytest.MonkeyPatch) -> None:
    evidence = kept.evidence
    for minute in range(13, 190):
        evidence.minute([reading("coal", minute * 60, repr(minute / 8))])
    kept.fill()
    for second in (60, 100 * 60, 170 * 60):
        kept.put("coal", second, 99.0)
    monkeypatch.setattr("calc_jobs.audit.ROWS_PER_PART", 100)
    done: list[float] = []
    report = kept.audit.run(START, START + 185 * MINUTE, done.append)
    assert [(each.rows, each.first_ms, each.last_ms) for each in report.tallies] == [
        (3, START + 60_000, START + 170 * MINUTE)
    ]
    assert done == [1.0, 2.0, 185 / 60]


def test_a_second_sealed_value_and_a_filled_read_are_as_the_sealer_stores_them(kept: Copy) -> None:
    evidence = kept.evidence
    evidence.late([reading("coal", 10, "99.0", 4), reading("k1.running", 30, "-", 1024)])
    evidence.late([reading("k1.running", 30, "1.0", 8)])
    kept.put("k1.running", 30, 1.0, 8)
    assert kept.report().differences == 0
    kept.put("coal", 10, 99.0)
    assert [each.kind for each in kept.report().listed] == [Kind.CHANGED]


def test_a_correction_is_part_of_the_evidence(kept: Copy) -> None:
    kept.evidence.correct(1, reading("coal", 10, "1.25"), reading("coal", 10, "1.0"))
    assert [(each.sealed, each.stored) for each in kept.report().listed] == [("1.0 0", "1.25 0")]
    kept.put("coal", 10, 1.0)
    assert kept.report().differences == 0


def test_a_correction_without_the_approver_is_refused(kept: Copy) -> None:
    kept.evidence.correct(1, reading("coal", 10, "1.25"), reading("coal", 10, "1.0"), signers=(PREPARER,))
    with pytest.raises(TrustError):
        kept.report()


def test_meters_own_settings_are_compared_too(kept: Copy) -> None:
    kept.evidence.late([reading("scale.span", 0, "1.02")], kind="config")
    assert [(each.point, each.kind) for each in kept.report().listed] == [("scale.span", Kind.MISSING)]


def test_only_what_every_gateway_has_sealed_is_judged(copy: tuple[Store, Plant]) -> None:
    ahead, behind = "demo.example/gw1", "demo.example/gw2"
    evidence = SealedPlant(ahead, behind)
    for minute in range(60):
        evidence.minute([reading("coal", minute * 60)], gateway=ahead)
    for _ in range(30):
        evidence.minute(gateway=behind)
    found = Copy(*copy, evidence)
    report = found.report(end_ms=START + 60 * MINUTE)
    assert (report.behind, report.end_ms) == (behind, START + 28 * MINUTE)  # 120 s before what it has sealed
    assert report.counts()["missing"] == 28


def test_nobody_waits_for_a_gateway_that_was_retired(copy: tuple[Store, Plant]) -> None:
    evidence = SealedPlant(GATEWAY, "demo.example/old", closed=["demo.example/old"])
    evidence.minute([reading("clinker", 0, "7")], gateway="demo.example/old")
    sealed_minutes(evidence)
    found = Copy(*copy, evidence)
    found.fill()
    report = found.report()
    assert (report.behind, report.end_ms, report.differences) == (GATEWAY, END, 0)


def test_rows_from_before_sealing_began_are_told_and_are_no_difference(copy: tuple[Store, Plant]) -> None:
    evidence = SealedPlant(from_ms=START + 6 * HOUR)
    for _ in range(10):
        evidence.minute()
    evidence.late([reading("coal", 3600, "5.0")])  # history that was brought in later
    found = Copy(*copy, evidence)
    found.fill()
    found.put("coal", 60, 1.0)  # an hour of which nothing is sealed
    found.put("coal", 3601, 2.0)  # an hour whose history is sealed
    report = found.report(end_ms=START + 7 * HOUR)
    assert report.unsealed == 1
    assert [(each.time_ms, each.kind) for each in report.listed] == [(START + 3_601_000, Kind.ADDED)]


def test_what_is_stored_and_not_yet_sealed_is_looked_at_again(copy: tuple[Store, Plant]) -> None:
    evidence = SealedPlant()
    sealed_minutes(evidence)
    found = Copy(*copy, evidence)
    found.fill()
    found.put("coal", 5, 3.25)
    pauses: list[float] = []

    def next_minute(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 2:
            evidence.late([reading("coal", 5, "3.25")])
            evidence.minute()

    now = START + 13 * MINUTE + 30_000
    audit = Audit(found.plant, store=found.store, log=found.log, clock=lambda: now, settle_s=100.0, pause=next_minute)
    assert audit.run(START, END).differences == 0
    assert len(pauses) == 2


def test_waiting_for_a_gateway_that_seals_no_more_has_an_end(kept: Copy) -> None:
    kept.put("coal", 5, 3.25)
    pauses: list[float] = []
    audit = Audit(
        kept.plant, store=kept.store, log=kept.log, clock=lambda: END + HOUR, settle_s=20.0, pause=pauses.append
    )
    assert audit.run(START, END).differences == 1
    assert sum(pauses) == 20.0


@pytest.mark.parametrize("change", ["payload", "signature", "gone"])
def test_evidence_that_does_not_verify_is_never_compared_with(kept: Copy, change: str) -> None:
    evidence = kept.evidence
    if change == "payload":
        evidence.payloads[2] = evidence.payloads[2].replace(b"7.5 ", b"7.25 ", 1)
    elif change == "signature":
        stranger = SealedPlant()
        stranger.gateways[GATEWAY] = signer(99, GATEWAY)
        stranger.minute([reading("coal", 0, "9.0")])
        evidence.notes[1], evidence.payloads[1] = stranger.notes[1], stranger.payloads[1]
    else:
        del evidence.payloads[3]
    with pytest.raises(TrustError) as caught:
        kept.report()
    rules = {"payload": "payload-root", "signature": "note-unknown-key", "gone": "payload-missing"}
    assert caught.value.rule == rules[change]
    assert isinstance(caught.value, EvidenceMissing) == (change == "gone")


def test_without_anything_sealed_nothing_can_be_decided(copy: tuple[Store, Plant]) -> None:
    with pytest.raises(EvidenceMissing):
        Copy(*copy, SealedPlant()).report()


def test_the_log_is_read_as_of_a_size() -> None:
    evidence = SealedPlant()
    evidence.minute([reading("coal", 0)])
    evidence.minute([reading("coal", 60)])
    log = SealedLog(evidence)
    assert [batch.index for batch in log.batches(START, END, size=2)] == [1]
    assert [batch.index for batch in log.batches(START, END)] == [1, 2]
    assert [batch.seq for batch in log.batches(START + 4 * MINUTE, END)] == []
    assert [batch.seq for batch in log.batches(START + 3 * MINUTE, END)] == [1]  # its lines may lie 120 s behind
