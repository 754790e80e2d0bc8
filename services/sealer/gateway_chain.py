"""The chain of a gateway where it is made: where it stands, what is cut next, and under which point map (trust.md 2.2).

The spool is cut by position. A cut's record is on disk before anything of it is computed, and its notes come from that
record and the spool alone (`services.sealer.cutter`), so a crash never uses a number twice with different bytes.
Regular batches leave no hole in time, and `from` never goes back, whatever the clock does. While no key may sign the
next number nothing is cut; readings wait in the spool. When to cut is `services.sealer.sealing`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from services.sealer.cutter import Cutter, Done, beginning
from services.sealer.frame import Frame
from services.sealer.seal_files import SealFolder
from services.sealer.seal_history import History
from services.sealer.seal_records import Chain, Cut
from services.sealer.seal_state import ClockState, shown
from services.sealer.spool import Spool
from tanji.errors import SpoolError, TrustError
from tanji.trust.batch import LONGEST_MS, ChainEnd, leaf
from tanji.trust.batch_payload import MARGIN_MS
from tanji.trust.batch_signer import BatchSigner
from tanji.trust.keys import VerifierKey
from tanji.trust.note import split
from tanji.trust.plant_note import read_point_map

MINUTE_MS = 60_000

GRACE_MS = 1_000
"""How long after a minute it is cut: what was read in its last second is on its way [ms]."""

MOST_ROWS = 250_000
"""With so many readings waiting a cut is made early: bounds memory and the size of a payload."""

BEHIND_S = 60.0
"""While the clock is behind the last batch, a cut is made this often all the same [s]."""

log = logging.getLogger(__name__)


class GatewayChain:
    """One chain in one folder; whoever calls holds a lock."""

    def __init__(
        self,
        folder: Path,
        *,
        spool: Spool,
        keys: BatchSigner,
        point_map: bytes,
        clock: Callable[[], int],
        clock_state: ClockState,
        monotonic: Callable[[], float],
    ) -> None:
        """clock : UTC now [ms]. monotonic : never set [s]."""
        read_point_map(point_map)  # a wrong one is told now, not at the first cut
        self.folder = SealFolder(folder)
        self.held: TrustError | None = None
        self._waited_for: str | None = None
        self._keys, self._spool, self._reader = keys, spool, spool.reader()
        self._clock, self._clock_state, self._monotonic = clock, clock_state, monotonic
        self._point_map = self.folder.keep_point_map(point_map)
        self.end = self._open()
        self._accepted_before = self._older_map_ends(point_map)
        history = History(self.folder.payload)
        self._known_to = self._load(history)
        self._cutter = Cutter(self.folder, keys=keys, history=history)
        self._pending = self.folder.load_cut(self.end.seq)
        self._cut_at, self._is_first = monotonic(), True

    @property
    def waiting(self) -> int:
        """Readings on disk that are not yet sealed."""
        return self._spool.durable_seq - self.end.position.seq

    @property
    def is_pending(self) -> bool:
        """Whether a cut was made that is not whole yet."""
        return self._pending is not None

    def fault(self) -> str | None:
        """The chain file against index and notes beside it: an image of which only a part was restored."""
        end = self.end
        note = self.folder.note(end.seq - 1)
        if end.seq > end.first_seq and (note is None or leaf(note).hex() != end.prev):
            return f"seal/notes has not the batch {end.seq - 1} that seal/chain.json names"
        if end.seq > end.first_seq and self._known_to != end.seq - 1:
            return f"seal/index ends before the batch {end.seq - 1} that seal/chain.json names"
        if self._pending is None and self.folder.note(end.seq) is not None:
            return f"seal/notes has a batch {end.seq} that seal/chain.json knows nothing of"
        return None

    def adopt(self, found: ChainEnd) -> bool:
        """Go on after the log's last batch; not if the key that would go on has signed that one, or the last one here.

        What the batches between say is not known here, so older times can no longer be given a first value.
        """
        try:
            key = VerifierKey.parse(self._keys.signer_for(found.seq + 1).vkey())
        except TrustError:  # nobody would go on
            return False
        last = self.folder.note(self.end.seq - 1)
        notes = [found.note] if last is None else [found.note, last]
        has_signed = any(each.key_id == key.key_id for note in notes for each in split(note)[1])
        if has_signed or self._pending is not None:
            return False
        seq, prev = found.seq + 1, found.leaf.hex()
        unknown_before_ms = max(self.end.unknown_before_ms, found.to_ms + MARGIN_MS)
        self._keep(
            replace(
                self.end,
                seq=seq,
                prev=prev,
                from_ms=found.to_ms,
                first_seq=seq,
                first_prev=prev,
                unknown_before_ms=unknown_before_ms,
            )
        )
        log.warning("sealing goes on after batch %d of the log with a new key", found.seq)
        return True

    def may_sign(self) -> bool:
        """Whether a key is there for the next number; `held` says why not."""
        try:
            self._keys.signer_for(self.end.seq)
        except TrustError as error:
            if self.held is None:
                log.error("nothing is sealed until it can be signed: %s", error)
            self.held, self._waited_for = error, error.rule
            return False
        self.held = None
        return True

    def due(self) -> int | None:
        """End of the cut to be made now [UTC ms]."""
        now, begin = self._clock(), self.end.from_ms
        if self._pending is not None or self.waiting >= MOST_ROWS or self._is_under_older_map():
            return max(now, begin + 1)
        minute = (now - GRACE_MS) // MINUTE_MS * MINUTE_MS
        if minute > begin:
            return minute
        is_behind = now < begin and self._monotonic() - self._cut_at >= BEHIND_S
        return begin + 1 if is_behind else None

    def cut(self, to_ms: int) -> Done:
        """Cut the spool where it ends now, or at the size limit, and seal; first a cut that a crash left."""
        cut, frames = self._pending, None
        if cut is None:
            cut, frames = self._new_cut(to_ms)
            self.folder.save_cut(cut)
            self._pending = cut
        done = self._cutter.seal(self.end, cut, self._frames(cut) if frames is None else frames)
        self.end, self._pending = done.chain, None
        self._is_first, self._waited_for, self._cut_at = False, None, self._monotonic()
        return done

    def close(self) -> None:
        """Let go of the spool."""
        self._reader.close()

    def _new_cut(self, to_ms: int) -> tuple[Cut, list[Frame]]:
        end, most = self.end, MOST_ROWS
        if self._is_under_older_map():
            most = min(most, self._accepted_before - end.position.seq)
        frames, position = self._reader.read(end.position, max_rows=most)
        cut = Cut(
            seq=end.seq,
            prev=end.prev,
            start=end.position,
            end=position,
            from_ms=end.from_ms,
            to_ms=to_ms,
            sealed_ms=self._clock(),
            clock=self._clock_state.text(),
            point_map=self.end.point_map,
            reason=self._reason(end.from_ms, to_ms),
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
        if self._waited_for is not None:
            why = f"nothing could be signed ({self._waited_for})"
        return f"{why}: nothing was sealed between {shown(from_ms)} and {shown(now)}"

    def _is_under_older_map(self) -> bool:
        """Whether readings wait that were accepted under another point map than that of this process."""
        if self.end.point_map == self._point_map:
            return False
        if self.end.position.seq >= self._accepted_before:
            self._keep(replace(self.end, point_map=self._point_map, mapped_from=self.end.seq))
            return False
        return True

    def _older_map_ends(self, point_map: bytes) -> int:
        """Record of the spool from which on readings came under this process's map: it may have run unapproved."""
        now = self._spool.durable_seq
        if self.end.point_map != self._point_map:
            self.folder.mark_accepted(point_map, seq=now)
        marked = self.folder.accepted_from(self._point_map)
        return now if marked is None else min(marked, now)

    def _open(self) -> Chain:
        end, name = self.folder.load_chain(), self._keys.name
        if end is None:
            minute = self._clock() // MINUTE_MS * MINUTE_MS
            end = beginning(name, from_ms=minute, position=self._spool.beginning, point_map=self._point_map)
            self.folder.save_chain(end)
        if end.gateway != name:
            raise TrustError("batch-key", where=str(self.folder.folder), expected=end.gateway, got=name)
        return end

    def _load(self, history: History) -> int:
        """What was sealed before, from the index; the last batch in it, -1 for none."""
        known_to = -1
        for entry in self.folder.index.load(below=self.end.seq):
            history.add(entry.seq, entry.ranges, digest=bytes.fromhex(entry.digest))
            known_to = entry.seq
        return known_to

    def _keep(self, end: Chain) -> None:
        self.folder.save_chain(end)
        self.end = end
