"""The parts of a plant's chain of evidence that one process has: keys, trust anchor, log, plant notes (R33-R36).

What is missing or not registered is a fault with a code, never an error: acquisition goes on, the sealer spools, and
the fault is an alarm until somebody mends it. Opening them is `tanji.cli.evidence`, judging them
`tanji.cli.evidence_news`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from tanji.cli.plant_notes import KeptNote, PlantNotes
from tanji.cli.prepared_log import PreparedLog
from tanji.errors import EvidenceMissing, TrustError
from tanji.health.alarms import AlarmCode
from tanji.plant.point_map import Described
from tanji.plant.trust_model import TrustSettings
from tanji.trust.batch_signer import RegisteredKeys
from tanji.trust.key_folder import KeyFolder
from tanji.trust.keyring import Keyring
from tanji.trust.keys import VerifierKey
from tanji.trust.log import Log
from tanji.trust.plant_note import PlantNote
from tanji.trust.policy import Anchor
from tanji.trust.signer import Signer

GATEWAY, LABORATORY = "gateway", "laboratory"
ROLES = (GATEWAY, LABORATORY)
"""What seals: the keys of what is read, and those of what people bring."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Why something is not sealed: an alarm with its page, the key it is about, and what was expected where."""

    code: AlarmCode
    text: str
    subject: str = ""


@dataclass(slots=True)
class Evidence:
    """The parts that are there. `log` is the log of this process, `batch_log` where batches go.

    faults : all of them, replaced as a whole. lasting : those of the opening, which only a restart ends. own_keys :
    private keys of the folder that seal. preparer, approver : where their keys are here and registered.
    folder_keyring : the newest that is known where the log is another process's. logged : the newest plant note of the
    log, as far as it could be asked. unapproved : what stands in the way of the present files; None once approved.
    was_approved : they have been; who approves others after that is not contradicted by a signature made here.
    """

    trust: TrustSettings
    folder: KeyFolder
    files: Described
    plant_id: str
    roles: tuple[str, ...]
    clock: Callable[[], int]
    faults: list[Fault] = field(default_factory=list)
    lasting: list[Fault] = field(default_factory=list)
    anchor: Anchor | None = None
    log: Log | None = None
    batch_log: PreparedLog | None = None
    notes: PlantNotes = field(init=False)
    own_keys: tuple[Signer, ...] = ()
    preparer: Signer | None = None
    approver: Signer | None = None
    folder_keyring: Keyring | None = None
    logged: PlantNote | None = None
    unapproved: str | None = "no plant note yet"
    was_approved: bool = False
    gateway: RegisteredKeys = field(init=False)
    laboratory: RegisteredKeys = field(init=False)

    def __post_init__(self) -> None:
        self.notes = PlantNotes(self.folder.folder)
        self.gateway = self._keys(GATEWAY, self.trust.gateway_key)
        self.laboratory = self._keys(LABORATORY, self.trust.key_name("lab"))

    @property
    def keyring(self) -> Keyring | None:
        """The keyring in force."""
        return self.folder_keyring if self.log is None else self.log.keyring

    @property
    def logs_plant_notes(self) -> bool:
        """Whether this process takes plant notes to the log."""
        return self.log is not None or GATEWAY in self.roles

    def own_note(self) -> KeptNote | None:
        """The newest plant note of the folder that approves the files of this process."""
        return max(
            (kept for kept in self.notes.all() if kept.describes(self.files)),
            key=lambda kept: kept.said.version,
            default=None,
        )

    def version_to_log(self) -> int | None:
        """The plant note up to which this process takes them to the log: 0 without one for its files, None: not at all.

        A plant note for another plant file waits for the process that runs with it: in the log it would end the
        approval of the point map that is sealed under here. For the same reason it is the process of the gateway that
        takes it there, where there is one.
        """
        if not self.logs_plant_notes:
            return None
        own = self.own_note()
        return 0 if own is None else own.said.version

    def check_approved(self) -> None:
        """EvidenceMissing while nothing may be sealed under the present point map."""
        if self.unapproved is not None:
            raise EvidenceMissing(
                "pointmap-approved",
                where=f"point map {self.files.point_map_digest.hex()[:12]}",
                expected="a plant note by preparer and approver, see `tanji plant approve`",
                got=self.unapproved,
            )

    def close(self) -> None:
        """Publish what the log has taken, and let go of it."""
        try:
            if self.log is not None:
                self.log.checkpoint()
        finally:
            if self.batch_log is not None:
                self.batch_log.close()
            if self.log is not None:
                self.log = self.batch_log = None

    def _keys(self, role: str, name: str) -> RegisteredKeys:
        return RegisteredKeys(
            role, name, keyring=lambda: self.keyring, keys=lambda: self.own_keys, permit=self.check_approved
        )


def read_key(found: Evidence, part: str) -> Signer | Fault:
    """The private key of a part of a name, or what is wrong with it."""
    file = found.folder.key_file(part)
    try:
        signer = file.read()
    except EvidenceMissing as error:
        text = f"{error}; `tanji keys setup` makes all keys, `tanji keys new` this one"
        return Fault(AlarmCode.KEYS_MISSING, text, part)
    except TrustError as error:
        return Fault(AlarmCode.KEYS_MISSING, str(error), part)
    name, wanted = VerifierKey.parse(signer.vkey()).name, found.trust.key_name(part)
    if name != wanted:
        return Fault(AlarmCode.KEYS_MISSING, f"{file.path}: expected the key {wanted}, got {name}", part)
    return signer
