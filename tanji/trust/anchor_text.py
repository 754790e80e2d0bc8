"""Writing a trust anchor: a C2SP tlog-policy in which organisations are groups, and the lines of the registrars.

Later, once a keyring is in the log, a line that names it. Reading an anchor, and what it is good for, is `policy`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tanji.trust.keys import VerifierKey
from tanji.trust.policy import Anchor
from tanji.trust.policy_file import NamedKeyring, split
from tanji.trust.registrar import Registrar

HEAD = """\
# Trust anchor: whoever verifies gets this file from the metrology institute or the plant, not with the evidence.
# 信任锚:由验证者自行向计量院或工厂取得,不得取自被验证的文件包。
"""


KEYRING = "keyring"
"""First word of the line that names one."""


@dataclass(frozen=True, slots=True)
class Witness:
    """A witness, the organisation that runs it, and where it answers, if anybody here is to ask it."""

    organisation: str
    key: VerifierKey
    url: str | None = None


def format_anchor(
    *, logs: Sequence[VerifierKey], witnesses: Sequence[Witness], quorum: int, registrars: Sequence[Registrar]
) -> bytes:
    """The file; `quorum` organisations have to have witnessed, each by any of its witnesses."""
    lines = [f"log {key.text}" for key in logs]
    groups: dict[str, list[str]] = {}
    for witness in witnesses:
        lines.append(" ".join(filter(None, ("witness", witness.key.name, witness.key.text, witness.url))))
        groups.setdefault(f"organisation:{witness.organisation}", []).append(witness.key.name)
    if quorum:
        lines += [f"group {name} any {' '.join(members)}" for name, members in groups.items()]
        lines.append(f"group organisations {quorum} {' '.join(groups)}")
    lines.append("quorum organisations" if quorum else "quorum none")
    lines += [f"registrar {each.organisation} {each.key.text}" for each in registrars]
    data = (HEAD + "".join(f"{line}\n" for line in lines)).encode()
    Anchor.parse(data)  # never write what a verifier would refuse
    return data


def with_keyring(data: bytes, named: NamedKeyring) -> bytes:
    """The file of an anchor that names this keyring as the newest; all else as it was.

    Lines of older keyrings stay as far as they ask for more: evidence that ends before this one has to show those.
    """
    Anchor.parse(data)
    old = {
        number
        for number, words in split(data)
        if words[0] == KEYRING and not (int(words[1]) < named.version and int(words[2]) < named.index)
    }
    lines = [line for number, line in enumerate(data.split(b"\n")[:-1], 1) if number not in old]
    changed = b"".join(line + b"\n" for line in lines) + f"{KEYRING} {named.version} {named.index}\n".encode()
    Anchor.parse(changed)
    return changed
