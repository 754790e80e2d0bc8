"""`tanji keys setup` and `new`: private keys, the trust anchor and the first keyring of a plant (R33).

With the institute's registrar the keyring is a draft that waits for its signature. Without, a registrar of the plant's
own stands in its place: a small plant can begin, and anchor, keyring and every report say `self-registered`. The
approver's private key is not made here where another person has one and gives its public half.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tanji.errors import EvidenceMissing, TrustError, UsageError
from tanji.plant.load import load
from tanji.plant.trust_model import TrustSettings
from tanji.trust import durable
from tanji.trust.anchor_text import Witness, format_anchor
from tanji.trust.key_folder import KeyFolder
from tanji.trust.keyring import FIRST_VERSION, NO_NOTE
from tanji.trust.keyring_draft import Draft
from tanji.trust.keyring_text import KeyLine, KeyringText
from tanji.trust.keys import COSIGNATURE, ED25519, VerifierKey
from tanji.trust.registrar import INSTITUTE, SELF_REGISTERED, Registrar
from tanji.trust.signer import Ed25519Signer, SigningKeyFile, generate

SELF_REGISTERED_EN = "self-registered: no metrology institute has registered these keys; every report will say so"
SELF_REGISTERED_ZH = "自行登记：这些密钥未经计量院登记，所有报告均会注明"

PLANT = "plant"
"""Organisation of the plant's own registrar."""

Random = Callable[[int], bytes]


@dataclass(frozen=True, slots=True)
class SetUp:
    """What was made: the keyring or its draft, who has to sign yet, and the private key files."""

    keyring: Path
    waiting_for: tuple[str, ...]
    anchor: Path
    files: tuple[Path, ...]
    is_self_registered: bool


def compared(body: bytes) -> str:
    """A keyring in eight words, short enough to be read out on the telephone."""
    digest = hashlib.sha256(body).hexdigest()
    words = " ".join(digest[at : at + 4] for at in range(0, 32, 4))
    return f"compare by telephone 电话核对  {words}"


def set_up(
    trust: TrustSettings,
    *,
    plant_id: str,
    data_dir: Path,
    institute: VerifierKey | None = None,
    approver: VerifierKey | None = None,
    witnesses: Sequence[Witness] | None = None,
    random: Random = os.urandom,
) -> SetUp:
    """Make every key that is not there yet, the anchor and the first keyring.

    approver : the key that another person has made elsewhere; None makes one here, beside the preparer's.
    witnesses : instead of those of the plant file.
    """
    folder = KeyFolder(trust.keys_dir(data_dir), anchor=trust.anchor)
    note, waiting = folder.note_file(FIRST_VERSION), folder.draft_file(FIRST_VERSION)
    if note.exists():
        raise UsageError(f"{note}: expected no keyring yet, got one; `tanji keys register` makes the next one")
    if waiting.exists():
        told = "sign it by `tanji keys sign`, or remove it to begin anew with the same private keys"
        raise UsageError(f"{waiting}: expected no draft yet, got one; {told}")
    if approver is not None and folder.key_file("approve").path.exists():
        expected = "no approver's private key here, with --approver"
        raise UsageError(f"{folder.key_file('approve').path}: expected {expected}, got a file; take it away")
    folder.make()
    keys_of = _Keys(trust, folder, random)
    seen = tuple(_of_plant_file(trust)) if witnesses is None else tuple(witnesses)
    quorum = len({each.organisation for each in seen}) if trust.quorum is None else trust.quorum
    registrars, at_hand = _registrars(institute, keys_of)
    own = {"gateway": trust.gateway, "laboratory": "lab", "log": "log", "preparer": "prepare", "approver": "approve"}
    given = {} if approver is None else {"approver": approver}
    made = ((role, part) for role, part in own.items() if role not in given)
    keys = {role: VerifierKey.parse(keys_of.signer(part).vkey()) for role, part in made} | given
    lines = [KeyLine(role, key, 0) for role, key in keys.items()]
    lines += [KeyLine("witness", each.key, 0) for each in seen]
    anchor = format_anchor(logs=[keys["log"]], witnesses=seen, quorum=quorum, registrars=registrars)
    durable.replace(folder.anchor_file, anchor)
    text = KeyringText.make(plant_id, version=FIRST_VERSION, prev=NO_NOTE, registrars=registrars, lines=lines)
    draft = Draft(text, registrars)
    for each in at_hand:
        draft = draft.signed(each)
    path = folder.save(draft)
    return SetUp(path, draft.waiting_for(), folder.anchor_file, tuple(keys_of.files), institute is None)


