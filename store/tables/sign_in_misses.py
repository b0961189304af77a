"""Wrong passwords and codes, by the keyed hash of who is held up by them; they hold across restarts."""

from __future__ import annotations

from sado.store.transaction import Transaction

# Of those that are `is_passing`; the oldest go. Each cost its author the comparison of a password, so by the time that
# somebody has pushed out one of his own, its wait is long over.
MOST = 10_000


def find(tx: Transaction, what: str, since: int) -> tuple[int, int]:
    """How many, and when the last one was. None, where the last one lies before `since`."""
    row = tx.one(
        "SELECT misses, at FROM sign_in_misses WHERE hash = :hash AND at > :since", hash=tx.lookup(what), since=since
    )
    return (0, 0) if row is None else (row[0], row[1])


def add(tx: Transaction, what: str, since: int, is_passing: bool) -> None:
    """Note one more. Strangers can make as many of the passing ones as they like, so there is room for so many only."""
    misses, _ = find(tx, what, since)
    tx.run(
        "INSERT INTO sign_in_misses (hash, misses, at, is_passing) VALUES (:hash, :misses, :now, :is_passing)"
        " ON CONFLICT (hash) DO UPDATE SET misses = excluded.misses, at = excluded.at",
        hash=tx.lookup(what),
        misses=misses + 1,
        now=tx.steady,
        is_passing=is_passing,
    )
    tx.run(
        "DELETE FROM sign_in_misses WHERE hash IN (SELECT hash FROM sign_in_misses WHERE is_passing"
        " ORDER BY at DESC LIMIT 1 OFFSET :most)",
        most=MOST,
    )


def clear(tx: Transaction, what: str) -> None:
    """Forget these."""
    tx.run("DELETE FROM sign_in_misses WHERE hash = :hash", hash=tx.lookup(what))


def forget(tx: Transaction, before: int) -> None:
    """Delete those whose last one lies before `before`."""
    tx.run("DELETE FROM sign_in_misses WHERE at < :before", before=before)
