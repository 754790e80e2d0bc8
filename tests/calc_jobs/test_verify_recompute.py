"""Attacks by the two people who hold the keys: a statement that does not follow from its readings (R34, R36, R47).

Every forgery here is signed and logged by the legitimate keys, so that integrity and completeness hold, and only the
recomputation can find it.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest

from calc_jobs import approval, ledger_export, verify_recompute
from calc_jobs.approval import Approved
from calc_jobs.bundling import Order, members
from calc_jobs.laboratory_seal import of_entry
from calc_jobs.recomputation import recompute
from calc_jobs.sealed_evidence import SealedEvidence
from calc_jobs.sealed_period import SealedPeriod
from tanji.cli.main import main
from tanji.errors import EvidenceMissing, TrustError
from tanji.trust.bundle_writer import write_bundle
from tanji.trust.canonical import encode64
from tanji.trust.policy import Anchor
from tanji.trust.statement import total
from tanji.trust.tree import root_of_lines
from tanji.trust.verify_bundle import OWN_CLOCK, verify_bundle
from tanji.trust.verify_report import State

from .publish_rig import HOUR, PREPARER, START, TRUST, Sealed, asked

DAY = asked(4, 28)


@pytest.fixture
def rig(rig_of):
    found = rig_of(("streams:", f"{TRUST.strip()}\nstreams:"))
    found.normal(32)
    found.enter(22.0, from_h=0, to_h=64)
    return found


@pytest.fixture
def made(rig, tmp_path: Path):
    sealed = Sealed(rig.plant, rig.ledger, tmp_path)
    sealed.seal_hours(rig.store.read("hx_raw", "reading"), 32)
    yield sealed
    sealed.log.close()


def failure(sealed: Sealed, published, folder: Path, **options: object):
    """The report on a bundle of which everything else holds."""
    path = sealed.bundle(published, folder / "bundle.zip")

    def again(path: Path) -> None:
        verify_recompute.recomputed(path, **options)  # type: ignore[arg-type]

    report = verify_bundle(path, anchor=Anchor.parse(sealed.anchor()), recompute=again)
    assert (report.integrity.state, report.completeness.state) == (State.OK, State.OK)
    return report


def test_what_was_published_is_recomputed_to_the_digit(made, tmp_path: Path) -> None:
    report = failure(made, made.publish(DAY), tmp_path)
    assert report.recomputation.failure is None and report.recomputation.state is State.OK
    assert report.facts.unsealed_values == (  # this plant has no laboratory's key, and says so
        f"coal.net_calorific_value 22.0 GJ/t, S, {START} to {START + 64 * HOUR}",
    )
    assert report.exit_code == 0


def test_three_percent_less_is_found(made, tmp_path: Path) -> None:
    published = made.publish(DAY)
    results = tuple(
        replace(one, co2_t=f"{float(one.co2_t) * 0.97:.6f}") if one.stream == "coal" else one
        for one in published.statement.results
    )
    forged = made.forge(published, replace(published.statement, results=results, total_co2_t=total(results)))
    report = failure(made, forged, tmp_path)
    assert report.recomputation.failure.rule == "recompute-results"
    assert report.recomputation.failure.where == "l1.coal fossil_fuel"
    assert report.exit_code == 1


def test_lower_lines_fed_to_the_formulas_are_found(made, tmp_path: Path) -> None:
    published = made.publish(DAY)
    line, rest = published.inputs.split(b"\n", 1)
    point, hour, _, flags = line.split(b" ")
    inputs = b"%b %b 1.5 %b\n%b" % (point, hour, flags, rest)
    root = encode64(root_of_lines([each + b"\n" for each in inputs.split(b"\n")[:-1]]))
    said = published.statement
    altered = replace(said.inputs, manifest=replace(said.inputs.manifest, root=root))
    forged = made.forge(published, replace(said, inputs=altered), inputs=inputs)
    report = failure(made, forged, tmp_path)
    assert report.recomputation.failure.rule == "recompute-inputs"
    assert report.recomputation.failure.where == "inputs.lines"


@pytest.mark.parametrize(
    ("field", "value", "where"),
    [
        ("late_share", "0.500000", "quality.late_share"),
        ("captured", "0.999999", "quality.captured"),
        ("substituted_hours", 5, "quality.substituted_hours"),
        ("missing_hours", 1, "quality.missing_hours"),
        ("anomalies_open", 7, "quality.anomalies_open"),
    ],
)
def test_a_statement_cannot_lie_about_its_own_quality(made, tmp_path: Path, field: str, value, where: str) -> None:
    published = made.publish(DAY)
    quality = replace(published.statement.quality, **{field: value})
    forged = made.forge(published, replace(published.statement, quality=quality))
    found = failure(made, forged, tmp_path).recomputation.failure
    assert (found.rule, found.where) == ("recompute-results", where)


def unseen(rig, folder: Path, *, witnessed: bool) -> tuple[Path, Path]:
    """A bundle whose own policy asks for nobody, of a day that its witness saw long after; and the true anchor."""
    sealed = Sealed(rig.plant, rig.ledger, folder)
    sealed.seal_hours(rig.store.read("hx_raw", "reading"), 32, witness_every=32)
    published = sealed.publish(DAY, reason="the line was down")
    assert published.statement.quality.late_share > "0.500000"
    quality = replace(published.statement.quality, late_share="0.000000")  # by the gateway's own clock
    forged = sealed.forge(published, replace(published.statement, quality=quality, witnessed=witnessed))
    sealed.witnessed = False
    nobody = sealed.anchor()
    sealed.witnessed = True
    order = Order(forged.index, sealed.settle(0), nobody, forged.inputs)
    write_bundle(folder / "bundle.zip", members(sealed.log, order), signer=PREPARER)
    (folder / "anchor").write_bytes(sealed.anchor())
    sealed.log.close()
    return folder / "bundle.zip", folder / "anchor"


def test_lateness_is_judged_by_the_verifiers_policy_not_by_the_bundles(rig, tmp_path: Path, capsys) -> None:
    bundle, anchor = unseen(rig, tmp_path, witnessed=True)
    assert main(["verify", "bundle", str(bundle), "--anchor", str(anchor), "--json"]) == 1
    failed = json.loads(capsys.readouterr().out)["recomputation"]["failure"]
    assert (failed["rule"], failed["where"]) == ("recompute-results", "quality.late_share")


def test_a_statement_that_says_nobody_witnessed_it_is_told_as_one(rig, tmp_path: Path, capsys) -> None:
    bundle, anchor = unseen(rig, tmp_path, witnessed=False)
    assert main(["verify", "bundle", str(bundle), "--anchor", str(anchor)]) == 0
    said = capsys.readouterr().out
    assert OWN_CLOCK in said and "first witnessed more than 2 h late" in said


def test_a_statement_cannot_call_itself_final_too_early(made, tmp_path: Path) -> None:
    published = made.publish(DAY)
    forged = made.forge(published, replace(published.statement, status="final"))
    found = failure(made, forged, tmp_path).recomputation.failure
    assert (found.rule, found.where) == ("recompute-results", "status")


def test_a_window_that_hides_an_outage_is_found(made, tmp_path: Path) -> None:
    published = made.publish(DAY)
    inputs = replace(published.statement.inputs, from_ms=published.statement.inputs.from_ms + HOUR)
    forged = made.forge(published, replace(published.statement, inputs=inputs))
    found = failure(made, forged, tmp_path).recomputation.failure
    assert (found.rule, found.where) == ("recompute-inputs", "inputs.from_ms")


def test_a_bundle_that_begins_late_does_not_shorten_the_hours_a_substitute_is_taken_from(
    rig_of, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Coal ran at 30 t/h before and at 20 t/h in the period, in which its scale was silent for two hours."""
    rig = rig_of(("streams:", f"{TRUST.strip()}\nstreams:"))
    rig.normal(44, without=("coal",))
    for from_h, to_h, rate in ((0, 30, 30.0), (30, 36, 20.0), (38, 44, 20.0)):
        steady = [rate + 0.01 * (-1) ** minute for minute in range((to_h - from_h) * 60)]
        rig.put("coal", steady, at_min=from_h * 60)
    rig.enter(22.0, from_h=0, to_h=64)
    sealed = Sealed(rig.plant, rig.ledger, tmp_path)
    sealed.seal_hours(rig.store.read("hx_raw", "reading"), 44)
    late = asked(32, 42)
    honest = sealed.publish(late)
    assert honest.statement.inputs.from_ms < START < late.period.from_ms  # back to the beginning of the log
    assert failure(sealed, honest, tmp_path).exit_code == 0
    # whoever publishes stops after the first window, and shows the chain from the beginning of the period on
    with monkeypatch.context() as short:
        short.setattr("calc_jobs.sealed_period.SealedEvidence", Short)
        wanted = sealed.publish(late, supersedes=sealed.log.leaf_hash(honest.index), reason="another average")
    assert float(wanted.statement.total_co2_t) < float(honest.statement.total_co2_t)
    (chain,) = wanted.statement.inputs.gateways
    inputs = replace(wanted.statement.inputs, gateways=(replace(chain, first_seq=32),))
    forged = sealed.forge(wanted, replace(wanted.statement, inputs=inputs))
    found = failure(sealed, forged, tmp_path).recomputation.failure
    assert (found.rule, found.where) == ("recompute-inputs", "inputs.from_ms")
    sealed.log.close()


