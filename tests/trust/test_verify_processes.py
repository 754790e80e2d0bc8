"""Work spread over processes: answers in order, an early end, and a process that is killed (R35)."""

from __future__ import annotations

import os
from contextlib import closing
from functools import partial
from operator import add

import pytest

from tanji.trust import verify_processes
from tanji.trust.verify_processes import spread


@pytest.mark.parametrize("processes", [1, 2, 5])
@pytest.mark.parametrize("pieces", [0, 1, 2, 7])
def test_answers_come_in_the_order_of_the_pieces(processes: int, pieces: int) -> None:
    assert list(spread(partial(add, 100), range(pieces), processes=processes)) == [100 + n for n in range(pieces)]


def test_it_can_be_left_early() -> None:
    with closing(spread(len, ["a" * 1_000_000] * 10, processes=2)) as answers:
        assert next(answers) == 1_000_000


def test_the_caller_does_what_a_process_leaves_that_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify_processes, "SERVE", "import sys; sys.exit(1)")
    assert list(spread(partial(add, 1), range(4), processes=2)) == [1, 2, 3, 4]
    monkeypatch.setattr(verify_processes, "SERVE", "import os, sys; sys.stdout.write('no pickle'); os._exit(0)")
    assert list(spread(partial(add, 1), range(4), processes=2)) == [1, 2, 3, 4]


def test_the_work_is_done_elsewhere() -> None:
    found = set(spread(partial(eval, "__import__('os').getpid()"), [{}, {}], processes=2))
    assert len(found) == 2 and os.getpid() not in found


def test_large_answers_do_not_block_each_other() -> None:
    answers = list(spread(partial(int.__mul__, 1), [10**60_000 + n for n in range(6)], processes=3))
    assert [answer % 10 for answer in answers] == [0, 1, 2, 3, 4, 5]
