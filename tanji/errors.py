"""The one error tree of Tanji. Every error a caller may meet derives from `TanjiError`.

* TanjiError
  + PlantError             the plant file is wrong; carries every finding, not only the first
  + DomainError            a formula was given an input outside its hard range
    - InputError           inputs of a calculation are missing, unknown, impossible or in a wrong unit; names each
  + AcquisitionError       bytes from a device, or line protocol, could not be understood
    - CodecError           registers do not hold what the point says
    - FrameError           what came over the line is no answer to the question
    - RefusedError         a Modbus device answers with an exception code
    - LineLost             the line to a device is not open, or was closed meanwhile
    - Silence              a device does not answer in time
    - LineProtocolError    a body is not line protocol; names line and reason
    - TelegramError        bytes are no HJ 212 telegram; names the position
    - CertificateError     an OPC UA certificate is missing, expired, not trusted, or another's
  + StoreError             the store refused or could not be reached
    - StoreUnavailable     try again later: connection refused, 429, 5xx
    . StoreDenied          one of those, 401, 403, 404: somebody has to look after token or bucket
    - StoreRefused         do not try again: 400, 422, type conflict, unknown field
    - UnsupportedServer    neither InfluxDB 1.x, 2.x nor openGemini
  + SpoolError             the sealer's spool is torn in the middle or locked by another process
    - SpoolFull            no room on the disk, or above the limit of the plant file
  + LedgerError            a laboratory or manual entry is malformed; names file, line and field
  + TrustError             a signature, proof, note or key breaks a rule; names rule, place, expected and got
    - EvidenceMissing      what would decide the question is not there
  + LogError               the log's own files are damaged, or its disk no longer takes anything
    - LogUnavailable       the log does not answer, or has no room; the same bytes may come again
  + InstanceLocked         another process already runs on this data directory
  + UsageError             the command line asks for something that does not exist

Messages say what was expected and what was got.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass


class TanjiError(Exception):
    """Root of every error Tanji raises on purpose."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault of an input file: where it is, what was expected there, what was got."""

    file: str
    line: int
    key: str
    expected: str
    got: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.key}: expected {self.expected}, got {self.got}"


class FindingsError(TanjiError):
    """An input file has one or more faults; all of them are listed."""

    def __init__(self, findings: tuple[Finding, ...]) -> None:
        self.findings = findings
        super().__init__("\n".join(str(finding) for finding in findings))


class PlantError(FindingsError):
    """The plant file, or a point table beside it, is wrong."""


class LedgerError(FindingsError):
    """A laboratory or manual entry is malformed."""


class DomainError(TanjiError):
    """A formula was given an input outside its hard range, or of the wrong unit."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one input of a calculation: its symbol and name, what was expected, what was got."""

    field: str
    expected: str
    got: str

    def __str__(self) -> str:
        return f"{self.field}: expected {self.expected}, got {self.got}"


class InputError(DomainError):
    """Inputs of a calculation are missing, unknown, impossible or in a wrong unit; every one is named."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        self.faults = faults
        super().__init__("; ".join(str(fault) for fault in faults))


class AcquisitionError(TanjiError):
    """Bytes from a device or a client could not be understood."""


class CodecError(AcquisitionError):
    """The registers do not hold what the point declares."""


class FrameError(AcquisitionError):
    """What came over the line is no answer to the question.

    damaged : it was hurt on the way and may come whole next time. broken : nothing after it can be understood either.
    """

    def __init__(self, message: str, *, damaged: bool = False, broken: bool = False) -> None:
        super().__init__(message)
        self.damaged, self.broken = damaged, broken


class RefusedError(AcquisitionError):
    """A Modbus device answers with an exception code."""

    def __init__(self, code: int) -> None:
        super().__init__(f"refuses with code {code}")
        self.code = code


class LineLost(AcquisitionError):
    """The line to a device is not open, or was closed meanwhile."""


class Silence(AcquisitionError):
    """A device does not answer in time."""


class LineProtocolError(AcquisitionError):
    """A body is not line protocol."""


class TelegramError(AcquisitionError):
    """Bytes are no HJ 212 telegram; `position` counts from 0 at the first byte of what was read."""

    def __init__(self, position: int, *, expected: str, got: str) -> None:
        self.position, self.expected, self.got = position, expected, got
        super().__init__(f"position {position}: expected {expected}, got {got}")


class CertificateError(AcquisitionError):
    """An OPC UA certificate is missing, expired, not trusted, or not the one of who shows it.

    fingerprint : of one that is shown and not trusted, as `tanji keys opcua trust` takes it; else empty.
    """

    def __init__(self, message: str, *, fingerprint: str = "") -> None:
        super().__init__(message)
        self.fingerprint = fingerprint


class StoreError(TanjiError):
    """The store refused a request or could not be reached."""


class StoreUnavailable(StoreError):
    """The store is down or overloaded; the same bytes may be sent again later."""


class StoreDenied(StoreUnavailable):
    """401, 403 or 404: somebody has to look after token, permission or bucket; what waits is held until then."""


class StoreRefused(StoreError):
    """The store will never take this request; sending it again is pointless."""


class UnsupportedServer(StoreError):
    """The server is neither InfluxDB 1.x, InfluxDB 2.x nor openGemini."""


class SpoolError(TanjiError):
    """The spool is damaged before its end, or in use by another process."""


class SpoolFull(SpoolError):
    """There is no room for another body; it was not acknowledged and may come again."""


LONGEST_SHOWN = 120
"""Longest text of evidence that a message repeats: enough to find the place, too little to flood a log [characters]."""


class TrustError(TanjiError):
    """Evidence breaks a rule; `rule` is a name of docs/trust-format.md, `where` the file, note or line.

    The texts may come from whoever forged the evidence: they are cut to `LONGEST_SHOWN` and hold no control characters.
    """

    def __init__(self, rule: str, *, where: str = "", expected: str, got: str) -> None:
        self.rule, self.where = rule, _shown(where, end=True)
        self.expected, self.got = _shown(expected), _shown(got)
        super().__init__(": ".join(filter(None, (self.where, rule, f"expected {self.expected}, got {self.got}"))))

    def __reduce__(self) -> tuple[Callable[..., TrustError], tuple[object, ...]]:
        """Verification runs in several processes, and an exception has to come home from them."""
        return _trust_error, (type(self), self.rule, self.where, self.expected, self.got)


class EvidenceMissing(TrustError):
    """Material is not there, so that nothing can be decided either way."""


def _trust_error(kind: type[TrustError], rule: str, where: str, expected: str, got: str) -> TrustError:
    return kind(rule, where=where, expected=expected, got=got)


class LogError(TanjiError):
    """The files of a log contradict each other, or its disk failed; nothing is taken until a person has looked."""


class LogUnavailable(LogError):
    """The log does not answer or has no room now; the same bytes may be sent again later."""


SECRET = re.compile(r"PRIVATE\+KEY\S*")
"""A private key, which somebody may have put where a public one belongs."""


def _shown(text: str, *, end: bool = False) -> str:
    """One printable line of at most `LONGEST_SHOWN` characters, without secrets; of a path the end tells most."""
    text = SECRET.sub("a private key (not shown)", text)
    cut = text[-LONGEST_SHOWN - 1 :] if end else text[: LONGEST_SHOWN + 1]
    line = "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in cut)
    if len(line) <= LONGEST_SHOWN:
        return line
    return "…" + line[2:] if end else line[: LONGEST_SHOWN - 1] + "…"


class InstanceLocked(TanjiError):
    """Another process already works on this data directory."""


class UsageError(TanjiError):
    """The command line asks for something that does not exist."""
