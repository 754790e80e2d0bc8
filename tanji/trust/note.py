"""Signed notes: a text and the signatures under it (C2SP signed-note, Ed25519 cosignatures of C2SP tlog-cosignature).

Everything here works on bytes and verifies before anything of the text is parsed (R33, R35). `open_note` follows the
specification: unknown keys are ignored, one bad signature of a known key fails the whole note. `open_leaf` is for notes
that become leaves of a log: exactly the required lines, or there would be a second leaf for the same content. What a
text means is the business of the module that owns its first line.
"""

from __future__ import annotations

import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from struct import Struct
from typing import NamedTuple

from nacl.bindings import crypto_sign_open
from nacl.exceptions import BadSignatureError

from tanji.errors import TrustError
from tanji.trust.canonical import LARGEST_WHOLE, decode64
from tanji.trust.keys import COSIGNATURE, ED25519, VerifierKey, is_name
from tanji.trust.signer import SIGNATURE_BYTES, Signer

DASH = "—"

MOST_SIGNATURES = 64
"""The specification asks for at least 16; a witnessed checkpoint of a province has fewer than this."""

LARGEST_NOTE = 1 << 20
"""Far above any statement; bounds what a stranger can make us read [byte]."""

KEY_ID_BYTES = 4
TIME = Struct(">Q")
CONTROLS = bytes(set(range(32)) - {ord("\n")})


class Signature(NamedTuple):
    """One signature line, not yet verified."""

    name: str
    key_id: bytes
    blob: bytes


@dataclass(frozen=True, slots=True)
class Opened:
    """A verified text and the known keys under it, each with the time of a cosignature [s] or None."""

    body: bytes
    verified: tuple[tuple[VerifierKey, int | None], ...]


def sign(body: bytes, *signers: Signer) -> bytes:
    """The note: `body`, an empty line, one signature line of every signer in this order."""
    return b"".join((body, b"\n", *(signature_line(body, signer) for signer in signers)))


def signature_line(body: bytes, signer: Signer) -> bytes:
    """The signature line of `signer` under `body`."""
    key = VerifierKey.parse(signer.vkey())
    if key.kind != ED25519:
        raise TrustError("key-form", where=key.name, expected="a key of type 1 to sign notes", got=f"type {key.kind}")
    _check_text(body)
    return _line(key, signer.sign(body))


def cosign(body: bytes, signer: Signer, *, time_s: int) -> bytes:
    """The line with which a witness says that it saw the checkpoint `body` at `time_s` [s]."""
    key = VerifierKey.parse(signer.vkey())
    if key.kind != COSIGNATURE:
        raise TrustError("key-form", where=key.name, expected="a key of type 4 to cosign", got=f"type {key.kind}")
    if not 0 < time_s <= LARGEST_WHOLE:
        raise TrustError("note-form", where=key.name, expected="a time after 1970", got=f"{time_s} s")
    _check_text(body)
    return _line(key, TIME.pack(time_s) + signer.sign(_cosigned(body, time_s)))


def split(note: bytes) -> tuple[bytes, tuple[Signature, ...]]:
    """Text and signature lines, none of them verified; any deviation from the form is refused."""
    if len(note) > LARGEST_NOTE:
        raise TrustError("note-form", expected=f"at most {LARGEST_NOTE} bytes", got=f"{len(note)} bytes")
    _check_characters(note)
    text, empty_line, block = note.rpartition(b"\n\n")  # the last one: a text may hold empty lines itself
    if not empty_line or not block.endswith(b"\n"):
        raise TrustError("note-form", expected="a text, an empty line, signature lines", got="no signature block")
    lines = block[:-1].split(b"\n")  # not splitlines(): it breaks at other characters too
    if len(lines) > MOST_SIGNATURES:
        raise TrustError("note-form", expected=f"at most {MOST_SIGNATURES} signatures", got=f"{len(lines)}")
    return text + b"\n", tuple(map(_signature, lines))


def open_note(note: bytes, keys: Sequence[VerifierKey]) -> Opened:
    """The text of a note signed by at least one of `keys`; lines of other keys are ignored."""
    known: dict[tuple[str, bytes], VerifierKey] = {}
    for key in keys:
        if known.setdefault((key.name, key.key_id), key) != key:
            raise TrustError("key-twice", where=key.name, expected="one key for a name and id", got="two")
    body, signatures = split(note)
    verified = []
    for signature in signatures:
        found = known.get((signature.name, signature.key_id))
        if found is not None:
            verified.append((found, verify(body, signature, found)))
    if not verified:
        names = ", ".join(key.name for key in keys) or "no key"
        got = ", ".join(f"{each.name}+{each.key_id.hex()}" for each in signatures)
        raise TrustError("note-unknown-key", expected=f"a signature by {names}", got=got)
    return Opened(body, tuple(verified))


