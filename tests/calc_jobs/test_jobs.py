"""Runs: late data, laboratory values, crashes and restarts (issue 3 item 9; DESIGN section 2; R36, R52)."""

from __future__ import annotations

from pathlib import Path

import pytest

from calc_jobs.jobs import Jobs
from calc_jobs.schedule import Schedule

HEADER = "sample_id,stream,parameter,value,unit,basis,valid_from,valid_to,laboratory,method\n"


def versions(rig, stream: str = "coal") -> list[tuple[float, int, str, float]]:
    rows = rig.rows("emission_history", stream=stream, ruleset="cets_ag_02_01", boundary="clinker")
    return sorted((row["hour"], int(row["revision"]), row["reason"], row["co2_t"]) for row in rows)


def test_an_hour_is_computed_once_it_is_closed_and_its_grace_is_over(rig) -> None:
    rig.normal(2)
    rig.now_ms += 3_600_000
    assert rig.jobs().pending_hours() == () and rig.jobs().run_once().hours == 0
    assert len(rig.jobs(grace_ms=0).pending_hours()) == 1
    assert rig.run(after_h=1).hours == 1
    # The second hour's arrivals were consumed while it was open; it is computed all the same.
    assert rig.run(after_h=2).hours == 1 and len(rig.co2()) == 2


def test_with_nothing_new_nothing_is_done(rig) -> None:
    assert rig.run(after_h=1).hours == 0
    rig.normal(2)
    rig.run(after_h=2)
    before = rig.everything()
    report = rig.run(after_h=9)
    assert (report.hours, report.activity_rows, report.emission_rows) == (0, 0, 0)
    assert rig.everything() == before


def test_every_version_is_kept_the_first_included(rig) -> None:
    rig.normal(1)
    rig.run(after_h=1)
    (row,) = rig.rows(stream="coal", ruleset="cets_ag_02_01", boundary="clinker")
    assert row["revision"] == 1
    assert [(hour, revision, reason) for hour, revision, reason, _ in versions(rig)] == [(0, 1, "first")]


def test_a_late_reading_recomputes_its_own_hour_and_nothing_else(rig) -> None:
    """Ten minutes of hour 2 arrive late and are higher: 50 min at 20 and 10 at 26 t/h are 21 t."""
    rig.normal(4, without=("coal",))
    rig.put("coal", [20.0, 20.1] * 60 + [20.0, 20.1] * 25)
    rig.put("coal", [20.0, 20.1] * 30, at_min=180)
    rig.run(after_h=4)
    before = rig.everything()
    rig.put("coal", [26.0, 26.1] * 5, at_min=170)
    report = rig.run()
    assert report.hours == 1 and report.activity_rows == 1 and report.emission_rows == 4
    after = rig.everything()
    changed = [row for row in after["emission"] if row not in before["emission"]]
    assert {(row["stream"], row["time"]) for row in changed} == {("coal", report.first_ms)}
    assert {row["revision"] for row in changed} == {2}
    assert len([row for row in after["emission"] if row in before["emission"]]) == len(after["emission"]) - 4
    assert all(row in after["emission_history"] for row in before["emission_history"])
    assert [version[:3] for version in versions(rig) if version[0] == 2] == [(2, 1, "first"), (2, 2, "late data")]
    assert rig.rows("activity", stream="coal")[2]["amount_t"] == pytest.approx(20.05 + 1)


def test_a_late_laboratory_value_recomputes_exactly_the_hours_it_holds_for(rig) -> None:
    rig.normal(4)
    rig.run(after_h=4)
    before = rig.rows(stream="coal", ruleset="cets_ag_02_01", boundary="clinker")
    rig.enter(25.0, from_h=1, to_h=3, basis="as_received")
    assert rig.run().hours == 2
    after = rig.rows(stream="coal", ruleset="cets_ag_02_01", boundary="clinker")
    assert [row["revision"] for row in after] == [1, 2, 2, 1] and after[0] == before[0] and after[3] == before[3]
    assert after[1]["co2_t"] / before[1]["co2_t"] == pytest.approx(25 / 23.076)
    assert [row["substituted"] for row in after] == [1.0, 0.0, 0.0, 1.0]
    assert [reason for hour, revision, reason, _ in versions(rig) if revision == 2] == ["laboratory"] * 2


def test_a_corrected_laboratory_value_is_a_new_revision_and_the_old_figure_stays(rig) -> None:
    rig.normal(2)
    rig.enter(23.0, from_h=0, to_h=2, basis="as_received")
    rig.run(after_h=2)
    rig.enter(24.0, from_h=0, to_h=2, basis="as_received")
    rig.run()
    found = [version for version in versions(rig) if version[0] == 0]
    assert [version[1] for version in found] == [1, 2] and found[1][3] / found[0][3] == pytest.approx(24 / 23)
    rig.enter(24.0, from_h=0, to_h=2, basis="as_received")
    assert rig.run().hours == 0


