"""The ledger: laboratory results, manual entries and the run register (DESIGN section 3)."""

from __future__ import annotations

from tanji.ledger.ledger import Change, EntryOutcome, Ledger

__all__ = ["Change", "EntryOutcome", "Ledger"]
