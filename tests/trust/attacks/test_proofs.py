"""Attacks on proofs: too long, too short, wrong node, wrong place, swapped roots, another leaf (trust.md 5, 8; R35)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tanji.errors import TrustError
from tanji.trust import checkpoint, proof
from tanji.trust.checkpoint import Checkpoint
from tanji.trust.note import cosign, sign
from tanji.trust.policy import Policy
from tanji.trust.proof import TlogProof
from tanji.trust.tree import Tree, leaf_hash, verify_consistency, verify_inclusion

from ..material import GATEWAY, LOG, WITNESS, key

SIZES = (1, 2, 3, 4, 5, 7, 8, 9, 21, 64, 65, 100)


def grown(size: int, *, salt: bytes = b"") -> Tree:
    tree = Tree()
    for number in range(size):
        tree.append(salt + number.to_bytes(2, "big"))
    return tree


TREE, OTHER = grown(100), grown(100, salt=b"rewritten")


def rule_of(act: Callable[..., object], *given: object, **named: object) -> str:
    with pytest.raises(TrustError) as refused:
        act(*given, **named)
    return refused.value.rule


@pytest.mark.parametrize("size", SIZES)
def test_an_inclusion_proof_with_any_damage_is_refused_by_the_rule_of_the_damage(size: int) -> None:
    root = TREE.root(size)
    for index in range(size):
        digest, path = TREE.levels[0][index], TREE.inclusion(index, size)

        def check(path: list[bytes], at: int = index, of: int = size, leaf: bytes = digest, to: bytes = root) -> None:
            verify_inclusion(at, of, leaf, path, to)

        assert rule_of(check, [*path, bytes(32)]) == "proof-length"
        assert rule_of(check, [*path, *path, bytes(32)]) == "proof-length"
        assert rule_of(check, path, at=size) == "proof-length"
        assert rule_of(check, path, at=-1) == "proof-length"
        assert rule_of(check, path, to=OTHER.root(size)) == "proof-root"
        assert rule_of(check, path, leaf=OTHER.levels[0][index]) == "proof-root"
        assert rule_of(check, path, leaf=digest[:31]) == "proof-form"
        if path:
            assert rule_of(check, path[:-1]) == "proof-length"
            assert rule_of(check, path[1:]) == "proof-length"
            assert rule_of(check, []) == "proof-length"
            assert rule_of(check, [path[0][:31], *path[1:]]) == "proof-form"
            for place in range(len(path)):
                damaged = [*path[:place], bytes([path[place][0] ^ 1]) + path[place][1:], *path[place + 1 :]]
                assert rule_of(check, damaged) == "proof-root"
        if len(path) > 1:
            assert rule_of(check, path[::-1]) == "proof-root"


@pytest.mark.parametrize("new", SIZES)
def test_a_consistency_proof_with_any_damage_is_refused(new: int) -> None:
    for old in range(1, new):
        path, before, after = TREE.consistency(old, new), TREE.root(old), TREE.root(new)

        def check(path: list[bytes], a: int = old, b: int = new, to: bytes = after, at: bytes = before) -> None:
            verify_consistency(a, b, path, at, to)

        assert rule_of(check, [*path, bytes(32)]) == "proof-length"
        assert rule_of(check, []) == "proof-length"
        assert rule_of(check, [*path[:-1], path[-1][:31]]) == "proof-form"
        assert rule_of(check, path, to=OTHER.root(new)) == "proof-root"
        assert rule_of(check, path, at=OTHER.root(old)) == "proof-root"
        assert rule_of(check, path, at=after, to=before) == "proof-root", "swapped roots"
        assert rule_of(check, path, a=0) == "proof-form", "nothing is proved from an empty tree"
        assert rule_of(check, path, a=new, b=old) == "proof-form"
        assert rule_of(check, path[:-1]) in ("proof-length", "proof-root")
        for place in range(len(path)):
            damaged = [*path[:place], bytes([path[place][0] ^ 1]) + path[place][1:], *path[place + 1 :]]
            assert rule_of(check, damaged) == "proof-root"


def test_a_rewritten_history_has_no_proof_against_a_remembered_head() -> None:
    """R35: gateway and platform together rewrite leaf 40 of a log whose head at 60 somebody has kept."""
    fork = Tree()
    for number in range(100):
        fork.append(b"rewritten" if number == 40 else number.to_bytes(2, "big"))
    kept = TREE.root(60)
    assert rule_of(verify_consistency, 60, 100, fork.consistency(60, 100), kept, fork.root(100)) == "proof-root"
    assert rule_of(verify_consistency, 60, 100, TREE.consistency(60, 100), kept, fork.root(100)) == "proof-root"


def test_equal_sizes_need_equal_roots_and_an_empty_proof() -> None:
    root = TREE.root(9)
    verify_consistency(9, 9, [], root, root)
    assert rule_of(verify_consistency, 9, 9, [], root, OTHER.root(9)) == "proof-root"
    assert rule_of(verify_consistency, 9, 9, [root], root, root) == "proof-length"


ENTRY = b"statement"
POLICY = Policy.parse(f"log {LOG.vkey()}\nwitness w {WITNESS.vkey()}\nquorum w\n".encode())


def proven() -> tuple[TlogProof, bytes]:
    """A witnessed proof of an entry, and the entry's hash."""
    tree = grown(20)
    index = tree.append(ENTRY)
    tree.append(b"later")
    body = checkpoint.format(Checkpoint(key(LOG).name, tree.size, tree.root()))
    note = sign(body, LOG) + cosign(body, WITNESS, time_s=1_790_000_000)
    return TlogProof(index, tuple(tree.inclusion(index)), note), leaf_hash(ENTRY)


