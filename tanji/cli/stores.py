"""Open the ledger, and the store a plant file asks for, and have its buckets made.

A server that is down must not keep a plant from starting: readings are safe in the spool meanwhile. So buckets are made
in the background, as soon as the server answers; until then its users get StoreUnavailable and try again by themselves.
"""

from __future__ import annotations

import logging
import threading
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from tanji.cli.instance import prepared
from tanji.errors import StoreError, StoreUnavailable, UsageError
from tanji.ledger import Ledger
from tanji.plant import names
from tanji.plant.model import InfluxSettings, Plant
from tanji.plant.token_file import store_token
from tanji.store.embedded import EmbeddedStore
from tanji.store.influx import InfluxStore
from tanji.store.port import Store

LOG = logging.getLogger(__name__)
RETRY_S = 5.0
"""How long to wait before the server is asked again."""


def open_store(plant: Plant, data_dir: Path) -> Store:
    """The embedded store of `data_dir`, or the server the plant file names; the server may be down.

    Errors: InstanceLocked (embedded, in use), UsageError (token file unreadable).
    """
    settings = plant.services.store
    if not isinstance(settings, InfluxSettings):
        return EmbeddedStore(prepared(data_dir) / "tsdb.duckdb")
    store = InfluxStore(settings.url, org=settings.org, token=store_token(settings))
    threading.Thread(target=make_buckets, args=(store, plant.site.id), name="buckets", daemon=True).start()
    return store


def open_ledger(data_dir: Path) -> Ledger:
    """The ledger of `data_dir`, made if it is not there; UsageError where the file cannot be used."""
    path = ledger_file(data_dir)
    prepared(data_dir)
    try:
        return Ledger(path)
    except SQLAlchemyError as error:
        raise UsageError(
            f"{path}: expected a ledger that can be opened, got {getattr(error, 'orig', error)}"
        ) from error


def open_existing_ledger(data_dir: Path) -> Ledger:
    """The ledger of a plant that has run; UsageError if there is none: a misspelt --data must not make one."""
    if not ledger_file(data_dir).is_file():
        raise UsageError(f"--data: expected the data directory of the plant, got {data_dir} without a ledger in it")
    return open_ledger(data_dir)


def ledger_file(data_dir: Path) -> Path:
    """Where the ledger of a data directory is."""
    return data_dir / "ledger.sqlite"


def make_buckets(store: InfluxStore, plant_id: str) -> None:
    """Make the plant's buckets; asks until the server answers or `store` is closed. A refusal is left at a log line."""
    for bucket in (names.raw_bucket(plant_id), names.derived_bucket(plant_id), names.health_bucket(plant_id)):
        while not store.closed.is_set():
            try:
                store.ensure_bucket(bucket)
                break
            except StoreUnavailable as error:
                LOG.info("bucket %s: %s", bucket, error)
                store.closed.wait(RETRY_S)
            except StoreError as error:  # a token that may not make buckets, where an administrator has made them
                LOG.warning("bucket %s was not made: %s", bucket, error)
                break
