"""What runs over the chain of evidence beside the sealer: the log's keeper, the laboratory's seal, state for the pages.

One object for `tanji run`, `tanji jobs` and the demonstration. With `trust.log_url` the log, its checkpoints and its
witnesses are another process's; here are then only keys. Order at the end: samples, the sealer (the caller's), the log.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from calc_jobs.laboratory_seal import LaboratorySeal
from ledger_api.sealed import SealState
from services.log.inbox import InboxReader
from services.log.keeper import LogKeeper
from services.log.witness_client import witnesses_of
from services.sealer import Sealer, create_sealer
from services.sealer.seal_state import ClockState
from tanji.cli.evidence_news import News
from tanji.cli.evidence_parts import Evidence, Fault
from tanji.cli.older_batches import LABORATORY_FOLDER
from tanji.health.alarms import AlarmCode, Alarms
from tanji.health.clock import ClockWatch
from tanji.health.metrics import Metrics, Numbers
from tanji.health.periodic import Periodic
from tanji.health.process import ProcessHealth
from tanji.ledger import Ledger
from tanji.plant.model import Plant
from tanji.store.port import Store
from tanji.trust.note_inbox import FOLDER as INBOX
from tanji.trust.note_inbox import NoteInbox

LOOK_S = 2.0
"""How often the folder of keys is looked at [s]."""

STOP_S = 5.0
"""How long a stop waits for a log of another process that does not answer [s]."""


def sealer_of(
    plant: Plant, evidence: Evidence | None, *, data_dir: Path, store: Store, clock: Callable[[], int]
) -> Sealer:
    """The sealer, with what the evidence has for it; while no key may sign, readings wait in its spool."""
    return create_sealer(
        plant,
        data_dir=data_dir,
        store=store,
        clock=clock,
        keys=None if evidence is None else evidence.gateway,
        log=None if evidence is None else evidence.batch_log,
        point_map=None if evidence is None else evidence.files.point_map,
    )


def laboratory_seal(
    evidence: Evidence | None, ledger: Ledger, *, data_dir: Path, clock: Callable[[], int], clock_watch: ClockWatch
) -> LaboratorySeal | None:
    """The laboratory's seal; None where the plant file has no section `trust`."""
    if evidence is None:
        return None
    return LaboratorySeal(
        data_dir / LABORATORY_FOLDER,
        keys=evidence.laboratory,
        ledger=ledger,
        batch_log=evidence.batch_log,
        pointmap=evidence.files.point_map_digest,
        clock=clock,
        clock_text=ClockState(clock_watch.state, time.monotonic).text,
    )


def watch_laboratory(health: ProcessHealth, seal: LaboratorySeal | None) -> None:
    """Alarm and numbers of the laboratory's seal."""
    if seal is not None:
        health.add_laboratory(lambda: seal.told.fault, lambda: {"waiting_batches": seal.told.waiting})


class SealingParts:
    """Keeper of the log in this process, the look for new keys and notes, and what others may know of the evidence."""

    def __init__(self, evidence: Evidence | None, *, alarms: Alarms, clock: Callable[[], int]) -> None:
        """clock : UTC now [ms]. The faults of the evidence are alarms from now on."""
        self.evidence = evidence
        self.keeper: LogKeeper | None = None
        self.inbox: InboxReader | None = None
        self._alarms, self._told = alarms, set[tuple[AlarmCode, str]]()
        if evidence is None:
            return
        self._news = News(evidence)
        self._looking = Periodic(self.look, period_s=LOOK_S, name="evidence", fault="keys and notes were not looked at")
        self._tell(evidence.faults)
        if evidence.log is not None:
            self.keeper = LogKeeper(
                evidence.log,
                witnesses_of(evidence.trust.witnesses),
                clock=clock,
                alarms=alarms,
                witness_s=evidence.trust.witness_s,
            )
            folder = evidence.log.folder.parent / INBOX
            self.inbox = InboxReader(NoteInbox(folder), evidence.log, witness=self.keeper.witness)

    def look(self) -> None:
        """Take up keys and notes that are new, and tell what is missing still."""
        if self.evidence is not None and self._news.look():
            self._tell(self.evidence.faults)

    def start(
        self, metrics: Metrics, *, sealer: Sealer | None = None, laboratory: LaboratorySeal | None = None
    ) -> None:
        """Publish and witness from now on; `sealer` and `laboratory` stop signing if a witness knows better."""
        if self.keeper is not None:
            keeper = self.keeper
            if sealer is not None:
                keeper.tell(sealer.forbid_sealing)
            if laboratory is not None:
                keeper.tell(laboratory.forbid)
            metrics.add(lambda: [Numbers("log", keeper.numbers())])
            keeper.start()
        if self.inbox is not None:
            self.inbox.start()
        if self.evidence is not None:
            self._looking.start()

    def state(self, sealer: Sealer) -> SealState:
        """How far the evidence has come, for the pages."""
        evidence = self.evidence
        if evidence is None:
            return SealState("trust")
        sealed = sealer.report()["seal"]
        reason = sealed["reason"] if sealed["state"] != "ok" else None
        if sealed["state"] in ("off", "held"):
            reason = "; ".join(fault.text for fault in evidence.faults) or sealed["reason"]
        log = evidence.log
        witnessed = () if log is None else log.checkpoints()[-1:]
        return SealState(
            reason=reason,
            sealed_to_ms=sealed.get("sealed_to_ms"),
            entries=None if evidence.trust.log_url is not None else 0 if log is None else log.size,
            witnesses=tuple(witness.name for witness in evidence.trust.witnesses),
            witnessed_ms=witnessed[0].time_s * 1000 if witnessed else None,
            witnessed_entries=witnessed[0].size if witnessed else 0,
        )

    def close(self) -> None:
        """Publish what the log has taken, then let go of it."""
        if self.evidence is not None:
            self._looking.stop(within_s=STOP_S)
        if self.inbox is not None:
            self.inbox.stop()
        if self.keeper is not None:
            self.keeper.stop()
        if self.evidence is not None:
            self.evidence.close()

    def _tell(self, faults: Sequence[Fault]) -> None:
        """Make the faults of now alarms, and end those of before."""
        now = {(fault.code, fault.subject): fault.text for fault in faults}
        for code, subject in self._told - now.keys():
            self._alarms.clear(code, subject=subject)
        for (code, subject), text in now.items():
            self._alarms.set(code, text, subject=subject)
        self._told = set(now)
