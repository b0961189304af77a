"""A USSD session as it is kept between two hops: the engine's session, and what identifies a hop."""

from __future__ import annotations

import msgspec

from menus.session import Session

# Networks end a session after two or three minutes; an id seen again later belongs to somebody's new session.
LIFE_MS = 10 * 60 * 1000


class Reply(msgspec.Struct, array_like=True, frozen=True):
    """What was answered to the hop whose history was `text`."""

    text: str
    body: str


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


def new_input(kept: Kept, text: str) -> str | None:
    """What was typed since the last hop: all that follows the history used so far, so an answer may hold `*`
    or be empty. None when `text` does not go on from there: another session under the same id."""
    if not kept.text:
        return text
    if text.startswith(f"{kept.text}*"):
        return text[len(kept.text) + 1 :]
    return None
