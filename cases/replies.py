"""Replies: what a resident asked to have by SMS while she was looking at it."""

from __future__ import annotations

import msgspec

from store import Transaction, subscribers
from sync import outbox

REPLY = "reply"


class Reply(msgspec.Struct, frozen=True):
    """One SMS. It names its subscriber by her keyed hash, in hexadecimal: the number is looked up when the SMS leaves,
    so there is none to find for one who has had hers deleted."""

    subscriber: str
    text: str


def send(tx: Transaction, msisdn: str, text: str) -> bool:
    """Queue the text for this number. False when it wants no SMS. Unlike a notice it may say everything: she asked
    for it."""
    if subscribers.is_muted(tx, msisdn):
        return False
    body = Reply(subscribers.meet(tx, msisdn).hex(), text)
    outbox.put(tx, outbox.SMS, REPLY, "", msgspec.json.encode(body).decode())
    return True


def recipient(tx: Transaction, reply: Reply) -> str | None:
    """The number to send it to, or None for one that was deleted or wants no SMS any more."""
    msisdn = subscribers.msisdn_of(tx, bytes.fromhex(reply.subscriber))
    return None if msisdn is None or subscribers.is_muted(tx, msisdn) else msisdn
