"""A period computed again from readings alone says what the jobs said (R34, R36), and the same every time.

Expected numbers: coal runs at 20 t/h (the rig's NORMAL), so a day is 480 t; the live figures are the jobs' own rows,
computed hour by hour in another store.
"""

from __future__ import annotations

import math
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from calc_jobs import ledger_export, recomputation
from calc_jobs.recomputation import Question, plant_of, recompute, windows
from tanji.domain.items import Boundary, RuleSetId
from tanji.errors import TrustError
from tanji.plant.digest import canonical
from tanji.trust.statement import Period

HOUR = 3_600_000
START = 1_772_323_200_000  # 2026-03-01 00:00 UTC
DAY = Period(START + 30 * HOUR, START + 54 * HOUR, "a day")
ASKED = Question(DAY, Boundary.ENTERPRISE, RuleSetId.CETS_AG_02_01)


class StoreEvidence:
    """Readings of a rig's store, and which windows were asked for."""

    def __init__(self, rig) -> None:
        self._rig = rig
        self.asked: list[tuple[int, int]] = []
        self.begin_ms = START

    def readings(self, start_ms: int, end_ms: int) -> pa.Table:
        self.asked.append((start_ms, end_ms))
        return self._rig.store.read("hx_raw", "reading", start_ms=start_ms, end_ms=end_ms)


@pytest.fixture
def lived(rig):
    """Sixty hours of operation, computed as they came; the coal scale was silent for two of them."""
    rig.normal(60, without=("coal",))
    rig.put("coal", [20 + 0.01 * (-1) ** minute for minute in range(40 * 60)])
    rig.put("coal", [20 + 0.01 * (-1) ** minute for minute in range(18 * 60)], at_min=42 * 60)
    rig.enter(22.0, from_h=0, to_h=60)
    for hour in (31, 50, 60):
        rig.run(after_h=hour)
    return rig


def live_total(rig, question: Question) -> float:
    rows = rig.rows(boundary=question.boundary.value, ruleset=question.rule_set.value)
    shown = ("biogenic", "flue_gas", "clinker_electricity")
    inside = [row for row in rows if DAY.from_ms <= row["time"] < DAY.to_ms and row["item"] not in shown]
    return math.fsum(row["co2_t"] for row in inside if row["co2_t"] is not None)


def test_readings_and_ledger_alone_give_the_figures_the_jobs_gave_hour_by_hour(lived) -> None:
    plant = plant_of(canonical(lived.plant))
    found = recompute(plant, StoreEvidence(lived), ledger_export.export(plant, lived.ledger), question=ASKED)
    assert float(found.total_co2_t) == pytest.approx(live_total(lived, ASKED), rel=1e-9)
    coal = next(one for one in found.results if one.stream == "coal")
    assert (coal.activity, coal.activity_unit) == ("480.000000", "t")
    assert found.substituted_hours == 2 and found.missing_hours == 24  # nobody entered diesel


def test_equal_inputs_give_equal_bytes(lived) -> None:
    plant = plant_of(canonical(lived.plant))
    export = ledger_export.export(plant, lived.ledger)
    one, two = (recompute(plant, StoreEvidence(lived), export, question=ASKED) for _ in range(2))
    assert one == two
    assert one.manifest.count == len(one.lines) == 4 * 24  # coal, clinker, power, diesel
    assert list(one.lines) == sorted(one.lines)


def test_a_substituted_hour_reads_as_far_back_as_its_rule_asks_and_no_farther_than_the_evidence(lived) -> None:
    evidence = StoreEvidence(lived)
    plant = plant_of(canonical(lived.plant))
    found = recompute(plant, evidence, ledger_export.export(plant, lived.ledger), question=ASKED)
    assert len(evidence.asked) > 1
    assert found.window == evidence.asked[-1]
    assert evidence.asked[-1][0] <= START < evidence.asked[-2][0]  # diesel is never there: to the beginning


def test_a_whole_period_reads_only_its_margins(rig_of) -> None:
    rig = rig_of(("ledger: true}", "points: [coal]}"))
    rig.normal(60)
    rig.enter(22.0, from_h=0, to_h=60)
    evidence = StoreEvidence(rig)
    found = recompute(rig.plant, evidence, ledger_export.export(rig.plant, rig.ledger), question=ASKED)
    assert found.missing_hours == 0 and found.captured == "1.000000"
    # the longest time a value may be stuck is 1800 s, so two margins are an hour
    assert evidence.asked == [(DAY.from_ms - HOUR, DAY.to_ms + HOUR)] == [next(windows(rig.plant, ASKED))]


def test_a_lower_reading_gives_another_manifest_and_another_total(lived) -> None:
    plant = plant_of(canonical(lived.plant))
    export = ledger_export.export(plant, lived.ledger)

    class Lower(StoreEvidence):
        def readings(self, start_ms: int, end_ms: int) -> pa.Table:
            table = super().readings(start_ms, end_ms)
            less = pc.and_(pc.equal(table.column("point"), "coal"), pc.equal(table.column("time"), DAY.from_ms))
            values = pc.if_else(less, 19.0, table.column("value"))
            return table.set_column(table.column_names.index("value"), "value", values)

    one = recompute(plant, StoreEvidence(lived), export, question=ASKED)
    two = recompute(plant, Lower(lived), export, question=ASKED)
    assert one.manifest.root != two.manifest.root and float(two.total_co2_t) < float(one.total_co2_t)


