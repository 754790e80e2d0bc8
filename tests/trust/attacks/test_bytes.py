"""One byte changed anywhere in a bundle, and zips made to be read in two ways (R35, R47)."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from tanji.trust.policy import Anchor
from tanji.trust.verify_bundle import verify_bundle
from tanji.trust.verify_report import Report, State

from .. import mutants
from .judging import judge, rule


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The bundle as Tanji writes it, with the digest of the file at its end."""
    world = mutants.standard()
    return world.write(tmp_path_factory.mktemp("bundle") / "bundle.zip", world.members()).read_bytes()


def judged(data: bytes, folder: Path) -> Report:
    path = folder / "bundle.zip"
    path.write_bytes(data)
    return verify_bundle(path, anchor=Anchor.parse(mutants.standard().anchor()), processes=1)


def flipped(data: bytes, at: int, bit: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :]


def places(packed: bytes, folder: Path) -> Iterator[int]:
    """A byte of every part of the zip: local headers, data of each member, directory, its end."""
    path = folder / "bundle.zip"
    path.write_bytes(packed)
    random = Random(6962)
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            yield info.header_offset + random.randrange(30)
            yield info.header_offset + 30 + random.randrange(len(info.filename))
            yield info.header_offset + 30 + len(info.filename) + random.randrange(max(1, info.compress_size))
        start = archive.start_dir
    yield from random.sample(range(start, len(packed)), 200)
    yield from range(len(packed) - 100, len(packed))


def test_the_bundle_as_written_holds(packed: bytes, tmp_path: Path) -> None:
    assert judged(packed, tmp_path).exit_code == 0


def test_one_changed_bit_anywhere_in_the_file_fails(packed: bytes, tmp_path: Path) -> None:
    random = Random(8032)
    for at in [*places(packed, tmp_path)]:
        assert judged(flipped(packed, at, random.randrange(8)), tmp_path).exit_code == 1, at


def test_a_byte_more_or_less_fails(packed: bytes, tmp_path: Path) -> None:
    for data in (packed + b"\n", b"\n" + packed, packed[:-1], packed[1:], packed[: len(packed) // 2], b"", b"PK"):
        assert judged(data, tmp_path).exit_code == 1


def test_every_byte_of_every_small_member_counts(tmp_path: Path) -> None:
    """As any program would pack it, without the digest at the end: the signed list sees each byte."""
    random = Random(1)
    for path in ("statement.note", "policy", "log/prefix", "MANIFEST.note", "statement.tlog-proof", "inputs.lines"):
        data = mutants.sound()[path]
        for at in random.sample(range(len(data)), min(40, len(data))):
            members = {**mutants.sound(), path: flipped(data, at, random.randrange(8))}
            report = judge(members, tmp_path)
            assert path == "policy" or report.exit_code == 1, (path, at)
            assert report.exit_code == 1, (path, at)


def test_a_member_twice(tmp_path: Path) -> None:
    path = mutants.write_zip(tmp_path / "twice.zip", mutants.sound())
    with pytest.warns(UserWarning, match="Duplicate name"), zipfile.ZipFile(path, "a") as archive:
        archive.writestr("ledger.json", b"{}")
    assert rule(judged(path.read_bytes(), tmp_path).integrity) == "manifest-path"


@pytest.mark.parametrize(
    "name", ["../ledger.json", "/ledger.json", "notes/../ledger.json", "ledger.json ", "LEDGER.json", "notes\\1.note",
             "notes/1.note", "payload/", "notes/000000000003.note/", "帐.json"]
)  # fmt: skip
def test_a_path_that_no_bundle_has(name: str, tmp_path: Path) -> None:
    assert rule(judge({**mutants.sound(), name: b""}, tmp_path).integrity) == "manifest-path"


def test_a_name_with_an_end_inside_it(tmp_path: Path) -> None:
    """`ledger.json` and a null character: one reader sees another name than the other."""
    path = mutants.write_zip(tmp_path / "null.zip", {**mutants.sound(), "ledger.jsonX": b"{}"})
    data = path.read_bytes().replace(b"ledger.jsonX", b"ledger.json\0")
    assert judged(data, tmp_path).exit_code == 1


def test_a_member_that_says_it_is_smaller_than_it_is(tmp_path: Path) -> None:
    path = mutants.write_zip(tmp_path / "small.zip", {**mutants.sound(), "explain.html": b"x" * 100_000})
    data = path.read_bytes()
    size = struct.pack("<I", 100_000)
    assert data.count(size) >= 2
    assert rule(judged(data.replace(size, struct.pack("<I", 10)), tmp_path).integrity) == "manifest-form"


def test_a_member_that_inflates_beyond_any_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tanji.trust.bundle.LARGEST_MEMBER", 10_000)
    report = judge({**mutants.sound(), "explain.html": b"x" * 10_001}, tmp_path)
    assert rule(report.integrity) == "manifest-size"


def test_a_comment_that_is_no_digest(tmp_path: Path) -> None:
    path = mutants.write_zip(tmp_path / "said.zip", mutants.sound())
    with zipfile.ZipFile(path, "a") as archive:
        archive.comment = b"verified by the institute"
    assert rule(judged(path.read_bytes(), tmp_path).integrity) == "manifest-form"


def test_a_zip_packed_anew_without_compression_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "stored.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, data in sorted(mutants.sound().items(), reverse=True):
            archive.writestr(name, data)
    assert judged(path.read_bytes(), tmp_path).integrity.state is State.OK


def test_another_compression_is_not(tmp_path: Path) -> None:
    path = tmp_path / "lzma.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive:
        for name, data in mutants.sound().items():
            archive.writestr(name, data)
    assert rule(judged(path.read_bytes(), tmp_path).integrity) == "manifest-form"


def test_a_member_that_the_list_does_not_name_and_one_that_is_not_there(tmp_path: Path) -> None:
    more = {**mutants.sound(), f"files/{'0' * 64}": b""}
    assert rule(judge(more, tmp_path).integrity) == "manifest-listed"
    less = {path: data for path, data in mutants.sound().items() if path != "explain.html"}
    assert rule(judge(less, tmp_path).integrity) == "manifest-listed"
