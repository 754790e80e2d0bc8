"""Signed notes: making, opening, the strict form of leaves, headers (R33, R35)."""

from __future__ import annotations

import pickle
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanji.errors import EvidenceMissing, TrustError
from tanji.trust.canonical import encode64
from tanji.trust.keys import COSIGNATURE, VerifierKey, key_id
from tanji.trust.note import LARGEST_NOTE, cosign, fields, lines_of, open_leaf, open_note, sign, signature_line, split

from .material import GATEWAY, LOG, PLANT, WITNESS, key, signer, witness

PLANT_NAME = key(PLANT).name
BODY = "tanji/demo/v1\nplant 水泥\n".encode()

texts = st.text(st.characters(exclude_categories=("Cs",), exclude_characters=[chr(i) for i in range(32)]))
bodies = st.lists(texts, min_size=1, max_size=6).map(lambda lines: "".join(f"{line}\n" for line in lines).encode())


@given(bodies)
def test_what_is_signed_opens_to_the_same_bytes(body: bytes) -> None:
    note = sign(body, PLANT, LOG)
    assert open_leaf(note, [key(PLANT), key(LOG)]) == body
    assert open_note(note, [key(LOG)]).body == body
    assert split(note)[0] == body


@given(st.binary(max_size=300))
def test_arbitrary_bytes_are_a_note_or_refused_by_the_form(data: bytes) -> None:
    for attempt in (data, data + b"\n\n\xe2\x80\x94 a " + data + b"\n"):
        try:
            body, signatures = split(attempt)
        except TrustError as error:
            assert error.rule in ("note-form", "note-base64")
        else:
            assert attempt.startswith(body + b"\n") and signatures


@given(bodies, st.data())
def test_any_changed_byte_fails(body: bytes, data: st.DataObject) -> None:
    note = sign(body, GATEWAY)
    place = data.draw(st.integers(0, len(note) - 1))
    other = data.draw(st.integers(0, 255).filter(lambda byte: byte != note[place]))
    with pytest.raises(TrustError):
        open_leaf(note[:place] + bytes([other]) + note[place + 1 :], [key(GATEWAY)])


def test_empty_lines_belong_to_the_text() -> None:
    for body in (b"\n", b"\n\n\n", b"a\n\nb\n", b"a\n\n"):
        assert open_leaf(sign(body, LOG), [key(LOG)]) == body


def test_lines_of_unknown_keys_are_ignored_and_one_bad_known_line_fails_all() -> None:
    stranger = signer("stranger.example/1")
    note = sign(BODY, PLANT, stranger)
    assert open_note(note, [key(PLANT)]).verified == ((key(PLANT), None),)
    with pytest.raises(TrustError, match="note-unknown-key"):
        open_note(note, [key(LOG)])
    forged = sign(BODY, PLANT) + signature_line(b"other\n", LOG)
    with pytest.raises(TrustError, match=r"plant\.example/log: note-signature"):
        open_note(forged, [key(PLANT), key(LOG)])
    assert open_note(forged, [key(PLANT)]).verified, "of an unknown key nothing can be bad"


def test_a_name_with_another_id_and_an_id_with_another_name_are_unknown() -> None:
    impostor = signer("x")
    same_name = VerifierKey.make(PLANT_NAME, 1, key(impostor).public)
    with pytest.raises(TrustError, match="note-unknown-key"):
        open_note(sign(BODY, PLANT), [same_name])
    other_name = VerifierKey("x.example/1", key(PLANT).key_id, 1, key(PLANT).public)
    with pytest.raises(TrustError, match="note-unknown-key"):
        open_note(sign(BODY, PLANT), [other_name])


def test_two_keys_of_one_name_and_id_cannot_be_told_apart() -> None:
    twin = VerifierKey(PLANT_NAME, key(PLANT).key_id, 1, key(LOG).public)
    with pytest.raises(TrustError, match="key-twice"):
        open_note(sign(BODY, PLANT), [key(PLANT), twin])
    assert open_note(sign(BODY, PLANT), [key(PLANT), key(PLANT)]).verified


def test_a_cosignature_gives_its_time_and_commits_to_it() -> None:
    note = sign(BODY, LOG) + cosign(BODY, WITNESS, time_s=1_790_000_000)
    assert open_note(note, [key(WITNESS), key(LOG)]).verified == ((key(LOG), None), (key(WITNESS), 1_790_000_000))
    _, (_, line) = split(note)
    for blob in (
        (1_790_000_001).to_bytes(8, "big") + line.blob[8:],
        line.blob[8:],
        line.blob[:7],
        b"\xff" + line.blob[1:],
        bytes(8) + line.blob[8:],
        line.blob + b"\0",
    ):
        text = f"— {line.name} {encode64(line.key_id + blob)}\n".encode()
        with pytest.raises(TrustError, match="note-signature"):
            open_note(sign(BODY, LOG) + text, [key(LOG), key(WITNESS)])


def test_a_key_signs_only_as_its_type_says() -> None:
    with pytest.raises(TrustError, match="key-form"):
        sign(BODY, WITNESS)
    with pytest.raises(TrustError, match="key-form"):
        cosign(BODY, LOG, time_s=1)
    with pytest.raises(TrustError, match="note-form"):
        cosign(BODY, WITNESS, time_s=0)
    public = key(LOG).public
    assert key_id("a", 1, public) != key_id("a", COSIGNATURE, public)


