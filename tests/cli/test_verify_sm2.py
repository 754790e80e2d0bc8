"""`tanji verify statement|bundle --sm2-key`: a signature beside the statement, by the verifier's own key (R33).

Signatures and certificates are made and judged by OpenSSL itself.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tanji.cli.main import main
from tanji.trust import sm2
from tanji.trust.rules import RULES

from ..trust import mutants

SAID = "另经 SM2 验证"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A bundle, its statement with proof and keyrings, the anchor, and a pair of keys with a certificate."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    members = mutants.sound()
    mutants.write_zip(tmp_path / "bundle.zip", members)
    for path in ("statement.note", "statement.tlog-proof", "keyring/000000000000.note", "keyring/000000000015.note"):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_bytes(members[path])
    (tmp_path / "anchor").write_bytes(mutants.standard().anchor())
    sm2.make_key(tmp_path / "a.key", tmp_path / "a.pub")
    sm2.make_key(tmp_path / "b.key", tmp_path / "b.pub")
    openssl(
        "req", "-x509", "-new", "-key", "a.key", "-subj", "/CN=approver", "-days", "1", "-out", "a.pem", at=tmp_path
    )
    monkeypatch.chdir(tmp_path)
    return tmp_path


def openssl(*words: str, at: Path) -> bytes:
    return subprocess.run(["openssl", *words], cwd=at, check=True, capture_output=True).stdout


STATEMENT = ("statement", "statement.note", "statement.tlog-proof")
BUNDLE = ("bundle", "bundle.zip")
HOLDS = {STATEMENT: 0, BUNDLE: 3, ("bundle", "unpacked"): 3}
"""Exit codes where nothing fails: the method of the small world is on nobody's list, so its figures are undecided."""

ASKED = pytest.mark.parametrize("words", [STATEMENT, BUNDLE], ids=["statement", "bundle"])


def run(words: tuple[str, ...], *more: str) -> int:
    return main(["verify", *words, "--anchor", "anchor", *more])


def told(words: tuple[str, ...], capsys: pytest.CaptureFixture[str], *more: str) -> tuple[int, dict[str, Any]]:
    capsys.readouterr()
    code = run(words, *more, "--json")
    return code, json.loads(capsys.readouterr().out)


@ASKED
@pytest.mark.parametrize("key", ["a.pub", "a.pem"])
def test_a_good_signature_is_said_when_it_was_asked_for(
    words: tuple[str, ...], key: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sm2.sign_beside(folder / "statement.note", folder / "a.key")
    assert run(words, "--sm2-key", key) == HOLDS[words]
    assert SAID in capsys.readouterr().out
    code, said = told(words, capsys, "--sm2-key", key)
    assert code == HOLDS[words] and said["integrity"]["verdict"] == "ok" and said["facts"]["sm2"] is True


@ASKED
def test_what_openssl_itself_signed_counts(
    words: tuple[str, ...], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    method = ("-rawin", "-digest", "sm3", "-pkeyopt", "distid:1234567812345678")
    made = openssl("pkeyutl", "-sign", *method, "-inkey", "a.key", "-in", "statement.note", at=folder)
    (folder / "elsewhere.der").write_bytes(made)
    assert run(words, "--sm2-key", "a.pub", "--sm2-signature", "elsewhere.der") == HOLDS[words]
    assert SAID in capsys.readouterr().out


@ASKED
def test_nothing_is_said_of_what_nobody_asked_for(
    words: tuple[str, ...], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A bad signature beside the evidence, and a key in the same folder: neither is looked at."""
    (folder / "statement.sm2").write_bytes(b"no signature")
    assert run(words) == HOLDS[words]
    assert "SM2" not in capsys.readouterr().out
    assert told(words, capsys)[1]["facts"]["sm2"] is None


@ASKED
@pytest.mark.parametrize("wrong", ["another key", "another text", "cut off", "empty"])
def test_a_bad_signature_fails_integrity_by_its_rule(
    words: tuple[str, ...], wrong: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    beside = sm2.sign_beside(folder / "statement.note", folder / ("b.key" if wrong == "another key" else "a.key"))
    good = beside.read_bytes()
    other = sm2.sign(b"tanji/statement/v1\n{}\n", folder / "a.key")
    beside.write_bytes({"another text": other, "cut off": good[:-1], "empty": b""}.get(wrong, good))
    code, said = told(words, capsys, "--sm2-key", "a.pub")
    assert code == 1
    assert said["integrity"]["verdict"] == "failed" and said["integrity"]["failure"]["rule"] == "sm2-signature"
    assert said["integrity"]["failure"]["where"] == "statement.sm2"
    assert said["completeness"]["verdict"] in ("cannot decide", "not checked") and not said["facts"]["sm2"]
    run(words, "--sm2-key", "a.pub")
    out = capsys.readouterr().out
    assert RULES["sm2-signature"].zh in out and SAID not in out


@ASKED
def test_without_a_signature_or_without_openssl_nothing_is_decided(
    words: tuple[str, ...], folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code, said = told(words, capsys, "--sm2-key", "a.pub")
    assert code == 3 and said["integrity"]["failure"]["rule"] == "sm2-signature"
    assert said["completeness"]["failure"] is None
    monkeypatch.setenv("PATH", str(folder))
    assert run(words, "--sm2-key", "a.pub") == 3
    assert "OpenSSL 3" in capsys.readouterr().err


@ASKED
def test_other_faults_are_told_before_it(
    words: tuple[str, ...], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "statement.sm2").write_bytes(b"no signature")
    proof = folder / "statement.tlog-proof"
    proof.write_bytes(proof.read_bytes().replace(b"\nindex 21\n", b"\nindex 20\n"))
    mutants.write_zip(folder / "bundle.zip", {**mutants.sound(), "ledger.json": b"{}"})
    code, said = told(words, capsys, "--sm2-key", "a.pub")
    assert code == 1 and said["integrity"]["failure"]["rule"] in ("proof-root", "manifest-size")


@ASKED
def test_a_key_that_is_none_is_wrong_use(
    words: tuple[str, ...], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sm2.sign_beside(folder / "statement.note", folder / "a.key")
    openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", "p256.key", at=folder)
    openssl("pkey", "-in", "p256.key", "-pubout", "-out", "p256.pub", at=folder)
    for key in ("p256.pub", "anchor", "nothing.pub"):
        assert run(words, "--sm2-key", key) == 2, key
    assert run(words, "--sm2-signature", "statement.sm2") == 2
    assert "--sm2-key" in capsys.readouterr().err


@pytest.mark.parametrize("files", [("b.pub", "a.pem"), ("b.pub", "a.pub"), ("a.pem", "a.pem")])
def test_a_file_with_several_keys_is_wrong_use(
    files: tuple[str, ...], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """OpenSSL takes the certificate before the key above it, and says so to nobody."""
    sm2.sign_beside(folder / "statement.note", folder / "a.key")
    (folder / "several").write_bytes(b"".join((folder / name).read_bytes() for name in files))
    assert run(STATEMENT, "--sm2-key", "several") == 2
    assert "2 in one file" in capsys.readouterr().err


def test_an_unpacked_bundle_has_it_beside_its_statement(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    unpacked = folder / "unpacked"
    for path, data in mutants.sound().items():
        (unpacked / path).parent.mkdir(parents=True, exist_ok=True)
        (unpacked / path).write_bytes(data)
    sm2.sign_beside(unpacked / "statement.note", folder / "a.key")
    words = ("bundle", "unpacked")
    assert run(words, "--sm2-key", "a.pub") == HOLDS[words]
    assert SAID in capsys.readouterr().out
