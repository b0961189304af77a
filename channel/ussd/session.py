"""A USSD session as it is kept between two hops, and which hop is a repeat, which goes on, which begins a session."""

from __future__ import annotations

import msgspec

from sado.channel.contract import Hop
from sado.menus.session import Session

# Networks end a session after two or three minutes; an id seen again later belongs to somebody's new session.
LIFE_MS = 10 * 60 * 1000
# No network brings a screen, and what somebody typed when she had read it, in less; a gateway that did not get our
# answer in time has its second request here by then, for it waited behind the first.
REPEAT_MS = 2000


class Reply(msgspec.Struct, array_like=True, frozen=True):
    """A screen, and the hop that it answered: `history` is all that was typed up to it. Where the gateway sends the
    last input alone, `request` tells the hop from others: the gateway's id of the request, or else that input."""

    history: str
    text: str
    is_last: bool
    request: str = ""


class Kept(msgspec.Struct):
    """`engine` is None before a session and once it has ended. Its `replies` are kept, so that a repeat of any hop gets
    the same screen; `ended` are the last ones of earlier sessions under this id. `draft` is the number of the form
    being filled in, 0 without one. Of a session that ended with the deletion of her number nothing is kept but its
    last screen (`is_deleted`), which answers whatever comes under its id for a while."""

    engine: Session | None = None
    replies: list[Reply] = []
    ended: list[Reply] = []
    draft: int = 0
    is_deleted: bool = False

    @property
    def history(self) -> str:
        """All that was typed so far."""
        return self.replies[-1].history if self.replies else ""


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Kept).decode


def dump(kept: Kept) -> str:
    """As text, to be sealed."""
    return _encode(kept).decode()


def load(text: str) -> Kept:
    """Back from text."""
    return _decode(text)


def begun(earlier: Kept) -> Kept:
    """A new session, which remembers how earlier ones under the same id ended."""
    return Kept(ended=earlier.ended + (earlier.replies[-1:] if earlier.engine is None else []))


def history(kept: Kept, hop: Hop, is_cumulative: bool, age_ms: int) -> tuple[Kept, str]:
    """All that was typed in the hop's session, its own input last, and what is kept of that session: nothing when one
    begins. A repeat has the history that it had. `age_ms` is the time since the last answer.

    A cumulative gateway sends it. However old, the hop that ended a session is a repeat: its effects must never happen
    twice. So the ends are kept, also of what is too old to go on.

    For others it is made here, so the same walk on another day has the same one, and a session that begins knows no end
    of one before. What follows an end gets the end again."""
    is_old = age_ms > LIFE_MS
    if is_cumulative:
        return begun(kept) if is_old else kept, hop.text
    if is_old or not kept.replies:
        return Kept(), hop.text
    if reply := _repeated(kept, hop, age_ms):
        return kept, reply.history
    if _begins(kept, hop):
        return Kept(), hop.text
    return kept, f"{kept.history}*{hop.text}" if kept.history else hop.text


def _repeated(kept: Kept, hop: Hop, age_ms: int) -> Reply | None:
    """The reply to this hop where the last input alone is sent. Where requests have no ids, the same input again is a
    repeat only while nobody can have typed it twice (REPEAT_MS), or as what began the session.

    Taken for one by mistake, it shows her the screen again, and she types again; a repeat that comes later answers the
    next screen, though never twice the last."""
    last = kept.replies[-1]
    if hop.request_id:
        return next((reply for reply in kept.replies if reply.request == hop.request_id), None)
    is_again = 0 <= age_ms < REPEAT_MS or (len(kept.replies) == 1 and _begins(kept, hop))
    return last if hop.text == last.request and is_again else None


def _begins(kept: Kept, hop: Hop) -> bool:
    """Whether this is the first hop of a session: after an end, an empty input can be no answer."""
    return hop.is_first or (kept.engine is None and not hop.text)


def reply_to(kept: Kept, history: str) -> Reply | None:
    """The reply that this history had already, or None for a new hop. What follows the end gets the end again."""
    if kept.is_deleted or (kept.replies and kept.engine is None and history.startswith(f"{kept.history}*")):
        return kept.replies[-1]
    return next((reply for reply in kept.replies + kept.ended if reply.history == history), None)


def new_input(kept: Kept, history: str) -> str | None:
    """What was typed since the last hop: all that follows the history so far, so an answer may hold `*` or be empty.
    None when there is no session to go on with, or `history` does not go on from there."""
    if kept.engine is None:
        return None
    if not kept.history:
        return history
    return history[len(kept.history) + 1 :] if history.startswith(f"{kept.history}*") else None
