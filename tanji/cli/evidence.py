"""What a plant needs for its chain of evidence, opened from the plant file and the data directory (R33-R36).

Keys, trust anchor, log, keyring notes and the plant note that approves the present point map. Whatever is missing or
not registered becomes a fault with a code, never an error: acquisition goes on, the sealer spools, and the fault is an
alarm until somebody mends it. The log is in this process, or a service behind `trust.log_url`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from tanji.cli.plant_notes import PlantNotes
from tanji.cli.prepared_log import PreparedLog
from tanji.errors import EvidenceMissing, InstanceLocked, LogUnavailable, TanjiError, TrustError
from tanji.health.alarms import AlarmCode
from tanji.plant.model import Plant
from tanji.plant.point_map import Described, described
from tanji.plant.trust_model import TrustSettings
from tanji.trust import plant_note
from tanji.trust.batch import BatchLog
from tanji.trust.key_folder import KeyFolder
from tanji.trust.keyring import Keyring
from tanji.trust.keys import VerifierKey
from tanji.trust.log import Log
from tanji.trust.log_client import LogClient
from tanji.trust.note import split
from tanji.trust.plant_note import PlantNote
from tanji.trust.policy import Anchor
from tanji.trust.signer import Signer

ROLES = ("gateway", "laboratory")
"""What seals: the key of what is read, and that of what people bring."""

LOG_FOLDER = "log"
"""Folder of the log in the data directory."""


class NoteLog(BatchLog, Protocol):
    """A log that takes notes beside batches: in this process, or behind HTTP."""

    def add_note(self, note: bytes, *, files: Mapping[str, bytes] | None = None) -> int:
        """Accept a note with the files it names; its index."""
        ...


@dataclass(frozen=True, slots=True)
class Fault:
    """Why something is not sealed: an alarm with its page, the key it is about, and what was expected where."""

    code: AlarmCode
    text: str
    subject: str = ""


@dataclass(slots=True)
class Evidence:
    """The parts that are there. `log` is the log of this process, `batch_log` where batches go."""

    trust: TrustSettings
    folder: KeyFolder
    files: Described
    faults: list[Fault] = field(default_factory=list)
    anchor: Anchor | None = None
    log: Log | None = None
    batch_log: NoteLog | None = None
    notes: PlantNotes = field(init=False)
    gateway: Signer | None = None
    laboratory: Signer | None = None
    preparer: Signer | None = None
    approver: Signer | None = None
    approved: bool = False

    @property
    def keyring(self) -> Keyring | None:
        """The keyring in force."""
        return self.folder.keyring() if self.log is None else self.log.keyring

    @property
    def sealer_signer(self) -> Signer | None:
        """The key to seal with; None while batches under it or under this point map could not be accepted."""
        return self.gateway if self.approved else None

    @property
    def laboratory_signer(self) -> Signer | None:
        """The key to seal samples with; None as for the sealer's."""
        return self.laboratory if self.approved else None

    def __post_init__(self) -> None:
        self.notes = PlantNotes(self.folder.folder)

    def own_notes(self) -> Iterator[tuple[bytes, Mapping[str, bytes]]]:
        """Keyring notes and plant notes of the folder with their files, in the order the log wants them."""
        yield from ((note, {}) for note in self.folder.notes())
        yield from ((kept.note, kept.files) for kept in self.notes.all())

    def add_fault(self, code: AlarmCode, text: str, *, subject: str = "") -> None:
        """Remember a fault once."""
        fault = Fault(code, text, subject)
        if fault not in self.faults:
            self.faults.append(fault)

    def close(self) -> None:
        """Publish what the log has taken, and let go of it."""
        if self.log is not None:
            self.log.checkpoint()
            self.log.close()
            self.log = self.batch_log = None
        elif isinstance(self.batch_log, PreparedLog):
            self.batch_log.close()


def open_evidence(
    plant: Plant, data_dir: Path, *, clock: Callable[[], int], roles: tuple[str, ...] = ROLES
) -> Evidence | None:
    """Everything that is there; None where the plant file has no section `trust`.

    clock : UTC now [ms]. roles : what this process seals as; a key of another role is not missed here.

    Errors: InstanceLocked if another process that seals owns the log, LogError if its files contradict each other.
    """
    if plant.trust is None:
        return None
    trust = plant.trust
    folder = KeyFolder(trust.keys_dir(data_dir), anchor=trust.anchor)
    found = Evidence(trust, folder, described(plant))
    found.anchor = _anchor(found)
    try:
        _open_log(found, data_dir, clock=clock)
    except InstanceLocked as error:
        if "gateway" in roles:
            raise
        text = f"{error}; the jobs reach a log of another process by `trust.log_url`"
        found.add_fault(AlarmCode.LABORATORY_UNSEALED, text)
    _log_keyrings(found)
    _open_keys(found, roles)
    _approve(found, plant, clock=clock)
    _log_plant_notes(found)
    return found


def _anchor(found: Evidence) -> Anchor | None:
    try:
        return found.folder.anchor()
    except TrustError as error:
        found.add_fault(AlarmCode.KEYS_MISSING, f"{error}; `tanji keys setup` makes one", subject=found.trust.anchor)
        return None


