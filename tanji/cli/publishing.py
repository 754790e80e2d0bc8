"""The ways of `tanji publish`, `correct` and `approve` to keys, log and witnesses of a data directory.

Where no other process owns the log it is opened here, and witnesses are asked here. Where `tanji run` or a log's
service owns it, the note is handed over, by the inbox of the data directory or over HTTP, and its checkpoint awaited.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from calc_jobs.proofs import head_of
from services.log.keeper import LogKeeper
from services.log.witness_client import witnesses_of
from tanji.cli.clock import now_ms
from tanji.cli.evidence import LOG_FOLDER
from tanji.errors import EvidenceMissing, InstanceLocked, TrustError, UsageError
from tanji.health.alarms import Alarms
from tanji.plant.model import Plant
from tanji.plant.trust_model import TrustSettings
from tanji.trust.key_folder import KeyFolder
from tanji.trust.keyring import Keyring
from tanji.trust.log import Log
from tanji.trust.log_client import LogClient
from tanji.trust.log_reader import LogReader, LogView
from tanji.trust.note_inbox import FOLDER as INBOX
from tanji.trust.note_inbox import NoteInbox
from tanji.trust.policy import Anchor, Policy
from tanji.trust.signer import Signer

Found = TypeVar("Found")

LOOK_S = 0.2
"""How often an answer or a checkpoint is looked for [s]."""


@dataclass(frozen=True, slots=True)
class PublishingRoom:
    """Everything a note under two signatures needs: log, keys, anchor, and how a note gets into the log."""

    log: LogView
    anchor: Anchor
    keys: KeyFolder
    append: Callable[[bytes, Mapping[str, bytes]], int]
    settle: Callable[[int], bytes]

    def keyring(self) -> Keyring:
        """The keyring in force; EvidenceMissing where the log has none."""
        found = self.log.keyring
        if found is None:
            raise EvidenceMissing("note-unknown-key", where="log", expected="a keyring in the log", got="none")
        return found


def trust_of(plant: Plant) -> TrustSettings:
    """The section `trust` of a plant file; UsageError without one."""
    if plant.trust is None:
        raise UsageError("trust: expected the section in the plant file, got none; nothing is sealed at this plant")
    return plant.trust


def preparer_of(keys: KeyFolder) -> Signer:
    """The preparer's key, which is where things are prepared; EvidenceMissing without it."""
    return keys.key_file("prepare").read()


def approver_of(keys: KeyFolder) -> Signer | None:
    """The approver's key where it lies with the preparer's; None where another person has it."""
    try:
        return keys.key_file("approve").read()
    except EvidenceMissing:
        return None


@contextmanager
def publishing_room(plant: Plant, data_dir: Path, *, wait_s: float) -> Iterator[PublishingRoom]:
    """Open what is needed. wait_s : how long to wait for the owner of the log and for witnesses [s]."""
    trust = trust_of(plant)
    folder = KeyFolder(trust.keys_dir(data_dir), anchor=trust.anchor)
    anchor = folder.anchor()
    held = anchor, folder
    own = _own(trust, folder, data_dir, anchor)
    if own is None:
        reader = opened(data_dir)
        ways = _Ways(reader, anchor.policy, _submission(trust, data_dir, wait_s), wait_s)
        yield PublishingRoom(reader, *held, ways.append, ways.settle)
        return
    keeper = LogKeeper(own, witnesses_of(trust.witnesses), clock=now_ms, alarms=Alarms(clock=now_ms))
    try:
        settle = _witnessed(own, keeper, anchor.policy)
        yield PublishingRoom(own, *held, lambda note, files: own.add_note(note, files=files), settle)
    finally:
        own.checkpoint()
        own.close()


def opened(data_dir: Path) -> LogReader:
    """The published log of a data directory; UsageError where there is none."""
    if not (data_dir / LOG_FOLDER / "checkpoint").is_file():
        raise UsageError(f"--data: expected a data directory with a log in it, got {data_dir}")
    return LogReader(data_dir / LOG_FOLDER)


