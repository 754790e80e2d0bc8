"""The pages people read: links lead somewhere, indexes are complete, tables say what the code says."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

from tanji.acquisition.flags import INVALID, REVIEW, Flag
from tanji.quality import rules

ROOT = Path(__file__).parents[2]
SKIPPED = {".venv", ".git", "node_modules", ".pytest_cache", "demo"}
PAGES = sorted(
    path for path in ROOT.rglob("*.md") if not SKIPPED & set(path.relative_to(ROOT).parts) and path.is_file()
)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
ELSEWHERE = ("http://", "https://", "mailto:")


def anchors(page: Path) -> set[str]:
    """What a heading of a page is called in a link."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_of_a_page_leads_to_something_there(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for link in LINK.findall(text):
        if link.startswith(ELSEWHERE):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists() and target.is_relative_to(ROOT), f"{page.name}: {link}"
        assert not anchor or anchor in anchors(target), f"{page.name}: {link}"


def test_a_newcomer_reaches_every_page_from_the_readme() -> None:
    reached, waiting = set(), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in reached:
            continue
        reached.add(page)
        links = (link.partition("#")[0] for link in LINK.findall(page.read_text(encoding="utf-8")))
        waiting += [
            found for link in links if link.endswith(".md") and (found := (page.parent / link).resolve()).is_file()
        ]
    docs = {page for page in PAGES if page.parts[len(ROOT.parts)] == "docs"}
    assert docs - reached == set(), "no link leads to these pages"


def test_the_index_of_decisions_is_complete_and_says_their_titles() -> None:
    folder = ROOT / "docs" / "decisions"
    listed = set(re.findall(r"\]\((\d{4}-[^)]+\.md)\)", (folder / "README.md").read_text(encoding="utf-8")))
    assert listed == {path.name for path in folder.glob("[0-9]*.md")}
    for name in listed:
        assert (folder / name).read_text(encoding="utf-8").startswith(f"# {name[:4]} ")


def test_the_page_of_the_flag_word_says_what_the_enum_says() -> None:
    text = (ROOT / "docs" / "quality.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+) \| `(\w+)` \| [^|]+ \|([^|]*)\|", text, re.MULTILINE)
    effect = {flag: "invalid" if flag & INVALID else "review" if flag & REVIEW else "" for flag in Flag}
    wanted = [(str(flag.value.bit_length() - 1), flag.name, effect[flag]) for flag in Flag]
    assert [(bit, name, said.strip()) for bit, name, said in rows] == wanted


def test_every_rule_has_its_row() -> None:
    text = (ROOT / "docs" / "quality.md").read_text(encoding="utf-8").partition("## Rules")[2].partition("\n## ")[0]
    own = {
        name
        for name, function in inspect.getmembers(rules, inspect.isfunction)
        if function.__module__ == rules.__name__
    }
    assert {name for name in own if not name.startswith("_")} == set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE))


def test_every_service_says_how_to_start_it_alone() -> None:
    for folder in (path.parent for path in (ROOT / "services").glob("*/__main__.py")):
        readme = (folder / "README.md").read_text(encoding="utf-8")
        assert f"python -m services.{folder.name} " in readme, folder.name


def test_commands_of_the_pages_exist() -> None:
    """Every `tanji VERB PART --option` in a fenced block is one the command knows."""
    from tanji.cli.main import parser

    known = {word for line in parser().format_help().splitlines() if (word := line.strip().split(" ")[0])}
    for page in PAGES:
        for block in re.findall(r"```(?:sh)?\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
            for verb in re.findall(r"^(?:\.venv/bin/)?tanji (\w+)", block, re.MULTILINE):
                assert verb in known, f"{page.name}: tanji {verb}"
