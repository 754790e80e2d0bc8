"""How the referee reads: hashes, notes, keys, anchors, checkpoints, proofs, keyrings, statements, lines, point maps.

Sections 1 to 7 of docs/trust-format.md by the patterns of grammar.toml; what follows from them is referee.py.
"""

# fmt: off
import json
import re
import tomllib
from base64 import b64decode
from decimal import Decimal
from hashlib import sha256
from itertools import combinations, pairwise
from pathlib import Path
from types import SimpleNamespace as Record

from nacl.bindings import crypto_core_ed25519_is_valid_point
from nacl.signing import VerifyKey

DATA = tomllib.loads(Path(__file__).with_name("grammar.toml").read_text(encoding="utf-8"))
MARKED, OPEN, HOUR = DATA["members"]["marked"], float("inf"), 3_600_000
MADE = {"N": int, "H": b64decode, "hashes": lambda text: [b64decode(line) for line in text.split()]}
FORMS, TYPES = {"path": "|".join([*MARKED, *DATA["members"]["other"]])}, {}

class Fault(Exception):
    """A rule of section 10."""

def expanded(found):  # {form} or {form:part} in a pattern
    TYPES[found[2]] = found[1]
    return f"(?P<{found[2]}>{FORMS[found[1]]})" if found[2] else f"(?:{FORMS[found[1]]})"

for form, pattern in DATA["patterns"].items():
    FORMS[form] = re.sub(r"\{([A-Za-z]\w*)(?::(\w+))?\}", expanded, pattern)

def need(holds, rule):
    if not holds:
        raise Fault(rule)
    return holds
def attempt(rule, call, *args):  # whatever a library has against its input
    try:
        return call(*args)
    except Exception:
        raise Fault(rule) from None

def like(form, text, rule):  # the named parts of a text of this form
    parts = need(re.fullmatch(FORMS[form], text), rule).groupdict()
    made = {part: text and MADE.get(TYPES[part], str)(text) for part, text in parts.items()}
    need(all(value < 2**63 for value in made.values() if isinstance(value, int)), rule)
    return Record(**made)
def parsed(kind, body):  # 2: headers
    need(body.startswith(f"tanji/{kind}/v1\n"), "header-type")
    return like(kind, body, "header-field")

def is_rising(items):
    return all(a < b for a, b in pairwise(items))
def utf8(data):  # what is none becomes half a surrogate pair
    return data.decode("utf-8", "surrogateescape")
def sha(*parts):
    return sha256(b"".join(parts)).digest()

def root(leaves, first=0, prefix=()):  # 1: over the prefix hashes of the size `first`, and the leaves from there on
    stack = [*prefix]
    for size, one in enumerate(leaves, first):
        while size & 1:
            one, size = sha(b"\1", stack.pop(), one), size >> 1
        stack.append(one)
    while len(stack) > 1:
        stack[-2:] = [sha(b"\1", *stack[-2:])]
    return stack[0] if stack else sha()

def climb(one, index, size, path):  # 1: the root to which a leaf and its path lead
    need(index < size and bool(path) == (size > 1), "proof-length")
    if size == 1:
        return one
    half = 1 << (size - 1).bit_length() - 1
    if index < half:
        return sha(b"\1", climb(one, index, half, path[:-1]), path[-1])
    return sha(b"\1", path[-1], climb(one, index - half, size - half, path[:-1]))
def included(note, index, path, head):
    need(climb(sha(b"\0", note), index, head.size, path) == head.root, "proof-root")

def vkey(text, kind):  # 2
    it = like("vkey", text, "key-form")
    raw = b64decode(it.blob)
    is_whole = it.name.isprintable() and sha(it.name.encode(), b"\n", raw)[:4].hex() == it.hex
    need(is_whole and raw[0] in (1, 4), "key-form")
    need(crypto_core_ed25519_is_valid_point(raw[1:]), "key-weak")
    need(raw[0] == kind, "key-form")
    return Record(name=it.name, id=(it.name, it.hex), kind=kind, public=raw[1:])

def split(note):  # 2: body, and of each signature line the (name, key id) and the signature
    need(len(note) <= 1 << 20, "note-form")
    it, lines = like("note", utf8(note), "note-form"), []
    for line in it.lines.split("\n")[:-1]:
        part = like("signature", line, "note-form")
        need(part.name.isprintable(), "note-form")
        blob = b64decode(part.blob if like("base64", part.blob, "note-base64") else "")
        need(len(blob) > 4, "note-form")
        lines.append(((part.name, blob[:4].hex()), blob[4:]))
    return it.body, lines

