"""What `tanji publish`, `correct` and `plant approve` leave where the approver's key is not: a draft, and what to do.

The draft has the preparer's signature alone and lies in the data directory until somebody with the other key has looked
at it (`tanji approve`). Exit codes: 0 where a draft was asked for, 3 where a signed note was: it cannot be made here.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path

from tanji.cli.clock import now_ms
from tanji.trust.approval_draft import Draft
from tanji.trust.signer import Signer
from tanji.trust.waiting_room import Waiting, WaitingRoom

DONE, UNDECIDED = 0, 3
WAITS = "signed by the preparer, waits for the approver; not in force yet / 编制人已签名，等待批准，尚未生效"


def add_prepare_only(verb: argparse.ArgumentParser) -> None:
    """--prepare-only."""
    text = "sign as preparer and leave a draft for `tanji approve`, also where the approver's key is here"
    verb.add_argument("--prepare-only", action="store_true", help=text)


def leave(data_dir: Path, body: bytes, files: Mapping[str, bytes], *, preparer: Signer, size: int) -> Waiting:
    """Sign as preparer and keep the draft. size : of the log that it was made from."""
    draft = Draft.prepare(body, preparer)
    return WaitingRoom(data_dir).put(draft.data, files, now_ms=now_ms(), size=size)


def tell(waiting: Waiting, arguments: argparse.Namespace, *, plant_file: Path, approver_key: Path) -> int:
    """Say where the draft is and what comes next; the exit code."""
    command = f"tanji approve {waiting.name} --plant {plant_file} --data {arguments.data} --signer KEYFILE"
    if not arguments.prepare_only:
        why = f"{approver_key}: no such key here, so the approver signs elsewhere / 此处没有批准人私钥"
        print(why, file=sys.stderr)
    if arguments.json:
        told = {"draft": waiting.name, "folder": str(waiting.folder), "approve": command, "published": False}
        print(json.dumps(told, ensure_ascii=False))
    else:
        print(f"draft: {waiting.folder}")
        print(WAITS)
        print(f"next, the approver / 下一步，由批准人执行:\n  {command}")
    return DONE if arguments.prepare_only else UNDECIDED
