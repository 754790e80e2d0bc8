"""A log in memory whose notes are really signed: what a gateway of the plant `hx` sealed, minute by minute."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from tanji.errors import EvidenceMissing
from tanji.trust import correction
from tanji.trust.batch import GENESIS, LATE, REGULAR, Batch, format_batch, leaf
from tanji.trust.correction import Correction
from tanji.trust.keyring import NO_NOTE, Keyring, required, seal
from tanji.trust.keyring_text import KeyLine, KeyringText
from tanji.trust.keys import ED25519, VerifierKey
from tanji.trust.log import Log
from tanji.trust.note import sign
from tanji.trust.payload import payload_root
from tanji.trust.registrar import Registrar
from tanji.trust.signer import Ed25519Signer

MINUTE = 60_000
START = 1_772_323_200_000  # 2026-03-01 00:00 UTC
GATEWAY = "demo.example/gw1"


def signer(number: int, name: str) -> Ed25519Signer:
    return Ed25519Signer(name, bytes([number]) * 32, ED25519)


def key(of: Ed25519Signer) -> VerifierKey:
    return VerifierKey.parse(of.vkey())


REGISTRARS = signer(1, "demo.example/registrar-institute"), signer(2, "demo.example/registrar-plant")
PREPARER, APPROVER = signer(3, "demo.example/prepare"), signer(4, "demo.example/approve")


class SealedPlant:
    """The files of a log as `calc_jobs.sealed_log.LogFiles` asks for them, and the gateways that fill it."""

    def __init__(self, *gateways: str, closed: Sequence[str] = (), from_ms: int = START) -> None:
        self.notes: list[bytes] = []
        self.payloads: dict[int, bytes] = {}
        self.gateways = {name: signer(10 + place, name) for place, name in enumerate(gateways or (GATEWAY,))}
        self._ends = {name: [0, GENESIS, from_ms] for name in self.gateways}
        self.keyring: Keyring | None = None
        self._log_keyring(closed)

    @property
    def size(self) -> int:
        return len(self.notes)

    def refresh(self) -> None:
        pass

    def entries(self, start: int, end: int) -> Iterator[bytes]:
        return iter(self.notes[start:end])

    def payload(self, index: int) -> bytes:
        if index not in self.payloads:
            raise EvidenceMissing("payload-missing", where=f"{index}", expected="a file beside the log", got="no file")
        return self.payloads[index]

    def minute(self, lines: Iterable[str] = (), *, gateway: str = GATEWAY, minutes: int = 1) -> int:
        """The next regular batch; its index."""
        start = self._ends[gateway][2]
        self._ends[gateway][2] = end = start + minutes * MINUTE
        reason = None if minutes <= 2 else "stopped"
        return self._add(REGULAR, lines, gateway, start, end, sealed=end + 500, reason=reason)

    def late(self, lines: Iterable[str], *, kind: str = LATE, gateway: str = GATEWAY) -> int:
        """A batch of older lines, or of a meter's settings; its index."""
        given = list(lines)
        times = [int(line.split(" ")[1]) for line in given]
        reason = "logger upload" if kind == LATE else None
        sealed = self._ends[gateway][2] + 500
        return self._add(kind, given, gateway, min(times), max(times) + 1, sealed=sealed, reason=reason)

    def correct(
        self, index: int, line: str, by: str, *, signers: Sequence[Ed25519Signer] = (PREPARER, APPROVER)
    ) -> int:
        """A correction of a line; its index."""
        said = Correction("hx", index, leaf(self.notes[index]), line, by, "scale was read wrongly", bytes(32))
        self.notes.append(sign(correction.format_correction(said), *signers))
        return self.size - 1

    def write_log(self, folder: Path) -> None:
        """The same as a log on disk, published."""
        log = Log.open(folder, signer=signer(5, "demo.example/log"), clock=lambda: START)
        for index, entry in enumerate(self.notes):
            if index in self.payloads:
                log.add_batch(entry, self.payloads[index])
            else:
                log.add_note(entry)
        log.checkpoint()
        log.close()

    def _add(
        self, kind: str, lines: Iterable[str], gateway: str, start: int, end: int, *, sealed: int, reason: str | None
    ) -> int:
        payload = b"".join(sorted({f"{line}\n".encode() for line in lines}))
        seq, prev, _ = self._ends[gateway]
        points, root = payload.count(b"\n"), payload_root(payload)
        batch = Batch(gateway, kind, seq, prev, start, end, sealed, points, root, bytes(32), "ntp 2ms", reason)
        note = sign(format_batch(batch), self.gateways[gateway])
        self._ends[gateway][:2] = seq + 1, leaf(note)
        self.payloads[self.size] = payload
        self.notes.append(note)
        return self.size - 1

    def _log_keyring(self, closed: Sequence[str]) -> None:
        registrars = [Registrar("institute", key(REGISTRARS[0])), Registrar("plant", key(REGISTRARS[1]))]
        lines = [KeyLine("gateway", key(of), 0, 0 if name in closed else None) for name, of in self.gateways.items()]
        lines += [KeyLine("preparer", key(PREPARER), 0), KeyLine("approver", key(APPROVER), 0)]
        text = KeyringText.make("hx", version=1, prev=NO_NOTE, registrars=registrars, lines=lines)
        assert required(registrars, registrars, [key(REGISTRARS[1])]) == tuple(key(each) for each in REGISTRARS)
        note = seal(text, *REGISTRARS)
        self.notes.append(note)
        self.keyring = Keyring.first(note, registrars)
