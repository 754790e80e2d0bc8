"""The closed list of rules is the one of docs/trust-format.md, and every error of the package uses it."""

from __future__ import annotations

import re
from pathlib import Path

from tanji.trust.rules import RULES

ROOT = Path(__file__).parents[2]


def listed() -> set[str]:
    """Rules of the table in section 10 of the page."""
    page = (ROOT / "docs" / "trust-format.md").read_text(encoding="utf-8")
    table = page.partition("\n## 10 ")[2].partition("\n## 11 ")[0]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("|")]
    return {name for row in rows for name in re.findall(r"[a-z0-9]+(?:-[a-z0-9]+)+|quorum", row)}


def test_the_page_and_the_code_have_the_same_rules() -> None:
    assert set(RULES) == listed()


def test_every_rule_raised_in_the_package_is_on_the_list() -> None:
    pattern = re.compile(r"""(?:TrustError|EvidenceMissing)\(\s*"([^"]+)\"|rule="([^"]+)\"""")
    raised = {
        name
        for path in (ROOT / "tanji" / "trust").glob("*.py")
        for pair in pattern.findall(path.read_text(encoding="utf-8"))
        for name in pair
        if name
    }
    assert raised - set(RULES) == set()


def test_each_has_a_sentence_in_two_languages() -> None:
    for name, meaning in RULES.items():
        assert meaning.en and meaning.zh, name
        assert not meaning.zh.isascii()
