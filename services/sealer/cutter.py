"""From a cut to its batches: at most three notes, regular, late and config, in this order (trust.md 2.2, 2.3).

Everything in them comes from the cut's record, the spool, and what was sealed before, so doing it again after a crash
gives the same bytes under the same numbers.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256

import numpy as np

from services.sealer.frame import Frame
from services.sealer.recovery import Position
from services.sealer.rows import PointTable, Rows
from services.sealer.seal_files import SealFolder
from services.sealer.seal_first import FirstSealed, Sealed
from services.sealer.seal_history import History, ranges_of
from services.sealer.seal_lines import Payload, Points, payload, sealable
from services.sealer.seal_records import Chain, Cut, Entry
from tanji.trust.batch import CONFIG, LATE, REGULAR, Batch, format_batch, leaf
from tanji.trust.batch_payload import MARGIN_MS
from tanji.trust.batch_signer import BatchSigner
from tanji.trust.note import sign
from tanji.trust.payload_line import DUPLICATE
from tanji.trust.plant_note import COUNTER, PARAMETER, read_point_map

LATE_REASON = "times outside the minutes sealed: delayed, kept by the device, imported, or a clock that was wrong"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Done:
    """A cut that is on disk as notes. unsealable : readings of an older spool that the grammar has no line for."""

    chain: Chain
    batches: int
    points: int
    repeated: int
    duplicate: int
    late: int
    unsealable: int


@dataclass(frozen=True, slots=True)
class _Map:
    """A point map, ready for use."""

    table: PointTable
    points: Points
    first: FirstSealed


class Cutter:
    """Makes and signs batches in one folder."""

    def __init__(self, folder: SealFolder, *, keys: BatchSigner, history: History) -> None:
        self._folder, self._keys, self._history = folder, keys, history
        self._maps: dict[str, _Map] = {}

    def seal(self, chain: Chain, cut: Cut, frames: Sequence[Frame]) -> Done:
        """Write the batches of a cut, of which `frames` are the readings. May be repeated after any failure."""
        known = self._map(cut.point_map)
        rows, unsealable = self._rows(frames, known)
        sealed = known.first.decide(rows, unknown_before_ms=chain.unknown_before_ms)
        entries: list[Entry] = []
        prev, late = bytes.fromhex(cut.prev), 0
        for kind, part in _kinds(cut, sealed.rows, known.points):
            seq = cut.seq + len(entries)
            lines = payload(part, known.points)
            batch = _batch(cut, kind, lines, gateway=chain.gateway, seq=seq, prev=prev)
            self._folder.save_payload(seq, lines.data)
            note = self._folder.save_note(seq, sign(format_batch(batch), self._keys.signer_for(seq)))
            prev = leaf(note)
            late += len(part) if kind == LATE else 0
            entries.append(Entry(seq, ranges_of(part.time), sha256(lines.data).hexdigest()))
        entries[-1] = replace(entries[-1], end=cut.end)
        self._folder.index.add(entries)
        done = replace(chain, seq=cut.seq + len(entries), prev=prev.hex(), from_ms=cut.to_ms, position=cut.end)
        self._folder.save_chain(done)
        self._folder.drop_cut(cut.seq)
        for entry in entries:
            self._history.add(entry.seq, entry.ranges, digest=bytes.fromhex(entry.digest))
        known.first.sealed(sealed.rows)
        return _told(done, entries, sealed, late=late, unsealable=unsealable)

    def _map(self, name: str) -> _Map:
        if name not in self._maps:
            mapped = sorted(read_point_map(self._folder.point_map(name)).items())
            points = Points(
                tuple(point for point, _ in mapped),
                np.array([each.kind == COUNTER for _, each in mapped], bool),
                np.array([each.kind == PARAMETER for _, each in mapped], bool),
            )
            self._maps[name] = _Map(PointTable("", points.names), points, FirstSealed(points, self._history))
        return self._maps[name]

    @staticmethod
    def _rows(frames: Sequence[Frame], known: _Map) -> tuple[Rows, int]:
        """The readings that can be sealed, without the flag that only sealing gives; and how many cannot."""
        if not frames:
            nothing = np.empty(0, np.int64)
            return Rows(nothing, nothing, np.empty(0), np.empty(0, bool), nothing), 0
        rows = known.table.number(frames)
        fits = rows.point >= 0
        fits[fits] = sealable(rows.take(fits), known.points)
        unsealable = len(rows) - int(fits.sum())
        if unsealable:
            log.error("%d readings of an older spool cannot be sealed: unknown points or impossible values", unsealable)
            rows = rows.take(fits)
        return Rows(rows.point, rows.time, rows.value, rows.present, rows.quality & ~DUPLICATE), unsealable


def _kinds(cut: Cut, rows: Rows, points: Points) -> list[tuple[str, Rows]]:
    """The rows of each note that the cut makes; there is always a regular one."""
    config = points.is_parameter[rows.point]
    near = (rows.time >= cut.from_ms - MARGIN_MS) & (rows.time < cut.to_ms + MARGIN_MS)
    if near.all() and not config.any():
        return [(REGULAR, rows)]
    parts = [(REGULAR, rows.take(near & ~config)), (LATE, rows.take(~near & ~config)), (CONFIG, rows.take(config))]
    return [(kind, part) for kind, part in parts if kind == REGULAR or len(part)]


def _batch(cut: Cut, kind: str, lines: Payload, *, gateway: str, seq: int, prev: bytes) -> Batch:
    is_regular = kind == REGULAR
    return Batch(
        gateway=gateway,
        kind=kind,
        seq=seq,
        prev=prev,
        from_ms=cut.from_ms if is_regular else lines.first_ms,
        to_ms=cut.to_ms if is_regular else lines.last_ms + 1,
        sealed_ms=cut.sealed_ms,
        points=len(lines.lines),
        root=lines.root,
        pointmap=bytes.fromhex(cut.point_map),
        clock=cut.clock,
        reason={REGULAR: cut.reason, LATE: LATE_REASON}.get(kind),
    )


def _told(chain: Chain, entries: Sequence[Entry], sealed: Sealed, *, late: int, unsealable: int) -> Done:
    points = len(sealed.rows)
    return Done(chain, len(entries), points, sealed.repeated, sealed.duplicate, late, unsealable)


def beginning(gateway: str, *, from_ms: int, position: Position, point_map: str) -> Chain:
    """A chain without a note."""
    zeros = bytes(32).hex()
    return Chain(gateway, 0, zeros, from_ms, position, point_map, 0, zeros)