def test_an_export_is_the_same_for_the_same_ledger_and_restores_what_it_says(lived, tmp_path) -> None:
    export = ledger_export.export(lived.plant, lived.ledger)
    assert export == ledger_export.export(lived.plant, lived.ledger)
    restored = ledger_export.restore(export, tmp_path / "again.sqlite")
    neutral = [replace(entry, recorded_at_ms=0, id=0) for entry in lived.ledger.entries()]
    assert [replace(entry, recorded_at_ms=0, id=0) for entry in restored.entries()] == neutral
    restored.close()


def test_an_export_that_was_tampered_with_is_refused(lived, tmp_path) -> None:
    export = ledger_export.export(lived.plant, lived.ledger)
    for bad in (export.replace(b'"entries":[{', b'"entries":[{"x":1,'), export.replace(b"22.0", b"22.00", 1), b"{}\n"):
        if bad.count(b"22.00"):
            assert bad != export
            continue  # another spelling of a value is another digest, which the statement names
        with pytest.raises(TrustError) as error:
            ledger_export.restore(bad, tmp_path / "bad.sqlite")
        assert error.value.rule == "recompute-inputs"


def test_a_period_without_any_reading_is_refused(rig) -> None:
    evidence = StoreEvidence(rig)
    with pytest.raises(TrustError) as error:
        recompute(rig.plant, evidence, ledger_export.export(rig.plant, rig.ledger), question=ASKED)
    assert error.value.rule == "recompute-inputs"


def test_a_plant_file_that_is_none_is_refused() -> None:
    with pytest.raises(TrustError) as error:
        recomputation.plant_of(b'{"tanji":1}')
    assert error.value.rule == "plant-file"


STOCK = ("laboratory: [net_calorific_value]}", "laboratory: [net_calorific_value], stock: true}")


def closed(rig_of, *, hours: int = 24):
    """Twenty-four hours of 20 t of coal, closed by a stocktake of 492 t: k = 492 / 480 = 1.025."""
    rig = rig_of(STOCK, ("ledger: true}", "points: [coal]}"))
    rig.normal(30)
    rig.enter(22.0, from_h=0, to_h=60)
    for parameter, value in (("purchase_amount", 492), ("opening_stock", 5), ("closing_stock", 5), ("sold_amount", 0)):
        rig.enter(value, from_h=0, to_h=hours, sample="V", parameter=parameter, unit="t")
    return rig


def test_a_closed_month_is_closed_again_and_no_factor_in_the_ledger_is_believed(rig_of) -> None:
    rig = closed(rig_of)
    rig.run(after_h=30)
    (k,) = rig.ledger.entries(parameter="closing_factor")
    rig.enter(0.97 * k.value, from_h=0, to_h=24, sample="mine", parameter="closing_factor", unit="1")
    rig.enter(0.5, from_h=6, to_h=12, sample="mine too", parameter="closing_factor", unit="1", source="hand")
    export = ledger_export.export(rig.plant, rig.ledger)
    day = Question(Period(START, START + 24 * HOUR, "all of it"), Boundary.CLINKER, RuleSetId.CETS_AG_02_01)
    found = recompute(rig.plant, StoreEvidence(rig), export, question=day)
    coal = next(one for one in found.results if one.stream == "coal")
    assert float(coal.activity) == pytest.approx(492.0, abs=2e-6)


def test_a_part_of_a_closed_month_reads_the_whole_of_it(rig_of) -> None:
    rig = closed(rig_of)
    export = ledger_export.export(rig.plant, rig.ledger)
    part = Question(Period(START + 6 * HOUR, START + 12 * HOUR, "six hours"), Boundary.CLINKER, RuleSetId.CETS_AG_02_01)
    evidence = StoreEvidence(rig)
    found = recompute(rig.plant, evidence, export, question=part)
    coal = next(one for one in found.results if one.stream == "coal")
    assert float(coal.activity) == pytest.approx(6 * 20 * 1.025, abs=2e-6)
    assert evidence.asked == [(START - HOUR, START + 25 * HOUR)]


def test_the_quarter_of_a_table_and_the_month_of_a_floor_are_read_from_their_beginning(rig_of) -> None:
    zone_ms = 8 * HOUR  # 2026-03-01 00:00 in Shanghai is 16:00 UTC of the day before
    table = rig_of(("laboratory: [net_calorific_value]}", "laboratory: [], missing: {amount: hj75_table}}")).plant
    floor = rig_of(
        ("streams:\n", "streams:\n  - {id: slag, name: {zh: 渣, en: slag}, kind: substitute_material,\n"
         "     fuel: carbide_slag, line: l1, boundaries: [clinker], points: [coal], laboratory: [moisture]}\n"),
    ).plant  # fmt: skip
    asked = replace(ASKED, boundary=Boundary.CLINKER)
    assert next(windows(floor, asked))[0] == START - zone_ms - HOUR
    assert next(windows(table, asked))[0] == START - zone_ms - 59 * 24 * HOUR - HOUR  # 1 January 2026
