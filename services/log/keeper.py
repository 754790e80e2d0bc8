"""The clock of a log: publishes a checkpoint every minute and shows it to the witnesses every few.

A witness that is away costs nothing but its signature and is asked again next time; one that refuses means
that it knows another log than this, and somebody has to look at once; where signing goes on from the same folder, as in
a box that was restored with its log, it is told to stop (`tell`). Alarms: LOG_QUARANTINE, LOG_FAILED,
WITNESS_AWAY, WITNESS_REFUSES (docs/alarms.md).
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Sequence
from typing import Final

from services.log.witness_client import Witness, WitnessAway, WitnessClient, WitnessContradicts, WitnessRefuses
from tanji.errors import TanjiError
from tanji.health.alarms import AlarmCode, Alarms
from tanji.health.periodic import Periodic
from tanji.trust.log import Log
from tanji.trust.log_reader import read_head

CHECKPOINT_S: Final = 60.0
WITNESS_S: Final = 300.0
EVENT_MS: Final = 3_600_000
"""How long a refusal is an alarm after the last one [ms]; a gateway that is refused comes again every minute."""

PATIENCE: Final = 3
"""A witness that missed so many turns is away."""

log = logging.getLogger(__name__)


class LogKeeper:
    """Keeps one log; `start` and `stop` its thread, or call `publish` and `witness`."""

    def __init__(
        self,
        kept: Log,
        witnesses: Sequence[Witness] = (),
        *,
        clock: Callable[[], int],
        alarms: Alarms,
        checkpoint_s: float = CHECKPOINT_S,
        witness_s: float = WITNESS_S,
    ) -> None:
        """clock : UTC now [ms]. checkpoint_s, witness_s : how often [s]."""
        self._log, self._clock, self._alarms = kept, clock, alarms
        self._clients = [WitnessClient(witness, kept) for witness in witnesses]
        self._witness_s = witness_s
        self._begun_ms = clock()
        self._seen_ms: dict[str, int] = {}
        self._refused = 0
        self._to_tell: list[Callable[[str], None]] = []
        self._turn = threading.Lock()
        self._asked = -math.inf
        self._keeping = Periodic(
            self._turn_comes,
            period_s=min(checkpoint_s, witness_s) if self._clients else checkpoint_s,
            name="log-keeper",
            fault="the log was not published",
            at_once=True,
        )

    def tell(self, contradicted: Callable[[str], None]) -> None:
        """Have `contradicted` called, with the reason, when a witness has seen another history than this log's."""
        self._to_tell.append(contradicted)

    def start(self) -> None:
        """Begin; the first checkpoint is published at once."""
        self._keeping.start()

    def stop(self) -> None:
        """End, with everything accepted so far published."""
        self._keeping.stop()
        self.publish()

    def publish(self) -> bytes | None:
        """Publish what was accepted; the checkpoint, or None if the disk does not take it."""
        self._look_at_quarantine()
        try:
            head = self._log.checkpoint()
        except (TanjiError, OSError) as error:
            self._alarms.set(AlarmCode.LOG_FAILED, str(error))
            return None
        self._alarms.clear(AlarmCode.LOG_FAILED)
        return head

    def witness(self) -> bytes | None:
        """Publish and show it to every witness; the checkpoint with their cosignatures, None if nobody cosigned."""
        with self._turn:
            head = self.publish()
            size = 0 if head is None else read_head(head).size
            if head is None or size == 0:
                return None
            lines = b"".join(self._cosignature(client, head, size=size) for client in self._clients)
            if not lines:
                return None
            try:
                self._log.add_cosigned(head + lines, witnesses=[client.witness.key for client in self._clients])
            except (TanjiError, OSError) as error:
                self._alarms.set(AlarmCode.LOG_FAILED, f"a cosigned checkpoint could not be kept: {error}")
                return None
            return head + lines

    def numbers(self) -> dict[str, float | int | None]:
        """For metrics: sizes, refusals, and how long ago the last witness cosigned [s]."""
        newest = max(self._seen_ms.values(), default=None)
        age_s = None if newest is None else (self._clock() - newest) / 1000
        return {
            "entries": self._log.size,
            "published": self._log.published,
            "refused_total": self._log.refused.count,
            "witnessed_age_s": age_s,
        }

    def _cosignature(self, client: WitnessClient, head: bytes, *, size: int) -> bytes:
        """The lines of one witness; empty if it gave none."""
        name = client.witness.name
        try:
            lines = client.cosigned(head, size=size)
        except WitnessRefuses as error:
            self._alarms.set(AlarmCode.WITNESS_REFUSES, str(error), subject=name)
            if isinstance(error, WitnessContradicts):
                for contradicted in self._to_tell:
                    contradicted(f"the witness {name} contradicts the log of this box: {error}")
            return b""
        except WitnessAway as error:
            log.info("witness %s: %s", name, error)
            away_s = (self._clock() - self._seen_ms.get(name, self._begun_ms)) / 1000
            text = f"no cosignature for {away_s:.0f} s: {error}" if away_s >= PATIENCE * self._witness_s else None
            self._alarms.update(AlarmCode.WITNESS_AWAY, text, subject=name)
            return b""
        self._seen_ms[name] = self._clock()
        for code in (AlarmCode.WITNESS_AWAY, AlarmCode.WITNESS_REFUSES):
            self._alarms.clear(code, subject=name)
        return lines

    def _look_at_quarantine(self) -> None:
        refused = self._log.refused
        if refused.count > self._refused:
            text = f"{refused.count} notes refused since the start, the last one: {refused.reason}"
            self._alarms.set(AlarmCode.LOG_QUARANTINE, text, for_ms=EVENT_MS)
        self._refused = refused.count

    def _turn_comes(self) -> None:
        now = time.monotonic()
        if self._clients and now - self._asked >= self._witness_s:
            self._asked = now
            self.witness()
        else:
            self.publish()
