"""`tanji keys register | rotate | revoke | sign`: the keyring of a plant, version after version (R33).

A change is a draft until the institute's registrar and another one have signed it, each where its key is; registrars'
keys that lie in the folder sign at once. A finished note is logged by the process that keeps the log.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from tanji.cli.keys_setup import compared, public_key
from tanji.errors import EvidenceMissing, UsageError
from tanji.plant.load import load
from tanji.trust.key_folder import KeyFolder, part_of
from tanji.trust.keyring import FIRST_VERSION
from tanji.trust.keyring_draft import Draft
from tanji.trust.keyring_text import BY_SEQUENCE, KeyLine, KeyringText
from tanji.trust.registrar import LEADING, Registrar
from tanji.trust.signer import Signer, SigningKeyFile

REGISTRAR = "registrar"


def run_register(arguments: argparse.Namespace) -> int:
    """Draft a keyring with one key more, or with another registrar."""
    key = public_key("VKEY", arguments.vkey)
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
    return _change(arguments, lines=lambda old: _with_key(old, line, first=arguments.first))


def run_rotate(arguments: argparse.Namespace) -> int:
    """Draft a keyring in which a name goes on under a new key."""
    key = public_key("VKEY", arguments.vkey)
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
    folder = folder_of(arguments)
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


def _change(
    arguments: argparse.Namespace,
    *,
    lines: Callable[[Sequence[KeyLine]], Sequence[KeyLine]] = tuple,
    registrars: Callable[[Sequence[Registrar]], Sequence[Registrar]] = tuple,
) -> int:
    """Draft the next version, sign it with what is at hand, and put it where it belongs."""
    folder = folder_of(arguments)
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
        return f"next: {path.name} into the plant's folder of keys; it is taken up there / 放回工厂密钥文件夹，自动启用"
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


def _with_key(old: Sequence[KeyLine], new: KeyLine, *, first: int | None) -> list[KeyLine]:
    """The new one behind those its name has had; UsageError where the name is taken, with the way it can go on."""
    name = new.key.name
    ends = [line.until for line in old if line.key.name == name]
    if None in ends:
        go_on = f"tanji keys rotate {name} {new.key.text} --until N, the last number under the old key"
        raise UsageError(f"expected a name without a key in force, got {name}; it goes on by {go_on}")
    if ends and first is None:
        after = max(end for end in ends if end is not None) + 1
        raise UsageError(f"{name} has had a key before: expected --from {after}, the number after its last, got none")
    return [*old, new]


def _with_registrar(old: Sequence[Registrar], new: Registrar) -> list[Registrar]:
    """The new one in the place of its organisation's; the institute takes that of a self-registered one."""
    leads = new.organisation in LEADING
    replaced = LEADING if leads else (new.organisation,)
    kept = [each for each in old if each.organisation not in replaced]
    return [new, *kept] if leads else [*kept, new]


def folder_of(arguments: argparse.Namespace) -> KeyFolder:
    """The folder of keys that `--plant`, or `--keys`, names."""
    if (arguments.plant is None) == (arguments.keys is None):
        raise UsageError("expected either --plant FILE or --keys DIR")
    if arguments.keys is not None:
        return KeyFolder(arguments.keys)
    trust = load(arguments.plant).trust
    if trust is None:
        raise UsageError(f"{arguments.plant}: expected a section `trust`, got none")
    return KeyFolder(trust.keys_dir(arguments.data), anchor=trust.anchor)