def test_a_proof_file_is_checked_in_the_order_checkpoint_quorum_path() -> None:
    good, leaf = proven()
    assert proof.verify(proof.parse(proof.format(good)), leaf, POLICY).times == {"w": 1_790_000_000}
    assert rule_of(proof.verify, good, leaf_hash(b"another"), POLICY) == "proof-root"
    moved = TlogProof(good.index + 1, good.path, good.checkpoint)
    assert rule_of(proof.verify, moved, leaf, POLICY) == "proof-root"
    log_alone = sign(good.checkpoint.partition(b"\n\n")[0] + b"\n", LOG)
    assert rule_of(proof.verify, TlogProof(good.index, (), log_alone), leaf, POLICY) == "quorum"
    forged = sign(good.checkpoint.partition(b"\n\n")[0] + b"\n", GATEWAY)
    assert rule_of(proof.verify, TlogProof(good.index, good.path, forged), leaf, POLICY) == "note-unknown-key"


@pytest.mark.parametrize(
    "old, new",
    [
        ("c2sp.org/tlog-proof@v1", "c2sp.org/tlog-proof@v2"),
        ("index 20", "index 020"),
        ("index 20", "index -1"),
        ("index 20", "index 9223372036854775808"),
        ("index 20", "index  20"),
        ("index 20\n", ""),
        ("index 20", "extra AA==\nindex 20"),
        ("=\n", "\n"),
        ("=\n", "=\r\n"),
        ("index 20\n", "index 20\n" + "A" * 43 + "=\n" + "AAAA\n"),
        ("index 20\n", "index 20\n" + 64 * ("A" * 43 + "=\n")),
    ],
)
def test_a_proof_file_with_another_spelling_is_refused(old: str, new: str) -> None:
    data = proof.format(proven()[0])
    head, empty, rest = data.decode().partition("\n\n")
    changed = (head + "\n").replace(old, new, 1).removesuffix("\n") + empty + rest
    assert changed.encode() != data
    assert rule_of(proof.parse, changed.encode()) == "proof-form"


def test_a_proof_file_without_checkpoint_or_too_large_is_refused() -> None:
    head = proof.format(proven()[0]).partition(b"\n\n")[0]
    assert rule_of(proof.parse, head + b"\n") == "proof-form"
    assert rule_of(proof.parse, head + bytes(1 << 20)) == "proof-form"


def test_the_head_of_equal_sizes_is_compared_as_it_is() -> None:
    """A vector of transparency-dev/merkle, consistency/additional: equal roots of equal sizes, whatever they are."""
    verify_consistency(1, 1, [], b"dont care 2", b"dont care 2")
