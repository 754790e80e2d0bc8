"""Which batches of this data directory must be in the log before the next plant note: those under the map it ends.

A plant note ends the map before it for batches that come after it in the log and begin at its `from` or later
(docs/trust-format.md 11). What was read under the older map may still lie in the spool after a crash, or wait, signed,
for a log that was away; the chains on disk say so. Who asks is `tanji.cli.prepared_log`.
"""

from __future__ import annotations

from pathlib import Path

from calc_jobs.laboratory_chain import cuts_after
from services.sealer.seal_files import read_chain
from tanji.trust.batch import BatchLog

SEAL_FOLDER, LABORATORY_FOLDER = "seal", "laboratory"
"""Folders of the two chains in the data directory."""


def older_batches(data_dir: Path, *, point_map: bytes, ends_ms: int, laboratory: str, log: BatchLog) -> str | None:
    """What has to go to the log first, for people; None if nothing does. Errors are those of the log.

    point_map : SHA-256 of the one that this process runs with. ends_ms : `from` of the next plant note [UTC ms].
    laboratory : name of its key.
    """
    chain = read_chain(data_dir / SEAL_FOLDER)
    if chain is not None and chain.point_map != point_map.hex():
        return f"readings of {chain.gateway} that were accepted under the older point map are still to be sealed"
    if chain is not None and _logged_to(log, chain.gateway) + 1 < chain.mapped_from:
        return f"batches of {chain.gateway} below {chain.mapped_from}, under an older point map, go first"
    for cut in cuts_after(data_dir / LABORATORY_FOLDER, _logged_to(log, laboratory)):
        if cut.pointmap != point_map.hex() and cut.from_ms >= ends_ms:
            return f"batch {cut.seq} of {laboratory}, under an older point map, goes first"
    return None


def _logged_to(log: BatchLog, name: str) -> int:
    end = log.chain_end(name)
    return -1 if end is None else end.seq
