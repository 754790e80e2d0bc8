"""A second verifier of Tanji's bundles, written from docs/trust-format.md: `python referee.py BUNDLE [--anchor FILE]`.

It shares no code with `tanji`, needs PyNaCl and the standard library, and says by which rule a bundle fails; numbers in
comments are sections and steps of that page. The forms are read by referee_texts.py. Recomputation is not its business.
"""

# fmt: off
# ruff: noqa: I001
import io
import json
import re
import sys
import zipfile
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace as Record

sys.path.insert(0, str(Path(__file__).parent))  # found beside this file, whether it is run or imported
from referee_texts import MARKED, OPEN, Fault, anchor, attempt, checkpoint, included, is_rising, keyring, like
from referee_texts import need, opened, parsed, point_map, proof, reading, root, sha, split, statement, utf8
LIST, MARGIN, ZERO, ENDING = "MANIFEST.note", 120_000, bytes(32), ("complete-keyring", "complete-sequence")
def payload(it, batch, data):  # step 6 of a batch
    texts, is_lab = data.split(b"\n"), batch.kind == "laboratory"
    need(texts.pop() == b"", "payload-form")
    need(len(texts) == batch.points, "payload-count")
    need(root([sha(b"\0", text, b"\n") for text in texts]) == batch.root, "payload-root")
    batch.lines = [reading(utf8(text), "laboratory" if is_lab else "reading") for text in texts]
    need(is_rising(texts), "payload-order")
    if is_lab:
        return
    for one in batch.lines if batch.map in it.maps else ():
        told = it.maps[batch.map].get(one.point)
        need(told and (told.sort == "parameter") == (batch.kind == "config"), "payload-point")
        need(batch.scope is None or told.meter in batch.scope.split(","), "payload-point")
        need(one.value == "-" or one.value.isdigit() == (told.sort == "counter"), "payload-form")
    times, margin = [one.time for one in batch.lines] or [batch.start], MARGIN if batch.kind == "regular" else 0
    need(batch.start - margin <= min(times) and max(times) < batch.end + margin, "payload-window")
    need(margin or (min(times), max(times) + 1) == (batch.start, batch.end), "payload-window")
    firsts = [(one.point, one.time) for one in batch.lines if one.value != "-" and not one.quality & 4]
    need(len({*firsts}) == len(firsts) and not it.standing & {*firsts}, "payload-first-value")
    it.standing |= {*firsts}
def members(raw):  # step 1
    archive = attempt("manifest-form", lambda: zipfile.ZipFile(io.BytesIO(raw)))
    comment, infos = archive.comment, {}
    need(comment in (b"", b"sha256 " + sha(raw[:-64]).hex().encode()), "manifest-form")
    need(raw[-22 - len(comment):].startswith(b"PK\5\6"), "manifest-form")
    for name, info in ((info.orig_filename, info) for info in archive.infolist()):
        need(like("path", name, "manifest-path") and infos.setdefault(name, info) is info, "manifest-path")
        need(not info.flag_bits & 1 and info.compress_type in (0, 8), "manifest-form")
    sizes = [info.file_size for info in infos.values()]
    need(len(sizes) <= 500_000 and max(sizes, default=0) <= 256 << 20 and sum(sizes) <= 4 << 30, "manifest-size")
    need(all(any(re.fullmatch(mark, name) for name in infos) for mark in MARKED), "manifest-listed")
    files = attempt("manifest-form", lambda: {info.filename: archive.read(info) for info in infos.values()})
    need(sizes == [len(data) for data in files.values()], "manifest-form")
    return files
def numbered(it, folder, end):
    paths = sorted(path for path in it.files if path.startswith(folder) and path.endswith(end))
    return [(int(path[len(folder):-len(end)]), it.files[path]) for path in paths]
def root_at(it, size):
    return root(it.leaves[:size - it.first], it.first, it.prefix)
def logged(it, folder, index, note):  # step 4
    path = f"{folder}/{index:012}.tlog-proof"
    need(path in it.files, "manifest-listed")
    its = proof(it.files[path])
    need((its.index, its.note) == (index, it.head.note), "proof-form")
    included(note, index, its.path, it.head)
