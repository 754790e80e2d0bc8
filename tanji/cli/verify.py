"""`tanji verify`: check published figures and sealed readings offline, with keys that come from somewhere else.

Verification needs PyNaCl and the standard library alone; where the whole of Tanji is installed, the figures of a bundle
are computed again as well. What is checked, in which order, is docs/trust-format.md; the words are `verify_text`.
"""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Callable
from functools import partial
from pathlib import Path

from tanji.cli import verify_parts
from tanji.cli.verify_given import add_sm2, anchor_of, decided, show, sm2_of
from tanji.errors import EvidenceMissing
from tanji.trust.policy import Anchor
from tanji.trust.sm2 import SUFFIX
from tanji.trust.verify_batches import verify_batches
from tanji.trust.verify_bundle import Recompute, verify_bundle
from tanji.trust.verify_sm2 import Sm2Asked

EXAMPLE = """example:
  tanji verify bundle bundle.zip --anchor anchor
  tanji verify bundle bundle.zip --anchor anchor --sm2-key approve.sm2.pub
  tanji verify statement statement.note statement.tlog-proof --anchor anchor --keyring bundle.zip
  tanji verify statement statement.note statement.tlog-proof --anchor anchor --keyring keys --sm2-key approve.sm2.pub
  tanji verify batches /var/lib/tanji/log --anchor anchor
  tanji verify disclose bundle.zip "kiln1.feed.mass_flow 1772323200000 331.25 0" proof.txt
  tanji verify point "kiln1.feed.mass_flow 1772323200000 331.25 0" proof.txt --anchor anchor --keyring bundle.zip
  tanji verify log old.tlog-proof new.tlog-proof /var/lib/tanji/log --anchor anchor
  tanji verify recompute bundle.zip --anchor anchor

The anchor (log, witnesses, registrars) comes from the metrology institute, not from whoever hands over the evidence;
so does the key for an SM2 signature.

exit codes: 0 it holds, 1 verification failed, 2 usage, 3 cannot decide"""

STATEMENT_SM2 = f"statement{SUFFIX}"
"""Beside a bundle, or in the folder it was unpacked into; never in the bundle."""

CALCULATION = "calc_jobs.verify_recompute"
"""Where the method is run again; it needs what the calculation needs."""


def register(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb and its own verbs."""
    verb = verbs.add_parser(
        "verify",
        help="check evidence offline: a bundle, a statement, batches, one reading, a log",
        description="Check evidence offline, in three verdicts: integrity, completeness, recomputation.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    kinds = verb.add_subparsers(dest="verify_kind", required=True, metavar="KIND")
    _add_whole(kinds)
    _add_parts(kinds)


def _add_whole(kinds: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    bundle = _add(kinds, "bundle", "a bundle: signatures, log, witnesses, nothing left out, the figures again", _bundle)
    bundle.add_argument("bundle", type=Path, metavar="BUNDLE", help="the zip file, or the folder it was unpacked into")
    _add_method(bundle)
    add_sm2(bundle)
    batches = _add(kinds, "batches", "every batch of a log folder or an unpacked bundle", _batches)
    batches.add_argument("folder", type=Path, metavar="DIR", help="the folder of a log, or of an unpacked bundle")
    batches.add_argument(
        "--processes", type=int, metavar="N", help="processes that check payloads (default: all cores)"
    )
    words = "the figures of a bundle, computed again with the method installed here"
    recompute = _add(kinds, "recompute", words, _recompute)
    recompute.add_argument("bundle", type=Path, metavar="BUNDLE", help="the zip file")
    _add_method(recompute)


def _add_parts(kinds: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    statement = _add(kinds, "statement", "one statement with its proof", verify_parts.statement)
    statement.add_argument("statement", type=Path, metavar="STATEMENT", help="statement.note")
    statement.add_argument("proof", type=Path, metavar="PROOF", help="statement.tlog-proof")
    _add_keyring(statement)
    add_sm2(statement)
    point = _add(kinds, "point", "one reading with its proof", verify_parts.point)
    point.add_argument("line", metavar="LINE", help="the reading as it was sealed: point, time, value, quality")
    point.add_argument("proof", type=Path, metavar="PROOF", help="the file that `tanji verify disclose` wrote")
    _add_keyring(point)
    disclose = _add(kinds, "disclose", "write the proof of one reading of a bundle", verify_parts.disclose)
    disclose.add_argument("bundle", type=Path, metavar="BUNDLE", help="the zip file")
    disclose.add_argument("line", metavar="LINE", help="the reading as it was sealed: point, time, value, quality")
    disclose.add_argument("proof", type=Path, metavar="PROOF", help="the file to write")
    log = _add(kinds, "log", "that one log is the continuation of another", verify_parts.log)
    log.add_argument("old", type=Path, metavar="OLD", help="a checkpoint somebody kept, or a statement.tlog-proof")
    log.add_argument("new", type=Path, metavar="NEW", help="a later one, likewise")
    log.add_argument("proof", type=Path, metavar="PROOF", help="the log's folder, or hashes in base64")


def _add(
    kinds: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    words: str,
    func: Callable[[argparse.Namespace], int],
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = kinds.add_parser(
        name,
        help=words,
        description=f"Check {words}." if name != "disclose" else "Write the proof of one reading of a bundle.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--anchor", type=Path, metavar="FILE", help="the verifier's own trust anchor")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    parser.set_defaults(func=decided(func))
    return parser


def _add_method(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--approved", type=Path, metavar="FILE", help="digests of approved methods, rules and factors")
    parser.add_argument("--processes", type=int, metavar="N", help="processes that check payloads (default: all cores)")


def _add_keyring(parser: argparse.ArgumentParser) -> None:
    words = "keyring notes: a folder or a bundle (default: beside the file or the anchor)"
    parser.add_argument("--keyring", type=Path, metavar="PATH", help=words)


def _bundle(arguments: argparse.Namespace) -> int:
    anchor = anchor_of(arguments)
    folder = arguments.bundle if arguments.bundle.is_dir() else arguments.bundle.parent
    asked = sm2_of(arguments, beside=folder / STATEMENT_SM2)
    return _judge(arguments, anchor, _calculation(arguments.approved, anchor), sm2=asked)


def _recompute(arguments: argparse.Namespace) -> int:
    anchor = anchor_of(arguments)
    check = _calculation(arguments.approved, anchor)
    if check is None:
        expected, got = "the calculation installed here", "verification alone"
        raise EvidenceMissing("recompute-approved", where="tanji", expected=expected, got=got)
    return _judge(arguments, anchor, check)


def _judge(
    arguments: argparse.Namespace, anchor: Anchor | None, check: Recompute | None, *, sm2: Sm2Asked | None = None
) -> int:
    report = verify_bundle(arguments.bundle, anchor=anchor, recompute=check, processes=arguments.processes, sm2=sm2)
    return show(arguments, report)


def _batches(arguments: argparse.Namespace) -> int:
    anchor = anchor_of(arguments)
    return show(arguments, verify_batches(arguments.folder, anchor=anchor, processes=arguments.processes))


def _calculation(approved: Path | None, anchor: Anchor | None) -> Recompute | None:
    """What computes the figures again; None where only what verification needs is installed.

    anchor : whose policy says which witness times count; None takes the bundle's.
    """
    try:
        module = importlib.import_module(CALCULATION)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == "tanji":
            raise
        return None
    return partial(module.check, approved=approved, policy=None if anchor is None else anchor.policy)
