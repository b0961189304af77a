"""Subscribers: people as their phones show them, found by the keyed hash of the MSISDN. The number itself stands
sealed in this one row; whatever else is kept of a subscriber names her by the hash."""

from __future__ import annotations

from dataclasses import dataclass

from sado.store.transaction import Transaction

MSISDN = "subscribers.msisdn"


@dataclass(frozen=True)
class Stored:
    """How much is kept of one number. `since` is the first contact in milliseconds since 1970 UTC; it and `language`
    are None for a number that we have not met."""

    cases: int
    drafts: int
    subscriptions: int
    language: str | None
    since: int | None


def language_of(tx: Transaction, msisdn: str) -> str | None:
    """The language the subscriber chose, or None for one who has not chosen yet."""
    language: str | None = tx.value("SELECT language FROM subscribers WHERE hash = :hash", hash=tx.lookup(msisdn))
    return language or None


def remember_language(tx: Transaction, msisdn: str, language: str) -> None:
    """Keep the choice for every later session and message of this subscriber."""
    subscriber = meet(tx, msisdn)
    tx.run("UPDATE subscribers SET language = :language WHERE hash = :hash", language=language, hash=subscriber)


def meet(tx: Transaction, msisdn: str) -> bytes:
    """Keep the number if it is a new one, without a language yet; its keyed hash."""
    subscriber = tx.lookup(msisdn)
    tx.run(
        "INSERT INTO subscribers (hash, msisdn, language, created_at) VALUES (:hash, :msisdn, '', :at)"
        " ON CONFLICT (hash) DO NOTHING",
        hash=subscriber,
        msisdn=tx.seal(msisdn, MSISDN, subscriber.hex()),
        at=tx.now,
    )
    return subscriber


def set_muted(tx: Transaction, msisdn: str, is_muted: bool) -> None:
    """Keep whether this number wants no SMS at all."""
    subscriber = meet(tx, msisdn)
    tx.run("UPDATE subscribers SET is_muted = :is_muted WHERE hash = :hash", is_muted=is_muted, hash=subscriber)


def is_muted(tx: Transaction, msisdn: str) -> bool:
    """Whether this number wants no SMS at all."""
    return bool(tx.value("SELECT is_muted FROM subscribers WHERE hash = :hash", hash=tx.lookup(msisdn)))


def msisdn_of(tx: Transaction, subscriber: bytes) -> str | None:
    """The number behind this keyed hash, or None when it was deleted."""
    subscriber = tx.rehashed(subscriber)
    sealed = tx.value("SELECT msisdn FROM subscribers WHERE hash = :hash", hash=subscriber)
    return None if sealed is None else tx.unseal(sealed, MSISDN, subscriber.hex())


def every(tx: Transaction) -> list[str]:
    """Every number that is kept here, also one that is only a case's."""
    known = tx.all("SELECT msisdn, hash FROM subscribers")
    filed = tx.all("SELECT msisdn, reference FROM cases WHERE subscriber <> :nobody", nobody=b"")
    numbers = {tx.unseal(sealed, MSISDN, hashed.hex()) for sealed, hashed in known}
    return sorted(numbers | {tx.unseal(sealed, "cases.msisdn", reference) for sealed, reference in filed})


def stored(tx: Transaction, msisdn: str) -> Stored:
    """How much is kept of this number."""
    subscriber = tx.lookup(msisdn)
    row = tx.one("SELECT language, created_at FROM subscribers WHERE hash = :hash", hash=subscriber)
    language, since = row or ("", None)
    return Stored(
        cases=tx.value("SELECT COUNT(*) FROM cases WHERE subscriber = :hash", hash=subscriber),
        drafts=tx.value("SELECT COUNT(*) FROM drafts WHERE subscriber = :hash", hash=subscriber),
        subscriptions=tx.value("SELECT COUNT(*) FROM subscriptions WHERE subscriber = :hash", hash=subscriber),
        language=language or None,
        since=since,
    )


def forget(tx: Transaction, msisdn: str) -> None:
    """Delete the number with its language, its wish for no SMS, its subscriptions, drafts and sessions, which rows of
    registers it has found, and the SMS to it, whatever became of them."""
    subscriber = tx.lookup(msisdn)
    tx.run("DELETE FROM sessions WHERE subscriber = :hash", hash=subscriber)
    tx.run("DELETE FROM outbox WHERE subscriber = :hash", hash=subscriber)
    tx.run("DELETE FROM drafts WHERE subscriber = :hash", hash=subscriber)
    tx.run("DELETE FROM subscriptions WHERE subscriber = :hash", hash=subscriber)
    tx.run("DELETE FROM row_readers WHERE subscriber = :hash", hash=subscriber)
    tx.run("DELETE FROM subscribers WHERE hash = :hash", hash=subscriber)
