"""What sealing keeps of a chain: where it stands, what a cut seals, and what is in each batch (trust.md 2.2).

Where they lie is `services.sealer.seal_files`.
"""

from __future__ import annotations

from dataclasses import dataclass

from services.sealer.recovery import Position
from services.sealer.seal_history import Range


@dataclass(frozen=True, slots=True)
class Chain:
    """Where a gateway's chain stands: the next number, the leaf it names, and what it seals from.

    prev : hex. from_ms : end of the last regular batch [UTC ms]. position : the spool is sealed up to here. point_map :
    hex digest of the one that readings were accepted under last. first_seq, first_prev : of the oldest note that this
    chain goes on from. unknown_before_ms : what was sealed of older times is not known here [UTC ms]. mapped_from :
    first number under `point_map`; those below it may be under others.
    """

    gateway: str
    seq: int
    prev: str
    from_ms: int
    position: Position
    point_map: str
    first_seq: int
    first_prev: str
    unknown_before_ms: int = 0
    mapped_from: int = 0


@dataclass(frozen=True, slots=True)
class Cut:
    """What a cut seals; with the spool, all that its notes are made from. Times in UTC [ms]; prev, point_map : hex."""

    seq: int
    prev: str
    start: Position
    end: Position
    from_ms: int
    to_ms: int
    sealed_ms: int
    clock: str
    point_map: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the index. digest : SHA-256 of the payload, in hex. end : for the last batch of a cut, the place in the
    spool up to which all is sealed.
    """

    seq: int
    ranges: tuple[Range, ...]
    digest: str
    end: Position | None = None
