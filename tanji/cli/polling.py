"""Run the pollers of one plant on an event loop of their own, in a thread, until told to stop."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from services.modbus_poller.poller import ModbusPoller
from services.opcua_poller.poller import OpcuaPoller
from tanji.cli.clock import now_ms
from tanji.cli.loop_thread import FLUSH_TIMEOUT_S, LoopThread
from tanji.health.process import ProcessHealth
from tanji.health.sending import sending, slowest_periods
from tanji.plant.model import Plant


@dataclass(slots=True)
class Addresses:
    """Where devices answer when it is not where the plant file says, as in the demo."""

    modbus: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    opcua: Mapping[str, str] = field(default_factory=dict)


class PollingThread(LoopThread):
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
        super().__init__("pollers")
        self._plant, self._sealer_url, self._health = plant, sealer_url, health
        self._addresses = addresses or Addresses()

    def start(self) -> None:
        """Begin polling. Raises UsageError if the sealer's token or a device's secret cannot be read."""
        self.begin()

    async def work(self, stop: asyncio.Event) -> None:
        """Poll until told to stop, and hand over what was read."""
        plant, port = self._plant, self._plant.services.health.modbus_poller
        with sending(plant, url=self._sealer_url, clock=now_ms, port=port, health=self._health) as (outbox, health):
            modbus = ModbusPoller(plant, sink=outbox.send, clock=now_ms, addresses=self._addresses.modbus)
            opcua = OpcuaPoller(plant, sink=outbox.send, clock=now_ms, endpoints=self._addresses.opcua)
            periods = slowest_periods(plant)
            health.add_devices("modbus", modbus.health, periods_s=periods)
            health.add_devices("opcua", opcua.health, periods_s=periods)
            self.begun.set()
            await asyncio.gather(modbus.run(stop), opcua.run(stop))
            await outbox.flush(FLUSH_TIMEOUT_S)