@pytest.mark.parametrize("broken", ["flag", "activity", "emission_history", "emission", "advance"])
def test_a_crash_anywhere_before_the_watermark_repeats_and_ends_the_same(rig, monkeypatch, broken: str) -> None:
    rig.normal(3)
    rig.put("clinker", [(99_000 + 35 * minute) % 100_000 for minute in range(181)])
    rig.run(after_h=2)
    rig.put("coal", [None] * 60, at_min=120, word=1 << 10)
    rig.put("coal", [25.0, 25.2] * 5, at_min=50)
    write = rig.store.write

    def die(*_arguments, **_options):
        raise RuntimeError("power cut")

    def dying(bucket, measurement, rows):
        if measurement == broken:
            die()
        write(bucket, measurement, rows)

    with monkeypatch.context() as patch:
        patch.setattr(rig.store, "write", dying)
        if broken == "advance":
            patch.setattr(rig.ledger, "advance", die)
        if broken == "flag":
            rig.put("coal", [999.0], at_min=10)
        with pytest.raises(RuntimeError, match="power cut"):
            rig.run(after_h=3)
    rig.run()
    after = rig.everything()
    rig.jobs().recompute(0, rig.now_ms)
    assert rig.everything() == after  # nothing was left half done
    revisions = {(row["time"], row["revision"]) for row in rig.rows("emission", stream="coal")}
    assert max(revision for _, revision in revisions) == 2
    assert len(versions(rig)) == len({version[:2] for version in versions(rig)})


def test_a_restart_goes_on_where_the_last_run_ended(rig) -> None:
    rig.normal(2)
    rig.run(after_h=2)
    rig.normal(1, from_h=2)
    fresh = Jobs(rig.plant, store=rig.store, ledger=rig.ledger, clock=lambda: rig.now_ms + 3_600_000)
    assert len(fresh.pending_hours()) == 1 and fresh.run_once().hours == 1
    assert len(rig.co2()) == 3


def test_a_back_filled_hour_before_the_first_is_computed_with_what_lies_between(rig) -> None:
    rig.normal(1, from_h=3)
    rig.run(after_h=4)
    rig.normal(1)
    assert rig.run().hours == 3  # its own, and the two silent ones between
    assert [row["hour"] for row in rig.rows("activity", stream="coal")] == [0, 1, 2, 3]


def test_a_later_hour_that_looked_back_at_a_late_one_is_recomputed(rig) -> None:
    """Hour 2 is dead and gets the mean of hours 0 and 1; hour 1 then turns out to be 26 t/h instead of missing."""
    rig.normal(3, without=("coal",))
    rig.put("coal", [20.01, 19.99] * 30)
    rig.run(after_h=3)
    assert [row["amount_t"] for row in rig.rows("activity", stream="coal")] == pytest.approx([20.0, 20.0, 20.0])
    rig.put("coal", [26.01, 25.99] * 30, at_min=60)
    rig.run()
    rows = rig.rows("activity", stream="coal")
    assert [row["amount_t"] for row in rows] == pytest.approx([20.0, 26.0, 23.0])
    assert [row["substituted"] for row in rows] == [0.0, 0.0, 1.0]


def test_far_later_substituted_hours_look_back_across_blocks(rig) -> None:
    """The dead hour lies a day and a half after the late one, with the kiln standing between them."""
    rig.normal(40, without=("coal", "k1.running"))
    rig.put("k1.running", [1.0] * 120 + [0.0] * 36 * 60 + [1.0] * 120)
    rig.put("coal", [20.01, 19.99] * 30)
    rig.run(after_h=40)
    assert rig.rows("activity", stream="coal")[39]["amount_t"] == pytest.approx(20.0)
    rig.put("coal", [30.01, 29.99] * 30, at_min=60)
    rig.run()
    rows = rig.rows("activity", stream="coal")
    assert rows[39]["amount_t"] == pytest.approx(25.0) and rows[39]["substituted"] == 1.0


