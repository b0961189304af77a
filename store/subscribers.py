"""Subscribers: people as their phones show them, found by the keyed hash of the MSISDN."""

from __future__ import annotations

from store.transaction import Transaction


def language_of(tx: Transaction, msisdn: str) -> str | None:
    """The language the subscriber chose, or None for one we have not met."""
    language: str | None = tx.value("SELECT language FROM subscribers WHERE hash = :hash", hash=tx.keys.lookup(msisdn))
    return language


def remember_language(tx: Transaction, msisdn: str, language: str) -> None:
    """Keep the choice for every later session and message of this subscriber."""
    subscriber = tx.keys.lookup(msisdn)
    tx.run(
        "INSERT INTO subscribers (hash, msisdn, language, created_at) VALUES (:hash, :msisdn, :language, :at)"
        " ON CONFLICT (hash) DO UPDATE SET language = excluded.language",
        hash=subscriber,
        msisdn=tx.seal(msisdn, "subscribers.msisdn", subscriber.hex()),
        language=language,
        at=tx.now,
    )
