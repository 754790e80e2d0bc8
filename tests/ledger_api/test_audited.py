"""The page and /healthz tell when the database was last audited and what that found; a missed audit is told (R35)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from ledger_api import create_app
from tanji.ledger import Ledger
from tanji.ledger.audits import record_audit, record_failure
from tanji.plant.model import Plant
from tanji.store.embedded import EmbeddedStore

AT = 1_790_000_000_000  # 2026-09-21 22:13 in Asia/Shanghai
HOUR = 3_600_000
CLEAN: dict[str, Any] = {
    "start_ms": AT - 30 * HOUR, "end_ms": AT - 6 * HOUR, "rows": 5_184_000, "differences": 0, "tallies": []
}  # fmt: skip
DIFFERS = CLEAN | {"differences": 3, "tallies": [{"rows": 3, "first_ms": AT - 9 * HOUR, "last_ms": AT - 8 * HOUR}]}


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    found = Ledger(tmp_path / "ledger.sqlite")
    yield found
    found.close()


@pytest.fixture
def client(plant: Plant, store: EmbeddedStore, ledger: Ledger) -> Callable[..., FlaskClient]:
    def make(*, now_ms: int = AT + HOUR, plant: Plant = plant) -> FlaskClient:
        return create_app(plant, store=store, ledger=ledger, clock=lambda: now_ms).test_client()

    return make


def told(client: FlaskClient, language: str = "en") -> str:
    text = client.get(f"/?lang={language}").get_data(as_text=True).replace("\u00a0", " ").replace("&#39;", "'")
    _, found, rest = text.partition('<p class="quiet" id="audited">')
    return rest.partition("</p>")[0] if found else ""


def test_a_plant_without_an_audit_says_so(client: Callable[..., FlaskClient]) -> None:
    assert told(client()) == "The database has not been compared with the sealed readings yet."
    assert client().get("/healthz").json["audit"] == {"at_ms": None, "rows": 0, "differences": 0, "failed": None}


def test_a_clean_audit_names_time_period_and_rows(client: Callable[..., FlaskClient], ledger: Ledger) -> None:
    record_audit(ledger, CLEAN, actor="tanji", at_ms=AT)
    assert told(client()) == (
        "Database audit: at 2026-09-21 22:13, 5,184,000 sealed readings (2026-09-20 16:13 to 2026-09-21 16:13)"
        " were compared bit for bit; no difference."
    )
    assert "逐位比对" in told(client(), "zh") and "没有差异" in told(client(), "zh")
    assert client().get("/healthz").json["audit"]["at_ms"] == AT


def test_differences_stay_on_the_page_until_they_are_gone(client: Callable[..., FlaskClient], ledger: Ledger) -> None:
    record_audit(ledger, DIFFERS, actor="tanji", at_ms=AT)
    assert "3 readings of the database differ from what was sealed" in told(client())
    later = CLEAN | {"start_ms": AT, "end_ms": AT + HOUR}
    record_audit(ledger, later, actor="tanji", at_ms=AT + HOUR)  # clean, but of another time
    assert "3 readings of the database differ" in told(client())
    assert client().get("/healthz").json["audit"]["differences"] == 3
    record_audit(ledger, CLEAN, actor="tanji", at_ms=AT + HOUR)
    assert "no difference" in told(client())


def test_a_missed_and_a_failed_audit_are_told(client: Callable[..., FlaskClient], ledger: Ledger) -> None:
    record_audit(ledger, CLEAN, actor="tanji", at_ms=AT)
    assert "26 hours" not in told(client(now_ms=AT + 26 * HOUR))
    assert told(client(now_ms=AT + 27 * HOUR)).endswith("Since then there has been no audit for more than 26 hours.")
    record_failure(ledger, "gw1 7: payload-root: expected a, got b", actor="tanji", at_ms=AT + HOUR)
    assert told(client()).endswith("The last audit came to no result: gw1 7: payload-root: expected a, got b")
    assert client().get("/healthz").json["audit"]["failed"] == "gw1 7: payload-root: expected a, got b"


def test_a_plant_that_seals_nothing_has_no_audit_to_tell_of(client: Callable[..., FlaskClient], plant: Plant) -> None:
    unsealed = client(plant=plant.model_copy(update={"trust": None}))
    assert told(unsealed) == "" and "audit" not in unsealed.get("/healthz").json
