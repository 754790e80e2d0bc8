"""Attacks on notes: a second leaf for one content, look-alikes, forged and reused signatures (R33, R35)."""

from __future__ import annotations

import pytest

from tanji.errors import TrustError
from tanji.trust.canonical import encode64
from tanji.trust.keys import VerifierKey, key_id
from tanji.trust.note import cosign, open_leaf, open_note, sign, signature_line
from tanji.trust.policy import Policy
from tanji.trust.signer import Ed25519Signer
from tanji.trust.tree import leaf_hash

from ..material import APPROVER, GATEWAY, LOG, PREPARER, WITNESS, key, signer, witness

BODY = b"tanji/batch/v1\ngateway plant.example/gw1\nseq 7\n"
NOTE = sign(BODY, GATEWAY)
ORDER_L = 2**252 + 27742317777372353535851937790883648493
"""Order of the prime-order group (RFC 8032 section 5.1)."""


def refused(note: bytes, *keys: VerifierKey) -> str:
    with pytest.raises(TrustError) as error:
        open_leaf(note, keys or (key(GATEWAY),))
    return error.value.rule


def encoded(note: bytes) -> bytes:
    return note.rstrip(b"\n").rpartition(b" ")[2]


TEXT = encoded(NOTE)


def test_a_second_leaf_for_one_content_cannot_be_made_by_spare_bits() -> None:
    """68 bytes end with one sign of padding: two bits of the last letter are not used by a lenient decoder."""
    letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    text = encoded(NOTE)
    assert text.endswith(b"=") and not text.endswith(b"==")
    place = letters.index(text[-2])
    for spare in range(1, 4):
        other = text[:-2] + letters[place ^ spare : (place ^ spare) + 1] + b"="
        changed = NOTE.replace(text, other)
        assert leaf_hash(changed) != leaf_hash(NOTE)
        assert refused(changed) == "note-base64"


@pytest.mark.parametrize(
    "change",
    [
        lambda note: note + b"\n",
        lambda note: note[:-1],
        lambda note: note.replace(b"\n", b"\r\n"),
        lambda note: note.replace(b"\xe2\x80\x94 ", b"- "),
        lambda note: note.replace(b"\xe2\x80\x94 ", b"\xe2\x80\x93 "),
        lambda note: note.replace(b"\xe2\x80\x94 ", b" \xe2\x80\x94 "),
        lambda note: note.replace(b"\xe2\x80\x94 ", b"\xe2\x80\x94  "),
        lambda note: note.replace(b"gw1 ", b"gw1  "),
        lambda note: note.replace(b"=\n", b"= \n"),
        lambda note: note.replace(b"\n\n", b"\n\n\xe2\x80\x94 \n"),
        lambda note: note + b"a comment\n",
        lambda note: note.replace(b"\n\n", b"\n \n"),
        lambda note: b"\xef\xbb\xbf" + note,
        lambda note: NOTE[: NOTE.index(b"\n\n") + 1],
        lambda note: b"",
    ],
)
def test_nor_by_blanks_line_ends_and_other_dashes(change: object) -> None:
    changed = change(NOTE)  # type: ignore[operator]
    assert changed != NOTE
    assert refused(changed) in ("note-form", "note-signature")


@pytest.mark.parametrize(
    "text",
    [
        b"=" + encoded(NOTE),
        encoded(NOTE) + b"=",
        encoded(NOTE)[:-1],
        encoded(NOTE)[:-4],
        b"_" + encoded(NOTE)[1:],
        b"!",
    ],
)
def test_nor_by_another_base64(text: bytes) -> None:
    assert refused(NOTE.replace(encoded(NOTE), text)) in ("note-base64", "note-signature", "note-unknown-key")


def test_nor_by_a_line_more_or_the_same_line_twice() -> None:
    line = signature_line(BODY, GATEWAY)
    assert refused(NOTE + line) == "note-signers"
    assert refused(NOTE + signature_line(BODY, LOG)) == "note-unknown-key"
    assert refused(NOTE + cosign(BODY, WITNESS, time_s=1)) == "note-unknown-key"


def test_the_order_of_two_signers_is_part_of_the_leaf() -> None:
    both = (key(PREPARER), key(APPROVER))
    assert refused(sign(BODY, APPROVER, PREPARER), *both) == "note-signers"
    assert refused(sign(BODY, PREPARER, PREPARER), *both) == "note-signers"
    assert refused(sign(BODY, APPROVER), *both) == "note-signers"


def test_the_platform_cannot_sign_a_batch_in_the_name_of_the_gateway() -> None:
    assert refused(sign(BODY, LOG)) == "note-unknown-key"
    impostor = Ed25519Signer(key(GATEWAY).name, bytes(range(32)), 1)
    assert refused(sign(BODY, impostor)) == "note-unknown-key"
    with_its_id = sign(BODY, impostor)
    blob = key(impostor).key_id + impostor.sign(BODY)
    colliding = with_its_id.replace(encode64(blob).encode(), encode64(key(GATEWAY).key_id + blob[4:]).encode())
    assert refused(colliding) == "note-signature", "a key id is a name, not a proof"


