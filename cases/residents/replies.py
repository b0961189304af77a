"""Replies: what a resident asked to have by SMS while she was looking at it, and answers to her own SMS."""

from __future__ import annotations

from typing import Literal

import msgspec

from sado.store import Transaction
from sado.store.tables import attempts, subscribers
from sado.store.zone_time import DAY_MS
from sado.sync import outbox
from sado.sync.codes import EntryKind

REPLY = EntryKind.REPLY
# More than a person needs in a day: what she asks for on a call, and answers to what she writes, of which a filing
# takes six or seven. Two programs that answer each other stop here, and so does somebody's money.
MOST_ASKED, MOST_ANSWERS = 20, 70


class Reply(msgspec.Struct, frozen=True, omit_defaults=True):
    """One SMS. It names its subscriber by her keyed hash, in hexadecimal: the number is looked up when the SMS leaves,
    so there is none to find for one who has had hers deleted.

    `is_answer` says that she wrote first. Only an answer to a number that is not kept holds `msisdn`: to somebody's
    first SMS, or to her wish to be forgotten. It goes when the answer has left, or after two days."""

    subscriber: str
    text: str
    is_answer: bool = False
    msisdn: str = ""


def send(tx: Transaction, msisdn: str, text: str) -> Literal["sent", "muted", "spent"]:
    """Queue the text for this number. It is not sent to one that wants no SMS (`muted`), or has had MOST_ASKED since
    the first of the last day (`spent`). Unlike a notice it may say everything: she asked for it."""
    if subscribers.is_muted(tx, msisdn):
        return "muted"
    if not _counted(tx, f"reply {msisdn}", MOST_ASKED):
        return "spent"
    _put(tx, Reply(subscribers.meet(tx, msisdn).hex(), text))
    return "sent"


def answer(tx: Transaction, msisdn: str, text: str) -> bool:
    """Queue the answer to an SMS from this number. It also goes to one that wants no SMS: she asked, and is told that
    there will be no more. Nothing is kept of a number that was not kept before. False for one that has had
    MOST_ANSWERS; they are counted apart from what `send` sends, since an SMS can be sent in anybody's name."""
    if not _counted(tx, _answers(msisdn), MOST_ANSWERS):
        return False
    subscriber = tx.lookup(msisdn)
    is_kept = subscribers.msisdn_of(tx, subscriber) is not None
    _put(tx, Reply(subscriber.hex(), text, is_answer=True, msisdn="" if is_kept else msisdn))
    return True


def may_answer(tx: Transaction, msisdn: str) -> bool:
    """Whether an SMS from this number is answered today."""
    return attempts.count(tx, _answers(msisdn), tx.now - DAY_MS) < MOST_ANSWERS


def recipient(tx: Transaction, reply: Reply) -> str | None:
    """The number to send it to, or None for one that was deleted or wants no SMS any more."""
    msisdn = subscribers.msisdn_of(tx, bytes.fromhex(reply.subscriber)) or reply.msisdn
    if not msisdn or (subscribers.is_muted(tx, msisdn) and not reply.is_answer):
        return None
    return msisdn


def _answers(msisdn: str) -> str:
    return f"answer {msisdn}"


def _counted(tx: Transaction, what: str, most: int) -> bool:
    """Count one reply more; False when the number has had its share."""
    since = tx.now - DAY_MS
    if attempts.count(tx, what, since) >= most:
        return False
    attempts.add(tx, what, since)
    return True


def _put(tx: Transaction, reply: Reply) -> None:
    subscriber = bytes.fromhex(reply.subscriber)
    outbox.put(tx, outbox.SMS, REPLY, "", msgspec.json.encode(reply).decode(), subscriber=subscriber)
