"""YAML to plain data with the line of every key, for messages that name it.

Reads the core schema of YAML 1.2.2 (section 10.3), as editors do: `yes`, `on`, `12:30` and `2026-01-31` stay text,
so a date or a door state never turns into something else on the way. Anchors and merge keys (`<<`) work; a duplicate
key is a fault (R21: the file is reviewed, so what is written must be what counts). What the keys mean is
`tanji.plant.model`.
"""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from tanji.errors import Finding, PlantError
from tanji.plant.document import Document, KeyPath, Place

MOST_VALUES = 1_000_000
"""More values than any plant has; a few nested aliases can stand for billions and would fill the memory."""

_TAG = "tag:yaml.org,2002:"
_CORE_SCHEMA = (
    ("null", r"^(?:~|null|Null|NULL|)$", ("~", "n", "N", "")),
    ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", tuple("tTfF")),
    ("int", r"^(?:[-+]?[0-9]+|0x[0-9a-fA-F]+|0o[0-7]+)$", tuple("-+0123456789")),
    ("float", r"^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$", tuple("-+0123456789.")),
    ("float", r"^(?:[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$", tuple("-+.")),
    ("merge", r"^<<$", ("<",)),
)


def add_core_schema(resolver: Any) -> Any:
    """A loader or dumper class that takes plain scalars for what the core schema says they are."""
    for tag, pattern, first in _CORE_SCHEMA:
        resolver.add_implicit_resolver(_TAG + tag, re.compile(pattern), list(first))
    return resolver


def _loader(base: Any) -> Any:
    return add_core_schema(type("CoreLoader", (base,), {"yaml_implicit_resolvers": {}}))


_PLAIN_LOADER = _loader(yaml.SafeLoader)
_FAST_LOADER = _loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def read(path: Path) -> Document:
    """Read a YAML file. Raises `PlantError` when it is no YAML at all; duplicate keys are left in `findings`."""
    file = str(path)
    try:
        body = path.read_bytes()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise PlantError((Finding(file, 1, "the file", "a plant file that can be read", reason),)) from error
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = body.count(b"\n", 0, error.start) + 1
        got = "bytes that are not UTF-8 (in Notepad: Save as, encoding UTF-8)"
        raise PlantError((Finding(file, line, "the file", "UTF-8 text", got),)) from error
    return parse(text, file=file)


def parse(text: str, *, file: str) -> Document:
    """The same for a text in memory; `file` is the name that messages use."""
    node = _compose(text, file=file)
    reader = _Reader(file)
    data = reader.value(node, ()) if node is not None else None
    document = Document(file, data, reader.places)
    for path, line in reader.repeated:
        got = f'the key "{path[-1]}" again, already in line {document.place(path).line}'
        document.findings.append(Finding(file, line, document.name(path), "each key once", got))
    return document


def _compose(text: str, *, file: str) -> Node | None:
    try:
        node: Node | None = yaml.compose(text, Loader=_FAST_LOADER)
    except yaml.YAMLError:
        # libyaml and PyYAML word their errors differently; PyYAML's, which every machine has, are the ones we reword.
        try:
            node = yaml.compose(text, Loader=_PLAIN_LOADER)
        except yaml.YAMLError as error:
            raise PlantError((_syntax_finding(error, text, file=file),)) from error
    return node


