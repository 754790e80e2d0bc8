"""The minimal good plant, and the findings of a text made from it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tanji.errors import Finding, PlantError
from tanji.plant.load import parse

GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture(scope="session")
def minimal() -> str:
    return (GOLDEN / "good" / "minimal.yaml").read_text(encoding="utf-8")


@pytest.fixture
def found(minimal: str) -> Callable[..., tuple[Finding, ...]]:
    """Findings of the minimal plant with each (old, new) replaced once; none if it is still good."""

    def findings(*changes: tuple[str, str]) -> tuple[Finding, ...]:
        text = minimal
        for old, new in changes:
            assert old in text, old
            text = text.replace(old, new, 1)
        try:
            parse(text)
        except PlantError as error:
            return error.findings
        return ()

    return findings
