"""What `tanji verify` says, in Chinese and English side by side: whoever holds a bundle may read either.

Words only; what they are said about is `tanji.trust.verify_report`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from math import inf
from typing import Any

from tanji.cli.verify_keys_text import in_dispute, its_own, named, utc_ms, utc_s
from tanji.trust.rules import RULES
from tanji.trust.verify_report import Corrected, Facts, Report, State, StatementFacts, Verdict

NOT_INDEPENDENT = "trust anchor: from this bundle, NOT independent / 信任锚取自本文件包，非独立"
INDEPENDENT = "trust anchor: the verifier's own / 信任锚由验证者自备"

STATES = {State.OK: "通过", State.FAILED: "未通过", State.UNDECIDED: "无法判定", State.SKIPPED: "未检查"}
NAMES = {"integrity": "完整性", "completeness": "齐全性", "recomputation": "重算"}

MOST_SHOWN = 40
"""Rows of one list on the screen; `--json` has all."""


def anchor_line(independent: bool) -> str:
    """The first line of every report: whether anything independent was checked."""
    return INDEPENDENT if independent else NOT_INDEPENDENT


def text(report: Report) -> str:
    """The report for people."""
    lines = [anchor_line(report.independent), report.subject]
    for name in NAMES:
        lines += _verdict(name, getattr(report, name))
    lines += _facts(report.facts)
    return "\n".join(map(_printable, lines))


def as_json(report: Report) -> dict[str, Any]:
    """The report for machines."""
    verdicts = {name: _verdict_json(getattr(report, name)) for name in NAMES}
    return {
        "trust_anchor": "verifier" if report.independent else "bundle",
        "independent": report.independent,
        "note": anchor_line(report.independent),
        "subject": report.subject,
        **verdicts,
        "facts": asdict(report.facts),
        "exit_code": report.exit_code,
    }


def _verdict(name: str, verdict: Verdict) -> Iterator[str]:
    yield f"{name} {NAMES[name]}: {verdict.state.value} {STATES[verdict.state]}" + (
        f" ({verdict.why})" if verdict.why else ""
    )
    if verdict.failure is None:
        return
    failure = verdict.failure
    yield f"  rule 规则      {failure.rule}"
    if failure.rule in RULES:
        yield f"                 {RULES[failure.rule].en}"
        yield f"                 {RULES[failure.rule].zh}"
    yield f"  where 位置     {failure.where}"
    yield f"  expected 应为  {failure.expected}"
    yield f"  got 实为       {failure.got}"


def _verdict_json(verdict: Verdict) -> dict[str, Any]:
    failure = None if verdict.failure is None else asdict(verdict.failure)
    return {"verdict": verdict.state.value, "failure": failure, "why": verdict.why}


def _facts(facts: Facts) -> Iterator[str]:
    if facts.statement is not None:
        yield from _statement(facts.statement, facts.size)
    yield from its_own(facts)
    if facts.statement is not None:
        yield from _late(facts)
    if facts.batches:
        yield f"batches 批次 {facts.batches}, readings 读数 {facts.readings}, log size 日志大小 {facts.size}"
    if facts.keyring is not None:
        plant_file = "" if facts.plant_file is None else f", plant file 配置文件 {facts.plant_file}"
        yield f"newest versions here 此处最新版本: keyring 密钥表 {facts.keyring}{plant_file}"
        yield f"  {named(facts, facts.keyring)}"
    whole = facts.batches > 0
    seen = (f"{one.witness} size {one.size} {utc_s(one.time_s)}" for one in facts.witness_times)
    overlaps = (
        f"{one.period}, {utc_ms(one.from_ms)} to {utc_ms(one.to_ms)}: {one.total_co2_t} tCO2 (log index {one.index})"
        for one in facts.overlaps
    )
    yield from _list("other statements with hours of this period 与本时期重叠的其他声明", overlaps)
    yield from _list("witness times 见证时间", seen, always=True)
    changes = (
        f"{one.file} {one.key}: {_value(one.old)} -> {_value(one.new)} (log index {one.index})"
        for one in reversed(facts.changes)
    )
    yield from _list("changes of point map and plant file 测点图与配置文件变更", changes, always=whole)
    counted = facts.size if facts.statement is None else facts.statement.size
    corrected = (
        f"{one.line} -> {one.by}: {one.reason} (log index {one.index}"
        + (")" if one.index < counted else ", NOT in the figure 未计入)")
        for one in by_weight(facts.corrections)
    )
    yield from _list("corrections 更正", corrected, always=whole)
    yield from _batches(facts)
    yield from _settings(facts)
    yield from _list("samples without a result 尚无结果的样品", facts.pending_samples, always=whole)
    yield from _laboratory(facts)
    meters = facts.unregistered_meters
    yield from _list("meters without parameter registers 无参数寄存器的仪表", meters, always=whole)
    yield from _list("remarks 备注", facts.remarks)


def _batches(facts: Facts) -> Iterator[str]:
    stops = (
        f"{one.gateway} {utc_s(one.from_ms // 1000)} to {utc_s(one.to_ms // 1000)}, {one.readings} lines: {one.reason}"
        for one in sorted(facts.stops, key=lambda one: one.from_ms - one.to_ms)
    )
    yield from _list("batches longer than two minutes 超过两分钟的批次", stops, always=facts.batches > 0)
    for title, rows in in_dispute(facts):
        yield from _list(title, rows)


def _settings(facts: Facts) -> Iterator[str]:
    changed = (
        f"{one.point} {utc_s(one.at_ms // 1000)}: {one.old} -> {one.new}"
        for one in sorted(facts.settings, key=lambda one: -_weight(one.old, one.new))
    )
    yield from _list("meters' own settings changed 仪表自身参数变化", changed, always=facts.batches > 0)
    silent = (f"{one.point}: {one.longest_ms / 3_600_000:.1f} h" for one in facts.silent_settings)
    yield from _list("settings not read for hours of the period 时期内数小时未读取的参数", silent)


def _laboratory(facts: Facts) -> Iterator[str]:
    revised = (
        f"{one.sample} {one.quantity}: {_value(one.old)} -> {_value(one.new)} (log index {one.index})"
        for one in facts.revised_results
    )
    yield from _list(
        "laboratory results replaced or withdrawn 被替换或撤回的化验结果", revised, always=facts.batches > 0
    )
    unannounced = (
        f"{one.sample}, taken 取样 {utc_ms(one.taken_ms)}, sealed and seen 封存 {utc_ms(one.seen_ms)} "
        f"(log index {one.index})"
        for one in facts.unannounced
    )
    title = "results whose sample was not sealed here within a day of being taken 取样后一天内未封存样品编号的结果"
    yield from _list(title, unannounced)
    if facts.statement is None:
        return
    title = "values of the ledger that no laboratory sealed here 台账中未经化验室在此封存的值"
    yield from _list(title, facts.unsealed_values, always=True)
    title = "factors of the plant's own, under preparer and approver alone 企业自定因子（仅由编制人与批准人签名）"
    yield from _list(title, facts.own_factors, always=True)


def by_weight(corrections: Iterable[Corrected]) -> list[Corrected]:
    """Corrections, those that change most first: forty trifles must not hide one that counts."""
    return sorted(corrections, key=lambda one: -_weight(one.line.split(" ")[2], one.by.split(" ")[2]))


def _weight(old: str, new: str) -> float:
    """Relative change of a value; infinite from or to none."""
    if "-" in (old, new):
        return inf
    return abs(float(new) - float(old)) / max(abs(float(old)), 1e-300)


def _late(facts: Facts) -> Iterator[str]:
    late = "nobody can say 无从得知"
    if facts.late is not None:
        late = f"{facts.late / max(facts.in_period, 1):.4%} ({facts.late})"
    yield f"of {facts.in_period} readings of the period 时期内读数, first witnessed more than 2 h late 迟到见证: {late}"
    if facts.unwitnessed_ms is not None:
        hours = facts.unwitnessed_ms / 3_600_000
        yield f"  longest part of the period without a witness 时期内最长无见证时间: {hours:.2f} h"
    if facts.uncounted:
        yield f"  logged after it was computed, NOT in the figure 计算后入日志，未计入: {facts.uncounted}"
    if facts.early:
        yield f"  witnessed BEFORE their time, so nobody read them 早于其时间即已见证（不可能是实测）: {facts.early}"


def _statement(said: StatementFacts, size: int) -> Iterator[str]:
    yield (f"statement 声明: {said.plant} {said.period} {said.boundary} {said.rule_set}: {said.total_co2_t} tCO2 "
           f"({said.status}), log index {said.index}")  # fmt: skip
    hours = (said.to_ms - said.from_ms) / 3_600_000
    yield f"  period 时期: {utc_ms(said.from_ms)} to {utc_ms(said.to_ms)}, {hours:g} h"
    yield f"  captured 采集率 {said.captured or '-'}, hours substituted 替代小时 {said.substituted_hours}"
    yield f"  hours without value 无值小时 {said.missing_hours}, anomalies open 未处理异常 {said.anomalies_open}"
    if said.reason:
        yield f"  reason 理由: {said.reason}"
    newest = "this one 本声明" if said.newest_index == said.index else f"log index {said.newest_index}"
    yield f"  newest as of size {size} 截至该大小的最新声明: {newest}"
    if said.superseded:
        yield f"  supersedes 替代: log index {', '.join(map(str, said.superseded))}"
    yield f"  late share as stated 声明的迟到比例: {said.late_share}"
    yield from _list("  certificates that ran out before the period did 期末前已过期的证书", said.expired)


def _list(title: str, rows: Iterable[str], *, always: bool = False) -> Iterator[str]:
    """Rows under a title. always : also say that there are none."""
    found = list(rows)
    if not found and not always:
        return
    yield f"{title}: {len(found) if found else 'none 无'}"
    yield from (f"  {row}" for row in found[:MOST_SHOWN])
    if len(found) > MOST_SHOWN:
        yield f"  ... and {len(found) - MOST_SHOWN} more (--json lists all)"


def _value(value: str | None) -> str:
    return "(none)" if value is None else value


def _printable(line: str) -> str:
    """Texts come from whoever wrote the evidence: nothing in them moves a cursor or turns the direction of writing."""
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in line)
