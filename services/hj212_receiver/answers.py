"""What the receiver says to a station: the data answer 9014, and the notification answer 9013 (HJ 212-2017 6.4, 6.5).

HJ/T 212-2005 has the number of the answered request in the data area instead of in QN.
"""

from __future__ import annotations

from tanji.acquisition.hj212 import EDITION_SHIFT, Telegram, format_telegram

DATA_ANSWER = "9014"
NOTIFICATION_ANSWER = "9013"


def answer(telegram: Telegram, *, command: str = DATA_ANSWER) -> bytes:
    """The answer to a telegram, under its own number; it asks for no answer itself."""
    head = (("ST", "91"), ("CN", command), ("PW", telegram.pw), ("MN", telegram.mn))
    flag = ("Flag", str(telegram.edition << EDITION_SHIFT))
    if telegram.edition == 0:
        groups = ((("QN", telegram.qn),),) if telegram.qn else ()
        return format_telegram(Telegram((*head, flag), groups))
    number = (("QN", telegram.qn),) if telegram.qn else ()
    return format_telegram(Telegram((*number, *head, flag)))
