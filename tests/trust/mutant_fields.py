"""One wrong thing for each field of each note, payload and head, and the rule that has to say so.

Alterations work on texts before they are signed; what becomes of them is `mutants`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from .world import HOUR, MINUTE, T0, Tamper

INTEGRITY, COMPLETENESS = "integrity", "completeness"


def replaced(old: str | bytes, new: str | bytes, *, regex: bool = False) -> Tamper:
    """One text for another; it has to be there."""
    before, after = (each.encode() if isinstance(each, str) else each for each in (old, new))

    def change(data: bytes) -> bytes:
        changed = re.sub(before, after, data, count=1, flags=re.MULTILINE) if regex else data.replace(before, after, 1)
        assert changed != data, (old, data)
        return changed

    return change


def field(name: str, value: str) -> Tamper:
    """A header field with another value."""
    return replaced(rf"^{name} .*$", f"{name} {value}", regex=True)


def said(change: Callable[[Any], None]) -> Tamper:
    """A statement whose JSON is changed and written canonically again."""

    def tamper(body: bytes) -> bytes:
        first, line, _ = body.split(b"\n")
        value = json.loads(line)
        change(value)
        text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return first + b"\n" + text.encode() + b"\n"

    return tamper


def put(value: Any, *path: str | int) -> Tamper:
    """A statement with another value at a place."""

    def change(statement: Any) -> None:
        for step in path[:-1]:
            statement = statement[step]
        assert statement[path[-1]] != value
        statement[path[-1]] = value

    return said(change)


SPARE_BITS = "A" * 42 + "B="
OTHER_HASH = "B" * 42 + "A="
LOW_ORDER = "demo.example/low+" + "00000000" + "+AQEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

HEADER: tuple[tuple[str, Tamper], ...] = (
    ("a field left out", replaced(rb"^seq .*\n", b"", regex=True)),
    ("a field twice", replaced(rb"^(seq .*\n)", rb"\1\1", regex=True)),
    ("two fields swapped", replaced(rb"^(from .*\n)(to .*\n)", rb"\2\1", regex=True)),
    ("a field more", lambda body: body + b"comment none\n"),
    ("a blank more", replaced(rb"^seq ", b"seq  ", regex=True)),
    ("a leading zero", replaced(rb"^seq ", b"seq 0", regex=True)),
    ("a plus sign", replaced(rb"^seq ", b"seq +", regex=True)),
    ("spare bits in base64", field("prev", SPARE_BITS)),
    ("base64 of another length", field("prev", "AAAA")),
    ("a kind that there is not", field("kind", "weekly")),
    ("late without a reason", field("kind", "late")),
    ("a clock of no form", field("clock", "ntp 2 ms")),
    ("sealed that is no time", field("sealed", "-1")),
    ("points without a root", field("points", "6")),
    ("a point map of no form", field("pointmap", "none")),
    ("a reason of 201 characters", lambda body: body + b"reason " + b"x" * 201 + b"\n"),
)
"""What the form of a batch note forbids."""

BATCH: tuple[tuple[str, str, Tamper, str, str], ...] = (
    ("type", "gw1:1", replaced("tanji/batch/v1", "tanji/batch/v2"), "header-type", INTEGRITY),
    ("gateway of another", "gw1:1", field("gateway", "demo.example/gw2"), "batch-key", INTEGRITY),
    ("kind of a laboratory", "gw1:1", field("kind", "laboratory"), "batch-key", INTEGRITY),
    ("kind config", "gw1:1", field("kind", "config"), "payload-point", INTEGRITY),
    ("kind regular", "gw1:2", field("kind", "regular"), "batch-time", INTEGRITY),
    ("seq used twice", "gw1:1", field("seq", "0"), "batch-sequence", INTEGRITY),
    ("seq left out", "gw1:6", field("seq", "7"), "complete-sequence", COMPLETENESS),
    ("seq before the key", "gw2:4", field("seq", "3"), "batch-key", INTEGRITY),
    ("prev of another note", "gw1:1", field("prev", OTHER_HASH), "batch-prev", INTEGRITY),
    ("prev before seq 0", "gw1:0", field("prev", OTHER_HASH), "batch-prev", INTEGRITY),
    ("from before the last to", "gw1:1", field("from", str(T0 - 1)), "batch-time", INTEGRITY),
    ("from after the last to", "gw1:1", field("from", str(T0 + 1)), "complete-time", COMPLETENESS),
    ("from after to", "gw1:1", field("from", str(T0 + 3 * MINUTE)), "batch-time", INTEGRITY),
    ("to after the next from", "gw1:1", field("to", str(T0 + 2 * MINUTE + 1)), "batch-hole", INTEGRITY),
    ("to before the next from", "gw1:1", field("to", str(T0 + MINUTE)), "complete-time", COMPLETENESS),
    ("to that overlaps the next", "gw1:3", field("to", str(T0 + 31 * MINUTE)), "batch-time", INTEGRITY),
    ("laboratory not sealed at its to", "lab:1", field("sealed", str(T0)), "batch-time", INTEGRITY),
    ("laboratory that begins at another time", "lab:0", field("from", str(T0 - HOUR)), "batch-time", INTEGRITY),
    ("laboratory from another time", "lab:1", field("from", str(T0 + 1)), "batch-time", INTEGRITY),
    ("points one more", "gw1:1", replaced(rb"^points 6 ", b"points 7 ", regex=True), "payload-count", INTEGRITY),
    ("points one less", "gw1:1", replaced(rb"^points 6 ", b"points 5 ", regex=True), "payload-count", INTEGRITY),
    ("root of others", "gw1:1", field("points", f"6 {OTHER_HASH}"), "payload-root", INTEGRITY),
    ("root of an empty batch", "gw2:0", field("points", f"0 {OTHER_HASH}"), "payload-root", INTEGRITY),
    ("point map unknown", "gw1:1", field("pointmap", OTHER_HASH), "pointmap-approved", INTEGRITY),
    ("reason left out", "gw1:3", replaced(rb"^reason .*\n", b"", regex=True), "batch-hole", INTEGRITY),
    ("reason in config", "gw1:2", lambda body: body + b"reason none\n", "header-field", INTEGRITY),
    ("late window", "gw1:4", field("from", str(T0 + 1)), "payload-window", INTEGRITY),
)


def dropped(number: int) -> Tamper:
    """A payload without one of its lines."""

    def change(data: bytes) -> bytes:
        lines = data.split(b"\n")
        del lines[number]
        return b"\n".join(lines)

    return change


COAL = f"kiln1.coal.mass_flow {T0} 20.5 0\n"
PAYLOAD: tuple[tuple[str, str, Tamper, str], ...] = (
    ("zeros at the end", "gw1:1", replaced(COAL, COAL.replace("20.5", "20.50")), "payload-form"),
    ("an exponent", "gw1:1", replaced(COAL, COAL.replace("20.5", "2.05e1")), "payload-form"),
    ("a comma", "gw1:1", replaced(COAL, COAL.replace("20.5", "20,5")), "payload-form"),
    ("not a number", "gw1:1", replaced(COAL, COAL.replace("20.5", "nan")), "payload-form"),
    ("infinite", "gw1:1", replaced(COAL, COAL.replace("20.5", "inf")), "payload-form"),
    ("17 digits too many", "gw1:1", replaced(COAL, COAL.replace("20.5", "20.500000000000000001")), "payload-form"),
    ("a rate as a whole number", "gw1:1", replaced(COAL, COAL.replace("20.5", "20")), "payload-form"),
    ("a counter with a point", "gw1:1", replaced(f"{T0} 1000 0", f"{T0} 1000.0 0"), "payload-form"),
    ("a time with a zero in front", "gw1:1", replaced(f"flow {T0} ", f"flow 0{T0} "), "payload-form"),
    ("a flag word of 33 bits", "gw1:1", replaced(COAL, COAL.replace(" 0\n", " 4294967296\n")), "payload-form"),
    ("a carriage return", "gw1:1", replaced(COAL, COAL.replace("\n", "\r\n")), "payload-form"),
    ("two blanks", "gw1:1", replaced(COAL, COAL.replace(" 20.5", "  20.5")), "payload-form"),
    ("another letter that looks the same", "gw1:1", replaced("kiln1.coal", "kiln1.c\N{CYRILLIC SMALL LETTER O}al"),
     "payload-form"),
    ("no line feed at the end", "gw1:1", lambda data: data[:-1], "payload-form"),
    ("a line twice", "gw1:1", replaced(COAL, COAL * 2), "payload-order"),
    ("lines in another order", "gw1:1", lambda data: b"".join(reversed(data.splitlines(keepends=True))),
     "payload-order"),
    ("an unknown point", "gw1:1", replaced("kiln1.coal.mass_flow", "kiln1.coal.mass_flop"), "payload-point"),
    ("a parameter among readings", "gw1:1", lambda data: f"kiln1.belt.zero {T0} 0.5 0\n".encode() + data,
     "payload-point"),
    ("a reading among parameters", "gw1:2", replaced("kiln1.belt.zero", "kiln1.coal.mass_flow"), "payload-point"),
    ("a line two minutes too old", "gw1:1", replaced(COAL, COAL.replace(str(T0), str(T0 - 120_001))), "payload-window"),
    ("a line two minutes too young", "gw1:1",
     lambda data: data + f"kiln1.feed.total {T0 + 4 * MINUTE} 1 0\n".encode(), "payload-window"),
    ("a second value in one batch", "gw1:1", replaced(COAL, COAL + COAL.replace("20.5", "20.75")),
     "payload-first-value"),
    ("a second value in the next batch", "gw1:3", lambda data: COAL.replace("20.5", "19.5").encode() + data,
     "payload-first-value"),
    ("a second value in a late batch", "gw1:4", replaced(f"{T0} 19.0 4", f"{T0} 19.0 0"), "payload-first-value"),
    ("a sample of no form", "lab:1", replaced("sample S-1 ", "sample S 1 "), "payload-form"),
    ("a sample without its time", "lab:1", replaced(rb"^sample S-1 .*$", b"sample S-1", regex=True), "payload-form"),
    ("a result without a basis", "lab:2", replaced(" as_received", ""), "payload-form"),
)  # fmt: skip

KEYRING: tuple[tuple[str, str, Tamper, str], ...] = (
    ("type", "keyring2", replaced("tanji/keys/v1", "tanji/keys/v2"), "header-type"),
    ("plant", "keyring2", field("plant", "other"), "keyring-continuity"),
    ("version", "keyring2", field("version", "3"), "keyring-version"),
    ("version of the first", "keyring1", field("version", "2"), "keyring-version"),
    ("prev", "keyring2", field("prev", OTHER_HASH), "keyring-prev"),
    ("prev of the first", "keyring1", field("prev", OTHER_HASH), "keyring-prev"),
    ("a line left out", "keyring2", replaced(rb"^key laboratory .*\n", b"", regex=True), "keyring-continuity"),
    ("a scope changed", "keyring2", replaced(rb"^(key gateway \S+gw1\S+ 0 -) \*", rb"\1 belt1", regex=True),
     "keyring-continuity"),
    ("a beginning changed", "keyring2", replaced(rb"^(key gateway \S+gw1\S+) 0 -", rb"\1 1 -", regex=True),
     "keyring-continuity"),
    ("lines in another order", "keyring2", replaced(rb"^(key a.*\n)(key g.*\n)", rb"\2\1", regex=True), "header-field"),
    ("a line twice", "keyring2", replaced(rb"^(key approver .*\n)", rb"\1\1", regex=True), "header-field"),
    ("a role that there is not", "keyring2", replaced("key approver ", "key auditor "), "header-field"),
    ("an end before the beginning", "keyring2", replaced(rb"^(key gateway \S+gw2\S+) 4 -", rb"\1 4 2", regex=True),
     "header-field"),
    ("a key id of another key", "keyring2",
     replaced(rb"^(key approver \S+?)\+[0-9a-f]{8}\+", rb"\1+00000000+", regex=True), "key-form"),
    ("one registrar", "keyring2", replaced(rb"^registrar plant .*\n", b"", regex=True), "header-field"),
    ("a registrar of another key", "keyring1", replaced("registrar plant ", "registrar works "), "keyring-anchor"),
)  # fmt: skip

PLANT: tuple[tuple[str, str, Tamper, str], ...] = (
    ("type", "plant2", replaced("tanji/plant/v1", "tanji/plant/v2"), "header-type"),
    ("plant", "plant2", field("plant", "other"), "header-field"),
    ("version", "plant2", field("version", "3"), "plant-version"),
    ("prev", "plant2", field("prev", OTHER_HASH), "plant-prev"),
    ("from of no form", "plant2", field("from", "soon"), "header-field"),
    ("from before the last", "plant2", field("from", "0"), "plant-version"),
    ("point map of other lines", "plant2", replaced(rb"^(pointmap \S+) 4$", rb"\1 5", regex=True), "plant-file"),
    ("point map of another digest", "plant2", field("pointmap", f"{OTHER_HASH} 4"), "pointmap-approved"),
    ("plant file of another size", "plant2", replaced(rb"^(plantfile \S+) (\d+)$", rb"\1 1\2", regex=True),
     "plant-file"),
    ("plant file of another digest", "plant2", field("plantfile", f"{OTHER_HASH} 4"), "statement-digest"),
    ("point map in another order", "pointmap2",
     lambda data: b"".join(reversed(data.splitlines(keepends=True))), "plant-file"),
    ("point map of no form", "pointmap2", replaced(' {"unit":"MW"}', " MW"), "plant-file"),
    ("point map of another kind", "pointmap2", replaced("power rate", "power rota"), "plant-file"),
)  # fmt: skip

CORRECTION: tuple[tuple[str, Tamper, str], ...] = (
    ("type", replaced("tanji/correction/v1", "tanji/correction/v9"), "header-type"),
    ("plant", field("plant", "other"), "header-field"),
    ("index of an entry to come", field("index", "21"), "correction-target"),
    ("index of another batch", field("index", "2"), "correction-target"),
    ("index of what is no batch", field("index", "19"), "correction-target"),
    ("batch", field("batch", OTHER_HASH), "correction-target"),
    ("a line that was not sealed", replaced(rb"^line (\S+ \S+) \S+", rb"line \1 7.0", regex=True), "correction-target"),
    ("a new line of another time", replaced(rb"^by (\S+) 1", rb"by \1 2", regex=True), "correction-form"),
    ("a new line of no form", replaced("20.125", "20.1250"), "correction-form"),
    ("the same line", replaced("20.125", "20.625"), "correction-form"),
    ("a line that does not stand", replaced(rb"^(line .*) 0$", rb"\1 4", regex=True), "correction-form"),
    ("reason left out", replaced(rb"^reason .*\n", b"", regex=True), "header-field"),
    ("a reason of 201 characters", field("reason", "x" * 201), "correction-form"),
    ("a control character in the reason", field("reason", "belt\x9b zero"), "correction-form"),
    ("evidence of no form", field("evidence", "none"), "correction-form"),
)

STATEMENT: tuple[tuple[str, Tamper, str, str], ...] = (
    ("type", replaced("tanji/statement/v1", "tanji/statement/v2"), "header-type", INTEGRITY),
    ("a blank in the JSON", replaced('{"boundary":', '{ "boundary":'), "statement-form", INTEGRITY),
    ("a key twice", replaced('{"boundary":"clinker",', '{"boundary":"clinker","boundary":"clinker",'),
     "statement-form", INTEGRITY),
    ("a float", replaced('"total_co2_t":"51.250000"', '"total_co2_t":51.25'), "statement-form", INTEGRITY),
    ("a second line", lambda body: body + b"{}\n", "statement-form", INTEGRITY),
    ("a key more", said(lambda all: all.update(note="")), "statement-field", INTEGRITY),
    ("a key less", said(lambda all: all.pop("witnessed")), "statement-field", INTEGRITY),
    ("plant", put("other", "plant"), "statement-field", INTEGRITY),
    ("period not whole hours", put(T0 + 1, "period", "from_ms"), "statement-field", INTEGRITY),
    ("period of another hour", put(T0 + 2 * HOUR, "period", "to_ms"), "statement-supersedes", INTEGRITY),
    ("boundary of no name", put("kiln", "boundary"), "statement-field", INTEGRITY),
    ("boundary of another statement", put("enterprise", "boundary"), "statement-supersedes", INTEGRITY),
    ("rules that are not named", put("guide_2023", "rule_set"), "statement-field", INTEGRITY),
    ("a result of no form", put("51.25", "results", 0, "co2_t"), "statement-field", INTEGRITY),
    ("a result that the total is not", put("50.000000", "results", 0, "co2_t"), "statement-field", INTEGRITY),
    ("a share above one", put("1.500000", "results", 0, "substituted"), "statement-field", INTEGRITY),
    ("another total", put("49.712500", "total_co2_t"), "statement-field", INTEGRITY),
    ("origin", put("other.example/log", "inputs", "origin"), "statement-inputs", INTEGRITY),
    ("size beyond its own place", put(22, "inputs", "size"), "statement-inputs", INTEGRITY),
    ("size of another log", put(20, "inputs", "size"), "statement-root", INTEGRITY),
    ("root", put(OTHER_HASH, "inputs", "root"), "statement-root", INTEGRITY),
    ("window that leaves the period out", put(T0 + HOUR, "inputs", "from_ms"), "statement-field", INTEGRITY),
    ("manifest count", put(3, "inputs", "manifest", "count"), "statement-manifest", INTEGRITY),
    ("manifest root", put(OTHER_HASH, "inputs", "manifest", "root"), "statement-manifest", INTEGRITY),
    ("rules", put("11" * 32, "rules", "sha256"), "statement-digest", INTEGRITY),
    ("factors", put("11" * 32, "factors", "sha256"), "statement-digest", INTEGRITY),
    ("plant file", put("11" * 32, "plant_file", "sha256"), "statement-digest", INTEGRITY),
    ("point map", put("11" * 32, "plant_file", "point_map"), "statement-digest", INTEGRITY),
    ("ledger", put("11" * 32, "ledger", "sha256"), "statement-digest", INTEGRITY),
    ("method of no digest", put("11", "method", "sha256"), "statement-field", INTEGRITY),
    ("status", put("preliminary", "status"), "statement-field", INTEGRITY),
    ("supersedes nothing", put(None, "supersedes"), "statement-supersedes", INTEGRITY),
    ("supersedes another", put(OTHER_HASH, "supersedes"), "statement-supersedes", INTEGRITY),
    ("no reason", put("", "reason"), "statement-field", INTEGRITY),
    ("witnessed of no form", put("yes", "witnessed"), "statement-field", INTEGRITY),
    ("a gateway left out", said(lambda all: all["inputs"]["gateways"].pop(1)), "complete-gateway", COMPLETENESS),
    ("the laboratory left out", said(lambda all: all["inputs"]["gateways"].pop(2)), "complete-gateway", COMPLETENESS),
    ("gateways in another order", said(lambda all: all["inputs"]["gateways"].reverse()), "statement-field", INTEGRITY),
    ("a last batch left out", put(5, "inputs", "gateways", 0, "last_seq"), "complete-sequence", COMPLETENESS),
    ("no batch named", said(lambda all: all["inputs"]["gateways"][0].update(first_seq=None, last_seq=None)),
     "complete-sequence", COMPLETENESS),
)  # fmt: skip

HEAD: tuple[tuple[str, Tamper, str], ...] = (
    ("origin", replaced("demo.example/log", "demo.example/log2"), "checkpoint-origin"),
    ("a size with a zero in front", replaced("\n22\n", "\n022\n"), "checkpoint-form"),
    ("a smaller size", replaced("\n22\n", "\n21\n"), "checkpoint-size"),
    ("an extension line", lambda body: body + b"more\n", "checkpoint-form"),
    ("another root", lambda body: b"demo.example/log\n22\n" + OTHER_HASH.encode() + b"\n", "proof-root"),
)

LEDGER = rb"^(\S{64}) (\d+) (ledger\.json)\n"
LIST: tuple[tuple[str, Tamper, str], ...] = (
    ("type", replaced("tanji/bundle/v1", "tanji/bundle/v2"), "header-type"),
    ("another size", replaced(LEDGER, rb"\1 1\2 \3\n", regex=True), "manifest-size"),
    ("another digest", replaced(LEDGER, b"0" * 64 + rb" \2 \3\n", regex=True), "manifest-digest"),
    ("a digest in capitals", replaced(LEDGER, b"A" * 64 + rb" \2 \3\n", regex=True), "manifest-form"),
    ("a size with a zero in front", replaced(LEDGER, rb"\1 0\2 \3\n", regex=True), "manifest-form"),
    ("two blanks", replaced(LEDGER, rb"\1  \2 \3\n", regex=True), "manifest-form"),
    ("a line twice", replaced(LEDGER, rb"\g<0>\g<0>", regex=True), "manifest-form"),
    ("a line left out", replaced(LEDGER, b"", regex=True), "manifest-listed"),
    ("a path of no bundle", replaced(LEDGER, rb"\g<0>\1 0 log/prefiy\n", regex=True), "manifest-path"),
    ("a path outside", replaced(LEDGER, rb"\1 \2 ../ledger.json\n", regex=True), "manifest-path"),
    ("the list itself", lambda body: body[:16] + b"0" * 64 + b" 1 MANIFEST.note\n" + body[16:], "manifest-form"),
    ("lines in another order", lambda body: body[:16] + b"".join(reversed(body[16:].splitlines(keepends=True))),
     "manifest-form"),
)  # fmt: skip
"""Of the signed list of members."""

BESIDE: tuple[tuple[str, str, Tamper, str], ...] = (
    ("index of another entry", "statement.tlog-proof", replaced("\nindex 21\n", "\nindex 20\n"), "proof-root"),
    ("index beyond the size", "statement.tlog-proof", replaced("\nindex 21\n", "\nindex 22\n"), "proof-length"),
    ("a hash less", "statement.tlog-proof", replaced(rb"^(index .*\n).*\n", rb"\1", regex=True), "proof-length"),
    ("a hash more", "statement.tlog-proof",
     replaced(rb"^(index .*\n)", rb"\1" + OTHER_HASH.encode() + b"\n", regex=True), "proof-length"),
    ("an extra line", "statement.tlog-proof", replaced("\nindex ", "\nextra AA==\nindex "), "proof-form"),
    ("index of another note", "keyring/000000000000.tlog-proof", replaced("\nindex 0\n", "\nindex 1\n"), "proof-form"),
    ("another head", "keyring/000000000000.tlog-proof", replaced("\n22\n", "\n21\n"), "proof-form"),
    ("another hash", "plant/000000000001.tlog-proof",
     replaced(rb"^(index .*\n).*\n", rb"\1" + OTHER_HASH.encode() + b"\n", regex=True), "proof-root"),
    ("first index of no form", "log/prefix", replaced(rb"^2\n", b"02\n", regex=True), "proof-form"),
    ("first index later", "log/prefix", replaced(rb"^2\n", b"4\n", regex=True), "checkpoint-size"),
    ("a hash less in the prefix", "log/prefix", replaced(rb"^(2\n).*\n", rb"\1", regex=True), "proof-length"),
    ("another hash in the prefix", "log/prefix",
     replaced(rb"^(2\n).*\n", rb"\1" + OTHER_HASH.encode() + b"\n", regex=True), "checkpoint-root"),
    ("a keyring without its index", "policy", lambda data: data + b"keyring 2\n", "policy-form"),
    ("a keyring twice", "policy", lambda data: data + b"keyring 2 15\nkeyring 2 15\n", "policy-form"),
    ("a keyring in the middle", "policy", replaced("quorum ", "keyring 2 15\nquorum "), "policy-form"),
    ("a line more in the inputs", "inputs.lines", lambda data: data + data, "statement-manifest"),
    ("no line feed at the end of the inputs", "inputs.lines", lambda data: data[:-1], "statement-manifest"),
)  # fmt: skip
"""Of members that nobody signs by themselves."""
