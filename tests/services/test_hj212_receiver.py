"""The HJ 212 receiver over real TCP: who is heard, what is kept, and when it is answered (R9, R25, R53)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest

from services.hj212_receiver.answers import answer
from services.hj212_receiver.receiver import MOST_FAULTS
from services.hj212_receiver.remarks import AGAIN_MS, MOST_KEPT, Remarks
from services.hj212_receiver.station import read_password
from services.simulator.hj212_station import Misbehaviour, factor
from tanji.acquisition.flags import Flag
from tanji.acquisition.hj212 import Telegram, format_segment, format_telegram, parse_segment
from tanji.errors import UsageError
from tanji.plant.model import Hj212Device

from .hj212_rig import CO2, CO2_MINUTE, FLOW, MN, OLD_CO2, OLD_MN, OXYGEN, PASSWORDS, Sealer, area, co2, qn
from .hj212_rig import receiving as receiving
from .hj212_rig import station_at as station_at
from .sealer_rig import NOON


def run(test: Coroutine[Any, Any, None]) -> None:
    """A test of coroutines, ended after 30 s whatever happens."""
    asyncio.run(asyncio.wait_for(test, 30))


async def until(condition: Any) -> None:
    """Return once it is so; at most 5 s."""
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.005)


def test_present_values_become_readings_of_their_points_and_are_answered() -> None:
    """Oxygen is 2 x 10.5 + 1 by the plant file; the total is a counter and stays as it came."""

    async def test() -> None:
        sealer = Sealer()
        async with receiving(sealer) as (receiver, address), station_at(address) as station:
            oxygen, total = factor("a19001", {"Rtd": 10.5}), factor("a00000", {"Rtd": 123456})
            assert await station.report("2011", area(NOON - 30_000, co2(12.25), oxygen, total), qn=qn(1))
            assert sorted(sealer.readings()) == [
                f"{CO2} value=12.25,quality=0i {NOON - 30_000}",
                f"{FLOW} value=123456.0,quality=0i {NOON - 30_000}",
                f"{OXYGEN} value=22.0,quality=0i {NOON - 30_000}",
            ]
            (said,) = station.answers
            assert format_segment(said).decode() == (f"QN={qn(1)};ST=91;CN=9014;PW=123456;MN={MN};Flag=4;CP=&&&&")
            health = receiver.health()["stack"]
            assert (health["values"], health["answered"], health["last_success_ms"]) == (3, 1, NOON)
            assert health["offset_ms"] == 30_000

    run(test())


def test_minute_values_go_to_another_point_than_present_ones() -> None:
    async def test() -> None:
        sealer = Sealer()
        async with receiving(sealer) as (_, address), station_at(address) as station:
            assert await station.report("2011", area(NOON, co2(12.0)), qn=qn(1))
            minute = factor("a05001", {"Min": 11.0, "Avg": 12.5, "Max": 13.0, "Cou": 99.0})
            assert await station.report("2051", area(NOON, minute), qn=qn(2))
            assert await station.report("2061", area(NOON, minute), qn=qn(3))
        assert [line.split(" ")[:2] for line in sealer.readings()] == [
            [CO2, "value=12.0,quality=0i"],
            [CO2_MINUTE, "value=12.5,quality=0i"],
        ]

    run(test())


def test_marks_reach_the_flag_word_and_a_missing_value_is_no_zero() -> None:
    async def test() -> None:
        sealer = Sealer()
        async with receiving(sealer) as (_, address), station_at(address) as station:
            assert await station.report("2011", area(NOON, co2(0.0, mark="D")), qn=qn(1))
            empty = (("a05001-Rtd", ""), ("a05001-Flag", "B"))
            assert await station.report("2011", area(NOON + 1000, empty), qn=qn(2))
        assert sealer.readings() == [
            f"{CO2} value=0.0,quality={int(Flag.FAULT)}i {NOON}",
            f"{CO2} quality={int(Flag.COMM)}i {NOON + 1000}",
        ]

    run(test())


def test_a_factor_nobody_knows_is_handed_on_to_be_parked_and_an_ignored_one_is_not() -> None:
    async def test() -> None:
        sealer = Sealer()
        async with receiving(sealer) as (receiver, address), station_at(address) as station:
            unknown, ignored = factor("a21026", {"Rtd": 35.0}, mark="T"), factor("a34013", {"Rtd": 5.0})
            assert await station.report("2011", area(NOON, unknown, ignored, co2(12.0)), qn=qn(1))
            health = receiver.health()["stack"]
        assert f"hj212.{MN.lower()}.a21026.rtd value=35.0,quality={int(Flag.RANGE)}i {NOON}" in sealer.readings()
        assert len(sealer.lines) == 2
        assert (health["unknown_values"], health["ignored_values"], health["values"]) == (1, 1, 1)

    run(test())


def test_nothing_is_answered_before_the_sealer_has_it() -> None:
    async def test() -> None:
        sealer = Sealer()
        sealer.answering.clear()
        async with receiving(sealer) as (_, address), station_at(address, re_count=0) as station:
            asked = asyncio.create_task(station.report("2011", area(NOON, co2(12.0)), qn=qn(1)))
            await until(lambda: sealer.bodies == 1)
            await asyncio.sleep(0.1)
            assert not asked.done() and not station.answers
            sealer.answering.set()
            assert await asked

    run(test())


def test_what_the_sealer_does_not_take_is_not_answered_and_comes_again() -> None:
    async def test() -> None:
        sealer = Sealer()
        sealer.takes = False
        async with receiving(sealer) as (receiver, address):
            async with station_at(address, re_count=1, over_time_s=0.2) as station:
                assert not await station.report("2011", area(NOON, co2(12.0)), qn=qn(1))
                assert receiver.health()["stack"]["not_kept"] == 2
                assert receiver.health()["stack"]["last_success_ms"] is None
                sealer.takes = True
                assert await station.report("2011", area(NOON, co2(12.0)), qn=qn(1))

    run(test())


def test_a_receiver_that_stops_hangs_up_and_leaves_no_connection_half_done() -> None:
    """What still reads when the loop ends is reported as a destroyed task."""

    async def test() -> None:
        before = asyncio.all_tasks()
        async with receiving(Sealer()) as (receiver, address):
            reader, writer = await asyncio.open_connection(*address)
            await until(lambda: receiver.counters()["connections"] == 1)
        assert asyncio.all_tasks() == before
        assert await reader.read(1) == b""
        writer.close()

    run(test())


def test_a_telegram_repeated_while_the_sealer_is_slow_is_handed_on_once_and_answered() -> None:
    async def test() -> None:
        sealer = Sealer()
        sealer.answering.clear()
        async with receiving(sealer) as (_, address), station_at(address, over_time_s=0.1) as station:
            asked = asyncio.create_task(station.report("2011", area(NOON, co2(12.0)), qn=qn(1)))
            await asyncio.sleep(0.25)
            assert sealer.bodies == 1
            sealer.answering.set()
            assert await asked
        assert len(sealer.lines) == 1

    run(test())


@pytest.mark.parametrize(("mn", "password", "counted"), [("77", "123456", "station"), (MN, "12345", "password")])
def test_a_wrong_number_or_password_is_refused_logged_and_counted(
    mn: str, password: str, counted: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def test() -> None:
        sealer = Sealer()
        async with receiving(sealer) as (receiver, address):
            wrong = {"mn": mn, "password": password, "re_count": 1, "over_time_s": 0.1}
            async with station_at(address, **wrong) as station:
                assert not await station.report("2011", area(NOON, co2(12.0)), qn=qn(1))
            refused = (receiver.counters()["refused_station"], receiver.health()["stack"]["refused_password"])
            assert refused == ((2, 0) if counted == "station" else (0, 2))
        assert not sealer.lines

    with caplog.at_level(logging.WARNING):
        run(test())
    told = [record.getMessage() for record in caplog.records if "refused" in record.getMessage()]
    assert len(told) == 1, "the same is said once an hour"
    assert "123456" not in caplog.text


def test_a_password_that_is_no_text_is_a_wrong_one() -> None:
    async def test() -> None:
        async with receiving(Sealer()) as (receiver, address):
            _, writer = await asyncio.open_connection(*address)
            bad = parse_segment(b"ST=31;CN=2011;PW=\xff\xfe;MN=" + MN.encode() + b";CP=&&&&")
            writer.write(format_telegram(bad))
            await until(lambda: receiver.health()["stack"]["refused_password"] == 1)
            writer.close()

    run(test())


def test_a_caller_that_is_refused_again_and_again_is_hung_up_on() -> None:
    async def test() -> None:
        async with receiving(Sealer()) as (receiver, address):
            reader, writer = await asyncio.open_connection(*address)
            head = (("ST", "31"), ("CN", "2011"), ("PW", "1"), ("MN", "7"))
            writer.write(format_telegram(Telegram(head)) * (MOST_FAULTS + 5))
            assert await asyncio.wait_for(reader.read(), 5) == b""
            assert receiver.counters()["refused_station"] == MOST_FAULTS
            writer.close()

    run(test())


def test_a_spoilt_line_costs_time_and_no_value() -> None:
    """Every third telegram spoilt, half cut in two, a third sent twice: everything is kept, and nothing else."""

    async def test() -> None:
        sealer = Sealer()
        bad = Misbehaviour(spoilt=0.3, in_pieces=0.5, twice=0.3)
        async with receiving(sealer) as (receiver, address):
            async with station_at(address, misbehaviour=bad, over_time_s=0.1, re_count=20) as station:
                for number in range(60):
                    assert await station.report("2011", area(NOON + number * 1000, co2(number)), qn=qn(number))
            assert receiver.counters()["faults"] > 5
        expected = [f"{CO2} value={number}.0,quality=0i {NOON + number * 1000}" for number in range(60)]
        assert sorted(set(sealer.readings())) == sorted(expected)

    run(test())


def test_a_long_telegram_comes_in_parts_each_answered() -> None:
    async def test() -> None:
        sealer = Sealer()
        async with receiving(sealer) as (_, address), station_at(address) as station:
            others = [factor(f"a{number:05d}", {"Rtd": number}) for number in range(100)]
            assert await station.report("2011", area(NOON, *others, co2(12.0)), qn=qn(1))
            assert len(station.answers) > 2
        assert len(sealer.lines) == 101

    run(test())


def test_a_factor_cut_between_two_parts_is_answered_when_whole() -> None:
    async def test() -> None:
        sealer = Sealer()
        async with receiving(sealer) as (_, address), station_at(address, re_count=0, over_time_s=0.1) as station:
            head = f"QN={qn(1)};ST=31;CN=2011;PW=123456;MN={MN};Flag=7;PNUM=2;"
            first = f"{head}PNO=1;CP=&&DataTime=20260301080000;a19001-Rtd=1,a19001-Flag=N;a05001-Rtd=3&&"
            second = f"{head}PNO=2;CP=&&a05001-Flag=C&&"
            assert not await station.send(parse_segment(first.encode()))
            assert not sealer.lines
            assert await station.send(parse_segment(second.encode()))
            await until(lambda: len(sealer.lines) == 2)
        assert f"{CO2} value=3.0,quality={int(Flag.CALIBRATION)}i {NOON}" in sealer.readings()

    run(test())


def test_parts_that_never_come_are_given_up_and_what_nobody_repeats_is_kept() -> None:
    async def test() -> None:
        sealer = Sealer()
        async with receiving(sealer, timeout_s=0.1) as (receiver, address):
            async with station_at(address, answer_wanted=False) as station:
                head = f"QN={qn(1)};ST=31;CN=2011;PW=123456;MN={MN};Flag=6;PNUM=2;PNO=1;"
                text = f"{head}CP=&&DataTime=20260301080000;a19001-Rtd=1,a19001-Flag=N;a05001-Rtd=3&&"
                assert await station.send(parse_segment(text.encode()))
                await until(lambda: len(sealer.lines) == 2)
            assert receiver.health()["stack"]["incomplete"] == 1
        assert f"{CO2} value=3.0,quality={int(Flag.COMM)}i {NOON}" in sealer.readings()

    run(test())


def test_an_old_station_is_heard_and_answered_in_its_own_way() -> None:
    async def test() -> None:
        sealer = Sealer()
        async with receiving(sealer) as (_, address):
            reader, writer = await asyncio.open_connection(*address)
            head = f"ST=31;CN=2011;PW={PASSWORDS['old']};MN={OLD_MN};"
            silent = f"{head}CP=&&DataTime=20260301080000;30-Rtd=11.5,30-Flag=3&&"
            asking = f"QN={qn(1)};{head}Flag=1;CP=&&DataTime=20260301080030;30-Rtd=11.75,30-Flag=P&&"
            for segment in (silent, asking):
                writer.write(format_telegram(parse_segment(segment.encode())))
            said = await asyncio.wait_for(reader.readuntil(b"\r\n"), 5)
            writer.close()
        text = f"ST=91;CN=9014;PW={PASSWORDS['old']};MN={OLD_MN};Flag=0;CP=&&QN={qn(1)}&&"
        assert said[6:-6].decode() == text
        assert sealer.readings() == [
            f"{OLD_CO2} value=11.5,quality=0i {NOON}",
            f"{OLD_CO2} value=11.75,quality={int(Flag.FAULT)}i {NOON + 30_000}",
        ]

    run(test())


def test_a_telegram_without_a_time_and_one_with_an_unknown_command_are_not_answered() -> None:
    async def test() -> None:
        sealer = Sealer()
        async with receiving(sealer) as (receiver, address):
            async with station_at(address, re_count=0, over_time_s=0.1) as station:
                assert not await station.report("2011", [co2(1.0)], qn=qn(1))
                assert not await station.report("3099", [(("PolId", "a05001"),)], qn=qn(2))
                assert await station.report("2081", [(("DataTime", "20260301080000"),)], qn=qn(3))
                assert await station.report("3020", [(("PolId", "a05001"),)], qn=qn(4))
            health = receiver.health()["stack"]
        assert (health["unreadable"], health["other_commands"]) == (1, 3)
        assert not sealer.lines

    run(test())


def test_a_station_that_asks_for_the_time_is_told_that_it_was_heard() -> None:
    async def test() -> None:
        async with receiving(Sealer()) as (_, address), station_at(address, re_count=0, over_time_s=0.1) as station:
            await station.report("1013", [(("PolId", "a05001"),)], qn=qn(1))
            assert [(said.cn, said.qn) for said in station.answers] == [("9013", qn(1))]

    run(test())


def test_a_value_from_the_future_is_flagged() -> None:
    async def test() -> None:
        sealer = Sealer()
        async with receiving(sealer, clock_tolerance_s=60) as (_, address), station_at(address) as station:
            assert await station.report("2011", area(NOON + 60_000, co2(1.0)), qn=qn(1))
            assert await station.report("2011", area(NOON + 61_000, co2(1.0)), qn=qn(2))
        assert [line.split(",")[-1] for line in sealer.readings()] == [
            f"quality=0i {NOON + 60_000}",
            f"quality={int(Flag.CLOCK)}i {NOON + 61_000}",
        ]

    run(test())


def test_a_caller_that_says_nothing_costs_nobody_else_anything() -> None:
    async def test() -> None:
        sealer = Sealer()
        async with receiving(sealer) as (_, address), station_at(address) as station:
            silent = [await asyncio.open_connection(*address) for _ in range(20)]
            silent[0][1].write(b"##9999QN=")
            assert await station.report("2011", area(NOON, co2(1.0)), qn=qn(1))
            for _, writer in silent:
                writer.close()

    run(test())


def test_a_station_that_has_finished_sending_still_gets_its_answer() -> None:
    async def test() -> None:
        sealer = Sealer()
        sealer.answering.clear()
        async with receiving(sealer) as (receiver, address):
            reader, writer = await asyncio.open_connection(*address)
            head = f"QN={qn(1)};ST=31;CN=2011;PW=123456;MN={MN};Flag=5;CP=&&DataTime=20260301080000;"
            writer.write(format_telegram(parse_segment(f"{head}a05001-Rtd=3&&".encode())))
            writer.write_eof()
            await until(lambda: sealer.bodies == 1)
            await asyncio.sleep(0.1)
            sealer.answering.set()
            assert b"CN=9014" in await asyncio.wait_for(reader.read(), 5)
            writer.close()
            await until(lambda: receiver.counters()["connections"] == 0)

    run(test())


def test_the_answer_of_the_standard_comes_out_letter_for_letter() -> None:
    """HJ 212-2017 annex C: the data answer to a telegram of 2016-08-01, with its CRC."""
    asked = parse_segment(b"QN=20160801085000001;ST=32;CN=2011;PW=123456;MN=010000A8900016F000169DC0;Flag=5;CP=&&&&")
    published = b"##0087QN=20160801085000001;ST=91;CN=9014;PW=123456;MN=010000A8900016F000169DC0;Flag=4;CP=&&&&C241\r\n"
    assert answer(asked) == published


def test_a_password_file_that_cannot_be_used_is_named_with_its_key(tmp_path: Path) -> None:
    def device(path: Path) -> Hj212Device:
        name = {"zh": "站", "en": "station"}
        return Hj212Device.model_validate(
            {"id": "stack", "name": name, "protocol": "hj212", "mn": MN, "password_file": str(path)}
        )

    (tmp_path / "good").write_text("123456\n")
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    assert read_password(device(tmp_path / "good")) == "123456"
    for name, got in (("none", "no such file"), ("empty", "got nothing"), ("bytes", "no text")):
        with pytest.raises(UsageError, match=rf"devices\[stack\].password_file: expected .*{got}"):
            read_password(device(tmp_path / name))


def test_a_remark_is_made_once_an_hour_and_not_remembered_without_end(caplog: pytest.LogCaptureFixture) -> None:
    now = [0]
    remarks = Remarks(lambda: now[0])
    with caplog.at_level(logging.WARNING):
        for now[0] in (0, AGAIN_MS - 1, AGAIN_MS):
            remarks.say("the same")
        assert len(caplog.records) == 2
        for number in range(3 * MOST_KEPT):
            remarks.say(f"{number}")
    assert len(remarks._said) <= MOST_KEPT
