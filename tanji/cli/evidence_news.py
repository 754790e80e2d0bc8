"""What is registered and approved now: looked at when a process starts, and again as long as it runs (R33-R36).

A keyring note, a plant note or a private key that comes into the folder of keys, or into the log by another way, is
taken up without a restart: it goes to the log, the keys it registers begin to sign and those it ends stop, and what was
held back for want of an approval is sealed with the next cut. Only a plant file that changed needs a restart, since
devices and points are then others too; its plant note waits for that.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from tanji.cli.evidence_parts import GATEWAY, LABORATORY, Evidence, Fault, read_key
from tanji.errors import LogUnavailable, TanjiError, TrustError
from tanji.health.alarms import AlarmCode
from tanji.trust import keyring_text, plant_note
from tanji.trust.keyring import Keyring
from tanji.trust.keys import VerifierKey
from tanji.trust.log import Log
from tanji.trust.note import split
from tanji.trust.plant_note import PlantNote
from tanji.trust.signer import Signer, SigningKeyFile

ASK_S: Final = 15.0
"""How often a log of another process is asked for notes that came to it by another way [s]."""

log = logging.getLogger(__name__)


class News:
    """Notices that something of the evidence has changed, and has come to rest: a file may still be being copied."""

    def __init__(self, found: Evidence, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        """monotonic : a clock that is never set [s]."""
        self._found, self._monotonic = found, monotonic
        self._last: tuple[object, ...] | None = None
        self._taken: tuple[object, ...] | None = None

    def look(self) -> bool:
        """Take up what was new at the look before and is the same now; whether anything was."""
        now, before = self._state(), self._last
        self._last = now
        if now == self._taken or now != before:
            return False
        self._taken = now if take_up(self._found) else None
        return True

    def _state(self) -> tuple[object, ...]:
        found = self._found
        with suppress(FileNotFoundError):
            files = sorted(found.folder.folder.iterdir())
            stats = [(file.name, each.st_mtime_ns, each.st_size) for file in files if (each := file.stat())]
            return found.anchor, stats, self._of_log()
        return found.anchor, self._of_log()

    def _of_log(self) -> object:
        kept = self._found.log
        if kept is None:
            return self._monotonic() // ASK_S if self._found.trust.log_url is not None else None
        version = 0 if kept.keyring is None else kept.keyring.version
        return version, len(kept.indexes(plant_note.TYPE))


def take_up(found: Evidence) -> bool:
    """Judge keys and approval by what is in the folder and in the log; False: the log is away, to be asked again."""
    faults = list(found.lasting)
    is_whole = _keyrings(found, faults)
    _own_keys(found, faults)
    is_whole = _approval(found, faults) and is_whole
    found.faults = list(dict.fromkeys(faults))
    return is_whole


def _keyrings(found: Evidence, faults: list[Fault]) -> bool:
    """Keyring notes of the folder to the log of this process; of another one's, the newest that folder and log have."""
    is_whole = True
    try:
        if found.log is not None:
            for note in found.folder.notes():
                found.log.add_note(note)  # it knows by their bytes those it has
            return True
        known = [found.folder.keyring(), found.folder_keyring]
        if found.batch_log is not None and found.anchor is not None:
            try:
                known.append(_verified(found.batch_log.logged_notes(keyring_text.TYPE), found))
            except LogUnavailable:
                is_whole = False
        newest = max((each for each in known if each is not None), key=lambda each: each.version, default=None)
        found.folder_keyring = newest
    except TanjiError as error:  # a refused note ends the row: each stands on the one before it
        faults.append(Fault(AlarmCode.KEY_UNREGISTERED, str(error), "keyring"))
        return is_whole and isinstance(error, TrustError)  # what else there is may pass by itself
    return is_whole


def _verified(notes: list[bytes], found: Evidence) -> Keyring | None:
    keyring: Keyring | None = None
    for note in notes:
        assert found.anchor is not None
        keyring = Keyring.first(note, found.anchor.registrars) if keyring is None else keyring.next(note)
    return keyring


def _own_keys(found: Evidence, faults: list[Fault]) -> None:
    """Every private key of the folder that seals, by its name and not by its file's: two are there at a rotation."""
    parts = {GATEWAY: found.trust.gateway, LABORATORY: "lab"}
    wanted = {found.trust.key_name(part): role for role, part in parts.items() if role in found.roles}
    keys: list[Signer] = []
    for file in sorted(found.folder.folder.glob("*.key")):
        with suppress(TrustError):
            signer = SigningKeyFile(file).read()
            if _public(signer).name in wanted:
                keys.append(signer)
    found.own_keys = tuple(keys)
    for name, role in wanted.items():
        here = [key for key in map(_public, keys) if key.name == name]
        fault = read_key(found, parts[role]) if not here else _unregistered(found.keyring, role, here)
        if isinstance(fault, Fault):
            faults.append(fault)


