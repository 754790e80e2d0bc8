"""Every hour figure carries digests of what it rests on, and says why it was revised (issue 4 item 7; R4, R36)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date

import pyarrow as pa
import pytest

from calc_jobs.jobs import Jobs
from tanji.domain import factors
from tanji.ledger import factor_editions

START = 1_772_323_200_000  # as in conftest
HOURS = 2
DIGESTS = ("method_digest", "factors", "inputs")


@pytest.fixture
def computed(rig):
    """Two hours at 20 t/h of coal and a laboratory value for both of them."""
    rig.normal(HOURS)
    rig.enter(23.4, from_h=0, to_h=HOURS, basis="as_received")
    rig.run(after_h=HOURS)
    return rig


def history(rig, stream: str = "coal", *, hour: int = 0) -> list[dict]:
    """Versions of the coal's figure of method B in the clinker boundary, oldest first."""
    rows = rig.rows("emission_history", stream=stream, ruleset="cets_ag_02_01", boundary="enterprise")
    return sorted((row for row in rows if row["hour"] == hour), key=lambda row: int(row["revision"]))


def reasons(rig, stream: str = "coal", *, hour: int = 0) -> list[str]:
    return [row["reason"] for row in history(rig, stream, hour=hour)]


def digests(rows: Iterable[dict]) -> list[tuple[str, ...]]:
    return [tuple(row[name] for name in DIGESTS) for row in rows]


def enter_own_factor(computed) -> None:
    """A carbon content of 0.0262 tC/GJ where the default is 0.02618."""
    old = next(
        one
        for one in factors.load().factors
        if (one.quantity, one.applies_to) == ("carbon_per_energy", "bituminous_coal")
        and "cets_ag_02_01" in one.rulesets
    )
    own = replace(old, id="own.cc", value=0.0262, document="own analysis", own=True, valid_from=date(2026, 1, 1))
    factor_editions.add(computed.ledger, [own], by="Li Na", recorded_at_ms=computed.now_ms)


def test_every_figure_carries_its_digests_and_its_first_version(computed) -> None:
    rows = computed.rows()
    assert rows and all(len(row[name]) == 12 or row[name] == "none" for row in rows for name in DIGESTS)
    assert all(len(row["method_digest"]) == 12 and len(row["inputs"]) == 12 for row in rows)
    assert {row["revision"] for row in rows} == {1}
    assert {row["reason"] for row in computed.rows("emission_history")} == {"first"}
    # a stack rests on no record of the library, a fuel on several
    assert {row["factors"] for row in computed.rows(stream="stack")} == {"none"}
    assert "none" not in {row["factors"] for row in computed.rows(stream="coal")}


def test_the_same_again_makes_no_revision_and_touches_no_row(computed) -> None:
    before = computed.everything()
    report = computed.jobs().recompute(START, computed.now_ms)
    assert report.hours == HOURS and (report.flags, report.activity_rows, report.emission_rows) == (0, 0, 0)
    assert computed.everything() == before


def test_digests_survive_a_restart(computed) -> None:
    before = digests(computed.rows())
    computed.store.close()
    computed.store = type(computed.store)(computed.folder / "tsdb.duckdb")
    computed.ledger = type(computed.ledger)(computed.folder / "ledger.sqlite")
    computed.jobs().recompute(0, computed.now_ms)
    assert digests(computed.rows()) == before


def test_late_data_revise_what_rests_on_them_and_nothing_else(computed) -> None:
    computed.store.write("hx_raw", "reading", late(32.0))
    computed.arrive([START])
    computed.run()
    assert reasons(computed) == ["first", "late data"]
    assert reasons(computed, "clinker") == ["first"]
    first, second = history(computed)
    assert first["inputs"] != second["inputs"] and first["factors"] == second["factors"]
    assert first["method_digest"] == second["method_digest"]


def late(value: float) -> pa.Table:
    """A reading of coal half a minute after the first one."""
    return pa.table({"time": [START + 30_500], "plant": ["hx"], "point": ["coal"], "value": [value], "quality": [0]})


