"""What a sealer opens in its data directory: the spool, as the plant file limits it, and the chain over it.

`spool/` is there for every plant, `seal/` where the plant has keys, or will have them (trust.md 2.2, R33).
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.sealer.parked import Parked
from services.sealer.room import Limits
from services.sealer.seal_files import SealFolder
from services.sealer.sealing import Sealing
from services.sealer.spool import Spool
from tanji.health.clock import KernelClock
from tanji.plant.model import Plant
from tanji.plant.sealer_model import MEGABYTE, SealerSettings
from tanji.trust import durable
from tanji.trust.batch import BatchLog
from tanji.trust.batch_signer import BatchSigner

DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Opened:
    """Folders that this process owns now. sealing : None without keys."""

    parked: Parked
    spool: Spool
    sealing: Sealing | None


def open_folders(
    plant: Plant,
    data_dir: Path,
    *,
    keys: BatchSigner | None,
    point_map: bytes | None,
    to: BatchLog | None,
    retain_ms: int | None,
    clock: Callable[[], int],
    kernel: Callable[[], KernelClock],
    sync: durable.Sync,
    free: Callable[[Path], int],
    rng: random.Random | None,
) -> Opened:
    """What a sealer needs on disk. SpoolError: the spool is damaged or in use. TrustError: `seal/` is damaged.

    retain_ms : None for what the plant file says [ms]. clock : UTC now [ms]. to : the log.
    """
    settings = plant.services.sealer
    parked = Parked(data_dir / "parked", most_bytes=settings.parked_limit_mb * MEGABYTE, sync=sync)
    if retain_ms is None:
        retain_ms = _retain_ms(settings, is_logged=keys is not None and to is not None)
    spool = Spool(
        data_dir / "spool",
        parked=parked,
        retain_ms=retain_ms,
        limits=Limits(settings.spool_limit_mb * MEGABYTE, settings.disk_reserve_mb * MEGABYTE),
        is_sealed=keys is not None or plant.trust is not None,  # keys that are missing today come back
        sync=sync,
        free=free,
    )
    try:
        sealing = _open_sealing(
            data_dir / "seal", spool=spool, keys=keys, point_map=point_map, clock=clock, kernel=kernel, to=to, rng=rng
        )
    except BaseException:
        spool.close()
        raise
    return Opened(parked, spool, sealing)


def _retain_ms(settings: SealerSettings, *, is_logged: bool) -> int | None:
    """How long segments stay that nobody needs any more [ms]; None: up to the limits."""
    if settings.retain_days is not None:
        return round(settings.retain_days * DAY_MS)
    return 0 if is_logged else None  # the payload is the evidence, here and in the log


def _open_sealing(
    folder: Path, *, spool: Spool, keys: BatchSigner | None, point_map: bytes | None, **parts: Any
) -> Sealing | None:
    if keys is None:
        if point_map is not None:  # keys may come later: then what comes now is sealed under it
            SealFolder(folder).mark_accepted(point_map, seq=spool.durable_seq)
        return None
    if point_map is None:
        raise ValueError("expected a point map beside the keys, got none")
    return Sealing(folder, spool=spool, keys=keys, point_map=point_map, **parts)
