"""One Modbus TCP device: its connection, its requests, and what to say when it does not answer.

A reading bears the start of its cycle, a whole period of UTC. Every point gets a row in every cycle: a value, or a
flag word alone. A unit id that is silent is left out for a while (1, 2, 4 ... 10 s) and asked last when its turn
comes, so that the others behind the same gateway keep their cycle. What an answer is worth is judged in
`services.modbus_poller.answer`.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pymodbus.client import AsyncModbusTcpClient
from pymodbus.exceptions import ConnectionException, ModbusIOException

from services.modbus_poller.answer import Refusal, words_of
from services.modbus_poller.request import PolledPoint, Request, prepare
from tanji.acquisition.backoff import Backoff
from tanji.acquisition.cycle import Cycle, Polled
from tanji.acquisition.flags import Flag
from tanji.plant.model import ModbusDevice

MOST_WAIT_S: Final = 10.0
"""A silent device is asked again after this long at the latest."""

TIMEOUT_SHARE: Final = 0.8
"""A request may take this share of the shortest period, whatever its device's timeout: one silent unit must not carry
the cycle of the others past their next start."""

ILLEGAL_ADDRESS: Final = 2

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Breaker:
    """Whether a silent peer may be asked again."""

    backoff: Backoff
    open_until_ms: int = 0

    def failed(self, start_ms: int) -> None:
        """Silence in the cycle that began at `start_ms`."""
        self.open_until_ms = start_ms + round(self.backoff.failed() * 1000)

    def succeeded(self) -> None:
        """It answered."""
        self.open_until_ms = 0
        self.backoff.succeeded()


def _breaker() -> _Breaker:
    return _Breaker(Backoff(first_s=1.0, most_s=MOST_WAIT_S))


class DevicePoller:
    """Polls one device until told to stop."""

    def __init__(
        self,
        device: ModbusDevice,
        points: Sequence[PolledPoint],
        *,
        plant_id: str,
        sink: Callable[[bytes], Awaitable[None]],
        clock: Callable[[], int],
        host: str,
        port: int,
    ) -> None:
        """points : at least one. sink : takes the lines of a cycle. clock : UTC now [ms]."""
        self.id = device.id
        self._address = f"{host}:{port}"
        self._sink, self._clock = sink, clock
        self._cycle = Cycle((point.period_ms for point in points), clock=clock)
        self._timeout_ms = min(device.timeout_s * 1000, TIMEOUT_SHARE * self._cycle.shortest_ms)
        self._planned = prepare(points, plant_id=plant_id, max_registers=device.max_registers, max_gap=device.max_gap)
        self._requests = self._planned
        # reconnect_delay=0: connecting is part of our cycle, not a task of the client's that would race with it.
        self._client = AsyncModbusTcpClient(
            host, port=port, timeout=self._timeout_ms / 1000, retries=0, reconnect_delay=0, name=device.id
        )
        self._connection = _breaker()
        self._units: defaultdict[int, _Breaker] = defaultdict(_breaker)
        self._counts = Polled()
        self._reported: set[str] = set()

    def health(self) -> dict[str, int | None]:
        """Last success [UTC ms], requests, failures, cycles, missed cycles."""
        return self._counts.health(self._cycle)

    async def run(self, stop: asyncio.Event) -> None:
        """Poll until `stop` is set."""
        try:
            await self._cycle.run(stop, self._hand_over, name=self.id)
        finally:
            self._client.close()

    async def _hand_over(self, start_ms: int) -> None:
        """Read what is due at `start_ms` and give the lines to the sink."""
        await self._sink((await self._poll(start_ms)).encode())

    async def _poll(self, start_ms: int) -> str:
        """All lines of the cycle that began at `start_ms`."""
        due = self._cycle.due(start_ms)
        requests = [request for request in self._requests if request.period_ms in due]
        if not await self._connect(start_ms):
            return "".join(request.failed(Flag.COMM, time_ms=start_ms) for request in requests)
        # Sorting is stable: healthy units keep the plan's order, silent ones come last.
        waiting = deque(sorted(requests, key=lambda request: self._units[request.block.unit_id].backoff.failures > 0))
        lines = []
        while waiting:
            request = waiting.popleft()
            words = await self._answer(request, start_ms)
            if not isinstance(words, Refusal):
                lines.append(request.good(words, time_ms=start_ms))
            elif words.code == ILLEGAL_ADDRESS and len(request.block.points) > 1:
                waiting.extendleft(reversed(self._split(request)))
            else:
                lines.append(request.failed(words.flag, time_ms=start_ms))
        return "".join(lines)

    async def _connect(self, start_ms: int) -> bool:
        if self._client.connected:
            return True
        if start_ms < self._connection.open_until_ms:
            return False
        self._counts.requests += 1
        self._client.close()
        if await self._client.connect():
            self._connection.succeeded()
            self._units.clear()
            self._requests = self._planned  # it may be another device now, or have got its registers
            self._recovered(self._address)
            return True
        self._connection.failed(start_ms)
        self._failed(self._address, "does not accept a connection")
        return False

    async def _answer(self, request: Request, start_ms: int) -> Sequence[int] | Refusal:
        """The words (or bits) of an answer, or why there are none. Silent units are not asked too often."""
        breaker = self._units[request.block.unit_id]
        spent_ms = self._clock() - start_ms
        room_ms = self._cycle.shortest_ms - spent_ms
        may_ask = start_ms >= breaker.open_until_ms
        if breaker.backoff.failures and room_ms < self._timeout_ms:
            may_ask = False  # a second silent unit would cost the next cycle; its turn comes
        if not may_ask or room_ms <= 0 or not self._client.connected:
            return Refusal(Flag.COMM)
        self._counts.requests += 1
        words = await self._ask(request)
        unit = f"unit {request.block.unit_id}"
        place = f"{unit} {request.block.table} {request.block.address}"
        if not isinstance(words, Refusal):
            breaker.succeeded()
            self._counts.last_success_ms = self._clock()
            self._recovered(unit)
            self._recovered(place)
            return words
        if words.silent:
            breaker.failed(start_ms)
            self._failed(unit, words.said)
        elif words.disconnected:
            self._connection.failed(start_ms)
            self._failed(self._address, words.said)
        else:
            breaker.succeeded()
            self._recovered(unit)
            self._failed(place, words.said)
        return words

    async def _ask(self, request: Request) -> Sequence[int] | Refusal:
        block = request.block
        client: Any = self._client
        reads = {
            "holding": client.read_holding_registers,
            "input": client.read_input_registers,
            "coil": client.read_coils,
            "discrete": client.read_discrete_inputs,
        }
        try:
            answer = await reads[block.table](block.address, count=block.count, device_id=block.unit_id)
        except ModbusIOException:
            return Refusal(Flag.COMM, f"does not answer within {self._timeout_ms:.0f} ms", silent=True)
        except ConnectionException:
            return Refusal(Flag.COMM, "closed the connection", disconnected=True)
        except Exception as error:  # the points of this request get a row, and the other requests their turn
            return Refusal(Flag.FAULT, f"cannot be read: {error!r}")
        return words_of(block, answer)

    def _split(self, request: Request) -> tuple[Request, Request]:
        """A register is missing: ask in halves from now on, so that only its own point fails in the end."""
        halves = request.halves()
        place = self._requests.index(request)
        self._requests = (*self._requests[:place], *halves, *self._requests[place + 1 :])
        return halves

    def _failed(self, what: str, happened: str) -> None:
        """Count a failure; log it the first time, not every cycle."""
        self._counts.failures += 1
        if what not in self._reported:
            self._reported.add(what)
            log.warning("%s: %s %s", self.id, what, happened)

    def _recovered(self, what: str) -> None:
        if what in self._reported:
            self._reported.discard(what)
            log.warning("%s: %s answers again", self.id, what)
