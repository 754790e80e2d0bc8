"""A late, corrected, moved or withdrawn result recomputes exactly the hours it covers (DESIGN section 2, R9, R52).

Coal is 20 t/h; an hour by method B is 20 x NCV x 0.02618 x 0.99 x 44/12, worked beside each test from its NCV.
"""

from __future__ import annotations

import pytest

from tanji.ledger.laboratory_csv import COLUMNS, import_file

HOUR = 3_600_000
DEFAULT = 23.076  # appendix A, where the laboratory reported nothing (standard.md 8.1)


def heats(rig) -> list[float]:
    """NCV that each hour of coal was computed with. [GJ/t]"""
    rows = rig.rows(stream="coal", ruleset="cets_ag_02_01", boundary="clinker")
    return [round(row["co2_t"] / (20 * 0.02618 * 0.99 * 44 / 12), 6) for row in rows]


def revised(rig) -> list[int]:
    """Hours of coal with a second revision, in their order."""
    rows = rig.rows("emission_history", stream="coal", ruleset="cets_ag_02_01", boundary="clinker")
    return [round(row["hour"]) for row in rows if row["revision"] == "2"]


@pytest.fixture
def computed(rig):
    """Ten hours, with a result of 22 GJ/t for hours 2 to 7."""
    rig.normal(10)
    rig.enter(22.0, from_h=2, to_h=8, basis="as_received")
    rig.run(after_h=10)
    assert heats(rig) == [DEFAULT] * 2 + [22.0] * 6 + [DEFAULT] * 2
    return rig


def test_a_late_result_touches_its_hours_alone(computed) -> None:
    computed.enter(24.0, from_h=8, to_h=9, sample="late", basis="as_received")
    assert computed.run().hours == 1
    assert heats(computed)[7:] == [22.0, 24.0, DEFAULT] and revised(computed) == [8]
    history = computed.rows("emission_history", stream="coal", ruleset="cets_ag_02_01", boundary="clinker")
    assert [row["reason"] for row in history if row["hour"] == 8] == ["first", "laboratory"]


def test_a_correction_that_shortens_a_period_gives_its_last_hours_back(computed) -> None:
    """The same sample, now for hours 2 to 4: hours 5 to 7 have no result any more."""
    computed.enter(22.0, from_h=2, to_h=5, basis="as_received")
    assert computed.run().hours == 6
    assert heats(computed) == [DEFAULT] * 2 + [22.0] * 3 + [DEFAULT] * 5
    assert revised(computed) == list(range(2, 8)), "hours 2 to 4 rest on another entry now: their inputs changed"
    entries = computed.ledger.entries(streams=("coal",), superseded=True)
    assert [(entry.id, entry.superseded_by) for entry in entries] == [(1, 2), (2, None)], "the old one is kept"


def test_a_correction_that_moves_a_period_touches_both(computed) -> None:
    computed.enter(21.0, from_h=6, to_h=9, basis="as_received")
    assert computed.run().hours == 7
    assert heats(computed) == [DEFAULT] * 6 + [21.0] * 3 + [DEFAULT] and revised(computed) == list(range(2, 9))


def test_results_of_other_samples_that_overlap_are_averaged_by_their_time(computed) -> None:
    """A second sample of 26 for hours 6 and 7: (22 + 26)/2 = 24."""
    computed.enter(26.0, from_h=6, to_h=8, sample="other", basis="as_received")
    assert computed.run().hours == 2
    assert heats(computed)[5:9] == [22.0, 24.0, 24.0, DEFAULT] and revised(computed) == [6, 7]


def test_a_withdrawn_result_gives_its_hours_back_and_may_be_entered_again(computed) -> None:
    computed.ledger.withdraw("S", by="Li", reason="wrong container", recorded_at_ms=1)
    assert computed.run().hours == 6
    assert heats(computed) == [DEFAULT] * 10 and revised(computed) == list(range(2, 8))
    computed.enter(22.0, from_h=2, to_h=8, basis="as_received")
    assert computed.run().hours == 6 and heats(computed)[2:8] == [22.0] * 6


def test_a_sheet_withdraws_by_a_row_and_corrects_by_the_next(computed, tmp_path) -> None:
    """`withdrawn: yes` with a reason takes the result of that period back; a shorter one may stand beside it."""
    sheet = tmp_path / "results.csv"
    period = "2026-03-01T02:00+00:00,2026-03-01T08:00+00:00"
    sheet.write_text(
        f"{','.join((*COLUMNS, 'withdrawn', 'reason'))}\n"
        f"S,coal,net_calorific_value,,,,{period},lab,,yes,wrong container\n"
        "T,coal,net_calorific_value,25,GJ/t,as_received,2026-03-01T02:00+00:00,2026-03-01T03:00+00:00,lab,,,\n",
        encoding="utf-8",
    )
    found = import_file(sheet, ledger=computed.ledger, plant=computed.plant, now_ms=5)
    assert (found.findings, found.added, found.withdrawn) == ((), 2, 1)
    computed.run()
    assert heats(computed)[2:8] == [25.0] + [DEFAULT] * 5
    again = import_file(sheet, ledger=computed.ledger, plant=computed.plant, now_ms=6)
    assert again.added == 0 and computed.run().hours == 0


def test_a_stocktake_for_a_shorter_period_closes_that_one_alone(rig_of) -> None:
    """Four hours of 210 t closed by 850 t, corrected to three hours and 640 t: k = 640/630, the fourth hour 210 t."""
    rig = rig_of(("points: [clinker]}", "points: [clinker], stock: true}"))
    rig.normal(4)
    rig.run(after_h=4)
    for hours, dispatched in ((4, 350), (3, 140)):
        for name, value in (("clinker_to_mill", 500), ("clinker_dispatched", dispatched), ("opening_stock", 0),
                            ("closing_stock", 0), ("clinker_bought", 0)):  # fmt: skip
            rig.enter(value, from_h=0, to_h=hours, stream="clinker", sample="V", parameter=name, unit="t")
        rig.run(after_h=4)
    amounts = [row["amount_t"] for row in rig.rows("activity", stream="clinker")]
    assert amounts == pytest.approx([640 / 3] * 3 + [210.0])
    assert [round(entry.value, 9) for entry in rig.ledger.entries(parameter="closing_factor")] == [round(640 / 630, 9)]
