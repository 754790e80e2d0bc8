"""Sealing: once a minute what lies in the spool becomes signed batches (trust.md 2.2, 2.3; R33, R35, R36).

The thread that cuts, and the one that sends to the log if there is one. An empty minute is sealed too. A chain that is
behind the log's is a restored disk image: it spools and does not sign (`services.sealer.log_sender`). Where the chain
stands and what a cut is: `services.sealer.gateway_chain`.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from services.sealer.gateway_chain import GatewayChain
from services.sealer.log_sender import LogSender
from services.sealer.recovery import Position
from services.sealer.seal_records import Chain
from services.sealer.seal_state import ClockState
from services.sealer.spool import Spool
from tanji.errors import SpoolError, TanjiError, TrustError
from tanji.health.clock import KernelClock
from tanji.trust.batch import BatchLog, ChainEnd
from tanji.trust.batch_signer import BatchSigner

LOOK_S = 0.5
PATIENCE_S = 5.0
"""How long the first cut waits for the log's word where the chain ends; then the own chain counts [s]."""

RETRY_S = 5.0

log = logging.getLogger(__name__)


class Sealing:
    """The thread that cuts, and the one that sends to the log if there is one."""

    def __init__(
        self,
        folder: Path,
        *,
        spool: Spool,
        keys: BatchSigner,
        point_map: bytes,
        clock: Callable[[], int],
        kernel: Callable[[], KernelClock],
        to: BatchLog | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        rng: random.Random | None = None,
    ) -> None:
        """clock : UTC now [ms]. kernel : state of the machine's clock. to : the log. monotonic : never set [s]."""
        self._chain = GatewayChain(
            folder,
            spool=spool,
            keys=keys,
            point_map=point_map,
            clock=clock,
            clock_state=ClockState(kernel, monotonic),
            monotonic=monotonic,
        )
        self._chain.may_sign()  # so that whoever asks knows at once
        self._forbidden = self._chain.fault()
        self._behind: str | None = None
        self.failing: str | None = None
        self.sums = dict.fromkeys(("batches", "points", "repeated", "duplicate", "late", "unsealable"), 0)
        self._spool, self._clock = spool, clock
        self._work, self._wake, self._stop = threading.Lock(), threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="sealer-seal", daemon=True)
        self.sender = None if to is None else LogSender(self._chain.folder, self, to=to, rng=rng)
        if self.sender is None:
            self.logged(self.chain.position)

    def start(self) -> None:
        """Begin to seal and to send."""
        if self.sender is not None:
            self.sender.start()
        self._thread.start()

    def stop(self, *, flush_s: float) -> None:
        """Seal what waits, hand it to the log if it answers within `flush_s`, end."""
        self._stop.set()
        self._wake.set()
        if self._thread.ident is not None:
            self._thread.join()
            with suppress(TanjiError, OSError):  # what is left is sealed by the next start
                self.seal_waiting()
        if self.sender is not None:
            if self.sender.next_seq is not None and not self.sender.away and not self.sender.refused:
                self.sender.wait_for(self.chain.seq, timeout_s=flush_s)
            self.sender.stop()
        self._chain.close()

    def seal_now(self, timeout_s: float) -> bool:
        """Seal up to this moment and wait for the log; whether it has everything. TanjiError, OSError: not sealed."""
        self.seal_waiting(even_nothing=True)
        if self.forbidden is not None or self.held is not None:
            return False
        return self.sender is None or self.sender.wait_for(self.chain.seq, timeout_s=timeout_s)

    def seal_waiting(self, *, even_nothing: bool = False) -> None:
        """Cut until nothing that is on disk now is left unsealed. even_nothing : one more cut if that is so already."""
        if self.sender is not None and self._thread.ident is not None:
            self.sender.asked.wait(PATIENCE_S)
        target = self._spool.durable_seq
        while even_nothing or self.chain.position.seq < target:
            with self._work:
                if self.forbidden is not None or not self._chain.may_sign():
                    return
                even_nothing = self._chain.is_pending
                self._cut(max(self._clock(), self.chain.from_ms + 1))

    def step(self) -> bool:
        """Make the cut that is due, if one is and a key may sign it; whether there was one."""
        with self._work:
            if self.forbidden is not None:
                return False
            may_sign, to_ms = self._chain.may_sign(), self._chain.due()
            if to_ms is None or not may_sign:
                return False
            self._cut(to_ms)
            return True

    # what the sender asks

    @property
    def chain(self) -> Chain:
        """Where the chain stands; notes below its number are whole."""
        return self._chain.end

    def adopt(self, end: ChainEnd) -> bool:
        """Go on after the log's last batch; not if this key has signed in the chain that is here."""
        with self._work:
            is_adopted = self._chain.adopt(end)
            if is_adopted:
                self._behind = None
            return is_adopted

    def fall_behind(self, reason: str) -> None:
        """Sign nothing more, until a new key goes on after the log's last batch."""
        with self._work:
            is_news, self._behind = self._behind != reason, reason
        if is_news:
            log.critical("nothing more is sealed: %s", reason)

    def forbid(self, reason: str) -> None:
        """Spool, and sign nothing more until the next start."""
        with self._work:
            self._forbidden = reason
        log.critical("nothing more is sealed: %s", reason)

    def logged(self, position: Position) -> None:
        """Everything before this place is sealed and logged."""
        with suppress(SpoolError):
            self._spool.release(position, now_ms=self._clock())

    # what is told

    @property
    def forbidden(self) -> str | None:
        """Why this machine must not sign; None while it may."""
        return self._forbidden or self._behind

    @property
    def held(self) -> TrustError | None:
        """Why no key may sign the next number; None while one may."""
        return self._chain.held

    @property
    def waiting(self) -> int:
        """Readings on disk that are not yet sealed."""
        return self._chain.waiting

    @property
    def unlogged(self) -> int | None:
        """Batches that are not yet in the log; None without a log or before it has answered."""
        return None if self.sender is None or self.sender.next_seq is None else self.chain.seq - self.sender.next_seq

    def _cut(self, to_ms: int) -> None:
        done = self._chain.cut(to_ms)
        for name in self.sums:
            self.sums[name] += getattr(done, name)
        if self.sender is None:
            self.logged(done.chain.position)
        else:
            self.sender.sealed(done.chain.seq, done.chain.position)

    def _run(self) -> None:
        if self.sender is not None:
            self.sender.asked.wait(PATIENCE_S)
        while not self._stop.is_set():
            try:
                while self.step() and not self._stop.is_set():
                    pass
                self.failing = None
                pause = LOOK_S
            except (TanjiError, OSError) as error:
                self.failing, pause = str(error), RETRY_S
                log.error("sealing waits and tries again: %s", error)
            except Exception as error:  # a fault of ours must not end sealing for good
                self.failing, pause = repr(error), RETRY_S
                log.exception("sealing waits and tries again")
            self._wake.wait(pause)
