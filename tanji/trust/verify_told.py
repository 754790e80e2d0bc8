"""Rows of a verifier's report that tell what holders of the rightful keys may have bent; no verdicts.

They are gathered in `tanji.trust.verify_facts`.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Setting:
    """A meter's own setting that was read with another value than before, and when [UTC ms]."""

    point: str
    at_ms: int
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Silent:
    """A setting that was not read for so long within the period [ms]."""

    point: str
    longest_ms: int


@dataclass(frozen=True, slots=True)
class Revised:
    """A laboratory result that was replaced, or withdrawn (`new` is None); `old` is None where it is not here."""

    index: int
    sample: str
    quantity: str
    old: str | None
    new: str | None


@dataclass(frozen=True, slots=True)
class Unannounced:
    """A result whose sample was not sealed before, or long after it was taken; times [UTC ms], None: never here."""

    index: int
    sample: str
    taken_ms: int | None
    seen_ms: int | None


@dataclass(frozen=True, slots=True)
class Overlap:
    """Another statement by the same rules whose period has hours of this one."""

    index: int
    period: str
    from_ms: int
    to_ms: int
    total_co2_t: str


@dataclass(frozen=True, slots=True)
class Disputed:
    """Batches of a gateway or laboratory that a later keyring says their key had ended before [UTC ms]."""

    gateway: str
    first_seq: int
    last_seq: int
    batches: int
    from_ms: int
    to_ms: int


@dataclass(frozen=True, slots=True)
class DisputedNote:
    """A statement, correction or plant note under a key that a later keyring ended before its log index.

    kind : `statement`, `correction` or `plant`. said : which one, in short. key : its name; until : last index of it.
    """

    index: int
    kind: str
    said: str
    key: str
    until: int
