"""What an approver is shown before signing, and how a draft is refused: the parts that every kind of draft shares.

A review is made without the preparer: from the log, the folder of keys and the files here. Whatever of a draft is shown
on a terminal comes from somebody else and is made printable first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from tanji.errors import TanjiError, TrustError
from tanji.report import numbers
from tanji.trust.keyring import Keyring
from tanji.trust.keys import VerifierKey

MOST_SHOWN = 40
"""Changes or differences listed on a terminal."""
STALE = "out of date 草稿已过期"
DIFFERS = "not what this machine finds 与本机所得不符"
PREPARE_AGAIN = "prepare it anew, and put this one away: `tanji approve {name} --reject TEXT` 请重新编制，并退回此草稿"

Change = tuple[str, str, str]
"""Key, old value, new value."""


class Refused(TanjiError):
    """A draft that must not be signed: not what its evidence says, or overtaken by something newer."""


@dataclass(frozen=True, slots=True)
class Review:
    """What the approver is shown, and what goes to the log with the note.

    inputs : of a statement, the lines that were fed to the formulas.
    """

    lines: tuple[str, ...]
    files: Mapping[str, bytes]
    inputs: bytes = b""


def refusal(name: str, why: str, differences: Iterable[Change], *, between: str) -> Refused:
    """The refusal of a draft, with everything that differs. between : what the two values are."""
    found = list(differences)
    lines = [f"{name}: {why}: {between}", *(f"  {line}" for line in listed(found)), PREPARE_AGAIN.format(name=name)]
    return Refused("\n".join(lines))


def listed(found: list[Change]) -> Iterator[str]:
    """Changes as lines, the first of them where there are many."""
    for key, was, now in found[:MOST_SHOWN]:
        yield printable(f"{key}: {was or '-'} -> {now or '-'}")
    if len(found) > MOST_SHOWN:
        yield f"and {len(found) - MOST_SHOWN} more 另有 {len(found) - MOST_SHOWN} 处"


def check_plant(plant: str, keyring: Keyring) -> None:
    """Raise unless a draft is about the plant of the keyring."""
    if plant != keyring.plant:
        raise TrustError("header-field", where="plant", expected=keyring.plant, got=plant)


def printable(text: str) -> str:
    """A line without anything that could steer a terminal or turn a text round."""
    told = text.replace(numbers.NARROW, " ")
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in told)


def named(key: VerifierKey) -> str:
    """A key by name and id."""
    return f"{key.name}+{key.key_id.hex()}"
