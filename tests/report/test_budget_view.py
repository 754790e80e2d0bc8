"""The budget as people and machines see it: one line a source, both languages, the same U everywhere (R37)."""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType

import pytest

from tanji.domain.items import Boundary, RuleSetId
from tanji.ledger.entries import CALIBRATION, CLOSING_FACTOR, OUT_OF_CONTROL, parameters
from tanji.ledger.stocktakes import SURVEYED
from tanji.plant.load import load
from tanji.plant.stack_accuracy import AREA, CONDITIONS
from tanji.report import budget_view
from tanji.report.budget_forms import CARRIERS, FORMS
from tanji.report.model import Summary
from tanji.report.page import render
from tanji.report.summary import summary_of
from tanji.report.words import Words, table

START_MS, HOURS = 1_792_339_200_000, 72
B = RuleSetId.CETS_AG_02_01


@pytest.fixture
def summary(seed: ModuleType) -> Summary:
    plant = load(Path(__file__).parents[2] / "provisioning" / "plants" / "demo.yaml")
    rows = seed.tables(plant, start_ms=START_MS, hours=HOURS)
    three = (rows[name] for name in ("emission", "activity", "flag"))
    return summary_of(
        *three, plant, intensity=rows["intensity"], start_ms=START_MS, end_ms=START_MS + HOURS * 3_600_000
    )


def plain(text: str) -> str:
    return text.replace("\u00a0", " ")


def test_the_compliance_figure_comes_first_with_its_largest_source(summary: Summary) -> None:
    """By hand, tCO2 in 72 h: clinker factor 4 % of 7 992 = 319.68; default CC 2.5 % of 4 896 = 122.4."""
    first, second = budget_view.tables(summary, Words("en"))
    assert (first["boundary"], second["boundary"]) == ("Clinker production", "Enterprise")
    factor, carbon = first["rows"][:2]
    assert factor["name"] == "Clinker process factor" and factor["kind"] == "factor"
    assert "cets_2024_clinker.clinker_process_factor.portland" in factor["detail"] and "clinker" in factor["detail"]
    assert plain(factor["value"]) == "0.535 tCO₂/t" and plain(factor["u_rel"]) == "4.00 %"
    assert (factor["contribution"], factor["sensitivity"]) == ("319.7", "79.9")
    assert (carbon["name"], carbon["contribution"]) == ("Carbon per energy", "122.4")


def test_every_part_of_a_table_is_in_both_languages(summary: Summary) -> None:
    chinese, english = (budget_view.tables(summary, Words(language)) for language in ("zh", "en"))
    assert len(chinese) == len(english) == 2
    for one in english:
        for row in one["rows"]:
            assert not re.search(r"[\u4e00-\u9fff]", "".join(row.values())), row
    assert chinese[0]["rows"][0]["name"] == "熟料过程排放因子" and chinese[0]["rows"][0]["kind"] == "因子"
    assert chinese[0]["rest"] is not None


def test_the_rows_of_a_table_add_up_to_its_last_line(summary: Summary) -> None:
    """Squares of the lines, the smaller sources' own among them, are the square of the sum, to the digits shown."""
    for table_ in budget_view.tables(summary, Words("en")):
        parts = [float(row["contribution"].replace(",", "")) for row in table_["rows"]]
        parts.append(float(table_["rest"]["contribution"].replace(",", "")))
        assert sum(part**2 for part in parts) ** 0.5 == pytest.approx(float(table_["standard"]), rel=2e-3)
        shares = sum(float(plain(row["share"]).removesuffix(" %")) for row in table_["rows"])
        assert shares == pytest.approx(100, abs=0.5)


def test_json_has_every_source_unrounded_and_the_same_u(summary: Summary) -> None:
    found = budget_view.as_json(summary)
    assert [(one["boundary"], one["ruleset"]) for one in found] == [("clinker", str(B)), ("enterprise", str(B))]
    for one in found:
        total = summary.total(Boundary(one["boundary"]), B)
        assert one["u_rel"] == total.u_rel and one["co2_t"] == pytest.approx(total.co2_t, rel=1e-12)
        assert one["expanded_uncertainty_t"] == 2 * one["standard_uncertainty_t"]
        variance = sum(source["contribution_t"] ** 2 for source in one["sources"])
        assert variance**0.5 == pytest.approx(one["standard_uncertainty_t"], rel=1e-12)
        assert sum(source["share"] for source in one["sources"]) == pytest.approx(1.0, rel=1e-12)
        assert len({(source["kind"], source["source"]) for source in one["sources"]}) == len(one["sources"])


def test_the_report_shows_the_tables_and_their_u(summary: Summary) -> None:
    text = plain(render(summary))
    total = summary.total(Boundary.CLINKER, B)
    assert total.u_rel is not None
    for language in ("zh", "en"):
        section = text[text.index(f'id="budget-{language}"') :]
        assert f"{200 * total.u_rel:.2f} %" in section[: section.index("</table>")]


def test_without_a_figure_there_is_no_table(seed: ModuleType) -> None:
    plant = load(Path(__file__).parents[2] / "provisioning" / "plants" / "demo.yaml")
    rows = seed.tables(plant, start_ms=START_MS, hours=1)
    three = (rows[name].slice(0, 0) for name in ("emission", "activity", "flag"))
    empty = summary_of(
        *three, plant, intensity=rows["intensity"].slice(0, 0), start_ms=START_MS, end_ms=START_MS + 3_600_000
    )
    assert budget_view.tables(empty, Words("zh")) == [] == budget_view.as_json(empty)
    assert "budget-zh" not in render(empty)


def test_every_quantity_a_source_can_have_has_a_word() -> None:
    never = {*SURVEYED, CALIBRATION, OUT_OF_CONTROL, CLOSING_FACTOR}
    names = {*parameters(), *CONDITIONS.values(), AREA, "stock", "grid_factor", "heat_factor", "meal_clinker_ratio"}
    names |= {name for form in FORMS.values() for name in form} | {name for name, _ in CARRIERS.values()}
    assert names - never <= table()["quantity"].keys()
