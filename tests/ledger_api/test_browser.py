"""The pages in a real browser: both languages, desktop and phone, no error, nothing wider than the screen (R8).

Screenshots stay in pytest's temporary folder for whoever wants to look.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from ledger_api.server import PagesServer

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
SCREENS = {"desktop": (1280, 900), "phone": (390, 844)}
LABEL_PIXELS = 9.5
"""Smallest height of a plot's label on the screen [CSS px]; below it nobody reads it on a phone."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    program = shutil.which("chromium")
    if program is None:
        missing = "chromium is not installed: apt-get install chromium fonts-noto-cjk"
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        yield opened
        opened.close()


@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.parametrize(
    ("address", "visible"),
    [
        (
            "/",
            ["碳排放总览", "履约口径", "130,358", "0.8608", "方法 A · GB/T 32151.8-2023", "核算与烟气实测", "数据质量"],
        ),
        ("/?lang=en", ["Emission overview", "Compliance figure", "130,358", "0.8608", "Calculation against flue gas"]),
        ("/?days=1", ["碳排放总览", "近 24 小时"]),
        ("/devices", ["碳计量装置", "熟料皮带秤", "JH-2026-0314", "即将到期"]),
        ("/devices?lang=en", ["Metering devices", "clinker belt scale", "JH-2026-0314", "due soon"]),
    ],
)
def test_a_page_is_whole_and_fits(
    browser: Browser, pages: PagesServer, tmp_path: Path, screen: str, address: str, visible: list[str]
) -> None:
    width, height = SCREENS[screen]
    page = browser.new_page(viewport={"width": width, "height": height})
    errors: list[str] = []
    page.on("console", lambda message: errors.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("requestfailed", lambda request: errors.append(request.url))
    page.goto(f"http://{pages.host}:{pages.port}{address}")
    page.screenshot(path=tmp_path / f"{screen}.png", full_page=True)
    assert errors == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for text in visible:
        assert page.get_by_text(text).first.is_visible(), text
    for plot in page.locator("svg.plot").all():
        box = plot.bounding_box()
        assert box is not None and 0 <= box["x"] and box["x"] + box["width"] <= width
        for label in plot.locator("text").all()[:3]:
            size = label.bounding_box()
            assert size is not None and size["height"] >= LABEL_PIXELS
    page.close()


def test_the_language_switch_and_the_period_work_by_clicking(browser: Browser, pages: PagesServer) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 844})
    page.goto(f"http://{pages.host}:{pages.port}/")
    page.get_by_text("近 7 天").click()
    page.get_by_text("English", exact=True).click()
    assert page.url.endswith("/?days=7&lang=en")
    assert page.locator("html").get_attribute("lang") == "en"
    page.get_by_text("Metering devices").click()
    assert page.locator("h1").inner_text() == "Metering devices"
    page.close()


def test_dark_mode_is_dark_and_plots_follow(browser: Browser, pages: PagesServer) -> None:
    page = browser.new_page(color_scheme="dark")
    page.goto(f"http://{pages.host}:{pages.port}/?days=1")
    colour = "element => getComputedStyle(element).{}.match(/\\d+/g).map(Number)"
    assert max(page.locator("body").evaluate(colour.format("backgroundColor"))[:3]) < 60
    assert min(page.locator("svg.plot text").first.evaluate(colour.format("fill"))[:3]) > 180
    page.close()