def test_a_late_laboratory_result_revises_the_hours_it_holds_for(computed) -> None:
    computed.enter(24.0, from_h=1, to_h=2, sample="late", basis="as_received")
    computed.run()
    assert reasons(computed, hour=0) == ["first"] and reasons(computed, hour=1) == ["first", "laboratory"]
    first, second = history(computed, hour=1)
    assert first["inputs"] != second["inputs"] and first["factors"] == second["factors"]


def test_a_withdrawn_result_revises_for_the_laboratory_too(computed) -> None:
    computed.ledger.withdraw("S", by="Li Na", reason="wrong container", recorded_at_ms=computed.now_ms)
    computed.run()
    assert reasons(computed) == ["first", "laboratory"]
    assert history(computed)[-1]["substituted"] == 1.0


def test_another_edition_of_a_factor_revises_for_the_factor(computed) -> None:
    enter_own_factor(computed)
    computed.run()
    assert reasons(computed) == ["first", "factor"]
    first, second = history(computed)
    assert first["factors"] != second["factors"] and first["inputs"] == second["inputs"]
    # by hand: 0.0262 / 0.02618 of the old figure
    assert second["co2_t"] == pytest.approx(first["co2_t"] * 0.0262 / 0.02618, rel=1e-12)


def test_approving_a_record_revises_nothing(computed) -> None:
    old = next(one for one in factors.load().factors if one.quantity == "oxidation_fraction")
    factor_editions.approve(computed.ledger, old.id, by="Li Na", on=date(2026, 3, 2), recorded_at_ms=computed.now_ms)
    before = computed.everything()
    computed.run()
    computed.jobs().recompute(0, computed.now_ms)
    assert computed.everything() == before


def test_another_setting_of_the_stream_revises_for_the_method(computed) -> None:
    coal = computed.plant.streams_by_id["coal"].model_copy(update={"moisture": 0.01})
    others = tuple(coal if stream.id == "coal" else stream for stream in computed.plant.streams)
    plant = computed.plant.model_copy(update={"streams": others})
    jobs = Jobs(plant, store=computed.store, ledger=computed.ledger, clock=lambda: computed.now_ms)
    jobs.recompute(0, computed.now_ms)
    assert reasons(computed) == ["first", "method"] and reasons(computed, "clinker") == ["first"]
    first, second = history(computed)
    assert first["method_digest"] != second["method_digest"] and first["inputs"] == second["inputs"]


@pytest.mark.parametrize("reason", ["recomputed", "repair"])
def test_a_recomputation_names_its_own_reason_where_only_data_differ(computed, reason: str) -> None:
    computed.store.write("hx_raw", "reading", late(32.0))
    computed.jobs().recompute(0, computed.now_ms, reason=reason)
    assert reasons(computed) == ["first", reason] and reasons(computed, hour=1) == ["first"]


def test_versions_are_numbered_without_gaps_and_the_last_one_is_the_figure(computed) -> None:
    for number, value in enumerate((24.0, 25.0, 24.5)):
        computed.enter(value, from_h=0, to_h=1, sample=f"again-{number}", basis="as_received")
        computed.run()
    versions = history(computed)
    assert [row["revision"] for row in versions] == ["1", "2", "3", "4"]
    (figure,) = (row for row in computed.rows(stream="coal", ruleset="cets_ag_02_01", boundary="enterprise")
                 if row["hour"] == 0)  # fmt: skip
    assert figure["revision"] == 4 and figure["co2_t"] == versions[-1]["co2_t"]


def test_a_withdrawn_result_is_the_reason_however_its_hours_are_computed_again(computed) -> None:
    """`calc recompute` before the ordinary run: the ledger's change is why, and the run has nothing left to do."""
    computed.ledger.withdraw("S", by="Li Na", reason="wrong container", recorded_at_ms=computed.now_ms)
    computed.jobs().recompute(0, computed.now_ms)
    assert reasons(computed) == ["first", "laboratory"]
    before = computed.everything()
    computed.run()
    assert computed.everything() == before


def test_an_own_factor_in_a_recomputation_is_the_reason_where_readings_differ_too(computed) -> None:
    enter_own_factor(computed)
    computed.store.write("hx_raw", "reading", late(32.0))
    computed.jobs().recompute(0, computed.now_ms)
    assert reasons(computed) == ["first", "factor"]