class Short(SealedEvidence):
    """Says that there was nothing before."""

    def __init__(self, *given: object, **named: object) -> None:
        super().__init__(*given, **named)  # type: ignore[arg-type]
        self.begin_ms = 2**62


def test_a_method_that_is_not_on_the_list_is_not_judged(made, tmp_path: Path) -> None:
    published = made.publish(DAY)
    report = failure(made, published, tmp_path, approved=Approved(frozenset()))
    assert report.recomputation.state is State.UNDECIDED
    assert report.recomputation.failure.rule == "recompute-approved"
    assert report.exit_code == 3


def test_another_approved_method_that_gives_other_digits_is_no_forgery(made, tmp_path: Path) -> None:
    published = made.publish(DAY)
    results = tuple(replace(one, co2_t="1.000000") for one in published.statement.results)
    other = replace(published.statement.method, sha256="0" * 64)
    said = replace(published.statement, results=results, total_co2_t=total(results), method=other)
    approved = Approved(approval.installed().digests | {("method", "0" * 64)})
    report = failure(made, made.forge(published, said), tmp_path, approved=approved)
    assert report.recomputation.state is State.UNDECIDED


def test_factors_that_are_not_those_installed_cannot_be_judged(made, tmp_path: Path) -> None:
    published = made.publish(DAY)
    lower = approval.factors_toml() + b"# 3 % less\n"
    digest = hashlib.sha256(lower).hexdigest()
    said = replace(published.statement, factors=replace(published.statement.factors, sha256=digest))
    approved = Approved(approval.installed().digests | {("factors", digest)})
    report = failure(made, made.forge(published, said, files={"factors.toml": lower}), tmp_path, approved=approved)
    assert report.recomputation.state is State.UNDECIDED and report.recomputation.failure.where == "factors"


