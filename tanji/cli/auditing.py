"""The database audit of a plant file and a data directory, for `tanji audit`, `tanji run` and `tanji jobs`."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

from calc_jobs.nightly_audit import NightlyAudit
from calc_jobs.sealed_log import SealedLog
from tanji.ledger import Ledger
from tanji.plant.model import Plant
from tanji.store.port import Store
from tanji.trust.log_reader import LogReader

LOG_FOLDER = "log"
"""Folder of the log in the data directory."""


def sealed_log(data_dir: Path, *, folder: Path | None = None) -> SealedLog:
    """The log that the store is compared with. folder : where it is, if not in the data directory."""
    return SealedLog(LogReader(data_dir / LOG_FOLDER if folder is None else folder))


def nightly_audit(
    plant: Plant, *, store: Store, ledger: Ledger, data_dir: Path, clock: Callable[[], int]
) -> NightlyAudit | None:
    """The audit of every night; None where nothing is sealed."""
    if plant.trust is None:
        return None
    return NightlyAudit(
        plant,
        store=store,
        sealed=sealed_log(data_dir),
        ledger=ledger,
        clock=clock,
        at=plant.trust.audit_at,
        recent_days=1 + math.ceil(plant.trust.late_window_d),
    )
