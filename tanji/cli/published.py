"""Where the pages find the published statements of a data directory."""

from __future__ import annotations

from pathlib import Path

from ledger_api.statements import PublishedLog
from tanji.cli.evidence import LOG_FOLDER
from tanji.plant.model import Plant
from tanji.trust.waiting_room import WaitingRoom


def published_log(plant: Plant, data_dir: Path) -> PublishedLog | None:
    """Log, anchor and drafts of a plant; None where nothing is sealed."""
    if plant.trust is None:
        return None
    return PublishedLog(data_dir / LOG_FOLDER, plant.trust.anchor_file(data_dir), WaitingRoom(data_dir))
