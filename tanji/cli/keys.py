"""`tanji keys`: keys that sign evidence (R33), SM2 beside statements (`sm2`), certificates of OPC UA (`opcua`, R21).

Each party makes its own private key where it is used (`new`); what the registrars sign is a keyring, version after
version (`register`, `rotate`, `revoke`, `sign`), of which the trust anchor names the newest (`anchor`). `setup` does
all of it for a plant that begins. Rules and formats are `tanji.trust`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from tanji.cli import keys_anchor, keys_list, keys_opcua, keys_ring, keys_setup, keys_sm2
from tanji.trust.keyring_text import ROLES

EXAMPLE = """example:
  tanji keys setup --plant plant.yaml --data /var/lib/tanji
  tanji keys setup --plant plant.yaml --data /var/lib/tanji --approver plant.example/approve+89abcdef+AQ...
  tanji keys new metrology.example/registrar --out registrar.key
  tanji keys register gateway plant.example/gw2+0123abcd+AQ... --plant plant.yaml --data /var/lib/tanji
  tanji keys sign --keys keys --signer registrar.key
  tanji keys rotate plant.example/gw1 plant.example/gw1+4567cdef+AQ... --until 184467 --keys keys
  tanji keys revoke plant.example/gw2 --until 9000 --keys keys
  tanji keys anchor bundle.zip --keys keys
  tanji keys list --plant plant.yaml --data /var/lib/tanji"""

REGISTRAR = "registrar"
"""Not a role of a key line: who signs keyrings."""


def register(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb and its own verbs."""
    verb = verbs.add_parser(
        "keys",
        help="make, register, rotate and revoke the keys of the evidence; certificates of OPC UA",
        description="Keys that sign readings, statements and the log, who has registered them, and until when.",
        epilog=EXAMPLE,
    )
    kinds = verb.add_subparsers(dest="keys_kind", required=True, metavar="VERB")
    _add_making(kinds)
    _add_ring(kinds)
    keys_sm2.register(kinds)
    keys_opcua.register(kinds)


def _add_making(kinds: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    setup = _verb(kinds, "setup", "make every key of a plant, its trust anchor and its first keyring")
    setup.add_argument(
        "--institute",
        metavar="VKEY",
        help="registrar's key of the metrology institute, which then signs the keyring (`keys sign`); without it the"
        " plant's keys are self-registered, and every report says so",
    )
    setup.add_argument(
        "--approver",
        metavar="VKEY",
        help="public key of the approver, who made it elsewhere (`keys new`) and signs there (`tanji approve`); without"
        " it both keys are made here",
    )
    setup.set_defaults(func=keys_setup.run)
    new = _verb(kinds, "new", "make one private key", has_folder=False)
    new.add_argument("name", metavar="NAME", help="name of the key, e.g. plant.example/gw2")
    new.add_argument("--witness", action="store_true", help="a key that cosigns checkpoints")
    new.add_argument("--out", type=Path, required=True, metavar="FILE", help="the new file, readable by its owner only")
    new.set_defaults(func=keys_setup.run_new)


def _add_ring(kinds: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    enter = _verb(kinds, "register", "enter a key into the next keyring")
    enter.add_argument("role", choices=(*ROLES, REGISTRAR), help="what the key may sign")
    enter.add_argument("vkey", metavar="VKEY", help="public key, as `keys new` shows it")
    enter.add_argument("--from", dest="first", type=int, metavar="N", help="first sequence number, or log index")
    enter.add_argument("--meters", metavar="A,B", help="meters of a gateway (default: all)")
    enter.add_argument("--organisation", metavar="NAME", help="of a registrar; takes the place of the present one")
    enter.set_defaults(func=keys_ring.run_register)
    rotate = _verb(kinds, "rotate", "let a name go on under a new key; the old one ends at a number")
    rotate.add_argument("name", metavar="NAME", help="name of the key")
    rotate.add_argument("vkey", metavar="VKEY", help="the new public key, of the same name")
    rotate.set_defaults(func=keys_ring.run_rotate)
    revoke = _verb(kinds, "revoke", "end a key at a number")
    revoke.add_argument("name", metavar="NAME", help="name of the key")
    revoke.set_defaults(func=keys_ring.run_revoke)
    for each in (rotate, revoke):
        text = "last number under the old key: sequence number of a gateway or laboratory, else log index"
        each.add_argument("--until", type=int, required=True, metavar="N", help=text)
    sign = _verb(kinds, "sign", "sign the keyring that waits for signatures, after reading it")
    sign.set_defaults(func=keys_ring.run_sign)
    for each in (enter, rotate, revoke, sign):
        text = "private key of a registrar, several times if need be; those in the folder of keys sign by themselves"
        each.add_argument("--signer", type=Path, action="append", default=[], metavar="FILE", help=text)
    _verb(kinds, "list", "show the keys in force, ended and waiting").set_defaults(func=keys_list.run_list)
    anchor = _verb(kinds, "anchor", "let the trust anchor name the newest keyring that is in the log")
    keys_anchor.add_options(anchor, keys_ring.folder_of)


def _verb(
    kinds: argparse._SubParsersAction[argparse.ArgumentParser], name: str, text: str, *, has_folder: bool = True
) -> argparse.ArgumentParser:
    parser = kinds.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.", epilog=EXAMPLE)
    if has_folder:
        parser.add_argument("--plant", type=Path, metavar="FILE", help="the plant file")
        data = "data directory (default: ./data)"
        parser.add_argument("--data", type=Path, default=Path("data"), metavar="DIR", help=data)
        if name != "setup":
            keys = "folder of keyrings, where there is no plant file: at a registrar's"
            parser.add_argument("--keys", type=Path, metavar="DIR", help=keys)
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    return parser