@pytest.mark.parametrize(
    "body", [b"", b"no end", b"tab\there\n", b"return\r\n", b"nul\0\n", b"\xff\n", b"half \xe6\xb0\n"]
)
def test_texts_that_no_verifier_would_take_are_not_signed(body: bytes) -> None:
    with pytest.raises(TrustError, match="note-form"):
        sign(body, LOG)


def test_a_leaf_has_exactly_the_wanted_lines_in_order() -> None:
    both = [key(PLANT), key(LOG)]
    assert open_leaf(sign(BODY, PLANT, LOG), both) == BODY
    for note, rule in (
        (sign(BODY, LOG, PLANT), "note-signers"),
        (sign(BODY, PLANT), "note-signers"),
        (sign(BODY, PLANT, LOG, LOG), "note-signers"),
        (sign(BODY, PLANT, LOG, GATEWAY), "note-unknown-key"),
        (sign(BODY, PLANT, GATEWAY), "note-unknown-key"),
        (sign(BODY, PLANT) + signature_line(b"x\n", LOG), "note-signature"),
    ):
        with pytest.raises(TrustError) as refused:
            open_leaf(note, both)
        assert refused.value.rule == rule


def test_sixty_four_signatures_are_taken_and_no_more() -> None:
    witnesses = [witness(f"w.example/{number}") for number in range(64)]
    note = sign(BODY, LOG) + b"".join(cosign(BODY, each, time_s=1) for each in witnesses[:63])
    assert len(open_note(note, [key(LOG)]).verified) == 1
    with pytest.raises(TrustError, match="64 signatures"):
        split(note + cosign(BODY, witnesses[63], time_s=1))


def test_a_note_of_more_than_a_mebibyte_is_refused_before_anything_is_read() -> None:
    with pytest.raises(TrustError, match="note-form"):
        split(b"a" * LARGEST_NOTE + b"\n")


HEADER = "tanji/batch/v1\nseq 7\nkind late\nreason 网络中断 two words\n".encode()
NAMES = ("seq", "kind", "reason?")


def test_header_fields_are_read_in_their_order() -> None:
    assert fields(HEADER, "tanji/batch/v1", NAMES) == {"seq": "7", "kind": "late", "reason": "网络中断 two words"}
    assert fields(b"tanji/batch/v1\nseq 7\nkind late\n", "tanji/batch/v1", NAMES) == {"seq": "7", "kind": "late"}
    assert fields(b"t\nb 1\n", "t", ("a?", "b", "c?")) == {"b": "1"}


@pytest.mark.parametrize(
    "change, rule",
    [
        (("tanji/batch/v1", "tanji/batch/v2"), "header-type"),
        (("seq 7\n", ""), "header-field"),
        (("seq 7\n", "seq 7\nseq 7\n"), "header-field"),
        (("seq 7\nkind late\n", "kind late\nseq 7\n"), "header-field"),
        (("seq 7", "seq  7"), "header-field"),
        (("seq 7", "seq 7 "), "header-field"),
        (("seq 7", "seq"), "header-field"),
        (("seq 7", "seq "), "header-field"),
        (("seq 7", "Seq 7"), "header-field"),
        (("seq 7", " seq 7"), "header-field"),
        (("kind late\n", "kind late\n\n"), "header-field"),
        (("words\n", "words\nmore 1\n"), "header-field"),
        (("words\n", "words\nreason again\n"), "header-field"),
    ],
)
def test_a_header_with_any_other_spelling_is_refused(change: tuple[str, str], rule: str) -> None:
    body = HEADER.decode().replace(*change).encode()
    assert body != HEADER
    with pytest.raises(TrustError) as refused:
        fields(body, "tanji/batch/v1", NAMES)
    assert refused.value.rule == rule


def test_lines_break_at_line_feeds_only() -> None:
    assert lines_of("a\u2028b\u0085c\nd\n".encode()) == ["a\u2028b\u0085c", "d"]


def test_an_error_says_rule_place_expected_and_got_in_one_printable_line() -> None:
    error = TrustError("note-form", where="a\nb", expected="x" * 500, got="\x1b[31m\u202e")
    assert (error.rule, len(error.expected)) == ("note-form", 120)
    assert re.fullmatch(r"a.b: note-form: expected x{119}…, got .\[31m.", str(error)) and "\x1b" not in str(error)


def test_of_a_long_path_an_error_shows_the_end() -> None:
    error = TrustError("note-form", where=f"/{'very/' * 60}ledger.json", expected="a file", got="no file")
    assert re.fullmatch(r"…[a-z/]{108}ledger\.json", error.where)
    assert TrustError("note-form", where=error.where, expected="a", got="b").where == error.where


def test_an_error_comes_home_from_another_process() -> None:
    for kind in (TrustError, EvidenceMissing):
        error = kind("payload-root", where="payload/7", expected="a", got="b")
        again = pickle.loads(pickle.dumps(error))
        assert type(again) is kind and str(again) == str(error) and vars(again) == vars(error)
