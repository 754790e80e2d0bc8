"""Known answers from outside: RFC 8032, RFC 6962 and the examples of the C2SP specifications (R33, R35)."""

from __future__ import annotations

from pathlib import Path
from struct import unpack

import pytest

from tanji.errors import TrustError
from tanji.trust import checkpoint, proof
from tanji.trust.keys import COSIGNATURE, ED25519, VerifierKey
from tanji.trust.note import Signature, cosign, open_leaf, open_note, sign, split, verify
from tanji.trust.signer import Ed25519Signer, SigningKeyFile
from tanji.trust.tree import EMPTY_ROOT, Tree, root_of_lines

VECTORS = Path(__file__).parents[1] / "vectors"

SIGNED = tuple(
    tuple(bytes.fromhex(word.replace("-", "")) for word in line.split(" "))
    for line in (VECTORS / "ed25519.txt").read_text("ascii").splitlines()
    if not line.startswith("#")
)

# The leaves and roots that the implementations of Certificate Transparency share (RFC 6962 section 2.1).
KNOWN_LEAVES = tuple(
    bytes.fromhex(text)
    for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
)
KNOWN_ROOTS = (
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)

# C2SP signed-note, section Verifier keys.
EXAMPLE_KEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
EXAMPLE = (
    "This is an example message.\n\n— example.com/foo "
    "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
).encode()

# C2SP signed-note, first example; its key is not given.
POEM = (
    "Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\ned è subito sera.\n\n"
    "— quasimodo.example/salvatore "
    "NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=\n"
).encode()

# Go, golang.org/x/mod/sumdb/note: the keys and the note of its documentation.
GO_PRIVATE = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz\n"
GO_PUBLIC = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_NOTE = (
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
).encode()

# C2SP tlog-cosignature, the first example (tlog-checkpoint has the same without the witness).
COSIGNED = (VECTORS / "c2sp_cosigned_checkpoint.note").read_bytes()

# C2SP tlog-witness, the checkpoint of the example request: two signatures of one name, of two types.
TWICE_SIGNED = (VECTORS / "c2sp_twice_signed_checkpoint.note").read_bytes()


@pytest.mark.parametrize("seed, public, message, signature", SIGNED, ids=range(len(SIGNED)))
def test_ed25519_signs_and_verifies_as_rfc_8032(seed: bytes, public: bytes, message: bytes, signature: bytes) -> None:
    signer = Ed25519Signer("rfc8032.example", seed, ED25519)
    key = VerifierKey.parse(signer.vkey())
    assert key.public == public
    assert signer.sign(message) == signature
    assert verify(message, Signature(key.name, key.key_id, signature), key) is None
    with pytest.raises(TrustError, match="note-signature"):
        verify(message + b"\0", Signature(key.name, key.key_id, signature), key)


@pytest.mark.parametrize("size", range(9))
def test_roots_of_0_to_8_leaves_are_the_known_ones(size: int) -> None:
    tree = Tree()
    for leaf in KNOWN_LEAVES:
        tree.append(leaf)
    assert tree.root(size).hex() == KNOWN_ROOTS[size]
    assert root_of_lines(KNOWN_LEAVES[:size]).hex() == KNOWN_ROOTS[size]
    assert EMPTY_ROOT.hex() == KNOWN_ROOTS[0]


def test_the_example_of_signed_note_verifies() -> None:
    key = VerifierKey.parse(EXAMPLE_KEY)
    assert key.text == EXAMPLE_KEY
    assert open_leaf(EXAMPLE, [key]) == b"This is an example message.\n"
    assert open_note(EXAMPLE, [key]).verified == ((key, None),)
    with pytest.raises(TrustError, match="note-signature"):
        open_note(EXAMPLE.replace(b"example m", b"Example m"), [key])


def test_the_poem_of_signed_note_splits_at_its_last_empty_line() -> None:
    body, (signature,) = split(POEM)
    assert body.decode().endswith("di sole:\n\ned è subito sera.\n")
    assert (signature.name, signature.key_id.hex(), len(signature.blob)) == (
        "quasimodo.example/salvatore",
        "367ba04b",
        64,
    )


def test_the_note_of_go_is_made_again_from_its_private_key(tmp_path: Path) -> None:
    file = tmp_path / "peter.key"
    file.touch(0o600)
    file.write_text(GO_PRIVATE)
    signer = SigningKeyFile(file).read()
    assert signer.vkey() == GO_PUBLIC
    assert sign(split(GO_NOTE)[0], signer) == GO_NOTE
    file.write_text(GO_PRIVATE.rstrip("\n"))
    assert SigningKeyFile(file).read().vkey() == GO_PUBLIC, "Go's tools end the line or not"
    SigningKeyFile(tmp_path / "again.key").write(signer)
    assert (tmp_path / "again.key").read_text() == GO_PRIVATE


