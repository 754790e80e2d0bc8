"""The witness: every answer of C2SP tlog-witness, and that it never says two things about one log (R33, R35)."""

from __future__ import annotations

import threading
from base64 import b64encode
from hashlib import sha256
from pathlib import Path

import pytest

from services.witness import create_witness
from services.witness.app import Witness
from tanji.trust.checkpoint import Checkpoint, format
from tanji.trust.note import cosign, open_note, sign, split
from tanji.trust.signer import Ed25519Signer
from tanji.trust.tree import EMPTY_ROOT, Tree

from ..trust.log_rig import LOG, NOON, ORIGIN, WITNESS, key, signer
from .wsgi import ask

HASH = sha256(ORIGIN.encode()).hexdigest()


def tree(*, fork_at: int | None = None, size: int = 20) -> Tree:
    """A log of numbered entries; with `fork_at` another one from there on."""
    grown = Tree()
    for number in range(size):
        grown.append(b"%d%s" % (number, b" forged" if fork_at is not None and number >= fork_at else b""))
    return grown


def head(of: Tree, size: int, *, by: Ed25519Signer = LOG, origin: str = ORIGIN, root: bytes | None = None) -> bytes:
    """A signed checkpoint."""
    return sign(format(Checkpoint(origin, size, of.root(size) if root is None else root)), by)


def request(old: int, proof: list[bytes], note: bytes) -> bytes:
    """The body of add-checkpoint."""
    return b"".join((b"old %d\n" % old, *(b64encode(node) + b"\n" for node in proof), b"\n", note))


def ready(folder: Path) -> Witness:
    """A witness of the log."""
    return create_witness(folder, WITNESS, {ORIGIN: LOG.vkey()}, clock=lambda: NOON)


def post(witness: Witness, body: bytes) -> tuple[int, dict[str, str], bytes]:
    """Ask for a cosignature."""
    return ask(witness, "POST", "/add-checkpoint", body)


def seen(folder: Path, size: int) -> Witness:
    """A witness that has cosigned the log at `size`."""
    witness = ready(folder)
    assert post(witness, request(0, [], head(tree(), size)))[0] == 200
    return witness