def test_a_laboratory_result_lowered_in_the_ledger_is_found(rig, tmp_path: Path) -> None:
    sealed = Sealed(rig.plant, rig.ledger, tmp_path, laboratory=True)
    sealed.seal_hours(rig.store.read("hx_raw", "reading"), 32)
    (entry,) = rig.ledger.entries()
    sealed.laboratory_batch(f"sample S {START}\n".encode())
    sealed.laboratory_batch(*(line.encode() for line in of_entry(entry)))
    published = sealed.publish(DAY)
    report = failure(sealed, published, tmp_path)
    assert report.exit_code == 0
    assert report.facts.unsealed_values == () == report.facts.own_factors
    # the ledger says 21.34 now, 3 % less; the figures are computed from it, and everything is signed again
    rig.enter(21.34, from_h=0, to_h=64)
    with pytest.raises(TrustError) as error:
        sealed.publish(DAY, supersedes=sealed.log.leaf_hash(published.index), reason="better")
    assert error.value.rule == "recompute-inputs"
    export = ledger_export.export(rig.plant, rig.ledger)
    period = SealedPeriod.of(sealed.log, published.statement.inputs.size, DAY)
    lower = recompute(period.plant, period.evidence, export, question=DAY)
    ledger = replace(published.statement.ledger, sha256=hashlib.sha256(export).hexdigest())
    said = replace(published.statement, results=lower.results, total_co2_t=lower.total_co2_t,
                   total_u_rel=lower.total_u_rel, ledger=ledger)  # fmt: skip
    forged = sealed.forge(published, said, files={"ledger.json": export})
    found = failure(sealed, forged, tmp_path).recomputation.failure
    assert (found.rule, found.where) == ("recompute-inputs", "ledger.json")
    sealed.log.close()


