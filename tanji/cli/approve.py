"""`tanji approve`: the second signature, by another person, under what was looked at once more (R33; trust.md 2.1).

A draft was signed by its preparer and waits in DATA/waiting. Before the approver's key touches it, the statement is
computed again from the log, the line of a correction looked up, the files of a plant note made and compared; what will
be signed is shown, and asked for. Exit codes: 0 signed and in the log, or it was there already; or listed, or put
aside; 1 refused: the draft is altered, not what the evidence says, or out of date, or the answer was no; 2 wrong use:
no such draft, a key that is not the approver's, nobody to ask; 3 nothing can be said yet: evidence, ledger or a
witness is missing.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from tanji.cli import approve_list
from tanji.cli.approve_log import LogDesk
from tanji.cli.approve_plant import PlantDesk
from tanji.cli.approve_review import Refused, Review, named
from tanji.cli.clock import now_ms
from tanji.cli.ledger_entries import stated
from tanji.cli.publish import WAIT_S
from tanji.cli.publishing import keyring_of, publishing_room, trust_of
from tanji.errors import EvidenceMissing, TrustError, UsageError
from tanji.plant.load import load
from tanji.plant.model import Plant
from tanji.trust.approval_draft import PLANT, Draft
from tanji.trust.key_folder import KeyFolder
from tanji.trust.keyring import Keyring
from tanji.trust.keys import VerifierKey
from tanji.trust.signer import Signer, SigningKeyFile
from tanji.trust.waiting_room import APPROVED, Waiting, WaitingRoom

DONE, FAILED, UNDECIDED = 0, 1, 3
YES = ("yes", "是")
ASKED = "Sign this as approver? Type yes. 以批准人身份签名？请输入 yes： "


class Desk(Protocol):
    """Where a kind of draft is approved: how it is looked at, and where it goes."""

    @property
    def index(self) -> int:
        """Of the log, by which keys are bounded."""
        ...

    def keyring(self) -> Keyring:
        """The keyring in force."""
        ...

    def find(self, waiting: Waiting) -> int | None:
        """Where the note is, if somebody has approved it already."""
        ...

    def review(self, waiting: Waiting, draft: Draft) -> Review:
        """Make out again what is to be signed; raises where it must not be."""
        ...

    def hand_in(self, note: bytes, review: Review) -> int:
        """Hand the note to the log or the folder of keys; its index or version."""
        ...

    def finish(self, arguments: argparse.Namespace, waiting: Waiting, index: int, review: Review | None) -> int:
        """Wait for what proves it, and say so; the exit code."""
        ...


def register(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb."""
    verb = verbs.add_parser(
        "approve",
        help="look at what a preparer has signed, and sign it as approver",
        description="List the drafts that wait, or check one against the evidence, show it, and sign it as approver.",
        epilog="""example:
  tanji approve --plant plant.yaml --data /var/lib/tanji
  tanji approve statement-3f2a9c01b7de --plant plant.yaml --data /var/lib/tanji --signer /media/usb/approve.key
  tanji approve statement-3f2a9c01b7de --plant plant.yaml --reject 'the coal of 20 September is missing'

exit codes: 0 signed and in the log, listed or put aside, 1 refused or not confirmed, 2 usage, 3 cannot decide yet""",
    )
    verb.add_argument("draft", nargs="?", metavar="DRAFT", help="name of a draft, or how it begins (default: list)")
    verb.add_argument("--list", action="store_true", help="list what waits")
    verb.add_argument("--plant", type=Path, required=True, metavar="FILE", help="the plant file")
    verb.add_argument("--data", type=Path, default=Path("data"), metavar="DIR", help="data directory (default: ./data)")
    text = "the approver's private key (default: approve.key in the folder of keys)"
    verb.add_argument("--signer", type=Path, metavar="KEYFILE", help=text)
    verb.add_argument("--yes", action="store_true", help="do not ask: for scripts")
    verb.add_argument(
        "--reject", type=stated, metavar="TEXT", help="sign nothing; put the draft aside, with the reason"
    )
    verb.add_argument(
        "--wait", type=float, default=WAIT_S, metavar="S", help=f"how long to wait for witnesses (default: {WAIT_S:g})"
    )
    verb.add_argument("--json", action="store_true", help="one JSON line instead of text")
    verb.set_defaults(func=run)


