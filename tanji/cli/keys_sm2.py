"""`tanji keys sm2`: SM2 signatures beside statements, where national cryptography is asked for (GB/T 39786).

Keys, form and process are `tanji.trust.sm2`; `tanji verify` asks for one with `--sm2-key`.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from tanji.errors import EvidenceMissing, TrustError, UsageError
from tanji.trust import sm2

EXAMPLE = """example:
  tanji keys sm2 new --out approve.sm2.key --public approve.sm2.pub
  tanji keys sm2 sign statement.note --signer approve.sm2.key
  tanji keys sm2 check statement.note --public approve.sm2.pub"""

FAILED, UNDECIDED = 1, 3


def register(kinds: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `sm2` and its own verbs to `tanji keys`."""
    text = "SM2 signatures beside statements"
    verb = kinds.add_parser("sm2", help=text, description=f"{text}, made and checked with OpenSSL 3.", epilog=EXAMPLE)
    own = verb.add_subparsers(dest="keys_verb", required=True, metavar="VERB")
    new = _add(own, "new", "make a pair of keys in PEM")
    new.add_argument("--out", type=Path, required=True, metavar="FILE", help="private key, for its owner alone")
    new.add_argument("--public", type=Path, required=True, metavar="FILE", help="public key, for whoever verifies")
    new.set_defaults(func=run_new)
    sign = _add(own, "sign", "put statement.sm2 beside statement.note")
    sign.add_argument("statement", type=Path, metavar="FILE", help="the statement's note")
    sign.add_argument("--signer", type=Path, required=True, metavar="FILE", help="private key")
    sign.set_defaults(func=run_sign)
    check = _add(own, "check", "check statement.sm2 beside statement.note")
    check.add_argument("statement", type=Path, metavar="FILE", help="the statement's note")
    check.add_argument("--public", type=Path, required=True, metavar="FILE", help="public key, or a certificate")
    check.set_defaults(func=run_check)


def _add(own: argparse._SubParsersAction[argparse.ArgumentParser], name: str, text: str) -> argparse.ArgumentParser:
    parser = own.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.", epilog=EXAMPLE)
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    return parser


def run_new(arguments: argparse.Namespace) -> int:
    """Make a pair of keys."""
    try:
        sm2.make_key(arguments.out, arguments.public)
    except EvidenceMissing as error:
        return _say(arguments, UNDECIDED, error=str(error))
    except TrustError as error:
        raise UsageError(str(error)) from error
    return _say(arguments, 0, file=str(arguments.out), public=str(arguments.public))


def run_sign(arguments: argparse.Namespace) -> int:
    """Sign a statement."""
    try:
        beside = sm2.sign_beside(arguments.statement, arguments.signer)
    except EvidenceMissing as error:
        return _say(arguments, UNDECIDED, error=str(error))
    except TrustError as error:
        raise UsageError(str(error)) from error
    return _say(arguments, 0, file=str(beside))


def run_check(arguments: argparse.Namespace) -> int:
    """Check the signature beside a statement: 1 if it is bad, 3 if there is none."""
    try:
        sm2.verify_beside(arguments.statement, sm2.public_key(arguments.public.read_bytes()))
    except EvidenceMissing as error:
        return _say(arguments, UNDECIDED, error=str(error))
    except TrustError as error:
        return _say(arguments, FAILED, error=str(error))
    return _say(arguments, 0, verified="also verified under SM2 / 另经 SM2 验证")


def _say(arguments: argparse.Namespace, code: int, **told: str) -> int:
    print(json.dumps(told, ensure_ascii=False) if arguments.json else "\n".join(told.values()))
    return code