def test_a_sample_without_result_keeps_a_statement_provisional(rig, tmp_path: Path) -> None:
    sealed = Sealed(rig.plant, rig.ledger, tmp_path, laboratory=True)
    sealed.seal_hours(rig.store.read("hx_raw", "reading"), 32)
    (entry,) = rig.ledger.entries()
    sealed.laboratory_batch(*(line.encode() for line in of_entry(entry)), f"sample T {START + 5 * HOUR}\n".encode())
    assert sealed.publish(asked(4, 8)).statement.status == "provisional"
    assert sealed.publish(asked(6, 8)).statement.status == "final"
    sealed.log.close()


def test_a_correction_signed_by_two_counts_from_its_place_in_the_log_on(made, tmp_path: Path) -> None:
    from tanji.trust import correction, note
    from tanji.trust.correction import Correction

    from .publish_rig import APPROVER

    before = made.publish(DAY)
    assert failure(made, before, tmp_path).exit_code == 0
    index = 2 + 10  # batch 10, after keyring and plant note
    line = next(each for each in made.log.payload(index).decode().split("\n") if each.startswith("coal "))
    point, time, _, flags = line.split(" ")
    said = Correction("hx", index, made.log.leaf_hash(index), line, f"{point} {time} 26.0 {flags}", "recalibrated",
                      hashlib.sha256(b"record").digest())  # fmt: skip
    made.log.add_note(note.sign(correction.format_correction(said), PREPARER, APPROVER), files={"r": b"record"})
    after = made.publish(DAY, supersedes=made.log.leaf_hash(before.index), reason="calibration record")
    assert float(after.statement.total_co2_t) > float(before.statement.total_co2_t)
    assert failure(made, after, tmp_path).exit_code == 0
    assert '<td class="number">1</td>' in made.members(after)["explain.html"].decode()


def test_the_approved_list_is_a_file_of_digests(made, tmp_path: Path) -> None:
    here = approval.installed()
    path = tmp_path / "approved"
    path.write_text("# 2026\n\n" + "".join(f"{kind} {digest} release 1\n" for kind, digest in sorted(here.digests)))
    assert approval.read(path) == here
    verify_recompute.check(made.bundle(made.publish(DAY), tmp_path / "bundle.zip"), approved=path)
    path.write_text("method 12\n")
    with pytest.raises(TrustError) as error:
        approval.read(path)
    assert error.value.where == "approved line 1"


def test_the_digest_of_the_method_is_over_installed_sources_alone() -> None:
    assert approval.method() == approval.method()
    assert len(approval.method().sha256) == 64
    names = approval._sources()
    assert "calc_jobs/emission.py" in names and "tanji/domain/factors.toml" in names
    assert not [name for name in names if name.endswith((".pyc", "words.toml"))]


def test_a_bundle_without_a_payload_cannot_be_recomputed(made, tmp_path: Path) -> None:
    import zipfile

    path = made.bundle(made.publish(DAY), tmp_path / "bundle.zip")
    folder = tmp_path / "unpacked"
    with zipfile.ZipFile(path) as archive:
        archive.extractall(folder)
    next((folder / "payload").iterdir()).unlink()
    with pytest.raises(EvidenceMissing):
        verify_recompute.check(folder)
    assert json.loads((folder / "ledger.json").read_text())["plant"] == "hx"
