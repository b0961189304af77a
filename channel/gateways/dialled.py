"""What was dialled behind a service code: `2*1` of *1339*2*1#."""

from __future__ import annotations

import re

_DIALLED = re.compile(r"\*([0-9*]+)#")


def after_code(code: str, text: str) -> str | None:
    """What `text` holds behind the service code; None when it is not what was dialled, but an answer."""
    dialled, own = _DIALLED.fullmatch(text.strip()), f"{code.strip('*#')}*"
    if dialled and f"{dialled[1]}*".startswith(own):
        return dialled[1][len(own) :]
    return None


def after_tail(code: str, text: str) -> str:
    """A history without the tail of a long service code: for *384*1234# some networks begin it with 1234. Only of a
    whole history is the beginning known: in a last input the same digits may be somebody's answer."""
    tail = code.strip("*#").partition("*")[2]
    if not tail:
        return text
    return "" if text == tail else text.removeprefix(f"{tail}*")
