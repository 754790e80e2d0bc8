"""A counter across the exchange of its meter: the old one's last count and the new one's first are told, not guessed.

Without being told, a new meter that begins at zero is a reset and its first increment unknown (quality.md section 5,
rule 10); one that begins above the old one's count would be consumption that never was. The counts are in the plant
file (`exchanges` of a point, R31); increments are `tanji.quality.rules`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tanji.quality.rules import Floats, Times


@dataclass(frozen=True, slots=True)
class Exchange:
    """From `at_ms` [UTC ms] on the register went on from `first`; the one before stood at `last` [counts]."""

    at_ms: int
    last: float
    first: float


def continued(time_ms: Times, count: Floats, exchanges: Sequence[Exchange]) -> Floats:
    """The counts as if the first meter had gone on: differences across an exchange are what passed [counts].

    count : array  Register counts as read, NaN where there is none.
    """
    shift = np.zeros(count.size)
    for exchange in exchanges:
        shift[time_ms >= exchange.at_ms] += exchange.last - exchange.first
    return count + shift if exchanges else count
