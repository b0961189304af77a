"""What became of the SMS that were sent, and what each cost. A message is kept by the entry of the outbox that it was;
its text and number are not here."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sado.store.transaction import Transaction

# From the least to the most certain; a report never takes a message back.
RANKS = ("uncertain", "sent", "buffered", "failed", "delivered")


@dataclass(frozen=True)
class Delivery:
    """One message: `state` is one of RANKS, `price` in thousandths of the country's money, times in milliseconds.
    `latin_segments` is how many it would have been in Latin letters."""

    entry: int
    reference: str
    kind: str
    gateway: str
    language: str
    encoding: str
    segments: int
    latin_segments: int
    price: int
    state: str
    word: str
    sent_at: int
    updated_at: int


COLUMNS = (
    "entry, reference, kind, gateway, language, encoding, segments, latin_segments, price, state, word,"
    " sent_at, updated_at"
)


def add(tx: Transaction, delivery: Delivery, message: str) -> Delivery | None:
    """Keep a message that the gateway knows as `message`. A report that came before it is taken up at once, and the
    message as it then stands is given back."""
    tx.run(
        f"INSERT INTO deliveries ({COLUMNS}, message) VALUES (:entry, :reference, :kind, :gateway, :language,"  # noqa: S608
        " :encoding, :segments, :latin_segments, :price, :state, :word, :sent_at, :updated_at, :message)"
        " ON CONFLICT (entry) DO UPDATE SET gateway = excluded.gateway, message = excluded.message,"
        " state = excluded.state, updated_at = excluded.updated_at, price = deliveries.price + excluded.price,"
        " segments = deliveries.segments + excluded.segments,"
        " latin_segments = deliveries.latin_segments + excluded.latin_segments",
        **delivery.__dict__,
        message=_key(tx, delivery.gateway, message),
    )
    early = tx.one(
        "DELETE FROM early_reports WHERE message = :message RETURNING state, word",
        message=_key(tx, delivery.gateway, message),
    )
    return report(tx, delivery.gateway, message, *early) if early else None


def report(tx: Transaction, gateway: str, message: str, state: str, word: str) -> Delivery | None:
    """Take a report; the message as it now stands. One that is older than what is known changes nothing, one of a
    message that is not known yet is kept for it, and None is given back."""
    key = _key(tx, gateway, message)
    row = tx.one(f"SELECT {COLUMNS} FROM deliveries WHERE message = :message", message=key)  # noqa: S608
    if row is None:
        tx.run(
            "INSERT INTO early_reports (message, state, word, at) VALUES (:message, :state, :word, :at)"
            " ON CONFLICT (message) DO UPDATE SET state = excluded.state, word = excluded.word, at = excluded.at",
            message=key,
            state=state,
            word=word,
            at=tx.now,
        )
        return None
    delivery = Delivery(*row)
    if RANKS.index(state) <= RANKS.index(delivery.state):
        return delivery
    tx.run(
        "UPDATE deliveries SET state = :state, word = :word, updated_at = :at WHERE entry = :entry",
        state=state,
        word=word,
        at=tx.now,
        entry=delivery.entry,
    )
    return replace(delivery, state=state, word=word, updated_at=tx.now)


def of_case(tx: Transaction, reference: str) -> list[Delivery]:
    """The messages about a case, oldest first."""
    rows = tx.all(
        f"SELECT {COLUMNS} FROM deliveries WHERE reference = :reference ORDER BY sent_at, entry",  # noqa: S608
        reference=reference,
    )
    return [Delivery(*row) for row in rows]


def spent(tx: Transaction, since: int) -> int:
    """What was paid for messages since this moment, in thousandths."""
    return int(tx.value("SELECT COALESCE(SUM(price), 0) FROM deliveries WHERE sent_at >= :since", since=since))


@dataclass(frozen=True)
class Cost:
    """Messages of one kind, language and encoding in a time: how many, their segments, those they would
    have been in Latin letters, their price in thousandths."""

    kind: str
    language: str
    encoding: str
    messages: int
    segments: int
    latin_segments: int
    price: int


def costs(tx: Transaction, since: int, before: int) -> list[Cost]:
    """What was sent in a time, by kind, language and encoding."""
    rows = tx.all(
        "SELECT kind, language, encoding, COUNT(*), SUM(segments), SUM(latin_segments), SUM(price) FROM deliveries"
        " WHERE sent_at >= :since AND sent_at < :before"
        " GROUP BY kind, language, encoding ORDER BY kind, language, encoding",
        since=since,
        before=before,
    )
    return [Cost(*row[:3], *(int(number) for number in row[3:])) for row in rows]


def forget_reports(tx: Transaction, before: int) -> int:
    """Delete the reports of messages that we never knew; how many."""
    return len(tx.all("DELETE FROM early_reports WHERE at < :before RETURNING message", before=before))


def _key(tx: Transaction, gateway: str, message: str) -> bytes:
    return tx.lookup(f"{gateway} {message}")
