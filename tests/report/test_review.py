"""Flue gas by span, substitution by rule, review notes: what may be published and what is said (R14, R25, R52)."""

from __future__ import annotations

import json
from types import ModuleType

import numpy as np
import pytest

from tanji.domain.items import Boundary, Indicator, RuleSetId
from tanji.plant.model import CrossCheckPlan, Plant
from tanji.report import performance_json, rule_words
from tanji.report.page import render
from tanji.report.performance import calendar_of
from tanji.report.review import noted
from tanji.report.sections import sections
from tanji.report.stack_spans import StackHours, StackSpans, stack_spans
from tanji.report.summary import summary_of
from tanji.report.words import LANGUAGES, Words

from .conftest import HOUR_MS, HOURS, START_MS, Make

PLAN = CrossCheckPlan()


def stack(
    measured: list[float],
    *,
    valid: list[bool] | None = None,
    running: list[bool] | None = None,
    start_ms: int = START_MS,
) -> StackSpans:
    """The comparison of hours whose calculation is 100 t each."""
    hours = len(measured)
    given = StackHours(
        np.array(measured),
        np.full(hours, 100.0),
        np.array(valid if valid is not None else [True] * hours),
        np.array(running if running is not None else [True] * hours),
    )
    calendar = calendar_of(start_ms, start_ms + hours * HOUR_MS, timezone="Asia/Shanghai")
    return stack_spans(given, plan=PLAN, calendar=calendar)


@pytest.mark.parametrize(
    ("measured", "verdict"),
    [(104.9, "agrees"), (105.1, "warn"), (94.9, "warn"), (115.1, "diagnose"), (84.9, "diagnose")],
)
def test_the_limits_are_five_and_fifteen_percent_for_hour_day_and_month(measured: float, verdict: str) -> None:
    found = stack([measured] * 24)
    assert found.whole.verdict == found.days[0].verdict == found.months[0].verdict == verdict
    assert dict(found.hours) == {"agrees": 0, "warn": 0, "diagnose": 0, "undecided": 0} | {verdict: 24}
    assert found.last_day[-1] == (pytest.approx(measured / 100 - 1), verdict)


def test_below_three_quarters_captured_there_is_no_total_and_no_verdict() -> None:
    """17 of 24 hours are 70.8 %, 18 are 75 %: the remainder is never published."""
    few = stack([110.0] * 24, valid=[True] * 17 + [False] * 7).whole
    assert (few.measured_t, few.difference, few.verdict) == (None, None, "undecided")
    enough = stack([110.0] * 24, valid=[True] * 18 + [False] * 6).whole
    assert (enough.measured_t, enough.verdict) == (pytest.approx(2640.0), "warn")
    assert enough.capture == pytest.approx(0.75)


def test_a_day_of_twenty_valid_hours_is_valid_and_a_standing_kiln_misses_nothing() -> None:
    assert stack([100.0] * 24, valid=[True] * 20 + [False] * 4).days[0].valid
    assert not stack([100.0] * 24, valid=[True] * 19 + [False] * 5).days[0].valid
    half = stack([100.0] * 10 + [0.0] * 14, valid=[True] * 10 + [False] * 14, running=[True] * 10 + [False] * 14)
    assert half.days[0].valid and half.whole.capture == 1.0


def test_a_month_needs_twenty_five_valid_days() -> None:
    """October 2026 in Shanghai begins on 2026-09-30 16:00 UTC; a day without data is not valid."""
    start = 1_790_784_000_000

    def october(bad_days: int) -> bool:
        valid = [True] * 24 * (31 - bad_days) + [False] * 24 * bad_days
        return stack([100.0] * 744, valid=valid, start_ms=start).months[0].valid

    assert october(6) and not october(7)


def test_the_capture_rate_is_that_of_the_quarter_and_a_standing_kiln_is_no_part_of_it() -> None:
    """September 2026 valid but for 10 days, October valid, in which the kiln stood 5 days: 20 of 30 days in the third
    quarter are 66.7 %, no total; 26 of 26 running days in the fourth are 100 %.
    """
    september = 1_790_784_000_000 - 30 * 24 * HOUR_MS
    valid = [True] * 24 * 20 + [False] * 24 * 10 + [True] * 24 * 31
    running = [True] * 24 * 56 + [False] * 24 * 5
    third, fourth = stack([100.0] * len(valid), valid=valid, running=running, start_ms=september).quarters
    assert (third.capture, third.measured_t) == (pytest.approx(2 / 3), None)
    assert (fourth.capture, fourth.running_hours) == (1.0, 26 * 24) and fourth.measured_t is not None


def test_the_comparison_counts_biogenic_carbon(make: Make) -> None:
    """197 t/h measured; fossil 68.05 + alternative 9 + biogenic 4.5 + carbonate 112 + organic 1.5 = 195.05 t/h."""
    given = make().performance.stack
    assert given is not None
    assert given.whole.difference == pytest.approx(197 / 195.05 - 1)
    assert given.whole.calculated_t == pytest.approx(195.05 * HOURS)


def test_an_hour_rests_on_a_substituted_stack_and_has_no_verdict(make: Make) -> None:
    given = make().performance.stack
    assert given is not None and dict(given.hours) == {"agrees": 71, "warn": 0, "diagnose": 0, "undecided": 1}