def test_a_counter_that_comes_back_gives_the_hours_of_its_silence_what_it_counted(rig) -> None:
    """Dead from 1:00 on, back at 3:00 with all it counted: hours 1 and 2, substituted before, are measured now."""
    rig.normal(3, without=("clinker",))
    rig.put("clinker", [40.0 * minute for minute in range(61)])
    rig.put("clinker", [None] * 119, at_min=61, word=1 << 10)
    rig.run(after_h=3)
    assert [row["substituted"] for row in rig.rows("activity", stream="clinker")] == [0.0, 1.0, 1.0]
    rig.normal(1, from_h=3, without=("clinker",))
    rig.put("clinker", [2400 + 30 * 120 + 35.0 * minute for minute in range(61)], at_min=180)
    rig.run(after_h=4)
    rows = rig.rows("activity", stream="clinker")
    assert [row["amount_t"] for row in rows] == pytest.approx([240.0, 180.0, 180.0, 210.0])
    assert [row["substituted"] for row in rows] == [0.0] * 4


def test_recompute_gives_the_same_bytes_and_says_so_when_something_changed(rig, monkeypatch) -> None:
    rig.normal(2)
    rig.run(after_h=2)
    before = rig.everything()
    assert rig.jobs().recompute(0, rig.now_ms).emission_rows == 0 and rig.everything() == before
    rig.put("coal", [25.0, 25.2] * 5, at_min=50, arrive=False)
    assert rig.run().hours == 0
    assert rig.jobs().recompute(0, rig.now_ms).activity_rows == 1
    assert versions(rig)[1][2] == "recomputed"


def test_hour_by_hour_and_all_at_once_give_the_same_figures(rig, plant, tmp_path: Path) -> None:
    other = type(rig)(plant, tmp_path / "other")
    for each in (rig, other):
        each.normal(6, without=("coal",))
        each.put("coal", [20.01, 19.99] * 70 + [None] * 60 + [20.01, 19.99] * 80)
    rig.run(after_h=6)
    for hour in range(1, 7):
        other.run(after_h=hour)
    columns = ("time", "stream", "boundary", "ruleset", "item", "co2_t", "u_rel", "substituted")
    found = [[{name: row[name] for name in columns} for row in each.rows()] for each in (rig, other)]
    assert sorted(found[0], key=str) == sorted(found[1], key=str)
    other.close()


def test_a_wrong_clock_far_in_the_past_or_future_stops_nothing(rig) -> None:
    rig.normal(1)
    rig.put("coal", [20.0], at_min=-60 * 24 * 365 * 20)
    rig.put("coal", [20.0], at_min=60 * 24 * 365)
    assert rig.run(after_h=1).hours == 2  # its own hour of 2006, and the plant's
    rig.normal(1, from_h=1)
    assert rig.run(after_h=2).hours == 1


def test_the_drop_folder_brings_values_and_sorts_the_files(rig) -> None:
    drop = rig.folder / "drop"
    drop.mkdir()
    rig.normal(2)
    rig.run(after_h=2)
    row = "{},coal,net_calorific_value,{},GJ/t,as_received,2026-03-01,2026-03-02,化验室,GB/T 213\n"
    (drop / "a.csv").write_text(HEADER + row.format("C-1", 25))
    (drop / "b.csv").write_text(HEADER + row.format("C-2", "oops") + row.format("C-2", 25))
    (drop / "c.csv.part").write_text("not yet")
    report = rig.jobs(drop_dir=drop).run_once()
    assert report.entries == 2 and report.hours == 2
    assert [(finding.file, finding.line, finding.key) for finding in report.findings] == [("b.csv", 2, "value")]
    assert (drop / "imported" / "a.csv").exists() and not (drop / "a.csv").exists()
    told = (drop / "rejected" / "b.csv.report.txt").read_text()
    assert (drop / "rejected" / "b.csv").exists() and "b.csv:2: value: expected a number, got oops" in told
    assert (drop / "c.csv.part").exists()
    # Put back after correction: what entered then is known now.
    (drop / "b.csv").write_text(HEADER + row.format("C-2", 25))
    assert rig.jobs(drop_dir=drop).run_once().entries == 0 and (drop / "imported" / "b.csv").exists()


def test_progress_counts_the_hours_done(rig) -> None:
    rig.normal(3)
    rig.now_ms += 4 * 3_600_000
    seen: list[float] = []
    rig.jobs().run_once(progress=seen.append)
    assert seen and seen[-1] == 3.0


def test_the_schedule_runs_at_once_counts_failures_and_stops(rig, monkeypatch) -> None:
    rig.normal(1)
    rig.now_ms += 3_700_000
    jobs = rig.jobs()
    schedule = Schedule(jobs, period_s=0.05)
    schedule.start()
    for _ in range(200):
        if schedule.events["executed"]:
            break
        import time

        time.sleep(0.05)
    schedule.stop()
    assert schedule.events["executed"] >= 1 and len(rig.co2()) == 1 and not schedule.events["failed"]
