"""Bundles with one thing wrong, and the rule that has to say so (docs/trust-format.md 10 and 11).

Ways: *as it is* (a member altered, everything else left), *listed anew* (the packer signs a new list of members, all
other signatures stay), *logged anew* (a log takes an altered note with its old signature), *signed anew* (the rightful
keys sign the altered text, and everything after it is chained, logged and cosigned again: the field's own rule has to
fire). The referee's test runs the same bundles through a second verifier.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from .mutant_fields import (
    BATCH,
    BESIDE,
    COMPLETENESS,
    CORRECTION,
    HEAD,
    HEADER,
    INTEGRITY,
    KEYRING,
    LIST,
    PAYLOAD,
    PLANT,
    STATEMENT,
    field,
    put,
    replaced,
)
from .world import Tamper, World, build


@dataclass(frozen=True)
class Mutant:
    """Members with their list, and what is expected: question and rule; rule None: any, if both verifiers agree."""

    name: str
    members: Mapping[str, bytes]
    rule: str | None
    question: str = INTEGRITY


@cache
def standard() -> World:
    """The world that nothing was done to; its anchor is the verifier's."""
    return build()


@cache
def sound() -> Mapping[str, bytes]:
    """Its bundle."""
    return standard().listed(standard().members())


def write_zip(path: Path, members: Mapping[str, bytes]) -> Path:
    """A zip of these members as any program would pack it."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def signed_anew() -> Iterator[Mutant]:
    """Each field altered by whoever holds the keys: its own rule fires."""
    for name, tamper in HEADER:
        yield _anew(f"batch, {name}", {"gw1:1": tamper}, "header-field")
    for name, target, tamper, rule, question in BATCH:
        yield _anew(f"batch, {name}", {target: tamper}, rule, question)
    gap = {"gw1:6": field("seq", "7"), "statement2": put(7, "inputs", "gateways", 0, "last_seq")}
    yield _anew("batch, seq left out and counted in", gap, "complete-sequence", COMPLETENESS)
    for name, target, tamper, rule in PAYLOAD:
        yield _anew(f"payload, {name}", {f"payload {target}": tamper}, rule)
    for name, target, tamper, rule in (*KEYRING, *PLANT):
        yield _anew(f"{target}, {name}", {target: tamper}, rule)
    for name, tamper, rule in CORRECTION:
        yield _anew(f"correction, {name}", {"correction": tamper}, rule)
    for name, tamper, rule, question in STATEMENT:
        yield _anew(f"statement, {name}", {"statement2": tamper}, rule, question)
    for name, tamper, rule in LIST:
        yield _anew(f"list, {name}", {"manifest": tamper}, rule)
    for name, tamper, rule in HEAD:
        yield _anew(f"head, {name}", {"head": tamper}, rule)


def _anew(name: str, tamper: Mapping[str, Tamper], rule: str | None, question: str = INTEGRITY) -> Mutant:
    world = build(tamper=tamper)
    return Mutant(f"signed anew: {name}", world.listed(world.members()), rule, question)


def flipped(data: bytes) -> bytes:
    """The data with the lowest bit of the byte in the middle turned over."""
    at = len(data) // 2
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def as_they_are() -> Iterator[Mutant]:
    """Each member with one bit turned over and nothing else done; what comes before the list has rules of its own."""
    for path, data in sound().items():
        early = path in ("policy", "statement.tlog-proof", "MANIFEST.note") or path.startswith("keyring/")
        rule = None if early else "manifest-digest"
        yield Mutant(f"as it is: {path}", {**sound(), path: flipped(data)}, rule)
        if not early and data:
            yield Mutant(f"as it is: {path} shorter", {**sound(), path: data[:-1]}, "manifest-size")
            yield Mutant(f"as it is: {path} absent", _without(sound(), path), "manifest-listed")


ANEW: tuple[tuple[str, str | None], ...] = (
    (r"notes/", "checkpoint-root"),
    (r"payload/", None),
    (r"inputs\.lines", "statement-manifest"),
    (r"(ledger\.json|factors\.toml|rulesets\.toml|plant\.yaml|pointmap)", "statement-digest"),
    (r"files/", "plant-file"),
    (r"explain", "ok"),
)


def listed_anew() -> Iterator[Mutant]:
    """Each member with one bit turned over and the list signed again: what the packer of a bundle can do alone."""
    members = standard().members()
    for name, path, tamper, expected in BESIDE:
        yield Mutant(
            f"listed anew: {path}, {name}", standard().listed({**members, path: tamper(members[path])}), expected
        )
    for path, data in members.items():
        rule = next((rule for pattern, rule in ANEW if re.match(pattern, path)), None)
        if rule != "ok":
            altered = standard().listed({**members, path: flipped(data)})
            yield Mutant(f"listed anew: {path}", altered, rule)


def logged_anew() -> Iterator[Mutant]:
    """Each entry with one letter of its text altered, the old signature, and a log that takes it: note-signature."""
    for label in standard().labels:
        tamper = {f"signed {label}": replaced(rb"^tanji/(\w+)/v1\n(\S+)", rb"tanji/\1/v1\n\2x", regex=True)}
        if label.startswith("statement"):
            tamper = {f"signed {label}": replaced('"51.250000"', '"51.250001"')}
        world = build(tamper=tamper)
        yield Mutant(f"logged anew: {label}", world.listed(world.members()), "note-signature")


def _without(members: Mapping[str, bytes], path: str) -> dict[str, bytes]:
    return {name: data for name, data in members.items() if name != path}


def every() -> Iterator[Mutant]:
    """All of them."""
    yield from as_they_are()
    yield from listed_anew()
    yield from logged_anew()
    yield from signed_anew()
