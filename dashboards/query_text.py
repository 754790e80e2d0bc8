"""The text of a query: its file on one line, with what the rule sets and the allowance rule say filled in.

Placeholders in braces are ours, those with a dollar Grafana's. Which items a total counts, what leaves through the
stack and where a level lies is data of `tanji.domain`, so that a new edition changes no query by hand.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tanji.domain import benchmark, position, rulesets
from tanji.domain.items import Boundary, Item, RuleSetId

HERE = Path(__file__).parent
LEVEL_COLOURS = ("yellow", "orange", "red")
"""Beyond level 1, 2 and 3."""


def expanded(query: dict[str, Any]) -> str:
    """The text of a query file on one line, its own placeholders filled; Grafana's stay."""
    text = " ".join((HERE / "queries" / f"{query['file']}.influxql").read_text(encoding="utf-8").split())
    boundary = query.get("boundary", "")
    if boundary:
        text = text.replace("{boundary}", boundary).replace("{counted}", counted(Boundary(boundary)))
    for placeholder in ("name", "every"):
        text = text.replace(f"{{{placeholder}}}", query.get(placeholder, ""))
    chosen = measured() if query.get("chosen") == "measured" else stack()
    text = text.replace("{measured}", measured()).replace("{chosen}", chosen).replace("{stack}", stack())
    for placeholder, number in limits_of_position().items():
        text = text.replace(f"{{{placeholder}}}", f"{number:g}")
    return text


def measured() -> str:
    """The condition that keeps what was measured in the stack; method A has the same rows."""
    return of_ruleset(RuleSetId.GBT32151_8, (Item.FLUE_GAS,))


def limits_of_position() -> dict[str, float]:
    """Slope and cap of the newest allowance rule, and at which intensities, in balance values, the cap is reached."""
    rule = position.rule_of(max(position.load()))
    reach = rule.cap / rule.slope
    # An unlikely intensity bounds the last query, so that a balance value of 0, none given, finds nothing.
    return {"slope": rule.slope, "cap": rule.cap, "low": 1 - reach, "high": 1 + reach, "huge": 1000.0}


def levels(indicator: str) -> list[list[Any]]:
    """Thresholds of a panel from the newest levels of GB 16780."""
    entry = max(
        (one for one in benchmark.load() if one.indicator == indicator and one.edition_id.startswith("gb16780")),
        key=lambda one: one.valid_from,
    )
    return [["green", 0], *([colour, value] for colour, value in zip(LEVEL_COLOURS, entry.levels, strict=True))]


def counted(boundary: Boundary) -> str:
    """The condition that keeps what a total counts, whichever rule set is chosen."""
    return either(of_ruleset(name, rules.counted(boundary)) for name, rules in rulesets.load().items())


def stack() -> str:
    """The condition that keeps what leaves through the stack, by method A."""
    return of_ruleset(RuleSetId.GBT32151_8, rulesets.load()[RuleSetId.GBT32151_8].flue_gas_scope)


def of_ruleset(ruleset: RuleSetId, items: Iterable[Item]) -> str:
    """Rows of one rule set with any of the items."""
    wanted = either(f"\"item\" = '{item}'" for item in items)
    return f"(\"ruleset\" = '{ruleset}' AND {wanted})"


def either(conditions: Iterable[str]) -> str:
    """Any of the conditions."""
    return f"({' OR '.join(conditions)})"
