"""Telegrams of HJ 212 out of a stream of bytes, as it comes from a socket: cut anywhere, with rubbish between.

A telegram whose length or checksum is wrong is reported and left, and the next one is looked for from its third byte
on, so that a spoilt telegram costs no other one. A telegram that is whole but whose content is wrong is reported and
skipped as a whole. At most one telegram is kept in memory.
"""

from __future__ import annotations

from collections.abc import Iterator

from tanji.acquisition.hj212 import END, OVERHEAD, START, Telegram, check_end, parse_segment, segment_length, shown
from tanji.errors import TelegramError


class TelegramStream:
    """Takes bytes as they come, gives telegrams, and a TelegramError for everything that is none.

    Positions in errors count from the first byte of the stream.
    """

    __slots__ = ("_buffer", "_position")

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._position = 0

    @property
    def waiting(self) -> int:
        """Bytes of a telegram that is not whole yet."""
        return len(self._buffer)

    def feed(self, data: bytes) -> Iterator[Telegram | TelegramError]:
        """Telegrams and faults that these bytes complete, in order."""
        self._buffer += data
        while True:
            found = self._next()
            if found is None:
                return
            yield found

    def _next(self) -> Telegram | TelegramError | None:
        """The next telegram or fault, taken from the buffer; None if more bytes are needed."""
        start = self._buffer.find(START)
        if start != 0:
            rubbish = self._rubbish(start)
            if rubbish is not None or start < 0:
                return rubbish
        if len(self._buffer) < 6:
            return None
        try:
            length = segment_length(bytes(self._buffer[:6]))
        except TelegramError as error:
            return self._fault(error, skip=1)
        total = length + OVERHEAD
        end = self._buffer.find(END, 6, total - 1)
        if end >= 0:  # no data segment holds a line break, so this telegram lost bytes and another may follow
            expected = f"{length} bytes of data segment before the end of the line"
            return self._fault(TelegramError(end, expected=expected, got=f"{max(0, end - 10)}"), skip=2)
        if len(self._buffer) < total:
            return None
        telegram = bytes(self._buffer[:total])
        try:
            check_end(telegram, length=length)
        except TelegramError as error:
            return self._fault(error, skip=2)
        try:
            parsed = parse_segment(telegram[6 : 6 + length], offset=6)
        except TelegramError as error:
            return self._fault(error, skip=total)
        self._drop(total)
        return parsed

    def _rubbish(self, start: int) -> TelegramError | None:
        """Drop what stands before the next `##`; a fault if that was more than line breaks and blanks."""
        keep = 1 if start < 0 and self._buffer.endswith(b"#") else 0
        dropped = bytes(self._buffer[: start if start >= 0 else len(self._buffer) - keep])
        position = self._position
        self._drop(len(dropped))
        return TelegramError(position, expected="##", got=shown(dropped)) if dropped.strip() else None

    def _fault(self, error: TelegramError, *, skip: int) -> TelegramError:
        """The fault at its place in the stream; the search goes on `skip` bytes further."""
        fault = TelegramError(self._position + error.position, expected=error.expected, got=error.got)
        self._drop(skip)
        return fault

    def _drop(self, count: int) -> None:
        del self._buffer[:count]
        self._position += count
