"""Writes a bundle: members as they are given, the signed list last, equal bytes from equal members.

Times and rights in the zip are fixed, so that nothing of the writing machine gets into it. At the end stands the
SHA-256 of every byte before, so that a copy that was damaged on its way is told from one that was forged.
"""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Iterable
from pathlib import Path

from tanji.errors import TrustError
from tanji.trust import bundle, durable, note
from tanji.trust.bundle import Member
from tanji.trust.signer import Signer

EPOCH = (1980, 1, 1, 0, 0, 0)
"""The first moment a zip can name."""
RIGHTS = 0o100644 << 16
UNIX = 3
LEVEL = 6


def write_bundle(target: Path, members: Iterable[tuple[str, bytes]], *, signer: Signer) -> tuple[Member, ...]:
    """Write the bundle and return its list; `signer` is the preparer. The target is there whole or not at all.

    members : path and bytes, each path once; they are taken one after the other, so that a month need not fit into
        memory.
    """
    listed: dict[str, Member] = {}
    part = target.with_name(target.name + ".part")
    target.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED, compresslevel=LEVEL) as archive:
        for path, data in members:
            bundle.check_path(path)
            if path == bundle.MANIFEST or path in listed:
                raise TrustError("manifest-path", where=path, expected="every path once", got="twice")
            listed[path] = Member.of(path, data)
            archive.writestr(_info(path), data)
        bundle.check_sizes({path: one.size for path, one in listed.items()})
        bundle.check_required([bundle.MANIFEST, *listed])
        archive.writestr(_info(bundle.MANIFEST), note.sign(bundle.format_members(listed.values()), signer))
        archive.comment = bundle.COMMENT + b"0" * 64
    _seal(part)
    durable.publish(part, target)
    return tuple(sorted(listed.values(), key=lambda one: one.path))


def _info(path: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(path, EPOCH)
    info.compress_type, info.external_attr, info.create_system = zipfile.ZIP_DEFLATED, RIGHTS, UNIX
    return info


def _seal(path: Path) -> None:
    """Put the digest of everything before it into the comment."""
    with path.open("r+b") as stream:
        left = stream.seek(0, 2) - 64
        stream.seek(0)
        digest = hashlib.sha256()
        while left:
            part = stream.read(min(1 << 20, left))
            digest.update(part)
            left -= len(part)
        stream.seek(-64, 2)
        stream.write(digest.hexdigest().encode())