def test_a_signature_is_for_one_text_and_one_type() -> None:
    other = sign(BODY.replace(b"seq 7", b"seq 8"), GATEWAY)
    assert refused(other.replace(b"seq 8", b"seq 7")) == "note-signature"
    as_witness = Ed25519Signer(key(WITNESS).name, bytes(range(1, 33)), 4)
    as_signer = Ed25519Signer(key(WITNESS).name, bytes(range(1, 33)), 1)
    assert key(as_witness).public == key(as_signer).public and key(as_witness).key_id != key(as_signer).key_id
    with pytest.raises(TrustError, match="note-unknown-key"):
        open_note(sign(BODY, as_signer), [key(as_witness)])


def test_one_public_key_of_two_types_would_let_a_note_pass_for_a_cosignature_and_is_refused() -> None:
    """A log that signs a text which is the message of a witness with the same key has made its cosignature."""
    checkpoint = b"log.example\n1\nAAAA\n"
    signing = Ed25519Signer("w.example/1", bytes(32), 1)
    cosigning = Ed25519Signer("w.example/1", bytes(32), 4)
    signature = signing.sign(b"cosignature/v1\ntime 5\n" + checkpoint)
    stolen = encode64(key(cosigning).key_id + (5).to_bytes(8, "big") + signature)
    assert stolen.encode() in cosign(checkpoint, cosigning, time_s=5)
    with pytest.raises(TrustError, match="key-twice"):
        Policy.parse(f"log {signing.vkey()}\nwitness w {cosigning.vkey()}\nquorum w\n".encode())


def test_a_signature_with_s_beyond_the_group_order_is_not_taken_again() -> None:
    """RFC 8032 section 5.1.7: S + L would verify in a lenient verifier and be a second leaf."""
    blob = GATEWAY.sign(BODY)
    scalar = int.from_bytes(blob[32:], "little") + ORDER_L
    if scalar < 2**256:
        twin = blob[:32] + scalar.to_bytes(32, "little")
        key_bytes = key(GATEWAY).key_id
        changed = NOTE.replace(encode64(key_bytes + blob).encode(), encode64(key_bytes + twin).encode())
        assert refused(changed) == "note-signature"


LOW_ORDER = (
    # The eight points of small order and their other spellings (RFC 7748 section 6.1 and ed25519 papers name them).
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000080",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
)


@pytest.mark.parametrize("text", LOW_ORDER)
def test_a_key_for_which_everybody_can_sign_is_refused(text: str) -> None:
    with pytest.raises(TrustError) as error:
        VerifierKey.make("plant.example/gw1", 1, bytes.fromhex(text))
    assert error.value.rule == "key-weak"


def test_look_alike_names_are_other_names() -> None:
    """A Cyrillic `а` in the place of the Latin one: another key id, so the signer is unknown."""
    public = key(GATEWAY).public
    assert key_id("plаnt.example/gw1", 1, public) != key_id("plant.example/gw1", 1, public)
    look_alike = Ed25519Signer("plаnt.example/gw1", bytes(32), 1)
    assert refused(sign(BODY, look_alike)) == "note-unknown-key"


@pytest.mark.parametrize(
    "name", ["", " ", "a b", "a+b", "a\u00a0b", "a\u3000b", "a\u2028b", "a\nb", "a\u200bb", "x" * 201]
)
def test_names_that_a_reader_cannot_see_are_no_names(name: str) -> None:
    with pytest.raises(TrustError, match="key-form"):
        VerifierKey.make(name, 1, key(GATEWAY).public)
    line = f"— {name} {encoded(NOTE).decode()}\n".encode()
    assert refused(BODY + b"\n" + line) == "note-form"


def test_one_bad_witness_line_spoils_the_checkpoint_and_an_unknown_one_does_not() -> None:
    good, bad = cosign(BODY, WITNESS, time_s=5), cosign(b"other\n", witness("w.example/2"), time_s=5)
    keys = [key(LOG), key(WITNESS)]
    assert len(open_note(sign(BODY, LOG) + good + bad, keys).verified) == 2
    with pytest.raises(TrustError, match="note-signature"):
        open_note(sign(BODY, LOG) + good + bad, [*keys, key(witness("w.example/2"))])


def test_a_stranger_alone_proves_nothing() -> None:
    with pytest.raises(TrustError, match="note-unknown-key"):
        open_note(sign(BODY, signer("stranger.example/1")), [key(GATEWAY), key(LOG)])
    with pytest.raises(TrustError, match="note-unknown-key"):
        open_note(NOTE, [])
