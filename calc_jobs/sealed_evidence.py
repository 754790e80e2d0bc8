"""The sealed readings of a log or a bundle as what a recomputation asks for: those that stand, as of one size.

Every batch that is used has its signature and its payload's root verified on the way (`calc_jobs.sealed_log`); which
value of a point and time stands is `calc_jobs.sealed_readings`, corrections up to the size included.
"""

from __future__ import annotations

import pyarrow as pa

from calc_jobs.sealed_log import SealedLog
from calc_jobs.sealed_readings import standing


class SealedEvidence:
    """`calc_jobs.recomputation.Evidence` on a sealed log, of the entries below `size`."""

    def __init__(self, log: SealedLog, *, plant_id: str, size: int, is_whole: bool = True) -> None:
        """is_whole : whether there are no older entries. Whoever makes a bundle chooses where it begins: an average
        over the hours before must not end there."""
        self._log = log
        self._plant_id = plant_id
        self._size = size
        low = log.headers(size=size).low
        self.begin_ms = int(low.min()) if low.size and is_whole else 0

    def readings(self, start_ms: int, end_ms: int) -> pa.Table:
        """Readings of [start_ms, end_ms) [UTC ms] that stand."""
        batches = self._log.batches(start_ms, end_ms, size=self._size)
        return standing(
            (batch.payload for batch in batches),
            plant_id=self._plant_id,
            corrections=self._log.replacements(size=self._size),
            start_ms=start_ms,
            end_ms=end_ms,
        )
