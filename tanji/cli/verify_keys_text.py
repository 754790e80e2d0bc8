"""What `tanji verify` says of keys: which keyring the anchor names, what is in dispute, SM2; and of times.

The rest of the words is `verify_text`; what is in dispute, and what follows from it, docs/trust-format.md 5.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from tanji.trust.verify_report import Facts

ALSO_SM2 = "also verified under SM2, with the verifier's own public key / 另经 SM2 验证（公钥由验证者自备）"


def named(facts: Facts, newest: int) -> str:
    """What the anchor says of keyrings, and whether the evidence reaches as far. newest : version that is here."""
    said = facts.named_keyring
    if said is None:
        return "the anchor names no keyring: ask the institute for its newest 信任锚未指明密钥表，请与计量院核对"
    words = f"the anchor names keyring {said.version}, in the log by index {said.index}"
    words += f" 信任锚指明密钥表 {said.version}，不迟于日志第 {said.index} 条"
    if newest >= said.version:
        return f"{words}: it is here 已在此"
    return f"{words}: the evidence ends before, so what it ended is not seen 证据止于其前，看不到该版终止的密钥"


def its_own(facts: Facts) -> Iterator[str]:
    """What is said at the statement itself."""
    if facts.sm2:
        yield f"  {ALSO_SM2}"
    if facts.statement is not None and facts.statement.index in {one.index for one in facts.disputed_notes}:
        yield "  IN DISPUTE: a key under it was ended before it, see below 存疑：签名密钥在此前已失效，见下"


def in_dispute(facts: Facts) -> Iterator[tuple[str, Iterable[str]]]:
    """Titles and rows of what was logged under keys that were ended before."""
    batches = (
        f"{one.gateway} seq {one.first_seq} to {one.last_seq} ({one.batches}), "
        f"{utc_ms(one.from_ms)} to {utc_ms(one.to_ms)}"
        for one in facts.disputed
    )
    yield "batches in dispute, their key was ended before them 存疑批次（密钥已在此前失效）", batches
    notes = (
        f"{one.kind} {one.said} (log index {one.index}): {one.key} ended at 止于 {one.until}"
        for one in facts.disputed_notes
    )
    title = "statements, corrections, plant notes in dispute, a key of theirs was ended before them"
    yield f"{title} 存疑的声明、更正、配置文件（签名密钥已在此前失效）", notes


def utc_ms(time_ms: int | None) -> str:
    """A time [UTC ms] for people."""
    return "-" if time_ms is None else utc_s(time_ms // 1000)


def utc_s(time_s: int) -> str:
    """A time [s since the epoch] for people."""
    try:
        return f"{datetime.fromtimestamp(time_s, UTC):%Y-%m-%dT%H:%M:%SZ}"
    except (OverflowError, OSError, ValueError):
        return f"{time_s} s since 1970"  # beyond any calendar; whoever signed it meant something else
