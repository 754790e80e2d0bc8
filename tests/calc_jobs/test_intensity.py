"""The intensity job: parts by hour, worked by hand; nothing while the kiln stands; days are ratios of sums (R41)."""

from __future__ import annotations

import numpy as np
import pytest

from calc_jobs.intensity_parts import scopes
from tanji.domain.items import Indicator
from tanji.ledger.entries import Entry
from tanji.report.intensities import ratio, together

HOUR = 3_600_000
START = 1_772_323_200_000  # 2026-03-01 00:00 UTC, as in conftest
MORE = (
    "  - {id: power, name: {zh: 电, en: power}, kind: electricity_purchased,",
    "  - {id: meal, name: {zh: 生料, en: meal}, kind: raw_meal, line: l1, boundaries: [clinker, enterprise],\n"
    "     points: [coal], moisture: 0.02}\n"
    "  - {id: kiln_power, name: {zh: 窑电, en: kiln}, kind: electricity_clinker, line: l1, boundaries: [clinker],\n"
    "     points: [power]}\n"
    "  - {id: waste, name: {zh: 布条, en: strips}, kind: alternative_fuel, line: l1, boundaries: [clinker],\n"
    "     fuel: plastics, ledger: true}\n"
    "  - {id: heat_power, name: {zh: 余热, en: waste heat}, kind: electricity_waste_heat, boundaries: [enterprise],\n"
    "     ledger: true}\n"
    "  - {id: power, name: {zh: 电, en: power}, kind: electricity_purchased,",
)
"""Raw meal is weighed by the coal scale here, and the line's electricity is all the plant's: only sums matter."""


def parts(rig, name: str, *, line: str = "l1", **where: str) -> list[tuple[float, float, float]]:
    """Hour, numerator and denominator."""
    rows = rig.rows("intensity", name=name, line=line, **where)
    return [(row["hour"], row["numerator"], row["denominator"]) for row in rows]


def test_the_parts_of_an_hour_are_those_of_a_hand_calculation(rig) -> None:
    """20 t of coal at 25 GJ/t are 500 GJ; 210 t of clinker: 2.381 GJ/t, 81.24 kgce/t.

    Method B: 20 x 25 x 0.02618 x 0.99 x 44/12 = 47.5167 t; process 210 x 0.535 = 112.35 t; 159.8667/210 = 0.76127 t/t.
    Enterprise: + 12 MWh x 0.5306 (national, 2023) = 166.2339 t where forklift diesel is entered as 0.
    """
    rig.normal(2)
    rig.enter(25.0, from_h=0, to_h=2)
    rig.enter(0.0, from_h=0, to_h=2, stream="diesel")
    rig.run(after_h=2)
    for _hour, above, below in parts(rig, Indicator.HEAT_PER_CLINKER):
        assert (above, below) == (pytest.approx(500, rel=1e-6), pytest.approx(210))
    for _hour, above, below in parts(rig, Indicator.COAL_PER_CLINKER):
        assert above / below == pytest.approx(500 / 210 / 29.3076e-3, rel=1e-6) == pytest.approx(81.24, abs=0.01)
    found = parts(rig, Indicator.EMISSION_PER_CLINKER, ruleset="cets_ag_02_01", boundary="clinker")
    assert [hour for hour, *_ in found] == [0, 1]
    assert [above / below for _, above, below in found] == pytest.approx([0.76127] * 2, abs=1e-5)
    process = parts(rig, Indicator.PROCESS_PER_CLINKER, ruleset="cets_ag_02_01")
    assert [above / below for _, above, below in process] == pytest.approx([0.535] * 2)
    whole = parts(rig, Indicator.EMISSION_PER_CLINKER, line="site", ruleset="cets_ag_02_01", boundary="enterprise")
    assert [above for _, above, _ in whole] == pytest.approx([159.8667 + 12 * 0.5306] * 2, rel=1e-5)


def test_the_sketch_of_level_one_coal_comes_out_of_meters_and_laboratory(rig) -> None:
    """standard.md 14.2, first row: 94 kgce/t are 2.755 GJ/t and, with 0.535 of process, 0.797 tCO2/t clinker.

    By hand: 94 x 0.0293076 x 210 t = 578.53 GJ an hour; from 20 t of coal, 28.9266 GJ/t.
    """
    rig.normal(1)
    rig.enter(94 * 0.0293076 * 210 / 20, from_h=0, to_h=1)
    rig.run(after_h=1)
    ((_, coal, clinker),) = parts(rig, Indicator.COAL_PER_CLINKER)
    assert coal / clinker == pytest.approx(94, rel=1e-6)
    ((_, heat, clinker),) = parts(rig, Indicator.HEAT_PER_CLINKER)
    assert heat / clinker == pytest.approx(2.755, abs=5e-4)
    ((_, emission, clinker),) = parts(rig, Indicator.EMISSION_PER_CLINKER, ruleset="cets_ag_02_01", boundary="clinker")
    assert emission / clinker == pytest.approx(0.797, abs=5e-4)


