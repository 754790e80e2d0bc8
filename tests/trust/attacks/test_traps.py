"""The traps of reference/trust.md section 8, in a whole bundle: what a careless verifier would let pass."""

from __future__ import annotations

from pathlib import Path

import pytest

from tanji.trust import note

from .. import mutants
from ..mutant_fields import field, replaced
from ..world import T0, Tamper, build
from .judging import is_sound, judge, judge_world, rule


def test_line_ends_of_other_alphabets_are_letters_of_a_reason(tmp_path: Path) -> None:
    """U+2028 and U+2029 end a line for `splitlines`; U+0085 is a control character and no letter."""
    for letter in ("\u2028", "\u2029", "帐"):
        world = build(tamper={"gw1:3": field("reason", f"was{letter}seq 7")})
        assert is_sound(judge_world(world, tmp_path)), letter
    world = build(tamper={"gw1:3": field("reason", "was\u0085seq 7")})
    assert rule(judge_world(world, tmp_path).integrity) == "header-field"


@pytest.mark.parametrize("byte", [0x0B, 0x0C, 0x1C, 0x85, 0x00])
def test_other_line_ends_are_no_line_ends_of_a_payload(byte: int, tmp_path: Path) -> None:
    line = f"kiln1.coal.mass_flow {T0} 20.5 0\n".encode()
    world = build(tamper={"payload gw1:1": replaced(line, line[:-1] + bytes([byte]) + b"\n")})
    assert rule(judge_world(world, tmp_path).integrity) == "payload-form"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda entry: entry.replace(b"\n", b"\r\n"), "note-form"),
        (lambda entry: entry[:-1], "note-form"),
        (lambda entry: entry + b"\n", "note-form"),
        (lambda entry: entry.replace("— ".encode(), b"- "), "note-form"),
        (lambda entry: entry.replace("— ".encode(), "—  ".encode()), "note-form"),
        (lambda entry: entry.replace(b"=\n", b"\n"), "note-base64"),
        (lambda entry: b"\xef\xbb\xbf" + entry, "header-type"),
        (lambda entry: entry.replace(b"\n\n", b"\n\n\n"), "note-signature"),
        (lambda entry: entry.replace(b"gateway", b"gatew\xff"), "note-form"),
    ],
    ids=["carriage returns", "no line feed", "two line feeds", "a hyphen", "two blanks", "no padding", "a mark",
         "an empty line more", "no UTF-8"],
)  # fmt: skip
def test_another_spelling_of_a_logged_note_is_refused(change: Tamper, expected: str, tmp_path: Path) -> None:
    """The log of a colluding platform took it: a second leaf for the same content must not verify."""
    world = build(tamper={"signed gw1:6": change})
    assert rule(judge_world(world, tmp_path).integrity) == expected


def test_spare_bits_in_a_signature_are_another_leaf(tmp_path: Path) -> None:
    letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

    def other_bits(entry: bytes) -> bytes:
        last = entry[-3]  # before `=` and the line feed
        return entry[:-3] + letters[letters.index(last) ^ 1 : (letters.index(last) ^ 1) + 1] + entry[-2:]

    world = build(tamper={"signed gw1:6": other_bits})
    assert rule(judge_world(world, tmp_path).integrity) == "note-base64"


def test_a_known_key_that_fails_spoils_a_checkpoint_and_an_unknown_one_does_not(tmp_path: Path) -> None:
    stranger = build(world="another").keys

    def with_stranger(signed: bytes) -> bytes:
        body, _ = note.split(signed)
        return signed + note.cosign(body, stranger.witness, time_s=1)

    assert is_sound(judge_world(build(tamper={"signed head": with_stranger}), tmp_path))

    def with_bad(signed: bytes) -> bytes:
        other = note.cosign(b"demo.example/log\n1\nAAAA\n", mutants.standard().keys.witness, time_s=1)
        return signed + other

    assert rule(judge_world(build(tamper={"signed head": with_bad}), tmp_path).integrity) == "note-signature"


def test_a_clock_that_jumped_back_goes_into_no_regular_batch(tmp_path: Path) -> None:
    """Older lines belong into a late batch, with a reason; a window of 120 s is all that a regular one has."""
    old = f"kiln1.coal.mass_flow {T0 - 600_000} 20.5 0\n".encode()
    world = build(tamper={"payload gw1:6": lambda data: old + data})
    assert rule(judge_world(world, tmp_path).integrity) == "payload-window"


def test_one_note_type_never_passes_for_another(tmp_path: Path) -> None:
    """A correction signed by the same two people, in the place of the statement."""
    world = mutants.standard()
    members = world.members()
    correction = world.labels["correction"]
    members["statement.note"] = world.notes[correction]
    members["statement.tlog-proof"] = world.proof_of("correction", world.kept[-1][2])
    for path in [path for path in members if path.endswith(".tlog-proof") and path != "statement.tlog-proof"]:
        label = next(label for label, index in world.labels.items() if f"/{index:012d}." in path)
        members[path] = world.proof_of(label, world.kept[-1][2])
    assert rule(judge(world.listed(members), tmp_path).integrity) == "header-type"
