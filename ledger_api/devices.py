"""The metering devices (碳计量装置) along the carbon flow: what is calibrated, how well, until when (R27, R28, R31).

From the plant file until the ledger holds devices and certificates.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, current_app, render_template, request

from tanji.plant.model import Certificate, Meter, Plant
from tanji.report import numbers
from tanji.report.words import LANGUAGES, Words

pages = Blueprint("devices", __name__)

SOON = timedelta(days=60)
"""Certificates due within this are marked: sending a scale to verification takes about two months to arrange."""


@pages.get("/devices")
def devices() -> str:
    """The page of the metering devices, grouped by node of the carbon flow."""
    held = current_app.extensions["tanji"]
    plant: Plant = held.plant
    words = Words("en" if request.args.get("lang") == "en" else LANGUAGES[0])
    today = datetime.fromtimestamp(held.clock() / 1000, ZoneInfo(plant.site.timezone)).date()
    states = [state(meter.certificate, today=today) for meter in plant.meters]
    counts = [(name, states.count(name)) for name in ("overdue", "soon", "none") if name in states]
    return render_template(
        "devices.html.j2",
        endpoint="devices",
        groups=list(groups(plant, words, today=today)),
        count=len(plant.meters),
        counts=counts,
        now=numbers.local_time(held.clock(), plant.site.timezone),
    )


def groups(plant: Plant, words: Words, *, today: date) -> Iterator[dict[str, Any]]:
    """Devices of every node, in the order of the carbon flow; those without a node last."""
    points = {meter.id: [point for point in plant.points if point.meter == meter.id] for meter in plant.meters}
    for node in (*plant.nodes, None):
        meters = [meter for meter in plant.meters if meter.node == (node.id if node else None)]
        if meters:
            yield {
                "name": words.choose(node.name.zh, node.name.en) if node else words("page.no_node"),
                "rows": [row(meter, points[meter.id], words, today=today) for meter in meters],
            }


def row(meter: Meter, points: list[Any], words: Words, *, today: date) -> dict[str, Any]:
    """One device in words."""
    certificate = meter.certificate
    standing = state(certificate, today=today)
    span = meter.range
    return {
        "name": words.choose(meter.name.zh, meter.name.en),
        "kind": words(f"meter_kind.{meter.kind}"),
        "model": meter.model or numbers.ABSENT,
        "made": " ".join(part for part in (meter.manufacturer, meter.serial) if part),
        "accuracy": meter.accuracy_class or numbers.ABSENT,
        "range": f"{span.low:g} – {span.high:g} {numbers.unit(span.unit)}" if span else numbers.ABSENT,
        "points": [point.id for point in points],
        "certificate": certificate.number if certificate else numbers.ABSENT,
        "issuer": certificate.issuer if certificate else "",
        "due": certificate.due if certificate else "",
        "state": standing,
        "badge": words(f"certificate.{standing}"),
    }


def state(certificate: Certificate | None, *, today: date) -> str:
    """Whether a certificate holds on a plant-local day: valid, soon, overdue or none."""
    if certificate is None:
        return "none"
    due = date.fromisoformat(certificate.due)
    return "overdue" if due < today else "soon" if due <= today + SOON else "valid"
