"""A rule of the plan, as the jobs write it beside a figure, in words people read.

The texts are made in `calc_jobs.missing` and `calc_jobs.parameters`: quantity, rule, and how far it looked. A part this
module does not know is shown as it stands: nothing about substituted data is ever hidden.
"""

from __future__ import annotations

import re

from tanji.domain.items import MissingRule
from tanji.report.words import Words, table

_PART = re.compile(r"(?P<quantity>\w+): (?P<rule>\w+)(?P<more>.*)")
_HOURS = re.compile(r" of (?P<asked>\d+) h(?: \((?P<used>\d+) h there were\))?")
_ROW = re.compile(
    r": capture from (?P<low>[\d.e-]+)(?:, at most (?P<longest>\d+) h)?: "
    r"(?:maximum of (?P<hours>\d+) h|no automatic value)"
)


def rule(text: str, words: Words) -> str:
    """`amount: mean_of_valid of 24 h` as people say it; several rules one after the other."""
    if not text:
        return words("page.rule_unnamed")
    return words.choose("；", "; ").join(_part(part, words) for part in text.split("; "))


def quantity(name: str, words: Words) -> str:
    """Name of a quantity, its identifier where nobody gave it one."""
    return words(f"quantity.{name}") if name in table()["quantity"] else name


def _part(part: str, words: Words) -> str:
    found = _PART.fullmatch(part)
    if found is None:
        return part
    named = quantity(found["quantity"], words)
    if part.endswith(": by heat content"):
        return f"{named}{words.choose('：', ': ')}{words('page.by_heat_content')}"
    if found["rule"] not in set(MissingRule):
        return part
    chosen = words(f"missing_rule.{found['rule']}")
    return f"{named}{words.choose('：', ': ')}{chosen}{_more(found['more'], words)}"


def _more(text: str, words: Words) -> str:
    hours, row = _HOURS.fullmatch(text), _ROW.fullmatch(text)
    if hours is not None:
        used = hours["used"]
        key = "page.rule_hours" if used is None else "page.rule_fewer_hours"
        return words(key, asked=hours["asked"], used=used)
    if row is not None:
        looked = words("page.rule_maximum", hours=row["hours"]) if row["hours"] else words("page.rule_no_value")
        longest = words("page.rule_longest", hours=row["longest"]) if row["longest"] else ""
        return words("page.rule_row", capture=f"{float(row['low']):.0%}", longest=longest, looked=looked)
    return text
