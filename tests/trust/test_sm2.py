"""SM2 beside a statement, against OpenSSL itself; the published example of the algorithm as a vector (R33)."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tanji.errors import EvidenceMissing, TrustError
from tanji.trust import sm2

MESSAGE = 'tanji/statement/v1\n{"年":2026}\n'.encode()


@pytest.fixture(scope="module", autouse=True)
def openssl() -> None:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")


@pytest.fixture
def keys(tmp_path: Path) -> tuple[Path, Path]:
    private, public = tmp_path / "sm2.key", tmp_path / "sm2.pub"
    sm2.make_key(private, public)
    return private, public


def test_a_signature_verifies_and_is_another_one_every_time(keys: tuple[Path, Path]) -> None:
    private, public = keys
    first, second = sm2.sign(MESSAGE, private), sm2.sign(MESSAGE, private)
    assert first != second and first[0] == 0x30, "DER"
    for signature in (first, second):
        sm2.verify(MESSAGE, signature, public.read_bytes())
    for message, signature in ((MESSAGE + b" ", first), (MESSAGE, first[:-1]), (MESSAGE, b""), (b"", first)):
        with pytest.raises(TrustError, match="sm2-signature"):
            sm2.verify(message, signature, public.read_bytes())


def openssl_says(folder: Path, signature: bytes, public: Path, *, distid: str) -> bool:
    (folder / "m").write_bytes(MESSAGE)
    (folder / "s").write_bytes(signature)
    words = ["openssl", "pkeyutl", "-verify", "-rawin", "-digest", "sm3", "-pkeyopt", f"distid:{distid}", "-pubin"]
    done = subprocess.run(
        [*words, "-inkey", str(public), "-sigfile", str(folder / "s"), "-in", str(folder / "m")], capture_output=True
    )
    return done.returncode == 0


def test_openssl_itself_verifies_it_under_the_common_id_and_under_no_other(
    tmp_path: Path, keys: tuple[Path, Path]
) -> None:
    signature = sm2.sign(MESSAGE, keys[0])
    assert openssl_says(tmp_path, signature, keys[1], distid="1234567812345678")
    assert not openssl_says(tmp_path, signature, keys[1], distid="ALICE123@YAHOO.COM")


def test_what_openssl_itself_signs_is_taken(tmp_path: Path, keys: tuple[Path, Path]) -> None:
    (tmp_path / "m").write_bytes(MESSAGE)
    words = ["openssl", "pkeyutl", "-sign", "-rawin", "-digest", "sm3", "-pkeyopt", "distid:1234567812345678"]
    made = subprocess.run(
        [*words, "-inkey", str(keys[0]), "-in", str(tmp_path / "m")], capture_output=True, check=True
    ).stdout
    sm2.verify(MESSAGE, made, keys[1].read_bytes())


def test_the_example_of_gb_t_32918_5_verifies() -> None:
    """GB/T 32918.5-2017 annex A.2: message digest, id 1234567812345678, on the recommended curve."""
    x = "09f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020"
    y = "ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13"
    r = "f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3"
    s = "b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa"
    # SubjectPublicKeyInfo of an uncompressed point: ecPublicKey 1.2.840.10045.2.1, sm2p256v1 1.2.156.10197.1.301.
    head = bytes.fromhex("3059301306072a8648ce3d020106082a811ccf5501822d034200" + "04")
    import base64

    body = base64.encodebytes(head + bytes.fromhex(x + y)).decode()
    public = f"-----BEGIN PUBLIC KEY-----\n{body}-----END PUBLIC KEY-----\n".encode()
    integers = b"".join(b"\x02\x21\x00" + bytes.fromhex(number) for number in (r, s))
    sm2.verify(b"message digest", b"\x30" + bytes([len(integers)]) + integers, public)
    with pytest.raises(TrustError, match="sm2-signature"):
        sm2.verify(b"message Digest", b"\x30" + bytes([len(integers)]) + integers, public)


def test_the_signature_stands_in_a_file_beside_the_statement(tmp_path: Path, keys: tuple[Path, Path]) -> None:
    statement = tmp_path / "statement.note"
    statement.write_bytes(MESSAGE)
    with pytest.raises(EvidenceMissing, match="sm2-signature"):
        sm2.verify_beside(statement, keys[1].read_bytes())
    assert sm2.sign_beside(statement, keys[0]) == tmp_path / "statement.sm2"
    sm2.verify_beside(statement, keys[1].read_bytes())
    assert statement.read_bytes() == MESSAGE, "the note is what it was"
    statement.write_bytes(MESSAGE.replace(b"2026", b"2027"))
    with pytest.raises(TrustError, match="sm2-signature"):
        sm2.verify_beside(statement, keys[1].read_bytes())


def test_the_private_key_is_for_its_owner_alone(tmp_path: Path, keys: tuple[Path, Path]) -> None:
    private, public = keys
    assert private.stat().st_mode & 0o777 == 0o600 and b"PRIVATE" not in public.read_bytes()
    with pytest.raises(TrustError, match="key-file"):
        sm2.make_key(private, tmp_path / "other.pub")
    private.chmod(0o640)
    with pytest.raises(TrustError, match="key-file"):
        sm2.sign(MESSAGE, private)


def test_a_damaged_key_is_said_without_showing_it(keys: tuple[Path, Path]) -> None:
    private, _ = keys
    lines = private.read_text().splitlines()
    private.write_text("\n".join([lines[0], lines[1][:-4], lines[-1]]) + "\n")
    with pytest.raises(TrustError) as refused:
        sm2.sign(MESSAGE, private)
    assert refused.value.rule == "sm2-signature" and lines[1][:40] not in str(refused.value)


def test_without_openssl_nothing_is_decided(
    tmp_path: Path, keys: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EvidenceMissing, match="OpenSSL 3"):
        sm2.verify(MESSAGE, b"x", b"y")
