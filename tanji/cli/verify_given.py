"""What the verbs of `tanji verify` share: the anchor somebody brought, and how a report leaves the command."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path

from tanji.cli.verify_text import as_json, text
from tanji.errors import EvidenceMissing, TrustError, UsageError
from tanji.trust.bundle import POLICY
from tanji.trust.policy import Anchor
from tanji.trust.verify_report import FAILED, UNDECIDED, Report
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