def in_force(it, i):  # 5: lines of the keyring
    return next((ring.lines for ring in reversed(it.rings) if ring.index < i), [])
def keys(it, i, role, number):
    return [one.key for one in in_force(it, i) if one.role == role and one.start <= number <= one.until]
def approved(it, i, note):  # 7
    return opened(note, keys(it, i, "preparer", i), keys(it, i, "approver", i))[0]
def check_list(it):  # step 5
    ours = [one.key for one in it.rings[-1].lines if one.role == "preparer" and one.until == OPEN]
    found, last = {}, ""
    for line in parsed("bundle", opened(it.files[LIST], ours)[0]).rows.split("\n")[:-1]:
        one = like("listed", line, "manifest-form")
        like("path", one.member, "manifest-path")
        need(last < one.member != LIST, "manifest-form")
        found[last := one.member] = one
    need({*found, LIST} == it.files.keys(), "manifest-listed")
    for path, one in found.items():
        need(len(it.files[path]) == one.size, "manifest-size")
        need(sha(it.files[path]).hex() == one.digest, "manifest-digest")
def check_plants(it):  # step 8
    others, last = [path for path in it.files if path.startswith("files/")], Record(version=0, leaf=ZERO, start=0)
    need(all(sha(it.files[path]).hex() == path[6:] for path in others), "plant-file")
    held = {sha(it.files[path]): it.files[path] for path in ("pointmap", "plant.yaml", *others)}
    for i, note in numbered(it, "plant/", ".note"):
        one = parsed("plant", approved(it, i, note))
        need(one.plant == it.rings[-1].plant, "header-field")
        need(one.version == last.version + 1, "plant-version")
        need(one.prev == last.leaf, "plant-prev")
        need(one.start >= last.start, "plant-version")
        logged(it, "plant", i, note)
        it.maps |= {one.map: point_map(held[one.map], one.count)} if one.map in held else {}
        need(len(held.get(one.file, bytes(one.size))) == one.size, "plant-file")
        attempt("plant-file", lambda file: json.loads(held.get(file, b"0").decode()), one.file)
        it.plants.append(last := Record(**vars(one), index=i, leaf=sha(b"\0", note)))

def entry(it, i, note):  # step 10
    kind, plant = split(note)[0].partition("\n")[0], it.rings[-1].plant
    if kind == "tanji/keys/v1":
        need(it.files.get(f"keyring/{i:012}.note") == note, "keyring-version")
    elif kind == "tanji/plant/v1":
        need(it.files.get(f"plant/{i:012}.note") == note, "plant-version")
    elif kind == "tanji/statement/v1":
        said = statement(approved(it, i, note))
        need(said.plant == plant, "statement-field")
        old, it.newest[said.subject], it.statements[i] = it.newest.get(said.subject), i, said
        is_right = said.supersedes not in it.leaves if old is None else said.supersedes == it.leaves[old - it.first]
        need(is_right, "statement-supersedes")
    elif kind == "tanji/correction/v1":
        body = approved(it, i, note)
        need(parsed("correction", body).plant == plant, "header-field")
        one = like("corrected", body, "correction-form")
        old, new = (reading(line, "reading", "correction-form") for line in (one.line, one.by))
        is_same = (old.point, old.time) == (new.point, new.time) and not old.quality & 4
        need(is_same and one.line != one.by, "correction-form")
        target, line = it.batches.get(one.index, Record(leaf=b"", data=None)), one.line.encode()
        is_right = target.leaf == one.leaf and line in (target.data or line).split(b"\n")
        need(one.index < i and (one.index < it.first or is_right), "correction-target")
        it.corrected.append((i, one.index, old.time))
    else:
        need(kind == "tanji/batch/v1", "header-type")
        batch(it, i, note)
