"""What pydantic found wrong, in the words of somebody who edits a plant file.

Pydantic says where; what is expected there is told from the JSON Schema of the model, so that the message, the
editor's completion and the check can never disagree. Cross references are `tanji.plant.check`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from tanji.errors import Finding
from tanji.plant.document import Document, KeyPath
from tanji.plant.model import Plant

Node = Mapping[str, Any]

PATTERN_WORDS = {
    r"^[a-z0-9_]+(\.[a-z0-9_]+)*$": "lower-case letters, digits and _ in parts joined by dots, like kiln1.coal.flow",
    r"^[0-9A-Za-z_-]{1,32}$": "1 to 32 letters, digits, _ or -, in quotes",
    r"^[0-9A-Za-z_.]{1,20}$": "1 to 20 letters and digits, like a05001",
    r"^[a-z0-9_]+$": "lower-case letters, digits and _ only",
    r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$": "lower-case letters, digits and - only, like gw1",
    r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$": "a name of the plant's own in small letters, like demo.tanji.example",
    r"^([01]\d|2[0-3]):[0-5]\d$": 'a time of day in quotes, like "02:30"',
    r"^[^\s+]+$": "the name of a key, without blanks and +",
    r"^opc\.tcp://": "an address like opc.tcp://192.168.1.20:4840",
    r"^(\d{4}-\d{2}-\d{2})?$": "a date like 2026-12-31",
    r"^\d{4}-\d{2}-\d{2}$": "a date like 2026-12-31",
    r"^/dev/\S+$": "a serial port like /dev/ttyUSB0",
    r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2})?(Z|[+-]\d{2}:\d{2})$": "a moment like 2026-03-01T08:30+08:00",
    r"^\d+(\.\d+)?S?$": 'an accuracy class like "0.5", "1.0" or "0.5S"',
}
"""Every pattern of the model in words; a test keeps the two together."""

MOST_LISTED = 24
"""Names listed in one message; more than a line or two of them is not read."""

LONGEST_SHOWN = 60
"""Of a wrong text more characters than this help nobody."""


WRONG_KEY = "[key]"
"""Last step of a pydantic location where the key of a mapping is at fault, not its value."""


def findings(document: Document, error: ValidationError) -> Iterator[Finding]:
    """Every fault that pydantic found, with file, line, key, what was expected and what was got."""
    for detail in error.errors(include_url=False, include_context=False):
        yield _finding(document, detail)


def _finding(document: Document, detail: ErrorDetails) -> Finding:
    if detail["loc"][-1:] == (WRONG_KEY,):
        path, node = locate(detail["loc"][:-2])
        wrong = str(detail["loc"][-2])
        expected = one_of(wrong, _resolved(node.get("propertyNames", {})).get("enum", ()))
        return document.finding((*path, wrong), expected=expected, got=f'the unknown key "{wrong}"')
    path, node = locate(detail["loc"])
    kind = detail["type"]
    if kind == "extra_forbidden":
        _, parent = locate(detail["loc"][:-1])
        expected = one_of(str(path[-1]), parent.get("properties", {}))
        return document.finding(path, expected=expected, got=f'the unknown key "{path[-1]}"')
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        discriminator = node["discriminator"]
        path = (*path, discriminator["propertyName"])
        value = document.value(path)
        return document.finding(path, expected=one_of(value, discriminator["mapping"]), got=shown(value))
    if kind == "missing":
        return document.finding(path, expected=describe(node), got="nothing")
    value = document.value(path)
    text = document.place(path).text
    if kind == "string_type" and text is not None and value is not None:
        return document.finding(path, expected=f'text, in quotes: "{text}"', got=f"{_scalar_kind(value)} {text}")
    expected = one_of(value, node["enum"]) if "enum" in node else describe(node)
    if "description" in node and node.get("type") in ("string", "integer", "number"):
        expected += f" ({node['description'].rstrip('.')})"
    return document.finding(path, expected=expected, got=shown(value, text=text, wanted=node.get("type")))


def one_of(wrong: object, names: Iterable[str]) -> str:
    """`one of a, b, c (did you mean b?)`; a long list is cut."""
    known = [str(name) for name in names]
    if not known:
        return "but none is declared"
    listed = ", ".join(known[:MOST_LISTED])
    more = f" and {len(known) - MOST_LISTED} more" if len(known) > MOST_LISTED else ""
    return f"{'one of ' if len(known) > 1 else ''}{listed}{more}{close_to(wrong, known)}"


def close_to(wrong: object, names: Iterable[str]) -> str:
    """` (did you mean b?)`, or nothing if no name resembles the wrong one."""
    close = difflib.get_close_matches(str(wrong), list(names), n=1)
    return f" (did you mean {close[0]}?)" if close and close[0] != wrong else ""


def shown(value: object, *, text: str | None = None, wanted: object = "string") -> str:
    """A wrong value for a message."""
    if value is None:
        return "nothing"
    if isinstance(value, str):
        cut = value if len(value) <= LONGEST_SHOWN else f"{value[:LONGEST_SHOWN]}..."
        colon = " (the full-width colon ： is no colon)" if wanted == "object" and "：" in value else ""
        return f'"{cut}"{colon}' if wanted == "string" else f'the text "{cut}"{colon}'
    if isinstance(value, Mapping):
        return "a block of keys"
    if isinstance(value, list):
        return f"a list of {len(value)}" if value else "an empty list"
    if isinstance(value, bool):
        return "true" if value else "false"
    return text if text is not None else str(value)


def _scalar_kind(value: object) -> str:
    return "the truth value" if isinstance(value, bool) else "the number"


def locate(loc: tuple[int | str, ...]) -> tuple[KeyPath, Node]:
    """The path in the file and the schema of a pydantic location, which also names the branch of a union."""
    node = _resolved(schema())
    path: list[int | str] = []
    for step in loc:
        branch = node.get("discriminator", {}).get("mapping", {})
        if step in branch:
            node = _resolved({"$ref": branch[step]})
            continue
        path.append(step)
        node = _resolved(_child(node, step))
    return tuple(path), node


@cache
def schema() -> dict[str, Any]:
    """The JSON Schema of a plant file."""
    return Plant.model_json_schema()


def _child(node: Node, step: int | str) -> Node:
    child: Node
    if isinstance(step, str):
        named = node.get("additionalProperties")
        child = node.get("properties", {}).get(step, named if isinstance(named, dict) else {})
    elif step < len(node.get("prefixItems", ())):
        child = node["prefixItems"][step]
    else:
        child = node.get("items", {})
    return child


def _resolved(node: Node) -> Node:
    """A schema without references and without the `null` of an optional value."""
    while True:
        if "$ref" in node:
            node = schema()["$defs"][node["$ref"].rpartition("/")[2]]
        elif "anyOf" in node:
            branch = next(branch for branch in node["anyOf"] if branch.get("type") != "null")
            node = {**{key: node[key] for key in ("description",) if key in node}, **branch}
        else:
            return node


def describe(node: Node) -> str:
    """What a schema allows, in plain words."""
    if "const" in node:
        return str(node["const"])
    if "enum" in node:
        return one_of(None, node["enum"])
    if "discriminator" in node:
        return f"a block of keys with {node['discriminator']['propertyName']}"
    kind = node.get("type")
    if kind == "string":
        return _describe_text(node)
    if kind in ("number", "integer"):
        return _describe_number(node)
    if kind == "array":
        return _describe_list(node)
    if kind == "object":
        return f"a block of keys: {', '.join(node.get('properties', {}))}"
    return {"boolean": "true or false"}.get(str(kind), "a value")


def _describe_text(node: Node) -> str:
    words = PATTERN_WORDS.get(node.get("pattern", ""), "text")
    most = f", at most {node['maxLength']} characters" if "maxLength" in node else ""
    return f"{words}{most}"


def _describe_number(node: Node) -> str:
    words = "a whole number" if node["type"] == "integer" else "a number"
    if "minimum" in node and "maximum" in node:
        return f"{words} from {node['minimum']:.16g} to {node['maximum']:.16g}"
    limits = (("minimum", "of at least"), ("exclusiveMinimum", "above"), ("maximum", "at most"))
    bounds = [f"{word} {node[key]:.16g}" for key, word in limits if key in node]
    return f"{words} {' and '.join(bounds)}" if bounds else words


def _describe_list(node: Node) -> str:
    if "prefixItems" in node:
        return "a list of " + " and ".join(describe(_resolved(item)) for item in node["prefixItems"])
    item = _resolved(node.get("items", {}))
    return "a list in brackets, like [a, b]" if item.get("type") == "string" else "a list, each entry after a dash"
