"""Who wants to hear of what, and from where. A place that is empty means everywhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sado.store.tables import subscribers
from sado.store.transaction import Transaction, in_list

# One subscriber may match several times: by a topic and a wider one, by a place and by everywhere.
_WANTED = (
    " FROM subscriptions JOIN subscribers ON subscribers.hash = subscriptions.subscriber AND NOT subscribers.is_muted"
    " WHERE subscriptions.topic IN {topics}"
    " AND (subscriptions.place = :place OR subscriptions.place = '' OR :place = '')"
)


@dataclass(frozen=True)
class Subscription:
    """What one subscriber chose."""

    topic: str
    place: str


@dataclass(frozen=True)
class Recipient:
    """Whom a message is for; `language` is empty for one who has not chosen."""

    msisdn: str
    language: str


def add(tx: Transaction, msisdn: str, topic: str, place: str) -> bool:
    """Tell this number of the topic at the place from now on. False when it is told already."""
    row = tx.one(
        "INSERT INTO subscriptions (subscriber, topic, place) VALUES (:subscriber, :topic, :place)"
        " ON CONFLICT (subscriber, topic, place) DO NOTHING RETURNING topic",
        subscriber=subscribers.meet(tx, msisdn),
        topic=topic,
        place=place,
    )
    return row is not None


def remove(tx: Transaction, msisdn: str, topic: str, place: str) -> bool:
    """Tell it no more, not even what waits to leave. False when it was not told."""
    row = tx.one(
        "DELETE FROM subscriptions WHERE subscriber = :subscriber AND topic = :topic AND place = :place"
        " RETURNING topic",
        subscriber=tx.lookup(msisdn),
        topic=topic,
        place=place,
    )
    return row is not None


def of(tx: Transaction, msisdn: str) -> list[Subscription]:
    """What this number chose, by topic and place."""
    rows = tx.all(
        "SELECT topic, place FROM subscriptions WHERE subscriber = :subscriber ORDER BY topic, place",
        subscriber=tx.lookup(msisdn),
    )
    return [Subscription(*row) for row in rows]


def count(tx: Transaction, topics: Sequence[str], place: str) -> int:
    """How many want SMS about one of the topics at the place."""
    wanted, parameters = _wanted(topics, place)
    return int(tx.value(f"SELECT COUNT(DISTINCT subscriptions.subscriber){wanted}", **parameters))


def after(tx: Transaction, topics: Sequence[str], place: str, last: bytes, limit: int) -> list[bytes]:
    """The next subscribers who want SMS about one of the topics at the place: each once, in the order of their
    hashes, those that follow `last`."""
    wanted, parameters = _wanted(topics, place)
    rows = tx.all(
        f"SELECT DISTINCT subscriptions.subscriber{wanted} AND subscriptions.subscriber > :last"
        " ORDER BY subscriptions.subscriber LIMIT :limit",
        **parameters,
        last=last,
        limit=limit,
    )
    return [row[0] for row in rows]


def recipient(tx: Transaction, topics: Sequence[str], place: str, subscriber: bytes) -> Recipient | None:
    """This subscriber's number and language, or None when she does not want SMS about the topics at the place."""
    wanted, parameters = _wanted(topics, place)
    subscriber = tx.rehashed(subscriber)
    row = tx.one(
        f"SELECT subscribers.msisdn, subscribers.language{wanted} AND subscriptions.subscriber = :subscriber",
        **parameters,
        subscriber=subscriber,
    )
    return None if row is None else Recipient(tx.unseal(row[0], subscribers.MSISDN, subscriber.hex()), row[1])


def _wanted(topics: Sequence[str], place: str) -> tuple[str, dict[str, Any]]:
    among, parameters = in_list("topic", topics)
    return _WANTED.format(topics=among), {**parameters, "place": place}
