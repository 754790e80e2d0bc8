"""Files to import, read in pieces: plain or gzip, UTF-8 (with or without mark), UTF-16 or GBK, CSV or line protocol."""

from __future__ import annotations

import codecs
import gzip
import io
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final

from tanji.acquisition.logger_csv import CsvFile, Tally
from tanji.acquisition.logger_lines import PIECE, LineFile
from tanji.cli.import_layout import csv_layout, line_mapping
from tanji.errors import Finding, UsageError
from tanji.plant.model import ImportLayout, Plant

BATCH: Final = 5_000
"""Lines of one body: what clients of InfluxDB are told to send at once."""

FORMATS: Final = {".csv": "csv", ".txt": "csv", ".tsv": "csv", ".lp": "line", ".line": "line", ".influx": "line"}

Emit = Callable[[bytes], None]
Told = Callable[[Finding], None]


def read_file(
    path: Path,
    *,
    plant: Plant,
    layout: ImportLayout,
    file_format: str | None,
    precision: str,
    now_ms: int,
    emit: Emit,
    told: Told,
    advance: Callable[[int], None],
) -> Tally:
    """Read one file; `emit` takes bodies in ms, `told` findings, `advance` bytes of the file that are done."""
    kind = file_format or _format(path)
    tally = Tally()
    with opened(path, advance=advance) as stream:
        try:
            if kind == "csv":
                _csv(stream, path, plant=plant, layout=layout, now_ms=now_ms, tally=tally, emit=emit, told=told)
            else:
                file = LineFile(
                    path.name,
                    plant.site.id,
                    frozenset(plant.points_by_id),
                    now_ms,
                    precision,
                    line_mapping(plant, layout),
                    tally,
                )
                _lines(file.read(iter(lambda: stream.read(PIECE), b"")), emit=emit, told=told)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            tally.findings += 1
            told(Finding(path.name, tally.rows + 1, "file", "a whole gzip file", str(error)))
        except UnicodeDecodeError:
            tally.findings += 1
            told(Finding(path.name, tally.rows + 1, "file", "text in UTF-8, UTF-16 or GBK", "bytes that are neither"))
    return tally


def _csv(
    stream: IO[bytes],
    path: Path,
    *,
    plant: Plant,
    layout: ImportLayout,
    now_ms: int,
    tally: Tally,
    emit: Emit,
    told: Told,
) -> None:
    text = io.TextIOWrapper(stream, encoding=encoding(path), newline="")
    header = text.readline()
    settled = csv_layout(plant, layout, header=header, file=path.name)
    batch: list[str] = []
    for found in CsvFile(settled, path.name, now_ms, tally).read(_chained(header, text)):
        if isinstance(found, Finding):
            told(found)
            continue
        batch.append(found)
        if len(batch) >= BATCH:
            emit("".join(batch).encode())
            batch.clear()
    if batch:
        emit("".join(batch).encode())


def _lines(found: Iterator[bytes | Finding], *, emit: Emit, told: Told) -> None:
    """Findings at once, lines joined to bodies that are worth a request."""
    waiting: list[bytes] = []
    size = 0
    for each in found:
        if isinstance(each, Finding):
            told(each)
            continue
        waiting.append(each)
        size += len(each)
        if size >= PIECE // 2:
            emit(b"".join(waiting))
            waiting.clear()
            size = 0
    if waiting:
        emit(b"".join(waiting))


def _chained(header: str, text: Iterator[str]) -> Iterator[str]:
    if header:
        yield header
    yield from text


def encoding(path: Path) -> str:
    """How a text file is written: by its mark, else UTF-8 if all of it is, else GBK with all its extensions."""
    with opened(path) as stream:
        first = stream.read(2)
        if first in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            return "utf-16"
        decoder = codecs.getincrementaldecoder("utf-8")()
        piece = first
        try:
            while piece:
                decoder.decode(piece)
                piece = stream.read(PIECE)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return "gb18030"
    return "utf-8-sig"


@contextmanager
def opened(path: Path, *, advance: Callable[[int], None] = lambda _: None) -> Iterator[IO[bytes]]:
    """The bytes of a file, unpacked if it is gzip by its first two bytes."""
    with path.open("rb") as raw:
        packed = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        watched = io.BufferedReader(_Watched(raw, advance), PIECE)
        if packed:
            with gzip.open(watched, "rb") as unpacked:
                yield unpacked  # type: ignore[misc]  # a GzipFile is read like any file
        else:
            yield watched


class _Watched(io.RawIOBase):
    """A file that tells how far it was read."""

    def __init__(self, raw: IO[bytes], advance: Callable[[int], None]) -> None:
        self._raw, self._advance = raw, advance

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any, /) -> int:
        """Fill a buffer, and tell."""
        data = self._raw.read(len(buffer))
        buffer[: len(data)] = data
        self._advance(self._raw.tell())
        return len(data)


def _format(path: Path) -> str:
    name = path.name.lower().removesuffix(".gz")
    suffix = Path(name).suffix
    if suffix not in FORMATS:
        raise UsageError(f"{path}: expected a name that ends in {', '.join(FORMATS)}, or --format, got {path.name}")
    return FORMATS[suffix]
