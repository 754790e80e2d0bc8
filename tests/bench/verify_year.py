"""verify_year: 365 daily statements verified by a third party, each with both signatures, its place in the log and the
quorum of witnesses.

Budget: under 1 s. `value` is the wall time for the whole year from files on disk: the keyring under the registrars of
the anchor, then for every day the proof's checkpoint with the log's signature and the witness's cosignature, inclusion
in a log of half a million entries, preparer's and approver's signatures, the statement's own form, and that no day is
missing. The peer is PyNaCl alone, verifying as many signatures of as many bytes. Exits 1 where a statement does not
verify.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from measure import report
from nacl.bindings import crypto_sign_open
from published_year import DAYS, PublishedYear, publish_year, verify
from sealed_day import APPROVER, PREPARER, key

from tanji.errors import TrustError
from tanji.trust.note import split

SIGNATURES = 4
"""Of a statement: preparer, approver, log, witness."""


def main(days: int = DAYS) -> None:
    """Print the result line."""
    with tempfile.TemporaryDirectory() as scratch:
        year = publish_year(Path(scratch) / "statements", days=days)
        begun, begun_cpu = time.perf_counter(), time.process_time()
        try:
            verify(year)
        except TrustError as error:
            raise SystemExit(f"verify_year: {error}") from error
        seconds, cpu_s = time.perf_counter() - begun, time.process_time() - begun_cpu
        least = signatures_alone(year)
    report(
        "verify_year",
        value=seconds,
        unit="s",
        peer="PyNaCl verifying as many signatures",
        peer_value=least,
        ratio=least / seconds,
        cpu_s=round(cpu_s, 3),
        statements=year.days,
        log_entries=year.entries,
    )


def signatures_alone(year: PublishedYear) -> float:
    """Time of the bare signatures over the statements' bytes [s]."""
    signed = []
    for path in sorted(year.folder.glob("[0-9]*.note")):
        body, _ = split(path.read_bytes())
        signed += [(of.sign(body) + body, key(of).public) for of in (PREPARER, APPROVER)]
    begun = time.perf_counter()
    for _ in range(SIGNATURES // 2):
        for message, public in signed:
            crypto_sign_open(message, public)
    return time.perf_counter() - begun


if __name__ == "__main__":
    main()