def check(keys, body, lines):  # 2: Ed25519, or a witness's cosignature behind its time
    for key, blob in ((keys[who], blob) for who, blob in lines):
        text, time = body.encode(), int.from_bytes(blob[:8], "big")
        if key.kind == 4:
            need(0 < time < 2**63, "note-signature")
            text, blob = b"cosignature/v1\ntime %d\n" % time + text, blob[8:]
        attempt("note-signature", VerifyKey(key.public).verify, text, blob)
def opened(note, *slots):  # 2: a leaf with one line for each slot, by one of the keys of that slot
    body, lines = split(note)
    keys = {key.id: key for slot in slots for key in slot}
    need(all(who in keys for who, _ in lines), "note-unknown-key")
    signers = [keys[who] for who, _ in lines]
    need(len(lines) == len(slots) and all(map(list.__contains__, slots, signers)), "note-signers")
    check(keys, body, lines)
    return body, signers[0]
def leading(registrars, rule):  # 3: its id
    found = [one.key.id for one in registrars if one.organisation in ("institute", "self-registered")]
    return need(len(found) == 1 < len(registrars), rule) and found[0]
def anchor(data):  # 3
    need(len(data) <= 1 << 18 and re.fullmatch(rb"[\t\n -~\x80-\xff]*\n", data), "policy-form")
    it = Record(keys={}, registrars=[], quorum=None, keyrings=[], groups={"none": (0, set())})
    used, publics = {"none"}, set()
    lines = [re.findall("[^ \t]+", line) for line in utf8(data).split("\n")]
    for kind, *words in (words for words in lines if words and words[0][0] != "#"):
        kinds = ("log", "witness", "group", "quorum", "registrar", "keyring")[5 * bool(it.keyrings):]
        one = need(kind in kinds, "policy-form") and like(kind, " ".join(words), "policy-form")
        need(kind not in ("witness", "group") or one.name not in it.groups, "policy-form")
        if kind == "group":
            members = one.members.split(" ")
            least = {"any": 1, "all": len(members)}.get(one.least) or int(one.least)
            need({*members} <= it.groups.keys() - used and least <= len({*members}) == len(members), "policy-form")
            it.groups[one.name], used = (least, {*members}), used | {*members}
        elif kind == "quorum":
            need(one.name in it.groups and not it.quorum, "policy-form")
            it.quorum = one.name
        elif kind == "keyring":
            need(all(one.version > old.version and one.index > old.index for old in it.keyrings), "policy-form")
            it.keyrings.append(one)
        else:
            one.key = vkey(one.vkey, 4 if kind == "witness" else 1)
            publics |= need(one.key.public not in publics, "key-twice") and {one.key.public}
            it.registrars += [one] if kind == "registrar" else []
            it.keys |= {one.key.id: one.key} if kind != "registrar" else {}
            it.groups |= {one.name: (1, {one.key.id})} if kind == "witness" else {}
    it.leading = leading(it.registrars, "policy-form")
    need(it.quorum and any(key.kind == 1 for key in it.keys.values()), "policy-form")
    return it

def checkpoint(note, trust, quorum):  # 4
    body, lines = split(note)
    known = [(who, blob) for who, blob in lines if who in trust.keys]
    logs = {who[0] for who, _ in known if trust.keys[who].kind == 1}
    need(logs, "note-unknown-key")
    check(trust.keys, body, known)
    head, met = like("checkpoint", body, "checkpoint-form"), {who for who, _ in known}
    need(head.size or head.root == sha(), "checkpoint-root")
    need(head.origin in logs, "checkpoint-origin")
    for name, (least, members) in trust.groups.items():
        met |= {name} if len(met & members) >= least else set()
    need(quorum in met, "quorum")
    return Record(**vars(head), note=note)
def proof(data):  # 4
    need(len(data) <= 1 << 20, "proof-form")
    return Record(**vars(like("proof", utf8(data), "proof-form")), note=data.partition(b"\n\n")[2])

