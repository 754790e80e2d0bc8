"""Sealing: once a minute what lies in the spool becomes signed batches (trust.md 2.2, 2.3; R33, R35, R36).

The spool is cut by position. A cut's record is on disk before anything of it is computed, and its notes come from that
record and the spool alone (`services.sealer.cutter`), so a crash never uses a number twice with different bytes.
Regular batches leave no hole in time, an empty minute is sealed too, and `from` never goes back, whatever the clock
does. A chain that is behind the log's is a restored disk image: it spools and does not sign
(`services.sealer.log_sender`).
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from services.sealer.cutter import Cutter, Done, beginning
from services.sealer.frame import Frame
from services.sealer.log_sender import LogSender
from services.sealer.recovery import Position
from services.sealer.seal_files import Chain, Cut, SealFolder
from services.sealer.seal_history import History
from services.sealer.seal_state import ClockState, shown
from services.sealer.spool import Spool
from tanji.errors import SpoolError, TanjiError, TrustError
from tanji.health.clock import KernelClock
from tanji.trust.batch import LONGEST_MS, MARGIN_MS, BatchLog, ChainEnd, leaf
from tanji.trust.keys import VerifierKey
from tanji.trust.note import split
from tanji.trust.plant_note import read_point_map
from tanji.trust.signer import Signer

MINUTE_MS = 60_000

GRACE_MS = 1_000
"""How long after a minute it is cut: what was read in its last second is on its way [ms]."""

MOST_ROWS = 250_000
"""With so many readings waiting a cut is made early: bounds memory and the size of a payload."""

BEHIND_S = 60.0
"""While the clock is behind the last batch, a cut is made this often all the same [s]."""

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
        signer: Signer,
        point_map: bytes,
        clock: Callable[[], int],
        kernel: Callable[[], KernelClock],
        to: BatchLog | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        rng: random.Random | None = None,
    ) -> None:
        """clock : UTC now [ms]. kernel : state of the machine's clock. to : the log. monotonic : never set [s]."""
        read_point_map(point_map)  # a wrong one is told now, not at the first cut
        self.forbidden: str | None = None
        self.failing: str | None = None
        self.last: Done | None = None
        self.sums = dict.fromkeys(("batches", "points", "repeated", "duplicate", "late", "unsealable"), 0)
        self._key = VerifierKey.parse(signer.vkey())
        self._spool, self._reader, self._clock = spool, spool.reader(), clock
        self._monotonic = monotonic
        self._clock_state = ClockState(kernel, monotonic)
        self._folder = SealFolder(folder)
        self._point_map = self._folder.keep_point_map(point_map)
        marked = self._folder.accepted_from(self._point_map)  # a map that was in use before it was approved
        # By an earlier process, under the point map of that time.
        self._accepted_before = spool.durable_seq if marked is None else min(marked, spool.durable_seq)
        self.chain = self._open_chain()
        self._history = History(self._folder.payload)
        known_to = self._load_history()
        self._cutter = Cutter(self._folder, signer=signer, history=self._history)
        self._pending = self._folder.load_cut(self.chain.seq)
        self._check_own_end(known_to)
        self._cut_at, self._is_first = monotonic(), True
        self._work, self._wake, self._stop = threading.Lock(), threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="sealer-seal", daemon=True)
        self.sender = None if to is None else LogSender(self._folder, self, to=to, key=self._key, rng=rng)
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
        self._reader.close()

    def seal_now(self, timeout_s: float) -> bool:
        """Seal up to this moment and wait for the log; whether it has everything. TanjiError, OSError: not sealed."""
        self.seal_waiting(even_nothing=True)
        if self.forbidden is not None:
            return False
        return self.sender is None or self.sender.wait_for(self.chain.seq, timeout_s=timeout_s)

    def seal_waiting(self, *, even_nothing: bool = False) -> None:
        """Cut until nothing that is on disk now is left unsealed. even_nothing : one more cut if that is so already."""
        if self.sender is not None and self._thread.ident is not None:
            self.sender.asked.wait(PATIENCE_S)
        target = self._spool.durable_seq
        while self.forbidden is None and (even_nothing or self.chain.position.seq < target):
            with self._work:
                even_nothing = self._pending is not None
                self._cut(max(self._clock(), self.chain.from_ms + 1))

    def step(self) -> bool:
        """Make the cut that is due, if one is; whether there was one."""
        with self._work:
            if self.forbidden is not None:
                return False
            to_ms = self._due()
            if to_ms is not None:
                self._cut(to_ms)
            return to_ms is not None

    # what the sender asks

    def adopt(self, end: ChainEnd) -> bool:
        """Go on after the log's last batch; not if this key has signed in the chain that is here.

        What the batches between say is not known here, so older times can no longer be given a first value.
        """
        with self._work:
            note = self._folder.note(self.chain.seq - 1)
            is_ours = note is not None and any(each.key_id == self._key.key_id for each in split(note)[1])
            if is_ours or self._pending is not None:
                return False
            seq, prev = end.seq + 1, end.leaf.hex()
            self.chain = replace(
                self.chain,
                seq=seq,
                prev=prev,
                from_ms=end.to_ms,
                first_seq=seq,
                first_prev=prev,
                unknown_before_ms=max(self.chain.unknown_before_ms, end.to_ms + MARGIN_MS),
            )
            self._folder.save_chain(self.chain)
            log.warning("sealing goes on after batch %d of the log with a new key", end.seq)
            return True

    def forbid(self, reason: str) -> None:
        """Spool, and sign nothing more."""
        with self._work:
            self.forbidden = reason
        log.critical("nothing more is sealed: %s", reason)

    def logged(self, position: Position) -> None:
        """Everything before this place is sealed and logged."""
        with suppress(SpoolError):
            self._spool.release(position, now_ms=self._clock())

    @property
    def waiting(self) -> int:
        """Readings on disk that are not yet sealed."""
        return self._spool.durable_seq - self.chain.position.seq

    @property
    def unlogged(self) -> int | None:
        """Batches that are not yet in the log; None without a log or before it has answered."""
        return None if self.sender is None or self.sender.next_seq is None else self.chain.seq - self.sender.next_seq

    # cutting

    def _due(self) -> int | None:
        """End of the cut to be made now [UTC ms]."""
        now, begin = self._clock(), self.chain.from_ms
        if self._pending is not None or self.waiting >= MOST_ROWS or self._is_under_older_map():
            return max(now, begin + 1)
        minute = (now - GRACE_MS) // MINUTE_MS * MINUTE_MS
        if minute > begin:
            return minute
        is_behind = now < begin and self._monotonic() - self._cut_at >= BEHIND_S
        return begin + 1 if is_behind else None

    def _is_under_older_map(self) -> bool:
        """Whether readings wait that were accepted under another point map than that of this process."""
        if self.chain.point_map == self._point_map:
            return False
        if self.chain.position.seq >= self._accepted_before:
            self.chain = replace(self.chain, point_map=self._point_map)
            self._folder.save_chain(self.chain)
            return False
        return True

    def _cut(self, to_ms: int) -> None:
        """Cut the spool where it ends now, or at the size limit, and seal; first a cut that a crash left."""
        cut, frames = self._pending, None
        if cut is None:
            cut, frames = self._new_cut(to_ms)
            self._folder.save_cut(cut)
            self._pending = cut
        done = self._cutter.seal(self.chain, cut, self._frames(cut) if frames is None else frames)
        self.chain, self._pending, self.last = done.chain, None, done
        self._is_first, self._cut_at = False, self._monotonic()
        for name in self.sums:
            self.sums[name] += getattr(done, name)
        if self.sender is None:
            self.logged(done.chain.position)
        else:
            self.sender.sealed(done.chain.seq, done.chain.position)

    def _new_cut(self, to_ms: int) -> tuple[Cut, list[Frame]]:
        chain = self.chain
        most = MOST_ROWS
        if self._is_under_older_map():
            most = min(most, self._accepted_before - chain.position.seq)
        frames, end = self._reader.read(chain.position, max_rows=most)
        cut = Cut(
            seq=chain.seq,
            prev=chain.prev,
            start=chain.position,
            end=end,
            from_ms=chain.from_ms,
            to_ms=to_ms,
            sealed_ms=self._clock(),
            clock=self._clock_state.text(),
            point_map=self.chain.point_map,
            reason=self._reason(chain.from_ms, to_ms),
        )
        return cut, frames

    def _frames(self, cut: Cut) -> list[Frame]:
        """The frames of a cut that was made before."""
        frames, end = self._reader.read(cut.start, max_rows=cut.end.seq - cut.start.seq)
        if end.seq != cut.end.seq:
            raise SpoolError(f"cut {cut.seq}: expected the spool to end at seq {cut.end.seq}, got {end.seq}")
        return frames

    def _reason(self, from_ms: int, to_ms: int) -> str | None:
        now = self._clock()
        if now < from_ms:
            return f"the clock was set back: sealed at {shown(now)}, after {shown(from_ms)}"
        if to_ms - from_ms <= LONGEST_MS:
            return None
        why = "the sealer was stopped" if self._is_first else "sealing was behind"
        return f"{why}: nothing was sealed between {shown(from_ms)} and {shown(now)}"

    # starting

    def _open_chain(self) -> Chain:
        chain = self._folder.load_chain()
        if chain is None:
            minute = self._clock() // MINUTE_MS * MINUTE_MS
            chain = beginning(self._key.name, from_ms=minute, position=self._spool.beginning, point_map=self._point_map)
            self._folder.save_chain(chain)
        if chain.gateway != self._key.name:
            raise TrustError("batch-key", where=str(self._folder.folder), expected=chain.gateway, got=self._key.name)
        return chain

    def _load_history(self) -> int:
        """What was sealed before, from the index; the last batch in it, -1 for none."""
        known_to = -1
        for entry in self._folder.load_index(below=self.chain.seq):
            self._history.add(entry.seq, entry.ranges, digest=bytes.fromhex(entry.digest))
            known_to = entry.seq
        return known_to

    def _check_own_end(self, known_to: int) -> None:
        """The chain file against index and notes beside it: an image of which only a part was restored."""
        chain = self.chain
        note = self._folder.note(chain.seq - 1)
        has_more = self._pending is None and self._folder.note(chain.seq) is not None
        if chain.seq > chain.first_seq and (note is None or leaf(note).hex() != chain.prev):
            self.forbidden = f"seal/notes has not the batch {chain.seq - 1} that seal/chain.json names"
        elif chain.seq > chain.first_seq and known_to != chain.seq - 1:
            self.forbidden = f"seal/index ends before the batch {chain.seq - 1} that seal/chain.json names"
        elif has_more:
            self.forbidden = f"seal/notes has a batch {chain.seq} that seal/chain.json knows nothing of"

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
