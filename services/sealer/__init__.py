"""The sealer: takes line protocol, puts every reading on disk before it says so, forwards to the store in order."""

from __future__ import annotations

from services.sealer.sealer import Sealer, create_sealer

__all__ = ["Sealer", "create_sealer"]
