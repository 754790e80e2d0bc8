"""What the overview says about the evidence: sealed or not, witnessed or not, in both languages (R33, R35)."""

from __future__ import annotations

import pytest

from ledger_api import create_app
from ledger_api.sealed import SealState, sentences
from tanji.plant.model import Plant
from tanji.report.words import Words
from tanji.store.embedded import EmbeddedStore

SEALED_MS = 1_792_512_000_000  # 2026-10-21 00:00 in Shanghai
GOOD = SealState(None, SEALED_MS, 1234, ("metrology.example/w1",), SEALED_MS - 60_000, 1230)
ENGLISH = Words("en")


def said(plant: Plant, state: SealState | None, words: Words = ENGLISH) -> str:
    return " ".join(sentences(plant, None if state is None else lambda: state, words)).replace("\u00a0", " ")


def test_a_plant_without_the_section_says_that_nothing_is_sealed(plant: Plant) -> None:
    unsealed = plant.model_copy(update={"trust": None})
    assert said(unsealed, GOOD).startswith("Unsealed: the plant file has no section trust")
    assert "未封存" in said(unsealed, None, Words("zh")) and "未见证" in said(unsealed, None, Words("zh"))


def test_pages_alone_in_their_process_say_where_to_look(plant: Plant) -> None:
    assert "/healthz" in said(plant, None)


def test_sealed_and_witnessed_say_until_when_and_by_whom(plant: Plant) -> None:
    text = said(plant, GOOD)
    assert "up to 2026-10-21 00:00" in text and "1,234 entries" in text
    assert "metrology.example/w1 cosigned at 2026-10-20 23:59" in text and "first 1,230 entries" in text
    assert "已封存" in said(plant, GOOD, Words("zh")) and "已见证" in said(plant, GOOD, Words("zh"))


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (SealState("no key"), "Unsealed, readings wait in the spool: no key"),
        (SealState(None), "Not sealed yet"),
        (SealState(None, SEALED_MS, 3), "Unwitnessed: nobody outside the plant has seen the log"),
        (SealState(None, SEALED_MS, 3, ("w",)), "Not witnessed yet: w has not cosigned"),
    ],
)
def test_what_is_lacking_is_said(plant: Plant, state: SealState, expected: str) -> None:
    assert expected in said(plant, state)


def test_a_log_of_another_process_is_named_and_nothing_is_said_for_it(plant: Plant) -> None:
    assert plant.trust is not None
    there = plant.model_copy(update={"trust": plant.trust.model_copy(update={"log_url": "http://log:8191"})})
    text = said(there, SealState(None, SEALED_MS, None, ("w",)))
    assert "up to 2026-10-21 00:00" in text and "http://log:8191" in text and "itnessed" not in text


def test_the_overview_carries_the_sentences(plant: Plant, store: EmbeddedStore) -> None:
    app = create_app(plant, store=store, clock=lambda: SEALED_MS, seal_state=lambda: GOOD)
    page = app.test_client().get("/?lang=en").get_data(as_text=True)
    assert 'id="sealed"' in page and "metrology.example/w1 cosigned" in page
