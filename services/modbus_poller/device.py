"""One Modbus line and its units: what is asked in a cycle, and what to say when no answer comes.

A reading bears the start of its cycle, a whole period of UTC. Every point gets a row in every cycle: a value, or a
flag word alone. A unit id that is silent is left out for a while and asked last when its turn comes, and no question
may wait beyond the period, so that the others behind the same gateway keep their cycle. A damaged answer is asked for
again at once, a missing one after the others and only if there is time. How questions travel is
`services.modbus_poller.line`, what an answer is worth `services.modbus_poller.answer`.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

from services.modbus_poller.answer import Refusal, refusal_of
from services.modbus_poller.breaker import Breaker
from services.modbus_poller.identity import Identities, SerialNumber
from services.modbus_poller.line import Line, Pace, TcpAddress
from services.modbus_poller.request import PolledPoint, Request, prepare
from services.modbus_poller.serial_port import SerialAddress
from tanji.acquisition.blocks import PlanLimits
from tanji.acquisition.cycle import Cycle, Polled
from tanji.acquisition.flags import Flag
from tanji.errors import LineLost
from tanji.plant.model import ModbusLine

TIMEOUT_SHARE: Final = 0.8
"""A request may take this share of the shortest period, whatever its device's timeout: one silent unit must not carry
the cycle of the others past their next start."""

LEAST_SHARE: Final = 0.25
"""Of its timeout a silent unit has to have this share left in the cycle to be asked at all."""

BUSY_REST_S: Final = 0.05
"""A device that is busy is left alone for this long before it is asked again [s]."""

log = logging.getLogger(__name__)


class DevicePoller:
    """Polls one line until told to stop."""

    def __init__(
        self,
        device: ModbusLine,
        points: Sequence[PolledPoint],
        *,
        plant_id: str,
        sink: Callable[[bytes], Awaitable[None]],
        clock: Callable[[], int],
        address: TcpAddress | SerialAddress,
        limits: Mapping[int, PlanLimits],
        serials: Sequence[SerialNumber] = (),
        rng: random.Random | None = None,
    ) -> None:
        """points : at least one. sink : takes the lines of a cycle. clock : UTC now [ms].

        limits : by unit id. serials : where the units keep their serial numbers. rng : draws the waits of the silent.
        """
        self.id = device.id
        self._sink, self._clock = sink, clock
        self._cycle = Cycle((point.period_ms for point in points), clock=clock)
        timeout_ms = min(device.timeout_s * 1000, TIMEOUT_SHARE * self._cycle.shortest_ms)
        pace = Pace(timeout_ms / 1000, device.pause_ms / 1000, device.connect_pause_ms / 1000)
        self._line = Line(address, pace=pace)
        self._timeout_ms, self._retries = timeout_ms, device.retries
        self._disconnect = device.disconnect_after_cycle
        self._planned = prepare(points, plant_id=plant_id, limits=limits)
        self._requests = self._planned
        self._asked: dict[Request, int] = {}
        rng = rng or random.Random()
        self._connection = Breaker(rng)
        self._units: defaultdict[int, Breaker] = defaultdict(lambda: Breaker(rng))
        self._identities = Identities(serials, name=device.id)
        self._counts = Polled()
        self._reported: set[str] = set()

    def health(self) -> dict[str, int | None]:
        """Last success [UTC ms], requests, failures, retries, cycles, missed cycles."""
        return self._counts.health(self._cycle)

    def serial_numbers(self) -> dict[str, str]:
        """What the instruments say their serial number is, by meter id, as far as it has been read."""
        return self._identities.known()

    async def run(self, stop: asyncio.Event) -> None:
        """Poll until `stop` is set."""
        try:
            await self._cycle.run(stop, self.cycle, name=self.id)
        finally:
            self._line.close()

    async def cycle(self, start_ms: int) -> None:
        """Read what is due at `start_ms` and give the lines to the sink."""
        await self._sink((await self._poll(start_ms)).encode())
        if self._line.connected and (room_s := self._room_ms(start_ms) / 1000) > self._timeout_ms / 1000:
            silent = {unit_id for unit_id, breaker in self._units.items() if breaker.failing}
            await self._identities.read_one(self._line, within_s=room_s, silent=silent)
        if self._disconnect:
            self._line.close()

    async def _poll(self, start_ms: int) -> str:
        """All lines of the cycle that began at `start_ms`."""
        if not self._line.connected and await self._connect(start_ms):
            self._requests = self._planned  # it may be another device now, or have got its registers
            self._asked.clear()
        due = self._cycle.due(start_ms)
        requests = [request for request in self._requests if request.period_ms in due]
        # Sorting is stable: healthy units keep the plan's order, silent ones come last, and what had no turn in its
        # last cycle, because the line is slower than its period, comes first.
        requests.sort(key=lambda each: (self._units[each.block.unit_id].failing, self._asked.get(each, 0)))
        lines: list[str] = []
        again = await self._pass(deque(requests), start_ms, lines)
        for _ in range(self._retries):
            if again and self._room_ms(start_ms) > self._timeout_ms:
                self._counts.retries += len(again)
                again = await self._pass(deque(request for request, _ in again), start_ms, lines)
        for unit_id in {request.block.unit_id for request, refusal in again if refusal.silent}:
            self._units[unit_id].failed(start_ms)
        lines += (request.failed(refusal.flag, time_ms=start_ms) for request, refusal in again)
        return "".join(lines)

    async def _pass(self, waiting: deque[Request], start_ms: int, lines: list[str]) -> list[tuple[Request, Refusal]]:
        """Ask everything once; what may be asked again when all have had their turn, and why.

        Of a unit that is silent nothing more is asked in this pass: it would cost the others a timeout for each.
        """
        again: list[tuple[Request, Refusal]] = []
        quiet: dict[int, Refusal] = {}
        while waiting:
            request = waiting.popleft()
            data = quiet.get(request.block.unit_id) or await self._answer(request, start_ms)
            if not isinstance(data, Refusal):
                lines.append(request.good(data, time_ms=start_ms))
            elif data.too_wide and len(request.block.points) > 1:
                waiting.extendleft(reversed(self._split(request)))
            elif data.later:
                again.append((request, data))
                if data.silent:
                    quiet[request.block.unit_id] = data
                else:
                    await asyncio.sleep(BUSY_REST_S)
            else:
                if data.silent:
                    self._units[request.block.unit_id].failed(start_ms)
                lines.append(request.failed(data.flag, time_ms=start_ms))
        return again

    def _room_ms(self, start_ms: int) -> float:
        return self._cycle.shortest_ms - (self._clock() - start_ms)

    async def _connect(self, start_ms: int) -> bool:
        if not self._connection.allows(start_ms) or self._room_ms(start_ms) <= 0:
            return False
        self._counts.requests += 1
        try:
            await self._line.connect()
        except LineLost as error:
            self._connection.failed(start_ms)
            self._failed(str(self._line.address), str(error))
            return False
        self._connection.succeeded()
        self._recovered(str(self._line.address))
        return True

    async def _answer(self, request: Request, start_ms: int) -> bytes | Refusal:
        """The data of an answer, or why there is none. Silent units are not asked too often."""
        tries = self._retries
        while True:
            breaker, room_ms = self._units[request.block.unit_id], self._room_ms(start_ms)
            least_ms = LEAST_SHARE * self._timeout_ms if breaker.failing else 0.0
            if not breaker.allows(start_ms) or room_ms <= least_ms:
                return Refusal(Flag.COMM)  # a silent unit's turn comes when it costs nobody else a reading
            if not self._line.connected and not await self._connect(start_ms):
                return Refusal(Flag.COMM)
            data = await self._ask(request, start_ms, within_s=room_ms / 1000)
            if not isinstance(data, Refusal) or not data.again:
                return data
            if not tries:
                if data.disconnected:
                    self._connection.failed(start_ms)
                return data
            tries -= 1
            self._counts.retries += 1

    async def _ask(self, request: Request, start_ms: int, *, within_s: float) -> bytes | Refusal:
        self._asked[request] = start_ms
        self._counts.requests += 1
        try:
            data = await self._line.ask(request.question, within_s=within_s)
        except Exception as error:  # the points of this request get a row, and the other requests their turn
            return self._refused(request, refusal_of(error), start_ms)
        self._counts.last_success_ms = self._clock()
        self._units[request.block.unit_id].succeeded()
        self._recovered(request.unit)
        self._recovered(request.place)
        return data

    def _refused(self, request: Request, refusal: Refusal, start_ms: int) -> Refusal:
        if refusal.disconnected:
            self._failed(str(self._line.address), refusal.said)
        elif refusal.silent:
            self._failed(request.unit, refusal.said)
        else:
            self._units[request.block.unit_id].succeeded()
            self._recovered(request.unit)
            self._failed(request.place, refusal.said)
        return refusal

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
