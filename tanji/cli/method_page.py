"""The tables of docs/method.md and docs/method.zh.md, from the catalogue of formulas and the rule sets.

Text round the tables is written by hand in the pages; a table stands between `<!-- name -->` and `<!-- end -->` and is
rewritten by `python -m tanji.cli.method_page docs`. A test asks that the committed pages are current. Which formulas
make a section, and which figure rests on which, is `docs/method.toml`.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tanji.domain import catalogue, rulesets
from tanji.domain.catalogue import Formula, Input
from tanji.domain.items import Boundary, Item, RuleSetId
from tanji.report.words import LANGUAGES, Language, Words

PAGES: dict[Language, str] = {"zh": "method.zh.md", "en": "method.md"}

BLOCK = re.compile(r"(<!-- ([a-z]+)(?: ([a-z_]+))? -->\n).*?(<!-- end -->)", re.DOTALL)

HEADS: dict[str, dict[Language, str]] = {
    "formulas": {"zh": "| 公式 | 输入 | 出处 |", "en": "| formula | inputs | source |"},
    "figures": {
        "zh": "| 数值 | 公式 | 输入 | 出处与标记 | 计算位置 |",
        "en": "| figure | formulas | inputs | source and mark | computed in |",
    },
    "panels": {"zh": "| 数值 | 看板面板 |", "en": "| figure | panels |"},
    "marks": {"zh": "| 标记 | 含义 |", "en": "| mark | meaning |"},
}


def rewrite(text: str, data: dict[str, Any], language: Language) -> str:
    """The page with every table as the catalogue has it now."""
    page = _Page(data, language)

    def block(match: re.Match[str]) -> str:
        return match[1] + "\n" + "\n".join(page.table(match[2], match[3])) + "\n\n" + match[4]

    return BLOCK.sub(block, text)


class _Page:
    """Tables of one language."""

    def __init__(self, data: dict[str, Any], language: Language) -> None:
        self._data = data
        self._language = language
        self._words = Words(language)

    def table(self, kind: str, section: str | None) -> list[str]:
        """Head and rows of one table."""
        rows = {
            "formulas": lambda: [self._formula(catalogue.find(id)) for id in self._data["groups"][section]],
            "figures": lambda: [self._figure(entry) for entry in self._data["figures"][section]],
            "marks": lambda: [f"| {mark} | {self._said(mark, text)} |" for mark, text in catalogue.MARKS.items()],
            "panels": lambda: [self._panels(figure, shown) for figure, shown in self._data["panels"].items()],
            "boundaries": self._boundaries,
        }[kind]()
        head = self._boundary_head() if kind == "boundaries" else HEADS[kind][self._language]
        return [head, re.sub(r"[^|]+", "---", head), *rows]

    def _said(self, chinese: str, english: str) -> str:
        """A text of the catalogue; in Chinese as the data file has it, names of standards as they are."""
        if self._language == "en" or not english:
            return english
        return str(self._data["chinese"].get(chinese, english))

    def _formula(self, formula: Formula) -> str:
        title = self._words.choose(formula.title_zh, formula.title_en)
        shown = [f"**{formula.id}** {title}", f"`{formula.printed}`{self._unit(formula.unit)}"]
        if formula.note:
            shown.append(self._said(formula.note, formula.note))
        inputs = "<br>".join(self._input(entry) for entry in formula.inputs)
        module = f"[{formula.module}.py](../tanji/domain/{formula.module}.py)"
        return f"| {'<br>'.join(shown)} | {inputs} | {self._source(formula)}<br>{module} |"

    def _source(self, formula: Formula) -> str:
        return f"{self._said(formula.documents, formula.documents)} · {formula.mark}"

    def _input(self, entry: Input) -> str:
        name = self._words.choose(entry.name_zh, entry.name.replace("_", " "))
        optional = "" if entry.required else self._words.choose("，可不填", ", optional")
        symbol = "" if entry.symbol == name else f"{entry.symbol}: "
        return f"{symbol}{name}{self._unit(entry.unit)}{optional}"

    def _unit(self, unit: str) -> str:
        shared = self._words.choose("任意同一单位", "any one unit")
        return f" [{shared if unit == catalogue.ANY_UNIT else unit}]" if unit else ""

    def _figure(self, entry: dict[str, Any]) -> str:
        formulas = [catalogue.find(id) for id in entry["formulas"]]
        columns = (
            [f"{formula.id}: `{formula.printed}`" for formula in formulas],
            [self._input(given) for formula in formulas for given in formula.inputs if given.required],
            [self._source(formula) for formula in formulas],
        )
        shown = " | ".join("<br>".join(dict.fromkeys(column)) or "–" for column in columns)
        return f"| {self._words(entry['name'])} | {shown} | [{entry['computed']}](../{entry['computed']}) |"

    def _panels(self, figure: str, shown: dict[Language, list[str]]) -> str:
        return f"| {self._words(figure)} | {'<br>'.join(shown[self._language])} |"

    def _boundary_head(self) -> str:
        columns = [
            f"{self._words(f'boundary.{boundary}')} {self._words(f'ruleset.{ruleset}')}"
            for boundary in Boundary
            for ruleset in RuleSetId
        ]
        return f"| {self._words('page.item')} | {' | '.join(columns)} |"

    def _boundaries(self) -> list[str]:
        return [f"| {self._words(f'item.{item}')} | {' | '.join(self._places(item))} |" for item in Item]

    def _places(self, item: Item) -> list[str]:
        known = rulesets.load()
        return [self._place(item, boundary, known[ruleset]) for boundary in Boundary for ruleset in RuleSetId]

    def _place(self, item: Item, boundary: Boundary, rule_set: rulesets.RuleSet) -> str:
        if item in rule_set.counted(boundary):
            return self._words.choose("计入", "counted")
        if item in rule_set.memo(boundary):
            return self._words.choose("备忘", "memo")
        return self._words.choose("信息", "information") if item in rule_set.information(boundary) else "–"


def main(argv: Sequence[str] | None = None) -> int:
    """Rewrite both pages in the folder that is named."""
    (folder,) = map(Path, sys.argv[1:] if argv is None else argv)
    data = tomllib.loads((folder / "method.toml").read_text(encoding="utf-8"))
    for language in LANGUAGES:
        page = folder / PAGES[language]
        page.write_text(rewrite(page.read_text(encoding="utf-8"), data, language), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
