"""Reads a bundle strictly: a zip of known paths, capped sizes, each once, nothing encrypted (reference/trust.md 2.6).

What a bundle of Tanji's says at its end, the SHA-256 of everything before, is checked when it is there; a zip packed
anew by another program has none and is read too. Whether the signed list of members is right is
`bundle.check_members`, once its signature has been verified, which is the verifier's.
"""

from __future__ import annotations

import hashlib
import re
import struct
import zipfile
import zlib
from pathlib import Path
from types import TracebackType
from typing import Self

from tanji.errors import TrustError
from tanji.trust import bundle

BLOCK = 1 << 20
"""How much is read at once [byte]."""
ENCRYPTED = 0x1
END, END_BYTES = b"PK\x05\x06", 22
"""What the last record of a zip begins with, and how long it is without its comment [byte]."""
KINDS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
BROKEN = (
    zipfile.BadZipFile, zlib.error, EOFError, struct.error, OverflowError, NotImplementedError, RuntimeError,
    UnicodeError, ValueError,
)  # fmt: skip
"""What `zipfile` raises at bytes that are no whole zip."""
_COMMENT = re.compile(re.escape(bundle.COMMENT) + rb"[0-9a-f]{64}")


class BundleReader:
    """A bundle on disk. `paths` are its members in the order of the file; reading one checks its size and CRC."""

    def __init__(self, path: Path) -> None:
        self._path = path
        _check_comment(path)
        try:
            self._zip = zipfile.ZipFile(path)
        except BROKEN as error:
            raise TrustError("manifest-form", where="bundle", expected="a zip file", got=str(error)) from error
        try:
            if self._zip.comment and not _COMMENT.fullmatch(self._zip.comment):
                said = repr(self._zip.comment)
                raise TrustError("manifest-form", where="bundle", expected="no other comment than a digest", got=said)
            _check_end(path, comment=len(self._zip.comment))
            self._infos = _infos(self._zip)
        except TrustError:
            self._zip.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self._zip.close()

    @property
    def paths(self) -> tuple[str, ...]:
        """Every member."""
        return tuple(self._infos)

    def read(self, path: str) -> bytes:
        """A member's bytes; TrustError manifest-listed where there is none, manifest-form where it is torn."""
        info = self._info(path)
        parts, left = [], info.file_size
        try:
            with self._zip.open(info) as stream:
                while part := stream.read(min(BLOCK, left + 1)):
                    left -= len(part)
                    if left < 0:
                        break
                    parts.append(part)
        except BROKEN as error:
            raise TrustError("manifest-form", where=path, expected="a whole member", got=str(error)) from error
        if left:
            got = "more" if left < 0 else f"{info.file_size - left} bytes"
            raise TrustError("manifest-form", where=path, expected=f"{info.file_size} bytes", got=got)
        return b"".join(parts)

    def _info(self, path: str) -> zipfile.ZipInfo:
        info = self._infos.get(path)
        if info is None:
            raise TrustError("manifest-listed", where=path, expected="a member of this name", got="none")
        return info


def _infos(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """Members by path, in the order of the file."""
    found: dict[str, zipfile.ZipInfo] = {}
    for info in archive.infolist():
        path = info.orig_filename  # as written: `filename` is cut at a null character
        bundle.check_path(path)
        if path in found:
            raise TrustError("manifest-path", where=path, expected="every path once", got="twice")
        if info.flag_bits & ENCRYPTED or info.compress_type not in KINDS:
            got = "encrypted" if info.flag_bits & ENCRYPTED else f"compression {info.compress_type}"
            raise TrustError("manifest-form", where=path, expected="stored or deflated", got=got)
        found[path] = info
    bundle.check_sizes({path: info.file_size for path, info in found.items()})
    return found


def _check_end(path: Path, *, comment: int) -> None:
    """Refuse what stands after the end of the zip: readers search for that end, and may find another one."""
    with path.open("rb") as stream:
        stream.seek(max(0, stream.seek(0, 2) - END_BYTES - comment))
        end = stream.read()
    if not end.startswith(END) or end[END_BYTES - 2 : END_BYTES] != struct.pack("<H", comment):
        raise TrustError(
            "manifest-form", where="bundle", expected="a zip that ends the file", got="more bytes after it"
        )


def _check_comment(path: Path) -> None:
    """What the file says of itself at its end, if it says anything."""
    length = len(bundle.COMMENT) + 64
    with path.open("rb") as stream:
        size = stream.seek(0, 2)
        stream.seek(max(0, size - length))
        end = stream.read()
        if not end.startswith(bundle.COMMENT):
            return  # packed anew by another program
        stream.seek(0)
        digest, left = hashlib.sha256(), size - 64
        while left:
            part = stream.read(min(BLOCK, left))
            digest.update(part)
            left -= len(part)
    if end[len(bundle.COMMENT) :] != digest.hexdigest().encode():
        said = end[len(bundle.COMMENT) :].decode("ascii", "replace")
        raise TrustError("manifest-form", where="bundle", expected=f"sha256 {said}", got=digest.hexdigest())
