"""One Modbus TCP device: its connection, its requests, and what to say when it does not answer.

A reading bears the start of its cycle, a whole period of UTC. Every point gets a row in every cycle: a value, or a
flag word alone. A unit id that is silent is left out for a while (1, 2, 4 ... 10 s) and asked last when its turn
comes, so that the others behind the same gateway keep their cycle. Exception codes: Modbus Application Protocol
V1.1b3 section 7.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from pymodbus.client import AsyncModbusTcpClient
from pymodbus.exceptions import ConnectionException, ModbusException, ModbusIOException

from services.modbus_poller.request import PolledPoint, Request, prepare
from tanji.acquisition.backoff import Backoff
from tanji.acquisition.cycle import Cycle
from tanji.acquisition.flags import Flag
from tanji.plant.model import ModbusDevice

MOST_WAIT_S: Final = 10.0
"""A silent device is asked again after this long at the latest."""

TIMEOUT_SHARE: Final = 0.8
"""A request may take this share of the shortest period, whatever its device's timeout: one silent unit must not carry
the cycle of the others past their next start."""

ILLEGAL_ADDRESS: Final = 2

# Busy, or a gateway that cannot reach the unit: nothing is known about the meter. All other refusals are its fault.
COMMUNICATION_CODES: Final = frozenset({0x05, 0x06, 0x0A, 0x0B})
SILENCE_CODES: Final = frozenset({0x0A, 0x0B})

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


@dataclass(frozen=True, slots=True)
class _Refusal:
    """Why there are no words: the flag for the points, and what it says about the peer."""

    flag: Flag
    silent: bool = False
    disconnected: bool = False
    code: int = 0


@dataclass(slots=True)
class _Counts:
    last_success_ms: int | None = None
    requests: int = 0
    failures: int = 0
    cycles: int = 0
    reported: set[str] = field(default_factory=set)


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
        self._counts = _Counts()

    def health(self) -> dict[str, int | None]:
        """Last success [UTC ms], requests, failures, cycles, missed cycles."""
        counts = self._counts
        return {
            "last_success_ms": counts.last_success_ms,
            "requests": counts.requests,
            "failures": counts.failures,
            "cycles": counts.cycles,
            "missed_cycles": self._cycle.missed,
        }

    async def run(self, stop: asyncio.Event) -> None:
        """Poll until `stop` is set."""
        try:
            while (start := await self._cycle.wait(stop)) is not None:
                try:
                    await self._sink((await self._poll(start)).encode())
                except Exception:  # whatever one cycle meets, the next one must come
                    log.exception("%s: cycle failed", self.id)
                self._counts.cycles += 1
        finally:
            self._client.close()

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
            if not isinstance(words, _Refusal):
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
            self._recovered("connection")
            return True
        self._connection.failed(start_ms)
        self._failed("connection", "does not accept a connection")
        return False

    async def _answer(self, request: Request, start_ms: int) -> Sequence[int] | _Refusal:
        """The words (or bits) of an answer, or why there are none. Silent units are not asked too often."""
        breaker = self._units[request.block.unit_id]
        spent_ms = self._clock() - start_ms
        room_ms = self._cycle.shortest_ms - spent_ms
        may_ask = start_ms >= breaker.open_until_ms
        if breaker.backoff.failures and room_ms < self._timeout_ms:
            may_ask = False  # a second silent unit would cost the next cycle; its turn comes
        if not may_ask or room_ms <= 0 or not self._client.connected:
            return _Refusal(Flag.COMM)
        self._counts.requests += 1
        words = await self._ask(request)
        what = f"unit {request.block.unit_id}"
        if not isinstance(words, _Refusal):
            breaker.succeeded()
            self._counts.last_success_ms = self._clock()
            self._recovered(what)
            return words
        if words.silent:
            breaker.failed(start_ms)
            self._failed(what, "is silent")
        elif words.disconnected:
            self._connection.failed(start_ms)
            self._failed("connection", "was lost")
        else:
            breaker.succeeded()
            self._failed(f"{what} {request.block.table} {request.block.address}", f"refuses with code {words.code}")
        return words

    async def _ask(self, request: Request) -> Sequence[int] | _Refusal:
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
            return _Refusal(Flag.COMM, silent=True)
        except ConnectionException:
            return _Refusal(Flag.COMM, disconnected=True)
        except ModbusException:
            return _Refusal(Flag.FAULT)
        if answer.isError():
            code = answer.exception_code
            flag = Flag.COMM if code in COMMUNICATION_CODES else Flag.FAULT
            return _Refusal(flag, silent=code in SILENCE_CODES, code=code)
        words: Sequence[int] = answer.bits[: block.count] if block.table in ("coil", "discrete") else answer.registers
        return words if len(words) == block.count else _Refusal(Flag.FAULT)

    def _split(self, request: Request) -> tuple[Request, Request]:
        """A register is missing: ask in halves from now on, so that only its own point fails in the end."""
        halves = request.halves()
        place = self._requests.index(request)
        self._requests = (*self._requests[:place], *halves, *self._requests[place + 1 :])
        return halves

    def _failed(self, what: str, happened: str) -> None:
        """Count a failure; log it the first time, not every cycle."""
        self._counts.failures += 1
        if what not in self._counts.reported:
            self._counts.reported.add(what)
            log.warning("%s: %s %s", self.id, what, happened)

    def _recovered(self, what: str) -> None:
        if what in self._counts.reported:
            self._counts.reported.discard(what)
            log.warning("%s: %s answers again", self.id, what)