def _open_log(found: Evidence, data_dir: Path, *, clock: Callable[[], int]) -> None:
    if found.trust.log_url is not None:
        found.batch_log = PreparedLog(LogClient(found.trust.log_url), notes=found.own_notes)
        return
    signer = _key(found, "log")
    if signer is not None and found.anchor is not None:
        found.log = found.batch_log = Log.open(data_dir / LOG_FOLDER, signer=signer, clock=clock, anchor=found.anchor)


def _key(found: Evidence, part: str, *, wanted: bool = True) -> Signer | None:
    """A private key of the folder. wanted : without it something cannot be done that the plant file asks for."""
    try:
        signer = found.folder.key_file(part).read()
    except EvidenceMissing as error:
        if wanted:
            text = f"{error}; `tanji keys setup` makes all keys, `tanji keys new` this one"
            found.add_fault(AlarmCode.KEYS_MISSING, text, subject=part)
        return None
    except TrustError as error:
        found.add_fault(AlarmCode.KEYS_MISSING, str(error), subject=part)
        return None
    name = VerifierKey.parse(signer.vkey()).name
    if name != found.trust.key_name(part):
        text = f"{found.folder.key_file(part).path}: expected the key {found.trust.key_name(part)}, got {name}"
        found.add_fault(AlarmCode.KEYS_MISSING, text, subject=part)
        return None
    return signer


def _log_keyrings(found: Evidence) -> None:
    """Take the keyring notes of the folder to the log of this process; it knows by their bytes those it has."""
    if found.log is None:
        return
    try:
        for note in found.folder.notes():
            found.log.add_note(note)
    except TanjiError as error:
        found.add_fault(AlarmCode.KEY_UNREGISTERED, str(error), subject="keyring")


def _open_keys(found: Evidence, roles: tuple[str, ...]) -> None:
    """Keys that seal, where they are registered; keys that approve, where they are."""
    keyring = _keyring(found)
    if "gateway" in roles:
        found.gateway = _registered(found, keyring, "gateway", _key(found, found.trust.gateway))
    if "laboratory" in roles:
        found.laboratory = _registered(found, keyring, "laboratory", _key(found, "lab"))
    preparer, approver = (_key(found, part, wanted=False) for part in ("prepare", "approve"))
    found.preparer = _registered(found, keyring, "preparer", preparer)
    found.approver = _registered(found, keyring, "approver", approver)


def _keyring(found: Evidence) -> Keyring | None:
    try:
        return found.keyring
    except TrustError as error:
        found.add_fault(AlarmCode.KEY_UNREGISTERED, str(error), subject="keyring")
        return None


def _registered(found: Evidence, keyring: Keyring | None, role: str, signer: Signer | None) -> Signer | None:
    """The signer, if the keyring has its key with an open end in this role."""
    if signer is None:
        return None
    key = VerifierKey.parse(signer.vkey())
    if keyring is not None and any(
        line.role == role and line.key == key and line.until is None for line in keyring.lines
    ):
        return signer
    there = "no keyring" if keyring is None else f"keyring {keyring.version} without it"
    expected = f"a line `key {role}` in force, see `tanji keys register`"
    text = f"{key.name}+{key.key_id.hex()}: expected {expected}, got {there}"
    found.add_fault(AlarmCode.KEY_UNREGISTERED, text, subject=key.name.rpartition("/")[2])
    return None


def _approve(found: Evidence, plant: Plant, *, clock: Callable[[], int]) -> None:
    """Whether there is a plant note for the present files; signed now where both keys are here."""
    try:
        if found.log is not None:
            _keep_logged(found.notes, found.log)
        newest = found.notes.newest()
        is_new = newest is None or not newest.describes(found.files)
        if is_new and found.preparer is not None and found.approver is not None:
            newest = found.notes.approve(
                plant.site.id, found.files, preparer=found.preparer, approver=found.approver, from_ms=clock()
            )
        if newest is None or not newest.describes(found.files):
            raise EvidenceMissing(
                "pointmap-approved",
                where=f"point map {found.files.point_map_digest.hex()[:12]}",
                expected="a plant note by preparer and approver, see `tanji plant approve`",
                got="none" if newest is None else f"version {newest.said.version}, for another point map or plant file",
            )
        found.approved = True
    except TanjiError as error:
        found.add_fault(AlarmCode.POINTMAP_UNAPPROVED, str(error))


def _log_plant_notes(found: Evidence) -> None:
    """Take the plant notes to the log, before any batch; a log that is away gets them when it is back."""
    try:
        if found.log is not None:
            for kept in found.notes.all():
                found.log.add_note(kept.note, files=kept.files)
        elif isinstance(found.batch_log, PreparedLog):
            found.batch_log.prepare()
    except LogUnavailable:
        pass  # it gets them before the first batch; until then the sealer says that the log is away
    except TanjiError as error:
        found.approved = False
        found.add_fault(AlarmCode.POINTMAP_UNAPPROVED, str(error))


def _keep_logged(notes: PlantNotes, log: Log) -> None:
    """What the log has is put back where a folder of keys was made anew."""
    for index in log.indexes(plant_note.TYPE):
        entry = log.entry(index)
        said = PlantNote.parse(split(entry)[0])
        if not notes.file(said.version).exists():
            point_map, plant_file = log.file(said.point_map.hex()), log.file(said.plant_file.hex())
            notes.keep(entry, point_map=point_map, plant_file=plant_file)
