"""explain.html in a real browser: both languages, desktop and phone, nothing fetched, nothing wider than the screen.

Screenshots stay in pytest's temporary folder for whoever wants to look.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tanji.ledger import Ledger
from tanji.plant.load import parse

from ..calc_jobs.conftest import PLANT, Rig
from ..calc_jobs.publish_rig import TRUST, Sealed, asked
from .test_browser import SCREENS, browser  # noqa: F401

SAID = {
    "zh": [
        "排放声明说明",
        "怎样自行核验",
        "本页由发布者编写",
        "为什么改动会被发现",
        "它不能证明什么",
        "合计",
        "化石燃料燃烧",
    ],
    "en": ["An emission statement, explained", "How to check it yourself", "proves nothing by itself", "Fossil fuel"],
}


@pytest.fixture(scope="module", params=[True, False], ids=["witnessed", "unwitnessed"])
def page_file(request, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bool]:
    """The page of a day; one world has a witness, the other none."""
    folder = tmp_path_factory.mktemp("explain")
    plant = parse(PLANT.replace("streams:", f"{TRUST.strip()}\nstreams:", 1))
    rig = Rig(plant, folder / "rig")
    rig.normal(32)
    rig.enter(22.0, from_h=0, to_h=64)
    sealed = Sealed(plant, Ledger(folder / "ledger.sqlite"), folder, witnessed=request.param)
    sealed.ledger.enter(rig.ledger.entries(), recorded_at_ms=0)
    sealed.seal_hours(rig.store.read("hx_raw", "reading"), 32)
    path = folder / "explain.html"
    path.write_bytes(sealed.members(sealed.publish(asked(4, 28)))["explain.html"])
    rig.close()
    sealed.ledger.close()
    sealed.log.close()
    return path, request.param


@pytest.mark.parametrize("screen", SCREENS)
def test_the_page_is_whole_and_fits(
    browser: Browser,  # noqa: F811
    page_file: tuple[Path, bool],
    tmp_path: Path,
    screen: str,
) -> None:
    path, witnessed = page_file
    width, height = SCREENS[screen]
    page = browser.new_page(viewport={"width": width, "height": height})
    errors: list[str] = []
    page.on("console", lambda message: errors.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("request", lambda request: errors.append(request.url) if not request.url.startswith("file:") else None)
    page.goto(path.as_uri())
    page.screenshot(path=tmp_path / f"{screen}.png", full_page=True)
    data_icon = [error for error in errors if error != "data:,"]
    assert data_icon == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for language, texts in SAID.items():
        part = page.locator(f"main#{language}")
        for text in texts:
            assert part.get_by_text(text).first.is_visible(), text
    warning = {"zh": "无独立见证", "en": "No independent witness"}
    for language, text in warning.items():
        assert page.locator(f"main#{language}").get_by_text(text).count() == (0 if witnessed else 2)
    page.close()
