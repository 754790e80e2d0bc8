"""The log as others meet it: taken from over HTTP, published every minute, shown to the witnesses."""

from __future__ import annotations

from services.log.app import create_log_app
from services.log.keeper import LogKeeper
from services.log.witness_client import Witness, witnesses_of

__all__ = ["LogKeeper", "Witness", "create_log_app", "witnesses_of"]
