"""The laboratory's own chain on disk: what was cut, what was signed, what the log has not taken yet (R33, R36).

    cuts/<seq>      what a batch will say, written once, before anything is signed
    notes/<seq>     the signed note

Everything of a note comes from its cut, so a crash at any moment repeats the same bytes under the same number. A chain
that is behind the log's is that of a restored disk: it signs nothing. What is cut is `calc_jobs.laboratory_seal`.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from tanji.errors import TrustError
from tanji.trust import durable, note
from tanji.trust.batch import GENESIS, LABORATORY, Batch, BatchLog, ChainEnd, format_batch, leaf
from tanji.trust.batch_signer import BatchSigner
from tanji.trust.keys import VerifierKey
from tanji.trust.payload import payload_root


@dataclass(frozen=True, slots=True)
class Cut:
    """What one batch says. prev, pointmap : hex. entries_to, samples_to : the last row of the ledger that is in it."""

    seq: int
    prev: str
    from_ms: int
    to_ms: int
    clock: str
    pointmap: str
    entries_to: int
    samples_to: int
    lines: tuple[str, ...]

    @property
    def payload(self) -> bytes:
        """The lines as they are sealed."""
        return "".join(self.lines).encode("ascii")


class LaboratoryChain:
    """The chain of one laboratory key in a folder that nobody else writes."""

    def __init__(self, folder: Path, *, keys: BatchSigner) -> None:
        self._cuts, self._notes = folder / "cuts", folder / "notes"
        for part in (self._cuts, self._notes):
            durable.make_folder(part)
        self._keys, self.name = keys, keys.name
        self._end: ChainEnd | None = None
        newest = max(self._numbers(), default=None)
        self.last = None if newest is None else self._cut(newest)
        self._sent = -1

    def agree(self, log: BatchLog) -> str | None:
        """Compare with what the log has; why nothing may be signed, or None.

        A new key goes on where the old one ended; the same key with fewer batches than the log is a restored disk.
        TrustError while no key is there to go on.
        """
        end = log.chain_end(self.name)
        own = -1 if self.last is None else self.last.seq
        if end is None:
            return None
        if end.seq > own:
            key = VerifierKey.parse(self._keys.signer_for(end.seq + 1).vkey())
            if self.last is None and key.key_id not in {each.key_id for each in note.split(end.note)[1]}:
                self._end, self._sent = end, end.seq
                return None
            return f"the log has batches up to {end.seq} of {self.name}, this data directory up to {own}"
        if end.seq in self._numbers() and leaf(self.note(end.seq)) != end.leaf:
            return f"the log's batch {end.seq} of {self.name} is another than the one in this data directory"
        self._sent = end.seq
        return None

    def check_key(self) -> None:
        """TrustError while no key may sign the next batch."""
        last = self.last.seq if self.last is not None else -1 if self._end is None else self._end.seq
        self._keys.signer_for(last + 1)

    def cut(self, lines: list[str], *, sealed_ms: int, clock: str, pointmap: bytes, marks: tuple[int, int]) -> None:
        """Write down what the next batch says. marks : last entry and last sample in it."""
        seq, prev, from_ms = 0, GENESIS, sealed_ms
        if self.last is not None:
            seq, prev, from_ms = self.last.seq + 1, leaf(self.note(self.last.seq)), self.last.to_ms
        elif self._end is not None:
            seq, prev, from_ms = self._end.seq + 1, self._end.leaf, self._end.to_ms
        record = Cut(
            seq=seq,
            prev=prev.hex(),
            from_ms=from_ms,
            to_ms=max(sealed_ms, from_ms),  # a clock that was set back does not turn time round
            clock=clock,
            pointmap=pointmap.hex(),
            entries_to=marks[0],
            samples_to=marks[1],
            lines=tuple(sorted(set(lines))),
        )
        durable.create(self._cuts / _name(seq), json.dumps(asdict(record)).encode())
        self.last = record

    def note(self, seq: int) -> bytes:
        """The signed note of a cut; signed now if a crash came between."""
        path = self._notes / _name(seq)
        if path.exists():
            return path.read_bytes()
        record = self._cut(seq)
        batch = Batch(
            gateway=self.name,
            kind=LABORATORY,
            seq=record.seq,
            prev=bytes.fromhex(record.prev),
            from_ms=record.from_ms,
            to_ms=record.to_ms,
            sealed_ms=record.to_ms,
            points=len(record.lines),
            root=payload_root(record.payload),
            pointmap=bytes.fromhex(record.pointmap),
            clock=record.clock,
        )
        signed = note.sign(format_batch(batch), self._keys.signer_for(record.seq))
        durable.create(path, signed)
        return signed

    def send(self, log: BatchLog) -> int:
        """Give the log what it has not got, in order; how many notes it took. Files it has go, but for the newest."""
        taken = 0
        for seq in sorted(self._numbers()):
            if seq > self._sent:
                log.add_batch(self.note(seq), self._cut(seq).payload)
                self._sent, taken = seq, taken + 1
        for seq in self._numbers():
            if seq <= self._sent and self.last is not None and seq < self.last.seq:
                durable.remove(self._notes / _name(seq))
                durable.remove(self._cuts / _name(seq))
        return taken

    @property
    def waiting(self) -> int:
        """Batches that the log has not acknowledged."""
        return sum(seq > self._sent for seq in self._numbers())

    def _numbers(self) -> list[int]:
        return [int(path.name) for path in self._cuts.iterdir() if path.name.isdecimal()]

    def _cut(self, seq: int) -> Cut:
        return _read(self._cuts / _name(seq))


def cuts_after(folder: Path, seq: int) -> list[Cut]:
    """Cuts of a chain with a higher number, for whoever does not own it; none where there is no such folder."""
    found = []
    for path in sorted((folder / "cuts").glob("[0-9]*")):
        if path.name.isdecimal() and int(path.name) > seq:
            with suppress(FileNotFoundError):  # logged and removed meanwhile
                found.append(_read(path))
    return found


def _read(path: Path) -> Cut:
    try:
        data = json.loads(path.read_bytes())
        return Cut(**(data | {"lines": tuple(data["lines"])}))
    except (ValueError, TypeError, KeyError) as error:
        raise TrustError("batch-sequence", where=str(path), expected="a cut record", got=str(error)) from error


def _name(seq: int) -> str:
    return f"{seq:012d}"
