"""Run the HJ 212 receiver of one plant on an event loop of its own, in a thread, until told to stop."""

from __future__ import annotations

import asyncio
import logging
import threading

from services.hj212_receiver.receiver import Hj212Receiver
from tanji.cli.clock import now_ms
from tanji.health.metrics import Numbers
from tanji.health.process import ProcessHealth
from tanji.health.sending import numbers_to, outbox_to, slowest_periods
from tanji.plant.model import Hj212Device, Plant

LOG = logging.getLogger(__name__)
FLUSH_TIMEOUT_S = 5.0
"""How long a stop waits for the last values to be acknowledged."""


def has_stations(plant: Plant) -> bool:
    """Whether anybody would report."""
    return any(isinstance(device, Hj212Device) for device in plant.devices)


class ReceivingThread:
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
        self._plant, self._sealer_url = plant, sealer_url
        self._own_health = health is None
        self._health = health or ProcessHealth(clock=now_ms)
        self.failure: BaseException | None = None
        self.address: tuple[str, int] | None = None
        self._outbox = outbox_to(plant, url=sealer_url, clock=now_ms, health=self._health, sender="hj212")
        self._receiver = Hj212Receiver(plant, sink=self._outbox, clock=now_ms, host=host, port=port)
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="hj212", daemon=True)

    def start(self) -> tuple[str, int]:
        """Listen; returns the address. OSError if it cannot be had."""
        self._thread.start()
        self._ready.wait()
        if self.address is None:
            self._thread.join()
            assert self.failure is not None
            raise self.failure
        return self.address

    def stop(self) -> None:
        """Hang up, hand over what was received, and return."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(timeout=30)

    def wait(self) -> None:
        """Block until the receiver ends."""
        self._thread.join()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._receive())
        except BaseException as error:  # the thread's owner decides; it must not vanish with the thread
            self.failure = error
            if self.address is not None:
                LOG.exception("the receiver stopped")
        finally:
            self._loop.close()
            self._ready.set()

    async def _receive(self) -> None:
        self.address = await self._receiver.start()
        self._ready.set()
        self._health.add_devices("hj212", self._receiver.health, periods_s=slowest_periods(self._plant))
        self._health.metrics.add(lambda: [Numbers("hj212", self._receiver.counters())])
        if self._own_health:
            settings = self._plant.services.health
            hand_over = numbers_to(self._plant, url=self._sealer_url)
            self._health.start((settings.host, settings.hj212_receiver), hand_over=hand_over)
        try:
            with self._outbox:
                await self._receiver.run(self._stop)
                await self._outbox.flush(FLUSH_TIMEOUT_S)
        finally:
            if self._own_health:
                self._health.stop()
