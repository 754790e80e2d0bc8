"""Which method computes here, and whether somebody's list approves of it (R4; reference/trust.md 2.6).

The digest of the method is over the installed sources that a figure depends on, so that a wheel, a container and a
checkout of one commit have the same. A verifier recomputes with its own Tanji and never with code of a bundle: method,
rule sets and factors must be on a list, by default of one, what the verifier has installed.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from functools import cache
from importlib import metadata, resources
from importlib.resources.abc import Traversable
from pathlib import Path

import calc_jobs
from tanji import __version__
from tanji.errors import EvidenceMissing, TrustError
from tanji.trust.statement import MethodUsed, Statement

NAME = "tanji"
PACKAGES = ("tanji.domain", "tanji.ledger", "tanji.plant", "tanji.quality", "tanji.report", "tanji.store")
"""With `calc_jobs`, the packages whose sources a figure depends on; flags are of `tanji.acquisition`."""
FLAGS = "acquisition/flags.py"
ENDINGS = (".py", ".toml")
WORDS = "words.toml"
"""What people read in two languages; no figure depends on it."""
UNKNOWN = "unknown"
KINDS = ("method", "rules", "factors")
_LINE = re.compile(r"(method|rules|factors) ([0-9a-f]{64})( .*)?")


@dataclass(frozen=True, slots=True)
class Approved:
    """Digests a verifier believes in, by kind: method, rules, factors."""

    digests: frozenset[tuple[str, str]]

    def check(self, statement: Statement) -> None:
        """EvidenceMissing recompute-approved, which is 'cannot decide', for the first that is not on the list."""
        found = {
            "method": statement.method.sha256,
            "rules": statement.rules.sha256,
            "factors": statement.factors.sha256,
        }
        for kind in KINDS:
            if (kind, found[kind]) not in self.digests:
                known = ", ".join(sorted(digest[:16] for one, digest in self.digests if one == kind)) or "none"
                raise EvidenceMissing(
                    "recompute-approved", where=kind, expected=f"a digest of the list ({known})", got=found[kind]
                )


def installed() -> Approved:
    """The list of one that needs no file: what is installed here."""
    rules, factors = (hashlib.sha256(data).hexdigest() for data in (rulesets_toml(), factors_toml()))
    return Approved(frozenset({("method", method().sha256), ("rules", rules), ("factors", factors)}))


def read(path: Path) -> Approved:
    """A list from a file: lines `method|rules|factors <sha256> [remark]`, blank lines and lines with # left out."""
    found = set()
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        match = _LINE.fullmatch(line.strip())
        if match is None:
            expected = "method, rules or factors and 64 hexadecimal digits"
            raise TrustError("recompute-approved", where=f"{path.name} line {number}", expected=expected, got=line)
        found.add((match[1], match[2]))
    return Approved(frozenset(found))


@cache
def method() -> MethodUsed:
    """The installed method, as a statement names it."""
    digest = hashlib.sha256()
    for path, data in sorted(_sources().items()):
        digest.update(f"{hashlib.sha256(data).hexdigest()} {path}\n".encode())
    return MethodUsed(NAME, __version__, _commit(), digest.hexdigest())


def rulesets_toml() -> bytes:
    """The installed rule sets."""
    return resources.files("tanji.domain").joinpath("rulesets.toml").read_bytes()


def factors_toml() -> bytes:
    """The installed default factors."""
    return resources.files("tanji.domain").joinpath("factors.toml").read_bytes()


def _sources() -> dict[str, bytes]:
    found = {f"tanji/{FLAGS}": resources.files("tanji").joinpath(FLAGS).read_bytes()}
    for package in (*PACKAGES, calc_jobs.__name__):
        _collect(resources.files(package), package.replace(".", "/"), found)
    # Line ends may differ between a checkout and a wheel; nothing else may.
    return {path: data.replace(b"\r\n", b"\n") for path, data in found.items()}


def _collect(folder: Traversable, at: str, found: dict[str, bytes]) -> None:
    for entry in folder.iterdir():
        if entry.is_dir() and entry.name != "__pycache__":
            _collect(entry, f"{at}/{entry.name}", found)
        elif entry.name.endswith(ENDINGS) and entry.name != WORDS:
            found[f"{at}/{entry.name}"] = entry.read_bytes()


def _commit() -> str:
    """The commit that was installed, where the installer noted one (PEP 610)."""
    try:
        text = metadata.distribution(NAME).read_text("direct_url.json")
        said = json.loads(text) if text else {}
    except (metadata.PackageNotFoundError, ValueError):
        return UNKNOWN
    commit = said.get("vcs_info", {}).get("commit_id", "")
    return commit if re.fullmatch(r"[0-9a-f]{7,64}", commit) else UNKNOWN