def test_the_cosigned_checkpoint_of_the_specification_is_read() -> None:
    body, (log, witness) = split(COSIGNED)
    assert checkpoint.parse(body).size == 20_852_163
    assert checkpoint.format(checkpoint.parse(body)) == body
    assert log.name == checkpoint.parse(body).origin and len(log.blob) == 64
    assert witness.name == "witness.example.com/w1" and len(witness.blob) == 72
    assert unpack(">Q", witness.blob[:8]) == (1_679_315_147,)  # the time of the specification's signed message


def test_two_signatures_of_one_name_have_two_key_ids() -> None:
    _, (first, second) = split(TWICE_SIGNED)
    assert first.name == second.name and first.key_id != second.key_id


def test_the_message_a_witness_signs_is_that_of_the_specification() -> None:
    class Recorder:
        """Signs nothing and keeps what it was to sign."""

        def __init__(self) -> None:
            self.inner = Ed25519Signer("w.example/1", bytes(32), COSIGNATURE)
            self.message = b""

        def vkey(self) -> str:
            return self.inner.vkey()

        def sign(self, message: bytes) -> bytes:
            self.message = message
            return self.inner.sign(message)

    recorder = Recorder()
    cosign(split(COSIGNED)[0], recorder, time_s=1_679_315_147)
    assert recorder.message == (
        b"cosignature/v1\ntime 1679315147\nexample.com/behind-the-sofa\n20852163\n"
        b"CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    )


def test_the_proof_of_the_specification_is_read_without_its_extra_line() -> None:
    hashes = (
        "gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=",
        "B95lDa8R83lS8n0eG+o0buTxRKQTYFi//1U8anccXmA=",
        "EKNzoDWG8LGC0Yp9o+sv3qllpMP9uHQ9B20KNL+Q1zs=",
        "RoopEkOdqkYqMB4MJXrbt/hMjOxsVn0IrWjpz1ZMMes=",
        "AHCioX9nLjsrse6YhjRRmk1WUEirVOLLRoOQ6vfO5vk=",
    )
    text = "\n".join(("c2sp.org/tlog-proof@v1", "index 73894", *hashes, "", "")).encode() + COSIGNED
    read = proof.parse(text)
    assert read.index == 73_894 and len(read.path) == 5 and read.checkpoint == COSIGNED
    assert proof.format(read) == text
    with pytest.raises(TrustError, match="proof-form"):
        proof.parse(text.replace(b"index", b"extra YWdl\nindex"))


def test_no_mangled_key_of_go_is_taken(tmp_path: Path) -> None:
    """The manglings of Go's own tests: every part of a key, and every letter one further."""
    file = tmp_path / "peter.key"
    file.touch(0o600)
    for text, read in ((GO_PUBLIC, VerifierKey.parse), (GO_PRIVATE.strip(), lambda text: read_key(file, text))):
        parts = {text[i:j] for i in range(len(text)) for j in range(i + 1, len(text) + 1)} - {text}
        further = {text[:i] + chr(ord(text[i]) + 1) + text[i + 1 :] for i in range(len(text))}
        for mangled in (*parts, *further):
            with pytest.raises(TrustError):
                read(mangled)
    for text in (
        "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==",
        "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    ):
        with pytest.raises(TrustError, match="key-form"):
            VerifierKey.parse(text)


def read_key(file: Path, text: str) -> object:
    file.write_text(text)
    return SigningKeyFile(file).read()


@pytest.mark.parametrize(
    "note",
    [
        GO_NOTE.partition(b"\n\n")[0] + b"\n",
        GO_NOTE.partition(b"\n\n")[0] + b"\n\n",
        GO_NOTE[:-1],
        b"\x01" + GO_NOTE,
        b"\xff" + GO_NOTE,
        GO_NOTE.replace(b"PeterNeumann", b"Bad Name"),
        GO_NOTE + b"Unexpected line.\n",
        GO_NOTE + GO_NOTE.rpartition(b"\n\n")[2] * 100,
        GO_NOTE.replace(b"NIuG", b"NABCDIuG"),
        GO_NOTE.replace(b"PeterNeumann x08g", b"CarmenSandiego x08g"),
        GO_NOTE.replace(b"x08g", b"xxxx"),
    ],
)
def test_the_bad_notes_of_gos_tests_are_bad_here(note: bytes) -> None:
    assert note != GO_NOTE
    with pytest.raises(TrustError):
        open_note(note, [VerifierKey.parse(GO_PUBLIC)])


# Go, golang.org/x/mod/sumdb/note: the second key and signature of its tests.
ENOCH = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop"
ENOCH_LINE = (
    "— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n"
).encode()


def test_one_of_two_keys_of_go_or_both_open_its_note() -> None:
    peter, enoch = VerifierKey.parse(GO_PUBLIC), VerifierKey.parse(ENOCH)
    both = GO_NOTE + ENOCH_LINE
    assert open_note(both, [peter]).verified == ((peter, None),)
    assert open_note(both, [enoch, peter]).verified == ((peter, None), (enoch, None))
    assert open_note(both, [enoch, peter]).body == split(GO_NOTE)[0]
