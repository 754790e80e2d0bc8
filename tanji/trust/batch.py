"""Batch notes: the header under which a gateway or a laboratory seals a minute of lines (trust.md 2.3; R33, R35, R36).

    tanji/batch/v1
    gateway plant.example/gw-kiln1
    kind regular
    seq 184467
    prev <base64 leaf hash of this gateway's previous note; 32 zero bytes before seq 0>
    from 1772323200000
    to 1772323260000
    sealed 1772323261204
    points 3600 <base64 RFC 6962 root over the payload lines>
    pointmap <base64 SHA-256 of the point-map file in force>
    clock ntp 2ms
    reason <text>

One sequence and one chain for all kinds of a gateway. `regular` batches follow each other without a hole in time, from
the previous `to`; their lines lie within 120 s around [from, to). Every other line is in a `late` batch with a reason,
a meter's own settings in a `config` batch; both span exactly their lines. `laboratory` is the chain of a laboratory
key. The lines themselves are `payload`, whether they are those of a header `batch_payload`; cutting, signing and
sending are the sealer's, accepting is the log's business.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Protocol

from tanji.errors import TrustError
from tanji.trust.canonical import HASH_BYTES, decode64, encode64, whole
from tanji.trust.note import fields
from tanji.trust.tree import leaf_hash

TYPE: Final = "tanji/batch/v1"
REGULAR, LATE, CONFIG, LABORATORY = KINDS = ("regular", "late", "config", "laboratory")

GENESIS: Final = bytes(HASH_BYTES)
"""What stands for the note before the first one."""


LONGEST_MS: Final = 120_000
"""A regular batch over more than this says why: a stop, or sealing was behind [ms]."""

LONGEST_REASON: Final = 200
"""Characters of a reason."""

_FIELDS: Final = (
    *("gateway", "kind", "seq", "prev", "from", "to", "sealed", "points", "pointmap", "clock"),
    "reason?",
)
_CLOCK: Final = re.compile(
    r"free-run (?:0|[1-9][0-9]{0,18})s|(?!free-run )[a-z0-9._-]{1,32} (?:0|[1-9][0-9]{0,18})ms", re.ASCII
)
_REASON: Final = re.compile(rf"[^\x00-\x1f\x7f-\x9f]{{1,{LONGEST_REASON}}}")


@dataclass(frozen=True, slots=True)
class Batch:
    """The header of a batch, every field in its form. Times are UTC [ms]; `from_ms` is included, `to_ms` is not.

    points : number of payload lines. root : their RFC 6962 root. pointmap : SHA-256 of the point map. clock : source
    and offset, or how long it ran free. reason : why lines are late, or a regular batch is longer than usual.
    """

    gateway: str
    kind: str
    seq: int
    prev: bytes
    from_ms: int
    to_ms: int
    sealed_ms: int
    points: int
    root: bytes
    pointmap: bytes
    clock: str
    reason: str | None = None

    @classmethod
    def parse(cls, body: bytes) -> Batch:
        """The header in a verified text."""
        found = fields(body, TYPE, _FIELDS)
        seq, from_ms, to_ms, sealed_ms = (
            whole(found[name], rule="header-field", where=name) for name in ("seq", "from", "to", "sealed")
        )
        count, _, root = found["points"].partition(" ")
        batch = cls(
            gateway=found["gateway"],
            kind=found["kind"],
            seq=seq,
            prev=_hash(found["prev"], where="prev"),
            from_ms=from_ms,
            to_ms=to_ms,
            sealed_ms=sealed_ms,
            points=whole(count, rule="header-field", where="points"),
            root=_hash(root, where="points"),
            pointmap=_hash(found["pointmap"], where="pointmap"),
            clock=found["clock"],
            reason=found.get("reason"),
        )
        batch._check()
        return batch

    def _check(self) -> None:
        """What a field must be by itself, and whether there is a reason where there must be one."""
        reason = self.reason
        if self.kind not in KINDS:
            raise TrustError("header-field", where="kind", expected=", ".join(KINDS), got=self.kind)
        if not _CLOCK.fullmatch(self.clock):
            expected = "<source> <offset>ms or free-run <n>s"
            raise TrustError("header-field", where="clock", expected=expected, got=self.clock)
        if reason is None and self.kind == LATE:
            raise TrustError("header-field", where="reason", expected="a reason", got="none")
        if reason is not None and self.kind in (CONFIG, LABORATORY):
            raise TrustError("header-field", where="reason", expected=f"none in a {self.kind} batch", got=reason)
        if reason is not None and not _REASON.fullmatch(reason):
            expected = f"at most {LONGEST_REASON} characters, none of them a control"
            raise TrustError("header-field", where="reason", expected=expected, got=reason)

    def check_times(self) -> None:
        """Raise unless the times are those of a batch of this kind; what came before it is the log's to compare."""
        if self.from_ms > self.to_ms:
            raise TrustError("batch-time", where=self.name, expected=f"to after {self.from_ms}", got=str(self.to_ms))
        if self.kind == LABORATORY and self.to_ms != self.sealed_ms:
            raise TrustError("batch-time", where=self.name, expected=f"to {self.sealed_ms}", got=str(self.to_ms))
        if self.kind == REGULAR and self.to_ms - self.from_ms > LONGEST_MS and self.reason is None:
            raise TrustError("batch-hole", where=self.name, expected="a reason for so long a time", got="none")
        if self.kind in (LATE, CONFIG) and not self.points:
            raise TrustError("payload-window", where=self.name, expected=f"lines in a {self.kind} batch", got="none")

    @property
    def name(self) -> str:
        """Gateway and sequence number, as messages name it."""
        return f"{self.gateway} {self.seq}"


@dataclass(frozen=True, slots=True)
class ChainEnd:
    """The last batch of a gateway in a log. to_ms : end of its last regular one, or of a laboratory's last [UTC ms]."""

    seq: int
    leaf: bytes
    to_ms: int
    note: bytes


class BatchLog(Protocol):
    """Where batches go: a log in this process, or one behind HTTP."""

    def add_batch(self, note: bytes, payload: bytes) -> int:
        """Accept a batch durably; its index, also when it is there already. TrustError: refused, by which rule."""
        ...

    def chain_end(self, gateway: str) -> ChainEnd | None:
        """The last batch of this gateway; None if there is none."""
        ...


def format_batch(batch: Batch) -> bytes:
    """The text to be signed; refused if its times are wrong or `Batch.parse` would not give `batch` back."""
    lines = [
        TYPE,
        f"gateway {batch.gateway}",
        f"kind {batch.kind}",
        f"seq {batch.seq}",
        f"prev {encode64(batch.prev)}",
        f"from {batch.from_ms}",
        f"to {batch.to_ms}",
        f"sealed {batch.sealed_ms}",
        f"points {batch.points} {encode64(batch.root)}",
        f"pointmap {encode64(batch.pointmap)}",
        f"clock {batch.clock}",
        *([] if batch.reason is None else [f"reason {batch.reason}"]),
    ]
    body = ("\n".join(lines) + "\n").encode("utf-8")
    batch.check_times()
    if Batch.parse(body) != batch:
        raise TrustError("header-field", where=batch.name, expected="fields that can be read back", got=str(batch))
    return body


def leaf(note: bytes) -> bytes:
    """Leaf hash of a note: what the next one names as `prev`."""
    return leaf_hash(note)


def _hash(text: str, *, where: str) -> bytes:
    return decode64(text, rule="header-field", where=where, length=HASH_BYTES)
