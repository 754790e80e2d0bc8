"""Golden files under tests/vectors/trust: one good file of each kind, and copies with one thing wrong, signed where a
signature is due. `python -m tests.trust.vectors` writes them anew; keys and texts are fixed, so nothing changes then.

Each bad file stands with the message it has to fail with in `expected.txt`, for whoever writes another verifier.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tanji.errors import TrustError
from tanji.trust import note
from tanji.trust import statement as statements
from tanji.trust.batch import Batch
from tanji.trust.canonical import encode64
from tanji.trust.compact_range import CompactRange
from tanji.trust.keyring import Keyring
from tanji.trust.payload import payload_root
from tanji.trust.plant_note import read_point_map
from tanji.trust.policy import Anchor
from tanji.trust.tree import leaf_hash
from tanji.trust.verify_entries import EntryReader
from tanji.trust.verify_log import LogPart
from tanji.trust.verify_payload import Task, check_one
from tanji.trust.verify_plant import PlantHistory, Version
from tanji.trust.verify_signers import KeyHistory, open_approved
from tanji.trust.verify_source import FolderReader
from tanji.trust.verify_statement import verify_statement

from . import mutant_fields, mutants
from .mutant_fields import OTHER_HASH, SPARE_BITS, field, put, replaced
from .world import MINUTE, POINT_MAP, T0, Tamper, World

FOLDER = Path(__file__).parents[1] / "vectors" / "trust"
EXPECTED = "expected.txt"

BATCH = (
    *((name.replace(" ", "-"), tamper) for name, tamper in mutant_fields.HEADER),
    ("type", replaced("tanji/batch/v1", "tanji/batch/v2")),
    ("gateway", field("gateway", "demo.example/gw2")),
    ("kind", field("kind", "laboratory")),
    ("seq", field("seq", "0")),
    ("prev", field("prev", OTHER_HASH)),
    ("from", field("from", str(T0 - 1))),
    ("to", field("to", str(T0 + 2 * MINUTE + 1))),
    ("to-before-from", field("to", str(T0 - 1))),
    ("points", replaced(rb"^points 6 ", b"points 7 ", regex=True)),
    ("root", field("points", f"6 {OTHER_HASH}")),
    ("pointmap", field("pointmap", OTHER_HASH)),
)
PAYLOAD = tuple((name.replace(" ", "-"), tamper) for name, target, tamper, rule in mutant_fields.PAYLOAD
                if target == "gw1:1" and rule != "payload-first-value")  # fmt: skip
STATEMENT = tuple((name.replace(" ", "-"), tamper) for name, tamper, rule, _ in mutant_fields.STATEMENT
                  if rule in ("statement-form", "statement-field", "header-type") and name != "plant")  # fmt: skip
STATEMENT += (
    ("captured", put("1.5", "quality", "captured")),
    ("late-share", put("2.000000", "quality", "late_share")),
    ("certificates", put("none", "ledger", "certificates")),
    ("period-backwards", put(T0 - 3_600_000, "period", "to_ms")),
    ("a-negative-uncertainty", put("-0.020000", "total_u_rel")),
    ("minus-zero", put("-0.000000", "results", 0, "activity")),
)
PROOF = (
    ("first-line", replaced("tlog-proof@v1", "tlog-proof@v2")),
    ("extra-line", replaced("\nindex ", "\nextra AA==\nindex ")),
    ("no-index", replaced(rb"^index .*\n", b"", regex=True)),
    ("index-with-a-zero-in-front", replaced("\nindex ", "\nindex 0")),
    ("index-of-another-entry", replaced("\nindex 21\n", "\nindex 20\n")),
    ("index-beyond-the-size", replaced("\nindex 21\n", "\nindex 22\n")),
    ("a-hash-less", replaced(rb"^(index .*\n).*\n", rb"\1", regex=True)),
    ("a-hash-more", replaced(rb"^(index .*\n)", rb"\1" + OTHER_HASH.encode() + b"\n", regex=True)),
    ("another-hash", replaced(rb"^(index .*\n).*\n", rb"\1" + OTHER_HASH.encode() + b"\n", regex=True)),
    ("spare-bits-in-a-hash", replaced(rb"^(index .*\n).*\n", rb"\1" + SPARE_BITS.encode() + b"\n", regex=True)),
    ("a-short-hash", replaced(rb"^(index .*\n).*\n", rb"\1AAAA\n", regex=True)),
    ("no-empty-line", replaced(b"\n\n", b"\n")),
    ("origin", replaced("\n\ndemo.example/log\n", "\n\ndemo.example/lag\n")),
    ("no-cosignature", replaced("— metrology.example/w1 ", "— metrology.example/w2 ")),
    ("no-signature-of-the-log", replaced(rb"^\xe2\x80\x94 demo.example/log .*\n", b"", regex=True)),
    ("carriage-return", replaced("\n22\n", "\n22\r\n")),
)
POLICY = (
    ("no-quorum", replaced(rb"^quorum .*\n", b"", regex=True)),
    ("two-quorums", lambda data: data + b"quorum none\n"),
    ("quorum-of-nobody-known", replaced("quorum institute", "quorum ministry")),
    ("no-log", replaced(rb"^log .*\n", b"", regex=True)),
    ("group-of-more-than-there-are", replaced("group institute any", "group institute 2")),
    ("group-of-none", replaced("group institute any w1", "group institute any")),
    ("witness-in-two-groups", replaced("quorum ", "group other any w1\nquorum ")),
    ("witness-twice", replaced(rb"^(witness w1 )(.*\n)", rb"\1\2witness w2 \2", regex=True)),
    ("name-twice", replaced("group institute", "group w1")),
    ("one-registrar", replaced(rb"^registrar plant .*\n", b"", regex=True)),
    ("no-institute", replaced("registrar institute", "registrar province")),
    ("key-id", replaced(rb"^(log \S+?)\+[0-9a-f]{8}\+", rb"\1+00000000+", regex=True)),
    ("log-key-of-a-witness", replaced(rb"^log \S+\n(witness \S+ (\S+)\n)", rb"log \2\n", regex=True)),
    ("unknown-line", lambda data: data + b"logs none\n"),
    ("keyring-without-an-index", lambda data: data + b"keyring 2\n"),
    ("keyring-of-version-zero", lambda data: data + b"keyring 0 15\n"),
    ("keyring-with-a-zero-in-front", lambda data: data + b"keyring 2 015\n"),
    ("keyring-twice", lambda data: data + b"keyring 2 15\nkeyring 2 15\n"),
    ("keyrings-that-do-not-rise", lambda data: data + b"keyring 2 15\nkeyring 3 15\n"),
    ("keyring-before-another-line", replaced("registrar plant ", "keyring 2 15\nregistrar plant ")),
    ("carriage-return", replaced("quorum institute\n", "quorum institute\r\n")),
    ("no-line-feed-at-the-end", lambda data: data[:-1]),
)  # fmt: skip


@dataclass(frozen=True)
class Kind:
    """Files of one kind: their ending, the good one, how each is altered, and who judges them."""

    ending: str
    good: bytes
    bad: Mapping[str, bytes]
    judge: Callable[[bytes], None]


def kinds() -> dict[str, Kind]:
    """Every kind, by its folder."""
    world = mutants.standard()
    index = world.labels["gw1:1"]
    batch, payload = world.notes[index], world.payloads[index]
    statement = world.notes[world.labels["statement2"]]
    proved = mutants.sound()["statement.tlog-proof"]
    anchor = world.anchor()

    def signed(original: bytes, tamper: Tamper, *keys: str) -> bytes:
        body, _ = note.split(original)
        return note.sign(tamper(body), *(getattr(world.keys, key) for key in keys))

    return {
        "batch": Kind("note", batch, {name: signed(batch, tamper, "gw1") for name, tamper in BATCH}
                      | {"signature": tampered(batch)}, _batch(world, payload)),
        "payload": Kind("lines", payload, {name: tamper(payload) for name, tamper in PAYLOAD}, _payload(world)),
        "statement": Kind("note", statement,
                          {name: signed(statement, tamper, "prepare", "approve") for name, tamper in STATEMENT}
                          | {"signature": tampered(statement)}, _statement(world)),
        "proof": Kind("tlog-proof", proved, {name: tamper(proved) for name, tamper in PROOF},
                      _proof(statement, anchor)),
        "anchor": Kind("policy", anchor, {name: tamper(anchor) for name, tamper in POLICY}, _anchor),
    }  # fmt: skip


def tampered(signed: bytes) -> bytes:
    """A note with one letter of its text altered and the old signatures."""
    return signed.replace(b"demo", b"demq", 1)


def files() -> Iterator[tuple[str, bytes]]:
    """Every file of the folder, with the messages."""
    lines = []
    for folder, kind in kinds().items():
        yield f"{folder}/good.{kind.ending}", kind.good
        for name, data in kind.bad.items():
            path = f"{folder}/{name}.{kind.ending}"
            yield path, data
            lines.append(f"{path}: {message(kind, data)}\n")
    yield EXPECTED, "".join(lines).encode()


def message(kind: Kind, data: bytes) -> str:
    """What is said of a bad file."""
    try:
        kind.judge(data)
    except TrustError as error:
        return str(error)
    return "nothing"


def _keyring() -> Keyring:
    return Keyring.first(mutants.standard().notes[0], Anchor.parse(mutants.standard().anchor()).registrars)


def _batch(world: World, payload: bytes) -> Callable[[bytes], None]:
    """A batch after the one before it in its chain, with the payload it had."""
    before = world.notes[world.labels["gw1:0"]]
    keys = KeyHistory(((0, _keyring()),))
    plants = PlantHistory((Version(1, world._plants[0], b""),), {}, {})

    def judge(data: bytes) -> None:
        leaves = tuple(map(leaf_hash, (before, data)))
        edge = CompactRange(0)
        log = LogPart(2, (before, data), leaves, (edge.hashes,) * 3)
        entries = EntryReader(FolderReader(FOLDER), log, keys, plants).read()
        if entries.failure is not None:
            raise entries.failure
        check_one(Task(3, "payload", entries.batches[1].batch), payload, None)

    return judge


def _payload(world: World) -> Callable[[bytes], None]:
    """Lines against a batch that was sealed over exactly these lines."""
    kinds = {point: told.kind for point, told in read_point_map(POINT_MAP).items()}
    body, _ = note.split(world.notes[world.labels["gw1:1"]])

    def judge(data: bytes) -> None:
        root = payload_root(data) if data.endswith(b"\n") else bytes(32)
        text = replaced(rb"^points .*$", f"points {data.count(bytes([10]))} {encode64(root)}", regex=True)
        sealed = Batch.parse(body if root == Batch.parse(body).root else text(body))
        check_one(Task(3, "payload", sealed), data, kinds)

    return judge


def _statement(world: World) -> Callable[[bytes], None]:
    index = world.labels["statement2"]
    return lambda data: (statements.parse(open_approved(data, _keyring(), index)), None)[1]


def _proof(statement: bytes, anchor: bytes) -> Callable[[bytes], None]:
    return lambda data: (verify_statement(statement, data, Anchor.parse(anchor), _keyring()), None)[1]


def _anchor(data: bytes) -> None:
    Anchor.parse(data)


def write(folder: Path) -> None:
    """Write every file."""
    for path, data in files():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)


if __name__ == "__main__":
    write(FOLDER)
