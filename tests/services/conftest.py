"""What tests of the services ask for by name."""

from __future__ import annotations

import pytest

from .seal_rig import Hands


@pytest.fixture
def hands(monkeypatch: pytest.MonkeyPatch) -> Hands:
    """Clock and cuts in the hands of the test."""
    return Hands(monkeypatch)
