"""How late the readings of a period were first witnessed, and how late they were sealed (reference/trust.md 2.8).

The witness's time is the only one the plant does not make: what a gateway sealed but nobody saw could have been sealed
again with other values. So the share of readings first witnessed more than two hours after their time is printed with
every figure, and above the plant's limit somebody has to approve. Without a witness the gateway's own sealing time is
all there is.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import accumulate
from typing import Protocol

import numpy as np
import pyarrow.compute as pc

from calc_jobs.sealed_chains import Chains, Link
from calc_jobs.sealed_readings import columns
from tanji.acquisition.flags import Flag
from tanji.errors import TrustError
from tanji.trust.batch import LATE, REGULAR
from tanji.trust.payload import parse_laboratory
from tanji.trust.policy import Policy
from tanji.trust.verify_evidence import LATE_MS


class Checkpoints(Protocol):
    """A log's cosigned checkpoints and payloads."""

    def checkpoints(self) -> Sequence[KeptCheckpoint]:
        """Every one."""
        ...

    def payload(self, index: int) -> bytes:
        """The lines of a batch."""
        ...


class KeptCheckpoint(Protocol):
    """A cosigned checkpoint."""

    def note(self) -> bytes:
        """Its bytes."""
        ...


@dataclass(frozen=True, slots=True)
class Lateness:
    """Readings of a period; of them, those first witnessed late, and those sealed after the plant's late window."""

    readings: int
    late: int
    beyond_window: int

    @property
    def share(self) -> Decimal:
        """Share first witnessed late [1]; 0 without any reading."""
        return Decimal(self.late) / Decimal(self.readings) if self.readings else Decimal(0)


class WitnessTimes:
    """When a witness first saw the log with an entry in it."""

    def __init__(self, checkpoints: Iterable[KeptCheckpoint], policy: Policy) -> None:
        found = sorted(_witnessed(checkpoints, policy))
        self._sizes = [size for size, _ in found]
        times = [time_ms for _, time_ms in found]
        self._earliest = [*accumulate(reversed(times), min)][::-1]

    def of(self, index: int) -> int | None:
        """Earliest time [UTC ms] of a checkpoint that satisfies the policy and covers an entry; None without one."""
        place = bisect_right(self._sizes, index)
        return self._earliest[place] if place < len(self._sizes) else None


def lateness(
    log: Checkpoints, chains: Chains, *, policy: Policy, period: tuple[int, int], late_window_ms: int
) -> Lateness:
    """How late the readings of a period came, repeats and refused values left out."""
    times = WitnessTimes(log.checkpoints(), policy) if policy.is_witnessed else None
    readings = late = beyond = 0
    for link in chains.links:
        if link.kind not in (REGULAR, LATE) or not link.points or not link.overlaps(period):
            continue
        when = _times(log.payload(link.index), period)
        seen = link.sealed_ms if times is None else times.of(link.index)
        readings += when.size
        late += int((when < (math.inf if seen is None else seen) - LATE_MS).sum())
        beyond += int((when < link.sealed_ms - late_window_ms).sum())
    return Lateness(readings, late, beyond)


def open_samples(log: Checkpoints, laboratory: Iterable[Link], *, period: tuple[int, int]) -> tuple[str, ...]:
    """Samples taken in a period that have neither a result nor a withdrawal yet, by id."""
    taken: set[str] = set()
    answered: set[str] = set()
    for link in laboratory:
        for line in parse_laboratory(log.payload(link.index)) if link.points else ():
            if line.form != "sample":
                answered.add(line.sample)
            elif period[0] <= line.at_ms < period[1]:
                taken.add(line.sample)
    return tuple(sorted(taken - answered))


def _times(payload: bytes, period: tuple[int, int]) -> np.ndarray:
    rows = columns(payload)
    mine = pc.equal(pc.bit_wise_and(rows.column("quality"), int(Flag.DUPLICATE)), 0)
    when = rows.filter(mine).column("time").to_numpy()
    return when[(when >= period[0]) & (when < period[1])]


def _witnessed(checkpoints: Iterable[KeptCheckpoint], policy: Policy) -> Iterable[tuple[int, int]]:
    """Size and time [UTC ms] of every checkpoint with enough witnesses: the time at which the last of them signed."""
    for kept in checkpoints:
        try:
            verified = policy.check(kept.note())
        except TrustError:
            continue  # fewer witnesses than the policy asks for: no evidence of a time
        if verified.times:
            yield verified.checkpoint.size, max(verified.times.values()) * 1000
