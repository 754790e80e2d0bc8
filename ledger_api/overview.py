"""The overview: both boundaries by both rule sets, items, stack check, data quality, the last day (R8, R40)."""

from __future__ import annotations

from flask import Blueprint, current_app, render_template, request

from ledger_api import audited
from ledger_api.sealed import sentences
from tanji.plant import names
from tanji.plant.model import Plant
from tanji.report import numbers
from tanji.report.model import HOUR_MS
from tanji.report.page import known_truth
from tanji.report.sections import sections
from tanji.report.summary import summarise
from tanji.report.view import View
from tanji.report.words import LANGUAGES, Words
from tanji.store.port import Store

pages = Blueprint("overview", __name__)

DEFAULT_DAYS = 31
"""A month, whatever its length."""

LONGEST_DAYS = 366
"""A year; longer periods are reports, not pages."""

CHOICES = (1, 7, 31)

SETTLING_MS = 15 * 60_000
"""How long after its end [ms] an hour may still be on its way through pollers, sealer and jobs."""


@pages.get("/")
def overview() -> str:
    """The page of the last `?days=31`."""
    held = current_app.extensions["tanji"]
    plant: Plant = held.plant
    shown = held.demonstration
    words = Words("en" if request.args.get("lang") == "en" else LANGUAGES[0])
    default = shown.days if shown else DEFAULT_DAYS
    days = asked_days(request.args.get("days"), default=default)
    end_ms = shown.end_ms if shown else last_hour(held.store, plant, now_ms=held.clock())
    summary = summarise(held.store, plant, start_ms=end_ms - days * 24 * HOUR_MS, end_ms=end_ms, ledger=held.ledger)
    whole = shown if shown and days == shown.days else None  # truth and counts are of the whole demonstration only
    return render_template(
        "overview.html.j2",
        endpoint="overview",
        view=View(summary, words, known_truth(whole.truth if whole else None), whole.run if whole else None),
        summary=summary,
        days=days,
        choices=sorted({*(choice for choice in CHOICES if choice < default), default}),
        flagged=numbers.count(summary.flagged_readings),
        arrived=arrived(held.store, plant, words, end_ms=end_ms),
        sealed=sentences(plant, held.seal_state, words),
        audited=audited.sentences(plant, held.ledger, words, now_ms=held.clock()),
        p=sections(summary, words),
        now=numbers.local_time(held.clock(), plant.site.timezone),
    )


def arrived(store: Store, plant: Plant, words: Words, *, end_ms: int) -> str:
    """How many readings of the newest hour are in the store; counting a month would take longer than the page."""
    bucket, start_ms = names.raw_bucket(plant.site.id), end_ms - HOUR_MS
    return words(
        "page.arrived",
        start=numbers.local_time(start_ms, plant.site.timezone),
        end=numbers.local_time(end_ms, plant.site.timezone)[-5:],
        count=numbers.count(store.count(bucket, "reading", start_ms=start_ms, end_ms=end_ms)),
        points=len(plant.metered_points),
    )


def last_hour(store: Store, plant: Plant, *, now_ms: int) -> int:
    """End of the newest closed hour [UTC ms]; one earlier while that hour is still being computed."""
    end_ms = now_ms // HOUR_MS * HOUR_MS
    if now_ms - end_ms >= SETTLING_MS:
        return end_ms
    bucket = names.derived_bucket(plant.site.id)
    computed = store.count(bucket, "emission", start_ms=end_ms - HOUR_MS, end_ms=end_ms)
    return end_ms if computed else end_ms - HOUR_MS


def asked_days(text: str | None, *, default: int) -> int:
    """The period asked for [days]; the default where it is no number of days."""
    if text is None or not text.isascii() or not text.isdecimal() or not 1 <= int(text) <= LONGEST_DAYS:
        return default
    return int(text)
