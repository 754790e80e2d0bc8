"""What a bundle may hold, and the signed list of its members `tanji/bundle/v1` (reference/trust.md 2.6).

A bundle comes from a stranger: every path is one of a few known forms, so nothing can be written outside a folder or
hide beside what is verified; sizes are capped before anything is inflated. The list says the SHA-256 and size of every
member and is signed by the preparer. The file itself is read in `bundle_reader` and written in `bundle_writer`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256

from tanji.errors import TrustError
from tanji.trust.canonical import whole

TYPE_LINE = b"tanji/bundle/v1\n"
MANIFEST = "MANIFEST.note"
STATEMENT, STATEMENT_PROOF = "statement.note", "statement.tlog-proof"
POLICY, PREFIX, INPUTS, EXPLAIN = "policy", "log/prefix", "inputs.lines", "explain.html"
LEDGER, FACTORS, RULESETS, PLANT, POINT_MAP = "ledger.json", "factors.toml", "rulesets.toml", "plant.yaml", "pointmap"
REQUIRED = (
    STATEMENT, STATEMENT_PROOF, POLICY, PREFIX, INPUTS, LEDGER, FACTORS, RULESETS, PLANT, POINT_MAP,
)  # fmt: skip
"""Members every bundle has, beside the list itself and at least one keyring note."""

LARGEST_MEMBER = 256 << 20
"""A gateway's payload of a minute is a few MB; a month of lines fed to the formulas is less [byte]."""
LARGEST_BUNDLE = 4 << 30
"""All members together, inflated: a month of a large plant, with room [byte]."""
MOST_MEMBERS = 500_000
"""A month has 45,000 notes of one gateway, each with its payload."""
COMMENT = b"sha256 "
"""A bundle of Tanji's ends in a comment: this, and the hexadecimal SHA-256 of every byte before those digits."""

_INDEX = r"[0-9]{12}"
_PATHS = re.compile(
    "|".join(
        (
            *(re.escape(path) for path in (MANIFEST, *REQUIRED, EXPLAIN)),
            rf"(keyring|plant)/{_INDEX}\.(note|tlog-proof)",
            rf"notes/{_INDEX}\.note",
            rf"payload/{_INDEX}\.lines",
            r"checkpoints/[0-9]{12}-[0-9]{1,12}\.note",
            r"files/[0-9a-f]{64}",
        )
    ),
    re.ASCII,
)
_LINE = re.compile(rb"([0-9a-f]{64}) ([0-9]+) ([!-~]+)\n")


@dataclass(frozen=True, slots=True)
class Member:
    """One line of the list. size [byte]; sha256 in hexadecimal."""

    sha256: str
    size: int
    path: str

    @classmethod
    def of(cls, path: str, data: bytes) -> Member:
        """The line of a member with these bytes."""
        return cls(sha256(data).hexdigest(), len(data), path)


def check_path(path: str) -> None:
    """TrustError manifest-path unless it is one of the paths a bundle may have."""
    if not _PATHS.fullmatch(path):
        raise TrustError("manifest-path", where=path, expected="a path of a bundle", got=path)


def check_sizes(sizes: Mapping[str, int]) -> None:
    """TrustError manifest-size if a member, or all of them, are larger than any bundle is."""
    if len(sizes) > MOST_MEMBERS:
        raise TrustError("manifest-size", expected=f"at most {MOST_MEMBERS} members", got=str(len(sizes)))
    for path, size in sizes.items():
        if size > LARGEST_MEMBER:
            raise TrustError("manifest-size", where=path, expected=f"at most {LARGEST_MEMBER} bytes", got=str(size))
    if (whole_size := sum(sizes.values())) > LARGEST_BUNDLE:
        raise TrustError("manifest-size", expected=f"at most {LARGEST_BUNDLE} bytes in all", got=str(whole_size))


def check_required(paths: Iterable[str]) -> None:
    """TrustError manifest-listed unless the members are there without which there is nothing to verify."""
    there = set(paths)
    for path in (MANIFEST, *REQUIRED):
        if path not in there:
            raise TrustError("manifest-listed", where=path, expected="a member of this name", got="none")
    if not any(path.startswith("keyring/") and path.endswith(".note") for path in there):
        raise TrustError("manifest-listed", where="keyring/", expected="at least one keyring note", got="none")


def format_members(members: Iterable[Member]) -> bytes:
    """The body of the list, sorted by path."""
    lines = [f"{one.sha256} {one.size} {one.path}\n" for one in sorted(members, key=lambda one: one.path)]
    body = TYPE_LINE + "".join(lines).encode("ascii")
    parse_members(body)
    return body


def parse_members(body: bytes) -> dict[str, Member]:
    """The members of a list whose signature has been verified, by path."""
    lines = body.removeprefix(TYPE_LINE)
    if len(lines) == len(body):
        raise TrustError("header-type", where=MANIFEST, expected=TYPE_LINE.decode().strip(), got=repr(body[:40]))
    found: dict[str, Member] = {}
    last = ""
    for number, line in enumerate(lines.split(b"\n")[:-1], start=1):
        member = _member(line + b"\n", number)
        if member.path <= last:
            raise TrustError(
                "manifest-form", where=MANIFEST, expected=f"a path after {last}, sorted and once", got=member.path
            )
        found[member.path] = member
        last = member.path
    if not lines.endswith(b"\n"):
        raise TrustError("manifest-form", where=MANIFEST, expected="lines that end", got=repr(lines[-40:]))
    return found


def check_members(body: bytes, members: Mapping[str, Member]) -> None:
    """Raise at the first difference between the members and their signed list, whose signature has been verified."""
    listed = parse_members(body)
    for path in sorted({*listed, *members} - {MANIFEST}):
        if path not in listed or path not in members:
            expected, got = ("no such member", "one") if path in members else ("a listed member", "none")
            raise TrustError("manifest-listed", where=path, expected=expected, got=got)
    for path, said in listed.items():
        if members[path].size != said.size:
            expected, got = f"{said.size} bytes", f"{members[path].size} bytes"
            raise TrustError("manifest-size", where=path, expected=expected, got=got)
        if members[path].sha256 != said.sha256:
            raise TrustError("manifest-digest", where=path, expected=said.sha256, got=members[path].sha256)


def _member(line: bytes, number: int) -> Member:
    match = _LINE.fullmatch(line)
    if match is None:
        raise TrustError(
            "manifest-form", where=f"{MANIFEST} line {number}", expected="digest size path", got=repr(line)
        )
    digest, size, path = (part.decode("ascii") for part in match.groups())
    check_path(path)
    if path == MANIFEST:
        raise TrustError("manifest-form", where=MANIFEST, expected="every member but the list itself", got=path)
    return Member(digest, whole(size, rule="manifest-form", where=path, most=LARGEST_MEMBER), path)
