"""`tanji keys register | rotate | revoke | sign | list`: the keyring of a plant, version after version (R33).

A change is a draft until the institute's registrar and another one have signed it, each where its key is; registrars'
keys that lie in the folder sign at once. A finished note is logged by the process that keeps the log.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from tanji.cli.keys_setup import SELF_REGISTERED_EN, SELF_REGISTERED_ZH, compared
from tanji.errors import EvidenceMissing, TrustError, UsageError
from tanji.plant.load import load
from tanji.trust.key_folder import KeyFolder, part_of
from tanji.trust.keyring import FIRST_VERSION, Keyring
from tanji.trust.keyring_draft import Draft
from tanji.trust.keyring_text import BY_SEQUENCE, KeyLine, KeyringText
from tanji.trust.keys import VerifierKey
from tanji.trust.registrar import LEADING, SELF_REGISTERED, Registrar
from tanji.trust.signer import Signer, SigningKeyFile

REGISTRAR = "registrar"


def run_register(arguments: argparse.Namespace) -> int:
    """Draft a keyring with one key more, or with another registrar."""
    key = VerifierKey.parse(arguments.vkey)
    if arguments.role == REGISTRAR:
        if arguments.organisation is None or arguments.first is not None or arguments.meters is not None:
            raise UsageError("a registrar: expected --organisation NAME and neither --from nor --meters")
        return _change(arguments, registrars=lambda old: _with_registrar(old, Registrar(arguments.organisation, key)))
    if arguments.organisation is not None:
        raise UsageError(f"--organisation: expected with a registrar only, got it with {arguments.role}")
    if arguments.first is None and arguments.role not in BY_SEQUENCE:
        raise UsageError(f"--from: expected the log index from which a key of role {arguments.role} may sign")
    meters = None if arguments.meters is None else tuple(sorted(set(arguments.meters.split(","))))
    line = KeyLine(arguments.role, key, arguments.first or 0, None, meters)
    return _change(arguments, lines=lambda old: [*old, line])


def run_rotate(arguments: argparse.Namespace) -> int:
    """Draft a keyring in which a name goes on under a new key."""
    key = VerifierKey.parse(arguments.vkey)
    if key.name != arguments.name:
        raise UsageError(f"a name keeps its name: expected a new key of {arguments.name}, got one of {key.name}")

    def changed(old: Sequence[KeyLine]) -> list[KeyLine]:
        ended, others = _ended(old, arguments)
        return [*others, ended, replace(ended, key=key, first=arguments.until + 1, until=None)]

    return _change(arguments, lines=changed)


def run_revoke(arguments: argparse.Namespace) -> int:
    """Draft a keyring in which a key ends."""

    def changed(old: Sequence[KeyLine]) -> list[KeyLine]:
        ended, others = _ended(old, arguments)
        return [*others, ended]

    return _change(arguments, lines=changed)


def run_sign(arguments: argparse.Namespace) -> int:
    """Sign the draft that waits; its text is shown, because a signature is for what it says."""
    folder = _folder(arguments)
    current = folder.keyring()
    version = FIRST_VERSION if current is None else current.version + 1
    file = folder.draft_file(version)
    try:
        data = file.read_bytes()
    except FileNotFoundError:
        done = "" if current is None else f"; keyring {current.version} is complete and waits for nobody"
        raise UsageError(f"{file}: expected a draft of keyring {version}, got no file{done}") from None
    draft = Draft.parse(data, folder.anchor().registrars if current is None else current.registrars)
    if not arguments.json:
        print(draft.text.body.decode())
    return _sign_and_save(arguments, folder, draft)


def run_list(arguments: argparse.Namespace) -> int:
    """Show the newest keyring and what waits; 1 if there is no keyring in force."""
    folder = _folder(arguments)
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
            "registrars": [{"organisation": each.organisation, "vkey": each.key.text} for each in registrars],
            "keys": [_as_json(line, here=here) for line in keyring.lines] if keyring else [],
        }
        print(json.dumps(shown, ensure_ascii=False))
        return 0 if keyring else 1
    if is_self_registered:
        print(f"{SELF_REGISTERED_EN}\n{SELF_REGISTERED_ZH}")
    print(f"plant {keyring.plant}, keyring {keyring.version}" if keyring else "no keyring in force yet")
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


def _change(
    arguments: argparse.Namespace,
    *,
    lines: Callable[[Sequence[KeyLine]], Sequence[KeyLine]] = tuple,
    registrars: Callable[[Sequence[Registrar]], Sequence[Registrar]] = tuple,
) -> int:
    """Draft the next version, sign it with what is at hand, and put it where it belongs."""
    folder = _folder(arguments)
    current = folder.keyring()
    if current is None:
        raise UsageError(f"{folder.folder}: expected a keyring in force; begin with `tanji keys setup`")
    version = current.version + 1
    if folder.draft_file(version).exists():
        file = folder.draft_file(version)
        raise UsageError(f"{file}: expected no other change under way; sign it, or remove the file to drop it")
    text = KeyringText.make(
        current.plant,
        version=version,
        prev=current.leaf,
        registrars=registrars(current.registrars),
        lines=lines(current.lines),
    )
    return _sign_and_save(arguments, folder, Draft(text, current.registrars))


def _sign_and_save(arguments: argparse.Namespace, folder: KeyFolder, draft: Draft) -> int:
    wanted = {each.key.text for each in (*draft.old, *draft.text.registrars)}
    for signer in _at_hand(arguments.signer, folder, wanted):
        draft = draft.signed(signer)
    path = folder.save(draft)
    signed = [key.name for key, _ in draft.lines]
    if arguments.json:
        shown = {"version": draft.text.version, "file": str(path), "signed_by": signed}
        print(json.dumps(shown | {"waiting_for": list(draft.waiting_for())}, ensure_ascii=False))
    else:
        state = f"waits for {' and '.join(draft.waiting_for())}" if draft.waiting_for() else "complete"
        print(f"keyring {draft.text.version}: {path}; signed by {', '.join(signed) or 'nobody yet'}; {state}")
        print(compared(draft.text.body))
        print(_next(path, is_complete=not draft.waiting_for()))
    return 0


def _next(path: Path, *, is_complete: bool) -> str:
    """What is to be done with the file."""
    if is_complete:
        return f"next: {path.name} into the plant's folder of keys, then restart `tanji run` / 放回工厂并重启"
    return "next: who is waited for gets anchor, keyrings so far and draft, and signs by `tanji keys sign` / 送交签名"


def _at_hand(files: Sequence[Path], folder: KeyFolder, wanted: set[str]) -> list[Signer]:
    """Signers of the given files, and of the folder those that are registrars."""
    found: list[Signer] = [SigningKeyFile(file).read() for file in files]
    for vkey in sorted(wanted - {signer.vkey() for signer in found}):
        try:
            signer = folder.key_file(part_of(vkey)).read()
        except EvidenceMissing:
            continue
        if signer.vkey() == vkey:
            found.append(signer)
    return found


def _ended(lines: Sequence[KeyLine], arguments: argparse.Namespace) -> tuple[KeyLine, list[KeyLine]]:
    """The open line of a name with its end, and all the others."""
    found = [line for line in lines if line.key.name == arguments.name and line.until is None]
    if not found:
        names = ", ".join(line.key.name for line in lines if line.until is None)
        raise UsageError(f"expected the name of a key that is in force ({names}), got {arguments.name}")
    return replace(found[0], until=arguments.until), [line for line in lines if line != found[0]]


def _with_registrar(old: Sequence[Registrar], new: Registrar) -> list[Registrar]:
    """The new one in the place of its organisation's; the institute takes that of a self-registered one."""
    leads = new.organisation in LEADING
    replaced = LEADING if leads else (new.organisation,)
    kept = [each for each in old if each.organisation not in replaced]
    return [new, *kept] if leads else [*kept, new]


def _folder(arguments: argparse.Namespace) -> KeyFolder:
    if (arguments.plant is None) == (arguments.keys is None):
        raise UsageError("expected either --plant FILE or --keys DIR")
    if arguments.keys is not None:
        return KeyFolder(arguments.keys)
    trust = load(arguments.plant).trust
    if trust is None:
        raise UsageError(f"{arguments.plant}: expected a section `trust`, got none")
    return KeyFolder(trust.keys_dir(arguments.data), anchor=trust.anchor)


def _as_json(line: KeyLine, *, here: set[str]) -> dict[str, Any]:
    return {
        "role": line.role,
        "vkey": line.key.text,
        "from": line.first,
        "until": line.until,
        "meters": None if line.scope is None else list(line.scope),
        "private_key_here": line.key.text in here,
    }