def test_a_standing_kiln_has_no_row_and_heating_up_counts_for_its_day(rig) -> None:
    """Hour 1 stands still: nothing is burned, and there is no row. In hour 2 the kiln is heated up by 20 t of coal: the
    clinker counter stands, the hour has no quotient, and its 500 GJ are in those of the day: 1500 GJ / 420 t.
    """
    rig.normal(4, without=("k1.running", "coal", "clinker"))
    rig.put("k1.running", [1.0] * 60 + [0.0] * 60 + [1.0] * 120)
    rig.put("coal", [20.0, 20.02] * 30 + [0.0] * 60 + [20.0, 20.02] * 60)
    counter = [35.0 * minute for minute in range(60)] + [35.0 * 60] * 120
    rig.put("clinker", counter + [35.0 * (60 + minute) for minute in range(61)], arrive=False)
    rig.enter(25.0, from_h=0, to_h=4)
    rig.run(after_h=4)
    found = parts(rig, Indicator.HEAT_PER_CLINKER)
    assert [hour for hour, *_ in found] == [0, 2, 3]
    assert [below for *_, below in found] == pytest.approx([210, 0, 210])
    above, below = (np.array(values) for values in list(zip(*found, strict=True))[1:])
    assert ratio(above, below, ran=np.ones(3)).value == pytest.approx(1500 / 420, rel=1e-3)
    assert ratio(above[1:2], below[1:2], ran=np.ones(1)).value is None


def test_clinker_that_runs_out_of_the_cooler_gives_no_intensity_while_the_kiln_stands(rig) -> None:
    """The kiln stands in hour 1, the belt still empties the cooler: the tonnes count for the day, not for the hour."""
    rig.normal(2, without=("k1.running", "coal"))
    rig.put("k1.running", [1.0] * 60 + [0.0] * 60)
    rig.put("coal", [20.0, 20.02] * 30 + [0.0] * 60)
    rig.run(after_h=2)
    rows = rig.rows("intensity", name=Indicator.HEAT_PER_CLINKER)
    assert [row["running_h"] for row in rows] == [1.0, 0.0]
    assert rows[1]["denominator"] == pytest.approx(210)
    assert ratio(np.array([5.0]), np.array([210.0]), ran=np.array([0.0])).value is None


def test_an_hour_that_lacks_a_part_has_no_row(rig) -> None:
    """No clinker counter at all: neither numerator nor denominator is worth anything alone."""
    rig.normal(2, without=("clinker",))
    rig.run(after_h=2)
    assert rig.rows("intensity", name=Indicator.HEAT_PER_CLINKER) == []
    assert rig.rows("intensity", name=Indicator.EMISSION_PER_CLINKER) == []


def test_waste_heat_dry_meal_and_the_share_of_alternative_fuel(rig_of) -> None:
    """2 t of plastics an hour at 50.8 GJ/t are 101.6 GJ beside 500 GJ of coal: 16.888 % of the heat.

    Net coal: 500/0.0293076 = 17060.4 kgce less 6 MWh x 1000 x 0.404 = 2424: 14636.4 kgce. Dry meal 20 x 0.98 = 19.6 t.
    Electricity 12 MWh / 210 t = 57.143 kWh/t.
    """
    rig = rig_of(MORE)
    rig.normal(2)
    rig.enter(25.0, from_h=0, to_h=2)
    for stream, unit, value in (("waste", "t", 4.0), ("heat_power", "MWh", 12.0)):
        rig.ledger.enter(
            [Entry("S", stream, "amount", value, unit, START, START + 2 * HOUR)], recorded_at_ms=rig.now_ms
        )
    rig.run(after_h=2)
    (share, *_), (net, *_) = (
        parts(rig, Indicator.THERMAL_SUBSTITUTION),
        parts(rig, Indicator.NET_COAL_PER_CLINKER, line="site"),
    )
    assert share[1:] == (pytest.approx(101.6), pytest.approx(601.6, rel=1e-6))
    assert net[1] == pytest.approx(14_636.4, rel=1e-5)
    assert parts(rig, Indicator.MEAL_CLINKER_RATIO)[0][1] == pytest.approx(19.6, rel=1e-3)
    power = parts(rig, Indicator.ELECTRICITY_PER_CLINKER)[0]
    assert power[1] / power[2] == pytest.approx(57.143, abs=1e-3)


def test_a_late_result_changes_the_rows_of_its_hours_and_no_others(rig) -> None:
    rig.normal(3)
    rig.enter(25.0, from_h=0, to_h=3)
    rig.run(after_h=3)
    before = {row["hour"]: row for row in rig.rows("intensity", name=Indicator.HEAT_PER_CLINKER)}
    rig.enter(26.0, from_h=1, to_h=2, sample="T")
    rig.run()
    after = {row["hour"]: row for row in rig.rows("intensity", name=Indicator.HEAT_PER_CLINKER)}
    assert [hour for hour in after if after[hour] != before[hour]] == [1]


