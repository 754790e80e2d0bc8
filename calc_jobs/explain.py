"""explain.html: a statement for a person who has never seen Tanji, Chinese first, English after it (R36, R47).

One file without scripts that fetches nothing. It says what was stated, how to check it without believing the page, what
the figure is made of, why a change would be noticed and what cannot be noticed, and, where nobody outside the plant has
witnessed or registered anything, says so before anything else.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from tanji.report import numbers
from tanji.report.page import TEMPLATES, style
from tanji.report.words import LANGUAGES, Words
from tanji.trust.correction import Correction
from tanji.trust.statement import FINAL, Result, Statement

ANCHOR_COMMAND = "tanji verify bundle bundle.zip --anchor anchor"


@dataclass(frozen=True, slots=True)
class Explained:
    """What the page is made from. readings : lines of the batches of the period. witnesses : name and time [s]."""

    statement: Statement
    index: int
    leaf: str
    signers: tuple[str, ...]
    size: int
    batches: int
    readings: int
    late_batches: int
    corrections: tuple[Correction, ...]
    plant_versions: int
    superseded_by: int | None
    witnesses: tuple[tuple[str, int], ...]
    self_registered: bool
    inputs: bytes
    plant_file: bytes


def page(explained: Explained) -> bytes:
    """The page; the same bytes for the same statement and head."""
    environment = Environment(loader=TEMPLATES, autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    views = [ExplainView(explained, Words(language)) for language in LANGUAGES]
    rendered = environment.get_template("explain.html.j2").render(
        css=Markup(style()), views=views, command=ANCHOR_COMMAND
    )
    return rendered.encode()


class ExplainView:
    """The page in one language."""

    def __init__(self, explained: Explained, words: Words) -> None:
        self.w = words
        self.e = explained
        self.s = explained.statement
        self._plant: dict[str, Any] = json.loads(explained.plant_file)

    @property
    def plant(self) -> str:
        """The plant's name."""
        return self._named(self._plant["site"]["name"])

    @property
    def period(self) -> str:
        """The period in local time; its name goes before, where it has one."""
        zone = self._plant["site"].get("timezone", "Asia/Shanghai")
        start, end = (numbers.local_time(one, zone) for one in (self.s.period.from_ms, self.s.period.to_ms))
        return self.w("explain.local_time", start=start, end=end)

    @property
    def says(self) -> str:
        """The sentence before the figure."""
        boundary, method = self.w(f"boundary.{self.s.boundary}"), self.w(f"ruleset_long.{self.s.rule_set}")
        return self.w("explain.says", plant=self.plant, period=self.s.period.name, boundary=boundary, method=method)

    @property
    def total(self) -> str:
        """Tonnes with separators, to the kilogram."""
        return amount(self.s.total_co2_t)

    @property
    def uncertainty(self) -> str:
        """Expanded, or empty where it is not known."""
        if self.s.total_u_rel is None:
            return ""
        percent = numbers.percent(numbers.expanded(float(self.s.total_u_rel)))
        return self.w("explain.uncertainty", percent=percent)

    @property
    def final(self) -> bool:
        """Whether late data can no longer change it."""
        return self.s.status == FINAL

    @property
    def witnesses(self) -> list[str]:
        """A sentence for each witness."""
        return [
            self.w("explain.witnessed", name=name, time=datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M"))
            for name, at in self.e.witnesses
        ]

    @property
    def rows(self) -> Iterator[dict[str, str]]:
        """The results as people read them."""
        for result in self.s.results:
            yield {
                "stream": self._name_of("streams", result.stream),
                "line": self._line(result),
                "item": self.w(f"item.{result.item}"),
                "method": self.w(f"method.{result.method}"),
                "activity": with_unit(result.activity, result.activity_unit),
                "factor": with_unit(result.factor, result.factor_unit, digits=6),
                "co2": amount(result.co2_t),
                "u": "" if result.u_rel is None else numbers.percent(numbers.expanded(float(result.u_rel))),
                "substituted": numbers.percent(float(result.substituted)),
            }

    @property
    def quality(self) -> Sequence[tuple[str, str]]:
        """What the data were like."""
        told = self.s.quality
        late = "explain.late_share" if self.s.witnessed else "explain.late_share_alone"
        return (
            (self.w("explain.readings"), numbers.count(self.e.readings)),
            (self.w("explain.captured"), numbers.percent(None if told.captured is None else float(told.captured))),
            (self.w("explain.substituted_hours"), numbers.count(told.substituted_hours)),
            (self.w("explain.missing_hours"), numbers.count(told.missing_hours)),
            (self.w("explain.anomalies"), numbers.count(told.anomalies_open)),
            (self.w(late), numbers.percent(float(told.late_share))),
            (self.w("explain.corrections"), numbers.count(len(self.e.corrections))),
        )

    @property
    def digests(self) -> Sequence[tuple[str, str]]:
        """For whoever compares."""
        method = self.s.method
        return (
            (self.w("explain.log_entry"), f"{self.s.inputs.origin} {self.e.index}"),
            (self.w("explain.leaf"), self.e.leaf),
            (self.w("explain.log_size"), str(self.s.inputs.size)),
            (self.w("explain.signers"), ", ".join(self.e.signers)),
            (self.w("explain.method"), f"{method.name} {method.version} {method.sha256}"),
            (self.w("explain.rules"), self.s.rules.sha256),
            (self.w("explain.factors"), self.s.factors.sha256),
            (self.w("explain.plant_file"), self.s.plant_file.sha256),
        )

    @property
    def members(self) -> Sequence[tuple[str, str]]:
        """What is in the bundle."""
        return (
            ("statement.note, statement.tlog-proof", self.w("explain.member_statement")),
            ("notes/", self.w("explain.member_notes")),
            ("payload/", self.w("explain.member_payload")),
            ("inputs.lines", self.w("explain.member_inputs")),
            ("ledger.json, factors.toml, rulesets.toml, plant.yaml, pointmap", self.w("explain.member_files")),
            ("keyring/, policy", self.w("explain.member_keys")),
        )

    @property
    def certificates(self) -> list[tuple[str, str, str]]:
        """Meter, number and last day."""
        return [
            (self._name_of("meters", one.meter), one.number, one.due or numbers.ABSENT)
            for one in self.s.ledger.certificates
        ]

    def _line(self, result: Result) -> str:
        return self.w("explain.site") if result.line == "site" else self._name_of("lines", result.line)

    def _name_of(self, section: str, identity: str) -> str:
        found = next((one for one in self._plant[section] if one["id"] == identity), None)
        return identity if found is None else self._named(found["name"])

    def _named(self, name: dict[str, str]) -> str:
        return self.w.choose(name["zh"], name["en"])


def amount(text: str | None, *, digits: int = 3) -> str:
    """A printed quantity with separators and fewer decimals; nothing where there is none."""
    return numbers.ABSENT if text is None else f"{float(text):,.{digits}f}"


def with_unit(text: str | None, unit: str, *, digits: int = 3) -> str:
    """The same with its unit."""
    return numbers.ABSENT if text is None else f"{amount(text, digits=digits)} {unit}"
