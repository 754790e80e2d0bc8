"""The list of a bundle's members, and writing one: equal bytes, whole or not at all (reference/trust.md 2.6)."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

import pytest

from tanji.errors import TrustError
from tanji.trust import bundle, note
from tanji.trust.bundle import Member, format_members, parse_members
from tanji.trust.bundle_reader import BundleReader
from tanji.trust.bundle_writer import write_bundle
from tanji.trust.keys import ED25519, VerifierKey
from tanji.trust.signer import Ed25519Signer

SIGNER = Ed25519Signer("demo.example/prepare", bytes(range(32)), ED25519)
MEMBERS = {
    **{path: path.encode() for path in bundle.REQUIRED},
    "keyring/000000000000.note": b"keys",
    "notes/000000000002.note": b"entry",
    "payload/000000000002.lines": b"a 1 1.0 0\n" * 1000,
}


def written(folder: Path, members: dict[str, bytes] | None = None) -> Path:
    path = folder / "bundle.zip"
    write_bundle(path, (MEMBERS if members is None else members).items(), signer=SIGNER)
    return path


def test_what_is_written_is_read_and_its_list_is_signed(tmp_path: Path) -> None:
    with BundleReader(written(tmp_path)) as reader:
        body = note.open_leaf(reader.read(bundle.MANIFEST), [VerifierKey.parse(SIGNER.vkey())])
        found = {path: reader.read(path) for path in reader.paths if path != bundle.MANIFEST}
        assert found == MEMBERS
        bundle.check_members(body, {path: Member.of(path, data) for path, data in found.items()})
        listed = parse_members(body)
        assert listed["policy"] == Member(hashlib.sha256(b"policy").hexdigest(), 6, "policy")


def test_equal_members_make_equal_files(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir(), two.mkdir()
    assert written(one).read_bytes() == written(two).read_bytes()


@pytest.mark.parametrize(
    "members",
    [
        {path: data for path, data in MEMBERS.items() if path != "ledger.json"},
        {path: data for path, data in MEMBERS.items() if not path.startswith("keyring/")},
        {**MEMBERS, "../evil": b""},
        {**MEMBERS, bundle.MANIFEST: b""},
    ],
)
def test_nothing_is_written_that_a_reader_would_refuse(tmp_path: Path, members: dict[str, bytes]) -> None:
    with pytest.raises(TrustError):
        written(tmp_path, members)
    assert not (tmp_path / "bundle.zip").exists()


def test_the_comment_is_the_digest_of_every_byte_before(tmp_path: Path) -> None:
    data = written(tmp_path).read_bytes()
    assert data[-71:] == b"sha256 " + hashlib.sha256(data[:-64]).hexdigest().encode()


LINE = f"{'0' * 64} 5 policy\n"
SECOND = f"{'0' * 64} 5 statement.note\n"


@pytest.mark.parametrize(
    ("lines", "rule"),
    [
        (SECOND + LINE, "manifest-form"),
        (LINE + LINE, "manifest-form"),
        (LINE.replace(" 5 ", " 05 "), "manifest-form"),
        (LINE.replace(" 5 ", "  5 "), "manifest-form"),
        (LINE.replace("0 5", "G 5"), "manifest-form"),
        (LINE[:-1], "manifest-form"),
        (LINE.replace("policy", "MANIFEST.note"), "manifest-form"),
        (LINE.replace("policy", "../policy"), "manifest-path"),
        (LINE.replace(" 5 ", f" {bundle.LARGEST_MEMBER + 1} "), "manifest-form"),
    ],
)
def test_a_list_of_another_form_is_refused(lines: str, rule: str) -> None:
    with pytest.raises(TrustError) as error:
        parse_members(bundle.TYPE_LINE + lines.encode())
    assert error.value.rule in (rule, "manifest-form")


def test_a_list_of_another_type_is_refused() -> None:
    with pytest.raises(TrustError) as error:
        parse_members(b"tanji/bundle/v2\n" + LINE.encode())
    assert error.value.rule == "header-type"


def test_a_list_is_sorted_whatever_the_order_of_its_members() -> None:
    two = [Member("1" * 64, 1, "statement.note"), Member("0" * 64, 5, "policy")]
    assert format_members(two).endswith(b"statement.note\n")


@pytest.mark.parametrize(
    "path",
    ["/policy", "../policy", "notes/../policy", "notes\\000000000002.note", "notes/2.note", "Policy", "policy/",
     "notes/000000000002.note\x00.txt", "files/" + "A" * 64, "C:policy", "checkpoints/x.note", "", "policy\n",
     "notes/٠٠٠٠٠٠٠٠٠٠٠٢.note"],
)  # fmt: skip
def test_a_path_is_one_of_a_few_known_forms(path: str) -> None:
    with pytest.raises(TrustError) as error:
        bundle.check_path(path)
    assert error.value.rule == "manifest-path"


def test_sizes_are_capped_one_by_one_and_together() -> None:
    for sizes in (
        {"policy": bundle.LARGEST_MEMBER + 1},
        {f"{number}": bundle.LARGEST_MEMBER for number in range(17)},
        {f"{number}": 0 for number in range(bundle.MOST_MEMBERS + 1)},
    ):
        with pytest.raises(TrustError) as error:
            bundle.check_sizes(sizes)
        assert error.value.rule == "manifest-size"


def test_the_zip_is_an_ordinary_one(tmp_path: Path) -> None:
    with zipfile.ZipFile(written(tmp_path)) as archive:
        assert archive.testzip() is None
        assert archive.namelist()[-1] == bundle.MANIFEST
