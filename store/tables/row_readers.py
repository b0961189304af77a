"""Which phones have found which rows of registers about persons: keyed hashes alone, so neither can be read here."""

from __future__ import annotations

from sado.store.transaction import Transaction


def add(tx: Transaction, target: str, msisdn: str) -> None:
    """Note that this phone found what it looked for."""
    tx.run(
        "INSERT INTO row_readers (hash, subscriber, read_at) VALUES (:hash, :subscriber, :at)"
        " ON CONFLICT (hash) DO UPDATE SET read_at = excluded.read_at",
        hash=tx.lookup(f"{target} read by {msisdn}"),
        subscriber=tx.lookup(msisdn),
        at=tx.now,
    )


def has(tx: Transaction, target: str, msisdn: str) -> bool:
    """Whether this phone has found it before."""
    found = tx.lookup(f"{target} read by {msisdn}")
    return tx.one("SELECT 1 FROM row_readers WHERE hash = :hash", hash=found) is not None


def forget(tx: Transaction, before: int) -> None:
    """Delete what was last found before `before`."""
    tx.run("DELETE FROM row_readers WHERE read_at < :before", before=before)
