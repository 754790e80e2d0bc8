"""Batches on their way to the log: in order, for ever, with growing pauses (trust.md 2.2; R33, R36).

The log's own end of the chain says what it has, so nothing is remembered here. If the log knows more of this gateway
than the gateway itself, or other notes under the same numbers, then this is a restored disk image or a copy, and it
must not sign: a second note under one number would look like forgery, and be one.
"""

from __future__ import annotations

import logging
import random
import threading
from collections import deque
from typing import Protocol

from services.sealer.recovery import Position
from services.sealer.seal_files import SealFolder
from services.sealer.seal_records import Chain
from tanji.acquisition.backoff import Backoff
from tanji.errors import EvidenceMissing, TrustError
from tanji.trust.batch import BatchLog, ChainEnd, leaf

FIRST_DELAY_S, LONGEST_DELAY_S = 0.2, 30.0
"""Back-off against a log that does not answer: doubled from the first to the longest."""

REFUSED_DELAY_S = 60.0
"""A batch that was refused is offered again this often: the keyring may know the key meanwhile."""

STOP_S = 5.0

log = logging.getLogger(__name__)


class Sealed(Protocol):
    """What the sender asks of sealing."""

    @property
    def chain(self) -> Chain:
        """Where the chain stands; notes below its number are whole."""
        ...

    def adopt(self, end: ChainEnd) -> bool:
        """Go on after the log's last batch, with a key that has never signed; whether that could be done."""
        ...

    def fall_behind(self, reason: str) -> None:
        """Sign nothing more, until a new key goes on after the log's last batch."""
        ...

    def forbid(self, reason: str) -> None:
        """Sign nothing more."""
        ...

    def logged(self, position: Position) -> None:
        """Everything before this place in the spool is in the log."""
        ...


class LogSender:
    """The thread, and what others may know about it."""

    def __init__(
        self,
        folder: SealFolder,
        sealed: Sealed,
        *,
        to: BatchLog,
        rng: random.Random | None = None,
    ) -> None:
        self.next_seq: int | None = None  # the first batch the log does not have; None before it has answered
        self.away: str | None = None
        self.refused: str | None = None
        self.asked = threading.Event()  # the log has been asked once, whatever came of it
        self._folder, self._sealed, self._to = folder, sealed, to
        self._backoff = Backoff(first_s=FIRST_DELAY_S, most_s=LONGEST_DELAY_S, rng=rng or random.Random())
        self._ends: deque[tuple[int, Position]] = deque()
        self._turn = threading.Condition()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sealer-log", daemon=True)

    def start(self) -> None:
        """Begin to send."""
        self._thread.start()

    def stop(self) -> None:
        """End after the batch in hand; the log is asked again at the next start."""
        self._stop.set()
        with self._turn:
            self._turn.notify_all()
        if self._thread.ident is not None:
            self._thread.join(STOP_S)

    def sealed(self, next_seq: int, end: Position) -> None:
        """Batches below `next_seq` are whole, and seal the spool up to `end`."""
        with self._turn:
            self._ends.append((next_seq, end))
            self._turn.notify_all()

    def wait_for(self, next_seq: int, *, timeout_s: float) -> bool:
        """Wait until the log has all batches below a number; whether it has."""
        with self._turn:
            return self._turn.wait_for(lambda: (self.next_seq or 0) >= next_seq, timeout_s)

    def _run(self) -> None:
        while not self._stop.is_set():
            pause = self._try()
            self.asked.set()
            self._stop.wait(pause)

    def _try(self) -> float:
        """Send until something is in the way; how long to wait then [s]."""
        try:
            if self._meet():
                self.asked.set()
                self._send_all()
            return REFUSED_DELAY_S
        except EvidenceMissing as error:  # a keyring that the log has yet to get, or a file of ours
            self.away = str(error)
            log.warning("the log cannot take batches, trying again: %s", error)
        except TrustError as error:
            self.refused = str(error)
            log.error("the log refuses a batch, which is offered again later: %s", error)
            return REFUSED_DELAY_S
        except Exception as error:  # whatever a log behind a network may raise
            self.away = str(error) or repr(error)
            log.warning("the log does not answer, trying again: %s", self.away)
        return self._backoff.failed()

    def _meet(self) -> bool:
        """Compare the two ends of the chain; whether sending may go on."""
        chain = self._sealed.chain
        end = self._to.chain_end(chain.gateway)
        self.away = None
        self._backoff.succeeded()
        if end is None:
            self._go_on_from(chain.first_seq)
            return True
        if end.seq >= chain.seq:
            if self._sealed.adopt(end):
                self._go_on_from(end.seq + 1)
                return True
            ahead = f"the log has batch {end.seq} of {chain.gateway}, and here {chain.seq} would be next"
            self._sealed.fall_behind(f"{ahead}: a state was restored; see the alarm SEAL_FORBIDDEN")
            return False
        if self._leaf(chain, end.seq) != end.leaf:
            self._sealed.forbid(f"the log has another batch {end.seq} of {chain.gateway} than this sealer")
            return False
        self._go_on_from(end.seq + 1)
        place = self._folder.index.end_of(end.seq)
        if place is not None:
            self._sealed.logged(place)
        return True

    def _send_all(self) -> None:
        while not self._stop.is_set():
            seq = self.next_seq or 0
            if seq >= self._sealed.chain.seq:
                with self._turn:
                    self._turn.wait_for(lambda: self._stop.is_set() or bool(self._ends), 1.0)
                    self._forget_ends()
                continue
            note, payload = self._folder.batch(seq)
            self._to.add_batch(note, payload)
            self.refused = None
            self._go_on_from(seq + 1)

    def _go_on_from(self, seq: int) -> None:
        with self._turn:
            self.next_seq = seq
            self._turn.notify_all()
        self._forget_ends()

    def _forget_ends(self) -> None:
        """Say up to where the spool is in the log."""
        place = None
        with self._turn:
            while self._ends and self._ends[0][0] <= (self.next_seq or 0):
                _, place = self._ends.popleft()
        if place is not None:
            self._sealed.logged(place)

    def _leaf(self, chain: Chain, seq: int) -> bytes | None:
        if seq == chain.first_seq - 1:
            return bytes.fromhex(chain.first_prev)
        note = self._folder.note(seq)
        return None if note is None else leaf(note)
