"""`tanji keys list`: the keys in force and ended, whose private half lies here, and the draft that waits (R33).

Nothing is changed; what changes a keyring is `tanji.cli.keys_ring`.
"""

from __future__ import annotations

import argparse
import json
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tanji.cli.keys_anchor import told
from tanji.cli.keys_ring import folder_of
from tanji.cli.keys_setup import SELF_REGISTERED_EN, SELF_REGISTERED_ZH, compared
from tanji.errors import TrustError
from tanji.trust.key_folder import KeyFolder
from tanji.trust.keyring import FIRST_VERSION, Keyring
from tanji.trust.keyring_draft import Draft
from tanji.trust.keyring_text import KeyLine
from tanji.trust.registrar import SELF_REGISTERED
from tanji.trust.signer import SigningKeyFile


def run_list(arguments: argparse.Namespace) -> int:
    """Show the newest keyring and what waits; 1 if there is no keyring in force."""
    folder = folder_of(arguments)
    keyring = folder.keyring()
    anchor = folder.anchor()
    version = FIRST_VERSION if keyring is None else keyring.version + 1
    waiting = folder.draft_file(version)
    here = _private_keys(folder)
    registrars = anchor.registrars if keyring is None else keyring.registrars
    is_self_registered = any(each.organisation == SELF_REGISTERED for each in registrars)
    if arguments.json:
        shown: dict[str, Any] = {
            "plant": None if keyring is None else keyring.plant,
            "version": None if keyring is None else keyring.version,
            "self_registered": is_self_registered,
            "draft": str(waiting) if waiting.exists() else None,
            "anchor_names": None if anchor.keyring is None else asdict(anchor.keyring),
            "registrars": [{"organisation": each.organisation, "vkey": each.key.text} for each in registrars],
            "keys": [_as_json(line, here=here) for line in keyring.lines] if keyring else [],
        }
        print(json.dumps(shown, ensure_ascii=False))
        return 0 if keyring else 1
    if is_self_registered:
        print(f"{SELF_REGISTERED_EN}\n{SELF_REGISTERED_ZH}")
    print(f"plant {keyring.plant}, keyring {keyring.version}" if keyring else "no keyring in force yet 尚无现行密钥表")
    print(f"anchor      {told(anchor.keyring)}")
    for each in registrars:
        print(f"registrar   {each.organisation:<16} {each.key.text}")
    for line in keyring.lines if keyring else ():
        end = "open" if line.until is None else str(line.until)
        where = "  private key here" if line.key.text in here else ""
        scope = "" if line.scope is None else f"  meters {','.join(line.scope)}"
        print(f"{line.role:<11} {line.first:>8} to {end:<8} {line.key.text}{scope}{where}")
    if waiting.exists():
        _show_draft(Draft.parse(waiting.read_bytes(), registrars), keyring, file=waiting)
    return 0 if keyring else 1


def _show_draft(draft: Draft, keyring: Keyring | None, *, file: Path) -> None:
    """What would change, and who has to sign yet."""
    print(f"draft of keyring {draft.text.version}: {file}; waits for {' and '.join(draft.waiting_for())}")
    before = set() if keyring is None else set(keyring.lines)
    for line in sorted(set(draft.text.lines) - before, key=lambda each: (each.role, each.first)):
        print(f"  new   {line.role} {line.first} to {'open' if line.until is None else line.until} {line.key.text}")
    print(compared(draft.text.body))


def _private_keys(folder: KeyFolder) -> set[str]:
    """Public keys of the private ones that can be read in the folder."""
    found = set()
    for path in folder.folder.glob("*.key"):
        with suppress(TrustError, OSError):
            found.add(SigningKeyFile(path).read().vkey())
    return found


def _as_json(line: KeyLine, *, here: set[str]) -> dict[str, Any]:
    return {
        "role": line.role,
        "vkey": line.key.text,
        "from": line.first,
        "until": line.until,
        "meters": None if line.scope is None else list(line.scope),
        "private_key_here": line.key.text in here,
    }