def test_a_day_is_the_ratio_of_its_sums_and_not_the_mean_of_its_hours() -> None:
    """By hand: 100 t over 200 t and 90 t over 100 t: 190/300 = 0.6333, where the mean of 0.5 and 0.9 would be 0.7."""
    found = ratio(np.array([100.0, 90.0]), np.array([200.0, 100.0]), ran=np.ones(2))
    assert found.value == pytest.approx(190 / 300)
    assert found.value != pytest.approx(0.7, abs=0.05)


def test_without_clinker_a_span_is_not_defined() -> None:
    assert ratio(np.array([3.0, 0.0]), np.array([0.0, 0.0]), ran=np.ones(2)).value is None
    assert ratio(np.array([np.nan]), np.array([5.0]), ran=np.ones(1)).value is None


def test_lines_stand_apart_unless_a_stream_is_of_the_whole_site(plant) -> None:
    """Clinker must not count twice: one stream without a line puts all of them under the site."""
    coal, clinker = plant.streams_by_id["coal"], plant.streams_by_id["clinker"]
    second = coal.model_copy(update={"id": "coal2", "line": "l2"})
    assert {line: [one.id for one in streams] for line, streams in scopes([coal, second]).items()} == {
        "l1": ["coal"],
        "l2": ["coal2"],
    }
    shared = clinker.model_copy(update={"line": None})
    assert list(scopes([coal, shared])) == ["site"]


def test_two_lines_together_are_their_sums_over_each_other() -> None:
    """By hand: 80 t / 100 t and 180 t / 200 t: 260/300 = 0.8667, where the mean of the two would be 0.85."""
    first = ratio(np.array([80.0]), np.array([100.0]), ran=np.ones(1))
    second = ratio(np.array([180.0]), np.array([200.0]), ran=np.ones(1))
    assert together([first, second]).value == pytest.approx(260 / 300)


def test_nothing_is_substituted_in_steady_operation_and_recomputing_changes_no_row(rig) -> None:
    rig.normal(2)
    rig.enter(25.0, from_h=0, to_h=2)
    rig.run(after_h=2)
    shares = parts(rig, Indicator.SUBSTITUTED_SHARE, ruleset="cets_ag_02_01")
    assert [above for _, above, _ in shares] == [0.0, 0.0]
    before = rig.rows("intensity")
    rig.jobs().recompute(START, START + 2 * HOUR)
    assert rig.rows("intensity") == before


def test_the_meal_ratio_is_of_dry_meal_by_the_moisture_of_the_laboratory(rig_of) -> None:
    """20 t of meal an hour: 5 % moisture reported in hour 0 leaves 19 t, 2 % of the plant file in hour 1 19.6 t."""
    old, new = MORE
    rig = rig_of(
        (old, new.replace("points: [coal], moisture: 0.02", "points: [coal], moisture: 0.02, laboratory: [moisture]"))
    )
    rig.normal(2)
    rig.ledger.enter([Entry("M", "meal", "moisture", 0.05, "1", START, START + HOUR)], recorded_at_ms=rig.now_ms)
    rig.run(after_h=2)
    found = parts(rig, Indicator.MEAL_CLINKER_RATIO)
    assert [above for _, above, _ in found] == pytest.approx([19.0, 19.6], rel=1e-3)


JUNE = (1_717_171_200_000 - START) // HOUR
"""Hours to 2024-05-31 16:00 UTC, midnight of 1 June in Shanghai, when GB/T 32151.8-2023 takes over from 2015."""


def test_an_hour_counts_what_the_edition_of_its_day_counts(rig_of) -> None:
    """Method A, 20 t of coal at 22 GJ/t and 2 t of plastics at 50.8 GJ/t x 0.075 tCO2/GJ, 7.62 t, an hour.

    May: 20 x 22 x 0.0261 x 0.98 x 44/12 = 41.26584 t of coal; plastics and the meal's carbon are shown. June, 99 %:
    41.68692 t, with plastics 49.30692 t; meal 19.6 t dry x 0.001 x 44/12 = 0.0718667 t. F4 of 210 t clinker is in both.
    """
    rig = rig_of(MORE)
    rig.normal(4, from_h=JUNE - 2)
    rig.enter(22.0, from_h=JUNE - 2, to_h=JUNE + 2, basis="as_received")
    rig.enter(8.0, from_h=JUNE - 2, to_h=JUNE + 2, stream="waste", parameter="amount", unit="t", sample="W")
    rig.run(after_h=JUNE + 2)
    found = parts(rig, Indicator.EMISSION_PER_CLINKER, ruleset="gbt32151_8", boundary="clinker")
    process = parts(rig, Indicator.PROCESS_PER_CLINKER, ruleset="gbt32151_8")
    burnt = [above - of for (_, above, _), (_, of, _) in zip(found, process, strict=True)]
    assert burnt == pytest.approx([41.26584] * 2 + [49.30692] * 2, rel=1e-6)
    carbonate = [row["co2_t"] for row in rig.rows(item="process_carbonate", boundary="clinker", ruleset="gbt32151_8")]
    more = [above - of for (_, above, _), of in zip(process, carbonate, strict=True)]
    assert more == pytest.approx([0.0, 0.0, 0.0718667, 0.0718667], rel=1e-3, abs=1e-9)