class _Reader:
    """Turns nodes into data and notes the place of each."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.places: dict[KeyPath, Place] = {}
        self.repeated: list[tuple[KeyPath, int]] = []
        self._open: set[int] = set()

    def value(self, node: Node, path: KeyPath) -> Any:
        """Data of a node, whose place is noted unless its key was."""
        text = node.value if isinstance(node, ScalarNode) else None
        line = self.places[path].line if path in self.places else node.start_mark.line + 1
        self.places[path] = Place(self.file, line, text)
        if len(self.places) > MOST_VALUES:
            raise self._stopped(node, f"at most {MOST_VALUES} values", "aliases that unfold to more")
        if isinstance(node, ScalarNode):
            return self._scalar(node)
        if id(node) in self._open:
            raise self._stopped(node, "an alias to another block", "an alias to the block it is in")
        self._open.add(id(node))
        data = self._mapping(node, path) if isinstance(node, MappingNode) else self._sequence(node, path)
        self._open.discard(id(node))
        return data

    def _sequence(self, node: Node, path: KeyPath) -> list[Any]:
        assert isinstance(node, SequenceNode)
        return [self.value(item, (*path, position)) for position, item in enumerate(node.value)]

    def _mapping(self, node: MappingNode, path: KeyPath) -> dict[str, Any]:
        data: dict[str, Any] = {}
        for key, line, value in self._pairs(node):
            if key in data:
                self.repeated.append(((*path, key), line))
                continue
            self.places[(*path, key)] = Place(self.file, line)
            data[key] = self.value(value, (*path, key))
        return data

    def _pairs(self, node: MappingNode) -> list[tuple[str, int, Node]]:
        """Keys of a block with what its merge keys bring in; its own keys win, then the earlier of the merged."""
        own: list[tuple[str, int, Node]] = []
        merged: list[tuple[str, int, Node]] = []
        for key, value in node.value:
            if key.tag == _TAG + "merge":
                merged += self._merged(value)
            elif isinstance(key, ScalarNode):
                own.append((key.value, key.start_mark.line + 1, value))
            else:
                raise self._stopped(key, "a plain word as key", "a list or block as key")
        taken = {key for key, _, _ in own}
        for key, line, value in merged:
            if key not in taken:
                taken.add(key)
                own.append((key, line, value))
        return own

    def _merged(self, node: Node) -> list[tuple[str, int, Node]]:
        sources = node.value if isinstance(node, SequenceNode) else [node]
        pairs: list[tuple[str, int, Node]] = []
        for source in sources:
            if not isinstance(source, MappingNode) or id(source) in self._open:
                raise self._stopped(source, "an alias to a block of keys after <<", "something else")
            pairs += self._pairs(source)
        return pairs

    def _scalar(self, node: ScalarNode) -> Any:
        text: str = node.value
        tag = node.tag.removeprefix(_TAG)
        if tag == "null":
            return None
        if tag == "bool":
            return text.lower() == "true"
        if tag == "int":
            # Python reads no more than 4,300 digits; any number of 400 is refused by the model all the same.
            return int(text, 0) if text[:2] in ("0x", "0o") else int(text[:400])
        if tag == "float":
            lower = text.lower()
            return float(lower.replace(".inf", "inf")) if lower != ".nan" else math.nan
        if not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text):
            raise self._stopped(node, "readable characters only", "half of a surrogate pair")
        if tag != "str" and not (tag == "merge" and node.style is None):
            raise self._stopped(node, "plain values", f"the tag {node.tag}")
        return text

    def _stopped(self, node: Node, expected: str, got: str) -> PlantError:
        return PlantError((Finding(self.file, node.start_mark.line + 1, "YAML", expected, got),))


def _syntax_finding(error: yaml.YAMLError, text: str, *, file: str) -> Finding:
    """PyYAML's complaint in the words of somebody who edits a plant file."""
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        got = str(error).splitlines()[0]
        position = getattr(error, "position", 0)
        return Finding(file, text.count("\n", 0, position) + 1, "YAML", "readable characters only", got)
    problem = error.problem or ""
    number = error.problem_mark.line + 1
    lines = text.splitlines()
    if problem.startswith("expected ',' or") and error.context_mark is not None:
        # The parser stops where it is lost, which may be far below the bracket that is open.
        number = error.context_mark.line + 1
        return Finding(file, number, "YAML", "a comma, or a closing bracket", f"`{lines[number - 1].strip()}`")
    for candidate in (number, number - 1):
        line = lines[candidate - 1] if 0 < candidate <= len(lines) else ""
        if "\t" in line[: len(line) - len(line.lstrip())] or ("'\\t'" in problem and candidate == number):
            return Finding(file, candidate, "YAML", "blanks before a key", "a tab")
        if "：" in line and ":" not in line:
            got = f"the full-width colon in `{line.strip()}`"
            return Finding(file, candidate, "YAML", "a key, a colon and a blank", got)
        if re.match(r"\s*(- )?\w+:[^\s:]", line):
            return Finding(file, candidate, "YAML", "a blank after the colon", f"`{line.strip()}`")
    for candidate, line in enumerate(lines[:number], start=1):
        if line.count('"') % 2 and not line.lstrip().startswith("#"):
            return Finding(file, candidate, "YAML", "a closing quote", f"`{line.strip()}`")
    return Finding(file, number, "YAML", *_problem_words(problem, lines[number - 1] if number <= len(lines) else ""))


def _problem_words(problem: str, line: str) -> tuple[str, str]:
    shown = f"`{line.strip()}`" if line.strip() else "the end of the file"
    if "mapping values are not allowed" in problem:
        return "one key a line, and text with a colon in it in quotes", shown
    if "expected <block end>" in problem or "could not find expected ':'" in problem:
        return "keys of one block in the same column, each with a colon and a blank", shown
    if "found undefined alias" in problem:
        return "an alias whose anchor (&name) comes before it", shown
    if "found unexpected end of stream" in problem or "while scanning a quoted scalar" in problem:
        return "a closing quote", "the end of the file"
    if "but found another document" in problem:
        return "one document a file", "a second one after ---"
    if "cannot start any token" in problem:
        return "text that begins with a mark like @ or % in quotes", shown
    return "YAML", f"{shown} ({problem})"
