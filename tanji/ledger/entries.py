"""A laboratory or manual value as a frozen record, and what the ledger knows about each parameter.

Which parameters exist, their unit inside the code and the bases they may be given on are in `parameters.toml`; their
hard ranges are those of `tanji.domain.limits` (standard.md section 14.5). Reading files is in `laboratory_csv`.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources

from tanji.domain.items import StreamKind
from tanji.domain.limits import HARD_RANGES, HardRange
from tanji.plant.model import Stream

AMOUNT = "amount"
"""Parameter of a manual entry that says how much of a stream there was."""
COAL_FUELS = "coal_"
"""Prefix under which `tanji.domain.limits` keeps the narrower ranges of coal."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """What the ledger accepts for one parameter: units inside the code, bases, hard range of the value."""

    name: str
    units: tuple[str, ...]
    bases: tuple[str, ...]
    coal_fuels: tuple[str, ...]

    def hard_range(self, stream: Stream) -> HardRange | None:
        """Hard range for a stream; coal has narrower ones. None for an amount."""
        if stream.kind is StreamKind.FOSSIL_FUEL and stream.fuel in self.coal_fuels:
            narrow = HARD_RANGES.get(COAL_FUELS + self.name)
            if narrow is not None:
                return narrow
        return HARD_RANGES.get(self.name)


@dataclass(frozen=True, slots=True)
class Entry:
    """One value for a stream, holding for [valid_from_ms, valid_to_ms) [UTC ms]; `unit` is one used inside the code.

    `id` and `superseded_by` are given by the ledger; 0 and None before it is entered.
    """

    sample_id: str
    stream: str
    parameter: str
    value: float
    unit: str
    valid_from_ms: int
    valid_to_ms: int
    basis: str = ""
    laboratory: str = ""
    method: str = ""
    entered_value: float | None = None
    entered_unit: str = ""
    source: str = ""
    recorded_at_ms: int = 0
    id: int = 0
    superseded_by: int | None = None

    @property
    def identity(self) -> tuple[str, str, str, int, int]:
        """What makes two entries the same one, entered again or corrected."""
        return self.sample_id, self.stream, self.parameter, self.valid_from_ms, self.valid_to_ms


@cache
def parameters() -> dict[str, Parameter]:
    """Every parameter the ledger takes, under its name."""
    text = resources.files("tanji.ledger").joinpath("parameters.toml").read_text(encoding="utf-8")
    data = tomllib.loads(text)
    coal = tuple(data["coal_fuels"])
    return {
        name: Parameter(name, tuple(entry["units"]), tuple(entry["bases"]), coal)
        for name, entry in data["parameters"].items()
    }


def accepted_parameters(stream: Stream) -> tuple[str, ...]:
    """Parameters that a plant file lets the ledger hold for a stream."""
    return (*stream.laboratory, AMOUNT) if stream.ledger else stream.laboratory
