"""Which answers a serial line may still bring: nothing in an RTU frame says which question it answers.

A slave that answers after its question was given up would answer the next question of the same length with the wrong
registers. Slaves answer in the order they were asked, so one question whose answer has a length of its own (the probe)
proves that everything older has come or never will.
"""

from __future__ import annotations

from typing import Final

from tanji.acquisition.modbus_frames import Question
from tanji.acquisition.registers import BIT_TABLES
from tanji.errors import Silence

OWED_S: Final = 30.0
"""An answer that has not come for this long never will [s]."""


class LateAnswers:
    """Questions of a line that were given up, by unit id."""

    __slots__ = ("_longest_s", "_owed")

    def __init__(self, longest_s: float = OWED_S) -> None:
        """longest_s : an answer that has not come for this long never will [s]."""
        self._longest_s = longest_s
        self._owed: dict[int, dict[Question, float]] = {}

    def owes(self, question: Question, *, now: float) -> None:
        """This one was not answered in time. now : seconds of a clock that only goes forward."""
        self._owed.setdefault(question.unit_id, {})[question] = now

    def settled(self, unit_id: int) -> None:
        """Nothing older can come from this unit any more."""
        self._owed.pop(unit_id, None)

    def probe(self, question: Question, *, now: float) -> Question | None:
        """What to ask first, so that no late answer is taken for this one's; None if none could be.

        Errors: Silence where the two cannot be told apart; the late answer is waited for.
        """
        owed = self._owed.get(question.unit_id)
        if owed is None:
            return None
        for old in [old for old, since in owed.items() if now - since > self._longest_s]:
            del owed[old]
        rivals = [old for old in owed if old.function == question.function]
        if all(old == question or old.size != question.size for old in rivals):
            return None
        step = 8 if question.table in BIT_TABLES else 1
        sizes = {old.size for old in rivals}
        for count in range(1, question.count, step):
            short = Question(question.unit_id, question.table, question.address, count)
            if short.size not in sizes:
                return short
        raise Silence("may still answer an earlier question")
