"""Run the HJ 212 receiver of one plant on an event loop of its own, in a thread, until told to stop."""

from __future__ import annotations

import asyncio

from services.hj212_receiver.receiver import Hj212Receiver
from tanji.cli.clock import now_ms
from tanji.cli.loop_thread import FLUSH_TIMEOUT_S, LoopThread
from tanji.health.metrics import Numbers
from tanji.health.process import ProcessHealth
from tanji.health.sending import numbers_to, outbox_to, slowest_periods
from tanji.plant.model import Hj212Device, Plant


def has_stations(plant: Plant) -> bool:
    """Whether anybody would report."""
    return any(isinstance(device, Hj212Device) for device in plant.devices)


class ReceivingThread(LoopThread):
    """The receiver and the outbox that hands its values to the sealer."""

    def __init__(
        self,
        plant: Plant,
        *,
        sealer_url: str,
        host: str | None = None,
        port: int | None = None,
        health: ProcessHealth | None = None,
    ) -> None:
        """host, port : instead of the plant file's. health : of the process, where it is shared with others.

        Raises UsageError if a password file cannot be read.
        """
        super().__init__("hj212")
        self._plant, self._sealer_url = plant, sealer_url
        self._own_health = health is None
        self._health = health or ProcessHealth(clock=now_ms)
        self.address: tuple[str, int] | None = None
        self._outbox = outbox_to(plant, url=sealer_url, clock=now_ms, health=self._health, sender="hj212")
        self._receiver = Hj212Receiver(plant, sink=self._outbox, clock=now_ms, host=host, port=port)

    def start(self) -> tuple[str, int]:
        """Listen; returns the address. OSError if it cannot be had."""
        self.begin()
        assert self.address is not None
        return self.address

    async def work(self, stop: asyncio.Event) -> None:
        """Receive until told to stop; hang up, and hand over what was received."""
        self.address = await self._receiver.start()
        self.begun.set()
        self._health.add_devices("hj212", self._receiver.health, periods_s=slowest_periods(self._plant))
        self._health.metrics.add(lambda: [Numbers("hj212", self._receiver.counters())])
        if self._own_health:
            settings = self._plant.services.health
            hand_over = numbers_to(self._plant, url=self._sealer_url)
            self._health.start((settings.host, settings.hj212_receiver), hand_over=hand_over)
        try:
            with self._outbox:
                await self._receiver.run(stop)
                await self._outbox.flush(FLUSH_TIMEOUT_S)
        finally:
            if self._own_health:
                self._health.stop()
