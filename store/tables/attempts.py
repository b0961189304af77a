"""Counts of what has a limit, by the keyed hash of what is counted: wrong tries, filings, replies. They hold across
restarts."""

from __future__ import annotations

from sado.store.transaction import Transaction


def count(tx: Transaction, what: str, since: int) -> int:
    """How many tries were noted; the count begins anew when its first try lies before `since`."""
    return int(
        tx.value(
            "SELECT tries FROM attempts WHERE hash = :hash AND first_at > :since",
            hash=tx.lookup(what),
            since=since,
        )
        or 0
    )


def add(tx: Transaction, what: str, since: int) -> None:
    """Note one more try."""
    tries = count(tx, what, since) + 1
    tx.run(
        "INSERT INTO attempts (hash, tries, first_at) VALUES (:hash, :tries, :at) ON CONFLICT (hash) DO UPDATE"
        " SET tries = :tries, first_at = CASE WHEN :tries = 1 THEN :at ELSE attempts.first_at END",
        hash=tx.lookup(what),
        tries=tries,
        at=tx.now,
    )


def began(tx: Transaction, what: str) -> int:
    """When the first of the tries counted now was noted, in milliseconds since 1970 UTC; 0 without one."""
    return int(tx.value("SELECT first_at FROM attempts WHERE hash = :hash", hash=tx.lookup(what)) or 0)


def forget(tx: Transaction, before: int) -> None:
    """Delete the counts that began before `before`."""
    tx.run("DELETE FROM attempts WHERE first_at < :before", before=before)