def run(arguments: argparse.Namespace) -> int:
    """List, put aside or approve."""
    plant = load(arguments.plant)
    keys = KeyFolder(trust_of(plant).keys_dir(arguments.data), anchor=trust_of(plant).anchor)
    drafts = WaitingRoom(arguments.data)
    drafts.tidy()
    if arguments.draft is None or arguments.list:
        if arguments.reject is not None or arguments.signer is not None or arguments.draft is not None:
            raise UsageError("expected a DRAFT to sign or reject; to list: no DRAFT, --signer or --reject")
        return approve_list.tell(drafts, plant, keyring_of(keys, arguments.data), as_json=arguments.json)
    outcome = drafts.outcome(arguments.draft)
    if outcome is not None and outcome.startswith(APPROVED) and arguments.reject is None:
        told = {"draft": Path(arguments.draft).name, "outcome": outcome}
        print(json.dumps(told) if arguments.json else f"{told['draft']}: {outcome} 早已批准")
        return DONE
    name = drafts.folder_of(arguments.draft).name
    try:
        if arguments.reject is not None:
            return _reject(arguments, plant, keys, drafts, name)
        waiting = drafts.find(name)
        with _desk(arguments, plant, keys, waiting) as desk:
            return _approve(arguments, desk, keys, drafts, waiting)
    except EvidenceMissing as error:
        print(f"tanji approve: {error}", file=sys.stderr)
        return UNDECIDED
    except (TrustError, Refused) as error:
        print(f"tanji approve: not signed 未签名: {error}", file=sys.stderr)
        return FAILED


def _reject(arguments: argparse.Namespace, plant: Plant, keys: KeyFolder, drafts: WaitingRoom, name: str) -> int:
    """Put a draft aside, readable or not; refused where its note is in the log already."""
    try:
        waiting = drafts.find(name)
        with _desk(arguments, plant, keys, waiting) as desk:
            index = desk.find(waiting)
    except TrustError:
        index = None  # nobody has approved what cannot be read
    if index is not None:
        raise Refused(f"{name}: approved already, entry or version {index} 已批准; finish it without --reject")
    folder = drafts.reject(drafts.folder_of(name), reason=arguments.reject, now_ms=now_ms())
    told = {"draft": name, "rejected": arguments.reject, "folder": str(folder)}
    print(json.dumps(told, ensure_ascii=False) if arguments.json else f"rejected 已退回: {folder}")
    return DONE


@contextmanager
def _desk(arguments: argparse.Namespace, plant: Plant, keys: KeyFolder, waiting: Waiting) -> Iterator[Desk]:
    if waiting.kind == PLANT:
        yield PlantDesk(plant, keys, arguments.data)
        return
    with publishing_room(plant, arguments.data, wait_s=arguments.wait) as room:
        yield LogDesk(plant, room, arguments.data)


def _approve(arguments: argparse.Namespace, desk: Desk, keys: KeyFolder, drafts: WaitingRoom, waiting: Waiting) -> int:
    """Sign a draft, or find that it was signed; put it away when all is done."""
    index, review = desk.find(waiting), None
    if index is None:
        at, keyring = desk.index, desk.keyring()
        draft = Draft.open(waiting.draft, keyring=keyring, index=at)
        waiting.check_name()
        signer = _signer(arguments, keys, draft, keyring=keyring, index=at)
        try:
            review = desk.review(waiting, draft)
        except UsageError as error:
            raise Refused(f"{waiting.name}: {error}") from error
        if not _confirmed(arguments, review, draft, VerifierKey.parse(signer.vkey())):
            print("nothing was signed 未签名", file=sys.stderr)
            return FAILED
        index = desk.hand_in(draft.approved(signer, keyring=keyring, index=at), review)
    else:
        print(f"{waiting.name}: approved already, entry or version {index} 已批准", file=sys.stderr)
    code = desk.finish(arguments, waiting, index, review)
    if code == DONE:
        drafts.approve(waiting, index=index)
    else:
        print(f"next: the same command again, which waits for the proof 稍后再次执行 ({waiting.name})", file=sys.stderr)
    return code


def _signer(arguments: argparse.Namespace, keys: KeyFolder, draft: Draft, *, keyring: Keyring, index: int) -> Signer:
    """The approver's key, before anything is computed; UsageError for one that is not, or with nobody to ask."""
    file = keys.key_file("approve") if arguments.signer is None else SigningKeyFile(arguments.signer)
    try:
        signer = file.read()
        draft.check_approver(VerifierKey.parse(signer.vkey()), keyring=keyring, index=index)
    except EvidenceMissing as error:
        raise UsageError(f"--signer: expected the approver's private key, got none at {file.path}") from error
    except TrustError as error:
        raise UsageError(f"--signer: {error}") from error
    if not arguments.yes and not sys.stdin.isatty():
        raise UsageError("expected a terminal to confirm on, or --yes, got neither; nothing was signed")
    return signer


def _confirmed(arguments: argparse.Namespace, review: Review, draft: Draft, approver: VerifierKey) -> bool:
    """Show what will be signed, and ask."""
    out = sys.stderr if arguments.json else sys.stdout
    print("\n".join(review.lines), file=out)
    print(f"prepared by 编制     {named(draft.preparer)}", file=out)
    print(f"approved by 批准     {named(approver)}", file=out, flush=True)
    if arguments.yes:
        return True
    print(ASKED, end="", file=out, flush=True)
    return sys.stdin.readline().strip().lower() in YES
