"""The OPC UA subscription, its audit, and the gaps: nothing lost, nothing wrong, whatever the server does (R23, R24).

Servers run in processes of their own and are frozen, killed and muted; waits are generous, since only the order of
things matters and not how fast they come. Status codes are those of OPC 10000-6 annex A.
"""

from __future__ import annotations

import asyncio
import socket
from datetime import UTC, datetime
from typing import Any

import pytest
from asyncua import ua
from asyncua.common.subscription import Subscription

from services.opcua_poller.batch import Trace
from services.opcua_poller.poller import OpcuaPoller
from tanji.acquisition.flags import Flag

from .opcua_rig import Collected, free_port, now_ms, plant_of, polling, served, stopped, until

BAD_SENSOR = 0x808C0000
COMM, FAULT = int(Flag.COMM), int(Flag.FAULT)
SUBSCRIBED: dict[str, Any] = {"read": "subscription", "audit_s": 2}


def good(collected: Collected, point: str) -> list[tuple[int, float]]:
    """Values without remark, by time."""
    return sorted(
        (at, value) for at, (value, word) in collected.sealed(point).items() if word == 0 and value is not None
    )


def test_every_change_is_a_reading_at_its_source_timestamp_and_a_quiet_value_is_confirmed() -> None:
    async def scenario() -> None:
        port = free_port()
        plant = plant_of(port, [{"id": "a.x", "scale": 0.5, "offset": 1}, {"id": "a.quiet"}], **SUBSCRIBED)
        with served(port=port, values={"a.x": 0.0, "a.quiet": 4.0}) as server:
            await server.ready()
            with polling(plant) as (poller, collected, running):
                assert await until(lambda: collected.has("a.x", 1.0, 0))
                # The first source timestamp is later than the server's own for the value before.
                first = now_ms() + 1000
                told = {first + 300 * number: float(number + 10) for number in range(20)}
                for source_ms, value in told.items():
                    await server.write(("a.x", value, 0, source_ms))
                    await asyncio.sleep(0.15)
                expected = {(at, value * 0.5 + 1) for at, value in told.items()}
                assert await until(lambda: expected <= set(good(collected, "a.x")))
                assert await until(lambda: len(good(collected, "a.quiet")) >= 3), "confirmed by the audit"
                await stopped(running)
            assert {value for _, value in good(collected, "a.quiet")} == {4.0}
            assert {word for _, word in collected.sealed("a.x").values()} == {0}
            (health,) = poller.health().values()
            assert health["subscription_misses"] == 0

    asyncio.run(scenario())


def test_a_bad_status_that_keeps_the_old_timestamp_counts_from_now_on() -> None:
    async def scenario() -> None:
        port = free_port()
        with served(port=port, values={"a.x": 0.0}) as server:
            await server.ready()
            with polling(plant_of(port, [{"id": "a.x"}], **SUBSCRIBED)) as (_, collected, running):
                assert await until(lambda: collected.has("a.x", 0.0, 0))
                source_ms = now_ms()
                await server.write(("a.x", 5.0, 0, source_ms))
                assert await until(lambda: (source_ms, 5.0) in good(collected, "a.x"))
                await server.write(("a.x", None, BAD_SENSOR, source_ms))
                assert await until(lambda: collected.has("a.x", None, FAULT))
                await stopped(running)
            assert collected.sealed("a.x")[source_ms] == (5.0, 0), "the good reading stands"
            assert min(at for at, value, word in collected.rows["a.x"] if word == FAULT) > source_ms

    asyncio.run(scenario())


def test_changes_below_the_deadband_are_not_told_and_are_no_miss() -> None:
    async def scenario() -> None:
        port = free_port()
        plant = plant_of(port, [{"id": "a.x", "scale": 2, "deadband": 1.0}], **SUBSCRIBED)  # 0.5 in the node's unit
        with served(port=port, values={"a.x": 10.0}) as server:
            await server.ready()
            with polling(plant) as (poller, collected, running):
                assert await until(lambda: collected.has("a.x", 20.0, 0))
                first = now_ms() + 1000
                for number, value in enumerate((10.4, 10.1, 11.0)):
                    await server.write(("a.x", value, 0, first + number))
                    await asyncio.sleep(0.7)
                assert await until(lambda: (first + 2, 22.0) in good(collected, "a.x"))
                await server.write(("a.x", 11.2, 0, first + 1000))
                # The audit reads it, and knows that the subscription did not have to tell it.
                assert await until(lambda: (first + 1000, 22.4) in good(collected, "a.x"))
                await asyncio.sleep(3)
                await stopped(running)
            (health,) = poller.health().values()
            assert health["subscription_misses"] == 0

    asyncio.run(scenario())


