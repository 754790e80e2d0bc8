"""Run the pollers of one plant on an event loop of their own, in a thread, until told to stop."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

from services.modbus_poller.poller import ModbusPoller
from services.opcua_poller.poller import OpcuaPoller
from tanji.cli.clock import now_ms
from tanji.health.process import ProcessHealth
from tanji.health.sending import sending, slowest_periods
from tanji.plant.model import Plant

LOG = logging.getLogger(__name__)
FLUSH_TIMEOUT_S = 5.0
"""How long a stop waits for the last readings to be acknowledged."""


@dataclass(slots=True)
class Addresses:
    """Where devices answer when it is not where the plant file says, as in the demo."""

    modbus: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    opcua: Mapping[str, str] = field(default_factory=dict)


class PollingThread:
    """Both pollers and the outbox that hands their readings to the sealer."""

    def __init__(
        self,
        plant: Plant,
        *,
        sealer_url: str,
        addresses: Addresses | None = None,
        health: ProcessHealth | None = None,
    ) -> None:
        """health : of the process, where it is shared with others; else the pollers have their own, at an address."""
        self.plant = plant
        self.health = health
        self.sealer_url = sealer_url
        self.addresses = addresses or Addresses()
        self.failure: BaseException | None = None
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="pollers", daemon=True)

    def start(self) -> None:
        """Begin polling."""
        self._thread.start()

    def stop(self) -> None:
        """Finish the running cycle, hand over what was read, and return."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(timeout=30)

    def wait(self) -> None:
        """Block until the pollers end."""
        self._thread.join()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._poll())
        except BaseException as error:  # the thread's owner decides; it must not vanish with the thread
            self.failure = error
            LOG.exception("the pollers stopped")
        finally:
            self._loop.close()

    async def _poll(self) -> None:
        port = self.plant.services.health.modbus_poller
        with sending(self.plant, url=self.sealer_url, clock=now_ms, port=port, health=self.health) as (outbox, health):
            modbus = ModbusPoller(self.plant, sink=outbox.send, clock=now_ms, addresses=self.addresses.modbus)
            opcua = OpcuaPoller(self.plant, sink=outbox.send, clock=now_ms, endpoints=self.addresses.opcua)
            periods = slowest_periods(self.plant)
            health.add_devices("modbus", modbus.health, periods_s=periods)
            health.add_devices("opcua", opcua.health, periods_s=periods)
            await asyncio.gather(modbus.run(self._stop), opcua.run(self._stop))
            await outbox.flush(FLUSH_TIMEOUT_S)
