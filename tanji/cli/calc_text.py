"""An explanation as text, for `tanji calc explain`: what a verifier reads from the figure down to the readings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from calc_jobs.digests import NONE
from calc_jobs.evidence import FactorUsed, PointUsed, ResultUsed
from calc_jobs.explanation import Explanation, ParameterUsed, Revision
from tanji.domain.units import DIGITS, DIMENSIONLESS, written
from tanji.plant.model import Plant
from tanji.report.words import Words

ZH, EN = Words("zh"), Words("en")
VERDICTS = {
    "counted": "counted 计入",
    "memo": "memo item 备忘项",
    "information": "information item 信息项",
    "not counted": "not counted 不计入",
}
ORIGINS = {"laboratory": "laboratory 化验", "substituted": "substituted 替代", "default": "default 缺省值"}


def as_text(found: Explanation, plant: Plant) -> str:
    """The whole derivation; each part under its heading, in English and Chinese."""
    zone = ZoneInfo(plant.site.timezone)
    lines = [*_head(found, zone), *_amount(found), *_calculation(found)]
    lines += _part("parameters 参数", [_parameter(one) for one in found.parameters])
    lines += _part("factors 因子", [_factor(one) for one in found.factors])
    lines += _part("laboratory and entries 化验与录入", [_result(one, zone) for one in found.laboratory])
    lines += _part("readings 读数", [line for one in found.points for line in _point(one, zone)])
    lines += _part("revisions 修订", [_revision(one) for one in found.revisions])
    return "\n".join(lines)


def _head(found: Explanation, zone: ZoneInfo) -> Iterator[str]:
    tags, figure = found.tags, found.figure
    item = f"item.{tags['item']}"
    yield f"{tags['item']}  {EN(item)}  {ZH(item)}"
    local = _moment(found.hour_ms, zone)
    utc = datetime.fromtimestamp(found.hour_ms / 1000, ZoneInfo("UTC")).strftime("%Y-%m-%d %H:%M")
    yield f"  hour 小时        {local}, 1 h ({utc} UTC)"
    boundary = f"boundary.{tags['boundary']}"
    yield f"  stream 源流      {tags['stream']}, line {tags['line']}"
    yield f"  boundary 边界    {EN(boundary)} {ZH(boundary)}: {VERDICTS[found.verdict]}"
    yield f"  rule set 规则集  {found.ruleset}{'' if found.ruleset_verified else ' (unverified 未核实)'}"
    yield f"  method 方法      {EN('method.' + tags['method'])} {ZH('method.' + tags['method'])}"
    yield f"  figure 数值      {_number(figure['co2_t'])} tCO2, u_rel {_share(figure['u_rel'])} (k = 1)"
    rule = "" if figure["rule"] in (NONE, None) else f" by {figure['rule']}"
    yield f"  substituted 替代 {_share(figure['substituted'])}{rule}"
    if figure["warnings"]:
        yield f"  warnings 警告    {figure['warnings']}"
    digests = f"method {figure['method_digest']}, factors {figure['factors']}, inputs {figure['inputs']}"
    yield f"  digests 摘要     revision {figure['revision']}; {digests}"


def _amount(found: Explanation) -> Iterator[str]:
    if found.amount is not None:
        ran = f"ran {_number(found.running_h)} h, valid data {_share(found.captured)}"
        told = f"{_number(found.amount)} {found.unit}, substituted {_share(found.amount_substituted)}"
        yield f"  amount 活动数据  {told}; {ran}"


def _calculation(found: Explanation) -> Iterator[str]:
    yield "  calculation 计算"
    for step in found.steps:
        yield f"    {step.formula}  {step.title_en}  {step.title_zh}"
        yield from (f"      {line}" for line in step.lines)
        yield f"      clause 条款: {step.clause}"
    if not found.steps and found.figure["co2_t"] == 0:
        yield "    nothing by this method in this hour 本小时未用此方法"
    elif found.agrees:
        yield f"    = {_number(found.repeated)} tCO2: agrees with the stored figure 与存储值一致"
    else:
        yield (
            f"    = {_number(found.repeated)} tCO2: differs from the stored figure 与存储值不一致;"
            " data may have come since: tanji calc recompute"
        )


def _part(title: str, lines: Sequence[str]) -> list[str]:
    return [f"  {title}", *(f"    {line}" for line in lines)] if lines else []


def _parameter(used: ParameterUsed) -> str:
    odd = f"; outside the usual {used.usual} 超出常规范围" if used.usual else ""
    return f"{used.quantity} = {_number(used.value)}  {ORIGINS[used.origin]}{odd}"


def _factor(used: FactorUsed) -> str:
    verified = f"verified by 核实人 {used.verified_by}" if used.verified else "unverified 未核实"
    source = f"{used.source}, {used.clause}" if used.clause else used.source
    return f"{used.id} = {written(used.value, used.unit)}  [{used.confidence}] {verified}; {source}"


def _result(used: ResultUsed, zone: ZoneInfo) -> str:
    basis = f" {used.basis}" if used.basis else ""
    who = ", ".join(part for part in (used.laboratory, used.method) if part)
    refused = "" if used.accepted else "; outside its hard range, not used as measured 超限，未采用"
    period = f"{_moment(used.valid_from_ms, zone)} to {_moment(used.valid_to_ms, zone)}"
    return (
        f"{used.parameter} {written(used.value, used.unit)}{basis}  sample 样品 {used.sample_id}"
        f"{f' ({who})' if who else ''}, holds {period}{refused}"
    )


def _point(used: PointUsed, zone: ZoneInfo) -> Iterator[str]:
    meter = used.instrument
    error = "" if meter.permissible_error is None else f", permissible error {_share(meter.permissible_error)}"
    accuracy = f"class {meter.accuracy_class}{error}" if meter.accuracy_class else "no accuracy class 未标准确度等级"
    certificate = f"certificate {meter.certificate} due {meter.certificate_due}" if meter.certificate else (
        "no certificate 无证书"
    )  # fmt: skip
    unit = "" if used.unit == DIMENSIONLESS else f" in {used.unit}"
    yield f"{used.point}  {used.name_en} {used.name_zh} ({used.role}), {used.kind}{unit}"
    yield f"  instrument 仪表: {meter.id} {meter.name_en} {meter.name_zh}, {accuracy}, {certificate}"
    if used.first is None or used.last is None:
        yield "  no reading in this hour 本小时无读数"
        return
    mean = "" if used.mean is None else f", mean of usable {_number(used.mean)}"
    ends = " .. ".join(
        f"{_number(value)} at {_moment(time, zone, seconds=True)}" for time, value in (used.first, used.last)
    )
    flags = ", ".join(f"{name} {count}" for name, count in used.flags.items()) or "none 无"
    yield f"  {used.count} readings, {used.usable} usable: {ends}{mean}; flags 标记: {flags}"


def _revision(one: Revision) -> str:
    digests = f"method {one.method_digest}, factors {one.factors}, inputs {one.inputs}"
    return f"{one.number}  {_number(one.co2_t)} tCO2  {one.reason}; substituted {_share(one.substituted)}; {digests}"


def _moment(time_ms: int, zone: ZoneInfo, *, seconds: bool = False) -> str:
    pattern = "%Y-%m-%d %H:%M:%S" if seconds else "%Y-%m-%d %H:%M"
    return datetime.fromtimestamp(time_ms / 1000, zone).strftime(pattern)


def _number(value: float | None) -> str:
    return "no value 无值" if value is None else f"{value + 0.0:.{DIGITS}g}"


def _share(value: float | None) -> str:
    return "no value 无值" if value is None else f"{value * 100:.4g} %"
