"""Plant notes of a bundle: versions, files, which point map a batch may use, and what each version changed.

Step 8 of docs/trust-format.md 11. A changed scale, limit or substitution rule takes two signatures and is told in every
report, old value and new: a digest that nobody compares protects nothing (reference/trust.md 2.3).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from itertools import pairwise

from tanji.errors import TrustError
from tanji.trust.bundle import PLANT, POINT_MAP
from tanji.trust.keys import VerifierKey
from tanji.trust.plant_note import PARAMETER, MappedPoint, PlantNote, approves, changes, read_point_map
from tanji.trust.tree import leaf_hash
from tanji.trust.verify_log import Head, check_logged
from tanji.trust.verify_report import Change
from tanji.trust.verify_signers import KeyHistory, open_signed
from tanji.trust.verify_source import Source, indexed, located

FILES = "files/"
Scope = tuple[str, ...] | None
"""Meters a key may speak for; None for every one."""


@dataclass(frozen=True, slots=True)
class Version:
    """A plant note, where it is in the log, and by whose keys."""

    index: int
    note: PlantNote
    leaf: bytes
    signers: tuple[VerifierKey, ...] = ()


@dataclass(frozen=True, slots=True)
class PlantHistory:
    """Every plant note of the evidence, in order. maps, files : by digest, as far as they are there."""

    versions: tuple[Version, ...]
    maps: Mapping[bytes, Mapping[str, MappedPoint]]
    files: Mapping[bytes, bytes]

    def kinds(self, scopes: Iterable[Scope]) -> dict[tuple[bytes, Scope], dict[str, str]]:
        """Kind of every point of a meter in the scope, for each point map by its digest and each scope."""
        return {
            (digest, scope): {point: told.kind for point, told in found.items() if scope is None or told.meter in scope}
            for digest, found in self.maps.items()
            for scope in scopes
        }

    def newest(self, size: int) -> PlantNote | None:
        """The last version logged before a size of the log."""
        return next((each.note for each in reversed(self.versions) if each.index < size), None)

    def is_approved(self, point_map: bytes, *, index: int, from_ms: int) -> bool:
        """Whether a batch at `index` that begins at `from_ms` may use this point map."""
        return approves([each.note for each in self.versions if each.index < index], point_map, from_ms=from_ms)


def read_plants(source: Source, keys: KeyHistory, head: Head, *, with_proofs: bool) -> PlantHistory:
    """Plant notes that follow each other, are in the log, and have the files they name."""
    stored = dict(_files(source))
    versions: list[Version] = []
    maps: dict[bytes, Mapping[str, MappedPoint]] = {}
    for index, path in indexed(source.paths, "plant", ".note"):
        note = source.read(path)
        with located(path):
            body, signers = open_signed(note, keys.in_force(index), index)
            said = PlantNote.parse(body)
            if said.plant != keys.newest.plant:
                raise TrustError("header-field", where="plant", expected=keys.newest.plant, got=said.plant)
            before = versions[-1] if versions else None
            if before is None:
                said.follow(None)
            else:
                said.follow(before.note, leaf=before.leaf)
        if with_proofs:
            check_logged(source, path, index, head)
        with located(path):
            _check_files(said, stored, maps)
        versions.append(Version(index, said, leaf_hash(note), signers))
    return PlantHistory(tuple(versions), maps, stored)


def tell_changes(plants: PlantHistory) -> Iterator[Change]:
    """What every version changed, as far as both files are there.

    Those logged before the first entry of the evidence too: whoever makes a bundle chooses where it begins.
    """
    for old, new in pairwise(plants.versions):
        if old.note.point_map in plants.maps and new.note.point_map in plants.maps:
            yield from _changed_points(new.index, plants.maps[old.note.point_map], plants.maps[new.note.point_map])
        elif old.note.point_map != new.note.point_map:
            digests = old.note.point_map.hex(), new.note.point_map.hex()
            yield Change(new.index, POINT_MAP, "sha256", *digests)
        if old.note.plant_file != new.note.plant_file:
            yield from _changed_files(new.index, old.note.plant_file, new.note.plant_file, plants.files)


def unregistered_meters(points: Mapping[str, MappedPoint]) -> tuple[str, ...]:
    """Meters whose own settings nobody seals: a new span of theirs would not be seen."""
    metered = {each.meter for each in points.values()}
    return tuple(sorted(metered - {each.meter for each in points.values() if each.kind == PARAMETER}))


def _files(source: Source) -> Iterator[tuple[bytes, bytes]]:
    """Files by digest: point map, plant file and attachments, whose names have to be their digests."""
    for path in sorted(path for path in source.paths if path.startswith(FILES)):
        data = source.read(path)
        digest = sha256(data).digest()
        if digest.hex() != path.removeprefix(FILES):
            raise TrustError("plant-file", where=path, expected=path.removeprefix(FILES), got=digest.hex())
        yield digest, data
    for path in sorted({POINT_MAP, PLANT} & {*source.paths}):
        data = source.read(path)
        yield sha256(data).digest(), data


def _check_files(said: PlantNote, stored: Mapping[bytes, bytes], maps: dict[bytes, Mapping[str, MappedPoint]]) -> None:
    point_map, plant_file = stored.get(said.point_map), stored.get(said.plant_file)
    if point_map is not None:
        if point_map.count(b"\n") != said.lines:
            got = f"{point_map.count(bytes([10]))} lines"
            raise TrustError("plant-file", where="pointmap", expected=f"{said.lines} lines", got=got)
        if said.point_map not in maps:
            maps[said.point_map] = read_point_map(point_map)
    if plant_file is None:
        return
    if len(plant_file) != said.size:
        got = f"{len(plant_file)} bytes"
        raise TrustError("plant-file", where="plantfile", expected=f"{said.size} bytes", got=got)
    try:
        json.loads(plant_file.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise TrustError("plant-file", where="plantfile", expected="JSON in UTF-8", got=str(error)) from error


def _changed_points(index: int, old: Mapping[str, MappedPoint], new: Mapping[str, MappedPoint]) -> Iterator[Change]:
    for point in sorted(old.keys() | new.keys()):
        before, after = (_told(points.get(point)) for points in (old, new))
        for key in sorted(before.keys() | after.keys()):
            if before.get(key) != after.get(key):
                yield Change(index, POINT_MAP, f"{point}.{key}", before.get(key), after.get(key))


def _changed_files(index: int, old: bytes, new: bytes, files: Mapping[bytes, bytes]) -> Iterator[Change]:
    if old in files and new in files:
        try:
            for key, before, after in [*changes(files[old], files[new])]:
                yield Change(index, PLANT, key, before or None, after or None)
            return
        except TrustError:
            pass  # too deep to be compared: that it changed is told all the same
    yield Change(index, PLANT, "sha256", old.hex(), new.hex())


def _told(point: MappedPoint | None) -> dict[str, str]:
    return {} if point is None else {"kind": point.kind, "meter": point.meter, **point.told}
