"""What the verbs of `tanji verify` share: anchor and SM2 key somebody brought, and how a report leaves the command."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path

from tanji.cli.verify_text import as_json, text
from tanji.errors import EvidenceMissing, TrustError, UsageError
from tanji.trust import sm2
from tanji.trust.bundle import POLICY
from tanji.trust.policy import Anchor
from tanji.trust.verify_report import FAILED, UNDECIDED, Report
from tanji.trust.verify_sm2 import Sm2Asked
from tanji.trust.verify_source import Place


def anchor_of(arguments: argparse.Namespace) -> Anchor | None:
    """The verifier's own anchor; one that cannot be read is wrong use, not a failed verification."""
    if arguments.anchor is None:
        return None
    try:
        return Anchor.parse(arguments.anchor.read_bytes())
    except TrustError as error:
        raise UsageError(f"{arguments.anchor}: {error}") from error


def enclosed_anchor(*places: Path) -> Anchor | None:
    """The anchor that lies with the evidence, in a bundle or an unpacked one; it vouches for nothing outside."""
    for place in places:
        if place.is_file() or (place / POLICY).is_file():
            with Place(place).open() as source:
                return Anchor.parse(source.read(POLICY))
    return None


def add_sm2(parser: argparse.ArgumentParser) -> None:
    """The options for an SM2 signature beside the statement."""
    key = "the verifier's own SM2 public key or certificate (PEM) of who signed statement.sm2, which is then checked"
    parser.add_argument("--sm2-key", type=Path, metavar="FILE", help=key)
    words = "the SM2 signature (default: statement.sm2 beside the statement or the bundle)"
    parser.add_argument("--sm2-signature", type=Path, metavar="FILE", help=words)


def sm2_of(arguments: argparse.Namespace, *, beside: Path) -> Sm2Asked | None:
    """The SM2 signature to check, if any. beside : where it is unless it is named.

    A key that is none is wrong use, as an anchor is that cannot be read.
    """
    if arguments.sm2_key is None:
        if arguments.sm2_signature is not None:
            raise UsageError("--sm2-signature: expected --sm2-key FILE with it, the signer's key from elsewhere")
        return None
    try:
        public = sm2.public_key(arguments.sm2_key.read_bytes())
    except EvidenceMissing:
        raise
    except TrustError as error:
        raise UsageError(f"{arguments.sm2_key}: {error}") from error
    return Sm2Asked(public, arguments.sm2_signature or beside)


def decided(func: Callable[[argparse.Namespace], int]) -> Callable[[argparse.Namespace], int]:
    """The verb with exit codes for what it meets outside a report: 1 a rule failed, 3 nothing there to decide by."""

    @wraps(func)
    def run(arguments: argparse.Namespace) -> int:
        try:
            return func(arguments)
        except TrustError as error:
            print(f"tanji: {error}", file=sys.stderr)
            return UNDECIDED if isinstance(error, EvidenceMissing) else FAILED

    return run


def show(arguments: argparse.Namespace, report: Report) -> int:
    """Print a report; its exit code."""
    print(json.dumps(as_json(report), ensure_ascii=False) if arguments.json else text(report))
    return report.exit_code