def test_the_substituted_share_names_its_rule_by_hour_day_and_month(make: Make) -> None:
    """tests/seed.py: the first hour of 72 is substituted, by the mean of 24 h; the swing there is 1 exactly."""
    given = make().performance.review
    assert given.whole.share == pytest.approx(1 / 72)
    (rule,) = given.whole.rules
    assert (rule.rule, rule.hours, rule.share) == ("amount: mean_of_valid of 24 h", 1, pytest.approx(1 / 72))
    assert rule.co2_t == pytest.approx(179.05)
    assert [one.share for one in given.days] == pytest.approx([1 / 24, 0, 0])
    assert given.months[0] == given.whole
    assert all(one.share == 0 for one in given.last_day)
    assert {(one.stream, one.hours) for one in given.streams} >= {("line1.clinker", 1), ("line1.kiln_coal", 1)}


def test_inputs_out_of_the_ordinary_are_listed(make: Make) -> None:
    assert dict(make().performance.review.warned)["line1.kiln_coal"] == 1  # hour 0 of every ninety


def test_a_derived_ratio_only_diagnoses(make: Make, plant: Plant) -> None:
    """Heat 3.2 GJ/t, 0.8608 t/t and process 111/208 = 0.5337 t/t are usual; 190.55/208 = 0.9161 t/t by method A is
    above the soft 0.90 and below the hard 1.10: a warning, and nothing is refused.
    """
    given = make().performance
    found = list(noted(given.intensities, plant, calendar=given.calendar))
    assert [(one.name, str(one.ruleset), one.diagnosis.verdict) for one in found] == [
        (Indicator.EMISSION_PER_CLINKER, "gbt32151_8", "warn")
    ]
    assert found[0].diagnosis.value == pytest.approx(190.55 / 208)
    line = plant.lines[0].model_copy(update={"clinker_kind": "aluminate"})
    other = plant.model_copy(update={"lines": (line,)})
    assert list(noted(given.intensities, other, calendar=given.calendar)) == []


@pytest.mark.parametrize(
    ("text", "zh", "en"),
    [
        (
            "amount: mean_of_valid of 24 h",
            "活动数据：有效小时均值（前 24 小时）",
            "Amount: mean of valid hours of 24 h",
        ),
        (
            "net_calorific_value: reference_value",
            "低位发热量：参考缺省值",
            "Net calorific value: reference value",
        ),
        (
            "amount: hj75_table: capture from 0.9, at most 24 h: maximum of 180 h",
            "活动数据：HJ 75 替代表（捕集率不低于 90%，连续不超过 24 小时：前 180 小时最大值）",
            "Amount: HJ 75 table (capture from 90%, at most 24 h: maximum of 180 h)",
        ),
        ("something: nobody knows", "something: nobody knows", "something: nobody knows"),
        ("", "未注明规则", "rule not stated"),
    ],
)
def test_rules_are_told_in_words_and_never_hidden(text: str, zh: str, en: str) -> None:
    assert (rule_words.rule(text, Words("zh")), rule_words.rule(text, Words("en"))) == (zh, en)


def test_every_section_has_rows_in_both_languages(make: Make) -> None:
    for language in LANGUAGES:
        given = sections(make(), Words(language))
        for name in ("indicators", "months", "days", "positions", "bridges", "hours", "notes", "factors"):
            assert given[name], name
        assert given["stack"] is not None and given["substitution"]["streams"]


def test_the_report_marks_what_nobody_has_verified(make: Make) -> None:
    text = render(make())
    assert text.count('href="#unverified"') == 8  # four totals in two languages
    assert "0.15 ×" not in text and "2024, 2025" in text  # no rule of 2026: which are known is said
    assert "1 级" in text and "level 1" in text


def test_the_position_says_what_it_is(make: Make, plant: Plant, seed: ModuleType) -> None:
    in_2025 = 1_760_716_800_000  # 2025-10-17 16:00 UTC
    tables = seed.tables(plant, start_ms=in_2025, hours=24)
    three = (tables[name] for name in ("emission", "activity", "flag"))
    period = {"start_ms": in_2025, "end_ms": in_2025 + 24 * HOUR_MS}
    text = render(summary_of(*three, plant, intensity=tables["intensity"], **period))
    assert "E × clip(0.15 × (B − I) / B，±3" in text and "It is not output × B − E" in text
    assert "未给出 2025 年的行业平衡值" in text and "balance value of 2025 not given" in text


def test_the_same_is_told_to_machines(make: Make) -> None:
    told = json.loads(json.dumps(performance_json.as_json(make())))
    heat = next(row for row in told["intensity"] if row["name"] == "heat_per_clinker")
    assert (heat["value"], heat["unit"]) == (pytest.approx(3.2), "GJ/t")
    assert heat["value"] == pytest.approx(heat["numerator"] / heat["denominator"])
    for line in told["reconciliation"]:
        assert sum(row["difference"] for row in line["items"]) == pytest.approx(line["difference"], abs=1e-6)
    assert told["position"][0]["lacking"] == "rule" and told["position"][0]["surplus_t"] is None
    assert told["flue_gas"]["days"][0]["verdict"] == "agrees"
    assert told["substituted"]["period"]["share"] == pytest.approx(1 / 72)
    assert all(not entry["source"] == "" for entry in told["unverified"])


def test_a_plant_without_a_stack_has_no_comparison(plant: Plant, seed: ModuleType) -> None:
    streams = tuple(stream for stream in plant.streams if stream.kind != "flue_gas")
    bare = plant.model_copy(update={"streams": streams})
    tables = seed.tables(bare, start_ms=START_MS, hours=24)
    three = (tables[name] for name in ("emission", "activity", "flag"))
    period = {"start_ms": START_MS, "end_ms": START_MS + 24 * HOUR_MS}
    summary = summary_of(*three, bare, intensity=tables["intensity"], **period)
    assert summary.performance.stack is None and performance_json.as_json(summary)["flue_gas"] is None
    assert render(summary)
    assert summary.total(Boundary.CLINKER, RuleSetId.CETS_AG_02_01).co2_t is not None
