"""Plant notes: which point map and which plant file are in force, under the signatures of two people (R33, R34, R36).

A batch names the digest of its point map; this note says that the map, and the limits and substitution rules of the
plant file beside it, were approved, and since when. Versions follow each other and each names the one before, so that
`changes` of a period can be told in full, old value and new. Both files lie beside the log under their digests. Making
the files from a plant model is `tanji.plant.point_map`; which keys sign is the keyring's affair.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import pairwise
from typing import Any

from tanji.errors import TrustError
from tanji.trust.canonical import HASH_BYTES, POINT_ID, decode64, encode64, read_json_line, whole
from tanji.trust.note import fields

TYPE = "tanji/plant/v1"

FIELDS = ("plant", "version", "prev", "from", "pointmap", "plantfile")

NO_NOTE = bytes(HASH_BYTES)
"""What the first version has for `prev`."""

PLANT_ID = re.compile(r"[a-z0-9_]{1,24}", re.ASCII)
METER_ID = re.compile(r"[a-z0-9_]{1,48}", re.ASCII)
KINDS = frozenset({"rate", "counter", "state", "concentration", "condition", "parameter"})

PARAMETER, COUNTER = "parameter", "counter"
"""The kind whose lines are `config` batches, and the one whose values are whole numbers."""


@dataclass(frozen=True, slots=True)
class PlantNote:
    """The text of a plant note. prev : leaf hash of the version before; sizes are lines and bytes."""

    plant: str
    version: int
    prev: bytes
    from_ms: int
    point_map: bytes
    lines: int
    plant_file: bytes
    size: int

    @classmethod
    def parse(cls, body: bytes) -> PlantNote:
        """The note behind a text that has been verified."""
        found = fields(body, TYPE, FIELDS)
        if not PLANT_ID.fullmatch(found["plant"]):
            raise _field("the id of a plant", found["plant"])
        version = whole(found["version"], rule="header-field", where="version")
        if version < 1:
            raise TrustError("plant-version", where="version", expected="1 or more", got=found["version"])
        point_map, lines = _digest(found["pointmap"], "pointmap")
        plant_file, size = _digest(found["plantfile"], "plantfile")
        return cls(
            plant=found["plant"],
            version=version,
            prev=decode64(found["prev"], rule="header-field", where="prev", length=HASH_BYTES),
            from_ms=whole(found["from"], rule="header-field", where="from"),
            point_map=point_map,
            lines=lines,
            plant_file=plant_file,
            size=size,
        )

    def body(self) -> bytes:
        """The text to be signed by preparer and approver."""
        return (
            f"{TYPE}\nplant {self.plant}\nversion {self.version}\nprev {encode64(self.prev)}\nfrom {self.from_ms}\n"
            f"pointmap {encode64(self.point_map)} {self.lines}\nplantfile {encode64(self.plant_file)} {self.size}\n"
        ).encode()

    def follow(self, before: PlantNote | None, *, leaf: bytes = NO_NOTE) -> None:
        """Raise unless this is the version after `before`, whose leaf hash is `leaf`."""
        number = 1 if before is None else before.version + 1
        if self.version != number:
            raise TrustError("plant-version", where=self.plant, expected=str(number), got=str(self.version))
        if self.prev != leaf:
            raise TrustError("plant-prev", where=self.plant, expected=encode64(leaf), got=encode64(self.prev))
        if before is not None and self.from_ms < before.from_ms:
            expected = f"a time from {before.from_ms}, that of version {before.version}"
            raise TrustError("plant-version", where=self.plant, expected=expected, got=str(self.from_ms))

    def check_files(self, point_map: bytes, plant_file: bytes) -> None:
        """Raise unless these are the files that were signed."""
        for name, data, digest, size, signed in (
            ("pointmap", point_map, self.point_map, point_map.count(b"\n"), self.lines),
            ("plantfile", plant_file, self.plant_file, len(plant_file), self.size),
        ):
            if sha256(data).digest() != digest:
                raise TrustError("plant-file", where=name, expected=digest.hex(), got=sha256(data).hexdigest())
            if size != signed:
                raise TrustError("plant-file", where=name, expected=f"size {signed}", got=str(size))


def plant_note(
    plant: str, *, point_map: bytes, plant_file: bytes, from_ms: int, before: PlantNote | None, leaf: bytes = NO_NOTE
) -> PlantNote:
    """The next note of a plant. before, leaf : the version in force and its leaf hash; None and zeros for the first."""
    return PlantNote(
        plant=plant,
        version=1 if before is None else before.version + 1,
        prev=leaf,
        from_ms=from_ms if before is None else max(from_ms, before.from_ms),
        point_map=sha256(point_map).digest(),
        lines=point_map.count(b"\n"),
        plant_file=sha256(plant_file).digest(),
        size=len(plant_file),
    )


def approves(notes: Sequence[PlantNote], point_map: bytes, *, from_ms: int) -> bool:
    """Whether a batch may use a point map after these notes, all that are before it in a log.

    A note ends the map before it for batches that begin at its `from` or later. point_map : SHA-256. from_ms : where
    the batch begins [UTC ms].
    """
    ends = [*(note.from_ms for note in notes[1:]), None]
    return any(
        note.point_map == point_map and (end is None or end > from_ms) for note, end in zip(notes, ends, strict=False)
    )


@dataclass(frozen=True, slots=True)
class MappedPoint:
    """One line of a point map; `told` is what its JSON says, text only."""

    kind: str
    meter: str
    told: Mapping[str, str]


def read_point_map(data: bytes) -> dict[str, MappedPoint]:
    """The points of a point map, refused unless every line has its form and they are sorted."""
    if data and not data.endswith(b"\n"):
        raise _form("lines that end with a line feed", data[-40:].decode("utf-8", "replace"))
    lines = data.split(b"\n")[:-1]
    if any(before >= after for before, after in pairwise(lines)):
        raise _form("lines sorted bytewise, each once", "another order")
    found = dict(_mapped(line) for line in lines)
    if len(found) != len(lines):
        raise _form("one line for each point", "two for one")
    return found


def changes(old: bytes, new: bytes) -> Iterator[tuple[str, str, str]]:
    """What differs between two plant files (canonical JSON): key, old value, new value; empty where there is none."""
    try:
        yield from _compared("", json.loads(old or b"{}"), json.loads(new))
    except (ValueError, RecursionError) as error:
        raise TrustError("plant-file", where="plantfile", expected="JSON", got=str(error)) from error


def _mapped(line: bytes) -> tuple[str, MappedPoint]:
    shown = line[:100].decode("utf-8", "replace")
    parts = line.split(b" ", 3)
    if len(parts) != 4:
        raise _form("<point> <kind> <meter> <json>", shown)
    point, kind, meter = (part.decode("utf-8", "replace") for part in parts[:3])
    if not POINT_ID.fullmatch(point) or kind not in KINDS or not METER_ID.fullmatch(meter):
        raise _form("<point> <kind> <meter> <json>", shown)
    told = read_json_line(parts[3], rule="plant-file", where=point)
    if not isinstance(told, dict) or not all(isinstance(value, str) for value in told.values()):
        raise _form("a JSON object of texts", shown)
    return point, MappedPoint(kind, meter, told)


def _compared(path: str, old: Any, new: Any) -> Iterator[tuple[str, str, str]]:
    if isinstance(old, list) and isinstance(new, list) and all(_named(item) for item in (*old, *new)):
        old, new = ({item["id"]: item for item in items} for items in (old, new))
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted(old.keys() | new.keys()):
            yield from _compared(f"{path}.{key}" if path else key, old.get(key), new.get(key))
    elif old != new:
        yield path, _value(old), _value(new)


def _named(item: Any) -> bool:
    return isinstance(item, dict) and isinstance(item.get("id"), str)


def _value(value: Any) -> str:
    return "" if value is None else json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _digest(text: str, name: str) -> tuple[bytes, int]:
    encoded, blank, size = text.partition(" ")
    if not blank:
        raise TrustError("header-field", where=name, expected="a digest and a size", got=text)
    digest = decode64(encoded, rule="header-field", where=name, length=HASH_BYTES)
    return digest, whole(size, rule="header-field", where=name)


def _field(expected: str, got: str) -> TrustError:
    return TrustError("header-field", where=TYPE, expected=expected, got=got)


def _form(expected: str, got: str) -> TrustError:
    return TrustError("plant-file", where="pointmap", expected=expected, got=got)