def batch(it, i, note):  # step 10
    body, key = opened(note, [one.key for one in in_force(it, i) if one.role in ("gateway", "laboratory")])
    one = parsed("batch", body)  # 1
    need(one.kind == "regular" or bool(one.reason) == (one.kind == "late"), "header-field")
    role = "laboratory" if one.kind == "laboratory" else "gateway"
    need(one.gateway == key.name and key in keys(it, i, role, one.seq), "batch-key")  # 2
    one.scope = next(line.scope for line in in_force(it, i) if line.key == key and line.start <= one.seq <= line.until)
    chain = it.chains.setdefault(key.name, [])
    last = chain[-1] if chain else Record(seq=-1, leaf=ZERO, end=one.sealed)
    is_next = one.seq == last.seq + 1
    need(one.seq > last.seq, "batch-sequence")  # 3
    need(one.prev == last.leaf or not is_next, "batch-prev")
    it.gaps |= bool(chain) and not is_next
    need(one.start <= one.end, "batch-time")  # 4
    if one.kind == "regular":
        before = next((old.end for old in reversed(chain) if old.kind == "regular"), one.start)
        need(one.start >= before, "batch-time")
        it.holes |= one.start > before
        need(one.end - one.start <= MARGIN or one.reason, "batch-hole")
    elif one.kind == "laboratory":
        need(one.end == one.sealed and (one.start == last.end or not is_next), "batch-time")
    need(one.points or one.kind in ("regular", "laboratory"), "payload-window")
    known = [plant for plant in it.plants if plant.index < i] + [Record(start=OPEN)]  # 5
    usable = [plant.map for plant, after in pairwise(known) if one.start < after.start]
    need(one.map in usable, "pointmap-approved")
    one.data = it.files.get(f"payload/{i:012}.lines", None if one.points else b"")  # 6
    one.index, one.leaf, one.lines = i, sha(b"\0", note), []
    if one.data is not None:
        payload(it, one, one.data)
    it.batches[i] = one
    chain.append(one)
def integrity(it, raw, brought):
    it.files = members(raw)  # 1
    trust = (anchor(it.files["policy"]), brought)[brought is not None]  # 2
    its = proof(it.files["statement.tlog-proof"])  # 3
    it.head, it.at = checkpoint(its.note, trust, trust.quorum), its.index
    old = Record(**vars(trust), version=0, leaf=ZERO, plant=None, lines=[])
    for i, note in numbered(it, "keyring/", ".note"):  # 4
        it.rings.append(old := keyring(note, i, old))
        logged(it, "keyring", i, note)
    for named in trust.keyrings:
        shown = [ring.version for ring in it.rings if ring.index <= named.index]
        need(it.head.size <= named.index or (shown and shown[-1] >= named.version), "complete-keyring")
    check_list(it)  # 5
    before = like("prefix", utf8(it.files["log/prefix"]), "proof-form")  # 6
    it.first, it.prefix = before.first, before.path
    need(it.first <= it.head.size and len(it.prefix) == it.first.bit_count(), "proof-length")
    notes = numbered(it, "notes/", ".note")
    need(all(it.first <= i < it.head.size for i, _ in notes), "checkpoint-size")
    need(len(notes) == it.head.size - it.first, "complete-sequence")
    it.leaves = [sha(b"\0", note) for _, note in notes]
    need(root_at(it, it.head.size) == it.head.root, "checkpoint-root")
    included(it.files["statement.note"], it.at, its.path, it.head)  # 7
    need(it.at >= it.first, "statement-inputs")
    need(it.files["statement.note"].startswith(b"tanji/statement/v1\n"), "header-type")
    check_plants(it)  # 8
    for path in sorted(path for path in it.files if path.startswith("checkpoints/")):  # 9
        seen = checkpoint(it.files[path], trust, "none")
        need(it.first <= seen.size <= it.head.size, "checkpoint-size")
        need(root_at(it, seen.size) == seen.root, "checkpoint-root")
    for i, note in notes:  # 10
        entry(it, i, note)
    need(all(i in it.batches for i, _ in numbered(it, "payload/", ".lines")), "payload-count")
    check_statement(it, it.statements[it.at])
