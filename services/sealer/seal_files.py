"""The folder `seal/`: what sealing writes, in the order that makes a restart reproduce the same bytes (trust.md 2.2).

`cuts/<seq>.json` says what a cut seals, and is on disk before anything of it is computed; `payload/<seq>.lines` and
`notes/<seq>.note` are the batches; `pointmaps/<sha256>` the point maps they name; `index` one line a batch with the
ranges of its times and, for the last one of a cut, the place in the spool up to which all is sealed; `chain.json` where
the chain stands after the last whole cut. A payload is what later first values are decided by, so it stays.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

from services.sealer.recovery import Position
from services.sealer.seal_history import Range
from tanji.errors import EvidenceMissing, TrustError
from tanji.trust import durable
from tanji.trust.batch import Batch
from tanji.trust.note import split


@dataclass(frozen=True, slots=True)
class Chain:
    """Where a gateway's chain stands: the next number, the leaf it names, and what it seals from.

    prev : hex. from_ms : end of the last regular batch [UTC ms]. position : the spool is sealed up to here. point_map :
    hex digest of the one that readings were accepted under last. first_seq, first_prev : of the oldest note that this
    chain goes on from. unknown_before_ms : what was sealed of older times is not known here [UTC ms].
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


Record = TypeVar("Record", Chain, Cut)


