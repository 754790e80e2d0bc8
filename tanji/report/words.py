"""The one table of words people read, in both languages (`words.toml`)."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

from tanji.errors import UsageError

Language = Literal["zh", "en"]
LANGUAGES: tuple[Language, ...] = ("zh", "en")


@cache
def table() -> dict[str, dict[str, dict[str, str]]]:
    """Section -> key -> language -> text."""
    return tomllib.loads(files("tanji.report").joinpath("words.toml").read_text(encoding="utf-8"))


@dataclass(frozen=True, slots=True)
class Words:
    """The words of one language: `words("item.fossil_fuel")`, `words("page.last_days", days=31)`."""

    language: Language

    def __call__(self, key: str, **values: object) -> str:
        """The text under `section.key`, placeholders filled."""
        section, _, name = key.partition(".")
        try:
            text = table()[section][name][self.language]
        except KeyError:
            raise UsageError(f"expected a text of tanji/report/words.toml, got {key} in {self.language}") from None
        return text.format(**values) if values else text

    def choose(self, zh: str, en: str) -> str:
        """Of a name in both languages, the one to show."""
        return zh if self.language == "zh" else en

    @property
    def other(self) -> Language:
        """The language the switch leads to."""
        return "en" if self.language == "zh" else "zh"
