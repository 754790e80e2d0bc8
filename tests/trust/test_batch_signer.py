"""Which key signs which number of a chain: what the keyring in force says, and nothing else (R33; trust.md 2.7)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tanji.errors import EvidenceMissing, TrustError
from tanji.trust.batch_signer import OneKey, RegisteredKeys
from tanji.trust.keyring import Keyring
from tanji.trust.keyring_text import KeyLine
from tanji.trust.signer import Signer

from .log_rig import GATEWAY, LABORATORY, REGISTRARS, key, keyring_note, signer

NEXT = signer(key(GATEWAY).name, number=1)
OTHERS = (KeyLine("laboratory", key(LABORATORY), 0),)


def keyring(*lines: KeyLine) -> Keyring:
    return Keyring.first(keyring_note(*lines, *OTHERS), REGISTRARS)


ROTATED = keyring(KeyLine("gateway", key(GATEWAY), 0, 9), KeyLine("gateway", key(NEXT), 10))


def keys(*here: Signer, ring: Keyring | None = ROTATED, permit: Callable[[], None] = lambda: None) -> RegisteredKeys:
    return RegisteredKeys("gateway", key(GATEWAY).name, keyring=lambda: ring, keys=lambda: here, permit=permit)


def test_every_number_has_the_key_that_the_keyring_gives_it() -> None:
    both = keys(NEXT, LABORATORY, GATEWAY)
    assert both.name == "demo.example/gw1"
    assert [both.signer_for(seq) for seq in (0, 9, 10, 1_000_000)] == [GATEWAY, GATEWAY, NEXT, NEXT]


def test_a_number_whose_key_is_not_here_names_the_key() -> None:
    only_old = keys(GATEWAY)
    assert only_old.may_sign(9) and not only_old.may_sign(10)
    with pytest.raises(EvidenceMissing, match=rf"batch-key.*{key(NEXT).key_id.hex()}.*in force for 10"):
        only_old.signer_for(10)


def test_a_key_that_ended_signs_no_number_after_its_last() -> None:
    ended = keys(GATEWAY, ring=keyring(KeyLine("gateway", key(GATEWAY), 0, 9)))
    with pytest.raises(TrustError, match=r"batch-key.*in force for 10.*got 0 to 9"):
        ended.signer_for(10)


def test_a_key_of_another_role_is_no_gateway() -> None:
    with pytest.raises(TrustError, match="no such key"):
        keys(GATEWAY, ring=keyring(KeyLine("preparer", key(GATEWAY), 0))).signer_for(0)


def test_without_a_keyring_nothing_is_signed() -> None:
    with pytest.raises(EvidenceMissing, match=r"batch-key.*got no keyring"):
        keys(GATEWAY, ring=None).signer_for(0)


def test_what_forbids_all_signing_comes_first() -> None:
    def refuse() -> None:
        raise EvidenceMissing("pointmap-approved", where="point map", expected="a plant note", got="none")

    with pytest.raises(EvidenceMissing, match="pointmap-approved"):
        keys(GATEWAY, ring=None, permit=refuse).signer_for(0)


def test_one_key_signs_every_number() -> None:
    one = OneKey(GATEWAY)
    assert one.name == "demo.example/gw1" and one.signer_for(7) is GATEWAY