def keyring_of(keys: KeyFolder, data_dir: Path) -> Keyring | None:
    """The newest keyring of the folder of keys, or else of the published log; None where neither has one."""
    found = keys.keyring()
    if found is None and (data_dir / LOG_FOLDER / "checkpoint").is_file():
        return LogReader(data_dir / LOG_FOLDER).keyring
    return found


def newest_head(log: LogView, policy: Policy, *, size: int = 0) -> bytes | None:
    """The newest checkpoint over at least `size` entries that satisfies a policy; None if there is none."""
    if not policy.is_witnessed:
        head = log.checkpoint() if isinstance(log, LogReader | Log) else None
        return head if head is not None and head_of(head).size >= size else None
    for kept in reversed(log.checkpoints()):
        if kept.size < size:
            return None
        try:
            policy.check(kept.note())
        except TrustError:
            continue  # fewer witnesses than the policy asks for
        return kept.note()
    return None


def _own(trust: TrustSettings, folder: KeyFolder, data_dir: Path, anchor: Anchor) -> Log | None:
    """The log of the data directory, where it is nobody else's and its key is here: at an approver's it is not."""
    if trust.log_url is not None:
        return None
    opened(data_dir)
    key = folder.key_file("log")
    if not key.path.exists():
        print(f"{key.path}: no such key here; the note is handed to the process that owns the log", file=sys.stderr)
        return None
    try:
        return Log.open(data_dir / LOG_FOLDER, signer=key.read(), clock=now_ms, anchor=anchor)
    except InstanceLocked:
        return None


def _witnessed(own: Log, keeper: LogKeeper, policy: Policy) -> Callable[[int], bytes]:
    def settle(size: int) -> bytes:
        """Everything that is there, published and shown to the witnesses now."""
        head = keeper.witness() if policy.is_witnessed else keeper.publish()
        try:
            if head is not None:
                policy.check(head)
                return head
        except TrustError:
            pass  # too few of them answered: what they saw before may be enough
        found = newest_head(own, policy, size=size)
        if found is None:
            expected = "enough witnesses that cosign"
            raise EvidenceMissing("quorum", where="log", expected=expected, got="too few answered")
        return found

    return settle


def _submission(trust: TrustSettings, data_dir: Path, wait_s: float) -> Callable[[bytes, Mapping[str, bytes]], int]:
    """How a note gets to the process that owns the log."""
    if trust.log_url is not None:
        client = LogClient(trust.log_url)
        return lambda note, files: client.add_note(note, files=files)
    inbox = NoteInbox(data_dir / INBOX)

    def hand_over(note: bytes, files: Mapping[str, bytes]) -> int:
        name = inbox.submit(note, files=files)
        found = _awaited(lambda: inbox.result(name), wait_s)
        if found is None:
            expected = "an answer of the process that owns the log"
            raise EvidenceMissing("quorum", where=INBOX, expected=expected, got=f"none in {wait_s:g} s")
        return found

    return hand_over


@dataclass(frozen=True, slots=True)
class _Ways:
    """The ways to a log that another process owns."""

    reader: LogReader
    policy: Policy
    append: Callable[[bytes, Mapping[str, bytes]], int]
    wait_s: float

    def settle(self, size: int) -> bytes:
        """Wait for a checkpoint over so many entries."""

        def look() -> bytes | None:
            self.reader.refresh()
            return newest_head(self.reader, self.policy, size=size)

        found = _awaited(look, self.wait_s)
        if found is None:
            expected, got = f"a checkpoint over {size} entries as the anchor asks", f"none in {self.wait_s:g} s"
            raise EvidenceMissing("quorum", where="log", expected=expected, got=got)
        return found


def _awaited(look: Callable[[], Found | None], wait_s: float) -> Found | None:
    """What `look` finds, asked again and again for a while."""
    end = time.monotonic() + wait_s
    while (found := look()) is None and time.monotonic() < end:
        time.sleep(LOOK_S)
    return found
