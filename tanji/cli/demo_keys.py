"""Every key of the demonstration, those of its institute and of the institute's witness too (R33).

In a plant these are made by different people on different machines, and the institute's keys are nobody's business in
the plant. Here one program makes them all, so they prove nothing to anybody outside: the institute is called
`demonstration.example`, and everything that is printed says that it is the demonstration's own.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tanji.cli.demo_process import finish
from tanji.cli.keys_setup import set_up
from tanji.errors import TanjiError
from tanji.plant.model import Plant, WitnessSettings
from tanji.trust.anchor_text import Witness
from tanji.trust.key_folder import KeyFolder
from tanji.trust.keyring_draft import Draft
from tanji.trust.keys import COSIGNATURE, ED25519, VerifierKey
from tanji.trust.signer import Ed25519Signer, SigningKeyFile, generate

INSTITUTE = "demonstration.example"
"""Stands for a metrology institute; the name says that it is none."""

ORGANISATION = "institute"
WITNESS_S = 60.0


@contextmanager
def demonstration_keys(plant: Plant, data_dir: Path, institute_dir: Path, *, anchor: Path) -> Iterator[Plant]:
    """Make every key and the first keyring, and keep the institute's witness running on loopback.

    institute_dir : an empty folder for what is the institute's. anchor : file that a verifier would have from it.
    Yields the plant with its witness.
    """
    assert plant.trust is not None
    folder = institute_dir
    registrar, witness = (
        _made(folder / f"{part}.key", f"{INSTITUTE}/{part}", kind=kind)
        for part, kind in (("registrar", ED25519), ("witness", COSIGNATURE))
    )
    keys = KeyFolder(plant.trust.keys_dir(data_dir), anchor=plant.trust.anchor)
    made = set_up(
        plant.trust,
        plant_id=plant.site.id,
        data_dir=data_dir,
        institute=VerifierKey.parse(registrar.vkey()),
        witnesses=[Witness(ORGANISATION, VerifierKey.parse(witness.vkey()))],
    )
    draft = Draft.parse(made.keyring.read_bytes(), keys.anchor().registrars)
    keys.save(draft.signed(registrar))
    anchor.write_bytes(made.anchor.read_bytes())
    log = VerifierKey.parse(keys.key_file("log").read().vkey())
    with _witness(folder, log=log) as url:
        seen = WitnessSettings(name=f"{INSTITUTE}/witness", organisation=ORGANISATION, vkey=witness.vkey(), url=url)
        trust = plant.trust.model_copy(update={"witnesses": (seen,), "witness_s": WITNESS_S})
        yield plant.model_copy(update={"trust": trust})


def _made(path: Path, name: str, *, kind: int) -> Ed25519Signer:
    """A new private key in its file."""
    signer = generate(name, kind, random=os.urandom)
    SigningKeyFile(path).write(signer)
    return signer


@contextmanager
def _witness(folder: Path, *, log: VerifierKey) -> Iterator[str]:
    """The witness as a process of its own; yields where it takes checkpoints."""
    options = [f"--folder={folder / 'seen'}", f"--key={folder / 'witness.key'}", f"--log={log.text}", "--port=0"]
    command = [sys.executable, "-m", "services.witness", *options]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        said, _, url = process.stderr.readline().strip().partition("  ")
        if said != "witness":
            raise TanjiError(f"the demonstration's witness did not start: {said} (exit code {process.wait()})")
        yield url
    finally:
        finish(process)
