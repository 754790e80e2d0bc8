"""Attacks on the zip itself: what a hostile bundle might do before anything of it is verified (trust.md 2.6)."""

from __future__ import annotations

import io
import struct
import warnings
import zipfile
from pathlib import Path

import pytest

from tanji.errors import TrustError
from tanji.trust import bundle, note
from tanji.trust.bundle_reader import BundleReader
from tanji.trust.bundle_writer import write_bundle
from tanji.trust.keys import ED25519
from tanji.trust.signer import Ed25519Signer

SIGNER = Ed25519Signer("demo.example/prepare", bytes(range(32)), ED25519)


@pytest.fixture
def good(tmp_path: Path) -> bytes:
    members = {path: path.encode() * 9 for path in bundle.REQUIRED} | {"keyring/000000000000.note": b"keys"}
    write_bundle(tmp_path / "good.zip", members.items(), signer=SIGNER)
    return (tmp_path / "good.zip").read_bytes()


def check_members(reader: BundleReader) -> None:
    """The list against what is there, its signature left aside."""
    body, _ = note.split(reader.read(bundle.MANIFEST))
    bundle.check_members(body, {path: bundle.Member.of(path, reader.read(path)) for path in reader.paths})


def zipped(*members: tuple[str, bytes], comment: bytes = b"", kind: int = zipfile.ZIP_STORED) -> bytes:
    """A zip of these members, whatever they are called."""
    target = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the same name twice is what is meant
        with zipfile.ZipFile(target, "w", kind) as archive:
            for path, data in members:
                archive.writestr(path, data)
            archive.comment = comment
    return target.getvalue()


def rule_of(data: bytes, folder: Path) -> str:
    """The rule that refuses a file, when it is opened and every member read."""
    path = folder / "bad.zip"
    path.write_bytes(data)
    with pytest.raises(TrustError) as error, BundleReader(path) as reader:
        for member in reader.paths:
            reader.read(member)
    return error.value.rule


@pytest.mark.parametrize(
    "path", ["../../etc/passwd", "/etc/passwd", "notes/../../x", "C:\\x", "policy/", "unlisted.txt", "notes/évil.note"]
)
def test_a_path_that_leads_elsewhere_is_refused(tmp_path: Path, path: str) -> None:
    assert rule_of(zipped((path, b"x")), tmp_path) == "manifest-path"


def test_a_member_twice_is_refused(tmp_path: Path) -> None:
    assert rule_of(zipped(("policy", b"good"), ("policy", b"bad")), tmp_path) == "manifest-path"


def test_two_names_that_a_zip_reader_takes_for_one_are_refused(tmp_path: Path) -> None:
    data = zipped(("policy", b"good"), ("policyXx", b"bad")).replace(b"policyXx", b"policy\x00x")
    assert rule_of(data, tmp_path) == "manifest-path"


def test_a_bomb_is_refused_before_it_is_inflated(tmp_path: Path) -> None:
    data = zipped(("policy", bytes(1 << 20)), kind=zipfile.ZIP_DEFLATED)
    at = data.rindex(b"PK\x01\x02") + 24  # uncompressed size in the directory
    bomb = data[:at] + struct.pack("<I", bundle.LARGEST_MEMBER + 1) + data[at + 4 :]
    assert rule_of(bomb, tmp_path) == "manifest-size"


def test_a_member_larger_than_the_directory_says_is_refused(tmp_path: Path) -> None:
    data = zipped(("policy", bytes(1 << 20)), kind=zipfile.ZIP_DEFLATED)
    at = data.rindex(b"PK\x01\x02") + 24
    assert rule_of(data[:at] + struct.pack("<I", 100) + data[at + 4 :], tmp_path) == "manifest-form"


def test_an_encrypted_member_is_refused(tmp_path: Path) -> None:
    data = zipped(("policy", b"x"))
    at = data.rindex(b"PK\x01\x02") + 8
    assert rule_of(data[:at] + b"\x01\x00" + data[at + 2 :], tmp_path) == "manifest-form"


@pytest.mark.parametrize("kind", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_compression_is_refused(tmp_path: Path, kind: int) -> None:
    assert rule_of(zipped(("policy", b"x" * 100), kind=kind), tmp_path) == "manifest-form"


@pytest.mark.parametrize("comment", [b"hello", b"sha256 ", b"sha256 " + b"0" * 64, b"SHA256 " + b"0" * 64])
def test_a_comment_that_is_not_the_digest_is_refused(tmp_path: Path, comment: bytes) -> None:
    assert rule_of(zipped(("policy", b"x"), comment=comment), tmp_path) == "manifest-form"


@pytest.mark.parametrize("data", [b"", b"PK", b"not a zip at all", b"PK\x05\x06" + bytes(17)])
def test_what_is_no_zip_is_refused(tmp_path: Path, data: bytes) -> None:
    assert rule_of(data, tmp_path) == "manifest-form"


def test_every_byte_counts(tmp_path: Path, good: bytes) -> None:
    """Ours ends in the digest of all bytes before it, so that no byte of a header is free either."""
    path = tmp_path / "one.zip"
    for at in range(0, len(good), 7):
        path.write_bytes(good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :])
        with pytest.raises(TrustError) as error, BundleReader(path) as reader:
            for member in reader.paths:
                reader.read(member)
        assert error.value.rule in ("manifest-form", "manifest-path"), at


def test_a_truncated_bundle_is_refused(tmp_path: Path, good: bytes) -> None:
    for length in range(0, len(good), 97):
        assert rule_of(good[:length], tmp_path) == "manifest-form"


def test_a_copy_packed_by_another_program_is_read(tmp_path: Path, good: bytes) -> None:
    (tmp_path / "good.zip").write_bytes(good)
    target = tmp_path / "again.zip"
    with zipfile.ZipFile(tmp_path / "good.zip") as source, zipfile.ZipFile(target, "w") as archive:
        for name in reversed(source.namelist()):
            archive.writestr(name, source.read(name))
    with BundleReader(target) as reader:
        check_members(reader)


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (lambda members: members.pop("ledger.json"), "manifest-listed"),
        (lambda members: members.update({"explain.html": b"more"}), "manifest-listed"),
        (lambda members: members.update({"ledger.json": b"longer than before" * 9}), "manifest-size"),
        (lambda members: members.update({"ledger.json": b"LEDGER.json" * 9}), "manifest-digest"),
    ],
)
def test_a_member_that_the_list_does_not_have_like_this_is_refused(tmp_path: Path, good: bytes, change, rule) -> None:
    (tmp_path / "good.zip").write_bytes(good)
    with zipfile.ZipFile(tmp_path / "good.zip") as source:
        members = {name: source.read(name) for name in source.namelist()}
    change(members)
    path = tmp_path / "bad.zip"
    path.write_bytes(zipped(*members.items()))
    with BundleReader(path) as reader, pytest.raises(TrustError) as error:
        check_members(reader)
    assert error.value.rule == rule
