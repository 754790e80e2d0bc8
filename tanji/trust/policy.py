"""Trust policy: which logs and witnesses a verifier believes, and how many of them are enough (C2SP tlog-policy).

A quorum counts distinct public keys, because a file that holds one twice, under whatever names, is refused;
organisations are its groups. The anchor is such a file with the lines of the registrars added, and of the
keyrings they have signed; it comes from the verifier, never from the evidence (R33, R47). Who may sign what is
`keyring`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tanji.errors import TrustError
from tanji.trust import checkpoint as checkpoints
from tanji.trust.checkpoint import Checkpoint
from tanji.trust.keys import VerifierKey
from tanji.trust.note import open_note, split
from tanji.trust.policy_file import NONE, RULE, Group, NamedKeyring, Party, PolicyLines
from tanji.trust.registrar import SELF_REGISTERED, Registrar, leading


@dataclass(frozen=True, slots=True)
class Verified:
    """A checkpoint that satisfies a policy: by which log, and the time that each witness gives for it [s]."""

    checkpoint: Checkpoint
    log: VerifierKey
    times: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Policy:
    """The logs, witnesses by their names in the file, groups, and the name of the quorum."""

    logs: tuple[Party, ...]
    witnesses: Mapping[str, Party]
    groups: Mapping[str, Group]
    quorum: str

    @classmethod
    def parse(cls, data: bytes) -> Policy:
        """The policy behind a file."""
        return cls.of(PolicyLines.read(data))

    @classmethod
    def of(cls, lines: PolicyLines) -> Policy:
        """The policy that lines of a file make."""
        if lines.quorum is None:
            raise TrustError(RULE, expected="one quorum line", got="none")
        return cls(tuple(lines.logs), dict(lines.witnesses), dict(lines.groups), lines.quorum)

    @property
    def is_witnessed(self) -> bool:
        """Whether the quorum asks for anybody at all."""
        return self.quorum != NONE

    def check(self, note: bytes, *, logs: Sequence[VerifierKey] = ()) -> Verified:
        """The checkpoint in `note`, which a log has signed and enough witnesses have cosigned.

        logs : further log keys, of a keyring in force: a log may have changed its key since the policy was written.
        """
        log_keys = tuple(dict.fromkeys((*(log.key for log in self.logs), *logs)))
        names = {party.key: name for name, party in self.witnesses.items()}
        twice = {key.public for key in log_keys} & {key.public for key in names}
        if twice:
            raise TrustError("key-twice", expected="a witness other than the log", got="one key for both")
        claimed = {(each.name, each.key_id) for each in split(note)[1]}
        if not any((key.name, key.key_id) in claimed for key in log_keys):  # what only witnesses signed is no log's
            expected = " or ".join(key.name for key in log_keys) or "a log of the policy"
            got = ", ".join(sorted(name for name, _ in claimed))
            raise TrustError("note-unknown-key", where="checkpoint", expected=f"a signature by {expected}", got=got)
        opened = open_note(note, (*log_keys, *names))
        signed = [key for key, _ in opened.verified if key in log_keys]
        checkpoint = checkpoints.parse(opened.body)
        log = next((key for key in signed if key.name == checkpoint.origin), None)
        if log is None:
            raise TrustError("checkpoint-origin", expected=signed[0].name, got=checkpoint.origin)
        times: dict[str, int] = {}
        for key, time_s in opened.verified:
            if time_s is not None:  # one that signed twice had seen this head at the earlier of the two times
                times[names[key]] = min(time_s, times.get(names[key], time_s))
        self.require(times, where=f"{checkpoint.origin} at size {checkpoint.size}")
        return Verified(checkpoint, log, times)

    def require(self, witnessed: Iterable[str], *, where: str = "") -> None:
        """Raise unless the witnesses of these names satisfy the quorum."""
        seen = self.witnesses.keys() & set(witnessed)
        got = ", ".join(sorted(seen)) or "no cosignature by a witness of the policy"
        for name, group in self.groups.items():  # a group names only those above it
            if sum(member in seen for member in group.members) >= group.threshold:
                seen.add(name)
        if self.is_witnessed and self.quorum not in seen:
            raise TrustError("quorum", where=where, expected=self._wanted(), got=got)

    def _wanted(self) -> str:
        group = self.groups.get(self.quorum)
        if group is None:
            return f"a cosignature by {self.quorum}"
        return f"{group.threshold} of {', '.join(group.members)}"


@dataclass(frozen=True, slots=True)
class Anchor:
    """What a verifier brings along: a policy, the registrars that keyrings begin with, and keyrings not to be hidden.

    keyrings : rising; none in an older anchor, or in that of a plant whose keys never changed.
    """

    policy: Policy
    registrars: tuple[Registrar, ...]
    keyrings: tuple[NamedKeyring, ...] = ()

    @classmethod
    def parse(cls, data: bytes) -> Anchor:
        """The anchor behind a file: a policy with lines `registrar <organisation> <vkey>`, and perhaps `keyring`."""
        lines = PolicyLines.read(data, of_anchor=True)
        policy = Policy.of(lines)
        leading(lines.registrars, rule=RULE)
        if not policy.logs:
            raise TrustError(RULE, expected="at least one log line", got="none")
        return cls(policy, tuple(lines.registrars), tuple(lines.keyrings))

    @property
    def keyring(self) -> NamedKeyring | None:
        """The newest one that is named; None where there is none."""
        return self.keyrings[-1] if self.keyrings else None

    @property
    def is_self_registered(self) -> bool:
        """Whether a registrar of the plant's own stands in the place of the institute's."""
        return any(each.organisation == SELF_REGISTERED for each in self.registrars)
