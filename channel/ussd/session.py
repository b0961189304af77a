"""A USSD session as it is kept between two hops: the engine's session, and what identifies a hop."""

from __future__ import annotations

import msgspec

from sado.channel.gateways.history import LastInput
from sado.menus.session import Session

# Networks end a session after two or three minutes; an id seen again later belongs to somebody's new session.
LIFE_MS = 10 * 60 * 1000
# No network brings a screen, and what somebody typed when she had read it, in less; a gateway that did not get our
# answer in time has its second request here by then, for it waited behind the first.
REPEAT_MS = 2000


class Reply(msgspec.Struct, array_like=True, frozen=True):
    """What was answered to the hop whose history was `text`. Where the gateway sends the last input alone, `name` tells
    the hop from others: the gateway's id of the request, or else that input."""

    text: str
    body: str
    name: str = ""


class Kept(msgspec.Struct):
    """`text` is the history used so far; `replies` are the answers given, so that a repeat of any hop gets
    the same bytes. `engine` is None once the session has ended; `ended` are the last answers of earlier sessions
    under this id; `draft` is the number of the form being filled in, 0 without one."""

    text: str
    engine: Session | None
    replies: list[Reply]
    ended: list[Reply]
    draft: int = 0


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Kept).decode


def dump(kept: Kept) -> str:
    """As text, to be sealed."""
    return _encode(kept).decode()


def load(text: str) -> Kept:
    """Back from text."""
    return _decode(text)


def begun(earlier: Kept | None) -> Kept:
    """A new session, which remembers how earlier ones under the same id ended."""
    if earlier is None:
        return Kept("", None, [], [])
    return Kept("", None, [], earlier.ended + (earlier.replies[-1:] if earlier.engine is None else []))


def repeated(kept: Kept, text: str, is_fresh: bool) -> str | None:
    """The answer already given to this history, or None when it is a new hop.

    However old, the hop that ended a session is a repeat: its effects must never happen twice. Any other hop of an
    old session may open somebody's new one under the same id. What follows the end gets the end again."""
    last = kept.replies[-1]
    if kept.engine is None and is_fresh and text.startswith(f"{last.text}*"):
        return last.body
    ends = [last, *kept.ended] if kept.engine is None else kept.ended
    known = kept.replies + kept.ended if is_fresh else ends
    return next((reply.body for reply in known if reply.text == text), None)


def history(kept: Kept | None, hop: LastInput, age_ms: int) -> str | None:
    """The history with the hop's input in it, or None when a session begins. A repeat gives the history that it had.
    `age_ms` is the time since the last answer.

    Where requests have no ids, the same input again is a repeat only while nobody can have typed it twice (REPEAT_MS).
    Taken for one by mistake, it shows her the screen again, and she types again; a repeat that came later would answer
    the next screen, though never twice the last: what follows the end gets the end again."""
    if kept is None or age_ms > LIFE_MS:
        return None
    last = kept.replies[-1]
    if hop.request_id:
        known = next((reply.text for reply in kept.replies if reply.name == hop.request_id), None)
        if known is not None:
            return known
    elif hop.text == last.name and (0 <= age_ms < REPEAT_MS or len(kept.replies) == 1 and _begins(kept, hop)):
        return last.text
    if _begins(kept, hop):
        return None
    return f"{kept.text}*{hop.text}" if kept.text else hop.text


def _begins(kept: Kept, hop: LastInput) -> bool:
    """Whether this is the first hop of a session: after an end, an empty input can be no answer."""
    return hop.is_first or (kept.engine is None and not hop.text)


def new_input(kept: Kept, text: str) -> str | None:
    """What was typed since the last hop: all that follows the history used so far, so an answer may hold `*`
    or be empty. None when `text` does not go on from there: another session under the same id."""
    if not kept.text:
        return text
    if text.startswith(f"{kept.text}*"):
        return text[len(kept.text) + 1 :]
    return None
