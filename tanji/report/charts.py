"""Plots as inline SVG: stacked bars over time, and lines of two ways to know the same thing.

Drawn by matplotlib without a display. Titles and legends are HTML, so that no plot needs a Chinese font and colours of
text follow the page, light or dark. The size suits a phone; wider screens scale it. Colours are told apart by the
colour-blind too (Okabe and Ito, 2008).
"""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from io import StringIO
from typing import Any
from zoneinfo import ZoneInfo

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import MaxNLocator

from tanji.domain.items import Item
from tanji.report.model import HOUR_MS, Series

SIZE_INCHES = (4.0, 2.3)
"""Readable on a screen 360 to 390 px wide, where a label of 9.5 pt comes out at about 12 px."""

FONT_POINTS = 9.5

COLOURS = {
    Item.FOSSIL_FUEL: "#4b5563",
    Item.ALTERNATIVE_FUEL: "#009e73",
    Item.PROCESS_CARBONATE: "#e69f00",
    Item.PROCESS_ORGANIC_CARBON: "#a0522d",
    Item.PROCESS_CLINKER: "#e69f00",
    Item.NET_ELECTRICITY: "#0072b2",
    Item.BIOGENIC: "#8fbf6b",
    "measured": "#0072b2",
    "calculated": "#d55e00",
}
OTHER_COLOUR = "#999999"

TEXT_SENTINEL = "#010203"
"""Colour of text and axes in the drawing, replaced by `currentColor`."""

RC: dict[Any, Any] = {
    "svg.fonttype": "none",
    "font.size": FONT_POINTS,
    "font.family": "sans-serif",
    "svg.hashsalt": "tanji",
}

_drawing = threading.Lock()  # rc_context is global to the process


def colour(name: str) -> str:
    """The colour of an item, in plots and legends."""
    return COLOURS.get(name, OTHER_COLOUR)


def stacked_bars(series: Series, *, timezone: str, label: str) -> str:
    """Bars of one step each, columns stacked; a step with a hole in any column is left out. `label` is for readers
    who hear the page."""
    with _drawing, matplotlib.rc_context(RC):
        canvas, axes = blank()
        columns = [np.array([np.nan if value is None else value for value in values]) for _, values in series.columns]
        whole = ~np.isnan(np.sum(columns, axis=0)) if columns else np.zeros(0, np.bool_)
        positions = np.arange(len(series.times_ms))
        base = np.zeros(len(positions))
        for (name, _), values in zip(series.columns, columns, strict=True):
            height = np.where(whole, values, 0.0)
            axes.bar(positions, height, bottom=base, width=0.82, color=colour(name), linewidth=0)
            base = base + height
        finish(axes, series, timezone=timezone)
        axes.set_ylim(bottom=min(0.0, float(base.min(initial=0.0))))
        return svg(canvas, label=label)


def lines(series: Series, *, timezone: str, label: str) -> str:
    """A line for every column; the first is drawn dashed and above, a hole breaks the line."""
    with _drawing, matplotlib.rc_context(RC):
        canvas, axes = blank()
        positions = np.arange(len(series.times_ms))
        for order, (name, values) in enumerate(series.columns):
            height = np.array([np.nan if value is None else value for value in values])
            style = "--" if order == 0 else "-"
            axes.plot(positions, height, style, color=colour(name), linewidth=1.8, marker=".", zorder=3 - order)
        finish(axes, series, timezone=timezone)
        axes.set_ylim(bottom=0, top=max(1.0, axes.get_ylim()[1] * 1.08))
        return svg(canvas, label=label)


def blank() -> tuple[Canvas, Axes]:
    """An empty plot with horizontal grid lines only."""
    canvas = Canvas(figsize=SIZE_INCHES, layout="constrained")
    FigureCanvasSVG(canvas)
    canvas.patch.set_alpha(0)
    axes = canvas.add_subplot()
    axes.patch.set_alpha(0)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(TEXT_SENTINEL)
    axes.grid(axis="y", color=TEXT_SENTINEL, alpha=0.15, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(colors=TEXT_SENTINEL, length=0, pad=5)
    return canvas, axes


def finish(axes: Axes, series: Series, *, timezone: str) -> None:
    """Few, local time labels."""
    labels = tick_labels(series.times_ms, step_ms=series.step_ms, timezone=timezone)
    axes.set_xticks([position for position, _ in labels], [text for _, text in labels])
    axes.set_xlim(-0.7, max(0.7, len(series.times_ms) - 0.3))
    axes.yaxis.set_major_locator(MaxNLocator(nbins=5, integer=False))


def tick_labels(times_ms: Sequence[int], *, step_ms: int, timezone: str) -> list[tuple[int, str]]:
    """Position and text of the time labels: hours of the day every six hours, or dates about five times."""
    zone = ZoneInfo(timezone)
    local = [datetime.fromtimestamp(time / 1000, UTC).astimezone(zone) for time in times_ms]
    if step_ms == HOUR_MS:
        return [(position, f"{time:%H:%M}") for position, time in enumerate(local) if time.hour % 6 == 0]
    every = max(1, -(-len(local) // 6))
    return [(position, f"{time.month}-{time.day}") for position, time in enumerate(local) if position % every == 0]


def svg(canvas: Canvas, *, label: str) -> str:
    """The drawing as an element to put into a page: no prologue, no ids that could clash, scalable."""
    out = StringIO()
    canvas.savefig(out, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    text = out.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"\s*<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r'<g id="[A-Za-z0-9_.]+_\d+"', "<g", text)
    text = text.replace(TEXT_SENTINEL, "currentColor")
    text = re.sub(r'(<svg[^>]*?) (?:height|width)="[^"]*"', r"\1", text)
    text = re.sub(r'(<svg[^>]*?) (?:height|width)="[^"]*"', r"\1", text)
    text = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>", "", text, flags=re.DOTALL)
    text = re.sub(r"font-family: [^;\"]*;? ?", "", text)
    quoted = label.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
    return text.replace("<svg", f'<svg class="plot" role="img" aria-label="{quoted}"', 1)