def _unregistered(keyring: Keyring | None, role: str, keys: list[VerifierKey]) -> Fault | None:
    """The fault of a name of which no key here goes on without an end."""
    lines = [] if keyring is None else [each for each in keyring.lines if each.role == role and each.key in keys]
    if any(line.until is None for line in lines):
        return None
    got = "no keyring" if keyring is None else f"keyring {keyring.version} without it"
    if lines:
        got = f"one that ends at {max(each.until or 0 for each in lines)}, and no key here that goes on after it"
    shown = ", ".join(f"{key.name}+{key.key_id.hex()}" for key in keys)
    text = f"{shown}: expected a line `key {role}` in force, see `tanji keys register`, got {got}"
    return Fault(AlarmCode.KEY_UNREGISTERED, text, keys[0].name.rpartition("/")[2])


def _approval(found: Evidence, faults: list[Fault]) -> bool:
    """Whether there is a plant note for the present files, signed now where both keys are here, and in the log."""
    is_whole = True
    found.preparer = _approver(found, "prepare", "preparer", faults)
    found.approver = _approver(found, "approve", "approver", faults)
    try:
        if found.log is not None:
            _keep_logged(found, found.log)
        is_whole = _ask_for_plant_notes(found)
        stands_in_the_way = _unapproved(found)
        if stands_in_the_way is not None and _sign(found):
            stands_in_the_way = None
        is_whole = _log_plant_notes(found) and is_whole
    except TanjiError as error:
        is_whole = is_whole and isinstance(error, TrustError)
        stands_in_the_way = str(error)
        if found.unapproved is None:  # a file that cannot be used ends no approval
            faults.append(Fault(AlarmCode.POINTMAP_UNAPPROVED, f"{error}; sealing goes on under the present one"))
            stands_in_the_way = None
    found.unapproved, found.was_approved = stands_in_the_way, found.was_approved or stands_in_the_way is None
    try:
        found.check_approved()
    except TrustError as error:
        faults.append(Fault(AlarmCode.POINTMAP_UNAPPROVED, str(error)))
    return is_whole


def _sign(found: Evidence) -> bool:
    """Approve the present files where both keys are here and nobody has gone on to others; whether that was done."""
    if found.preparer is None or found.approver is None or found.was_approved or not found.logs_plant_notes:
        return False
    found.notes.approve(
        found.plant_id, found.files, preparer=found.preparer, approver=found.approver, from_ms=found.clock()
    )
    return True


def _approver(found: Evidence, part: str, role: str, faults: list[Fault]) -> Signer | None:
    """The key of one of those who approve, where it is here and registered; as a rule they are with two people."""
    if not found.folder.key_file(part).path.exists():
        return None
    signer = read_key(found, part)
    fault = signer if isinstance(signer, Fault) else _unregistered(found.keyring, role, [_public(signer)])
    if fault is not None:
        faults.append(fault)
        return None
    assert not isinstance(signer, Fault)
    return signer


def _ask_for_plant_notes(found: Evidence) -> bool:
    """Find the newest plant note of the log, which has verified it; False where the log did not answer."""
    if found.log is not None:
        indexes = found.log.indexes(plant_note.TYPE)
        notes = [found.log.entry(index) for index in indexes[-1:]]
    elif found.batch_log is not None:
        try:
            notes = found.batch_log.logged_notes(plant_note.TYPE)
        except LogUnavailable:
            return False
    else:
        return True
    found.logged = PlantNote.parse(split(notes[-1])[0]) if notes else None
    return True


def _unapproved(found: Evidence) -> str | None:
    """What stands in the way of sealing under the present files; None if nothing does."""
    own, logged = found.own_note(), found.logged
    mine = found.files.point_map_digest
    if logged is not None and (own is None or logged.version > own.said.version) and logged.point_map != mine:
        return f"version {logged.version}, for another point map; with the plant file it names, restart"
    if logged is not None and (logged.point_map, logged.plant_file) == (mine, found.files.plant_file_digest):
        return None
    if own is not None and found.logs_plant_notes:
        return None
    if own is not None:
        return f"version {own.said.version}, which the log does not have yet"
    newest = found.notes.newest()
    return "none" if newest is None else f"version {newest.said.version}, for another point map or plant file"


def _log_plant_notes(found: Evidence) -> bool:
    """Take the plant notes to the log, before the batches that need them; a log that is away gets them when back."""
    if found.batch_log is not None:
        try:
            found.batch_log.prepare()
        except LogUnavailable:
            return False  # until it has them the sealer says that the log is away
    return True


def _keep_logged(found: Evidence, kept: Log) -> None:
    """What the log has is put back where a folder of keys was made anew."""
    for index in kept.indexes(plant_note.TYPE):
        entry = kept.entry(index)
        said = PlantNote.parse(split(entry)[0])
        if not found.notes.file(said.version).exists():
            point_map, plant_file = kept.file(said.point_map.hex()), kept.file(said.plant_file.hex())
            found.notes.keep(entry, point_map=point_map, plant_file=plant_file)


def _public(signer: Signer) -> VerifierKey:
    return VerifierKey.parse(signer.vkey())
