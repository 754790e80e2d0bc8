"""The connection to one OPC UA server: kept up by a task of its own, so that no cycle waits for it.

The session is the client library's to repair after a loss; if it has not managed in half a minute, a new client starts
afresh (a client was seen to hang on a connection whose packets vanish). Attempts come slower and slower, with jitter.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

from asyncua import Client
from asyncua.client.ua_client import UaClientState

from services.opcua_poller.security import Identity, told
from tanji.acquisition.backoff import Backoff
from tanji.acquisition.cycle import Polled

MOST_WAIT_S: Final = 10.0
"""A server that is down is asked again after this long at the latest."""

CONNECT_S: Final = 10.0
"""How long a whole connection may take, with its channel and session [s]."""

HEAL_S: Final = 30.0
"""How long the client library may take to repair a lost session before a new client starts [s], or three reads."""

PROBE_S: Final = 5.0
"""How often the client library asks whether the server is there, and how long it waits [s]; by its own second, a
server that is busy would lose its session. Reads have a limit of their own."""

MOST_TOLD: Final = 8
"""Different faults of one outage that are logged; the rest says nothing new."""

log = logging.getLogger(__name__)


class Connection:
    """A client that is connected, most of the time."""

    def __init__(
        self,
        name: str,
        *,
        endpoint: str,
        identity: Identity,
        timeout_s: float,
        shortest_ms: int,
        counts: Polled,
        clock: Callable[[], int],
    ) -> None:
        """name : of the device. shortest_ms : its shortest period [ms]. clock : UTC now [ms].

        `prepare` is done with every fresh client, within `prepare_s` [s].
        """
        self.name = name
        self.connected = asyncio.Event()
        self.client: Client | None = None
        self.prepare: Callable[[Client], Awaitable[None]] | None = None
        self.prepare_s = 0.0
        self._endpoint, self._identity, self._timeout_s = endpoint, identity, timeout_s
        self._most_silent_ms = max(HEAL_S * 1000, 3 * shortest_ms)
        self._counts, self._clock = counts, clock
        self._told: set[str] = set()

    @property
    def ready(self) -> bool:
        """Whether a request can be sent now."""
        return self.client is not None and self.client.uaclient.state is UaClientState.CONNECTED

    def answered(self) -> None:
        """Note that the server answered a request."""
        self._counts.last_success_ms = self._clock()
        if self._told:
            self._told.clear()
            log.warning("%s: answers again", self.name)

    def failed(self, happened: str) -> None:
        """Count a failure; of one outage, log each kind once and not every cycle."""
        self._counts.failures += 1
        if happened not in self._told and len(self._told) < MOST_TOLD:
            self._told.add(happened)
            log.warning("%s: %s", self.name, happened)

    async def keep(self) -> None:
        """Hold a connected client in `client`, and replace one that cannot heal itself."""
        backoff = Backoff(first_s=0.5, most_s=MOST_WAIT_S, rng=random.Random())
        while True:
            client = Client(
                self._endpoint,
                timeout=max(1.0, self._timeout_s, min(self.prepare_s, CONNECT_S)),
                watchdog_intervall=PROBE_S,
                auto_reconnect=True,
                reconnect_max_delay=5,
                reconnect_request_timeout=self._timeout_s,
            )
            try:
                self._counts.requests += 1
                await asyncio.wait_for(self._connect(client), CONNECT_S)
                if self.prepare is not None:
                    await asyncio.wait_for(self.prepare(client), self.prepare_s)
                backoff.succeeded()
                self.client = client
                self.connected.set()
                await self._until_beyond_repair(client)
            except Exception as error:  # whatever it was, nobody else would connect again
                self.failed(told(error))
            finally:
                self.client = None
                with suppress(Exception):  # it is being thrown away; how it objects does not matter
                    await asyncio.wait_for(client.disconnect(), 1.0)
            await asyncio.sleep(backoff.failed())

    async def _connect(self, client: Client) -> None:
        await self._identity.show(client)
        await client.connect()

    async def _until_beyond_repair(self, client: Client) -> None:
        """Return when the client has not been connected, or not answered a read, for too long."""
        well_ms = self._clock()
        while self._clock() - well_ms < self._most_silent_ms:
            await asyncio.sleep(1.0)
            if client.uaclient.state is UaClientState.CONNECTED:
                well_ms = max(well_ms, self._counts.last_success_ms or 0)
        self.failed("silent for too long, connecting anew")
