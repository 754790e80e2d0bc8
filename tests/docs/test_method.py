"""The pages of the method: current, complete, and with a word for everything they print."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest

from tanji.cli import method_page
from tanji.cli.method_page import PAGES, rewrite
from tanji.domain import catalogue
from tanji.domain.items import Indicator, Item
from tanji.report.words import LANGUAGES

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
DATA = tomllib.loads((DOCS / "method.toml").read_text(encoding="utf-8"))
OUR_OWN_NAMES = re.compile(r"^[A-Z0-9/().,:; -]*(?:CETS|GB|HJ|JJF)[A-Z0-9/().,:; -]*$")
"""Sources that are a number of a standard, the same in every language."""


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_is_current(language):
    text = (DOCS / PAGES[language]).read_text(encoding="utf-8")
    assert rewrite(text, DATA, language) == text, "run python -m tanji.cli.method_page docs"


def test_the_command_rewrites_both_pages(tmp_path):
    for name in ("method.toml", *PAGES.values()):
        (tmp_path / name).write_text((DOCS / name).read_text(encoding="utf-8"), encoding="utf-8")
    page = tmp_path / "method.md"
    page.write_text(page.read_text(encoding="utf-8").replace("FC × NCV", "FC + NCV"), encoding="utf-8")
    assert method_page.main([str(tmp_path)]) == 0
    assert page.read_text(encoding="utf-8") == (DOCS / "method.md").read_text(encoding="utf-8")


def test_every_formula_stands_in_one_group():
    listed = [id for group in DATA["groups"].values() for id in group]
    assert sorted(listed) == sorted(catalogue.load())


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_group_and_every_figure_is_on_the_page_once(language):
    text = (DOCS / PAGES[language]).read_text(encoding="utf-8")
    for kind in ("groups", "figures"):
        blocks = re.findall(rf"<!-- {'formulas' if kind == 'groups' else kind} ([a-z_]+) -->", text)
        assert sorted(blocks) == sorted(DATA[kind])


def test_every_item_and_every_indicator_has_its_row():
    named = {entry["name"] for section in DATA["figures"].values() for entry in section}
    wanted = {f"item.{item}" for item in Item} | {f"indicator.{indicator}" for indicator in Indicator}
    assert wanted - named == set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_panel_of_the_dashboards_leads_to_a_figure(language):
    boards = [json.loads(path.read_text("utf-8")) for path in (ROOT / "dashboards" / "json").glob(f"*.{language}.json")]
    titles = {panel["title"] for board in boards for panel in board["panels"]}
    listed = [title for panels in DATA["panels"].values() for title in panels[language]]
    assert titles == set(listed)
    assert len(listed) == len(set(listed))
    named = {entry["name"] for section in DATA["figures"].values() for entry in section}
    assert set(DATA["panels"]) - named == {"page.items"}  # the table of all items


def test_the_chinese_page_leaves_nothing_of_the_catalogue_in_english():
    for formula in catalogue.load().values():
        for text in (formula.documents, formula.note):
            assert not text or text in DATA["chinese"] or OUR_OWN_NAMES.match(text), text


def test_no_translation_is_left_over():
    said = {text for formula in catalogue.load().values() for text in (formula.documents, formula.note)}
    assert set(DATA["chinese"]) - said - set(catalogue.MARKS) == set()


@pytest.mark.parametrize("page", ["README.md", "README.zh.md"])
def test_the_readme_leads_to_the_page(page):
    own = PAGES["zh" if page.endswith(".zh.md") else "en"]
    assert f"(docs/{own})" in (ROOT / page).read_text(encoding="utf-8")
