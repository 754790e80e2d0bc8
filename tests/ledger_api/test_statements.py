"""The page of statements: final or provisional, replaced, witnessed, or plainly without a witness (R33)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from playwright.sync_api import Browser

from ledger_api import create_app
from ledger_api.server import serve
from ledger_api.statements import PublishedLog
from tanji.ledger import Ledger
from tanji.plant.load import parse
from tanji.store.embedded import EmbeddedStore
from tanji.trust import note
from tanji.trust.approval_draft import Draft
from tanji.trust.correction import Correction, format_correction
from tanji.trust.leaves import STATEMENT
from tanji.trust.waiting_room import WaitingRoom

from ..calc_jobs.conftest import PLANT, Rig
from ..calc_jobs.publish_rig import APPROVER, PREPARER, START, TRUST, Sealed, asked
from .test_browser import SCREENS, browser  # noqa: F401

HOUR = 3_600_000


class Pages:
    """The application of a plant that has published three statements, the second in the place of the first."""

    def __init__(self, folder: Path, *, witnessed: bool) -> None:
        plant = parse(PLANT.replace("streams:", f"{TRUST.strip()}\nstreams:", 1))
        rig = Rig(plant, folder / "rig")
        rig.normal(32)
        rig.enter(22.0, from_h=0, to_h=64)
        self.sealed = Sealed(plant, Ledger(folder / "ledger.sqlite"), folder, witnessed=witnessed)
        self.sealed.ledger.enter(rig.ledger.entries(), recorded_at_ms=0)
        self.sealed.seal_hours(rig.store.read("hx_raw", "reading"), 32)
        rig.close()
        first = self.sealed.publish(asked(4, 28))
        self.sealed.publish(asked(4, 28), supersedes=self.sealed.log.leaf_hash(first.index), reason="证书 <b>迟到</b>")
        self.sealed.settle(0)
        self.sealed.publish(asked(4, 8))
        self.sealed.log.checkpoint()  # the last one is in the log, and no witness has seen it yet
        self.anchor = anchor = folder / "anchor"
        anchor.write_bytes(self.sealed.anchor())
        self.store = EmbeddedStore(folder / "tsdb.duckdb")
        self.app = create_app(
            plant,
            store=self.store,
            clock=lambda: START + 33 * HOUR,
            published=PublishedLog(folder / "log", anchor),
        )

    def close(self) -> None:
        self.sealed.log.close()
        self.sealed.ledger.close()
        self.store.close()


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory):
    made: dict[bool, Pages] = {}

    def get(witnessed: bool) -> Pages:
        if witnessed not in made:
            made[witnessed] = Pages(tmp_path_factory.mktemp("statements"), witnessed=witnessed)
        return made[witnessed]

    yield get
    for each in made.values():
        each.close()


def client(pages: Callable[[bool], Pages], *, witnessed: bool = True) -> FlaskClient:
    return pages(witnessed).app.test_client()


@pytest.mark.parametrize(
    ("address", "texts"),
    [
        ("/statements", ["排放声明", "3,699.953", "暂定", "最终", "已被替代", "由第 35 条替代", "已见证", "等待见证"]),
        ("/statements?lang=en", ["Emission statements", "superseded", "replaced by entry 35", "provisional", "final"]),
    ],
)
def test_every_statement_is_listed_with_what_became_of_it(pages, address: str, texts: list[str]) -> None:
    answer = client(pages).get(address)
    assert answer.status_code == 200
    for text in texts:
        assert text in answer.text, text
    assert answer.text.count("<tr>") + answer.text.count('<tr class="info">') == 1 + 3
    assert "&lt;b&gt;" in answer.text  # a reason is text, whatever is in it


def test_what_was_seen_by_the_witness_has_its_time_and_the_rest_waits(pages) -> None:
    text = client(pages).get("/statements?lang=en").text
    assert text.count('<span class="badge warn">not yet</span>') == 1
    assert text.count('<span class="badge valid">witnessed</span><small>2026-03-02 16:00</small>') == 2


def test_without_a_witness_every_statement_says_so_in_both_languages(pages) -> None:
    for language, warning in (("zh", "无独立见证"), ("en", "no independent witness")):
        text = client(pages, witnessed=False).get(f"/statements?lang={language}").text
        assert text.count(warning) >= 3
        assert 'class="badge valid"' not in text


def test_a_plant_without_a_chain_of_evidence_says_so(tmp_path: Path) -> None:
    store = EmbeddedStore(tmp_path / "tsdb.duckdb")
    app = create_app(parse(PLANT), store=store, clock=lambda: START)
    assert "未配置证据链" in app.test_client().get("/statements").text
    store.close()


def test_a_plant_that_has_published_nothing_says_so(tmp_path: Path) -> None:
    store = EmbeddedStore(tmp_path / "tsdb.duckdb")
    plant = parse(PLANT.replace("streams:", f"{TRUST.strip()}\nstreams:", 1))
    published = PublishedLog(tmp_path / "log", tmp_path / "anchor")
    app = create_app(plant, store=store, clock=lambda: START, published=published)
    assert "尚无已签发的声明" in app.test_client().get("/statements").text
    store.close()


@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.parametrize("address", ["/statements", "/statements?lang=en"])
def test_the_page_fits_every_screen(
    browser: Browser,  # noqa: F811
    pages,
    tmp_path: Path,
    screen: str,
    address: str,
) -> None:
    server = serve(pages(True).app, host="127.0.0.1", port=0)
    width, height = SCREENS[screen]
    page = browser.new_page(viewport={"width": width, "height": height})
    errors: list[str] = []
    page.on("console", lambda message: errors.append(message.text) if message.type in ("error", "warning") else None)
    page.goto(f"http://{server.host}:{server.port}{address}")
    page.screenshot(path=tmp_path / f"{screen}.png", full_page=True)
    assert errors == [] and page.evaluate("document.documentElement.scrollWidth") <= width
    page.close()
    server.stop()


def test_what_waits_for_its_approver_is_listed_and_is_no_statement(pages, tmp_path: Path) -> None:
    made = pages(True)
    body = note.split(made.sealed.log.entry(made.sealed.log.indexes(STATEMENT)[-1]))[0]
    drafts = WaitingRoom(tmp_path)
    drafts.put(Draft.prepare(body, PREPARER).data, {}, now_ms=START + 33 * HOUR, size=36)
    drafts.put(note.sign(body, APPROVER), {}, now_ms=START, size=36)  # nobody who may prepare
    store = EmbeddedStore(tmp_path / "tsdb.duckdb")
    published = PublishedLog(made.sealed.log.folder, made.anchor, drafts)
    app = create_app(made.sealed.plant, store=store, clock=lambda: START + 34 * HOUR, published=published)
    for language, texts in (
        ("zh", ["待批准", "尚未核对和签名", "编制人密钥", "无法读取，或不是由编制人签名"]),
        ("en", ["Waiting for approval", "neither in force nor in the log", "no preparer has signed it"]),
    ):
        text = app.test_client().get(f"/statements?lang={language}").text
        for each in (*texts, "hx.example/prepare+", "2026-03-02 17:00"):  # 33 h after 08:00 in Shanghai
            assert each in text, each
        assert text.count("<tr>") == 3 + 2 - 1  # two headings; of three statements one is superseded
    store.close()


@pytest.mark.parametrize(
    ("by", "chinese", "english"),
    [
        ("- 0", "20.01 → 无值", "20.01 → no value"),
        ("20.01 2", "20.01（标志 0） → 20.01（标志 2）", "20.01 (flag word 0) → 20.01 (flag word 2)"),
    ],
)
def test_a_waiting_correction_is_told_for_people(pages, tmp_path: Path, by: str, chinese: str, english: str) -> None:
    made, at = pages(True), START + 20 * HOUR + 5000  # 04:00:05 of the next day in Shanghai
    said = Correction("hx", 22, bytes(32), f"coal {at} 20.01 0", f"coal {at} {by}", "recalibrated", bytes(32))
    drafts = WaitingRoom(tmp_path)
    drafts.put(Draft.prepare(format_correction(said), PREPARER).data, {}, now_ms=START, size=36)
    store = EmbeddedStore(tmp_path / "tsdb.duckdb")
    published = PublishedLog(made.sealed.log.folder, made.anchor, drafts)
    app = create_app(made.sealed.plant, store=store, clock=lambda: START + 34 * HOUR, published=published)
    page = {language: app.test_client().get(f"/statements?lang={language}").text for language in ("zh", "en")}
    assert f"更正：coal，2026-03-02 04:00:05：{chinese}" in page["zh"]
    assert f"correction: coal, 2026-03-02 04:00:05: {english}" in page["en"]
    store.close()


def test_without_drafts_the_page_does_not_speak_of_any(pages) -> None:
    assert "待批准" not in client(pages).get("/statements").text
