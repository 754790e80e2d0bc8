"""What a plant needs for its chain of evidence, opened from the plant file and the data directory (R33-R36).

The log is in this process, or a service behind `trust.log_url`. What is registered and approved is looked at again
while the process runs (`tanji.cli.evidence_news`); a log without its key or anchor is opened by the next start.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tanji.cli.evidence_news import take_up
from tanji.cli.evidence_parts import GATEWAY, ROLES, Evidence, Fault, read_key
from tanji.cli.older_batches import older_batches
from tanji.cli.prepared_log import FirstNotes, NoteLog, PreparedLog
from tanji.errors import InstanceLocked, TrustError
from tanji.health.alarms import AlarmCode
from tanji.plant.model import Plant
from tanji.plant.point_map import described
from tanji.trust.key_folder import KeyFolder
from tanji.trust.log import Log
from tanji.trust.log_client import LogClient

LOG_FOLDER = "log"
"""Folder of the log in the data directory."""


def open_evidence(
    plant: Plant, data_dir: Path, *, clock: Callable[[], int], roles: tuple[str, ...] = ROLES
) -> Evidence | None:
    """Everything that is there, judged once; None where the plant file has no section `trust`.

    clock : UTC now [ms]. roles : what this process seals as; a key of another role is not missed here.

    Errors: InstanceLocked if another process that seals owns the log, LogError if its files contradict each other.
    """
    if plant.trust is None:
        return None
    trust = plant.trust
    folder = KeyFolder(trust.keys_dir(data_dir), anchor=trust.anchor)
    found = Evidence(trust, folder, described(plant), plant.site.id, roles, clock)
    try:
        found.anchor = folder.anchor()
    except TrustError as error:
        text = f"{error}; `tanji keys setup` makes one, then restart"
        found.lasting.append(Fault(AlarmCode.KEYS_MISSING, text, trust.anchor))
    try:
        _open_log(found, data_dir)
    except InstanceLocked as error:
        if GATEWAY in roles:
            raise
        text = f"{error}; the jobs reach a log of another process by `trust.log_url`"
        found.lasting.append(Fault(AlarmCode.LABORATORY_UNSEALED, text))
    take_up(found)
    return found


def _open_log(found: Evidence, data_dir: Path) -> None:
    if found.trust.log_url is not None:
        found.batch_log = _prepared(found, LogClient(found.trust.log_url), data_dir)
        return
    signer = read_key(found, "log")
    if isinstance(signer, Fault):
        found.lasting.append(Fault(signer.code, f"{signer.text}; then restart", signer.subject))
    elif found.anchor is not None:
        folder = data_dir / LOG_FOLDER
        found.log = Log.open(folder, signer=signer, clock=found.clock, anchor=found.anchor)
        found.batch_log = _prepared(found, found.log, data_dir)


def _prepared(found: Evidence, log: NoteLog, data_dir: Path) -> PreparedLog:
    """The log, which gets what lies in the folder of keys in the order of the chains of this data directory."""
    trust, point_map = found.trust, found.files.point_map_digest

    def older(ends_ms: int) -> str | None:
        return older_batches(data_dir, point_map=point_map, ends_ms=ends_ms, laboratory=trust.key_name("lab"), log=log)

    return PreparedLog(
        log,
        FirstNotes(
            keyrings=found.folder.notes,
            plant_notes=found.notes.all,
            own_version=found.version_to_log,
            older=older,
            point_map=point_map,
            gateway=trust.gateway_key,
        ),
    )
