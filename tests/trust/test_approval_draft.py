"""A note between its two signatures: only a preparer's draft opens, only another's approver key finishes it (R33)."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256

import pytest

from tanji.errors import EvidenceMissing, TrustError
from tanji.trust import note
from tanji.trust.approval_draft import CORRECTION, Draft, body_of
from tanji.trust.canonical import encode64
from tanji.trust.keyring import Keyring, seal
from tanji.trust.keyring_text import KeyLine, KeyringText
from tanji.trust.keys import ED25519, VerifierKey
from tanji.trust.registrar import Registrar
from tanji.trust.signer import Ed25519Signer
from tanji.trust.verify_signers import open_approved

from .world_keys import Keys, signer

KEYS = Keys()
ZERO = encode64(bytes(32))
BODY = (
    f"tanji/correction/v1\nplant demo\nindex 2\nbatch {ZERO}\nline a 1 1.0 0\nby a 1 2.0 0\nreason x\nevidence {ZERO}\n"
).encode()
NEXT = signer("demo.example/approve", world="one next")


def keyring() -> Keyring:
    """The approver's key ends with index 9; another of the same name goes on."""
    registrars = [
        Registrar("institute", KEYS.key("institute")),
        Registrar("plant", KEYS.key("registrar")),
    ]
    approver = KeyLine("approver", KEYS.key("approve"), 0, until=9)
    lines = [
        KeyLine("log", KEYS.key("log"), 0),
        KeyLine("preparer", KEYS.key("prepare"), 0),
        approver,
        replace(approver, key=VerifierKey.parse(NEXT.vkey()), first=10, until=None),
    ]
    text = KeyringText.make("demo", version=1, prev=bytes(32), registrars=registrars, lines=lines)
    return Keyring.first(seal(text, KEYS.institute, KEYS.registrar), registrars)


RING = keyring()


def draft() -> Draft:
    return Draft.open(Draft.prepare(BODY, KEYS.prepare).data, keyring=RING, index=5)


def test_both_signatures_one_after_the_other_make_the_note_of_both_at_once() -> None:
    made = draft().approved(KEYS.approve, keyring=RING, index=5)
    assert made == note.sign(BODY, KEYS.prepare, KEYS.approve)
    assert open_approved(made, RING, 5) == BODY
    assert draft().kind == CORRECTION and body_of(draft().data) == BODY


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        (note.sign(BODY, KEYS.approve), "note-unknown-key"),
        (note.sign(BODY, KEYS.gw1), "note-unknown-key"),
        (note.sign(BODY, Keys("another").prepare), "note-unknown-key"),
        (note.sign(BODY, KEYS.prepare, KEYS.prepare), "note-signers"),
        (note.sign(BODY, KEYS.prepare, KEYS.approve), "note-unknown-key"),
        (note.sign(BODY, KEYS.prepare).replace(b"2.0", b"3.0"), "note-signature"),
        (note.sign(b"tanji/keys/v1\nx\n", KEYS.prepare), "header-type"),
        (BODY, "note-form"),
    ],
    ids=["approver", "gateway", "another world", "twice", "whole note", "altered", "keyring", "unsigned"],
)
def test_what_is_no_draft_of_a_preparer_is_refused(data: bytes, rule: str) -> None:
    with pytest.raises(TrustError) as error:
        Draft.open(data, keyring=RING, index=5)
    assert error.value.rule == rule


def test_no_draft_opens_without_a_keyring() -> None:
    with pytest.raises(EvidenceMissing):
        Draft.open(draft().data, keyring=None, index=0)


def test_the_approvers_key_counts_by_the_place_in_the_log() -> None:
    assert draft().approved(NEXT, keyring=RING, index=10)
    for key, index in ((KEYS.approve, 10), (NEXT, 9)):
        with pytest.raises(TrustError) as error:
            draft().approved(key, keyring=RING, index=index)
        assert error.value.rule == "note-unknown-key" and "demo.example/approve+" in error.value.expected


@pytest.mark.parametrize("part", ["gw1", "log", "witness", "prepare"])
def test_a_key_of_another_role_approves_nothing(part: str) -> None:
    with pytest.raises(TrustError) as error:
        draft().approved(getattr(KEYS, part), keyring=RING, index=5)
    assert error.value.rule == ("note-signers" if part == "prepare" else "note-unknown-key")
    assert error.value.where == "approver"


def test_the_preparers_public_key_under_another_name_is_still_the_preparers() -> None:
    """A keyring with one key in two roles is refused already; a draft does not rely on it."""
    renamed = Ed25519Signer("demo.example/approve", sha256(b"one demo.example/prepare").digest(), ED25519)
    with pytest.raises(TrustError) as error:
        draft().check_approver(Draft.prepare(BODY, renamed).preparer, keyring=RING, index=5)
    assert error.value.rule == "note-signers"


def test_a_draft_is_not_what_two_people_have_signed() -> None:
    with pytest.raises(TrustError) as error:
        open_approved(draft().data, RING, 5)
    assert error.value.rule == "note-signers"
