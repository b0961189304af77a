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
    the same bytes. `engine` is None once the session has ended."""

    text: str
    engine: Session | None
    replies: list[Reply]


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Kept).decode


def dump(kept: Kept) -> str:
    """As text, to be sealed."""
    return _encode(kept).decode()


def load(text: str) -> Kept:
    """Back from text."""
    return _decode(text)


def repeated(kept: Kept, text: str, is_fresh: bool) -> str | None:
    """The answer already given to this history, or None when it is a new hop.

    In an old session only the hop that ended it is a repeat: its effects must never happen twice, while any
    other may open somebody's new session under the same id. What follows the end gets the end again."""
    last = kept.replies[-1]
    if kept.engine is None and (text == last.text or (is_fresh and text.startswith(f"{last.text}*"))):
        return last.body
    if not is_fresh:
        return None
    return next((reply.body for reply in kept.replies if reply.text == text), None)


def new_input(kept: Kept, text: str) -> str | None:
    """What was typed since the last hop: all that follows the history used so far, so an answer may hold `*`
    or be empty. None when `text` does not go on from there: another session under the same id."""
    if not kept.text:
        return text
    if text.startswith(f"{kept.text}*"):
        return text[len(kept.text) + 1 :]
    return None
