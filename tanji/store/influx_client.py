"""What influxdb-client is used for: writing bytes by `/api/v2/write`, and making buckets on InfluxDB 2.x.

Its batching and its query objects are never used (platform.md section 2). It is slow to import and of no use on older
servers, so it is loaded at the first call. Its errors come out as Tanji's.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tanji.errors import StoreUnavailable
from tanji.store.influx_http import ANSWER_S, failure, unreachable


class ApiClient:
    """The client of one server, from any thread. `token`: an API token, or `user:password` on 1.x."""

    def __init__(self, url: str, *, token: str | None, org: str) -> None:
        self._url, self._token, self._org = url, token, org
        self._lock = threading.Lock()
        self._client: Any = None

    def write(self, target: str, body: bytes) -> None:
        """Send lines with times in ms to a bucket, or on 1.x to `<database>/<policy>`."""
        from influxdb_client.client.write_api import SYNCHRONOUS

        with self._errors():
            writer = self._opened().write_api(write_options=SYNCHRONOUS)
            writer.write(target, org=self._org, record=body, write_precision="ms")

    def ensure_bucket(self, name: str) -> None:
        """Make the bucket unless it is there."""
        with self._errors():
            buckets = self._opened().buckets_api()
            if buckets.find_bucket_by_name(name) is None:
                self._make_bucket(name, buckets)

    def close(self) -> None:
        """Drop its connections; the next call opens it anew."""
        with self._lock:
            if self._client is not None:
                self._client.close()
                self._client = None

    def _make_bucket(self, name: str, buckets: Any) -> None:
        from influxdb_client.rest import ApiException

        organisations = self._opened().organizations_api().find_organizations(org=self._org)
        if not organisations:  # a token for buckets alone sees no organisation, and none but its own buckets
            raise StoreUnavailable(
                f"expected bucket {name}, or a token that sees organisation {self._org} and may make it, got neither;"
                " have the bucket made by an administrator, or give the token access to it"
            )
        try:
            buckets.create_bucket(bucket_name=name, org=organisations[0])
        except ApiException:
            if buckets.find_bucket_by_name(name) is None:  # else somebody else has just made it
                raise

    def _opened(self) -> Any:
        with self._lock:
            if self._client is None:
                from influxdb_client.client.influxdb_client import InfluxDBClient

                timeout = int(ANSWER_S * 1000)
                self._client = InfluxDBClient(self._url, token=self._token or "", org=self._org, timeout=timeout)
            return self._client

    @contextmanager
    def _errors(self) -> Iterator[None]:
        from influxdb_client.rest import ApiException

        with unreachable(self._url):
            try:
                yield
            except ApiException as err:
                raise failure(err.status or 503, str(err.body or err.reason)) from err
