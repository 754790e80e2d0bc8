"""Open the store a plant file asks for, and make sure its buckets exist."""

from __future__ import annotations

from pathlib import Path

from tanji.errors import UsageError
from tanji.plant import names
from tanji.plant.model import InfluxSettings, Plant
from tanji.store.embedded import EmbeddedStore
from tanji.store.influx import InfluxStore
from tanji.store.port import Store


def open_store(plant: Plant, data_dir: Path) -> Store:
    """The embedded store of `data_dir`, or the server the plant file names.

    Errors: StoreUnavailable, UnsupportedServer, UsageError (token file unreadable).
    """
    settings = plant.services.store
    if not isinstance(settings, InfluxSettings):
        data_dir.mkdir(parents=True, exist_ok=True)
        return EmbeddedStore(data_dir / "tsdb.duckdb")
    store = InfluxStore(settings.url, org=settings.org, token=read_token(settings))
    for bucket in (names.raw_bucket, names.derived_bucket, names.health_bucket):
        store.ensure_bucket(bucket(plant.site.id))
    return store


def read_token(settings: InfluxSettings) -> str | None:
    """The server's token, from its file; None where the plant file names none."""
    if settings.token_file is None:
        return None
    try:
        return Path(settings.token_file).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise UsageError(f"services.store.token_file {settings.token_file}: cannot be read: {error.strerror}") from error
