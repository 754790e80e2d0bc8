"""`/healthz` and `/metrics`: whether the pages can serve, and the numbers of their process, for machines that watch."""

from __future__ import annotations

from flask import Blueprint, Response, current_app, jsonify

from ledger_api import audited
from tanji import __version__
from tanji.errors import StoreError
from tanji.plant import names

pages = Blueprint("health", __name__)


@pages.get("/healthz")
def healthz() -> tuple[Response, int]:
    """200 while the store answers, 503 and the reason otherwise."""
    held = current_app.extensions["tanji"]
    body: dict[str, object] = {"plant": held.plant.site.id, "version": __version__}
    audit = audited.facts(held.plant, held.ledger)
    if audit is not None:
        body["audit"] = audit
    try:
        held.store.latest(names.derived_bucket(held.plant.site.id), "activity")
    except StoreError as error:
        return jsonify(status="failing", store=str(error), **body), 503
    return jsonify(status="ok", store="ok", **body), 200


@pages.get("/metrics")
def metrics() -> Response:
    """The exposition format of Prometheus."""
    return Response(current_app.extensions["tanji"].metrics.text(), mimetype="text/plain; version=0.0.4")
