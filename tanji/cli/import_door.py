"""The way of imported readings into a plant: the sealer, which is the only door (DESIGN section 2).

The one that runs, or, while none does, one that is started for the import on the data directory. A body is sent again
until it is acknowledged; what was acknowledged is on disk, and importing the same file again changes nothing.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import urllib3

from services.sealer import create_sealer
from tanji.acquisition.backoff import Backoff
from tanji.cli.clock import now_ms
from tanji.cli.instance import claim
from tanji.cli.stores import open_store
from tanji.errors import StoreRefused, StoreUnavailable, UsageError
from tanji.plant.model import Plant
from tanji.plant.token_file import sealer_token

PATIENCE_S: Final = 120.0
"""How long a sealer that does not answer is asked again [s]; after that the import ends and can be repeated."""

TIMEOUT_S: Final = 60.0
IN_HAND: Final = 4
"""Bodies between reading and sending: enough that neither waits for the other."""

DRAIN_S: Final = 600.0
SETTLE_S: Final = 10.0
"""How long the import waits for the sealer's word on values that differ from earlier ones [s]."""


class Door:
    """Posts bodies of line protocol to a sealer, in order, from a thread of its own."""

    def __init__(self, url: str, *, token: str | None = None, certificate: str | None = None) -> None:
        """token, certificate : what the sealer asks to be shown, and whose word its address is taken on."""
        self.url = url.rstrip("/")
        self._headers = {"Content-Type": "text/plain; charset=utf-8"}
        if token:
            self._headers["Authorization"] = f"Token {token}"
        self._http = urllib3.PoolManager(retries=False, timeout=TIMEOUT_S, ca_certs=certificate)
        self._sending = ThreadPoolExecutor(1, "import")
        self._under_way: list[Future[None]] = []

    def answers(self) -> bool:
        """Whether a sealer is there."""
        try:
            return bool(self._http.request("GET", f"{self.url}/ping", timeout=5.0).status == 204)
        except urllib3.exceptions.HTTPError:
            return False

    def counters(self) -> dict[str, int]:
        """What the sealer has counted since its start; nothing if it does not say."""
        try:
            answer = self._http.request("GET", f"{self.url}/healthz", timeout=5.0)
            found = json.loads(answer.data)["counters"]
            return {name: int(found[name]) for name in ("parked", "conflicting", "backlog_records")}
        except (urllib3.exceptions.HTTPError, ValueError, KeyError, TypeError):
            return {}

    def settle(self) -> None:
        """Wait a little until the sealer has compared what came with what it had."""
        end = time.monotonic() + SETTLE_S
        while self.counters().get("backlog_records", 0) > 0 and time.monotonic() < end:
            time.sleep(0.2)

    def post(self, body: bytes, *, precision: str = "ms") -> None:
        """Send a body soon; raises what went wrong with an earlier one."""
        self._under_way.append(self._sending.submit(self._post, body, precision))
        while len(self._under_way) > IN_HAND:
            self._under_way.pop(0).result()

    def finish(self) -> None:
        """Wait until everything is acknowledged."""
        while self._under_way:
            self._under_way.pop(0).result()

    def close(self) -> None:
        """Send no more."""
        self._sending.shutdown(cancel_futures=True)
        self._http.clear()

    def _post(self, body: bytes, precision: str) -> None:
        backoff = Backoff(first_s=0.2, most_s=10.0, rng=random.Random())
        end = time.monotonic() + PATIENCE_S
        while True:
            try:
                answer = self._http.request(
                    "POST", f"{self.url}/write?precision={precision}", body=body, headers=self._headers
                )
            except urllib3.exceptions.HTTPError as error:
                reason = str(error)
            else:
                if 200 <= answer.status < 300:
                    return
                reason = f"{answer.status} {answer.data[:200].decode('utf-8', 'replace')}"
                if answer.status not in (429, 500, 502, 503, 504):
                    raise StoreRefused(f"the sealer at {self.url} refused readings: {reason}")
            wait_s = backoff.failed()
            if time.monotonic() + wait_s > end:
                raise StoreUnavailable(f"the sealer at {self.url} does not take readings: {reason}")
            time.sleep(wait_s)


@contextmanager
def door(plant: Plant, *, url: str | None, data_dir: Path | None) -> Iterator[Door]:
    """The running sealer at `url` (by default the plant file's), or one of our own on `data_dir`.

    Raises UsageError where there is neither, InstanceLocked where another process has the data directory.
    """
    settings = plant.services.sealer
    token = sealer_token(settings)
    running = Door(url or plant.services.sealer_url, token=token, certificate=settings.tls_certificate)
    try:
        if running.answers():
            yield running
            return
    finally:
        running.close()
    if data_dir is None or url is not None:
        expected = "a sealer that runs (tanji run, tanji seal), or --data DIR of one that does not"
        raise UsageError(f"{running.url}: expected {expected}, got no answer")
    with _own(plant, data_dir, token=token) as own:
        yield own


@contextmanager
def _own(plant: Plant, data_dir: Path, *, token: str | None) -> Iterator[Door]:
    """A sealer for the time of the import; what it acknowledged is in the store when it stops, if that answers."""
    with claim(data_dir):
        store = open_store(plant, data_dir)
        try:
            sealer = create_sealer(plant, data_dir=data_dir, store=store, clock=now_ms)
            try:
                host, port = sealer.start("127.0.0.1", 0)
                settings = plant.services.sealer
                own = Door(f"{settings.scheme}://{host}:{port}", token=token, certificate=settings.tls_certificate)
                try:
                    yield own
                    sealer.drain(DRAIN_S)
                finally:
                    own.close()
            finally:
                sealer.stop()
        finally:
            store.close()
