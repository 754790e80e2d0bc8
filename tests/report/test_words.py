"""The one table of words: every name there is, in both languages (R8)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

from tanji.domain import benchmark
from tanji.domain.benchmark import BEYOND, UNDEFINED
from tanji.domain.items import Boundary, Indicator, Item, Method, MissingRule, RuleSetId
from tanji.domain.position import Basis
from tanji.errors import UsageError
from tanji.plant.model import MeterKind
from tanji.report.positions import Lacking
from tanji.report.words import LANGUAGES, Words, table

ROOT = Path(__file__).parents[2]
TEMPLATES = [*ROOT.glob("tanji/report/templates/*.j2"), *ROOT.glob("ledger_api/templates/*.j2")]
SOURCES = [*TEMPLATES, *ROOT.glob("tanji/report/*.py"), *ROOT.glob("ledger_api/*.py"), *ROOT.glob("dashboards/*.py")]


def test_both_languages_are_complete_and_different_scripts() -> None:
    for section, entries in table().items():
        for key, texts in entries.items():
            assert set(texts) == set(LANGUAGES) and all(texts.values()), f"{section}.{key}"
            if key != "other_language":
                assert not re.search(r"[\u4e00-\u9fff]", texts["en"]), f"{section}.{key}: Chinese in the English text"
            fields = [set(re.findall(r"{(\w+)}", texts[language])) for language in LANGUAGES]
            assert fields[0] == fields[1], f"{section}.{key}: the placeholders differ"


@pytest.mark.parametrize(
    ("section", "names"),
    [
        ("boundary", Boundary),
        ("ruleset", RuleSetId),
        ("ruleset_long", RuleSetId),
        ("item", Item),
        ("method", Method),
        ("meter_kind", get_args(MeterKind)),
        ("verdict", ("agrees", "warn", "diagnose", "undecided")),
        ("verdict_short", ("agrees", "warn", "diagnose", "undecided")),
        ("certificate", ("valid", "soon", "overdue", "none")),
        ("indicator", Indicator),
        ("missing_rule", MissingRule),
        ("position", get_args(Basis)),
        ("lacking", get_args(Lacking)),
        ("why", ("only_a", "only_b", "values_differ", "streams_differ")),
        ("ratio", ("warn", "diagnose")),
        ("note", ("warn", "diagnose")),
        ("level", {BEYOND, UNDEFINED, *(name for entry in benchmark.load() for name in entry.level_names)}),
    ],
)
def test_every_name_has_a_word(section: str, names: tuple[str, ...]) -> None:
    assert set(table()[section]) == {str(name) for name in names}


def test_every_word_a_template_asks_for_exists_and_none_is_left_over() -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in SOURCES)
    asked = set(re.findall(r"""["'](page\.\w+|error\.\w+)["']""", text)) | {"page.measured", "page.calculated"}
    known = {f"{section}.{key}" for section in ("page", "error") for key in table()[section]}
    assert asked - known == set()
    assert known - asked == set(), "words nobody uses"


def test_no_template_holds_words_of_its_own() -> None:
    for path in TEMPLATES:
        text = re.sub(r"{#.*?#}", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
        text = text.replace('<a href="#zh">中文</a>', "")
        assert not re.search(r"[\u4e00-\u9fff]", text.replace('w.choose("，", ", ")', "")), path.name


def test_an_unknown_word_is_an_error_that_names_it() -> None:
    with pytest.raises(UsageError, match=r"page\.nonsense"):
        Words("zh")("page.nonsense")