def parse_keys(body):  # 5
    new, holders, rule = parsed("keys", body), {}, "header-field"
    rows, new.registrars, new.lines = new.rows.split("\n")[:-1], [], []
    while rows and rows[0].startswith("registrar "):
        one = like("registrar", rows.pop(0).removeprefix("registrar "), rule)
        new.registrars.append(Record(**vars(one), key=vkey(one.vkey, 1)))
    for row in rows:
        one = like("key", row, rule)
        key = vkey(one.vkey, 4 if one.role == "witness" else 1)
        one = Record(**vars(one), key=key, **vars(like("span", one.span, rule)))
        one.until = OPEN if one.until is None else one.until
        is_scope = one.scope is None or (one.role == "gateway" and is_rising(one.scope.split(",")))
        need(one.start <= one.until and is_scope, rule)
        new.lines.append(one)
    need(is_rising(rows), rule)
    new.leading = leading(new.registrars, rule)
    held = [((one.role, one.key.name), one.key) for one in new.lines]
    for holder, key in (*enumerate(one.key for one in new.registrars), *held):
        need(all(holders.setdefault(shared, holder) == holder for shared in (key.public, key.name)), "key-twice")
    for a, b in combinations(new.lines, 2):
        need(a.key.name != b.key.name or a.until < b.start or b.until < a.start, "key-twice")
    return new

def keyring(note, index, old):  # 5: the version after this one
    body, lines = split(note)
    need(len(lines) > 1, "note-signers")  # 1
    keys, whos = {one.key.id: one.key for one in old.registrars}, [who for who, _ in lines]  # 2
    rule = "keyring-quorum" if old.version else "keyring-anchor"
    need(whos[0] == old.leading and whos[1] in keys.keys() - {old.leading}, rule)
    check(keys, body, lines[:2])
    new = parse_keys(body)  # 3
    need(new.version == old.version + 1, "keyring-version")  # 4
    need(new.prev == old.leaf, "keyring-prev")
    named = [sorted((one.organisation, one.vkey) for one in ring.registrars) for ring in (old, new)]
    need(old.version or named[0] == named[1], "keyring-anchor")
    keys = {one.key.id: one.key for one in new.registrars}  # 5
    wanted, others = whos[:2] + [new.leading] * (new.leading not in whos[:2]), keys.keys() - {new.leading}
    wanted += [] if others & {*wanted} else whos[len(wanted):][:1]
    need(whos == wanted and others & {*wanted}, "keyring-quorum")
    check(keys, body, lines[2:])
    was, now = ({(one.role, one.vkey, one.start, one.scope): one.until for one in it.lines} for it in (old, new))  # 6
    is_kept = all(line in now and until in (now[line], OPEN) for line, until in was.items())
    need(is_kept and old.plant in (new.plant, None), "keyring-continuity")
    return Record(**vars(new), index=index, leaf=sha(b"\0", note))

def canonical(text, rule):  # 7: JSON in its one spelling
    hooks = {"parse_float": int, "parse_constant": int,  # int refuses both
        "parse_int": lambda whole: need(abs(int(whole)) < 2**53, rule) and int(whole),
        "object_hook": lambda made: need("".join(made).isascii(), rule) and made}
    said = attempt(rule, lambda: json.loads(text, **hooks))
    form = {"sort_keys": True, "separators": (",", ":"), "ensure_ascii": False}
    need(attempt(rule, lambda: json.dumps(said, **form)) == text, rule)
    return said

def statement(body):  # 7
    line, rule = body.partition("\n")[2], "statement-field"
    need(line[0] == "{" and line.count("\n") == 1, "statement-form")
    text = canonical(line[:-1], "statement-form")
    said = like("statement", line[:-1], rule)
    said.origin, said.gateways, results = text["inputs"]["origin"], text["inputs"]["gateways"], text["results"]
    said.subject = (said.start, said.end, said.boundary, said.rule_set)
    need(said.low <= said.start < said.end <= said.high and said.start % HOUR == said.end % HOUR == 0, rule)
    need(is_rising([[one[key] for key in ("line", "stream", "item", "method")] for one in results]), rule)
    need(sum(Decimal(one["co2_t"]) for one in results) == Decimal(said.total), rule)
    is_forward = all((one["first_seq"] or 0) <= (one["last_seq"] or 0) for one in said.gateways)
    need(is_forward and is_rising([one["gateway"] for one in said.gateways]), rule)
    need(said.reason or not (said.supersedes or said.missing), rule)
    return said

def reading(line, form, rule="payload-form"):  # 6
    it = like(form, line, rule)
    is_whole = it.value and it.value.isdigit()
    need(it.value in (None, "-") or (int(it.value) <= 2**53 if is_whole else repr(float(it.value)) == it.value), rule)
    need(form != "reading" or it.quality < 2**32, rule)
    return it

def point_map(data, count):  # 6
    lines = utf8(data).split("\n")
    need(lines.pop() == "" and len(lines) == count and is_rising(lines), "plant-file")
    found = {one.point: one for one in (like("pointmap", line, "plant-file") for line in lines)}
    values = [value for one in found.values() for value in canonical(one.json, "plant-file").values()]
    need(len(found) == count and all(isinstance(value, str) for value in values), "plant-file")
    return found