def test_first_contact_needs_no_proof_and_the_answer_is_a_cosignature_with_a_time(tmp_path: Path) -> None:
    note = head(tree(), 7)
    status, _, lines = post(ready(tmp_path), request(0, [], note))
    assert status == 200
    assert lines == cosign(split(note)[0], WITNESS, time_s=NOON // 1000)
    assert open_note(note + lines, [key(LOG), key(WITNESS)]).verified[-1] == (key(WITNESS), NOON // 1000)


def test_an_extension_needs_a_proof_from_the_size_it_knows(tmp_path: Path) -> None:
    witness, log = seen(tmp_path, 7), tree()
    assert post(witness, request(7, log.consistency(7, 13), head(log, 13)))[0] == 200
    assert post(witness, request(13, log.consistency(13, 20), head(log, 20)))[0] == 200


def test_409_names_the_size_it_knows(tmp_path: Path) -> None:
    witness, log = seen(tmp_path, 7), tree()
    for old in (0, 5, 13):
        proof = log.consistency(old, 13) if 0 < old < 13 else []
        status, headers, body = post(witness, request(old, proof, head(log, 13)))
        assert (status, headers["Content-Type"], body) == (409, "text/x.tlog.size", b"7\n")


def test_the_same_size_is_cosigned_again_with_an_empty_proof_and_another_root_never(tmp_path: Path) -> None:
    witness, log = seen(tmp_path, 7), tree()
    assert post(witness, request(7, [], head(log, 7)))[0] == 200
    assert post(witness, request(7, [], head(tree(fork_at=3), 7)))[0] == 422
    assert post(witness, request(7, [bytes(32)], head(log, 7)))[0] == 422


def test_a_fork_is_refused_whatever_proof_comes_with_it(tmp_path: Path) -> None:
    witness, forged = seen(tmp_path, 7), tree(fork_at=3)
    for proof in (forged.consistency(7, 13), tree().consistency(7, 13), []):
        assert post(witness, request(7, proof, head(forged, 13)))[0] == 422
    assert post(witness, request(7, tree().consistency(7, 13), head(tree(), 13)))[0] == 200


def test_400_when_old_is_above_the_size(tmp_path: Path) -> None:
    assert post(seen(tmp_path, 7), request(7, [], head(tree(), 5)))[0] == 400


def test_404_for_an_unknown_origin_and_403_without_a_good_signature_of_a_known_key(tmp_path: Path) -> None:
    witness, other = ready(tmp_path), signer("other.example/log")
    assert post(witness, request(0, [], head(tree(), 7, by=other, origin="other.example/log")))[0] == 404
    assert post(witness, request(0, [], head(tree(), 7, by=other)))[0] == 403
    assert post(witness, request(0, [], head(tree(), 7, by=signer(ORIGIN, number=1))))[0] == 403
    good, bad = head(tree(), 7), head(tree(), 6)
    body, _ = split(good)
    assert post(witness, request(0, [], body + b"\n" + bad.rpartition(b"\n\n")[2]))[0] == 403


def test_the_request_of_the_specification_is_understood(tmp_path: Path) -> None:
    # The example of C2SP tlog-witness. Its keys are not published, so that it can be cosigned by nobody here.
    body = """\
old 20852014
PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=
jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=
5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=
/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=

example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

\u2014 example.com/behind-the-sofa \
Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
\u2014 example.com/behind-the-sofa \
opLqBQsREYCgu6xQkYQwJr9fo45a62DN9EdmHXnZdXNqlcVGlCum2Wks+49/V6267UEjw6QUXTS5Rovnzv++qbSzm9Q=
""".encode()
    assert post(ready(tmp_path), body)[0] == 404
    origin = "example.com/behind-the-sofa"
    other = create_witness(tmp_path, WITNESS, {origin: signer(origin).vkey()}, clock=lambda: NOON)
    assert post(other, body)[0] == 403


def test_signatures_of_unknown_keys_are_ignored(tmp_path: Path) -> None:
    witness, note = ready(tmp_path), head(tree(), 7)
    body, _ = split(note)
    others = sign(body, signer("other.example/log")).rpartition(b"\n\n")[2]
    assert post(witness, request(0, [], note + others))[0] == 200
    kept = ask(witness, "GET", f"/{HASH}/checkpoint")[2]
    assert [each.name for each in split(kept)[1]] == [ORIGIN, "institute.example/w1"]


def test_an_empty_log_has_the_root_of_nothing(tmp_path: Path) -> None:
    body = f"{ORIGIN}\n0\n{b64encode(bytes(32)).decode()}\n".encode()
    assert post(ready(tmp_path), request(0, [], sign(body, LOG)))[0] == 422
    assert post(ready(tmp_path), request(0, [bytes(32)], head(tree(), 0, root=EMPTY_ROOT)))[0] == 422
    witness = ready(tmp_path)
    assert post(witness, request(0, [], head(tree(), 0, root=EMPTY_ROOT)))[0] == 200
    assert post(witness, request(0, [], head(tree(), 7)))[0] == 200


def test_the_first_proof_has_to_be_empty(tmp_path: Path) -> None:
    assert post(ready(tmp_path), request(0, [bytes(32)], head(tree(), 7)))[0] == 422


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"old 7",
        b"old 07\n\n",
        b"old -1\n\n",
        b"new 7\n\n",
        b"old 0\nnot base64\n\n" + head(tree(), 7),
        b"old 0\nAAAA\n\n" + head(tree(), 7),
        b"old 0\n\n" + head(tree(), 7)[:-1],
        b"old 0\n\n" + head(tree(), 7).replace(b"\n7\n", b"\n07\n"),
        request(0, [bytes(32)] * 64, head(tree(), 7)),
        b"old 0\r\n\r\n" + head(tree(), 7),
        b"old 0\n\n" + b"\xff" + head(tree(), 7),
    ],
)
def test_a_body_that_is_no_request_is_refused_and_nothing_is_remembered(tmp_path: Path, body: bytes) -> None:
    witness = ready(tmp_path)
    assert post(witness, body)[0] in (400, 403, 404)
    assert list(tmp_path.iterdir()) == []


