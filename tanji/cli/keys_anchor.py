"""`tanji keys anchor`: the trust anchor names the newest keyring, so that nobody can hide it (R33, R35).

The institute does it once a keyring is in the log, and gives the anchor to whoever verifies; what a verifier makes of
the line is docs/trust-format.md 3.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path

from tanji.errors import EvidenceMissing, TrustError, UsageError
from tanji.trust import durable
from tanji.trust.anchor_text import with_keyring
from tanji.trust.key_folder import KeyFolder
from tanji.trust.keyring import Keyring
from tanji.trust.keyring_place import newest_logged, require_signed
from tanji.trust.policy_file import NamedKeyring
from tanji.trust.verify_report import FAILED, UNDECIDED

EXAMPLE = """example:
  tanji keys anchor bundle.zip --keys keys
  tanji keys anchor /var/lib/tanji/log --plant plant.yaml --data /var/lib/tanji
  tanji keys anchor --by 184467 --keys keys"""

NEXT = "next: give it to whoever verifies, in the place of the old one / 请交给验证者，替换旧的信任锚"


def add_options(parser: argparse.ArgumentParser, folder_of: Callable[[argparse.Namespace], KeyFolder]) -> None:
    """The verb's own arguments. folder_of : the folder of keys that the shared ones name."""
    parser.epilog = EXAMPLE
    evidence = "a bundle, an unpacked one or the folder of a log, in which the newest keyring is"
    parser.add_argument("evidence", type=Path, nargs="?", metavar="EVIDENCE", help=evidence)
    by = "instead of evidence, for a keyring that is signed and not logged: the log index by which it has to be there"
    parser.add_argument("--by", type=int, metavar="INDEX", help=by)
    parser.set_defaults(func=lambda arguments: run(arguments, folder_of(arguments)))


def run(arguments: argparse.Namespace, folder: KeyFolder) -> int:
    """Find the newest keyring and write the line; 1 where the evidence does not show what was signed."""
    if (arguments.evidence is None) == (arguments.by is None):
        got = "neither" if arguments.by is None else "both"
        raise UsageError(f"expected either EVIDENCE or --by INDEX, got {got}")
    anchor = folder.anchor()
    signed = folder.keyring()
    if arguments.evidence is None:
        named = _promised(signed, arguments.by, where=folder.folder)
    else:
        try:
            found = newest_logged(arguments.evidence, anchor)
            require_signed(found, signed)
        except TrustError as error:
            print(f"tanji: {arguments.evidence}: {error}", file=sys.stderr)
            return UNDECIDED if isinstance(error, EvidenceMissing) else FAILED
        named = found.named
    old = anchor.keyring
    if old is not None and named.version < old.version:
        raise UsageError(f"{folder.anchor_file}: expected keyring {old.version} or later, got {named.version}")
    durable.replace(folder.anchor_file, with_keyring(folder.anchor_file.read_bytes(), named))
    return _say(arguments, folder.anchor_file, named)


def told(named: NamedKeyring | None) -> str:
    """What an anchor says of keyrings, in words."""
    if named is None:
        return "names no keyring: one could be hidden (`tanji keys anchor`) / 信任锚未指明密钥表"
    chinese = f"信任锚指明密钥表 {named.version}，不迟于日志第 {named.index} 条"
    return f"names keyring {named.version}, in the log by index {named.index} / {chinese}"


def _promised(signed: Keyring | None, index: int, *, where: Path) -> NamedKeyring:
    if signed is None or index < 0:
        there = "no keyring" if signed is None else f"keyring {signed.version}"
        raise UsageError(f"--by: expected an index from 0 on, and a signed keyring in {where}; got {index} and {there}")
    return NamedKeyring(signed.version, index)


def _say(arguments: argparse.Namespace, file: Path, named: NamedKeyring) -> int:
    if arguments.json:
        print(json.dumps({"anchor": str(file), "version": named.version, "index": named.index}))
    else:
        print(f"{file}: {told(named)}\n{NEXT}")
    return 0
