"""SMS from residents: which were taken, so that one that is delivered again has no second effect."""

from __future__ import annotations

from sado.store.transaction import Transaction


def is_new(tx: Transaction, gateway: str, message: str) -> bool:
    """Note this gateway's message; False when it was taken before."""
    row = tx.one(
        "INSERT INTO received_messages (hash, received_at) VALUES (:hash, :at)"
        " ON CONFLICT (hash) DO NOTHING RETURNING hash",
        hash=tx.lookup(f"{gateway} {message}"),
        at=tx.now,
    )
    return row is not None


def forget(tx: Transaction, before: int) -> int:
    """Delete the notes of messages taken before this moment; how many."""
    return len(tx.all("DELETE FROM received_messages WHERE received_at < :before RETURNING hash", before=before))