def test_a_checkpoint_with_a_bad_size_that_the_log_signed_is_400(tmp_path: Path) -> None:
    body = f"{ORIGIN}\n07\n{b64encode(bytes(32)).decode()}\n".encode()
    assert post(ready(tmp_path), request(0, [], sign(body, LOG)))[0] == 400


def test_monitors_get_the_newest_cosigned_checkpoint_or_404(tmp_path: Path) -> None:
    witness = ready(tmp_path)
    assert ask(witness, "GET", f"/{HASH}/checkpoint")[0] == 404
    assert ask(witness, "GET", "/../../etc/passwd")[0] == 404
    seen(tmp_path, 7)
    status, _, note = ask(witness, "GET", f"/{HASH}/checkpoint")
    assert status == 200
    assert [each.name for each, _ in open_note(note, [key(LOG), key(WITNESS)]).verified] == [ORIGIN, key(WITNESS).name]
    assert ask(witness, "POST", f"/{HASH}/checkpoint")[0] == 405
    assert ask(witness, "GET", "/add-checkpoint")[0] == 405


def test_it_remembers_across_a_restart_and_a_log_that_changed_its_key(tmp_path: Path) -> None:
    seen(tmp_path, 7)
    assert post(ready(tmp_path), request(0, [], head(tree(), 13)))[0] == 409
    changed = signer(ORIGIN, number=1)
    witness = create_witness(tmp_path, WITNESS, {ORIGIN: changed.vkey()}, clock=lambda: NOON)
    assert post(witness, request(7, tree().consistency(7, 13), head(tree(), 13, by=changed)))[0] == 200


def test_what_it_cannot_read_back_it_never_overwrites(tmp_path: Path) -> None:
    witness = seen(tmp_path, 7)
    (kept,) = tmp_path.iterdir()
    for damaged in (b"", kept.read_bytes()[:-9], kept.read_bytes().replace(b"\n7\n", b"\n5\n")):
        kept.write_bytes(damaged)
        status, _, said = post(witness, request(0, [], head(tree(), 13)))
        assert status == 500 and b"cannot be read back" in said
        assert kept.read_bytes() == damaged


def test_the_memory_of_another_log_is_not_taken_for_its_own(tmp_path: Path) -> None:
    witness = seen(tmp_path, 7)
    (kept,) = tmp_path.iterdir()
    other = signer("other.example/log")
    kept.rename(kept.with_name(f"{sha256(b'other.example/log').hexdigest()}.checkpoint"))
    witness = create_witness(tmp_path, WITNESS, {"other.example/log": other.vkey()}, clock=lambda: NOON)
    status, _, said = post(witness, request(0, [], head(tree(), 7, by=other, origin="other.example/log")))
    assert status == 500 and b"is of demo.example/log" in said


def test_a_body_beyond_all_measure_is_not_read(tmp_path: Path) -> None:
    assert post(ready(tmp_path), bytes(1 << 18))[0] == 413


def test_requests_at_once_never_roll_it_back(tmp_path: Path) -> None:
    witness, log = seen(tmp_path, 1), tree(size=200)
    answers: list[int] = []

    def grow(sizes: range) -> None:
        known = 1
        for size in sizes:
            while known < size:
                proof = log.consistency(known, size)
                status, _, body = post(witness, request(known, proof, head(log, size)))
                answers.append(status)
                if status == 200:
                    kept = ask(witness, "GET", f"/{HASH}/checkpoint")[2]
                    assert int(kept.split(b"\n")[1]) >= size
                assert status in (200, 409)
                known = size if status == 200 else int(body)

    threads = [threading.Thread(target=grow, args=(range(start, 200, 7),)) for start in range(2, 6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers.count(200) >= 29  # one thread alone has so many sizes
