"""The pages of the evidence name commands and options that exist, in both languages the same (R33, R47)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tanji.cli.main import main

DOCS = Path(__file__).parents[2] / "docs"
PAGES = ("evidence.md", "evidence.zh.md", "trust-format.md")
COMMAND = re.compile(r"`tanji\s+([a-z][^`]*)`|^ +tanji ([a-z][^`\n]*)$", re.MULTILINE)


def commands(page: str) -> list[tuple[tuple[str, ...], frozenset[str]]]:
    """The verbs of every command of a page, and the options behind them."""
    found = []
    for inline, block in COMMAND.findall((DOCS / page).read_text(encoding="utf-8")):
        text = " ".join((inline or block).split())
        verbs = re.match(r"[a-z0-9]+(?: (?:(?:sm2|sample) )?[a-z]+)?(?= |$)", text)
        assert verbs is not None, text
        found.append((tuple(verbs[0].split()), frozenset(re.findall(r"--[a-z-]+", text))))
    return found


@pytest.mark.parametrize("page", PAGES)
def test_every_command_on_the_pages_exists_and_has_its_options(page: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = commands(page)
    assert len(found) > 3
    for verbs, options in found:
        with pytest.raises(SystemExit) as left:
            main([*verbs, "--help"])
        told = capsys.readouterr().out
        assert left.value.code == 0, verbs
        assert options <= set(re.findall(r"--[a-z-]+", told)), verbs


def test_the_page_in_chinese_names_the_same_commands_in_the_same_order() -> None:
    assert commands("evidence.md") == commands("evidence.zh.md")


def test_the_page_in_chinese_has_the_same_sections_and_rows() -> None:
    def shape(page: str) -> list[int]:
        sections = (DOCS / page).read_text(encoding="utf-8").split("\n## ")
        return [section.count("\n|") for section in sections]

    assert shape("evidence.md") == shape("evidence.zh.md")
