"""Verifier keys, signers and private key files (R33)."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanji.errors import EvidenceMissing, TrustError
from tanji.trust.keys import COSIGNATURE, ED25519, VerifierKey, is_name
from tanji.trust.signer import Ed25519Signer, SigningKeyFile, generate

from .material import GATEWAY, WITNESS, key

names = st.text(st.characters(exclude_categories=("C", "Z"), exclude_characters="+"), min_size=1, max_size=60)


@given(names, st.binary(min_size=32, max_size=32), st.sampled_from([ED25519, COSIGNATURE]))
def test_a_vkey_reads_back_to_the_same_key(name: str, seed: bytes, kind: int) -> None:
    signer = Ed25519Signer(name, seed, kind)
    read = VerifierKey.parse(signer.vkey())
    assert (read.name, read.kind, read.text) == (name, kind, signer.vkey())
    assert VerifierKey.make(name, kind, read.public) == read


@given(st.text(max_size=80))
def test_any_other_text_is_refused_by_a_rule_of_keys(text: str) -> None:
    for attempt in (text, f"a+{text}", f"a+01234567+{text}"):
        with pytest.raises(TrustError) as refused:
            VerifierKey.parse(attempt)
        assert refused.value.rule in ("key-form", "key-weak")


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("+", "-", 1),
        lambda text: text.replace("example", "Example"),
        lambda text: text + "=",
        lambda text: text[:-1],
        lambda text: text[:-1] + ("A" if text[-1] != "A" else "B"),
        lambda text: text + "\n",
        lambda text: " " + text,
        lambda text: text.replace("+A", "+B", 1),
        lambda text: text.rpartition("+")[0] + "+",
        lambda text: text.upper(),
    ],
)
def test_a_vkey_has_one_spelling(change: object) -> None:
    with pytest.raises(TrustError, match="key-form"):
        VerifierKey.parse(change(GATEWAY.vkey()))  # type: ignore[operator]


def test_a_type_that_is_not_understood_is_refused() -> None:
    """ML-DSA-44, type 6 of C2SP tlog-cosignature: refused, not ignored, where it stands in a policy."""
    with pytest.raises(TrustError, match="type 6 with 1312 bytes"):
        VerifierKey.make("w.example/1", 6, bytes(1312))
    with pytest.raises(TrustError, match="type 1 with 31 bytes"):
        VerifierKey.make("w.example/1", 1, bytes(31))


def test_a_point_outside_the_prime_order_group_is_refused() -> None:
    """The base point plus one of order 8: a valid encoding, whose signatures verifiers disagree about."""
    from nacl.bindings import crypto_core_ed25519_add

    low = bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05")
    mixed = crypto_core_ed25519_add(key(GATEWAY).public, low)
    with pytest.raises(TrustError, match="key-weak"):
        VerifierKey.make("plant.example/gw1", 1, mixed)


def test_names_are_one_visible_word() -> None:
    assert is_name("plant.example/网关-1") and is_name("x" * 200)
    assert not any(map(is_name, ("", "a b", "a+b", "a\u3000b", "a\u00a0", "a\u200b", "x" * 201)))


def test_a_new_key_uses_the_randomness_it_is_given() -> None:
    made = generate("plant.example/gw1", ED25519, random=lambda size: b"\x07" * size)
    assert made.vkey() == Ed25519Signer("plant.example/gw1", b"\x07" * 32, ED25519).vkey()
    with pytest.raises(TrustError, match="key-form"):
        generate("plant.example/gw1", ED25519, random=lambda size: b"short")
    assert generate("a", 1, random=os.urandom).vkey() != generate("a", 1, random=os.urandom).vkey()


@pytest.mark.parametrize("signer", [GATEWAY, WITNESS])
def test_a_key_file_is_for_its_owner_alone_and_reads_back(tmp_path: Path, signer: Ed25519Signer) -> None:
    file = SigningKeyFile(tmp_path / "gw1.key")
    file.write(signer)
    assert file.path.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in tmp_path.iterdir()] == ["gw1.key"]
    again = file.read()
    assert again.vkey() == signer.vkey() and again.sign(b"x") == signer.sign(b"x")
    file.path.chmod(0o400)
    assert file.read().vkey() == signer.vkey()


def test_the_mode_holds_under_any_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        SigningKeyFile(tmp_path / "gw1.key").write(GATEWAY)
    finally:
        os.umask(before)
    assert (tmp_path / "gw1.key").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o610, 0o601])
def test_a_key_that_others_may_touch_is_refused(tmp_path: Path, mode: int) -> None:
    file = SigningKeyFile(tmp_path / "gw1.key")
    file.write(GATEWAY)
    file.path.chmod(mode)
    with pytest.raises(TrustError, match=r"key-file: expected .*chmod 600.*, got mode 0"):
        file.read()


def test_a_key_file_is_never_replaced_and_a_missing_one_decides_nothing(tmp_path: Path) -> None:
    file = SigningKeyFile(tmp_path / "gw1.key")
    with pytest.raises(EvidenceMissing, match="key-file"):
        file.read()
    file.write(GATEWAY)
    with pytest.raises(TrustError, match="expected no file yet"):
        file.write(WITNESS)
    assert file.read().vkey() == GATEWAY.vkey()
    with pytest.raises(TrustError, match="key-file"):
        SigningKeyFile(tmp_path / "no" / "such" / "folder").write(GATEWAY)
    with pytest.raises(TrustError, match="key-file"):
        SigningKeyFile(tmp_path).read()


def test_a_signer_is_not_pickled() -> None:
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(GATEWAY)
