"""Kinds of instrument whose registers are known, so that a point needs only the quantity it is.

A template is a file of `provisioning/devices`: which quantity lies in which register, in which unit, by which document
of the maker; one named generic is a profile to copy, not a document. Loading a plant file fills in what a template
says before anything is checked, so pollers, Telegraf and every other reader of the model see ordinary points and none
of them knows templates. What is written in the plant file wins.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from pydantic import Field

from tanji.plant import yaml_lines
from tanji.plant.document import Document, KeyPath
from tanji.plant.model import Frozen, MeterKind, Name, PointKind, Register, RequestLimits, SerialRegister
from tanji.plant.wording import one_of

FILLED = ("name", "kind", "unit")
"""What a point has to have and a template can say."""


class Quantity(Frozen):
    """One thing an instrument measures. Reading = register value x scale + offset, in `unit`."""

    name: Name
    kind: PointKind
    unit: str
    modbus: Register
    scale: float = 1.0
    offset: float = 0.0
    rollover: int | None = None


class Template(Frozen):
    """A kind of instrument. document : where the registers are from. generic : a profile, no maker's document."""

    id: str = Field(pattern=r"^[a-z0-9_]+$")
    name: Name
    kinds: tuple[MeterKind, ...]
    generic: bool = False
    document: str
    note: Name | None = None
    requests: RequestLimits = RequestLimits()
    serial_register: SerialRegister | None = None
    quantities: dict[str, Quantity]


@cache
def library() -> Mapping[str, Template]:
    """Every template by its id."""
    folder = files("provisioning").joinpath("devices")
    texts = {
        entry.name: entry.read_text(encoding="utf-8") for entry in folder.iterdir() if entry.name.endswith(".yaml")
    }
    found = [_parsed(text, file=name) for name, text in sorted(texts.items())]
    return {template.id: template for template in found}


def _parsed(text: str, *, file: str) -> Template:
    """A template; `defaults` holds what its registers have in common."""
    data: Any = yaml_lines.parse(text, file=file).data
    common = data.pop("defaults", {})
    for quantity in data["quantities"].values():
        quantity["modbus"] = common | quantity["modbus"]
    return Template.model_validate_json(json.dumps(data), strict=True)


def expand(document: Document) -> frozenset[str]:
    """Fill in what templates say; names of keys that are missing only because a template or quantity is wrong."""
    templates = _chosen(document)
    for meter, (_, template) in templates.items():
        _fill_meter(document, meter, template)
    lacking: set[str] = set()
    for position, point in enumerate(_entries(document, "points")):
        if isinstance(point, dict) and "quantity" in point and not _fill_point(document, position, point, templates):
            path: KeyPath = ("points", position)
            lacking |= {document.name((*path, key)) for key in FILLED if key not in point}
    return frozenset(lacking)


def _entries(document: Document, collection: str) -> list[Any]:
    raw = document.value((collection,))
    return raw if isinstance(raw, list) else []


Chosen = dict[int, tuple[KeyPath, Template]]


def _chosen(document: Document) -> Chosen:
    """The template of each meter, by its position, and where it is named; wrong names become findings."""
    devices = {
        device.get("id"): (position, device.get("template"))
        for position, device in enumerate(_entries(document, "devices"))
        if isinstance(device, dict) and isinstance(device.get("id"), str)
    }
    chosen: Chosen = {}
    for position, meter in enumerate(_entries(document, "meters")):
        if not isinstance(meter, dict):
            continue
        path: KeyPath = ("meters", position, "template")
        name = meter.get("template")
        if name is None and isinstance(meter.get("device"), str) and meter["device"] in devices:
            place, name = devices[meter["device"]]
            path = ("devices", place, "template")
        template = library().get(name) if isinstance(name, str) else None
        if template is not None and meter.get("kind") in template.kinds:
            chosen[position] = (path, template)
        elif template is not None:
            expected = f"a template for a meter of kind {meter.get('kind')}"
            _refuse(document, path, expected, f'"{name}", for {" or ".join(template.kinds)}')
        elif isinstance(name, str):
            _refuse(document, path, f"a kind of instrument, {one_of(name, library())}", f'"{name}"')
    return chosen


def _refuse(document: Document, path: KeyPath, expected: str, got: str) -> None:
    finding = document.finding(path, expected=expected, got=got)
    if finding not in document.findings:
        document.findings.append(finding)


def _fill_meter(document: Document, position: int, template: Template) -> None:
    meter = document.value(("meters", position))
    for key in ("requests", "serial_register"):
        record = getattr(template, key)
        data = {} if record is None else json.loads(record.model_dump_json(exclude_defaults=True))
        if data and key not in meter:
            meter[key] = data


def _fill_point(document: Document, position: int, point: dict[str, Any], templates: Chosen) -> bool:
    """Whether the point's quantity is known; then it has all that its template says."""
    path: KeyPath = ("points", position, "quantity")
    ids = [meter.get("id") if isinstance(meter, dict) else None for meter in _entries(document, "meters")]
    meter = point.get("meter")
    if meter not in ids or not isinstance(point["quantity"], str):
        return False  # said by the check of references, or by the model
    if ids.index(meter) not in templates:
        named = any(finding.key.endswith(".template") for finding in document.findings)
        if not named:
            _refuse(document, path, f"a template on meter {meter} that has it", "none")
        return False
    _, template = templates[ids.index(meter)]
    quantity = template.quantities.get(point["quantity"])
    if quantity is None:
        expected = f"a quantity of {template.id}, {one_of(point['quantity'], template.quantities)}"
        _refuse(document, path, expected, f'"{point["quantity"]}"')
        return False
    if "modbus" in point or "opcua" in point:
        key = "modbus" if "modbus" in point else "opcua"
        _refuse(document, ("points", position, key), f"either quantity or {key}", "both")
        return False
    for key, value in json.loads(quantity.model_dump_json(exclude_defaults=True)).items():
        point.setdefault(key, value)
    del point["quantity"]  # an ordinary point from now on: the digest is that of the same registers written out
    document.places[("points", position, "modbus")] = document.place(path)
    return True
