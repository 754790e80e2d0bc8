"""Notes that another command hands to the process that owns the log, through a folder of the data directory.

`tanji publish` and `tanji correct` run beside `tanji run`, which has the log open; both may write the same folder. Who
hands in proves nothing by it: the log verifies every signature before a note becomes an entry. A note that was taken is
witnessed at once, so that whoever waits for its proof need not wait for the next turn.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

from tanji.errors import EvidenceMissing, TanjiError, TrustError
from tanji.health.periodic import Periodic
from tanji.trust.log import Log
from tanji.trust.note_inbox import NoteInbox

LOOK_S: Final = 0.5
"""How often the folder is looked at [s]."""

log = logging.getLogger(__name__)


class InboxReader:
    """A thread that takes what lies in the inbox to the log; or call `take`."""

    def __init__(self, inbox: NoteInbox, owned: Log, *, witness: Callable[[], object]) -> None:
        """witness : publishes the log and shows it to the witnesses."""
        self._inbox, self._log, self._witness = inbox, owned, witness
        self._looking = Periodic(self.take, period_s=LOOK_S, name="log-inbox", fault="the inbox was not read")

    def start(self) -> None:
        """Begin."""
        self._looking.start()

    def stop(self) -> None:
        """End, with everything taken that lies there."""
        self._looking.stop()
        try:
            self.take()
        except OSError as error:
            log.warning("notes wait for the next start: %s", error)

    def take(self) -> int:
        """Hand what lies there to the log; how many notes it took."""
        taken = 0
        for waiting in self._inbox.waiting():
            try:
                index = self._log.add_note(waiting.note, files=waiting.files)
            except EvidenceMissing as error:
                self._inbox.answer(waiting, f"missing {error}")
            except TrustError as error:
                self._inbox.answer(waiting, f"refused {error}")
            except (TanjiError, OSError) as error:
                log.warning("a note waits: %s", error)
            else:
                self._inbox.answer(waiting, f"index {index}")
                taken += 1
        if taken:
            self._witness()
        return taken
