"""Payloads of many batches: processes, late readings, and the first value across them (R34, R35)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tanji.errors import TrustError
from tanji.trust.batch import GENESIS, Batch
from tanji.trust.payload import payload_root
from tanji.trust.verify_payload import Task, check_payloads
from tanji.trust.verify_source import Place

T0 = 1_772_323_200_000
MAP = bytes(32)
KINDS = {(MAP, None): {"a.rate": "rate", "b.rate": "rate"}}


@dataclass(frozen=True)
class Held:
    """Payloads in memory."""

    members: Mapping[str, bytes]

    @property
    def paths(self) -> tuple[str, ...]:
        return tuple(self.members)

    def read(self, path: str) -> bytes:
        return self.members[path]

    @contextmanager
    def open(self) -> Iterator[Held]:
        yield self


def sealed(*payloads: str, late: tuple[int, int] | None = None) -> tuple[Held, list[Task]]:
    """Payloads of one minute each, in a row; lines of the same text are sorted here."""
    held, tasks = {}, []
    for index, text in enumerate(payloads):
        data = "".join(sorted(f"{line}\n" for line in text.split(";") if line)).encode()
        path = f"payload/{index:012d}.lines"
        begin = T0 + index * 60_000
        batch = Batch("g", "regular", index, GENESIS, begin, begin + 60_000, begin + 61_000, data.count(b"\n"),
                      payload_root(data), MAP, "ntp 2ms")  # fmt: skip
        held[path] = data
        tasks.append(Task(index, path, batch, (T0, T0 + 30_000), late))
    return Held(held), tasks


def judged(*payloads: str) -> str:
    """The path at which the first value of a point and time is claimed twice; empty if nowhere."""
    held, tasks = sealed(*payloads)
    try:
        check_payloads(held, tasks, KINDS, processes=1)
    except TrustError as error:
        assert error.rule == "payload-first-value"
        return error.where
    return ""


LINE = f"a.rate {T0} 1.5 0"


@pytest.mark.parametrize(
    ("payloads", "where"),
    [
        ((LINE, f"a.rate {T0} 1.25 4"), ""),
        ((LINE, f"a.rate {T0} 1.25 0"), "payload/000000000001.lines"),
        ((LINE, f"b.rate {T0} 1.25 0"), ""),
        ((LINE, f"a.rate {T0 + 1} 1.25 0"), ""),
        ((f"{LINE};a.rate {T0} 1.25 4",), ""),
        ((f"{LINE};a.rate {T0} 1.25 0",), "payload/000000000000.lines"),
        ((f"a.rate {T0} - 1", LINE), ""),
        ((f"a.rate {T0} - 1", LINE, f"a.rate {T0} 1.75 8"), "payload/000000000002.lines"),
        ((LINE, "", f"a.rate {T0} 1.25 0"), "payload/000000000002.lines"),
        ((f"{LINE};a.rate {T0 + 50_000} 2.5 0", f"a.rate {T0 + 10_000} 1.0 0;a.rate {T0 + 60_000} 1.0 0"), ""),
    ],
)
def test_one_value_of_a_point_and_time_stands(payloads: tuple[str, ...], where: str) -> None:
    assert judged(*payloads) == where


def test_a_second_value_comes_before_a_payload_that_is_torn_later() -> None:
    held, tasks = sealed(LINE, f"a.rate {T0} 1.25 0", f"a.rate {T0 + 120_000} 1.5 0")
    members = {**held.members, tasks[2].path: b"torn"}
    with pytest.raises(TrustError, match="payload-first-value"):
        check_payloads(Held(members), tasks, KINDS, processes=1)
    members = {**held.members, tasks[0].path: b"torn"}
    with pytest.raises(TrustError, match="payload-form"):
        check_payloads(Held(members), tasks, KINDS, processes=1)


@pytest.mark.parametrize(
    ("window", "late"), [(None, 0), ((T0, T0), 0), ((0, T0 + 1), 1), ((T0, T0 + 30_000), 2), ((0, T0 + 10**6), 3)]
)
def test_readings_within_the_late_window_are_counted(window: tuple[int, int] | None, late: int) -> None:
    lines = f"{LINE};a.rate {T0 + 20_000} 1.5 0;b.rate {T0 + 40_000} 1.5 0"
    held, tasks = sealed(lines, late=window)
    (found,) = check_payloads(held, tasks, KINDS, processes=1)
    assert (found.lines, found.in_period, found.late) == (3, 2, late)


def test_a_batch_without_lines_needs_no_member() -> None:
    held, (task,) = sealed("")
    absent = Task(task.index, task.path, task.batch, is_there=False)
    (found,) = check_payloads(Held({}), [absent], KINDS, processes=1)
    assert found.lines == 0 and held.members


def test_several_processes_find_what_one_finds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tanji.trust.verify_payload.LARGE", 1)
    held, tasks = sealed(*(f"a.rate {T0 + minute * 60_000} {minute}.5 0" for minute in range(40)))
    (tmp_path / "payload").mkdir()
    for path, data in held.members.items():
        (tmp_path / path).write_bytes(data)
    place = Place(tmp_path)
    assert check_payloads(place, tasks, KINDS, processes=2) == check_payloads(held, tasks, KINDS, processes=1)
    for minute in (31, 17):
        (tmp_path / tasks[minute].path).write_bytes(f"a.rate {T0 + minute * 60_000} 9.5 0\n".encode())
    with pytest.raises(TrustError, match=r"000000000017\.lines: payload-root"):
        check_payloads(place, tasks, KINDS, processes=2)
