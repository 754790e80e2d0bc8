"""The pages without a browser: languages, periods, what must be said, and what happens when the store is away."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import urllib3
from flask import Flask
from flask.testing import FlaskClient

from ledger_api import create_app
from ledger_api.devices import state
from ledger_api.server import PagesServer, serve
from tanji.errors import StoreUnavailable
from tanji.plant.model import Certificate, Plant
from tanji.report.summary import summarise
from tanji.store.embedded import EmbeddedStore

START_MS = 1_789_833_600_000
HOUR_MS = 3_600_000
END_MS = START_MS + 31 * 24 * HOUR_MS


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def text_of(client: FlaskClient, address: str, *, status: int = 200) -> str:
    answer = client.get(address)
    assert answer.status_code == status
    return str(answer.get_data(as_text=True)).replace("\u00a0", " ")


def test_chinese_is_the_default_and_english_one_click_away(client: FlaskClient) -> None:
    chinese, english = text_of(client, "/"), text_of(client, "/?lang=en")
    assert '<html lang="zh-CN">' in chinese and "熟料生产边界" in chinese and 'href="/?lang=en"' in chinese
    assert '<html lang="en">' in english and "Clinker production" in english and 'href="/"' in english
    assert text_of(client, "/?lang=fr") == chinese


def test_the_english_page_has_no_chinese_but_names_of_documents(client: FlaskClient) -> None:
    text = re.sub(r"<[^>]+>", " ", text_of(client, "/?lang=en").split("Default factors")[0])
    assert re.findall(r"[\u4e00-\u9fff]+", text) == ["中文"]


def test_the_switch_keeps_the_period(client: FlaskClient) -> None:
    assert 'href="/?days=7&amp;lang=en"' in text_of(client, "/?days=7")
    assert 'href="/?days=7"' in text_of(client, "/?days=7&lang=en")


@pytest.mark.parametrize("given", ["endpoint=x", "_external=1&_scheme=javascript", "_anchor=x", "self=1", "values=1"])
def test_arguments_nobody_asked_for_change_nothing(client: FlaskClient, given: str) -> None:
    assert text_of(client, f"/?{given}") == text_of(client, "/")
    assert text_of(client, f"/nothing?{given}", status=404) == text_of(client, "/nothing", status=404)


def test_every_total_names_its_boundary_and_method_and_one_is_the_compliance_figure(client: FlaskClient) -> None:
    text = text_of(client, "/")
    for key in ("clinker-cets_ag_02_01", "clinker-gbt32151_8", "enterprise-gbt32151_8", "enterprise-cets_ag_02_01"):
        assert f'id="total-{key}"' in text
    first = text[text.index("<article") : text.index("</article>")]
    assert 'id="total-clinker-cets_ag_02_01"' in first and "履约口径" in first
    assert text.count("履约口径") == 1


def test_the_page_shows_what_the_summary_says(client: FlaskClient, store: EmbeddedStore, plant: Plant) -> None:
    summary = summarise(store, plant, start_ms=START_MS, end_ms=END_MS)
    text = text_of(client, "/?days=31")
    for total in summary.totals:
        assert total.co2_t is not None and f"{total.co2_t:,.0f} <small>" in text
        assert f"{total.t_per_t_clinker:.4f}" in text
    assert "2026-09-20 00:00 – 2026-10-21 00:00" in text


def test_a_missing_hour_is_said_on_the_card_and_in_the_table(client: FlaskClient) -> None:
    text = text_of(client, "/")
    assert "不完整：缺 3/744 小时" in text and "缺失：入窑生料 3 小时" in text
    assert text_of(client, "/?days=1").count("不完整") == 0


def test_unverified_factors_are_said(client: FlaskClient) -> None:
    assert "未核实" in text_of(client, "/") and "0.535 tCO₂/t" in text_of(client, "/")
    assert "unverified" in text_of(client, "/?lang=en")


@pytest.mark.parametrize("asked", ["0", "-1", "367", "x", "1e3", "٣", ""])
def test_a_period_that_is_none_is_the_default(client: FlaskClient, asked: str) -> None:
    assert "缺 3/744 小时" in text_of(client, f"/?days={asked}")


def test_a_plant_without_any_figure_says_so(plant: Plant, tmp_path: Path) -> None:
    store = EmbeddedStore(tmp_path / "tsdb.duckdb")
    client = create_app(plant, store=store, clock=lambda: END_MS).test_client()
    text = text_of(client, "/?days=1")
    assert text.count("尚无数据") == 4 and "缺 24/24 小时" in text and "0 <small>tCO₂" not in text
    store.close()


def test_an_hour_that_is_still_being_computed_is_not_missing_yet(plant: Plant, store: EmbeddedStore) -> None:
    just_after = create_app(plant, store=store, clock=lambda: END_MS + HOUR_MS + 60_000).test_client()
    assert "– 2026-10-21 00:00" in text_of(just_after, "/?days=1")
    later = create_app(plant, store=store, clock=lambda: END_MS + HOUR_MS + 20 * 60_000).test_client()
    assert "– 2026-10-21 01:00" in text_of(later, "/?days=1") and "缺 1/24 小时" in text_of(later, "/?days=1")


def test_devices_hang_on_the_carbon_flow_with_class_range_points_and_certificate(
    client: FlaskClient, plant: Plant
) -> None:
    text = text_of(client, "/devices")
    for meter in plant.meters:
        assert meter.name.zh in text
        assert meter.certificate is None or (meter.certificate.number in text and meter.certificate.due in text)
    for node in plant.nodes:
        assert node.name.zh in text
    for point in plant.points:
        assert f"<code>{point.id}</code>" in text
    assert "0.5S" in text and "0 – 450 t/h" in text and "共 23 台装置" in text
    assert "rotary" not in text and "kiln coal rotor scale" in text_of(client, "/devices?lang=en")


@pytest.mark.parametrize(
    ("due", "expected"),
    [("2026-10-20", "overdue"), ("2026-10-21", "soon"), ("2026-12-20", "soon"), ("2026-12-21", "valid")],
)
def test_a_certificate_holds_through_its_last_day_and_is_announced_sixty_days_before(due: str, expected: str) -> None:
    assert state(Certificate(number="1", due=due), today=date(2026, 10, 21)) == expected
    assert state(None, today=date(2026, 10, 21)) == "none"


def test_due_dates_are_judged_by_the_clock_that_was_given(plant: Plant, store: EmbeddedStore) -> None:
    # The clinker scale is due 2026-12-19; ten years later everything is overdue.
    assert "即将到期" not in text_of(
        create_app(plant, store=store, clock=lambda: END_MS - 10 * 86_400_000).test_client(), "/devices"
    )
    text = text_of(create_app(plant, store=store, clock=lambda: END_MS + 3650 * 86_400_000).test_client(), "/devices")
    assert "已过期 22" in text


class Away:
    """A store that cannot be reached."""

    def __getattr__(self, name: str) -> Any:
        def refuse(*_: object, **__: object) -> None:
            raise StoreUnavailable("connection refused")

        return refuse


def test_a_store_that_is_away_is_a_message_and_a_503(plant: Plant) -> None:
    client = create_app(plant, store=Away(), clock=lambda: END_MS).test_client()
    assert "读数仍在安全保存" in text_of(client, "/", status=503)
    assert client.get("/healthz").status_code == 503
    assert client.get("/healthz").get_json()["status"] == "failing"
    assert client.get("/devices").status_code == 200


def test_health_names_the_plant(client: FlaskClient) -> None:
    body = client.get("/healthz").get_json()
    assert body["status"] == "ok" and body["plant"] == "demo"


def test_an_unknown_address_is_a_page_of_its_own(client: FlaskClient) -> None:
    assert "没有这个页面" in text_of(client, "/nothing", status=404)


def test_nothing_is_fetched_from_elsewhere(client: FlaskClient) -> None:
    for address in ("/", "/devices"):
        answer = client.get(address)
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
        linked = re.findall(r'(?:src|href)="([^"]*)"', answer.get_data(as_text=True))
        assert all(link.startswith(("/", "data:", "#")) for link in linked), linked
        assert "<script" not in answer.get_data(as_text=True)
    assert client.get("/tanji.css").mimetype == "text/css"


def test_names_of_the_plant_file_are_escaped(plant: Plant, store: EmbeddedStore) -> None:
    name = plant.site.name.model_copy(update={"zh": "<b>厂</b>"})
    hostile = plant.model_copy(update={"site": plant.site.model_copy(update={"name": name})})
    assert "<b>厂" not in text_of(create_app(hostile, store=store, clock=lambda: END_MS).test_client(), "/")


def test_a_stopped_server_frees_its_port(app: Flask, pages: PagesServer) -> None:
    server = serve(app, host="127.0.0.1", port=0)
    with urllib3.PoolManager() as pool:
        assert pool.request("GET", f"http://{server.host}:{server.port}/healthz").status == 200
    server.stop()
    again = serve(app, host="127.0.0.1", port=server.port)
    assert again.port == server.port
    again.stop()