def test_a_subscription_that_went_silent_is_noticed_the_value_confirmed_and_made_anew(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def scenario() -> None:
        port = free_port()
        with served(port=port, values={"a.x": 1.0}) as server:
            await server.ready()
            with polling(plant_of(port, [{"id": "a.x"}], **SUBSCRIBED)) as (poller, collected, running):
                assert await until(lambda: collected.has("a.x", 1.0, 0))
                await server.mute()
                source_ms = now_ms()
                await server.write(("a.x", 2.0, 0, source_ms))
                assert await until(lambda: (source_ms, 2.0) in good(collected, "a.x")), "the audit has read it"
                assert await until(lambda: poller.health()["dcs"]["subscription_misses"] == 1)
                # Subscribed anew it hears again: well before the next audit could read each of them.
                later = {now_ms() + 100 * number: 3.0 + number for number in range(8)}
                for at, value in later.items():
                    await server.write(("a.x", value, 0, at))
                    await asyncio.sleep(0.05)
                assert await until(lambda: set(later.items()) <= set(good(collected, "a.x")))
                await stopped(running)

    asyncio.run(scenario())
    assert any("did not tell 1 changes, subscribing anew" in record.message for record in caplog.records)


@pytest.mark.parametrize("read", ["poll", "subscription"])
def test_a_killed_server_costs_flags_for_the_time_it_was_gone_and_nothing_else(read: str) -> None:
    async def scenario() -> None:
        port = free_port()
        plant = plant_of(port, [{"id": "a.x"}], read=read, audit_s=2)
        with served(port=port, values={"a.x": 1.0}) as server:
            await server.ready()
            with polling(plant) as (_, collected, running):
                assert await until(lambda: collected.has("a.x", 1.0, 0))
                gone_ms = now_ms()
                server.kill()
                assert await until(lambda: collected.has("a.x", None, COMM))
                server.wanted.values["a.x"] = 2.0
                server.start()
                await server.ready()
                assert await until(lambda: collected.has("a.x", 2.0, 0))
                await stopped(running)
            flagged = [at for at, (_, word) in collected.sealed("a.x").items() if word]
            assert flagged and min(flagged) >= gone_ms - 1000
            assert {value for _, value in good(collected, "a.x")} == {1.0, 2.0}

    asyncio.run(scenario())


@pytest.mark.parametrize("read", ["poll", "subscription"])
def test_a_server_that_freezes_is_flagged_and_goes_on_without_a_wrong_value(read: str) -> None:
    """Half-open as well as slow: the connection stands, and nothing comes."""

    async def scenario() -> None:
        port = free_port()
        plant = plant_of(port, [{"id": "a.x"}], read=read, audit_s=2, timeout_s=1)
        with served(port=port, values={"a.x": 1.0}) as server:
            await server.ready()
            with polling(plant) as (_, collected, running):
                assert await until(lambda: collected.has("a.x", 1.0, 0))
                server.freeze(on=True)
                assert await until(lambda: collected.has("a.x", None, COMM))
                server.freeze(on=False)
                source_ms = now_ms()
                await server.write(("a.x", 2.0, 0, source_ms))
                assert await until(lambda: collected.has("a.x", 2.0, 0), 90)
                await stopped(running)
            assert {value for _, value in good(collected, "a.x")} == {1.0, 2.0}
            assert all(at >= source_ms for at, value in good(collected, "a.x") if value == 2.0)

    asyncio.run(scenario())


@pytest.mark.parametrize("read", ["poll", "subscription"])
def test_a_gap_is_filled_from_history_where_the_server_has_it_and_flagged_where_not(read: str) -> None:
    """The server writes on while it cannot be reached: every value it kept is a reading, every cycle without is a flag.

    Unreachable is made of a frozen process, whose history is written when it wakes with the times of the gap.
    """

    async def scenario() -> None:
        port = free_port()
        plant = plant_of(port, [{"id": "a.x"}], read=read, audit_s=2, history=True, history_s=600)
        with served(port=port, values={"a.x": 1.0}, history=True) as server:
            await server.ready()
            with polling(plant) as (_, collected, running):
                assert await until(lambda: collected.has("a.x", 1.0, 0))
                await server.write(("a.x", 2.0, 0, now_ms()))
                assert await until(lambda: collected.has("a.x", 2.0, 0))
                server.freeze(on=True)
                frozen_ms = now_ms() + 1000
                await asyncio.sleep(8)
                kept = {frozen_ms + 137 + 100 * number: 100.0 + number for number in range(15)}
                # The orders wait in the pipe and are carried out as it wakes, before it answers many requests.
                server.pipe.send(("write", [("a.x", value, 0, at) for at, value in kept.items()]))
                server.freeze(on=False)
                assert await until(lambda: set(kept.items()) <= set(good(collected, "a.x")), 90), collected.rows["a.x"]
                assert await until(lambda: collected.has("a.x", None, COMM))
                await stopped(running)
            flagged = [at for at, (_, word) in collected.sealed("a.x").items() if word == COMM]
            step = 500 if read == "poll" else 2000
            filled = {at // step for at in kept}
            assert not [at for at in flagged if at // step in filled], "no flag where there is a value"

    asyncio.run(scenario())


def test_a_slow_server_costs_the_cycles_it_is_too_slow_for_and_every_cycle_has_one_row() -> None:
    async def scenario() -> None:
        port = free_port()
        with served(port=port, values={"a.x": 1.0}) as server:
            await server.ready()
            with polling(plant_of(port, [{"id": "a.x"}])) as (poller, collected, running):
                assert await until(lambda: collected.has("a.x", 1.0, 0))
                for _ in range(8):  # for most of a second it does nothing, then it does a little
                    server.freeze(on=True)
                    await asyncio.sleep(0.7)
                    server.freeze(on=False)
                    await asyncio.sleep(0.2)
                well_ms = now_ms()
                assert await until(lambda: any(at > well_ms and word == 0 for at, _, word in collected.rows["a.x"]))
                await stopped(running)
            rows = collected.sealed("a.x")
            assert set(rows.values()) == {(1.0, 0), (None, COMM)}
            (health,) = poller.health().values()
            missed = health["missed_cycles"]
            assert missed is not None
            assert (max(rows) - min(rows)) // 500 + 1 <= len(rows) + missed, "a cycle is answered, flagged or counted"

    asyncio.run(scenario())


def test_a_name_that_cannot_be_resolved_is_flagged_and_read_once_it_can(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    resolve, broken = asyncio.BaseEventLoop.getaddrinfo, [True]

    async def sometimes(loop: asyncio.BaseEventLoop, host: Any, *rest: Any, **more: Any) -> Any:
        if broken[0]:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return await resolve(loop, host, *rest, **more)

    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", sometimes)

    async def scenario() -> None:
        port = free_port()
        plant = plant_of(port, [{"id": "a.x"}], endpoint=f"opc.tcp://localhost:{port}/plant")
        with served(port=port, values={"a.x": 1.0}) as server:
            await server.ready()
            with polling(plant) as (_, collected, running):
                assert await until(lambda: sum(row[2] == COMM for row in collected.rows["a.x"]) >= 3)
                assert not collected.has("a.x", 1.0, 0)
                broken[0] = False
                assert await until(lambda: collected.has("a.x", 1.0, 0))
                await stopped(running)

    asyncio.run(scenario())
    assert any("Name or service not known" in record.message for record in caplog.records)


def test_a_server_without_history_has_its_gap_recorded() -> None:
    async def scenario() -> None:
        port = free_port()
        with served(port=port, values={"a.x": 1.0}) as server:
            await server.ready()
            with polling(plant_of(port, [{"id": "a.x"}], history=True)) as (_, collected, running):
                assert await until(lambda: collected.has("a.x", 1.0, 0))
                server.freeze(on=True)
                await asyncio.sleep(4)
                assert not collected.has("a.x", None, COMM), "owed until history has been asked"
                server.freeze(on=False)
                assert await until(lambda: sum(row[2] == COMM for row in collected.rows["a.x"]) >= 3, 90)
                await stopped(running)
            collected.sealed("a.x")

    asyncio.run(scenario())


def test_repeated_and_reordered_notifications_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every publish response is delivered twice, and each second pair in the wrong order."""
    once, held = Subscription.publish_callback, []

    async def twice_and_late(subscription: Subscription, result: ua.PublishResult) -> None:
        held.append(result)
        if len(held) >= 2:
            for late in (held[1], held[0], held[1]):
                await once(subscription, late)
            held.clear()

    monkeypatch.setattr(Subscription, "publish_callback", twice_and_late)

    async def scenario() -> None:
        port = free_port()
        with served(port=port, values={"a.x": 0.0}) as server:
            await server.ready()
            with polling(plant_of(port, [{"id": "a.x"}], **SUBSCRIBED)) as (_, collected, running):
                assert await until(lambda: collected.has("a.x", 0.0, 0))
                first = now_ms() + 1000
                told = {first + 200 * number: float(number + 1) for number in range(20)}
                for at, value in told.items():
                    await server.write(("a.x", value, 0, at))
                    await asyncio.sleep(0.2)
                # Those a held pair still waits for are read by the audit, or told with the next.
                assert await until(lambda: len(set(told.items()) - set(good(collected, "a.x"))) <= 5)
                await stopped(running)
            wrong = [
                row for row in good(collected, "a.x") if row[1] != 0.0 and row[0] in told and told[row[0]] != row[1]
            ]
            assert not wrong
            assert {word for _, word in collected.sealed("a.x").values()} == {0}

    asyncio.run(scenario())


T = 1_772_323_200_000
"""2026-03-01 00:00 UTC [ms]."""


def told(trace: Trace, value: float | None, source_ms: int | None, *, word: int = 0, at: int = 1000) -> int | None:
    """Times from T on [ms]."""
    moment = None if source_ms is None else datetime.fromtimestamp((T + source_ms) / 1000, UTC)
    data = ua.DataValue(None, SourceTimestamp=moment)
    given = trace.told_at(data, value, Flag(word), now_ms=T + at, oldest_ms=T + at - 500)
    return None if given is None else given - T


def test_the_time_of_what_is_told() -> None:
    trace = Trace()
    assert told(trace, 1.0, 100) == 1000, "older than can be, and the first: it holds now"
    assert told(trace, 2.0, 1200) == 1200
    assert told(trace, 2.0, 1200) is None, "a repeat"
    assert told(trace, 1.5, 1100) == 1100, "late, by its own time"
    assert told(trace, None, 1200, word=FAULT, at=1500) == 1500, "the timestamp of the value before"
    assert told(trace, 2.0, 1200, at=1500) == 1501, "never two rows of one time"
    assert told(trace, 3.0, None, at=1700) == 1700, "no timestamp at all"
    assert told(trace, 4.0, -T, at=1800) == 1800, "an empty timestamp"


def test_a_change_stamped_with_the_second_of_a_read_is_not_lost_to_it() -> None:
    """Servers stamp whole seconds: a read at T confirms the old value, then the change comes stamped T as well."""
    moments = [datetime.fromtimestamp((T + ms) / 1000, UTC) for ms in (-5000, 0)]
    old, new = (ua.DataValue(None, SourceTimestamp=moment) for moment in moments)
    for tell in (True, False):
        trace = Trace()
        assert trace.read_at(old, 1.0, Flag(0), read_ms=T - 1000) == T - 5000
        assert trace.read_at(old, 1.0, Flag(0), read_ms=T) == T
        if tell:
            assert trace.told_at(new, 2.0, Flag(0), now_ms=T + 300, oldest_ms=T - 500) == T + 1
        else:
            assert trace.read_at(new, 2.0, Flag(0), read_ms=T + 1000) == T + 1
        assert trace.read_at(new, 2.0, Flag(0), read_ms=T + 2000) == T + 2000
    same = Trace()
    assert same.read_at(new, 1.0, Flag(0), read_ms=T + 500) == T
    assert same.read_at(new, 1.0, Flag(0), read_ms=T) == T, "the same again is no other reading"


def test_what_was_told_since_the_last_cycle_is_handed_over_at_a_stop() -> None:
    collected = Collected()
    poller = OpcuaPoller(plant_of(free_port(), [{"id": "a.x"}], read="subscription"), sink=collected, clock=now_ms)
    (server,) = poller._servers
    assert server._feed is not None
    at_ms = now_ms() - 10
    data = ua.DataValue(ua.Variant(7.5), SourceTimestamp=datetime.fromtimestamp(at_ms / 1000, UTC))
    server._feed._waiting.append((1, data, now_ms()))
    stop = asyncio.Event()
    stop.set()
    asyncio.run(asyncio.wait_for(poller.run(stop), 30))
    assert collected.rows["a.x"] == [(at_ms, 7.5, 0)]
