"""The report file: self-contained, both languages, truth beside the figures, holes said (R58)."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType

import pytest

from tanji.domain.items import Boundary, RuleSetId
from tanji.plant.load import load
from tanji.report import charts
from tanji.report.model import Series, Summary
from tanji.report.page import write_report
from tanji.report.summary import summary_of

START_MS = 1_792_339_200_000
HOURS = 72


@pytest.fixture
def summary(seed: ModuleType) -> Summary:
    plant = load(Path(__file__).parents[2] / "provisioning" / "plants" / "demo.yaml")
    tables = seed.tables(plant, start_ms=START_MS, hours=HOURS, missing={"line1.raw_meal": {70}})
    end_ms = START_MS + HOURS * 3_600_000
    three = (tables[name] for name in ("emission", "activity", "flag"))
    return summary_of(*three, plant, intensity=tables["intensity"], start_ms=START_MS, end_ms=end_ms)


class Checker(HTMLParser):
    """Refuses tags that are not closed, and collects what a browser would fetch."""

    VOID = frozenset({"meta", "link", "br", "img", "hr"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.fetched: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in self.VOID:
            self.open.append(tag)
        self.fetched += [value or "" for name, value in attrs if name in ("src", "href", "xlink:href")]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.fetched += [value or "" for name, value in attrs if name in ("src", "href", "xlink:href")]


def test_the_report_is_one_file_that_fetches_nothing(summary: Summary, tmp_path: Path) -> None:
    path = tmp_path / "demo" / "report.html"
    write_report(path, summary)
    text = path.read_text(encoding="utf-8")
    checker = Checker()
    checker.feed(text)
    assert checker.open == []
    assert all(address.startswith(("#", "data:")) for address in checker.fetched), checker.fetched
    assert "@import" not in text and "<script" not in text and "url(http" not in text


def test_chinese_comes_first_and_english_is_complete(summary: Summary, tmp_path: Path) -> None:
    write_report(tmp_path / "report.html", summary)
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert text.index('<main id="zh"') < text.index('<main id="en"')
    english = text[text.index('<main id="en"') : text.index("<footer")]
    english = re.sub(r'<td class="document">.*?</td>', "", english)  # documents keep their names
    english = re.sub(r"<[^>]+>", "", english)
    assert not re.search(r"[\u4e00-\u9fff]", english)
    # 68.05 + 111 t/h over 72 hours.
    assert text.count("12,892") >= 4
    assert "缺 1/72 小时" in text and "1 of 72 h missing" in text


def test_the_truth_stands_beside_the_figures_when_it_is_known(summary: Summary, tmp_path: Path) -> None:
    truth = {
        "totals": [{"boundary": "clinker", "ruleset": "cets_ag_02_01", "truth_t": 12_900.0}],
        "figures": [
            {
                "boundary": "clinker",
                "ruleset": "cets_ag_02_01",
                "item": "process_clinker",
                "method": "clinker_factor",
                "truth_t": 8_000.0,
            }
        ],
        "cems": {"truth_t": 14_321.0},
    }
    write_report(tmp_path / "with.html", summary, truth=truth)
    write_report(tmp_path / "without.html", summary)
    told = (tmp_path / "with.html").read_text(encoding="utf-8").replace("\u00a0", " ")
    # 12,891.6 / 12,900 - 1 and 7,992 / 8,000 - 1, by hand.
    assert "12,900" in told and "(-0.07 %)" in told
    assert "8,000 (-0.10 %)" in told and "14,321" in told
    assert "模拟真值" not in (tmp_path / "without.html").read_text(encoding="utf-8")


def test_plots_take_the_colour_of_the_page_and_have_no_ids_that_clash(summary: Summary) -> None:
    series = summary.last_day[Boundary.CLINKER, RuleSetId.CETS_AG_02_01]
    drawing = charts.stacked_bars(series, timezone="Asia/Shanghai", label='"day" <1>')
    assert drawing.startswith('<svg class="plot" role="img" aria-label="&quot;day&quot; &lt;1>"')
    assert "currentColor" in drawing and charts.TEXT_SENTINEL not in drawing
    assert 'id="figure_1"' not in drawing and "<metadata" not in drawing and "<style" not in drawing
    assert not re.search(r'<svg[^>]*\s(width|height)="', drawing)
    assert ">06:00</text>" in drawing
    assert charts.stacked_bars(series, timezone="Asia/Shanghai", label="x") == charts.stacked_bars(
        series, timezone="Asia/Shanghai", label="x"
    )


def test_a_plot_of_nothing_is_an_empty_plot() -> None:
    for draw in (charts.stacked_bars, charts.lines):
        assert draw(Series((), 3_600_000, ()), timezone="Asia/Shanghai", label="x").startswith("<svg")


def test_an_hour_with_a_hole_has_no_bar() -> None:
    def bars(second: float | None) -> int:
        series = Series((0, 3_600_000), 3_600_000, (("fossil_fuel", (1.0, 1.0)), ("process_clinker", (1.0, second))))
        return charts.stacked_bars(series, timezone="UTC", label="x").count("#e69f00")

    assert bars(1.0) == bars(None)  # the bar is there with height nothing, so that positions stay


def test_labels_are_few_enough_for_a_phone() -> None:
    times = [START_MS + day * 86_400_000 for day in range(31)]
    assert len(charts.tick_labels(times, step_ms=86_400_000, timezone="Asia/Shanghai")) <= 6
