"""One reading disclosed by itself, with its path to the batch and the log (reference/trust.md 2.3; R34)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tanji.errors import TrustError
from tanji.trust.keyring import Keyring
from tanji.trust.point_proof import format_point, parse_point, prove_point, verify_point
from tanji.trust.policy import Anchor

from . import mutants
from .mutant_fields import OTHER_HASH, replaced
from .world import T0

LINE = f"kiln1.coal.mass_flow {T0 + 20_000} 20.625 0\n".encode()
ANCHOR = Anchor.parse(mutants.standard().anchor())
KEYRING = Keyring.first(mutants.standard().notes[0], ANCHOR.registrars)


def proof_of(line: bytes = LINE, *, label: str = "gw1:1") -> bytes:
    world = mutants.standard()
    index = world.labels[label]
    head = world.kept[-1][2] if world.kept[-1][0] == world.tree.size else world.checkpoint(time_s=1_772_400_000)
    logged = world.proof_of(label, head)
    return format_point(prove_point(line, payload=world.payloads[index], note=world.notes[index], tlog_proof=logged))


def test_a_reading_is_proved_with_as_many_hashes_as_its_minute_needs() -> None:
    batch, verified = verify_point(LINE, proof_of(), ANCHOR, KEYRING)
    assert (batch.gateway, batch.seq, verified.checkpoint.size) == ("demo.example/gw1", 1, 22)
    assert len(parse_point(proof_of()).path) == 3  # of six lines
    assert parse_point(format_point(parse_point(proof_of()))) == parse_point(proof_of())


def test_a_sample_is_proved_like_a_reading() -> None:
    line = f"sample S-1 {T0 + 300_000}\n".encode()
    assert verify_point(line, proof_of(line, label="lab:1"), ANCHOR, KEYRING)[0].kind == "laboratory"


def test_a_line_that_is_not_in_the_payload_has_no_proof() -> None:
    with pytest.raises(TrustError, match="payload-point"):
        proof_of(LINE.replace(b"20.625", b"20.0"))


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (replaced("tanji/point/v1", "tanji/point/v2"), "proof-form"),
        (replaced("\nline 1\n", "\nline 2\n"), "proof-root"),
        (replaced("\nline 1\n", "\nline 01\n"), "proof-form"),
        (replaced("\nline 1\n", "\nline 6\n"), "proof-length"),
        (replaced("\nnote ", "\nnote 9"), "proof-form"),
        (replaced(rb"^(note .*\n).*\n", rb"\1", regex=True), "proof-length"),
        (replaced(rb"^(note .*\n)", rb"\1" + OTHER_HASH.encode() + b"\n", regex=True), "proof-length"),
        (replaced(rb"^(note .*\n).*\n", rb"\1" + OTHER_HASH.encode() + b"\n", regex=True), "proof-root"),
        (replaced("\nseq 1\n", "\nseq 2\n"), "proof-root"),
        (replaced("\n22\n", "\n23\n"), "note-signature"),
        (replaced("— metrology.example/w1 ", "— metrology.example/w2 "), "quorum"),
        (lambda data: data.replace(b"\n\n", b"\n"), "proof-form"),
    ],
)
def test_whatever_is_altered_is_refused(change: Callable[[bytes], bytes], rule: str) -> None:
    with pytest.raises(TrustError) as error:
        verify_point(LINE, change(proof_of()), ANCHOR, KEYRING)
    assert error.value.rule == rule


def test_another_value_is_refused() -> None:
    for line in (LINE.replace(b"20.625", b"20.0"), LINE[:-1], LINE + b"\n"):
        with pytest.raises(TrustError, match="proof-root"):
            verify_point(line, proof_of(), ANCHOR, KEYRING)
