"""The one error tree of Tanji. Every error a caller may meet derives from `TanjiError`.

* TanjiError
  + PlantError             the plant file is wrong; carries every finding, not only the first
  + DomainError            a formula was given an input outside its hard range
    - InputError           inputs of a calculation are missing, unknown, impossible or in a wrong unit; names each
  + AcquisitionError       bytes from a device, or line protocol, could not be understood
    - CodecError           registers do not hold what the point says
    - LineProtocolError    a body is not line protocol; names line and reason
  + StoreError             the store refused or could not be reached
    - StoreUnavailable     try again later: connection refused, 429, 5xx
    - StoreRefused         do not try again: 400, 422, type conflict, unknown field
    - UnsupportedServer    neither InfluxDB 1.x, 2.x nor openGemini
  + SpoolError             the sealer's spool is torn in the middle or locked by another process
  + LedgerError            a laboratory or manual entry is malformed; names file, line and field
  + InstanceLocked         another process already runs on this data directory
  + UsageError             the command line asks for something that does not exist

Messages say what was expected and what was got.
"""

from __future__ import annotations

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


class LineProtocolError(AcquisitionError):
    """A body is not line protocol."""


class StoreError(TanjiError):
    """The store refused a request or could not be reached."""


class StoreUnavailable(StoreError):
    """The store is down or overloaded; the same bytes may be sent again later."""


class StoreRefused(StoreError):
    """The store will never take this request; sending it again is pointless."""


class UnsupportedServer(StoreError):
    """The server is neither InfluxDB 1.x, InfluxDB 2.x nor openGemini."""


class SpoolError(TanjiError):
    """The spool is damaged before its end, or in use by another process."""


class InstanceLocked(TanjiError):
    """Another process already works on this data directory."""


class UsageError(TanjiError):
    """The command line asks for something that does not exist."""
