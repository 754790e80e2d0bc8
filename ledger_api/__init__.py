"""The web pages of a plant: where people look, and later where they enter and sign (R8, R11, R27).

An application factory; rendered on the server, nothing fetched from elsewhere, no script needed. Words come from
`tanji.report.words`, figures from `tanji.report.summary`. There is no login yet, so it listens on loopback unless told
otherwise. Chinese unless `?lang=en` asks for English.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import Flask, Response, current_app, render_template, request, url_for
from jinja2 import ChoiceLoader, FileSystemLoader, StrictUndefined
from werkzeug.exceptions import NotFound

from ledger_api import devices, health, overview, statements
from ledger_api.sealed import SealState
from ledger_api.statements import PublishedLog
from tanji.errors import StoreUnavailable
from tanji.health.alarms import Alarms
from tanji.health.metrics import Metrics, Numbers
from tanji.ledger import Ledger
from tanji.plant.model import Plant
from tanji.report.model import Run
from tanji.report.page import TEMPLATES, style
from tanji.report.words import LANGUAGES, Words
from tanji.store.port import Store

POLICY = "default-src 'none'; style-src 'self' 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'self'"
"""Nothing but our own style sheet; inline styles carry the colours of plots and legends."""

STYLE_SECONDS = 3600
"""How long a browser keeps the style sheet [s]."""


@dataclass(frozen=True, slots=True)
class Demonstration:
    """A plant that ended when its history did: its period, what was brought in, and the truth about it.

    end_ms : int  End of the period, a full hour. [UTC ms]
    days : int  Length of the period. [d]
    truth : mapping  What the simulator knows, as `tanji.report.page.write_report` takes it.
    """

    end_ms: int
    days: int
    run: Run
    truth: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Held:
    """What the pages are made from; `clock` gives UTC ms."""

    plant: Plant
    store: Store
    ledger: Ledger | None
    clock: Callable[[], int]
    demonstration: Demonstration | None
    metrics: Metrics
    seal_state: Callable[[], SealState] | None = None
    published: PublishedLog | None = None


def create_app(
    plant: Plant,
    *,
    store: Store,
    ledger: Ledger | None = None,
    clock: Callable[[], int],
    demonstration: Demonstration | None = None,
    metrics: Metrics | None = None,
    seal_state: Callable[[], SealState] | None = None,
    published: PublishedLog | None = None,
) -> Flask:
    """The application of one plant.

    clock : gives UTC now. [ms]
    demonstration : Demonstration | None  The pages speak of its period instead of the last days until now.
    metrics : Metrics | None  Of the process, where the pages are not alone in it.
    seal_state : callable | None  How far the evidence has come, where the sealer is in this process.
    published : PublishedLog | None  Where the statements are, if the plant has a log.
    """
    metrics = metrics or Metrics(Alarms(clock=clock))
    answered = Counter[str]()
    metrics.add(
        lambda: [Numbers("pages", {"answers_total": n}, {"status": kind}) for kind, n in list(answered.items())]
    )
    app = Flask(__name__, static_folder=None)
    app.jinja_loader = ChoiceLoader([FileSystemLoader(app.root_path + "/templates"), TEMPLATES])
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.autoescape = True  # Flask would decide by the ending, and does not know .j2
    app.jinja_env.trim_blocks = True
    app.extensions["tanji"] = Held(plant, store, ledger, clock, demonstration, metrics, seal_state, published)
    for module in (overview, statements, devices, health):
        app.register_blueprint(module.pages)
    app.add_url_rule("/tanji.css", "style", style_sheet)
    app.context_processor(common)
    app.after_request(secured)
    app.after_request(lambda answer: _counted(answer, answered))
    app.register_error_handler(StoreUnavailable, store_down)
    app.register_error_handler(NotFound, not_found)
    return app


def words() -> Words:
    """The words of the language this request asks for; Chinese where it asks for none or an unknown one."""
    asked = request.args.get("lang")
    return Words(next((language for language in LANGUAGES if language == asked), LANGUAGES[0]))


def common() -> dict[str, object]:
    """What every template may use."""
    chosen = words()
    # Only what a page understands is carried on: url_for has arguments of its own, and a stranger chose these.
    days = request.args.get("days")
    other = None if chosen.other == LANGUAGES[0] else chosen.other
    return {
        "w": chosen,
        "plant": current_app.extensions["tanji"].plant,
        "lang": {} if chosen.language == LANGUAGES[0] else {"lang": chosen.language},
        "switch": url_for(request.endpoint or "overview.overview", days=days, lang=other),
    }


def style_sheet() -> Response:
    """The one style sheet."""
    answer = Response(style(), mimetype="text/css")
    answer.cache_control.max_age = STYLE_SECONDS
    return answer


def secured(answer: Response) -> Response:
    """Headers every answer carries."""
    answer.headers.setdefault("Content-Security-Policy", POLICY)
    answer.headers.setdefault("X-Content-Type-Options", "nosniff")
    answer.headers.setdefault("Referrer-Policy", "no-referrer")
    return answer


def _counted(answer: Response, answered: Counter[str]) -> Response:
    """Answers by kind: 2xx, 3xx, 4xx, 5xx."""
    answered[f"{answer.status_code // 100}xx"] += 1
    return answer


def store_down(_: Exception) -> tuple[str, int]:
    """The store is away: say that readings are safe."""
    return render_template("message.html.j2", text=words()("error.store_down"), endpoint=""), 503


def not_found(_: Exception) -> tuple[str, int]:
    """An address nobody serves."""
    return render_template("message.html.j2", text=words()("error.not_found"), endpoint=""), 404