@dataclass(slots=True)
class _Keys:
    """The private keys of a plant: those that are there, and new ones for the others."""

    trust: TrustSettings
    folder: KeyFolder
    random: Random
    files: list[Path] = field(default_factory=list)

    def signer(self, part: str) -> Ed25519Signer:
        """The key of a part of a name."""
        file = self.folder.key_file(part)
        self.files.append(file.path)
        try:
            return file.read()  # of a set-up that was cut off, or made beforehand
        except EvidenceMissing:
            made = generate(self.trust.key_name(part), ED25519, random=self.random)
            file.write(made)
            return made


def _registrars(institute: VerifierKey | None, keys: _Keys) -> tuple[tuple[Registrar, ...], list[Ed25519Signer]]:
    """The registrars, the leading one first, and those whose private keys are here."""
    plant = keys.signer(f"registrar-{PLANT}")
    second = Registrar(PLANT, VerifierKey.parse(plant.vkey()))
    if institute is not None:
        return (Registrar(INSTITUTE, institute), second), [plant]
    own = keys.signer(f"registrar-{SELF_REGISTERED}")
    return (Registrar(SELF_REGISTERED, VerifierKey.parse(own.vkey())), second), [own, plant]


def _of_plant_file(trust: TrustSettings) -> list[Witness]:
    return [Witness(each.organisation, VerifierKey.parse(each.vkey), each.url) for each in trust.witnesses]


def run(arguments: argparse.Namespace) -> int:
    """Set a plant up and say what is to be done with the keys."""
    if arguments.plant is None:
        raise UsageError("expected --plant FILE")
    plant = load(arguments.plant)
    if plant.trust is None:
        raise UsageError(f"{arguments.plant}: expected a section `trust`, got none; nothing would be sealed")
    institute = None if arguments.institute is None else public_key("--institute", arguments.institute)
    approver = None if arguments.approver is None else public_key("--approver", arguments.approver)
    made = set_up(plant.trust, plant_id=plant.site.id, data_dir=arguments.data, institute=institute, approver=approver)
    if arguments.json:
        shown = {
            "keyring": str(made.keyring),
            "waiting_for": list(made.waiting_for),
            "anchor": str(made.anchor),
            "private_keys": [str(path) for path in made.files],
            "self_registered": made.is_self_registered,
        }
        print(json.dumps(shown, ensure_ascii=False))
        return 0
    if made.is_self_registered:
        print(f"{SELF_REGISTERED_EN}\n{SELF_REGISTERED_ZH}")
    print(f"trust anchor  {made.anchor}  (give it to whoever verifies / 交给验证者)")
    waiting = f"  waits for {' and '.join(made.waiting_for)}: send it with the anchor" if made.waiting_for else ""
    print(f"keyring       {made.keyring}{waiting}")
    if made.waiting_for:
        print(compared(made.keyring.read_bytes().partition(b"\n\n")[0] + b"\n"))
    for path in made.files:
        print(f"private key   {path}")
    if approver is not None:
        print(f"approver      {approver.text}  (private key elsewhere / 私钥在他处)")
    print("Registrars' keys belong on paper or a USB stick; those of preparer and approver to two different people.")
    print("登记人的私钥应离线保管；编制与批准的私钥应由两人分别持有。")
    return 0


def public_key(option: str, text: str) -> VerifierKey:
    """The public key of an option; UsageError names the option."""
    try:
        return VerifierKey.parse(text)
    except TrustError as error:
        raise UsageError(f"{option}: {error}") from error


def run_new(arguments: argparse.Namespace) -> int:
    """Make one private key and show its public one."""
    signer = generate(arguments.name, COSIGNATURE if arguments.witness else ED25519, random=os.urandom)
    try:
        SigningKeyFile(arguments.out).write(signer)
    except TrustError as error:
        raise UsageError(str(error)) from error
    if arguments.json:
        print(json.dumps({"vkey": signer.vkey(), "file": str(arguments.out)}))
    else:
        print(signer.vkey())
        told = "above: the public key, to give away; the private one stays here 以上为公钥，可交付；私钥留在本机"
        print(f"{told}: {arguments.out}", file=sys.stderr)
    return 0