class SealFolder:
    """One folder, one process; everything it writes is on disk when it returns."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("cuts", "payload", "notes", "pointmaps"):
            durable.make_folder(folder / name)
        self._index_size = 0

    def load_chain(self) -> Chain | None:
        """Where the chain stands; None before the first start."""
        return _read(self.folder / "chain.json", Chain, "position")

    def save_chain(self, chain: Chain) -> None:
        """A cut is whole."""
        durable.replace(self.folder / "chain.json", json.dumps(asdict(chain)).encode())

    def load_cut(self, seq: int) -> Cut | None:
        """The cut that begins with this number, if it was made."""
        return _read(self._cut(seq), Cut, "start", "end")

    def save_cut(self, cut: Cut) -> None:
        """From here on this number belongs to these readings."""
        durable.replace(self._cut(cut.seq), json.dumps(asdict(cut)).encode())

    def drop_cut(self, seq: int) -> None:
        """The cut is whole; if a crash brings its record back, nobody asks for it."""
        self._cut(seq).unlink(missing_ok=True)

    def save_payload(self, seq: int, data: bytes) -> None:
        """The lines of a batch; a batch without lines has no file."""
        if data:
            durable.replace(self._payload(seq), data)

    def save_note(self, seq: int, note: bytes) -> bytes:
        """The note of a batch. One that is there with the same text stays: its signature may have been seen."""
        known = self.note(seq)
        if known is None:
            durable.replace(self._note(seq), note)
            return note
        if split(known)[0] != split(note)[0]:
            where, expected = self._note(seq).name, "the text this number was used for before"
            raise TrustError("batch-sequence", where=where, expected=expected, got="another one")
        return known

    def note(self, seq: int) -> bytes | None:
        """The note of this number."""
        with suppress(FileNotFoundError):
            return self._note(seq).read_bytes()
        return None

    def batch(self, seq: int) -> tuple[bytes, bytes]:
        """Note and payload of this number."""
        note = self.note(seq)
        if note is None:
            raise EvidenceMissing("complete-sequence", where="seal/notes", expected=f"batch {seq}", got="no file")
        return note, self.payload(seq) if Batch.parse(split(note)[0]).points else b""

    def payload(self, seq: int) -> bytes:
        """The payload of a batch that has one."""
        try:
            return self._payload(seq).read_bytes()
        except FileNotFoundError:
            expected = f"batch {seq}"
            raise EvidenceMissing("payload-missing", where="seal/payload", expected=expected, got="no file") from None

    def keep_point_map(self, point_map: bytes) -> str:
        """Keep a point map; its digest in hex."""
        name = sha256(point_map).hexdigest()
        if not (self.folder / "pointmaps" / name).exists():
            durable.replace(self.folder / "pointmaps" / name, point_map)
        return name

    def point_map(self, name: str) -> bytes:
        """The point map with this digest (hex)."""
        try:
            found = (self.folder / "pointmaps" / name).read_bytes()
        except FileNotFoundError:
            found = b""
        if sha256(found).hexdigest() != name:
            where = "seal/pointmaps"
            raise EvidenceMissing(
                "plant-file", where=where, expected=f"a point map {name}", got="none with this digest"
            )
        return found

    def mark_accepted(self, point_map: bytes, *, seq: int) -> None:
        """From this place of the spool on readings come under a point map that nothing is sealed under yet."""
        name = sha256(point_map).hexdigest()
        if self.accepted_from(name) is None:
            durable.replace(self.folder / "accepted.json", json.dumps({"point_map": name, "seq": seq}).encode())

    def accepted_from(self, name: str) -> int | None:
        """Where acceptance under this point map (hex digest) began, if that was marked."""
        with suppress(FileNotFoundError, ValueError, KeyError, TypeError):
            said = json.loads((self.folder / "accepted.json").read_bytes())
            return int(said["seq"]) if said["point_map"] == name else None
        return None

    def load_index(self, *, below: int) -> Iterator[Entry]:
        """Entries of all batches below a number; what a crash left after them is cut off."""
        size = 0
        for line in self._index_lines():
            entry = _entry(line)
            if entry is None or entry.seq >= below:
                break
            size += len(line)
            yield entry
        self._index_size = size

    def add_to_index(self, entries: Sequence[Entry]) -> None:
        """Add the batches of a cut."""
        path = self.folder / "index"
        is_new = not path.exists()
        data = "".join(map(_index_line, entries)).encode("ascii")
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o640)
        try:
            os.ftruncate(descriptor, self._index_size)  # what an attempt before this one may have left
            os.lseek(descriptor, 0, os.SEEK_END)
            durable.write_all(descriptor, (data,), at=self._index_size)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if is_new:
            durable.sync_folder(self.folder)
        self._index_size += len(data)

    def end_of(self, seq: int) -> Position | None:
        """The place in the spool up to which everything is sealed by the batches up to this number; None: unknown."""
        found = None
        for line in self._index_lines():
            entry = _entry(line)
            if entry is None or entry.seq > seq:
                break
            found = entry.end or found
        return found

    def _index_lines(self) -> Iterator[bytes]:
        with suppress(FileNotFoundError), (self.folder / "index").open("rb") as file:
            yield from file

    def _cut(self, seq: int) -> Path:
        return self.folder / "cuts" / f"{seq:012d}.json"

    def _payload(self, seq: int) -> Path:
        return self.folder / "payload" / f"{seq:012d}.lines"

    def _note(self, seq: int) -> Path:
        return self.folder / "notes" / f"{seq:012d}.note"


def _index_line(entry: Entry) -> str:
    ranges = ",".join(f"{first}-{last}" for first, last in entry.ranges) or "-"
    end = "" if entry.end is None else f" {entry.end.segment or '-'} {entry.end.offset} {entry.end.seq}"
    return f"{entry.seq} {ranges} {entry.digest}{end}\n"


def _entry(line: bytes) -> Entry | None:
    """The entry of a line; None for a torn one."""
    if not line.endswith(b"\n"):
        return None
    seq, ranges, digest, *end = line.decode("ascii").split()
    pairs = [pair.split("-") for pair in ranges.split(",")] if ranges != "-" else []
    place = Position(end[0].removeprefix("-"), int(end[1]), int(end[2])) if end else None
    return Entry(int(seq), tuple((int(first), int(last)) for first, last in pairs), digest, place)


def _read(path: Path, kind: type[Record], *positions: str) -> Record | None:
    try:
        found: dict[str, Any] = json.loads(path.read_bytes())
        return kind(**found | {name: Position(**found[name]) for name in positions})
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError) as error:
        raise TrustError("batch-sequence", where=str(path), expected="what sealing wrote", got=str(error)) from error
