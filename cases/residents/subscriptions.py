"""Telling residents by SMS what they want to hear of (store/tables/subscriptions.py).

A topic is words joined by dots, the wide one first: who chose `jobs` hears of `jobs.driver` too. A place is the code
of one, or empty for everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from sado.store import Transaction
from sado.store.tables import outbox as entries
from sado.store.tables import subscriptions as rows
from sado.store.tables.subscriptions import Recipient
from sado.sync import outbox
from sado.sync.codes import EntryKind

ANNOUNCEMENT, ALERT = EntryKind.ANNOUNCEMENT, EntryKind.ALERT
# So many entries are put in one transaction, which a hop may have to wait for: some milliseconds.
STEP = 100


class Alert(msgspec.Struct, frozen=True):
    """One SMS of an announcement. It names its subscriber by her keyed hash, in hexadecimal: the number is looked up
    when the SMS leaves, so there is none to find for one who has had hers deleted."""

    subscriber: str
    topic: str
    place: str
    texts: dict[str, str]


class Announcement(msgspec.Struct, frozen=True):
    """What there is to tell, by language, and the last subscriber for whom an alert was put."""

    topic: str
    place: str
    texts: dict[str, str]
    last: str = ""


def tell(tx: Transaction, topic: str, place: str, texts: Mapping[str, str]) -> int:
    """Queue an SMS for each subscriber of the topic, or of a wider one, at the place; for how many that is.

    `texts` are the words by language. What is told of no place in particular reaches the subscribers at every place.
    One entry is put here, whatever their number; it is taken apart in steps when it is due (see `spread`)."""
    count = rows.count(tx, _covering(topic), place)
    if count:
        _put(tx, ANNOUNCEMENT, Announcement(topic, place, dict(texts)))
    return count


def spread(tx: Transaction, announcement: Announcement) -> None:
    """Put the alerts for the next subscribers, and what is left as another announcement behind them: so other SMS,
    put meanwhile, wait for one step and not for all."""
    topic, place, texts = announcement.topic, announcement.place, announcement.texts
    subscribers = rows.after(tx, _covering(topic), place, bytes.fromhex(announcement.last), STEP)
    for subscriber in subscribers:
        _put(tx, ALERT, Alert(subscriber.hex(), topic, place, texts), subscriber)
    if len(subscribers) == STEP:
        _put(tx, ANNOUNCEMENT, msgspec.structs.replace(announcement, last=subscribers[-1].hex()))


def are_told(tx: Transaction) -> bool:
    """Whether an announcement is being taken apart, which goes by the order of the hashes."""
    return entries.waits(tx, outbox.SMS, ANNOUNCEMENT)


def recipient(tx: Transaction, alert: Alert) -> Recipient | None:
    """Whom to send this alert to, or None when its subscriber does not want it any more."""
    return rows.recipient(tx, _covering(alert.topic), alert.place, bytes.fromhex(alert.subscriber))


def _covering(topic: str) -> list[str]:
    """The topic and every wider one: a.b and a."""
    words = topic.split(".")
    return [".".join(words[:end]) for end in range(len(words), 0, -1)]


def _put(tx: Transaction, kind: EntryKind, body: msgspec.Struct, subscriber: bytes | None = None) -> None:
    outbox.put(tx, outbox.SMS, kind, "", msgspec.json.encode(body).decode(), outbox.NORMAL, subscriber)