def open_leaf(note: bytes, keys: Sequence[VerifierKey]) -> bytes:
    """The text of a note under which exactly `keys` have signed, in this order."""
    body, signatures = split(note)
    if len(signatures) != len(keys):
        raise _other_signers(signatures, keys)
    for place, key in enumerate(keys):
        if signatures[place][:2] != (key.name, key.key_id):
            raise _other_signers(signatures, keys)
    for place, key in enumerate(keys):
        verify(body, signatures[place], key)
    return body


def verify(body: bytes, signature: Signature, key: VerifierKey) -> int | None:
    """Raise unless `signature` is one by `key` under `body`; the time of a cosignature [s], else None."""
    time_s, blob = None, signature.blob
    if key.kind == COSIGNATURE:
        time_s = TIME.unpack(blob[: TIME.size])[0] if len(blob) >= TIME.size else 0
        body, blob = _cosigned(body, time_s), blob[TIME.size :]
    if len(blob) == SIGNATURE_BYTES and (time_s is None or 0 < time_s <= LARGEST_WHOLE):
        try:
            crypto_sign_open(blob + body, key.public)
            return time_s
        except BadSignatureError:
            pass
    raise TrustError("note-signature", where=key.name, expected="a valid signature", got="one that does not verify")


def fields(body: bytes, type_line: str, names: Sequence[str]) -> dict[str, str]:
    """Header fields of a verified text: first `type_line`, then `name value` lines, each once and in this order.

    names : the fields; one that ends in `?` may be left out.
    """
    first, *lines = lines_of(body)
    if first != type_line:
        raise TrustError("header-type", expected=type_line, got=first)
    found: dict[str, str] = {}
    at = 0
    for name in names:
        wanted = name.removesuffix("?")
        given, blank, value = lines[at].partition(" ") if at < len(lines) else ("the end", "", "")
        if given != wanted:
            if name.endswith("?"):
                continue
            raise TrustError("header-field", where=type_line, expected=wanted, got=given)
        if not blank or not value or value != value.strip(" "):
            raise TrustError("header-field", where=type_line, expected=f"{wanted} and a value", got=lines[at])
        found[wanted] = value
        at += 1
    if at < len(lines):
        raise TrustError("header-field", where=type_line, expected="no further line", got=lines[at])
    return found


def _other_signers(signatures: Sequence[Signature], keys: Sequence[VerifierKey]) -> TrustError:
    """What is wrong with lines that are not those of `keys` in their order."""
    wanted = [(key.name, key.key_id) for key in keys]
    for name, key_id, _ in signatures:
        if (name, key_id) not in wanted:
            expected = " and ".join(f"{name}+{key_id.hex()}" for name, key_id in wanted)
            return TrustError("note-unknown-key", expected=expected, got=f"{name}+{key_id.hex()}")
    expected, got = ", ".join(key.name for key in keys), ", ".join(each.name for each in signatures)
    return TrustError("note-signers", expected=expected, got=got)


def lines_of(body: bytes) -> list[str]:
    """The lines of a verified text, without their ends."""
    _check_text(body)
    return body[:-1].decode("utf-8").split("\n")


def _line(key: VerifierKey, signature: bytes) -> bytes:
    return b"%b %b %b" % (DASH.encode(), key.name.encode(), binascii.b2a_base64(key.key_id + signature))


def _cosigned(body: bytes, time_s: int) -> bytes:
    return b"cosignature/v1\ntime %d\n%b" % (time_s, body)


def _check_text(body: bytes) -> None:
    if not body.endswith(b"\n"):
        raise TrustError("note-form", expected="a text that ends with a line feed", got="none")
    _check_characters(body)


def _check_characters(data: bytes) -> None:
    if len(data.translate(None, CONTROLS)) != len(data):
        raise TrustError("note-form", expected="no control characters but line feeds", got="a control character")
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise TrustError("note-form", expected="UTF-8", got=f"something else at byte {error.start}") from None


def _signature(line: bytes) -> Signature:
    head, _, encoded = line.rpartition(b" ")
    name = _name(head)
    raw = decode64(encoded, rule="note-base64", where=name)
    if len(raw) <= KEY_ID_BYTES:
        raise TrustError("note-form", where=name, expected="a key id and a signature", got=f"{len(raw)} bytes")
    return Signature(name, raw[:KEY_ID_BYTES], raw[KEY_ID_BYTES:])


@lru_cache(maxsize=1024)  # the beginnings of signature lines are always the same few
def _name(head: bytes) -> str:
    """The key name behind the dash."""
    dash, _, name = head.decode("utf-8").partition(" ")
    if dash != DASH or not is_name(name):
        raise TrustError("note-form", expected="— <key name> <base64>", got=head[:200].decode("utf-8", "replace"))
    return name
