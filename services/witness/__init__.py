"""A witness for the metrology institute: it cosigns what it has seen of a log, and nothing that contradicts it."""

from __future__ import annotations

from services.witness.app import create_witness

__all__ = ["create_witness"]