def check_statement(it, said):  # step 11
    need(said.origin == it.head.origin and it.first <= said.size <= it.at, "statement-inputs")
    need(root_at(it, said.size) == said.root, "statement-root")
    lines = it.files["inputs.lines"].split(b"\n")
    need(lines.pop() == b"" and len(lines) == said.count, "statement-manifest")
    need(root([sha(b"\0", line, b"\n") for line in lines]) == said.lines_root, "statement-manifest")
    digests = [said.plant_file, said.point_map, said.rules, said.factors, said.ledger]
    names = ("plant.yaml", "pointmap", "rulesets.toml", "factors.toml", "ledger.json")
    need([sha(it.files[name]).hex() for name in names] == digests, "statement-digest")
    before = [[one.file.hex(), one.map.hex()] for one in it.plants if one.index < said.size]
    need(before[-1:] == [digests[:2]], "statement-digest")
def completeness(it, said):
    chains = {name: [one for one in chain if one.index < said.size] for name, chain in it.chains.items()}
    chains, listed = {name: chain for name, chain in chains.items() if chain}, {one["gateway"] for one in said.gateways}
    lines = [one for one in in_force(it, said.size) if one.role in ("gateway", "laboratory")]
    ends = {one.key.name: one for one in sorted(lines, key=lambda one: one.until)}  # the line of the largest until
    scope = {name for name, one in ends.items() if one.until == OPEN or name in chains}  # 1
    need(scope <= chains.keys() & listed, "complete-gateway")
    need(not it.gaps, "complete-sequence")  # 2
    for chain, one in ((chains[one["gateway"]], one) for one in said.gateways if one["gateway"] in chains):
        need(chain[-1].seq == one["last_seq"] and chain[0].seq <= one["first_seq"], "complete-sequence")
    need(not it.holes, "complete-time")  # 3
    for name in (name for name in listed & chains.keys() if name in ends and ends[name].role == "gateway"):
        chain, regular = chains[name], [one for one in chains[name] if one.kind == "regular"]
        need(chain[0].seq == 0 or (regular and regular[0].start <= said.start), "complete-time")
        need(chain[-1].seq == ends[name].until or (regular and regular[-1].end >= said.end), "complete-time")
    batches = [one for chain in chains.values() for one in chain]
    for one in (one for one in batches if one.data is None):  # 4
        margin = MARGIN if one.kind == "regular" else 0
        is_far = one.start - margin >= said.high or one.end + margin <= said.low
        need(is_far and one.kind != "laboratory", "payload-missing")
    near = [at for i, at, time in it.corrected if i < said.size and said.low <= time < said.high]
    need(all(f"payload/{at:012}.lines" in it.files for at in near), "payload-missing")
    found = [line for one in batches if one.kind == "laboratory" for line in one.lines]  # 5
    taken = {line.sample for line in found if line.sample and said.start <= line.time < said.end}
    known = {line.result or line.withdrawn for line in found}
    need(said.status != "final" or taken <= known, "complete-sample")
    need(it.newest[said.subject] == it.at, "complete-newest")  # 6
def verify(raw, brought=None):
    """The rules by which integrity and completeness fail: nothing is ok, ? is cannot decide."""
    it = Record(rings=[], plants=[], maps={}, chains={}, batches={}, standing=set(), statements={}, newest={})
    it.gaps, it.holes, it.is_sound, it.corrected = False, False, False, []
    try:
        integrity(it, raw, brought)
        it.is_sound = True
        completeness(it, it.statements[it.at])
    except Fault as fault:
        rule = fault.args[0]
        return ("", rule) if it.is_sound else ("?", rule) if rule in ENDING else (rule, "?")
    return "", ""
def main(bundle, option=None, file=None):
    brought = anchor(Path(file).read_bytes()) if option == "--anchor" else None
    print("" if brought else "trust anchor: from this bundle, NOT independent\n", end="")
    rules = verify(Path(bundle).read_bytes(), brought)
    for question, rule in zip(("integrity", "completeness"), rules, strict=True):
        print(f"{question}: {'cannot decide' if rule == '?' else 'failed: ' + rule if rule else 'ok'}")
    return 1 if {*rules} - {"", "?"} else 3 if "?" in rules else 0
if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
