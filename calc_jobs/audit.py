"""The database audit: the store's readings against the sealed payload, bit for bit (R35; trust.md 0 and section 8).

InfluxDB is a queryable copy; whoever has a token can change it. The evidence is read batch by batch, verified, and the
rows that stand are compared with those stored, a part of the period at a time. What differs is looked at once more
after the next minute has been sealed: a reading may be stored before it is sealed, and sealed before it is stored.
Only readings are compared; every report says what is not. Restoring the copy is `calc_jobs.repair`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from calc_jobs.comparison import HOUR_MS, Compared, compare
from calc_jobs.findings import AuditReport, Findings
from calc_jobs.sealed_log import Headers, SealedLog
from calc_jobs.sealed_readings import standing
from tanji.errors import EvidenceMissing
from tanji.plant import names
from tanji.plant.model import Plant
from tanji.store.port import Store
from tanji.trust.batch_payload import MARGIN_MS

ROWS_PER_PART = 2_000_000
"""Readings of a part: 0.3 GB with both sides of the comparison."""
LONGEST_PART_MS = 24 * HOUR_MS
"""The store may hold what was never sealed, so a part is bounded in time too."""
LOOK_AGAIN_S = 5.0


@dataclass(frozen=True, slots=True)
class Scope:
    """What can be judged: the log as of `size`, from the first sealed reading to `end_ms`. [UTC ms]

    began_ms : when the first gateway began to seal; older readings came later, as history.
    behind : the gateway whose last sealed minute ends the scope.
    """

    size: int
    first_ms: int
    began_ms: int
    end_ms: int
    behind: str


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a period with both sides."""

    start_ms: int
    end_ms: int
    sealed: pa.Table
    stored: pa.Table
    compared: Compared


def scope_of(log: SealedLog) -> Scope:
    """What can be judged now; EvidenceMissing where nothing was ever sealed."""
    log.refresh()
    size = log.size
    headers = log.headers(size=size)
    if not len(headers.index):
        raise EvidenceMissing("batch-sequence", where="log", expected="a batch of readings", got="none")
    known = _sealed_until(headers)
    retired = log.retired()
    ends = {gateway: until for gateway, until in known.items() if gateway not in retired} or known
    if not ends:
        raise EvidenceMissing("batch-sequence", where="log", expected="a regular batch of readings", got="none")
    behind = min(ends, key=lambda gateway: ends[gateway])
    regular = headers.low[headers.regular]
    filled = headers.low[headers.points > 0]
    began = int(regular.min()) + MARGIN_MS
    return Scope(size, int(filled.min()) if len(filled) else began, began, ends[behind] - MARGIN_MS, behind)


