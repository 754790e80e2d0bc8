"""A log behind HTTP that gets keyring and plant notes before its first batch, however long it is away at the start.

A batch is only worth something after the notes that register its key and approve its point map; so as long as those
have not been taken, a batch is told to come again.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence

from tanji.errors import LogUnavailable, TrustError
from tanji.trust.batch import ChainEnd
from tanji.trust.log_client import LogClient

Note = tuple[bytes, Mapping[str, bytes]]
"""A note and the files it names."""


class PreparedLog:
    """A `LogClient` with notes that have to go first."""

    def __init__(self, client: LogClient, *, notes: Callable[[], Iterable[Note]]) -> None:
        """notes : keyring notes, then plant notes, each with its files, in their order."""
        self._client, self._notes = client, notes
        self._turn = threading.Lock()
        self._is_ready = False

    def prepare(self) -> None:
        """Hand the notes over once; the log knows by their bytes those it has. Errors are those of the log."""
        with self._turn:
            if not self._is_ready:
                for note, files in self._notes():
                    self._client.add_note(note, files=files)
                self._is_ready = True

    def add_batch(self, note: bytes, payload: bytes) -> int:
        """Hand a batch over; its index."""
        return self.add_batches([(note, payload)])[0]

    def add_batches(self, batches: Sequence[tuple[bytes, bytes]]) -> list[int]:
        """Hand several over, after the notes; LogUnavailable while those were not taken."""
        try:
            self.prepare()
        except TrustError as error:  # it is the note that is at fault, not the batch
            raise LogUnavailable(f"keyring and plant notes were not taken: {error}") from error
        return self._client.add_batches(batches)

    def add_note(self, note: bytes, *, files: Mapping[str, bytes] | None = None) -> int:
        """Hand a note over; its index."""
        return self._client.add_note(note, files=files)

    def chain_end(self, gateway: str) -> ChainEnd | None:
        """The last batch of a gateway; None if there is none."""
        return self._client.chain_end(gateway)

    def close(self) -> None:
        """Let go of the connection."""
        self._client.close()
