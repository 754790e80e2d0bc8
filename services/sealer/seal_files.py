"""The folder `seal/`: what sealing writes, in the order that makes a restart reproduce the same bytes (trust.md 2.2).

`cuts/<seq>.json` says what a cut seals, and is on disk before anything of it is computed; `payload/<seq>.lines` and
`notes/<seq>.note` are the batches; `pointmaps/<sha256>` the point maps they name; `index` is
`services.sealer.seal_index`; `chain.json` where the chain stands after the last whole cut. A payload is what later
first values are decided by, so it stays.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

from services.sealer.recovery import Position
from services.sealer.seal_index import SealIndex
from services.sealer.seal_records import Chain, Cut
from tanji.errors import EvidenceMissing, TrustError
from tanji.trust import durable
from tanji.trust.batch import Batch
from tanji.trust.note import split

Record = TypeVar("Record", Chain, Cut)


class SealFolder:
    """One folder, one process; everything it writes is on disk when it returns."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("cuts", "payload", "notes", "pointmaps"):
            durable.make_folder(folder / name)
        self.index = SealIndex(folder / "index")

    def load_chain(self) -> Chain | None:
        """Where the chain stands; None before the first start."""
        return read_chain(self.folder)

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

    def _cut(self, seq: int) -> Path:
        return self.folder / "cuts" / f"{seq:012d}.json"

    def _payload(self, seq: int) -> Path:
        return self.folder / "payload" / f"{seq:012d}.lines"

    def _note(self, seq: int) -> Path:
        return self.folder / "notes" / f"{seq:012d}.note"


def read_chain(folder: Path) -> Chain | None:
    """Where the chain of a folder stands, for whoever does not own it; None before the first start."""
    return _read(folder / "chain.json", Chain, "position")


def _read(path: Path, kind: type[Record], *positions: str) -> Record | None:
    try:
        found: dict[str, Any] = json.loads(path.read_bytes())
        return kind(**found | {name: Position(**found[name]) for name in positions})
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError) as error:
        raise TrustError("batch-sequence", where=str(path), expected="what sealing wrote", got=str(error)) from error