class Audit:
    """Compares the store of one plant with the evidence of its log.

    settle_s : how long to wait for the next minute to be sealed before something that differs is looked at again [s];
        0 where nothing is being sealed.
    """

    def __init__(
        self,
        plant: Plant,
        *,
        store: Store,
        log: SealedLog,
        clock: Callable[[], int],
        settle_s: float = 0.0,
        pause: Callable[[float], object] = time.sleep,
    ) -> None:
        self._plant_id = plant.site.id
        self._store = store
        self._log = log
        self._clock = clock
        self._settle_s = settle_s
        self._pause = pause

    def scope(self) -> Scope:
        """What can be judged now; EvidenceMissing where nothing was ever sealed."""
        return scope_of(self._log)

    def run(self, start_ms: int, end_ms: int, progress: Callable[[float], None] | None = None) -> AuditReport:
        """Compare [start_ms, end_ms) [UTC ms] as far as it can be judged; `progress` is told the hours done."""
        begun = time.monotonic()
        found, scope = Findings(), self.scope()
        end_ms = min(end_ms, scope.end_ms)
        for part in self.parts(start_ms, end_ms):
            found.add(part.compared)
            if progress is not None:
                progress((part.end_ms - start_ms) / HOUR_MS)
        return found.report(
            start_ms=min(start_ms, end_ms),
            end_ms=end_ms,
            size=scope.size,
            behind=scope.behind,
            seconds=time.monotonic() - begun,
        )

    def parts(self, start_ms: int, end_ms: int) -> Iterator[Part]:
        """Both sides of the period [UTC ms], part by part, what differs looked at twice."""
        headers, waited = self._log.headers(), False
        for low, high in _cut(headers, start_ms, end_ms):
            part, looked_ms = self._look(low, high)
            if part.compared.differs() and self._settle_s and not waited:
                waited = not self._sealed_since(looked_ms)
                part, looked_ms = self._look(low, high)
            yield part

    def _look(self, start_ms: int, end_ms: int) -> tuple[Part, int]:
        """Both sides of a part, and when the store was read [UTC ms]: before the log, so what it holds is sealed."""
        bucket = names.raw_bucket(self._plant_id)
        stored = self._store.read(bucket, "reading", start_ms=start_ms, end_ms=end_ms)
        looked_ms = self._clock()
        scope = self.scope()
        payloads = (batch.payload for batch in self._log.batches(start_ms, end_ms, size=scope.size))
        sealed = standing(
            payloads,
            plant_id=self._plant_id,
            corrections=self._log.replacements(size=scope.size),
            start_ms=start_ms,
            end_ms=end_ms,
        )
        compared = compare(sealed, stored, plant_id=self._plant_id, began_ms=scope.began_ms)
        return Part(start_ms, end_ms, sealed, stored, compared), looked_ms

    def _sealed_since(self, looked_ms: int) -> bool:
        """Wait until every gateway has sealed what it had when the store was looked at; whether it did in time."""
        waited = 0.0
        while waited < self._settle_s:
            self._log.refresh()
            if min(_last_sealed(self._log.headers()), default=0) >= looked_ms:
                return True
            self._pause(LOOK_AGAIN_S)
            waited += LOOK_AGAIN_S
        return False


def _sealed_until(headers: Headers) -> dict[str, int]:
    """Until when each gateway has sealed without a hole [UTC ms]."""
    ends = {}
    for number, gateway in enumerate(headers.gateways):
        own = headers.high[headers.regular & (headers.gateway == number)]
        if len(own):
            ends[gateway] = int(own.max()) - MARGIN_MS
    return ends


def _last_sealed(headers: Headers) -> list[int]:
    """When each gateway last sealed anything [UTC ms]."""
    own = [headers.sealed[headers.gateway == number] for number in range(len(headers.gateways))]
    return [int(sealed.max()) for sealed in own if len(sealed)]


def _cut(headers: Headers, start_ms: int, end_ms: int) -> Iterator[tuple[int, int]]:
    """The period in parts of whole hours with about `ROWS_PER_PART` sealed readings at most."""
    first = start_ms // HOUR_MS
    hours = max(0, -(-end_ms // HOUR_MS) - first)
    rows = np.zeros(hours + 1)
    overlapping = headers.among((headers.low < end_ms) & (headers.high > start_ms))
    low = np.clip(overlapping.low // HOUR_MS - first, 0, hours)
    high = np.clip(overlapping.high // HOUR_MS + 1 - first, low + 1, hours + 1)
    share = overlapping.points / (overlapping.high // HOUR_MS + 1 - overlapping.low // HOUR_MS)
    np.add.at(rows, low, share)
    np.subtract.at(rows, np.minimum(high, hours), np.where(high <= hours, share, 0.0))
    per_hour = np.cumsum(rows)[:hours]
    begin, held = 0, 0.0
    for hour in range(hours):
        full = held + per_hour[hour] > ROWS_PER_PART or (hour - begin) * HOUR_MS >= LONGEST_PART_MS
        if full and hour > begin:
            yield max(start_ms, (first + begin) * HOUR_MS), (first + hour) * HOUR_MS
            begin, held = hour, 0.0
        held += per_hour[hour]
    if hours:
        yield max(start_ms, (first + begin) * HOUR_MS), end_ms
