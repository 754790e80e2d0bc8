"""Attacks with other keys: re-signed batches, foreign checkpoints, an invented plant, doubled witnesses (R33)."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pytest

from tanji.cli.verify_text import text
from tanji.errors import TrustError
from tanji.trust import note
from tanji.trust.keys import COSIGNATURE
from tanji.trust.policy import Anchor
from tanji.trust.signer import Ed25519Signer
from tanji.trust.verify_told import Disputed

from .. import mutants
from ..mutant_fields import replaced
from ..world import HOUR, T0, World, build
from ..world_keys import signer
from .judging import is_sound, judge, judge_world, rule


def resigned(label: str, *keys: str) -> World:
    """The world in which an entry is signed by other keys of the plant."""

    def tamper(entry: bytes) -> bytes:
        body, _ = note.split(entry)
        return note.sign(body, *(getattr(mutants.standard().keys, key) for key in keys))

    return build(tamper={f"signed {label}": tamper})


def test_the_platform_signs_a_batch_with_its_own_key(tmp_path: Path) -> None:
    assert rule(judge_world(resigned("gw1:1", "log"), tmp_path).integrity) == "note-unknown-key"


def test_another_gateway_signs_a_batch(tmp_path: Path) -> None:
    assert rule(judge_world(resigned("gw1:1", "gw2"), tmp_path).integrity) == "batch-key"


def test_a_statement_with_one_signature_is_none(tmp_path: Path) -> None:
    assert rule(judge_world(resigned("statement2", "prepare"), tmp_path).integrity) == "note-signers"


def test_preparer_and_approver_are_not_exchanged(tmp_path: Path) -> None:
    assert rule(judge_world(resigned("statement2", "approve", "prepare"), tmp_path).integrity) == "note-signers"


def test_a_line_more_is_another_leaf_for_the_same_content(tmp_path: Path) -> None:
    assert rule(judge_world(resigned("gw1:1", "gw1", "gw2"), tmp_path).integrity) == "note-signers"
    assert rule(judge_world(resigned("gw1:1", "gw1", "gw1"), tmp_path).integrity) == "note-signers"


def test_a_plant_file_with_one_signature_is_none(tmp_path: Path) -> None:
    assert rule(judge_world(resigned("plant2", "prepare"), tmp_path).integrity) == "note-signers"


def test_a_keyring_without_the_institute_is_none(tmp_path: Path) -> None:
    assert rule(judge_world(resigned("keyring2", "reg", "log"), tmp_path).integrity) == "keyring-quorum"
    assert rule(judge_world(resigned("keyring1", "reg", "log"), tmp_path).integrity) == "keyring-anchor"


def test_a_key_that_ended_signs_no_more(tmp_path: Path) -> None:
    """The second gateway goes on with its first key after it was replaced at sequence number 4."""
    assert rule(judge_world(resigned("gw2:4", "gw2"), tmp_path).integrity) == "batch-key"


def test_what_was_sealed_after_the_end_of_a_stolen_key_counts_and_is_told(tmp_path: Path) -> None:
    """Nobody throws bad days away by reporting a theft: they stay until an approved correction replaces them."""
    ended = replaced(r"^(key gateway demo\.example/gw1\S* 0) -", r"\1 3", regex=True)
    world = build(tamper={"keyring2": ended}, leave_out=frozenset({"gw1:6"}))
    report = judge_world(world, tmp_path)
    assert is_sound(report)
    assert report.facts.disputed == (Disputed("demo.example/gw1", 4, 5, 2, T0, T0 + HOUR),)
    assert "demo.example/gw1 seq 4 to 5 (2)" in text(report)
    assert judge_world(mutants.standard(), tmp_path).facts.disputed == (), (
        "the second gateway's key was rotated in time"
    )


def test_a_key_is_not_in_force_before_it_was_registered(tmp_path: Path) -> None:
    def early(entry: bytes) -> bytes:
        return note.sign(note.split(entry)[0], signer("demo.example/gw2", world="one next"))

    world = build(tamper={"signed gw2:3": early})
    assert rule(judge_world(world, tmp_path).integrity) == "note-unknown-key"


def test_a_checkpoint_by_another_key_is_none(tmp_path: Path) -> None:
    world = build(tamper={"signed head": lambda signed: note.sign(note.split(signed)[0], signer("demo.example/other"))})
    assert rule(judge_world(world, tmp_path).integrity) == "note-unknown-key"


def test_a_checkpoint_that_no_witness_saw_misses_the_quorum(tmp_path: Path) -> None:
    def alone(signed: bytes) -> bytes:
        return note.sign(note.split(signed)[0], mutants.standard().keys.log)

    assert rule(judge_world(build(tamper={"signed head": alone}), tmp_path).integrity) == "quorum"


def test_an_invented_plant_agrees_with_itself_and_fails_under_the_anchor(tmp_path: Path) -> None:
    """Re-signed throughout with fresh keys under the same names: without an anchor nothing can be said against it."""
    invented = build(world="another")
    assert is_sound(judge_world(invented, tmp_path, anchor=invented.anchor()))
    assert rule(judge_world(invented, tmp_path).integrity) == "note-unknown-key"


def test_an_invented_plant_under_the_true_log_key_fails_at_the_registrars(tmp_path: Path) -> None:
    """Plant and platform collude, and the witness cosigns whatever grows; the institute did not sign that keyring."""
    invented, true = build(world="another"), mutants.standard().keys
    anchor = invented.anchor()
    for part in ("institute", "reg"):
        anchor = replaced(getattr(invented.keys, part).vkey(), getattr(true, part).vkey())(anchor)
    assert rule(judge_world(invented, tmp_path, anchor=anchor).integrity) == "keyring-anchor"


def test_the_policy_in_the_bundle_does_not_count_beside_an_anchor(tmp_path: Path) -> None:
    """A packer who asks for no witness in the enclosed policy gains nothing."""
    lenient = build(witnessed=False).anchor()
    world = build(tamper={"policy": lambda _: lenient})
    assert is_sound(judge_world(world, tmp_path))
    unwitnessed = build(witnessed=False)
    assert rule(judge_world(unwitnessed, tmp_path).integrity) == "quorum"


@pytest.mark.parametrize("kind", ["twice", "under another name", "as a registrar"])
def test_one_key_does_not_count_for_two(kind: str) -> None:
    world = mutants.standard()
    again = {
        "twice": f"witness w2 {world.keys.witness.vkey()}\n",
        "under another name": f"witness w2 {renamed(world).vkey()}\n",
        "as a registrar": f"registrar works {world.keys.log.vkey()}\n",
    }[kind]
    with pytest.raises(TrustError, match="key-twice"):
        Anchor.parse(world.anchor() + again.encode())


def renamed(world: World) -> Ed25519Signer:
    """The witness's key under another name."""
    return Ed25519Signer("other.example/w9", sha256(b"one metrology.example/w1").digest(), COSIGNATURE)


def test_the_list_of_a_bundle_is_signed_by_a_preparer(tmp_path: Path) -> None:
    world = mutants.standard()
    members = dict(mutants.sound())
    body, _ = note.split(members["MANIFEST.note"])
    members["MANIFEST.note"] = note.sign(body, world.keys.approve)
    assert rule(judge(members, tmp_path).integrity) == "note-unknown-key"
